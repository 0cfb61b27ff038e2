"""Equal seeds: two nodes that draw the same noise for one picture, which a sampler then takes for twice the noise.

Nodes count as random by an input `seed`. Two samplers with one seed whose pictures only meet in a grid are a
comparison, and well; what matters are two equal seeds in, or before, one random node.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from .cycles import wiring
from .errors import Problem
from .graphs import Graph
from .registry import Registry

__all__ = ["equal_seeds"]

MOST = 512  # equal seeds that are looked at, so that the time stays linear in the graph


def equal_seeds(graph: Graph, registry: Registry, nodes: Iterable[str]) -> Iterator[Problem]:
    """A warning for each seed that is drawn from twice; the links may not run in a circle."""
    members: defaultdict[Hashable, list[str]] = defaultdict(list)
    for node in nodes:
        seed = seed_of(graph, registry, node)
        if seed is not None:
            members[seed].append(node)
    random = {node for group in members.values() for node in group}
    groups = [group for group in members.values() if len(group) > 1]
    bits = {node: 1 << number for number, node in enumerate([node for group in groups for node in group][:MOST])}
    if not bits:
        return
    masks = [sum(bits.get(node, 0) for node in group) for group in groups]
    for node, mask in first_meetings(graph, random, bits, masks):
        two = [member for member, bit in bits.items() if bit & mask]
        later = node if node in two else two[1]
        yield warning(graph, registry, next(member for member in two if member != later), later)


def first_meetings(graph: Graph, random: set[str], bits: dict[str, int], masks: list[int]) -> Iterator[tuple[str, int]]:
    """For each group, the first random node with two of its members in or before it, and these members' bits."""
    import networkx

    before: dict[str, int] = {}
    open_masks = [mask for mask in masks if mask]
    for node in networkx.topological_sort(wiring(graph)):
        mask = bits.get(node, 0)
        for link in graph.in_links[node]:
            mask |= before.get(link.source, 0)
        before[node] = mask
        if node in random and mask.bit_count() > 1:
            for group in [group for group in open_masks if (group & mask).bit_count() > 1]:
                yield node, group & mask
                open_masks.remove(group)


def seed_of(graph: Graph, registry: Registry, node: str) -> Hashable:
    """What the seed of a node is, or where it comes from; None for a node that draws nothing."""
    placed = graph.nodes[node]
    spec = registry.get(placed.type)
    port = None if spec is None else spec.input("seed")
    if port is None or placed.mode is not None or port.type is not int or port.indexed:
        return None
    for link in graph.in_links[node]:
        if link.input == "seed":
            return link.source, link.output
    value = placed.inputs.get("seed", port.default)
    return value if type(value) is int else None


def warning(graph: Graph, registry: Registry, earlier: str, later: str) -> Problem:
    seed = seed_of(graph, registry, later)
    said = f"is {seed}" if isinstance(seed, int) else "comes from {}.{}".format(*seed)  # type: ignore[misc]
    return Problem(
        later,
        "seed",
        f"{said}, like that of {earlier} ({graph.nodes[earlier].type}), so that both draw the same noise",
        "give one of them another seed",
        kind="warning",
        type=graph.nodes[later].type,
    )
