"""Automatic layout: columns of nodes from left to right, few crossings, straight wires, and no node over another.

What wires do not hold together is laid out for itself, and the parts are packed one beside and below the other.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import sqrt

from nodegraph import Graph

from .canvases import GRID, Point, Rect, Size, canvas_of, with_frame, with_note, with_positions
from .catalogues import Catalogue
from .framing import around, framed, in_frame, node_rects, note_size
from .layers import components, layers_of
from .sizes import estimated_sizes, port_heights, roomy
from .stacks import Box, Wire, stacked

__all__ = ["arrange", "laid_out"]

COLUMN_GAP = 4 * GRID
PART_GAP = 4 * GRID
SHAPE = 1.6  # how much wider than high the whole is to be, about


def arrange(
    graph: Graph,
    catalogue: Catalogue,
    ids: Collection[str] | None = None,
    sizes: Mapping[str, Size] | None = None,
) -> Graph:
    """Lay out a graph, or the chosen nodes of it, whose top left corner stays where it was.

    Frames around moved nodes, with no other nodes in them, are drawn around them again.

    Args:
        ids: the nodes to be moved; None: all.
        sizes: of the nodes as they are drawn; estimated where they are not given.
    """
    chosen = list(graph.nodes) if ids is None else [node for node in graph.nodes if node in set(ids)]
    if not chosen:
        return graph
    known = roomy(graph, catalogue, sizes or {})
    corners = [at for node, at in canvas_of(graph).positions.items() if node in set(chosen)]
    corner = (min(x for x, _ in corners), min(y for _, y in corners)) if corners else (0, 0)
    members = {number: in_frame(graph, number) for number in canvas_of(graph).frames}
    places = arranged(graph, catalogue, chosen, known, corner)
    graph = with_positions(graph, places)
    for number, inside in members.items():
        if inside and places.keys() >= set(inside):
            rect = framed(node_rects(graph, inside, known).values())
            graph = with_frame(graph, number, replace(canvas_of(graph).frames[number], rect=rect))
    return graph


def laid_out(graph: Graph, catalogue: Catalogue, sizes: Mapping[str, Size] | None = None) -> Graph:
    """Give a place to each node and note that has none, as in a file that was written by hand; itself when all have."""
    missing = [node for node in graph.nodes if node not in canvas_of(graph).positions]
    if missing:
        known = roomy(graph, catalogue, sizes or {})
        placed = node_rects(graph, graph.nodes, known)
        rects = [*placed.values(), *(frame.rect for frame in canvas_of(graph).frames.values())]
        corner = below(around(rects)) if rects else (0, 0)
        graph = with_positions(graph, arranged(graph, catalogue, missing, known, corner))
    return notes_laid_out(graph, {**estimated_sizes(graph, catalogue), **(sizes or {})})


def below(rect: Rect) -> Point:
    """A point of the grid under the lower left corner."""
    return rect.x // GRID * GRID, -(-(rect.bottom + PART_GAP) // GRID) * GRID


def notes_laid_out(graph: Graph, sizes: Mapping[str, Size]) -> Graph:
    """Put the notes that have no place in a row above all else."""
    canvas = canvas_of(graph)
    loose = [number for number, note in canvas.notes.items() if note.rect is None]
    if not loose:
        return graph
    rects = [*node_rects(graph, graph.nodes, sizes).values()]
    rects += [frame.rect for frame in canvas.frames.values()]
    rects += [note.rect for note in canvas.notes.values() if note.rect is not None]
    whole = around(rects) if rects else Rect(0, 0, 0, 0)
    x = whole.x // GRID * GRID
    for number in loose:
        note = canvas.notes[number]
        width, height = note_size(note.text)
        high = -(-height // GRID) * GRID
        y = (whole.y - 2 * GRID - high) // GRID * GRID
        graph = with_note(graph, number, replace(note, rect=Rect(x, y, width, high)))
        x += width + 2 * GRID
    return graph


def arranged(
    graph: Graph, catalogue: Catalogue, chosen: list[str], sizes: Mapping[str, Size], corner: Point
) -> dict[str, Point]:
    """A place for each of the nodes; the top left corner of them all comes to `corner`."""
    wanted = set(chosen)
    after = {
        node: [target for target in dict.fromkeys(link.target for link in graph.out_links[node]) if target in wanted]
        for node in chosen
    }
    parts = []
    for group in components(chosen, after):
        places = columns(graph, catalogue, group, after, sizes)
        extent = around([Rect(*at, *sizes[node]) for node, at in places.items()])
        parts.append((places, extent))
    found: dict[str, Point] = {}
    for (places, extent), (x, y) in zip(parts, packed([extent for _, extent in parts]), strict=True):
        for node, at in places.items():
            found[node] = (at[0] - extent.x + x + corner[0], at[1] - extent.y + y + corner[1])
    return found


def columns(
    graph: Graph, catalogue: Catalogue, group: list[str], after: Mapping[str, list[str]], sizes: Mapping[str, Size]
) -> dict[str, Point]:
    """Places for nodes that hang together."""
    layer = layers_of(group, after)
    boxes = {node: Box(layer[node], sizes[node][1]) for node in group}
    stacked(list(boxes.values()), wires(graph, catalogue, boxes))
    widths = [0.0] * (max(layer.values()) + 1)
    for node in group:
        widths[layer[node]] = max(widths[layer[node]], sizes[node][0])
    lefts, x = [], 0.0
    for width in widths:
        lefts.append(x)
        x += -(-(width + COLUMN_GAP) // GRID) * GRID
    return {node: (lefts[layer[node]], y) for node, y in on_grid(boxes, layer).items()}


def wires(graph: Graph, catalogue: Catalogue, boxes: Mapping[str, Box]) -> list[Wire]:
    """The links between the boxes, but for those that lead back."""
    heights = {node: port_heights(graph, catalogue, node) for node in boxes}
    found = []
    for node, box in boxes.items():
        for link in graph.out_links[node]:
            target = boxes.get(link.target)
            if target is not None and target.layer > box.layer:
                start = heights[node][1].get(link.output, box.height / 2)
                end = heights[link.target][0].get(link.input, target.height / 2)
                found.append(Wire(box, target, start, end, (node, link.output)))
    return found


def on_grid(boxes: Mapping[str, Box], layer: Mapping[str, int]) -> dict[str, float]:
    """The tops, moved to the grid without touching."""
    found: dict[str, float] = {}
    ends: dict[int, float] = {}
    for node in sorted(boxes, key=lambda node: boxes[node].y):
        box = boxes[node]
        at: float = round(box.y / GRID) * GRID
        if layer[node] in ends:
            at = max(at, -(-(ends[layer[node]] + GRID) // GRID) * GRID)
        found[node] = at
        ends[layer[node]] = at + box.height
    return found


def packed(extents: list[Rect]) -> list[Point]:
    """Places for the parts: from left to right in rows, the largest first, about as wide as is pleasant."""
    area = sum((extent.width + PART_GAP) * (extent.height + PART_GAP) for extent in extents)
    room = max([sqrt(area * SHAPE), *(extent.width for extent in extents)])
    found: dict[int, Point] = {}
    x = y = high = 0.0
    for number in sorted(range(len(extents)), key=lambda number: (-extents[number].height, number)):
        extent = extents[number]
        if x and x + extent.width > room:
            x, y, high = 0.0, y + high, 0.0
        found[number] = (x, y)
        x += -(-(extent.width + PART_GAP) // GRID) * GRID
        high = max(high, -(-(extent.height + PART_GAP) // GRID) * GRID)
    return [found[number] for number in range(len(extents))]
