"""Where nodes and notes without a position are shown: beside what they are linked to, below all that have one.

To be looked at only: nothing is written to the file until something is moved.
"""

import math
from collections.abc import Callable, Iterable, Mapping

from nodegraph import Graph

from .shapes import GRID, WIDTH

__all__ = ["lay_out", "layers"]

COLUMN = 80.0  # between two columns
BELOW = 40.0  # between two nodes of a column

Point = tuple[float, float]


def layers(graph: Graph) -> dict[str, int]:
    """How many links lead to each node on the longest way; on a circle, counted from where the walk met it."""
    waiting = {id: sum(link.source in graph.nodes for link in graph.in_links[id]) for id in graph.nodes}
    depth = dict.fromkeys(graph.nodes, 0)
    ready = [id for id, count in waiting.items() if not count]
    rest = iter(graph.nodes)
    done: set[str] = set()
    while len(done) < len(graph.nodes):
        id = ready.pop() if ready else next(rest)
        if id in done:
            continue
        done.add(id)
        for link in graph.out_links[id]:
            if link.target in depth and link.target not in done:
                depth[link.target] = max(depth[link.target], depth[id] + 1)
                waiting[link.target] -= 1
                if waiting[link.target] == 0:
                    ready.append(link.target)
    return depth


def lay_out(
    graph: Graph, missing: Iterable[str], taken: Mapping[str, Point], height: Callable[[str], float]
) -> dict[str, Point]:
    """Positions on the grid for the nodes in `missing`, in columns as the links lead."""
    lowest = max((y + height(id) for id, (_, y) in taken.items()), default=-BELOW)
    top = math.ceil((lowest + BELOW) / GRID) * GRID
    depth = layers(graph)
    columns: dict[int, list[str]] = {}
    for id in missing:
        columns.setdefault(depth[id], []).append(id)
    heights = {column: sum(height(id) + BELOW for id in ids) - BELOW for column, ids in columns.items()}
    tallest = max(heights.values(), default=0.0)
    found: dict[str, Point] = {}
    middles: dict[str, float] = {}
    for column, ids in sorted(columns.items()):
        y = top + (tallest - heights[column]) / 2
        for id in sorted(ids, key=lambda id: middle_of_sources(graph, id, middles)):
            found[id] = (column * (WIDTH + COLUMN), float(round(y / GRID) * GRID))
            middles[id] = y + height(id) / 2
            y += height(id) + BELOW
    return found


def middle_of_sources(graph: Graph, id: str, middles: Mapping[str, float]) -> float:
    known = [middles[link.source] for link in graph.in_links[id] if link.source in middles]
    return sum(known) / len(known) if known else 0.0
