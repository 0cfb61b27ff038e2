"""Links that run in a circle, found and named in time linear in the graph, without recursion."""

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from .graphs import Graph

if TYPE_CHECKING:
    import networkx

__all__ = ["cycles", "named_path", "wiring"]

LONG = 8


def wiring(graph: Graph) -> "networkx.DiGraph[str]":
    """Which node leads to which; links to nodes that are not there are left out. Remembered; not to be changed."""
    return graph.remember("wiring", make_wiring, shape=True)


def make_wiring(graph: Graph) -> "networkx.DiGraph[str]":
    import networkx

    found: networkx.DiGraph[str] = networkx.DiGraph()
    found.add_nodes_from(graph.nodes)
    found.add_edges_from(
        (link.source, link.target) for link in graph.links if link.source in graph.nodes and link.target in graph.nodes
    )
    return found


def cycles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """One circle of each tangle of circles, from the node of it that the file names first."""
    return graph.remember("cycles", find_cycles, shape=True)


def find_cycles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    if is_acyclic(graph):
        return ()
    import networkx

    found = wiring(graph)
    place = {node: number for number, node in enumerate(graph.nodes)}
    tangles = [
        tangle
        for tangle in networkx.strongly_connected_components(found)
        if len(tangle) > 1 or any(found.has_edge(node, node) for node in tangle)
    ]
    circles = []
    for tangle in tangles:
        circle = walk(found, min(tangle, key=place.__getitem__), tangle)
        first = circle.index(min(circle, key=place.__getitem__))
        circles.append(tuple(circle[first:] + circle[:first]))
    return tuple(sorted(circles, key=lambda circle: place[circle[0]]))


def is_acyclic(graph: Graph) -> bool:
    """Whether no links run in a circle; told without networkx, whose import is half the time of a `nodegraph check`."""
    known, links = graph.nodes, graph.in_links
    sources = {node: [link.source for link in links[node] if link.source in known] for node in known}
    try:
        TopologicalSorter(sources).prepare()
    except CycleError:
        return False
    return True


def walk(found: "networkx.DiGraph[str]", start: str, tangle: set[str]) -> list[str]:
    """Go on within the tangle until a node comes again; what lies between is a circle."""
    path, seen, node = [start], {start: 0}, start
    while True:
        node = next(after for after in found.successors(node) if after in tangle)
        if node in seen:
            return path[seen[node] :]
        seen[node] = len(path)
        path.append(node)


def named_path(circle: tuple[str, ...]) -> str:
    """`a -> b -> c -> a`, shortened in the middle when it is long."""
    shown = list(circle)
    if len(circle) > LONG:
        shown = [*circle[:4], f"... {len(circle) - 6:,} more ...", *circle[-2:]]
    return " -> ".join([*shown, circle[0]])
