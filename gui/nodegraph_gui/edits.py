"""Every edit of a graph: functions from graph to graph, which `Document.edit` makes take effect.

Those of single nodes stand here; wires, layout, frames, copies and the rest have modules of their own, and all go by
this one's name. What cannot be done raises ValueError with the reason, in words for a user.
"""

from collections.abc import Collection, Mapping
from typing import Any

from nodegraph import Graph, Node, UsageError
from nodegraph.graphs import Mode

from .aligning import align, distribute, snap, snapped
from .arranging import arrange, laid_out
from .canvases import Point, with_collapsed, with_colours, with_positions, with_renamed, with_widths
from .catalogues import Catalogue
from .deleting import delete, extract
from .fittings import fitting
from .framing import (
    add_frame,
    add_note,
    edit_frame,
    edit_note,
    fit_frame,
    in_frame,
    move_frames,
    remove_frame,
    remove_note,
)
from .ids import check_id, new_id
from .inserting import insert_on_link, make_room, why_not_insert
from .linking import (
    Place,
    connect,
    disconnect,
    free_port,
    move_in_list,
    why_not_connect,
    why_not_each,
)
from .pasting import copied, copy_text, duplicate, duplicate_notes, paste_graph, paste_text
from .seeds import draw_seeds, set_drawn, take_seeds

__all__ = [
    "Place",
    "add_frame",
    "add_node",
    "add_note",
    "align",
    "arrange",
    "connect",
    "copy_text",
    "delete",
    "disconnect",
    "distribute",
    "draw_seeds",
    "duplicate",
    "duplicate_notes",
    "edit_frame",
    "edit_note",
    "extract",
    "fit_frame",
    "fitting",
    "free_port",
    "in_frame",
    "insert_on_link",
    "laid_out",
    "make_room",
    "move",
    "move_frames",
    "move_in_list",
    "paste_graph",
    "paste_text",
    "remove_frame",
    "remove_note",
    "rename_id",
    "reset_input",
    "set_collapsed",
    "set_colour",
    "set_drawn",
    "set_input",
    "set_mode",
    "set_title",
    "set_width",
    "snap",
    "snapped",
    "take_seeds",
    "why_not_connect",
    "why_not_each",
    "why_not_insert",
]

OWN = "nodegraph"  # the distribution of the built-in nodes, which a file does not name


def add_node(
    graph: Graph, catalogue: Catalogue, kind: str, at: Point, inputs: Mapping[str, Any] | None = None
) -> tuple[Graph, str]:
    """Place a new node with its top left corner there; returns the graph and the node's id."""
    found = catalogue.get(kind)
    if found is None:
        raise ValueError(f"there is no node type {kind}; is its plugin installed?")
    id = new_id(kind, graph.nodes)
    plugin = None if found.plugin in ("", OWN) else found.plugin
    try:
        node = Node(type=kind, plugin=plugin, version=found.version)
        graph = graph.add(id, node, **(inputs or {}))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return with_positions(graph, {id: at}), id


def here(graph: Graph, ids: Collection[str]) -> list[str]:
    """Those of the ids that there are nodes of."""
    return [node for node in dict.fromkeys(ids) if node in graph.nodes]


def move(graph: Graph, positions: Mapping[str, Point]) -> Graph:
    """Put nodes where they are to stand."""
    return with_positions(graph, {node: positions[node] for node in here(graph, positions)})


def set_input(graph: Graph, node: str, name: str, value: Any) -> Graph:
    """Write a value into an input; ValueError when a file cannot hold it."""
    try:
        return graph.set(node, **{name: value})
    except UsageError as error:
        raise ValueError(str(error)) from None


def reset_input(graph: Graph, node: str, *names: str) -> Graph:
    """Take values from inputs, so that their defaults hold again."""
    placed = graph.nodes.get(node)
    given = [name for name in names if placed is not None and name in placed.inputs]
    return graph.unset(node, *given) if given else graph


def set_mode(graph: Graph, ids: Collection[str], mode: Mode | None) -> Graph:
    """Mute or bypass nodes, or, with None, neither."""
    return graph.replace_nodes({node: graph.nodes[node].edited(mode=mode) for node in here(graph, ids)})


def set_title(graph: Graph, node: str, title: str | None) -> Graph:
    """Give a node a title of its own; None or nothing but blanks gives back that of its type."""
    text = " ".join((title or "").split())
    return graph.replace_nodes({each: graph.nodes[each].edited(title=text or None) for each in here(graph, [node])})


def set_colour(graph: Graph, ids: Collection[str], colour: str | None) -> Graph:
    """Give nodes a colour of their own, as #rrggbb; None gives back that of the category."""
    return with_colours(graph, dict.fromkeys(here(graph, ids), colour))


def set_collapsed(graph: Graph, ids: Collection[str], yes: bool) -> Graph:
    """Fold nodes to their titles, or unfold them."""
    return with_collapsed(graph, here(graph, ids), yes)


def set_width(graph: Graph, ids: Collection[str], width: float | None) -> Graph:
    """Give nodes a width of their own; None gives back the usual one."""
    return with_widths(graph, dict.fromkeys(here(graph, ids), width))


def rename_id(graph: Graph, old: str, new: str) -> Graph:
    """Let a node go by another id, with its wires and its place; ValueError when that can be no id, or is taken."""
    if old not in graph.nodes:
        raise ValueError(f"there is no node {old}")
    if new == old:
        return graph
    check_id(new, graph.nodes)
    nodes = {new if node == old else node: placed for node, placed in graph.nodes.items()}
    links = [copied(link, {old: new}) if old in (link.source, link.target) else link for link in graph.links]
    return with_renamed(graph.with_parts(nodes=nodes, links=links), {old: new})
