"""Taking nodes away, or out of their chain, so that what they stood between stays linked where types allow.

What was fed by such a node gets what the node itself was fed with, as a bypassed node would hand it on: from the
first linked input of the output's type. So a blur goes and its picture stays, and a sampler that goes leaves no noise.
"""

from collections.abc import Collection, Iterator

from nodegraph import Graph, Link

from .canvases import without_nodes
from .catalogues import Catalogue, Kind, Port
from .linking import kind_of, renumbered

__all__ = ["delete", "extract"]


def delete(graph: Graph, catalogue: Catalogue, ids: Collection[str], heal: bool = True) -> Graph:
    """Take nodes away, with their wires and all that the canvas says of them.

    Args:
        heal: link what stood before them to what stood behind them, where types allow.
    """
    gone = {node for node in ids if node in graph.nodes}
    if not gone:
        return graph
    links = healed(graph, catalogue, gone) if heal else [link for link in graph.links if is_apart(link, gone)]
    links = renumbered(links, ends_behind(graph, gone))
    nodes = {node: placed for node, placed in graph.nodes.items() if node not in gone}
    return without_nodes(graph.with_parts(nodes=nodes, links=links), gone)


def extract(graph: Graph, catalogue: Catalogue, ids: Collection[str]) -> Graph:
    """Take nodes out of their chain, which closes behind them; they stay, with the wires among themselves."""
    out = {node for node in ids if node in graph.nodes}
    inner = [link for link in graph.links if link.source in out and link.target in out]
    links = renumbered([*healed(graph, catalogue, out), *inner], ends_behind(graph, out) | ends_within(graph, out))
    return graph if tuple(links) == graph.links else graph.with_parts(links=links)


def is_apart(link: Link, nodes: Collection[str]) -> bool:
    return link.source not in nodes and link.target not in nodes


def ends_behind(graph: Graph, nodes: set[str]) -> set[tuple[str, str]]:
    """The inputs of other nodes that wires from these end in."""
    return {(link.target, link.input) for node in nodes for link in graph.out_links[node] if link.target not in nodes}


def ends_within(graph: Graph, nodes: set[str]) -> set[tuple[str, str]]:
    return {(link.target, link.input) for node in nodes for link in graph.in_links[node]}


def healed(graph: Graph, catalogue: Catalogue, gone: set[str]) -> list[Link]:
    """The links without those at the nodes, and, in the places of those that left them, what came before the nodes."""
    links = []
    for link in graph.links:
        if is_apart(link, gone):
            links.append(link)
        elif link.source in gone and link.target not in gone:
            new = instead(graph, catalogue, link, gone)
            if new is not None:
                links.append(new)
    return links


def instead(graph: Graph, catalogue: Catalogue, link: Link, gone: set[str]) -> Link | None:
    """The link that takes the place of one from a node that goes; None when nothing before it fits."""
    target = kind_of(graph, catalogue, link.target)
    port = None if target is None else target.inputs_by_name.get(link.input)
    if port is None:
        return None
    waiting, seen = [(link.source, link.output)], {(link.source, link.output)}
    while waiting:
        node, output = waiting.pop()
        if node not in gone:
            found = output_of(kind_of(graph, catalogue, node), output)
            if found is not None and not catalogue.why_not(found, port, link.index is not None):
                return link.model_copy(update={"source": node, "output": output})
            continue
        before = [each for each in feeding(graph, catalogue, node, output) if each not in seen]
        seen.update(before)
        waiting.extend(reversed(before))
    return None


def output_of(kind: Kind | None, name: str) -> Port | None:
    return None if kind is None else kind.outputs_by_name.get(name)


def feeding(graph: Graph, catalogue: Catalogue, node: str, output: str) -> Iterator[tuple[str, str]]:
    """The outputs that feed inputs of the type of this output of a node, in the order of its inputs."""
    kind = kind_of(graph, catalogue, node)
    wanted = output_of(kind, output)
    if kind is None or wanted is None:
        return
    order = {port.name: at for at, port in enumerate(kind.inputs) if port.type == wanted.type}
    links = [link for link in graph.in_links[node] if link.input in order]
    for link in sorted(links, key=lambda link: (order[link.input], link.index or 0)):
        yield link.source, link.output
