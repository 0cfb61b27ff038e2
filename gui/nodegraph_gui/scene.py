"""The graph as items: one for each node, one for each wire, kept equal to the document.

The scene observes the document and changes only what differs. It never writes: a gesture moves items provisionally
(`shift`), asks the document for an edit, and `settle` puts everything where the document says. Selection, hover, states
of a run and problems are shown here and belong to no file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGraphicsScene

from nodegraph import Link, Problem

from .canvases import canvas_of
from .catalogues import Catalogue, Port
from .differences import Differences, differences
from .documents import Change, Document
from .frame_items import FrameItem
from .live_wire import LiveWire
from .node_items import NodeItem
from .note_items import NoteItem
from .paints import Paints
from .places import lay_out
from .shapes import WIDTH, PortRef
from .states import IDLE, NodeState
from .themes import Theme
from .wire_items import WireItem

__all__ = ["Key", "Scene", "SelectHow"]

MANY = 20  # items that are moved at once

Key: TypeAlias = "str | tuple[str, int]"  # a node by its id, ("frame", number) or ("note", number)
Put: TypeAlias = Callable[[float, float], None]
Followers: TypeAlias = tuple[list[tuple[Put, float, float]], list[Put], list[WireItem]]
SelectHow: TypeAlias = Literal["replace", "add", "toggle", "subtract"]


class Scene(QGraphicsScene):
    """What a document looks like.

    Attributes:
        selection: the ids of the nodes that are selected; `selected_frames` and `selected_notes` go by number.

    Signals:
        selection_changed: another selection.
        content_changed: nodes, wires, frames or notes came, went or moved, provisionally or not.
        looks_changed: they stayed where they are, and are drawn otherwise.
    """

    selection_changed = Signal()
    content_changed = Signal()
    looks_changed = Signal()

    def __init__(self, document: Document, catalogue: Catalogue, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.catalogue = catalogue
        self.paints = Paints(theme, catalogue)
        self.selection: frozenset[str] = frozenset()
        self.selected_frames: frozenset[int] = frozenset()
        self.selected_notes: frozenset[int] = frozenset()
        self.frames: list[FrameItem] = []
        self.notes: list[NoteItem] = []
        self._nodes: dict[str, NodeItem] = {}
        self._wires: dict[Link, WireItem] = {}
        self._wires_at: dict[str, dict[Link, WireItem]] = {}
        self._glowing: set[str] = set()
        self._lit: tuple[Link, ...] = ()
        self._shifted: set[Key] = set()
        self._followers: Followers = ([], [], [])
        self._guessed: dict[str, QPointF] = {}  # where nodes are shown that have no position
        self._live = LiveWire(self.paints)
        self.addItem(self._live)
        self._build()
        self._unsubscribe = document.subscribe(self._changed)

    def close(self) -> None:
        """Observe the document no more."""
        self._unsubscribe()

    # what there is

    @property
    def theme(self) -> Theme:
        return self.paints.theme

    @property
    def nodes(self) -> Mapping[str, NodeItem]:
        return self._nodes

    @property
    def wires(self) -> Mapping[Link, WireItem]:
        return self._wires

    def wires_at(self, node: str) -> Mapping[Link, WireItem]:
        """The wires that begin or end at a node."""
        return self._wires_at.get(node, {})

    def ports(self, node: str | None = None) -> Iterator[PortRef]:
        """The ports that are shown, of one node or of all."""
        items = self._nodes.values() if node is None else (self._nodes[node],)
        for item in items:
            yield from item.places.places

    def port(self, ref: PortRef) -> Port | None:
        """What the kind says of a port; None when its node or its kind does not know it."""
        item = self._nodes.get(ref.node)
        if item is None or item.kind is None:
            return None
        return (item.kind.inputs_by_name if ref.is_input else item.kind.outputs_by_name).get(ref.name)

    def port_pos(self, ref: PortRef) -> QPointF:
        item = self._nodes[ref.node]
        return item.pos() + item.places.port_at(ref)

    def node_rect(self, node: str) -> QRectF:
        item = self._nodes[node]
        return item.places.rect.translated(item.pos())

    def field_rect(self, node: str, input: str) -> QRectF:
        """Where the value of an input is; empty when it is not shown."""
        item = self._nodes[node]
        place = item.places.fields_by_name.get(input)
        return place.rect.translated(item.pos()) if place is not None else QRectF()

    def content_rect(self, keys: Iterable[Key] | None = None) -> QRectF:
        """What holds these nodes, frames and notes, or all; empty when there are none."""
        found = QRectF()
        for key in self.keys() if keys is None else keys:
            found = found.united(self.rect_of(key))
        return found

    def keys(self) -> Iterator[Key]:
        yield from self._nodes
        yield from (frame.key for frame in self.frames)
        yield from (note.key for note in self.notes)

    def rect_of(self, key: Key) -> QRectF:
        item = self.item_of(key)
        if item is None:
            return QRectF()
        return self.node_rect(item.id) if isinstance(item, NodeItem) else item.rect

    def item_of(self, key: Key) -> NodeItem | FrameItem | NoteItem | None:
        if isinstance(key, str):
            return self._nodes.get(key)
        items: Sequence[FrameItem | NoteItem] = self.frames if key[0] == "frame" else self.notes
        return next((item for item in items if item.number == key[1]), None)

    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of every node, for arranging them."""
        return {id: (item.places.width, item.places.height) for id, item in self._nodes.items()}

    # what is at a point

    def node_at(self, pos: QPointF) -> str | None:
        """The topmost node at a point."""
        for item in self.items(pos):
            if isinstance(item, NodeItem) and item.places.rect.contains(pos - item.pos()):
                return item.id
        return None

    def port_at(self, pos: QPointF, radius: float) -> PortRef | None:
        """The nearest port within `radius`; one that another node lies over does not count."""
        over = self.node_at(pos)
        best, found = radius, None
        for item in self.items(square(pos, radius)):
            if not isinstance(item, NodeItem):
                continue
            local = pos - item.pos()
            for place in item.places.ports:
                dx, dy = place.x - local.x(), place.y - local.y()
                distance = (dx * dx + dy * dy) ** 0.5
                if distance <= best and (over in (None, item.id) or not self._covers(over, item, place.x, place.y)):
                    best, found = distance, place.ref
        return found

    def _covers(self, over: str | None, item: NodeItem, x: float, y: float) -> bool:
        return over is not None and self.node_rect(over).contains(item.pos() + QPointF(x, y))

    def link_at(self, pos: QPointF, radius: float) -> Link | None:
        """The nearest wire within `radius`, also below a node."""
        best, found = radius, None
        for item in self.items(square(pos, radius)):
            if isinstance(item, WireItem):
                distance = item.distance(pos)
                if distance <= best:
                    best, found = distance, item.link
        return found

    def field_at(self, pos: QPointF) -> tuple[str, str] | None:
        """The node and the input whose value is at a point."""
        node = self.node_at(pos)
        if node is None:
            return None
        item = self._nodes[node]
        local = pos - item.pos()
        name = item.places.field_at(local.x(), local.y())
        return None if name is None else (node, name)

    def frame_at(self, pos: QPointF) -> int | None:
        """The frame whose title is at a point; the rest of a frame is as the empty canvas."""
        return next((item.number for item in reversed(self.frames) if item.bar.contains(pos)), None)

    def note_at(self, pos: QPointF) -> int | None:
        return next((item.number for item in reversed(self.notes) if item.rect.contains(pos)), None)

    def nodes_in(self, rect: QRectF) -> list[str]:
        """The nodes that a rectangle touches."""
        return [
            item.id
            for item in self.items(rect)
            if isinstance(item, NodeItem) and self.node_rect(item.id).intersects(rect)
        ]

    # selection

    def select(self, keys: Iterable[Key], how: SelectHow = "replace") -> None:
        """Change what is selected: nodes by id, frames and notes by key; what is not there is passed over."""
        there = {key for key in keys if self.item_of(key) is not None}
        now = set(self.selected_keys)
        if how == "replace":
            new = there
        elif how == "add":
            new = now | there
        else:
            new = now ^ there if how == "toggle" else now - there
        self._set_selection(new)

    @property
    def selected_keys(self) -> frozenset[Key]:
        frames = {("frame", number) for number in self.selected_frames}
        return frozenset({*self.selection, *frames, *(("note", number) for number in self.selected_notes)})

    def _set_selection(self, new: set[Key]) -> None:
        old = self.selected_keys
        if old == new:
            return
        self.selection = frozenset(key for key in new if isinstance(key, str))
        self.selected_frames = frozenset(key[1] for key in new if not isinstance(key, str) and key[0] == "frame")
        self.selected_notes = frozenset(key[1] for key in new if not isinstance(key, str) and key[0] == "note")
        for key in old ^ new:
            item = self.item_of(key)
            if item is not None:
                item.set_selected(key in new)
            if isinstance(key, str):
                for wire in self.wires_at(key).values():
                    self._light(wire)
        self.looks_changed.emit()
        self.selection_changed.emit()

    # what a gesture shows

    def shift(self, keys: Iterable[Key], delta: QPointF) -> None:
        """Show things moved by `delta` from where the document says they are."""
        moved = set(keys)
        if moved != self._shifted:
            self._move_shifted(QPointF())
            self._shifted = moved
            self._followers = self._find_followers()
        self._move_shifted(delta)
        self.content_changed.emit()

    def _move_shifted(self, delta: QPointF) -> None:
        items, within, leading = self._followers
        if len(items) > MANY:
            self.update()  # one large area instead of many small ones, which cost Qt more than to draw them
        dx, dy = delta.x(), delta.y()
        for move_to, x, y in items:
            move_to(x + dx, y + dy)
        for move_to in within:
            move_to(dx, dy)
        for wire in leading:
            wire.follow()

    def _find_followers(self) -> Followers:
        """What moves with the things that are shifted: they, the wires among them, and those that lead out."""
        moved = self._shifted
        found = (item for item in map(self.item_of, moved) if item is not None)
        items = [(mover(item), item.home.x(), item.home.y()) for item in found]
        within: dict[WireItem, None] = {}
        leading: dict[WireItem, None] = {}
        for key in moved:
            if isinstance(key, str):
                for link, wire in self.wires_at(key).items():
                    (within if link.source in moved and link.target in moved else leading)[wire] = None
        return items, [wire.setPos for wire in within], list(leading)

    def settle(self) -> None:
        """Put everything where the document says it is."""
        if self._shifted:
            self.shift((), QPointF())

    def show_wire(self, start: PortRef, end: QPointF, ok: bool = True) -> None:
        """Show a wire from a port to a point; not `ok`: it would not fit there."""
        at = self.port_pos(start)
        first, last = (end, at) if start.is_input else (at, end)
        port = self.port(start)
        colour = self.catalogue.colour(port.base_type) if port is not None else self.theme.quiet
        self._live.end = end
        self._live.lead(first, last, colour, ok)

    def hide_wire(self) -> None:
        self._live.hide()

    def glow(self, ports: Mapping[PortRef, str]) -> None:
        """Show which ports fit ("") and grey the others, whose reasons are shown as tooltips."""
        by_node: dict[str, dict[PortRef, str]] = {}
        for ref, reason in ports.items():
            by_node.setdefault(ref.node, {})[ref] = reason
        for node in self._glowing - by_node.keys():
            if node in self._nodes:
                self._nodes[node].set_glow({})
        for node, some in by_node.items():
            if node in self._nodes:
                self._nodes[node].set_glow(some)
        self._glowing = set(by_node)

    def unglow(self) -> None:
        self.glow({})

    def why_greyed(self, ref: PortRef) -> str:
        """Why a port does not fit what is being dragged; "" when it does, or when nothing is dragged."""
        item = self._nodes.get(ref.node)
        return item.glow.get(ref, "") if item is not None else ""

    def light(self, links: Iterable[Link] = ()) -> None:
        """Draw some wires thicker: those that would be cut, or that a node would be put on."""
        old, self._lit = self._lit, tuple(links)
        for link in (*old, *self._lit):
            wire = self._wires.get(link)
            if wire is not None:
                self._light(wire)

    def _light(self, wire: WireItem) -> None:
        link = wire.link
        wire.set_lit(link in self._lit or link.source in self.selection or link.target in self.selection)

    # what a run says

    def set_state(self, node: str, state: NodeState) -> None:
        """Show where a node stands in a run."""
        item = self._nodes.get(node)
        if item is None:
            return
        height, colour = item.places.height, item.far_colour
        item.set_state(state)
        if item.places.height != height:
            self.content_changed.emit()
        elif item.far_colour != colour:
            self.looks_changed.emit()

    def reset_states(self) -> None:
        for item in self._nodes.values():
            if item.state is not IDLE:
                item.set_state(IDLE)
        self.content_changed.emit()

    def set_problems(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        """Mark the nodes that have problems, and no other."""
        for id, item in self._nodes.items():
            item.set_problems(problems.get(id, ()))
        self.looks_changed.emit()

    def set_preview(self, node: str, image: QImage | None) -> None:
        """Show a picture in a node, or none."""
        item = self._nodes.get(node)
        if item is None:
            return
        height = item.places.height
        item.set_preview(image)
        if item.places.height != height:
            self.content_changed.emit()

    # the document

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Draw the nodes as another catalogue describes them."""
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self._repaint_with(Paints(self.theme, catalogue))

    def set_theme(self, theme: Theme) -> None:
        if theme != self.theme:
            self._repaint_with(Paints(theme, self.catalogue))

    def _repaint_with(self, paints: Paints) -> None:
        self.paints = paints
        self._live.paints = paints
        items: tuple[NodeItem | WireItem | FrameItem | NoteItem, ...]
        items = (*self._nodes.values(), *self._wires.values(), *self.frames, *self.notes)
        for item in items:
            item.paints = paints
        for id in self._nodes:
            self._refresh(id)
        for link in self._wires:
            self._dress(link)
        self.update()
        self.content_changed.emit()

    def _build(self) -> None:
        graph = self.document.graph
        for id in graph.nodes:
            self._add_node(id)
        self._place_nodes(tuple(graph.nodes))
        for link in graph.links:
            self._add_wire(link)
        self._place_around()

    def _changed(self, change: Change) -> None:
        if change.kind == "replace":
            self._guessed.clear()
        self._reconcile(differences(change.before, change.after), change.kind == "replace")
        self.content_changed.emit()

    def _reconcile(self, differ: Differences, replaced: bool) -> None:
        graph = self.document.graph
        self.settle()
        for link in differ.unlinked:
            if link not in graph.in_links[link.target]:
                self._remove_wire(link)
        for id in differ.removed:
            for link in tuple(self.wires_at(id)):
                self._remove_wire(link)
            self._wires_at.pop(id, None)
            self._guessed.pop(id, None)
            self._glowing.discard(id)
            self.removeItem(self._nodes.pop(id))
        for id in differ.added:
            self._add_node(id)
        for link in differ.linked:
            self._add_wire(link)
        for id in differ.added:
            for link in (*graph.in_links[id], *graph.out_links[id]):
                self._add_wire(link)
        ends = {end for link in (*differ.linked, *differ.unlinked) for end in (link.source, link.target)}
        looks = self._differing_looks() if differ.canvas else set()
        touched = [id for id in {*differ.changed, *ends, *looks} if id in self._nodes and id not in differ.added]
        for id in touched:
            self._refresh(id)
        moved = self._place_nodes(tuple(self._nodes) if differ.canvas or replaced else differ.added)
        redrawn = {*moved, *touched, *differ.added}
        for id in redrawn:
            for link, wire in self.wires_at(id).items():
                wire.attach(*self._ends(link))
                self._dress(link)
        if differ.canvas:
            self._place_around()
        self._set_selection({key for key in self.selected_keys if self.item_of(key) is not None})

    def _differing_looks(self) -> set[str]:
        """The nodes that are folded, wide or coloured otherwise than they are shown."""
        canvas = canvas_of(self.document.graph)
        collapsed, widths, colours = canvas.collapsed, canvas.widths, canvas.colours
        return {
            id
            for id, item in self._nodes.items()
            if item.looks != (id in collapsed, widths.get(id, WIDTH), colours.get(id, ""))
        }

    def _add_node(self, id: str) -> None:
        item = NodeItem(id, self.paints)
        self._nodes[id] = item
        self._wires_at.setdefault(id, {})
        self._refresh(id)
        self.addItem(item)

    def _refresh(self, id: str) -> None:
        graph, canvas = self.document.graph, canvas_of(self.document.graph)
        node = graph.nodes[id]
        self._nodes[id].become(
            node,
            self.catalogue.get(node.type),
            graph.in_links[id],
            graph.out_links[id],
            id in canvas.collapsed,
            canvas.widths.get(id, WIDTH),
            canvas.colours.get(id, ""),
        )

    def _add_wire(self, link: Link) -> None:
        if link in self._wires or link.source not in self._nodes or link.target not in self._nodes:
            return
        wire = WireItem(link, self._nodes[link.source], self._nodes[link.target], self.paints)
        self._wires[link] = self._wires_at[link.source][link] = self._wires_at[link.target][link] = wire
        self._dress(link)
        wire.attach(*self._ends(link))
        self._light(wire)
        self.addItem(wire)

    def _remove_wire(self, link: Link) -> None:
        wire = self._wires.pop(link, None)
        if wire is not None:
            for end in (link.source, link.target):
                self._wires_at.get(end, {}).pop(link, None)
            self.removeItem(wire)

    def _dress(self, link: Link) -> None:
        """Give a wire the looks of what flows through it."""
        source, target = self._nodes[link.source], self._nodes[link.target]
        given = source.kind.outputs_by_name.get(link.output) if source.kind else None
        wanted = target.kind.inputs_by_name.get(link.input) if target.kind else None
        conversion = fault = ""
        if given is not None and wanted is not None:
            fault = self.catalogue.why_not(given, wanted, link.index is not None)
            conversion = "" if fault else self.catalogue.conversion(given, wanted) or ""
        port = given or wanted
        colour = self.catalogue.colour(port.base_type) if port is not None else self.theme.quiet
        muted = "mute" in (source.node.mode, target.node.mode)
        self._wires[link].set_looks(colour, conversion, fault, muted)

    def _ends(self, link: Link) -> tuple[QPointF, QPointF]:
        """Where in its source a wire begins, and where in its target it ends."""
        source, target = self._nodes[link.source].places, self._nodes[link.target].places
        start = source.port_at(PortRef(link.source, link.output, False))
        return start, target.port_at(PortRef(link.target, link.input, True, link.index))

    def _place_nodes(self, ids: Iterable[str]) -> set[str]:
        """Put nodes where the document says; which of them that moved."""
        positions = canvas_of(self.document.graph).positions
        moved = set()
        missing = []
        for id in ids:
            at = positions.get(id)
            if at is None:
                if id not in self._guessed:
                    missing.append(id)
                    continue
                home = self._guessed[id]
            else:
                home = QPointF(*at)
            item = self._nodes[id]
            item.home = home
            if item.pos() != home:
                item.setPos(home)
                moved.add(id)
        if missing:
            known = {id: (item.home.x(), item.home.y()) for id, item in self._nodes.items() if id not in missing}
            found = lay_out(self.document.graph, missing, known, lambda id: self._nodes[id].places.height)
            self._guessed |= {id: QPointF(*at) for id, at in found.items()}
            moved |= self._place_nodes(missing)
        return moved

    def _place_around(self) -> None:
        """Make the frames and notes those that the document says."""
        canvas = canvas_of(self.document.graph)
        if list(canvas.frames) != [item.number for item in self.frames]:
            for frame in self.frames:
                self.removeItem(frame.title)
                self.removeItem(frame)
            self.frames = [FrameItem(number, self.paints) for number in canvas.frames]
            for frame in self.frames:
                self.addItem(frame)
                self.addItem(frame.title)
        for frame in self.frames:
            frame.become(canvas.frames[frame.number])
            frame.set_selected(frame.number in self.selected_frames)
        if list(canvas.notes) != [item.number for item in self.notes]:
            for note in self.notes:
                self.removeItem(note)
            self.notes = [NoteItem(number, self.paints) for number in canvas.notes]
            for note in self.notes:
                self.addItem(note)
        for note in self.notes:
            note.become(canvas.notes[note.number])
            note.set_selected(note.number in self.selected_notes)
        self._place_notes()

    def _place_notes(self) -> None:
        """Show notes without a place above all nodes, one above the other."""
        rects = [self.node_rect(id) for id in self._nodes]
        left = min((rect.left() for rect in rects), default=0.0)
        bottom = min((rect.top() for rect in rects), default=0.0) - 40
        for note in self.notes:
            if note.note.rect is None:
                note.home = QPointF(left, bottom - note.rect.height())
                note.setPos(note.home)
                bottom = note.home.y() - 20


def mover(item: NodeItem | FrameItem | NoteItem) -> Put:
    return item.move_to if isinstance(item, FrameItem) else item.setPos


def square(pos: QPointF, radius: float) -> QRectF:
    return QRectF(pos.x() - radius, pos.y() - radius, 2 * radius, 2 * radius)

