"""Boxes in columns, so that wires run from left to right: few crossings, straight wires, and no box over another.

What wires do not hold together is laid out for itself, and the parts are packed one beside and below the other. What
the boxes are is of no matter here: nodes, or frames with all that is in them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from .canvases import GRID, Point, Rect, Size
from .layers import components, layers_of
from .stacks import Box, Wire, stacked

__all__ = ["PART_GAP", "Link", "around", "in_columns"]

COLUMN_GAP = 4 * GRID
PART_GAP = 4 * GRID
NARROW_GAP = 2 * GRID
SHAPE = 1.6  # how much wider than high the whole is to be, about


@dataclass(frozen=True)
class Link:
    """A wire between two boxes, and how far below their tops it starts and ends; `key` is the output it comes from."""

    source: str
    start: float
    target: str
    end: float
    key: tuple[str, str]


def around(rects: Collection[Rect]) -> Rect:
    """The smallest rectangle that holds all of these; at least one is needed."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    return Rect(left, top, max(rect.right for rect in rects) - left, max(rect.bottom for rect in rects) - top)


def in_columns(sizes: Mapping[str, Size], links: Sequence[Link], *, narrow: bool = False) -> dict[str, Point]:
    """A place for each box, on the grid; the top left corner of them all is the origin.

    Args:
        narrow: parts come below each other, so that wires which leave them to the right pass behind none.
    """
    after: dict[str, dict[str, None]] = {box: {} for box in sizes}
    leaving: dict[str, list[Link]] = {box: [] for box in sizes}
    for link in links:
        after[link.source][link.target] = None
        leaving[link.source].append(link)
    edges = {box: list(others) for box, others in after.items()}
    parts = []
    for group in components(list(sizes), edges):
        places = columns(group, edges, sizes, [link for box in group for link in leaving[box]])
        parts.append((places, around([Rect(*at, *sizes[box]) for box, at in places.items()])))
    found: dict[str, Point] = {}
    for (places, extent), (x, y) in zip(parts, packed([extent for _, extent in parts], narrow), strict=True):
        for box, at in places.items():
            found[box] = (at[0] - extent.x + x, at[1] - extent.y + y)
    return found


def columns(
    group: list[str], after: Mapping[str, list[str]], sizes: Mapping[str, Size], links: Sequence[Link]
) -> dict[str, Point]:
    """Places for boxes that hang together."""
    layer = layers_of(group, after)
    boxes = {key: Box(layer[key], sizes[key][1]) for key in group}
    wires = [
        Wire(boxes[link.source], boxes[link.target], link.start, link.end, link.key)
        for link in links
        if layer[link.target] > layer[link.source]  # those that lead back are not looked at
    ]
    stacked(list(boxes.values()), wires)
    widths = [0.0] * (max(layer.values()) + 1)
    for key in group:
        widths[layer[key]] = max(widths[layer[key]], sizes[key][0])
    lefts, x = [], 0.0
    for width in widths:
        lefts.append(x)
        x += -(-(width + COLUMN_GAP) // GRID) * GRID
    return {key: (lefts[layer[key]], y) for key, y in on_grid(boxes, layer).items()}


def on_grid(boxes: Mapping[str, Box], layer: Mapping[str, int]) -> dict[str, float]:
    """The tops, moved to the grid without touching."""
    found: dict[str, float] = {}
    ends: dict[int, float] = {}
    for key in sorted(boxes, key=lambda key: boxes[key].y):
        box = boxes[key]
        at: float = round(box.y / GRID) * GRID
        if layer[key] in ends:
            at = max(at, -(-(ends[layer[key]] + GRID) // GRID) * GRID)
        found[key] = at
        ends[layer[key]] = at + box.height
    return found


def packed(extents: Sequence[Rect], narrow: bool = False) -> list[Point]:
    """Places for the parts: from left to right in rows, the largest first, about as wide as is pleasant."""
    gap = NARROW_GAP if narrow else PART_GAP
    area = sum((extent.width + gap) * (extent.height + gap) for extent in extents)
    room = 0.0 if narrow else max([sqrt(area * SHAPE), *(extent.width for extent in extents)])
    found: dict[int, Point] = {}
    x = y = high = 0.0
    for number in sorted(range(len(extents)), key=lambda number: (-extents[number].height, number)):
        extent = extents[number]
        if x and x + extent.width > room:
            x, y, high = 0.0, y + high, 0.0
        found[number] = (x, y)
        x += -(-(extent.width + gap) // GRID) * GRID
        high = max(high, -(-(extent.height + gap) // GRID) * GRID)
    return [found[number] for number in range(len(extents))]
