"""The desk: all that a hand needs on one canvas, put together on its view.

It installs the gestures, what takes drops, the lists to choose from, the find bar, the commands with their shortcuts
and the menus; a window makes one for each view and listens to its signals.
"""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QColorDialog

from nodegraph import Graph

from .canvas import CanvasView, Gesturing
from .canvases import GRID
from .columns import around
from .commands import COMMANDS, actions_for
from .documents import Change
from .drops import Drops
from .edits import add_node, edit_frame, edit_note, move, set_colour
from .find_bar import FindBar
from .free_places import beside, in_sight
from .gestures import Gesture
from .gestures.cut import Cut
from .gestures.double_click import DoubleClick
from .gestures.duplicate import DuplicateDrag
from .gestures.link import GRIP, LinkPorts
from .gestures.move import Move, snapped
from .gestures.resize import EDGE, Resize, grip_at, grip_cursor
from .gestures.select import SelectRectangle
from .keys import Key, as_rect, named, numbers_of, placed, selected, selected_nodes
from .linking import End
from .menus import menu_at
from .offers import Offers, linked
from .shapes import HEADER, WIDTH
from .sizes import roomy
from .usage import Usage
from .writings import Writings

__all__ = ["Desk"]

FIRST = (Cut, DoubleClick, LinkPorts, DuplicateDrag)  # asked in this order, then those that were added, then
LAST = (Resize, Move, SelectRectangle)


class Desk(QObject):
    """What is on a view, and what its commands have in common.

    Signals:
        opened: a graph was dropped, by the path of its file.
        said: something for the status bar that should stay a while, such as why a drop was refused.

    Attributes:
        snap: whether what is moved snaps to the grid; Shift turns it over during a drag.
        cutting: whether Y is held, which makes a drag a cut.
        offers: the lists of nodes and of links.
        node_actions: what the window can do with selected nodes, for their menu.
        actions: a QAction for each command, by the command's id, with its shortcut, enabled as things are.
    """

    opened = Signal(str)
    said = Signal(str)

    def __init__(self, view: CanvasView, usage: Usage, *, snap: bool = True) -> None:
        super().__init__(view)
        self.view = view
        self.scene = view.canvas
        self.document = self.scene.document
        self.usage = usage
        self.snap = snap
        self.cutting = False
        self.node_actions: list[QAction] = []
        self._cursor: Qt.CursorShape | None = None
        self._mouse: QPoint | None = None  # where the cursor is over the view
        self.offers = Offers(self)
        self.quick_add = self.offers.quick_add
        self.find_bar = FindBar(view)
        self.writings = Writings(self)
        self.drops = Drops(self)
        view.drops.append(self.drops)
        view.factories.extend(self._factory(gesture) for gesture in (*FIRST, *LAST))
        view.menu_wanted.connect(self.show_menu)
        view.installEventFilter(self)
        self._viewport = view.viewport()  # not asked for in the filter: a view that is going has none
        self._viewport.installEventFilter(self)
        self.actions: dict[str, QAction] = actions_for(self, COMMANDS)
        view.addActions(list(self.actions.values()))
        self.scene.selection_changed.connect(self.document.seal)
        self.destroyed.connect(self.document.subscribe(self._changed))

    def _changed(self, change: Change) -> None:
        """Nodes or links came or went: whatever a hand was about to do with them is taken back.

        A gesture's own edit comes when it is over; one that only turns values during a drag goes on.
        """
        before, after = change.before, change.after
        if before.nodes.keys() == after.nodes.keys() and before.links == after.links:
            return
        self.view.cancel()
        self.offers.close()

    def _factory(self, gesture: type[Gesture]) -> Callable[[CanvasView], Gesture]:
        return lambda view: gesture(self)

    def add_gesture(self, factory: Callable[[CanvasView], Gesturing]) -> None:
        """Let another gesture be asked before those that resize, move and select: such as a drag over a value."""
        self.view.factories.insert(len(self.view.factories) - len(LAST), factory)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Where the cursor is and whether Y is held is seen in passing; no event is kept from the view."""
        if watched is self._viewport:
            if isinstance(event, QMouseEvent):
                self._mouse = event.position().toPoint()
                if event.type() == QEvent.Type.MouseMove and not event.buttons() and self.view.gesture is None:
                    self._show_grip()
            elif event.type() == QEvent.Type.Leave:
                self._mouse = None
            return False
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Y and not event.isAutoRepeat():
            if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                self.cutting = event.type() == QEvent.Type.KeyPress and not event.modifiers()
        elif isinstance(event, QFocusEvent) and event.type() == QEvent.Type.FocusOut:
            self.cutting = False
        return False

    def _show_grip(self) -> None:
        """The cursor says where something can be resized; a port at that edge comes first."""
        at = self.view.mapToScene(self._mouse or QPoint())
        found = grip_at(self.scene, at, self.view.pixels(EDGE))
        if found is not None and self.scene.port_at(at, self.view.pixels(GRIP)) is not None:
            found = None
        cursor = None if found is None else grip_cursor(found[1])
        if cursor != self._cursor:
            self._cursor = cursor
            if cursor is None:
                self._viewport.unsetCursor()
            else:
                self._viewport.setCursor(cursor)

    # where things are added

    def pointer(self) -> QPointF:
        """Where the cursor is in the scene, or the middle of what is seen when it is elsewhere."""
        return self.view.visible_rect().center() if self._mouse is None else self.view.mapToScene(self._mouse)

    def on_grid(self, at: QPointF) -> tuple[float, float]:
        point = snapped(at, GRID if self.snap else 1)
        return point.x(), point.y()

    def free_pointer(self) -> QPointF | None:
        """Where the cursor is in the scene, when a node added there would not lie over one right below it."""
        at = None if self._mouse is None else self.view.mapToScene(self._mouse)
        return None if at is None or self.scene.node_at(at) is not None else at

    def add(self, kind: str, at: QPointF | None = None, link: tuple[End, str] | None = None) -> str | None:
        """Add a node with its title's middle at a point, or, without one, where nothing is; returns its id.

        Args:
            at: None: beside what is selected, or else in sight, as near to the middle as it is free.
            link: a port of another node, and the port of this one that is linked to it.
        """
        catalogue = self.scene.catalogue
        corner = (0.0, 0.0) if at is None else self.on_grid(at - QPointF(WIDTH / 2, HEADER / 2))
        try:
            graph, id = add_node(placed(self.scene, self.document.graph), catalogue, kind, corner)
        except ValueError as error:
            self.said.emit(str(error))
            return None
        label = f"Add {kind}"
        if link is not None:
            graph = linked(graph, catalogue, link[0], id, link[1])
            label += f", linked to {link[0].node}.{link[0].name}"
        if at is None:
            graph = move(graph, {id: self._free_corner(graph, id, link is not None and link[0].is_input)})
        self.document.edit(label, graph)
        self.scene.select([id], "replace")
        if at is None:
            self.view.reveal(self.scene.node_rect(id))
        return id

    def add_chosen(self, kind: str) -> None:
        """Add what was chosen in the palette."""
        if self.add(kind) is not None:
            self.usage.add(kind)

    def _free_corner(self, graph: Graph, node: str, feeds: bool) -> tuple[float, float]:
        """A place for a new node over no other, with room for the picture that it may show."""
        room = roomy(graph, self.scene.catalogue, self.scene.sizes())
        taken = [as_rect(item.rect) for item in self.scene.notes]
        taken += [as_rect(self.scene.node_rect(each))._replace(height=room[each][1]) for each in self.scene.nodes]
        nodes = selected_nodes(self.scene)
        if nodes:
            other = around([as_rect(self.scene.node_rect(each)) for each in nodes])
            return beside(room[node], other, taken, "left" if feeds else "right")
        return in_sight(room[node], as_rect(self.view.visible_rect()), taken)

    # titles, notes and colours

    def add_and_type(self, label: str, graph: Graph, key: tuple[str, int]) -> None:
        """Add a frame or a note, whose title or text is typed at once: both are one step of the history."""
        self.writings.add(label, graph, key)

    def edit_title(self, key: Key) -> None:
        """Type the title of a node or frame where it stands."""
        self.writings.write_title(key)

    def edit_note(self, number: int) -> None:
        """Type the text of a note where it lies."""
        self.writings.write_note(number)

    def take_back(self) -> bool:
        """Undo was asked for: take back what the hand or the keyboard is about to do; whether there was something."""
        return self.view.cancel() or self.writings.take_back()

    def choose_colour(self) -> None:
        """Ask for the colour of what is selected; the dialog does not stop the program."""
        dialog = QColorDialog(self.view.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda colour: self.colour(QColor(colour).name()))
        dialog.open()

    def colour(self, colour: str | None) -> None:
        """Give what is selected a colour of its own, or, with None, that of its category."""
        keys = selected(self.scene)
        graph = set_colour(self.document.graph, selected_nodes(self.scene), colour)
        for number in numbers_of(keys, "note"):
            graph = edit_note(graph, number, colour=colour or "")
        for number in numbers_of(keys, "frame"):
            graph = edit_frame(graph, number, colour=colour or "")
        self.document.edit(f"Colour {named(keys)}", graph)

    # menus

    def show_menu(self, screen: QPoint, at: QPointF) -> None:
        menu_at(self, at).popup(screen)

    def edit(self, label: str, graph: Graph, *, select: Iterable[Key] | None = None) -> None:
        """Make an edit, and select what it is about."""
        self.document.edit(label, graph)
        if select is not None:
            self.scene.select(select, "replace")
