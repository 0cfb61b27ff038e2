"""What an input will be, where that is known without running anything: typed, a default, or handed on by echoes.

An echo is a node declared with `@node(..., echoes=True)`: each of its outputs is the input of the same name, unchanged.
"""

from typing import Any, Final

from .graphs import Graph, Link
from .node_types import InputSpec
from .registry import Registry
from .wires import is_same

__all__ = ["UNKNOWN", "known_input", "way_back"]

UNKNOWN: Final = object()
MOST = 100  # echoes in a row that are followed; more are no value node for several others, but a chain


def known_input(graph: Graph, registry: Registry, node: str, name: str) -> Any:
    """The validated value that an input will have; UNKNOWN when a run has to tell, ValueError when it is not valid."""
    way = way_back(graph, registry, node, name)
    if not way:
        return UNKNOWN
    node, last = way[-1]
    ports = [port for _, port in way]
    value = graph.nodes[node].inputs.get(last.name, UNKNOWN)
    if value is UNKNOWN:
        if last.required:
            return UNKNOWN
        value = ports.pop().default
    for port in reversed(ports):
        value = port.validate(value)
    return value


def way_back(graph: Graph, registry: Registry, node: str, name: str) -> list[tuple[str, InputSpec]]:
    """The inputs that a value came through, back to the one that no link feeds; none when a run has to tell."""
    way: list[tuple[str, InputSpec]] = []
    while len(way) < MOST:
        spec = registry.get(graph.nodes[node].type)
        port = None if spec is None else spec.input(name)
        if port is None:
            return []
        way.append((node, port))
        links = [link for link in graph.in_links[node] if link.input == name and not is_muted(graph, link)]
        if not links:
            return way
        if len(links) > 1 or links[0].index is not None or not echoes(graph, registry, links[0], port):
            return []
        node, name = links[0].source, links[0].output
    return []


def is_muted(graph: Graph, link: Link) -> bool:
    source = graph.nodes.get(link.source)
    return source is not None and source.mode == "mute"


def echoes(graph: Graph, registry: Registry, link: Link, port: InputSpec) -> bool:
    """Whether a link hands on, unconverted, what was handed to its source."""
    source = graph.nodes.get(link.source)
    spec = None if source is None or source.mode is not None else registry.get(source.type)
    output = None if spec is None or not spec.echoes else spec.output(link.output)
    return output is not None and is_same(output.type, port.type)
