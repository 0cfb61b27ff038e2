"""Reading the graph that a command was given, and saying what is wrong with it or with the plugins that it needs."""

from __future__ import annotations

from pathlib import Path

from nodegraph.errors import GraphFileError, nearest, with_remedy
from nodegraph.files import load
from nodegraph.graphs import Graph
from nodegraph.registry import Registry

__all__ = ["plugin_troubles", "read_graph"]


def read_graph(file: str) -> Graph:
    """The graph in FILE, a saved graph or a picture that carries one; GraphFileError names the file."""
    try:
        return load(file)
    except GraphFileError as error:
        if error.place != str(Path(file)):
            raise GraphFileError(file, str(error)) from error
        raise GraphFileError(file, with_remedy(error.message, error.remedy or neighbour(Path(file)))) from error


def neighbour(path: Path) -> str:
    """The file that may have been meant by a name that is not there."""
    if path.exists():
        return ""
    try:
        return nearest(path.name, [other.name for other in path.parent.iterdir()])
    except OSError:
        return ""


def plugin_troubles(graph: Graph, registry: Registry) -> tuple[str, ...]:
    """What is wrong with the plugins, for a graph with a node type that is not there; else it is no matter here."""
    absent = any(registry.get(node.type) is None for node in graph.nodes.values())
    return registry.problems if absent else ()
