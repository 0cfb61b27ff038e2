"""Frames and notes as a user edits them: frames around nodes, notes beside them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from nodegraph import Graph

from .canvases import (
    GRID,
    Frame,
    Note,
    Point,
    Rect,
    Size,
    canvas_of,
    with_frame,
    with_note,
    without_frames,
    without_notes,
)
from .columns import around
from .sizes import size_of

__all__ = [
    "add_frame",
    "add_note",
    "around",
    "clear_place",
    "edit_frame",
    "edit_note",
    "fit_frame",
    "in_frame",
    "move_frames",
    "note_size",
    "remove_frame",
    "remove_note",
]

MARGIN = 20
HEADING = 40  # the frame's title, above its nodes
NOTE_WIDTH = 320
LETTERS = 48  # that fit in a line of a note of that width
LINE = 20


def framed(rects: Collection[Rect]) -> Rect:
    """A frame's rectangle around these, on the grid."""
    inner = around(rects)
    left = (inner.x - MARGIN) // GRID * GRID
    top = (inner.y - MARGIN - HEADING) // GRID * GRID
    right, bottom = -(-(inner.right + MARGIN) // GRID) * GRID, -(-(inner.bottom + MARGIN) // GRID) * GRID
    return Rect(left, top, right - left, bottom - top)


def node_rects(graph: Graph, ids: Collection[str], sizes: Mapping[str, Size]) -> dict[str, Rect]:
    """Where nodes lie that have a position."""
    positions = canvas_of(graph).positions
    return {
        node: Rect(*positions[node], *size_of(graph, node, sizes))
        for node in ids
        if node in graph.nodes and node in positions
    }


def add_frame(
    graph: Graph, ids: Collection[str], sizes: Mapping[str, Size] | None = None, title: str = "Frame", colour: str = ""
) -> Graph:
    """Put a frame around nodes, behind all other frames in number; ValueError when none of them has a position."""
    rects = node_rects(graph, ids, sizes or {})
    if not rects:
        raise ValueError("a frame needs a node with a position, select one first")
    return with_frame(graph, None, Frame(title, colour, framed(rects.values())))


def edit_frame(
    graph: Graph, number: int, *, title: str | None = None, colour: str | None = None, rect: Rect | None = None
) -> Graph:
    """Change what is given of a frame; `colour` "" is that of the theme."""
    old = frame_at(graph, number)
    new = replace(
        old,
        title=old.title if title is None else title,
        colour=old.colour if colour is None else colour,
        rect=old.rect if rect is None else rect,
    )
    return with_frame(graph, number, new)


def remove_frame(graph: Graph, *numbers: int) -> Graph:
    """Take frames away; their nodes stay, and the frames behind them move up in number."""
    return without_frames(graph, numbers)


def fit_frame(graph: Graph, number: int, sizes: Mapping[str, Size] | None = None) -> Graph:
    """Draw a frame tightly around the nodes in it."""
    rects = node_rects(graph, in_frame(graph, number), sizes or {})
    return edit_frame(graph, number, rect=framed(rects.values())) if rects else graph


def in_frame(graph: Graph, number: int) -> tuple[str, ...]:
    """The nodes in a frame, which move with it: those whose top left corner lies in it."""
    rect, positions = frame_at(graph, number).rect, canvas_of(graph).positions
    return tuple(node for node in graph.nodes if node in positions and rect.holds(positions[node]))


def move_frames(graph: Graph, numbers: Collection[int], shift: Point) -> Graph:
    """Move frames without their nodes, which are moved with `move`."""
    for number in numbers:
        graph = edit_frame(graph, number, rect=frame_at(graph, number).rect.moved(shift))
    return graph


def frame_at(graph: Graph, number: int) -> Frame:
    found = canvas_of(graph).frames.get(number)
    if found is None:
        raise ValueError(f"there is no frame {number}")
    return found


def note_size(text: str) -> Size:
    """How much room a text wants, roughly."""
    lines = sum(max(1, -(-len(line) // LETTERS)) for line in text.splitlines() or [""])
    return NOTE_WIDTH, max(60, 40 + lines * LINE)


def add_note(graph: Graph, at: Point, text: str = "") -> Graph:
    """Put a note with its top left corner there, behind all other notes in number."""
    return with_note(graph, None, Note(text, Rect(*at, *note_size(text))))


def clear_place(wanted: Rect, taken: Collection[Rect]) -> Point:
    """The corner of a rectangle where it is wanted, or at the nearest place right beside what lies there."""
    width, height = wanted.width, wanted.height
    found = [wanted]
    for rect in taken:
        right, below = -(-(rect.right + MARGIN) // GRID) * GRID, -(-(rect.bottom + MARGIN) // GRID) * GRID
        left, above = (rect.x - MARGIN - width) // GRID * GRID, (rect.y - MARGIN - height) // GRID * GRID
        found += [wanted._replace(x=x) for x in (left, right)] + [wanted._replace(y=y) for y in (above, below)]
        found += [Rect(x, y, width, height) for x in (left, right) for y in (above, below)]
    free = [rect for rect in found if not any(rect.overlaps(other) for other in taken)]
    nearest = min(free, key=lambda rect: abs(rect.x - wanted.x) + abs(rect.y - wanted.y), default=wanted)
    return nearest.x, nearest.y


def edit_note(
    graph: Graph,
    number: int,
    *,
    text: str | None = None,
    rect: Rect | None = None,
    colour: str | None = None,
    sized: bool | None = None,
) -> Graph:
    """Change what is given of a note; `colour` "" is that of the theme."""
    old = canvas_of(graph).notes.get(number)
    if old is None:
        raise ValueError(f"there is no note {number}")
    new = replace(
        old,
        text=old.text if text is None else text,
        rect=old.rect if rect is None else rect,
        colour=old.colour if colour is None else colour,
        sized=old.sized if sized is None else sized,
    )
    return with_note(graph, number, new)


def remove_note(graph: Graph, *numbers: int) -> Graph:
    """Take notes away; the notes behind them move up in number."""
    return without_notes(graph, numbers)
