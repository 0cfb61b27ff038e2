"""Nodes in a line, at equal distances, or on the grid."""

from collections.abc import Collection, Mapping
from math import floor
from typing import Literal, TypeAlias

from nodegraph import Graph

from .canvases import GRID, Point, Rect, Size, canvas_of, with_positions
from .framing import around, node_rects

__all__ = ["Axis", "Edge", "align", "distribute", "snap", "snapped"]

Edge: TypeAlias = Literal["left", "centre", "right", "top", "middle", "bottom"]
Axis: TypeAlias = Literal["x", "y"]


def align(graph: Graph, ids: Collection[str], sizes: Mapping[str, Size], edge: Edge) -> Graph:
    """Bring nodes in line with the outermost of them at that edge, or with the middle of them all."""
    rects = node_rects(graph, ids, sizes)
    if len(rects) < 2:
        return graph
    all_of_them = around(rects.values())
    return with_positions(graph, {node: aligned(rect, all_of_them, edge) for node, rect in rects.items()})


def aligned(rect: Rect, whole: Rect, edge: Edge) -> Point:
    x = {"left": whole.x, "centre": whole.x + (whole.width - rect.width) / 2, "right": whole.right - rect.width}
    y = {"top": whole.y, "middle": whole.y + (whole.height - rect.height) / 2, "bottom": whole.bottom - rect.height}
    return x.get(edge, rect.x), y.get(edge, rect.y)


def distribute(graph: Graph, ids: Collection[str], sizes: Mapping[str, Size], axis: Axis) -> Graph:
    """Give nodes equal gaps between the first and the last of them, in the order in which they lie."""
    rects = node_rects(graph, ids, sizes)
    if len(rects) < 3:
        return graph
    start, length = (0, 2) if axis == "x" else (1, 3)
    row = sorted(rects, key=lambda node: (rects[node][start] + rects[node][length] / 2, node))
    first, last = rects[row[0]], rects[row[-1]]
    room = last[start] + last[length] - first[start] - sum(rects[node][length] for node in row)
    gap, at, places = room / (len(row) - 1), first[start], {}
    for node in row:
        places[node] = (at, rects[node].y) if axis == "x" else (rects[node].x, at)
        at += rects[node][length] + gap
    return with_positions(graph, places)


def snapped(point: Point, grid: int = GRID) -> Point:
    """The point of the grid that is nearest."""
    return floor(point[0] / grid + 0.5) * grid, floor(point[1] / grid + 0.5) * grid


def snap(graph: Graph, ids: Collection[str], grid: int = GRID) -> Graph:
    """Move nodes to the nearest points of the grid."""
    positions = canvas_of(graph).positions
    return with_positions(graph, {node: snapped(positions[node], grid) for node in ids if node in positions})
