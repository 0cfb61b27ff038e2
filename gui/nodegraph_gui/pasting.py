"""Copies of nodes: beside the originals, or through the clipboard as the text of a graph.

The text is a graph file like any other, so that it can be sent to a friend, and a whole file can be pasted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import nodegraph
from nodegraph import Graph, GraphFileError, Link, UsageError

from .arranging import laid_out
from .canvases import (
    GRID,
    Canvas,
    Point,
    canvas_of,
    with_copies,
    with_frame,
    with_note,
)
from .catalogues import Catalogue
from .framing import in_frame
from .ids import free_id
from .linking import renumbered

__all__ = ["copy_text", "duplicate", "duplicate_notes", "paste_graph", "paste_text"]

SHIFT = 2 * GRID


def duplicate(graph: Graph, ids: Collection[str], with_links: bool = False) -> tuple[Graph, dict[str, str]]:
    """Copies of nodes with the wires among them, a little to the right and below.

    Args:
        with_links: the copies are fed by what feeds the originals, too.

    Returns the graph, and the id of each copy by that of its original.
    """
    chosen = chosen_of(graph, ids)
    new_ids = fresh_ids(graph, chosen)
    nodes = {**graph.nodes, **{new: graph.nodes[old] for old, new in new_ids.items()}}
    copies = [
        copied(link, new_ids)
        for link in graph.links
        if link.target in new_ids and (with_links or link.source in new_ids)
    ]
    links = renumbered([*graph.links, *copies], {(link.target, link.input) for link in copies})
    grown = graph.with_parts(nodes=nodes, links=links)
    return with_copies(grown, canvas_of(graph), new_ids, (SHIFT, SHIFT)), new_ids


def duplicate_notes(graph: Graph, numbers: Collection[int]) -> Graph:
    """Copies of notes, a little to the right and below, behind all others in number."""
    notes = canvas_of(graph).notes
    for number in numbers:
        note = notes[number]
        graph = with_note(graph, None, replace(note, rect=note.rect and note.rect.moved((SHIFT, SHIFT))))
    return graph


def chosen_of(graph: Graph, ids: Collection[str]) -> list[str]:
    """The nodes in the order of the graph."""
    wanted = set(ids)
    return [node for node in graph.nodes if node in wanted]


def fresh_ids(graph: Graph, wanted: Collection[str]) -> dict[str, str]:
    """For each wanted id itself where it is free, else with a number behind it."""
    taken, found = set(graph.nodes), {}
    for old in wanted:
        found[old] = free_id(old, taken)
        taken.add(found[old])
    return found


def copied(link: Link, new_ids: Mapping[str, str]) -> Link:
    ends = {"source": new_ids.get(link.source, link.source), "target": new_ids.get(link.target, link.target)}
    return link.model_copy(update=ends)


def copy_text(
    graph: Graph, ids: Collection[str], frames: Collection[int] | None = None, notes: Collection[int] = ()
) -> str:
    """Nodes, the wires among them, and their places, as the text of a graph.

    Args:
        frames: the frames that go along; None: those with nodes in them, none of which is left behind.
    """
    chosen = chosen_of(graph, ids)
    wanted = set(chosen)
    links = [link for link in graph.links if link.source in wanted and link.target in wanted]
    links = renumbered(links, {(link.target, link.input) for link in links})
    part = Graph().with_parts(nodes={node: graph.nodes[node] for node in chosen}, links=links)
    canvas = canvas_of(graph)
    part = with_copies(part, canvas, {node: node for node in chosen})
    if frames is None:
        members = {number: in_frame(graph, number) for number in canvas.frames}
        frames = [number for number, inside in members.items() if inside and wanted.issuperset(inside)]
    for number in frames:
        part = with_frame(part, None, canvas.frames[number])
    for number in notes:
        part = with_note(part, None, canvas.notes[number])
    return nodegraph.dumps(part)


def paste_text(
    graph: Graph, text: str, at: Point | None = None, catalogue: Catalogue | None = None
) -> tuple[Graph, tuple[str, ...]]:
    """Add what a text holds, ours or a whole file; ValueError when it holds no graph.

    Args:
        at: where the top left corner of all that is pasted comes; None: a little beside where it was.
        catalogue: for the layout of a text without positions.

    Returns the graph and the ids of the new nodes, in the order of the text.
    """
    try:
        part = nodegraph.loads(text)
    except GraphFileError as error:
        raise ValueError(f"the clipboard holds no graph: {said_of_text(error)}") from None
    return paste_graph(graph, part, at, catalogue)


def said_of_text(error: GraphFileError) -> str:
    """What is wrong, of a text that is in no file."""
    if error.place or not error.message.startswith("the file "):
        return str(error)
    return str(GraphFileError("", f"the text {error.message.removeprefix('the file ')}", error.remedy))


def paste_graph(
    graph: Graph, part: Graph, at: Point | None = None, catalogue: Catalogue | None = None
) -> tuple[Graph, tuple[str, ...]]:
    """Add a whole graph to another: its nodes under ids that are free, its frames and its notes."""
    part = laid_out(part, catalogue or Catalogue())
    new_ids = fresh_ids(graph, part.nodes)
    links = [copied(link, new_ids) for link in part.links if link.source in new_ids and link.target in new_ids]
    try:
        nodes = {**graph.nodes, **{new_ids[node]: placed for node, placed in part.nodes.items()}}
        grown = graph.with_parts(nodes=nodes, links=[*graph.links, *links])
    except UsageError as error:
        raise ValueError(str(error)) from None
    canvas = canvas_of(part)
    shift = clear_of(graph, canvas, (SHIFT, SHIFT) if at is None else shift_to(canvas, at))
    grown = with_copies(grown, canvas, new_ids, shift)
    for frame in canvas.frames.values():
        grown = with_frame(grown, None, replace(frame, rect=frame.rect.moved(shift)))
    for note in canvas.notes.values():
        grown = with_note(grown, None, replace(note, rect=note.rect and note.rect.moved(shift)))
    return grown, tuple(new_ids.values())


def clear_of(graph: Graph, canvas: Canvas, shift: Point) -> Point:
    """The shift, and so much more that no node lies exactly on another, and no note or frame: on an earlier copy."""
    there = canvas_of(graph)
    taken, around = set(there.positions.values()), set(corners_around(there))

    def hidden(corners: Iterable[Point], by: set[Point]) -> bool:
        return any((round(x + shift[0]), round(y + shift[1])) in by for x, y in corners)

    while hidden(canvas.positions.values(), taken) or hidden(corners_around(canvas), around):
        shift = shift[0] + SHIFT, shift[1] + SHIFT
    return shift


def corners_around(canvas: Canvas) -> list[Point]:
    """The top left corners of the frames and the notes that have a place."""
    rects = [frame.rect for frame in canvas.frames.values()]
    rects += [note.rect for note in canvas.notes.values() if note.rect is not None]
    return [(rect.x, rect.y) for rect in rects]


def shift_to(canvas: Canvas, at: Point) -> Point:
    """How far all has to move for its top left corner to come there."""
    corners = [*canvas.positions.values(), *corners_around(canvas)]
    if not corners:
        return 0, 0
    return at[0] - min(x for x, _ in corners), at[1] - min(y for _, y in corners)
