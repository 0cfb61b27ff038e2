"""Where everything in a node is, by arithmetic: title, ports, values, picture, message.

A port is a place in a shape and no object of its own. A shape is worked out from what the node is (its kind, its
values, the links at it), never from how it is drawn, and in the node's own coordinates: (0, 0) is its top left corner.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF

from nodegraph import Link, Node

from .catalogues import Kind, Port
from .sizes import GAP, HEADER, NARROWEST, ROW, TALL, TALLEST_PICTURE, WIDTH

__all__ = ["GRID", "HEADER", "ROW", "WIDTH", "FieldPlace", "PortPlace", "PortRef", "Shape", "node_shape"]

GRID = 20
EDGE = 12.0  # between a node's edge and what is in it


class PortRef(NamedTuple):
    """A port of a placed node.

    `index` is the place in an input that takes a list; the free port of a list has the place that comes next. None
    where there are no places, and where a link brings the whole list.
    """

    node: str
    name: str
    is_input: bool
    index: int | None = None  # type: ignore[assignment]  # not the method of tuples


class PortPlace(NamedTuple):
    """A port, what is written beside it, and where its middle is.

    `port` is None when the kind has none of that name: only a link says that there should be one.
    """

    ref: PortRef
    port: Port | None
    label: str
    x: float
    y: float
    room: float
    linked: bool = False
    free: bool = False
    is_field: bool = False


class FieldPlace(NamedTuple):
    """The value of an input that no link feeds."""

    name: str
    port: Port | None
    rect: QRectF


@dataclass(frozen=True)
class Shape:
    """The places in a node.

    Attributes:
        picture: where a preview is shown; empty when there is none.
        message: where it is said why a node failed or cannot be shown; empty when there is nothing to say.
    """

    width: float
    height: float
    ports: tuple[PortPlace, ...]
    fields: tuple[FieldPlace, ...]
    collapsed: bool
    picture: QRectF
    message: QRectF

    @property
    def rect(self) -> QRectF:
        return QRectF(0, 0, self.width, self.height)

    @cached_property
    def places(self) -> dict[PortRef, PortPlace]:
        return {place.ref: place for place in self.ports}

    @cached_property
    def fields_by_name(self) -> dict[str, FieldPlace]:
        return {place.name: place for place in self.fields}

    def port_at(self, ref: PortRef) -> QPointF:
        """The middle of a port; of its side where the node is collapsed and does not show it."""
        place = self.places.get(ref)
        if place is None:  # another place of the same list, or a port that is folded away
            same = (each for each in self.ports if each.ref[1:3] == ref[1:3])
            place = next(same, None)
        if place is not None:
            return QPointF(place.x, place.y)
        return QPointF(0 if ref.is_input else self.width, HEADER / 2)

    def field_at(self, x: float, y: float) -> str | None:
        """The input whose value is shown at a point."""
        return next((each.name for each in self.fields if each.rect.contains(x, y)), None)


class Entry(NamedTuple):
    """A port before it has a place."""

    ref: PortRef
    port: Port | None
    label: str
    linked: bool = False
    free: bool = False
    is_field: bool = False


def node_shape(
    id: str,
    node: Node,
    kind: Kind | None,
    in_links: Sequence[Link] = (),
    out_links: Sequence[Link] = (),
    *,
    collapsed: bool = False,
    width: float = WIDTH,
    picture: float = 0.0,
    message: float = 0.0,
) -> Shape:
    """The shape of a node.

    Args:
        kind: None for a type that is not installed: its ports are those that links and values name.
        picture: width by height of the preview; 0 when there is none.
        message: how high the message is; 0 when there is none.
    """
    width = max(NARROWEST, width)
    wires, values = input_entries(id, node, kind, in_links)
    outputs = output_entries(id, kind, out_links)
    if collapsed:
        shown = [*wires, *(entry for entry in values if entry.linked)]
        ports = (*side(shown, 0.0, width), *side(outputs, width, width))
        return Shape(width, HEADER, ports, (), True, QRectF(), QRectF())
    ports_, fields_, y = rows(wires, values, outputs, width)
    nothing = QRectF()
    shown_picture, shown_message = nothing, nothing
    if picture > 0:
        room = width - 2 * GAP
        high = min(TALLEST_PICTURE, room / picture)
        wide = min(room, high * picture)
        shown_picture = QRectF((width - wide) / 2, y, wide, high)
        y += high + GAP
    if message > 0:
        shown_message = QRectF(EDGE, y, width - 2 * EDGE, message)
        y += message + GAP
    return Shape(width, y, tuple(ports_), tuple(fields_), False, shown_picture, shown_message)


def input_entries(
    id: str, node: Node, kind: Kind | None, links: Sequence[Link]
) -> tuple[list[Entry], list[Entry]]:
    """The inputs that only a wire can feed, and those that hold data, each in the order of the kind."""
    by_name: dict[str, list[Link]] = {}
    for link in links:
        by_name.setdefault(link.input, []).append(link)
    wires: list[Entry] = []
    values: list[Entry] = []
    known: tuple[Port, ...] = kind.inputs if kind is not None else ()
    for port in known:
        found = by_name.pop(port.name, ())
        (values if port.is_data else wires).extend(port_entries(id, port, found))
    for name, found in by_name.items():
        wires.extend(linked_entries(id, name, None, found))
    names = {port.name for port in known}
    for name in node.inputs:
        if name not in names and name not in by_name:
            values.append(Entry(PortRef(id, name, True), None, name, is_field=True))
    return wires, values


def port_entries(id: str, port: Port, links: Sequence[Link]) -> Iterator[Entry]:
    """One entry for an input; for one that takes a list, one a link and a free one."""
    if not links:
        index = 0 if port.is_list else None
        yield Entry(PortRef(id, port.name, True, index), port, port.name, free=port.is_list, is_field=port.is_data)
        return
    yield from linked_entries(id, port.name, port, links)
    if port.is_list and all(link.index is not None for link in links):
        last = max(link.index or 0 for link in links)
        yield Entry(PortRef(id, port.name, True, last + 1), port, f"{port.name}[{last + 1}]", free=True)


def linked_entries(id: str, name: str, port: Port | None, links: Sequence[Link]) -> Iterator[Entry]:
    places = sorted({-1 if link.index is None else link.index for link in links})
    for place in places:
        index = None if place < 0 else place
        label = name if index is None else f"{name}[{index}]"
        yield Entry(PortRef(id, name, True, index), port, label, linked=True)


def output_entries(id: str, kind: Kind | None, links: Sequence[Link]) -> list[Entry]:
    linked = {link.output for link in links}
    known: tuple[Port, ...] = kind.outputs if kind is not None else ()
    found = [Entry(PortRef(id, port.name, False), port, port.name, port.name in linked) for port in known]
    names = {port.name for port in known}
    extra = [name for name in dict.fromkeys(link.output for link in links) if name not in names]
    return found + [Entry(PortRef(id, name, False), None, name, True) for name in extra]


def rows(
    wires: Sequence[Entry], values: Sequence[Entry], outputs: Sequence[Entry], width: float
) -> tuple[list[PortPlace], list[FieldPlace], float]:
    """Ports and values one below the other, and where they end; outputs share the rows of the wires."""
    ports: list[PortPlace] = []
    fields: list[FieldPlace] = []
    top = HEADER + GAP
    full = width - 2 * EDGE
    for number, entry in enumerate(wires):
        room = full / 2 if number < len(outputs) else full
        ports.append(PortPlace(entry[0], entry[1], entry[2], 0.0, top + ROW * (number + 0.5), room, entry[3], entry[4]))
    for number, entry in enumerate(outputs):
        room = full / 2 if number < len(wires) else full
        ports.append(PortPlace(entry[0], entry[1], entry[2], width, top + ROW * (number + 0.5), room, entry[3]))
    y = top + ROW * max(len(wires), len(outputs))
    for entry in values:
        high = ROW * (TALL if entry.is_field and is_tall(entry.port) else 1)
        ports.append(PortPlace(entry[0], entry[1], entry[2], 0.0, y + ROW / 2, full, entry[3], entry[4], entry[5]))
        if entry.is_field:
            fields.append(FieldPlace(entry.ref.name, entry.port, QRectF(EDGE, y + 2, full, high - 4)))
        y += high
    return ports, fields, y + (GAP if y > top else 0.0)


def is_tall(port: Port | None) -> bool:
    return port is not None and not port.is_list and bool(port.schema.get("multiline"))


def side(entries: Sequence[Entry], x: float, width: float) -> Iterator[PortPlace]:
    """The ports of a collapsed node, spread over one side of its title."""
    step = HEADER / (len(entries) + 1)
    for number, entry in enumerate(entries):
        yield PortPlace(entry[0], entry[1], entry[2], x, step * (number + 1), width, entry[3], entry[4])
