"""Graphs of toy nodes, written down as what they hold."""

from typing import Any

from nodegraph.graphs import Graph


def build(nodes: dict[str, tuple[str, dict[str, Any]]], *links: str) -> Graph:
    """The graph of these nodes, each its type and inputs, and of these links."""
    graph = Graph()
    for id, (kind, inputs) in nodes.items():
        graph = graph.add(id, kind, **inputs)
    for link in links:
        graph = graph.connect(link)
    return graph
