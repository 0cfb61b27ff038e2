"""Which links can be drawn between a node and the others that are there: what is chosen from by the keyboard."""

from collections.abc import Iterable
from typing import NamedTuple

from nodegraph import Graph, Link

from .catalogues import Catalogue
from .linking import Place, closeness, is_indexed, kind_of, occupation, ports, why_not_each

__all__ = ["Joint", "joints"]


class Joint(NamedTuple):
    """A link that could be drawn.

    Attributes:
        outwards: whether it leads away from the node that was asked about.
        lost: the link whose place it would take, if any.
    """

    source: Place
    target: Place
    outwards: bool
    lost: Link | None = None

    @property
    def own(self) -> Place:
        """The end at the node that was asked about."""
        return self.source if self.outwards else self.target

    @property
    def other(self) -> Place:
        return self.target if self.outwards else self.source


def joints(graph: Graph, catalogue: Catalogue, node: str) -> list[Joint]:
    """The links that fit between a node and others and are not drawn yet, the likeliest first.

    Free inputs that need a link come before other free ones, and those before inputs that would lose theirs; then
    the nearest type, what leads away from the node, and the order of the graph.
    """
    kind = kind_of(graph, catalogue, node)
    if kind is None:
        return []
    ends = [Place(node, port.name, False) for port in kind.outputs]
    ends += [Place(node, port.name, True) for port in kind.inputs]
    found = [joint for end in ends for joint in at_end(graph, catalogue, end)]
    ranks = {joint: rank(graph, catalogue, joint) for joint in found}
    return sorted(found, key=lambda joint: ranks[joint])


def at_end(graph: Graph, catalogue: Catalogue, end: Place) -> Iterable[Joint]:
    """The links that could be drawn at one port."""
    for place, why in why_not_each(graph, catalogue, end).items():
        if why:
            continue
        source, target = (place, end) if end.is_input else (end, place)
        links = [link for link in graph.in_links[target.node] if link.input == target.name]
        if any((link.source, link.output) == source[:2] for link in links):
            continue
        added = is_indexed(*ports(graph, catalogue, source, target))
        yield Joint(source, target, not end.is_input, links[0] if links and not added else None)


def rank(graph: Graph, catalogue: Catalogue, joint: Joint) -> tuple[int, int, bool]:
    output, port = ports(graph, catalogue, joint.source, joint.target)
    linked = any(link.input == port.name for link in graph.in_links[joint.target.node])
    near = closeness(catalogue, output, port)
    return occupation(port, linked), 9 if near is None else near, not joint.outwards
