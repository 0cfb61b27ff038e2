"""The items of a graph, kept equal to the document: what an edit left alone is not touched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtWidgets import QGraphicsScene

from nodegraph import Graph, Link

from .arranging import laid_out
from .canvases import Canvas, Note, Rect, canvas_of
from .catalogues import Catalogue, Port
from .differences import Differences, differences
from .documents import Change, Document
from .frame_items import FrameItem
from .node_items import NodeItem
from .note_items import NoteItem, note_height
from .paints import Paints
from .shapes import WIDTH, PortRef
from .themes import Theme
from .wire_items import WireItem

__all__ = ["Key", "Mirror"]

Key: TypeAlias = str | tuple[str, int]  # a node by its id, ("frame", number) or ("note", number)


class Mirror(QGraphicsScene):
    """Nodes, wires, frames and notes as the document has them.

    What has no place in the file is shown where a layout puts it, and stays there; nothing is written.

    Signals:
        content_changed: something came, went or moved, provisionally or not.
        looks_changed: all stayed where it is, and something is drawn otherwise.
    """

    content_changed = Signal()
    looks_changed = Signal()

    def __init__(self, document: Document, catalogue: Catalogue, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)  # a tree costs more to keep than it saves
        self.document = document
        self.catalogue = catalogue
        self.paints = Paints(theme, catalogue)
        self.frames: list[FrameItem] = []
        self.notes: list[NoteItem] = []
        self._nodes: dict[str, NodeItem] = {}
        self._wires: dict[Link, WireItem] = {}
        self._wires_at: dict[str, dict[Link, WireItem]] = {}
        self._guessed: dict[str, QPointF] = {}  # where nodes are shown that have no place
        self._guessed_notes: dict[tuple[int, str], Rect] = {}
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

    def keys(self) -> Iterator[Key]:
        yield from self._nodes
        yield from (frame.key for frame in self.frames)
        yield from (note.key for note in self.notes)

    def item_of(self, key: Key) -> NodeItem | FrameItem | NoteItem | None:
        if isinstance(key, str):
            return self._nodes.get(key)
        items: Sequence[FrameItem | NoteItem] = self.frames if key[0] == "frame" else self.notes
        return next((item for item in items if item.number == key[1]), None)

    def ports(self, node: str | None = None) -> Iterator[PortRef]:
        """The ports that are shown, of one node or of all."""
        items = self._nodes.values() if node is None else (self._nodes[node],)
        for item in items:
            yield from item.places.places

    def port(self, ref: PortRef) -> Port | None:
        """What the kind says of a port; None when the node is not there or its kind has no such port."""
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

    def rect_of(self, key: Key) -> QRectF:
        item = self.item_of(key)
        if item is None:
            return QRectF()
        return self.node_rect(item.id) if isinstance(item, NodeItem) else item.rect

    def content_rect(self, keys: Iterable[Key] | None = None) -> QRectF:
        """What holds these nodes, frames and notes, or all; empty when there are none."""
        found = QRectF()
        for key in self.keys() if keys is None else keys:
            found = found.united(self.rect_of(key))
        return found

    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of every node as it is drawn, for arranging them."""
        return {id: (item.places.width, item.places.height) for id, item in self._nodes.items()}

    # how it is drawn

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Draw the nodes as another catalogue describes them."""
        if catalogue != self.catalogue:
            first = not self.catalogue.kinds
            self.catalogue = catalogue
            self._draw_with(Paints(self.theme, catalogue))
            if first:  # what was given a place while nobody knew how large it is
                self._guess_anew()

    def set_theme(self, theme: Theme) -> None:
        if theme != self.theme:
            self._draw_with(Paints(theme, self.catalogue))

    def _draw_with(self, paints: Paints) -> None:
        self.paints = paints
        items: tuple[NodeItem | WireItem | FrameItem | NoteItem, ...]
        items = (*self._nodes.values(), *self._wires.values(), *self.frames, *self.notes)
        for item in items:
            item.paints = paints
        for id in self._nodes:
            self._refresh(id)
        for link, wire in self._wires.items():
            wire.attach(*self._ends(link))
            self._dress(link)
        self.update()
        self.content_changed.emit()

    def _guess_anew(self) -> None:
        """Give nodes and notes that the document has no place for another one."""
        self._guessed.clear()
        self._guessed_notes.clear()
        for id in self._place_nodes(tuple(self._nodes)):
            for link, wire in self.wires_at(id).items():
                wire.attach(*self._ends(link))
        self._place_around()
        self.content_changed.emit()

    # the document

    def _build(self) -> None:
        graph = self.document.graph
        for id in graph.nodes:
            self._add_node(id)
        self._place_nodes(tuple(graph.nodes))
        for link in graph.links:
            self._add_wire(link)
        self._place_around()

    def _changed(self, change: Change) -> None:
        replaced = change.kind == "replace"
        if replaced:
            self._guessed.clear()
            self._guessed_notes.clear()
        before = None if replaced else canvas_of(change.before)
        self._reconcile(differences(change.before, change.after), before)
        self.content_changed.emit()

    def _reconcile(self, differ: Differences, before: Canvas | None) -> None:
        """Show what differs; `before` is the canvas that is shown, or None where another graph is."""
        graph = self.document.graph
        for link in differ.unlinked:
            if link not in graph.in_links[link.target]:
                self._remove_wire(link)
        for id in differ.removed:
            self._remove_node(id)
        for id in differ.added:
            self._add_node(id)
        for link in differ.linked:
            self._add_wire(link)
        for id in differ.added:
            for link in (*graph.in_links[id], *graph.out_links[id]):
                self._add_wire(link)
        ends = {end for link in (*differ.linked, *differ.unlinked) for end in (link.source, link.target)}
        looks = self._differing_looks(before) if differ.canvas else set()
        touched = [id for id in {*differ.changed, *ends, *looks} if id in self._nodes and id not in differ.added]
        for id in touched:
            self._refresh(id)
        elsewhere = self._elsewhere(before) if differ.canvas or before is None else ()
        moved = self._place_nodes(tuple(dict.fromkeys((*differ.added, *elsewhere, *self._adrift()))))
        for id in {*moved, *touched, *differ.added}:
            for link, wire in self.wires_at(id).items():
                wire.attach(*self._ends(link))
                self._dress(link)
        if differ.canvas or before is None:
            self._place_around()

    def _adrift(self) -> Iterable[str]:
        """Nodes that are shown elsewhere than the document said so far."""
        return ()

    def _differing_looks(self, before: Canvas | None) -> set[str]:
        """The nodes that are to be folded, wide or coloured otherwise than they are shown."""
        canvas = canvas_of(self.document.graph)
        if before is None:
            collapsed, widths, colours = canvas.collapsed, canvas.widths, canvas.colours
            return {
                id
                for id, item in self._nodes.items()
                if item.looks != (id in collapsed, widths.get(id, WIDTH), colours.get(id, ""))
            }
        parts = (before.widths, canvas.widths), (before.colours, canvas.colours)
        differing = (id for old, new in parts for id in {*old, *new} if old.get(id) != new.get(id))
        return {*(before.collapsed ^ canvas.collapsed), *differing}

    def _elsewhere(self, before: Canvas | None) -> list[str]:
        """The nodes that are to stand elsewhere than they are shown."""
        new = canvas_of(self.document.graph).positions
        if before is None:
            return list(self._nodes)
        old = before.positions
        return [id for id in self._nodes if old.get(id) != new.get(id)]

    def _add_node(self, id: str) -> None:
        item = NodeItem(id, self.paints)
        self._nodes[id] = item
        self._wires_at.setdefault(id, {})
        self._refresh(id)
        self.addItem(item)

    def _remove_node(self, id: str) -> None:
        for link in tuple(self.wires_at(id)):
            self._remove_wire(link)
        self._wires_at.pop(id, None)
        self._guessed.pop(id, None)
        self.removeItem(self._nodes.pop(id))

    def _refresh(self, id: str) -> None:
        """Make a node what the document says."""
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
        self._wires[link].set_looks(colour, conversion, fault, muted, self._is_lit(link))

    def _is_lit(self, link: Link) -> bool:
        """Whether a wire is to be drawn thick."""
        return False

    def _ends(self, link: Link) -> tuple[QPointF, QPointF]:
        """Where in its source a wire begins, and where in its target it ends."""
        source, target = self._nodes[link.source].places, self._nodes[link.target].places
        start = source.port_at(PortRef(link.source, link.output, False))
        return start, target.port_at(PortRef(link.target, link.input, True, link.index))

    # places

    def _place_nodes(self, ids: Iterable[str]) -> set[str]:
        """Put nodes where they belong; which of them that moved."""
        positions = canvas_of(self.document.graph).positions
        missing = [id for id in ids if id not in positions and id not in self._guessed]
        if missing:
            found = canvas_of(self._laid_out(missing)).positions
            self._guessed |= {id: QPointF(*found[id]) for id in missing}
        moved = set()
        for id in ids:
            at = positions.get(id)
            home = self._guessed[id] if at is None else QPointF(*at)
            item = self._nodes[id]
            item.home = home
            if item.pos() != home:
                item.setPos(home)
                moved.add(id)
        return moved

    def _laid_out(self, missing: Iterable[str] = ()) -> Graph:
        """The graph with a place for everything, where what is guessed already stays where it is."""
        graph = self.document.graph
        if self._guessed:
            positions = {id: [at.x(), at.y()] for id, at in self._guessed.items() if id not in missing}
            known = graph.canvas.get("positions")
            graph = graph.with_canvas({**graph.canvas, "positions": {**positions, **dict(known or {})}})
        return laid_out(graph, self.catalogue, self.sizes())

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
        if list(canvas.notes) != [item.number for item in self.notes]:
            for item in self.notes:
                self.removeItem(item)
            self.notes = [NoteItem(number, self.paints) for number in canvas.notes]
            for item in self.notes:
                self.addItem(item)
        for item in self.notes:
            item.become(self._placed_note(item.number, canvas.notes[item.number]))

    def _placed_note(self, number: int, note: Note) -> Note:
        if note.rect is not None:
            return note
        key = (number, note.text)
        if key not in self._guessed_notes:
            found = canvas_of(self._laid_out()).notes[number].rect or Rect(0, 0, 0, 0)
            high = note_height(note.text, found.width, self.paints)
            self._guessed_notes[key] = Rect(found.x, found.bottom - high, found.width, high)
        return replace(note, rect=self._guessed_notes[key])
