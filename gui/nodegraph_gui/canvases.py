"""The canvas part of a graph: where its nodes stand, how they look, and the frames and notes around them.

A file may hold anything there, from a newer editor or a slip of the hand. What cannot be read is not shown, stays in
the file, and is written back: an entry of the wrong kind stays beside the right ones, and where a whole part is of the
wrong kind and something has to be written there, it is set aside under "unread".
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from nodegraph import Graph

__all__ = [
    "GRID",
    "Canvas",
    "Frame",
    "Note",
    "Point",
    "Rect",
    "Size",
    "canvas_of",
    "is_colour",
    "with_collapsed",
    "with_colours",
    "with_copies",
    "with_drawn_seeds",
    "with_frame",
    "with_note",
    "with_positions",
    "with_renamed",
    "with_widths",
    "without_frames",
    "without_nodes",
    "without_notes",
]

Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]

GRID = 20
CANVAS = "nodegraph_gui.canvas"
FARTHEST = 10_000_000  # beyond it Qt's coordinates lose whole pixels
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
BY_NODE = ("positions", "colours", "widths")


class Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def moved(self, shift: Point) -> "Rect":
        return self._replace(x=self.x + shift[0], y=self.y + shift[1])

    def holds(self, point: Point) -> bool:
        return self.x <= point[0] <= self.right and self.y <= point[1] <= self.bottom

    def overlaps(self, other: "Rect") -> bool:
        """Whether they share more than an edge."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True)
class Frame:
    """A titled rectangle behind nodes; `colour` is "" for that of the theme."""

    title: str
    colour: str
    rect: Rect


@dataclass(frozen=True)
class Note:
    """Markdown on the canvas.

    Attributes:
        rect: None until it was given a place.
        colour: "" for that of the theme.
        sized: whether the user gave it its height; else it is as high as its text.
    """

    text: str
    rect: Rect | None = None
    colour: str = ""
    sized: bool = False


class Canvas:
    """What can be read of the canvas part of a graph; each part is read when it is first asked for.

    Frames and notes go by their number in the file, so that one that cannot be read leaves the others their names.
    """

    def __init__(self, raw: Mapping[str, Any], before: "Canvas | None" = None) -> None:
        self._raw = raw
        self._known: tuple[Mapping[str, Any], Mapping[str, Point]] = {}, {}  # what was read of another, with its points
        if before is not None and "positions" in before.__dict__:
            self._known = mapping(before._raw.get("positions")), before.positions

    @cached_property
    def positions(self) -> Mapping[str, Point]:
        """The top left corners of nodes; that of a node which was left alone is the very same as it was."""
        (read, points), self._known = self._known, ({}, {})
        found = {
            node: points.get(node) if value is read.get(node, self) else read_point(value)
            for node, value in mapping(self._raw.get("positions")).items()
        }
        return {node: point for node, point in found.items() if point is not None}

    @cached_property
    def colours(self) -> Mapping[str, str]:
        return {node: value for node, value in mapping(self._raw.get("colours")).items() if is_colour(value)}

    @cached_property
    def widths(self) -> Mapping[str, float]:
        found = mapping(self._raw.get("widths"))
        return {node: value for node, value in found.items() if is_number(value) and value > 0}

    @cached_property
    def collapsed(self) -> frozenset[str]:
        return frozenset(texts(self._raw.get("collapsed")))

    @cached_property
    def drawn_seeds(self) -> tuple[str, ...]:
        """The inputs, as "node.input", that get a new number before each run."""
        return tuple(dict.fromkeys(texts(self._raw.get("drawn_seeds"))))

    @cached_property
    def frames(self) -> Mapping[int, Frame]:
        found = {number: read_frame(value) for number, value in enumerate(sequence(self._raw.get("frames")))}
        return {number: frame for number, frame in found.items() if frame is not None}

    @cached_property
    def notes(self) -> Mapping[int, Note]:
        found = {number: read_note(value) for number, value in enumerate(sequence(self._raw.get("notes")))}
        return {number: note for number, note in found.items() if note is not None}


def canvas_of(graph: Graph) -> Canvas:
    """What can be read of the canvas part; remembered on the graph."""
    return graph.remember(CANVAS, lambda graph: Canvas(graph.canvas), canvas=True)


def with_raw(graph: Graph, raw: Mapping[str, Any]) -> Graph:
    """The graph with another canvas part, of which only what differs will have to be read."""
    new = graph.with_canvas(raw)
    new.remember(CANVAS, lambda new: Canvas(new.canvas, canvas_of(graph)), canvas=True)
    return new


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= FARTHEST


def is_colour(value: Any) -> bool:
    return isinstance(value, str) and COLOUR.fullmatch(value) is not None


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    return [item for item in sequence(value) if isinstance(item, str)]


def read_point(value: Any) -> Point | None:
    fits = isinstance(value, list) and len(value) == 2 and is_number(value[0]) and is_number(value[1])
    return (value[0], value[1]) if fits else None


def read_rect(value: Any) -> Rect | None:
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        return None
    return Rect(*value) if value[2] > 0 and value[3] > 0 else None


def read_frame(value: Any) -> Frame | None:
    rect = read_rect(mapping(value).get("rect"))
    if rect is None:
        return None
    title, colour = value.get("title"), value.get("colour")
    return Frame(title if isinstance(title, str) else "", colour if is_colour(colour) else "", rect)


def read_note(value: Any) -> Note | None:
    if isinstance(value, str):
        return Note(value)
    fields = mapping(value)
    text, colour = fields.get("text"), fields.get("colour", "")
    if not isinstance(text, str):
        return None
    rect, sized = read_rect(fields.get("rect")), fields.get("sized") is True
    return Note(text, rect, str(colour) if is_colour(colour) else "", sized)


def whole(*numbers: float) -> list[int]:
    """The numbers as a file holds them; ValueError for what lies out of reach."""
    if not all(map(is_number, numbers)):
        raise ValueError(f"{numbers} is out of reach, must be within ±{FARTHEST:,}")
    return [round(number) for number in numbers]


def with_part(graph: Graph, key: str, value: Any) -> Graph:
    """The graph with one part of its canvas as given, which goes when it is empty; what was no such part is kept."""
    old = graph.canvas.get(key)
    canvas = {known: part for known, part in graph.canvas.items() if known != key or value}
    if value:
        canvas[key] = value
    if old is not None and not isinstance(old, type(value)) and value:
        canvas["unread"] = [*unread(canvas), {key: old}]
    return graph if canvas == graph.canvas else with_raw(graph, canvas)


def unread(canvas: Mapping[str, Any]) -> list[Any]:
    kept = canvas.get("unread", [])
    return kept if isinstance(kept, list) else [kept]


def with_entries(graph: Graph, key: str, entries: Mapping[str, Any]) -> Graph:
    """The graph with entries of nodes in one part; an entry of None is taken away."""
    old = graph.canvas.get(key)
    new = {**mapping(old), **entries}
    if not isinstance(old, dict) and all(value is None for value in entries.values()):
        return graph
    return with_part(graph, key, {id: value for id, value in new.items() if id not in entries or value is not None})


def with_members(graph: Graph, key: str, members: Iterable[str], yes: bool) -> Graph:
    """The graph with texts in the list of one part, or without them."""
    old, chosen = graph.canvas.get(key), dict.fromkeys(members)
    if not isinstance(old, list) and not yes:
        return graph
    kept = sequence(old) if yes else [item for item in sequence(old) if not (isinstance(item, str) and item in chosen)]
    known = set(texts(kept))
    return with_part(graph, key, [*kept, *(item for item in chosen if item not in known)] if yes else kept)


def with_positions(graph: Graph, positions: Mapping[str, Point | None]) -> Graph:
    """Put nodes where they are to stand, in whole pixels; None forgets where one stood."""
    return with_entries(graph, "positions", {node: at and whole(*at) for node, at in positions.items()})


def with_colours(graph: Graph, colours: Mapping[str, str | None]) -> Graph:
    """Give nodes colours of their own, as #rrggbb; None gives back that of the category."""
    for colour in colours.values():
        if colour is not None and not is_colour(colour):
            raise ValueError(f"the colour is {colour!r}, must be like '#4fa3e0'")
    return with_entries(graph, "colours", colours)


def with_widths(graph: Graph, widths: Mapping[str, float | None]) -> Graph:
    """Give nodes widths of their own; None gives back the usual one."""
    return with_entries(graph, "widths", {node: width and whole(width)[0] for node, width in widths.items()})


def with_collapsed(graph: Graph, nodes: Iterable[str], yes: bool) -> Graph:
    """Fold nodes to their titles, or unfold them."""
    return with_members(graph, "collapsed", nodes, yes)


def with_drawn_seeds(graph: Graph, inputs: Iterable[str], yes: bool) -> Graph:
    """Have inputs, as "node.input", drawn anew before each run, or left as they are."""
    return with_members(graph, "drawn_seeds", inputs, yes)


def with_item(graph: Graph, key: str, number: int | None, fields: Mapping[str, Any], empty: Mapping[str, Any]) -> Graph:
    """A frame or note with these fields, at its number or (None) as a new one behind the others; others stay."""
    items = [*sequence(graph.canvas.get(key))]
    if number is None:
        items.append(dict(fields))
    elif 0 <= number < len(items):
        old = items[number]
        if fields:
            items[number] = {**(old if isinstance(old, dict) else empty), **fields}
    else:
        raise ValueError(f"there is no {key[:-1]} {number}, must be below {len(items)}")
    return with_part(graph, key, items)


def with_frame(graph: Graph, number: int | None, frame: Frame) -> Graph:
    """Put a frame in the place of another, or, with None, behind all others."""
    if frame.colour and not is_colour(frame.colour):
        raise ValueError(f"the colour is {frame.colour!r}, must be like '#4fa3e0'")
    fields = {"title": frame.title, "colour": frame.colour, "rect": whole(*frame.rect)}
    old = None if number is None else canvas_of(graph).frames.get(number)
    return with_item(graph, "frames", number, fields if old is None else changed(old, frame, fields), {})


def with_note(graph: Graph, number: int | None, note: Note) -> Graph:
    """Put a note in the place of another, or, with None, behind all others."""
    if note.colour and not is_colour(note.colour):
        raise ValueError(f"the colour is {note.colour!r}, must be like '#4fa3e0'")
    fields: dict[str, Any] = {"text": note.text} | ({} if note.rect is None else {"rect": whole(*note.rect)})
    looks = {"colour": note.colour, "sized": note.sized}
    old = None if number is None else canvas_of(graph).notes.get(number)
    if old is None:
        fields |= {name: value for name, value in looks.items() if value}
    else:
        fields = changed(old, note, fields | looks)
    return with_item(graph, "notes", number, fields, {"text": note.text})


def changed(old: Frame | Note, new: Frame | Note, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are to be written: what could not be read and was not touched stays in the file."""
    return {name: value for name, value in fields.items() if getattr(old, name) != getattr(new, name)}


def without_items(graph: Graph, key: str, numbers: Iterable[int]) -> Graph:
    gone = set(numbers)
    items = sequence(graph.canvas.get(key))
    return with_part(graph, key, [item for at, item in enumerate(items) if at not in gone]) if items else graph


def without_frames(graph: Graph, numbers: Iterable[int]) -> Graph:
    """Take frames away; those behind them move up in number."""
    return without_items(graph, "frames", numbers)


def without_notes(graph: Graph, numbers: Iterable[int]) -> Graph:
    """Take notes away; those behind them move up in number."""
    return without_items(graph, "notes", numbers)


def node_of(entry: Any) -> str:
    """The node that an entry of `drawn_seeds` is about."""
    return entry.partition(".")[0] if isinstance(entry, str) else ""


def without_nodes(graph: Graph, nodes: Iterable[str]) -> Graph:
    """Take every entry of these nodes from the canvas."""
    gone, canvas = set(nodes), dict(graph.canvas)
    for key, part in graph.canvas.items():
        if key in BY_NODE and isinstance(part, dict):
            canvas[key] = {node: value for node, value in part.items() if node not in gone}
        elif key == "collapsed" and isinstance(part, list):
            canvas[key] = [item for item in part if not (isinstance(item, str) and item in gone)]
        elif key == "drawn_seeds" and isinstance(part, list):
            canvas[key] = [item for item in part if node_of(item) not in gone]
        if part and not canvas[key]:
            del canvas[key]
    return graph if canvas == graph.canvas else with_raw(graph, canvas)


def with_renamed(graph: Graph, new_ids: Mapping[str, str]) -> Graph:
    """Let the entries of nodes go by other ids; what a file said of a node of such an id, that was not there, goes."""
    canvas = {key: renamed_part(key, part, new_ids) for key, part in graph.canvas.items()}
    return graph if canvas == graph.canvas else with_raw(graph, canvas)


def renamed_part(key: str, part: Any, new_ids: Mapping[str, str]) -> Any:
    if key in BY_NODE and isinstance(part, dict):
        taken = set(new_ids.values()) - set(new_ids)
        return {new_ids.get(node, node): value for node, value in part.items() if node not in taken}
    if key == "collapsed" and isinstance(part, list):
        return [new_ids.get(item, item) if isinstance(item, str) else item for item in part]
    if key == "drawn_seeds" and isinstance(part, list):
        return [renamed_entry(item, new_ids) for item in part]
    return part


def renamed_entry(entry: Any, new_ids: Mapping[str, str]) -> Any:
    """An entry of `drawn_seeds`, about the node's new id."""
    node = node_of(entry)
    return f"{new_ids[node]}{entry[len(node) :]}" if node in new_ids else entry


def with_copies(graph: Graph, source: Canvas, new_ids: Mapping[str, str], shift: Point = (0, 0)) -> Graph:
    """Give new nodes what a canvas says of the nodes that they are copies of, moved by `shift`."""
    places = {new: source.positions[old] for old, new in new_ids.items() if old in source.positions}
    graph = with_positions(graph, {node: (x + shift[0], y + shift[1]) for node, (x, y) in places.items()})
    graph = with_colours(graph, {new: source.colours[old] for old, new in new_ids.items() if old in source.colours})
    graph = with_widths(graph, {new: source.widths[old] for old, new in new_ids.items() if old in source.widths})
    graph = with_collapsed(graph, [new for old, new in new_ids.items() if old in source.collapsed], True)
    drawn = [entry for entry in source.drawn_seeds if node_of(entry) in new_ids]
    return with_drawn_seeds(graph, [renamed_entry(entry, new_ids) for entry in drawn], True)
