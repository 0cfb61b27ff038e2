"""Old graphs as today's: numbered pure functions from dict to dict, one for each step of the file format.

The nodes of a plugin are brought up to date by the plugin (`nodegraph_migrate`), when a graph is checked or run: to
load a file calls no plugin.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from .errors import GraphFileError
from .graphs import Graph, Node
from .structure import structure_error
from .validation import shown

if TYPE_CHECKING:
    from .registry import Registry

__all__ = ["MIGRATIONS", "VERSION", "migrate", "migrated"]

Document: TypeAlias = dict[str, Any]


def from_0(document: Document) -> Document:
    """Before 0.1.0: each link was a list [source, output, target, input] or [source, output, target, input, index]."""
    links = document.get("links", [])
    if not isinstance(links, list):
        return document
    lines = []
    for number, link in enumerate(links):
        ends = link[:4] if isinstance(link, list) and len(link) in (4, 5) else []
        index = link[4:] if ends else []
        if not ends or not all(isinstance(end, str) for end in ends) or not all(type(at) is int for at in index):
            raise GraphFileError(
                f"links[{number}]", f"is {shown(link)}, must be [source, output, target, input] in version 0"
            )
        lines.append("{}.{} -> {}.{}".format(*ends) + "".join(f"[{at}]" for at in index))
    return {**document, "links": lines}


MIGRATIONS: tuple[Callable[[Document], Document], ...] = (from_0,)  # the number of each is the version that it reads
VERSION = len(MIGRATIONS)


def migrate(document: Document) -> Document:
    """The document of a file, of any version so far, as one of today's version."""
    version = document.get("nodegraph")
    if version is None:
        raise GraphFileError("nodegraph", "is missing", f'a graph is like {{"nodegraph": {VERSION}, "nodes": {{}}}}')
    if type(version) is not int or version < 0:
        raise GraphFileError("nodegraph", f"is {shown(version)}, must be the version of the file, {VERSION}")
    if version > VERSION:
        raise GraphFileError(
            "nodegraph", f"is {shown(version)}, known is {VERSION}", "the file needs a newer Nodegraph"
        )
    for step in MIGRATIONS[version:]:
        document = step(document)
    return {**document, "nodegraph": VERSION}


def migrated(graph: Graph, registry: "Registry") -> Graph:
    """The graph with its old nodes as their plugins would write them today; itself when none is old. Remembered."""
    return graph.remember(("migrated", registry), lambda graph: migrate_nodes(graph, registry))


def migrate_nodes(graph: Graph, registry: "Registry") -> Graph:
    changed = {}
    for id, node in graph.nodes.items():
        spec = registry.get(node.type)
        if spec is None or node.version < spec.version:
            new = migrate_node(node, registry)
            if new is not node:
                changed[id] = new
    return graph.replace_nodes(changed) if changed else graph


def migrate_node(node: Node, registry: "Registry") -> Node:
    """The node that the plugins make of this one; itself where they make nothing or nonsense of it."""
    old = node.model_dump()
    new = registry.migrate(old)
    if new == old:
        return node
    try:
        return Node.model_validate(new)
    except ValidationError as error:
        registry.add_problem(f"{node.type} cannot be migrated: {structure_error(error, '', Node.model_fields)}", error)
        return node
