"""What can follow or precede a port, or a node: what the lists offer that open where a wire is dropped, and by Tab."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from nodegraph import Graph

from .catalogues import Catalogue, Kind, Port
from .linking import End, Place, closeness, kind_of

__all__ = ["Fitting", "fitting", "neighbours"]


class Fitting(NamedTuple):
    """A kind of node, and the port of it that the wire would end in."""

    kind: Kind
    name: str


def fitting(
    graph: Graph, catalogue: Catalogue, port: End, usage: Mapping[str, float] = MappingProxyType({})
) -> list[Fitting]:
    """The kinds that can be linked to a port, the likeliest first, each with the port that fits best.

    The same type comes before a derived one, and that before one to be converted; then inputs that need a link or
    a value before others; then what was used most often; then the order of the catalogue.

    Args:
        usage: how often each kind was used, by its id.
    """
    kind = kind_of(graph, catalogue, port.node)
    start = None if kind is None else (kind.inputs_by_name if port.is_input else kind.outputs_by_name).get(port.name)
    if start is None:
        return []
    found = []
    for order, other in enumerate(catalogue.kinds.values()):
        best = best_port(catalogue, start, port.is_input, other)
        if best is not None:
            near, easy, name = best
            found.append(((near, easy, -usage.get(other.id, 0), order), Fitting(other, name)))
    return [each for _, each in sorted(found, key=lambda ranked: ranked[0])]


def best_port(catalogue: Catalogue, start: Port, is_input: bool, kind: Kind) -> tuple[int, bool, str] | None:
    """How near the best fitting port of a kind is, whether it can do without a link, and its name."""
    ranked = []
    for at, port in enumerate(kind.outputs if is_input else kind.inputs):
        near = closeness(catalogue, *((port, start) if is_input else (start, port)))
        if near is not None:
            ranked.append((near, not is_input and not port.required, at, port.name))
    if not ranked:
        return None
    near, easy, _, name = min(ranked)
    return near, easy, name


def neighbours(
    graph: Graph, catalogue: Catalogue, node: str, usage: Mapping[str, float] = MappingProxyType({})
) -> dict[str, tuple[Place, str]]:
    """The kinds that can be linked to a node, by their ids: the port of the node, and that of the kind.

    In the order of `fitting`, those that take what the node gives before those that feed it.

    A kind that takes what the node gives is linked to that, whatever else fits; one that does not, but gives what a
    free input needs, to that input. Values that can be typed in are no reason to link.
    """
    kind = kind_of(graph, catalogue, node)
    if kind is None:
        return {}
    taken = {link.input for link in graph.in_links[node]}
    giving = [Place(node, port.name, False) for port in kind.outputs]
    needing = [
        Place(node, port.name, True)
        for port in kind.inputs
        if (port.is_list or port.name not in taken) and (port.required or not port.is_data)
    ]
    found = []
    for order, other in enumerate(catalogue.kinds.values()):
        best = best_pair(catalogue, kind, giving, other) or best_pair(catalogue, kind, needing, other)
        if best is not None:
            rank, end, name = best
            found.append(((end.is_input, rank, -usage.get(other.id, 0), order), other.id, (end, name)))
    return {other: pair for _, other, pair in sorted(found, key=lambda each: each[0])}


def best_pair(
    catalogue: Catalogue, kind: Kind, ends: list[Place], other: Kind
) -> tuple[tuple[int, bool], Place, str] | None:
    """Which of some ends at a node fits another kind best, and the port there; first how well."""
    ranked = []
    for at, end in enumerate(ends):
        start = (kind.inputs_by_name if end.is_input else kind.outputs_by_name)[end.name]
        best = best_port(catalogue, start, end.is_input, other)
        if best is not None:
            ranked.append((best[:2], not start.required, at, end, best[2]))
    if not ranked:
        return None
    rank, _, _, end, name = min(ranked, key=lambda each: each[:3])
    return rank, end, name
