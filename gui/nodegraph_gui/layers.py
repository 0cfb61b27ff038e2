"""Nodes in layers, so that every wire goes to the right: the first two steps of drawing a graph.

Source: Sugiyama, Tagawa and Toda 1981. Longest paths give the layers; barycentres (`stacks`) reduce the crossings.
"""

from collections.abc import Mapping, Sequence

__all__ = ["components", "layers_of"]

Edges = Mapping[str, Sequence[str]]


def layers_of(nodes: Sequence[str], after: Edges) -> dict[str, int]:
    """The layer of each node, the sources in layer 0; a node with slack stands close to what it feeds.

    Where wires run in a circle, which a file may hold, the one that closes it is left out.
    """
    order, after = in_order(nodes, after)
    layer = dict.fromkeys(order, 0)
    incoming = dict.fromkeys(order, 0)
    for node in order:
        for other in after[node]:
            layer[other] = max(layer[other], layer[node] + 1)
            incoming[other] += 1
    for node in reversed(order):
        if after[node] and len(after[node]) >= incoming[node]:
            layer[node] = min(layer[other] for other in after[node]) - 1
    first = min(layer.values(), default=0)
    return {node: layer[node] - first for node in nodes}


def in_order(nodes: Sequence[str], after: Edges) -> tuple[list[str], dict[str, list[str]]]:
    """The nodes so that each comes before what it feeds, and the edges without those that close a circle."""
    kept: dict[str, list[str]] = {node: [] for node in nodes}
    finished: list[str] = []
    state = dict.fromkeys(nodes, 0)  # 1: on the way, 2: finished
    for start in nodes:
        if state[start]:
            continue
        state[start] = 1
        way = [(start, iter(after[start]))]
        while way:
            node, rest = way[-1]
            for other in rest:
                if state[other] == 1:
                    continue
                kept[node].append(other)
                if not state[other]:
                    state[other] = 1
                    way.append((other, iter(after[other])))
                    break
            else:
                state[node] = 2
                finished.append(node)
                way.pop()
    return finished[::-1], kept


def components(nodes: Sequence[str], after: Edges) -> list[list[str]]:
    """The groups of nodes that wires hold together, each in the order of `nodes`."""
    beside: dict[str, list[str]] = {node: [] for node in nodes}
    for node in nodes:
        for other in after[node]:
            beside[node].append(other)
            beside[other].append(node)
    group: dict[str, int] = {}
    for number, start in enumerate(nodes):
        if start in group:
            continue
        group[start] = number
        waiting = [start]
        for node in waiting:
            for other in beside[node]:
                if other not in group:
                    group[other] = number
                    waiting.append(other)
    found: dict[int, list[str]] = {}
    for node in nodes:
        found.setdefault(group[node], []).append(node)
    return list(found.values())
