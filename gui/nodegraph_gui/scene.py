"""The scene: a document's items, and what a hand and a run show on them.

It never writes: a gesture moves items provisionally (`shift`), asks the document for an edit, and `settle` puts
everything where the document says. Selection, hover, states of a run and problems are shown here and belong to no file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGraphicsItem

from nodegraph import Link, Problem

from . import hits
from .canvases import canvas_of
from .catalogues import Catalogue
from .documents import Change, Document
from .frame_items import FrameItem
from .live_wire import LiveWire
from .mirrors import Key, Mirror
from .node_items import NodeItem
from .note_items import NoteItem
from .paints import Paints
from .shapes import PortRef
from .states import IDLE, NodeState
from .themes import Theme
from .wire_items import WireItem

__all__ = ["Key", "Scene", "SelectHow"]

SelectHow: TypeAlias = Literal["replace", "add", "toggle", "subtract"]
Put: TypeAlias = Callable[[float, float], None]
Followers: TypeAlias = tuple[list[tuple[Put, float, float]], list[WireItem], list[WireItem]]

MANY = 20  # items that are moved at once
ABOVE = 10.0


class Scene(Mirror):
    """What a document looks like, and what is selected in it.

    Attributes:
        selection: the ids of the nodes that are selected; `selected_frames` and `selected_notes` go by number.
        above: what gestures draw over everything, at any zoom: items whose z is ABOVE or more when they are added.

    Signals:
        selection_changed: another selection.
    """

    selection_changed = Signal()

    def __init__(self, document: Document, catalogue: Catalogue, theme: Theme, parent: QObject | None = None) -> None:
        self.selection: frozenset[str] = frozenset()
        self.selected_frames: frozenset[int] = frozenset()
        self.selected_notes: frozenset[int] = frozenset()
        self._glowing: set[str] = set()
        self._lit: tuple[Link, ...] = ()
        self._hovered: str | None = None
        self._shifted: set[Key] = set()
        self._followers: Followers = ([], [], [])
        self.above: list[QGraphicsItem] = []
        super().__init__(document, catalogue, theme, parent)
        self._live = LiveWire(self.paints, ABOVE)
        self.addItem(self._live)

    def addItem(self, item: QGraphicsItem) -> None:
        super().addItem(item)
        if item.zValue() >= ABOVE:
            self.above.append(item)

    def removeItem(self, item: QGraphicsItem) -> None:
        super().removeItem(item)
        if item in self.above:
            self.above.remove(item)

    def _changed(self, change: Change) -> None:
        if change.before.canvas is change.after.canvas:
            self.settle()
        _, within, _ = self._followers
        super()._changed(change)
        for wire in within:
            wire.setPos(0.0, 0.0)
            wire.follow()
        self._followers = ([], [], [])
        kept = {key for key in self.selected_keys if self.item_of(key) is not None}
        self._set_selection((returned(change) if change.kind in ("undo", "redo") else set()) or kept)

    def _adrift(self) -> list[str]:
        """What a gesture shifted: it is not put back first, since an edit mostly leaves it where it is."""
        shifted, self._shifted = self._shifted, set()
        return [key for key in shifted if isinstance(key, str) and key in self._nodes]

    def _place_around(self) -> None:
        super()._place_around()
        for frame in self.frames:
            frame.set_selected(frame.number in self.selected_frames)
        for note in self.notes:
            note.set_selected(note.number in self.selected_notes)

    def _draw_with(self, paints: Paints) -> None:
        self._live.paints = paints
        super()._draw_with(paints)

    # what is at a point

    def node_at(self, pos: QPointF) -> str | None:
        """The topmost node at a point."""
        return hits.node_at(self, pos)

    def port_at(self, pos: QPointF, radius: float) -> PortRef | None:
        """The nearest port within `radius`; one that another node lies over does not count."""
        return hits.port_at(self, pos, radius)

    def link_at(self, pos: QPointF, radius: float) -> Link | None:
        """The nearest wire within `radius`, also below a node."""
        return hits.link_at(self, pos, radius)

    def field_at(self, pos: QPointF) -> tuple[str, str] | None:
        """The node and the input whose value is at a point."""
        return hits.field_at(self, pos)

    def frame_at(self, pos: QPointF) -> int | None:
        """The frame whose title is at a point; the rest of a frame is as the empty canvas."""
        return next((item.number for item in reversed(self.frames) if item.bar.contains(pos)), None)

    def note_at(self, pos: QPointF) -> int | None:
        return next((item.number for item in reversed(self.notes) if item.rect.contains(pos)), None)

    def nodes_in(self, rect: QRectF) -> list[str]:
        """The nodes that a rectangle touches."""
        return hits.nodes_in(self, rect)

    # selection

    @property
    def selected_keys(self) -> frozenset[Key]:
        frames = {("frame", number) for number in self.selected_frames}
        return frozenset({*self.selection, *frames, *(("note", number) for number in self.selected_notes)})

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
        crowded = (len(old) > MANY) != (len(new) > MANY)
        for key in old | new if crowded else old ^ new:
            if isinstance(key, str):
                self._light_at(key)
        self.looks_changed.emit()
        self.selection_changed.emit()

    # what a gesture shows

    def shift(self, keys: Iterable[Key], delta: QPointF) -> None:
        """Show things moved by `delta` from where the document says they are, and all others there."""
        moved = set(keys)
        if moved != self._shifted:
            self._move_shifted(QPointF())
            self._shifted = moved
            self._followers = self._find_followers()
        self._move_shifted(delta)
        self.content_changed.emit()

    def settle(self) -> None:
        """Put everything where the document says it is."""
        if self._shifted:
            self.shift((), QPointF())

    def _move_shifted(self, delta: QPointF) -> None:
        items, within, leading = self._followers
        if len(items) > MANY:
            self.update()  # one large area instead of many small ones, which cost Qt more than to draw them
        dx, dy = delta.x(), delta.y()
        for move_to, x, y in items:
            move_to(x + dx, y + dy)
        for wire in within:
            wire.setPos(dx, dy)
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
        return items, list(within), list(leading)

    def show_wire(self, start: PortRef, end: QPointF, ok: bool = True) -> None:
        """Show a wire from a port to a point; not `ok`: it would not fit there."""
        at = self.port_pos(start)
        first, last = (end, at) if start.is_input else (at, end)
        self._live.end = end
        self._live.lead(first, last, self.paints.port_colour(self.port(start)), ok)

    def hide_wire(self) -> None:
        self._live.hide()

    def glow(self, ports: Mapping[PortRef, str]) -> None:
        """Show which ports fit ("") and grey the others, whose reasons are shown as tooltips."""
        by_node: dict[str, dict[PortRef, str]] = {}
        for ref, reason in ports.items():
            by_node.setdefault(ref.node, {})[ref] = reason
        for node in {*self._glowing, *by_node}:
            item = self._nodes.get(node)
            if item is not None:
                item.set_glow(by_node.get(node, {}))
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
                wire.set_lit(self._is_lit(link), self._is_raised(link))

    def hover(self, node: str | None) -> None:
        """Show where the wires of the node under the cursor lead, over what they pass."""
        if node != self._hovered:
            before, self._hovered = self._hovered, node
            for each in (before, node):
                if each is not None:
                    self._light_at(each)

    def _light_at(self, node: str) -> None:
        few = len(self.selection) <= MANY
        for link, wire in self.wires_at(node).items():
            lit = self._is_lit(link)
            wire.set_lit(lit, lit and (few or self._is_raised(link)))

    def _is_lit(self, link: Link) -> bool:
        source, target, chosen = link.source, link.target, self.selection
        return source in chosen or target in chosen or self._hovered in (source, target) or link in self._lit

    def _is_raised(self, link: Link) -> bool:
        """Whether a wire is drawn over nodes, as long as few are."""
        return self._is_lit(link) and (
            len(self.selection) <= MANY or self._hovered in (link.source, link.target) or link in self._lit
        )

    # what a run says

    def set_state(self, node: str, state: NodeState) -> None:
        """Show where a node stands in a run."""
        item = self._nodes.get(node)
        if item is not None:
            before = item.places.height, item.far_colour
            item.set_state(state)
            self._resized(item, *before)

    def reset_states(self) -> None:
        """Forget the run that was shown."""
        for item in self._nodes.values():
            if item.state is not IDLE:
                self.set_state(item.id, IDLE)

    def set_problems(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        """Mark the nodes that have problems, and no other."""
        for id, item in self._nodes.items():
            item.set_problems(problems.get(id, ()))
        self.looks_changed.emit()

    def set_preview(self, node: str, image: QImage | None) -> None:
        """Show a picture in a node, or none."""
        item = self._nodes.get(node)
        if item is not None:
            before = item.places.height, item.far_colour
            item.set_preview(image)
            self._resized(item, *before)

    def _resized(self, item: NodeItem, height: float, colour: str) -> None:
        if item.places.height != height:
            for wire in self.wires_at(item.id).values():
                wire.follow()  # one that leads back goes around the node
            self.content_changed.emit()
        elif item.far_colour != colour:
            self.looks_changed.emit()


def returned(change: Change) -> set[Key]:
    """What an undo or redo brought back: it is what the user looks for next."""
    before, after = canvas_of(change.before), canvas_of(change.after)
    nodes = set() if change.before.nodes is change.after.nodes else change.after.nodes.keys() - change.before.nodes
    found: set[Key] = set(nodes)
    if len(after.frames) > len(before.frames):
        there = list(before.frames.values())
        found |= {("frame", number) for number, frame in after.frames.items() if frame not in there}
    if len(after.notes) > len(before.notes):
        known = list(before.notes.values())
        found |= {("note", number) for number, note in after.notes.items() if note not in known}
    return found


def mover(item: NodeItem | FrameItem | NoteItem) -> Put:
    return item.move_to if isinstance(item, FrameItem) else item.setPos
