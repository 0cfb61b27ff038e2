"""Equal seeds: two nodes that draw the same noise for one picture, which a sampler then takes for twice the noise.

Nodes count as random by an input `seed`. Two samplers with one seed whose pictures only meet in a grid are a
comparison, and well; what matters are two equal seeds in, or before, one random node. Where the noise belongs to a
condition and not to the picture, as `Field(json_schema_extra={"seed_of": "condition"})` says of a seed, nodes of one
type are meant to draw the same: the halves of guidance then differ in their prompts alone. Where something counts
what has been drawn, so that whoever goes on draws what comes next, an input says
`Field(json_schema_extra={"draws": "counted"})`, and what is before it is not drawn again.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from functools import reduce
from operator import or_

from .cycles import wiring
from .echoes import known_input
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
    drawers: dict[Hashable, int] = {}
    bits = {
        node: drawers.setdefault(drawer(graph, registry, node), 1 << len(drawers))
        for node in [node for group in groups for node in group][:MOST]
    }
    if not bits:
        return
    masks = [reduce(or_, (bits.get(node, 0) for node in group)) for group in groups]
    for node, mask in first_meetings(graph, registry, random, bits, masks):
        same = [member for member, bit in bits.items() if bit & mask]
        later = node if node in same else same[1]
        yield warning(graph, registry, next(member for member in same if bits[member] != bits[later]), later)


def first_meetings(
    graph: Graph, registry: Registry, random: set[str], bits: dict[str, int], masks: list[int]
) -> Iterator[tuple[str, int]]:
    """For each group, the first random node with two of its members in or before it, and these members' bits."""
    import networkx

    before: dict[str, int] = {}
    open_masks = [mask for mask in masks if mask]
    for node in networkx.topological_sort(wiring(graph)):
        mask = bits.get(node, 0)
        for link in graph.in_links[node]:
            earlier = before.get(link.source, 0)
            if earlier and not is_counted(graph, registry, node, link.input):
                mask |= earlier
        before[node] = mask
        if node in random and mask.bit_count() > 1:
            for group in [group for group in open_masks if (group & mask).bit_count() > 1]:
                yield node, group & mask
                open_masks.remove(group)


def is_counted(graph: Graph, registry: Registry, node: str, name: str) -> bool:
    """Whether what was drawn before an input is counted, and drawn no more."""
    spec = registry.get(graph.nodes[node].type)
    port = None if spec is None else spec.input(name)
    return port is not None and port.schema.get("draws") == "counted"


def seed_of(graph: Graph, registry: Registry, node: str) -> Hashable:
    """What the seed of a node is, typed or from a value node, or where it comes from; None if nothing is drawn."""
    placed = graph.nodes[node]
    spec = registry.get(placed.type)
    port = None if spec is None else spec.input("seed")
    if port is None or placed.mode is not None or port.type is not int or port.indexed:
        return None
    with suppress(ValueError):
        value = known_input(graph, registry, node, "seed")
        if type(value) is int:
            return value
    return next(((link.source, link.output) for link in graph.in_links[node] if link.input == "seed"), None)


def drawer(graph: Graph, registry: Registry, node: str) -> Hashable:
    """What draws the noise: a node, or, for a condition, all nodes of its type with its seed."""
    spec = registry.get(graph.nodes[node].type)
    port = None if spec is None else spec.input("seed")
    if port is not None and port.schema.get("seed_of") == "condition":
        return graph.nodes[node].type, seed_of(graph, registry, node)
    return node


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
