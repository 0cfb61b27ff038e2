"""The desk: all that a hand needs on one canvas, put together on its view.

It installs the gestures, what takes drops, the quick-add list, the find bar, the commands with their shortcuts and the
menus; a window makes one for each view and listens to its signals.
"""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QColorDialog

from nodegraph import Graph, Link

from .canvas import CanvasView, Gesturing
from .canvases import GRID
from .commands import COMMANDS, actions_for
from .documents import Change
from .drops import Drops
from .edits import (
    add_node,
    connect,
    edit_frame,
    edit_note,
    fitting,
    insert_on_link,
    set_colour,
    why_not_insert,
)
from .find_bar import FindBar
from .gestures import Gesture
from .gestures.cut import Cut
from .gestures.double_click import DoubleClick
from .gestures.duplicate import DuplicateDrag
from .gestures.link import GRIP, LinkPorts
from .gestures.move import Move, snapped
from .gestures.resize import EDGE, Resize, grip_at, grip_cursor
from .gestures.select import SelectRectangle
from .keys import Key, named, numbers_of, placed, selected, selected_nodes
from .menus import menu_at
from .quick_add import Choice, QuickAdd
from .shapes import HEADER, WIDTH, PortRef
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
        self._choose: Callable[[Choice], None] = lambda choice: None
        self.quick_add = QuickAdd(usage, view)
        self.quick_add.chosen.connect(lambda choice: self._chosen(choice))
        self.quick_add.closed.connect(self._dismissed)
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
        if self.quick_add.isVisible():
            self.quick_add.close_quietly()
            self._dismissed()

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

    def add(self, kind: str, at: QPointF | None = None) -> str | None:
        """Add a node with its title's middle at a point, or, without one, in the middle of the view; its id."""
        where = self.view.visible_rect().center() if at is None else at
        corner = where - QPointF(WIDTH / 2, HEADER / 2)
        if at is None:
            corner = self._beside_others(corner)
        try:
            graph, id = add_node(
                placed(self.scene, self.document.graph), self.scene.catalogue, kind, self.on_grid(corner)
            )
        except ValueError as error:
            self.said.emit(str(error))
            return None
        self.document.edit(f"Add {kind}", graph)
        self.scene.select([id], "replace")
        return id

    def add_in_middle(self, kind: str) -> None:
        """Add what was chosen in the palette where the user looks."""
        if self.add(kind) is not None:
            self.usage.add(kind)

    def _beside_others(self, corner: QPointF) -> QPointF:
        """A corner that no other node's covers: the next one down the diagonal."""
        taken = {(item.home.x(), item.home.y()) for item in self.scene.nodes.values()}
        while self.on_grid(corner) in taken:
            corner = corner + QPointF(2 * GRID, 2 * GRID)
        return corner

    # the list of nodes

    def open_quick_add(self, at: QPointF | None = None) -> None:
        """Offer all kinds; the chosen one is added at a point of the scene, or where the cursor is."""
        where = self.pointer() if at is None else at
        choices = [Choice(kind) for kind in self.scene.catalogue.kinds.values()]
        self._offer(where, choices, "", lambda choice: self._add_at(choice, where))

    def _add_at(self, choice: Choice, at: QPointF) -> None:
        self.add(choice.kind.id, at)

    def offer_fitting(self, port: PortRef, at: QPointF) -> None:
        """Offer the kinds that fit a port, after its wire was dropped at a point of the empty canvas."""
        graph, catalogue = self.document.graph, self.scene.catalogue
        fits = fitting(graph, catalogue, port, self.usage.counts)
        what = self.scene.port(port)
        if not fits or what is None:
            self.said.emit(f"no node fits {port.node}.{port.name}")
            return
        self.scene.show_wire(port, at, True)
        verb = "make" if port.is_input else "take"
        heading = f"Nodes that {verb} {port.name} ({catalogue.type_name(what.base_type)})"
        choices = [Choice(fit.kind, fit.name) for fit in fits]
        self._offer(at, choices, heading, lambda choice: self._add_linked(choice, port, at))

    def _add_linked(self, choice: Choice, port: PortRef, at: QPointF) -> None:
        corner = at - QPointF(WIDTH if port.is_input else 0, HEADER / 2)
        graph = placed(self.scene, self.document.graph)
        graph, id = add_node(graph, self.scene.catalogue, choice.kind.id, self.on_grid(corner))
        new = PortRef(id, choice.port or "", not port.is_input)
        source, target = (new, port) if port.is_input else (port, new)
        graph = connect(graph, self.scene.catalogue, source, target)
        self.document.edit(f"Add {choice.kind.id}, linked to {port.node}.{port.name}", graph)
        self.scene.select([id], "replace")

    def offer_between(self, link: Link, at: QPointF) -> None:
        """Offer the kinds that can be put into a link."""
        graph, catalogue = placed(self.scene, self.document.graph), self.scene.catalogue
        choices = []
        for kind in catalogue.kinds.values():
            if kind.inputs and kind.outputs:
                grown, id = add_node(graph, catalogue, kind.id, self.on_grid(at))
                if not why_not_insert(grown, catalogue, link, id):
                    choices.append(Choice(kind))
        if not choices:
            self.said.emit(f"no node fits into {link}")
            return
        self._offer(
            at, choices, f"Nodes that fit into {link}", lambda choice: self.add_between(choice.kind.id, link, at)
        )

    def add_between(self, kind: str, link: Link, at: QPointF) -> None:
        """Add a node on a wire, with what comes after it moved to make room."""
        corner = at - QPointF(WIDTH / 2, HEADER / 2)
        graph = placed(self.scene, self.document.graph)
        graph, id = add_node(graph, self.scene.catalogue, kind, self.on_grid(corner))
        graph = insert_on_link(graph, self.scene.catalogue, link, id, self.scene.sizes())
        self.document.edit(f"Insert {kind} into {link}", graph)
        self.scene.select([id], "replace")

    def _offer(self, at: QPointF, choices: list[Choice], heading: str, choose: Callable[[Choice], None]) -> None:
        self._choose = choose
        self.quick_add.colours = self.scene.theme.category_colours(self.scene.catalogue)
        self.quick_add.open_at(self.view.mapFromScene(at), choices, heading)

    def _chosen(self, choice: Choice) -> None:
        self._dismissed()
        self._choose(choice)

    def _dismissed(self) -> None:
        self.scene.hide_wire()

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
