"""Wires: which may be drawn, and the graph with one more or one less.

An occupied input takes the new wire in the place of the old one. The places of an input that takes a list are always
0, 1, 2, ...: a new wire goes behind the last, and when one goes the others move up.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from nodegraph import Graph, Link

from .catalogues import Catalogue, Kind, Port

__all__ = [
    "End",
    "Place",
    "closeness",
    "connect",
    "disconnect",
    "free_port",
    "kind_of",
    "move_in_list",
    "next_index",
    "reached",
    "renumbered",
    "why_not_connect",
    "why_not_each",
]

EXACT, DERIVED, CONVERTED = range(3)


class End(Protocol):
    """An output or input of a node, as a gesture knows it."""

    @property
    def node(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def is_input(self) -> bool: ...
    @property
    def index(self) -> int | None: ...


class Place(NamedTuple):
    """An `End` for those who have no other; equal to a tuple of its parts."""

    node: str
    name: str
    is_input: bool
    index: int | None = None  # type: ignore[assignment]  # not the method of tuples


def kind_of(graph: Graph, catalogue: Catalogue, node: str) -> Kind | None:
    """The kind of a node; None when it is not installed, or there is no such node."""
    placed = graph.nodes.get(node)
    return None if placed is None else catalogue.get(placed.type)


def why_no_port(graph: Graph, catalogue: Catalogue, end: End, is_input: bool) -> str:
    """Why nothing can be linked there at all; "" when something can."""
    placed = graph.nodes.get(end.node)
    if placed is None:
        return f"there is no node {end.node}"
    kind = catalogue.get(placed.type)
    if kind is None:
        return f"{end.node} is a {placed.type}, which is not installed, so that nobody knows what fits"
    if end.name not in (kind.inputs_by_name if is_input else kind.outputs_by_name):
        return f"{placed.type} has no {'input' if is_input else 'output'} {end.name}"
    return ""


def why_not_connect(graph: Graph, catalogue: Catalogue, source: End, target: End) -> str:
    """Why an output cannot be linked to an input, in words for a user; "" when it can."""
    why = why_no_port(graph, catalogue, source, False) or why_no_port(graph, catalogue, target, True)
    return why or why_no_fit(graph, catalogue, source, target) or why_circle(graph, source.node, target.node)


def why_no_fit(graph: Graph, catalogue: Catalogue, source: End, target: End) -> str:
    output, port = ports(graph, catalogue, source, target)
    return catalogue.why_not(output, port, is_indexed(output, port))


def ports(graph: Graph, catalogue: Catalogue, source: End, target: End) -> tuple[Port, Port]:
    """The output and the input of a link that is known to have both."""
    giving, taking = catalogue.kinds[graph.nodes[source.node].type], catalogue.kinds[graph.nodes[target.node].type]
    return giving.outputs_by_name[source.name], taking.inputs_by_name[target.name]


def is_indexed(output: Port, port: Port) -> bool:
    """Whether a link between the two has a place in a list."""
    return port.is_list and not output.is_list


def why_circle(graph: Graph, source: str, target: str) -> str:
    """Why a link from one node to the other would close a circle; "" when it would not."""
    return circle_text(source, target) if source in reached(graph, target, stop=source) else ""


def circle_text(source: str, target: str) -> str:
    if source == target:
        return f"{source} cannot feed itself"
    return f"the wires would run in a circle: {target} leads to {source} already"


def reached(graph: Graph, start: str, *, forwards: bool = True, stop: str | None = None) -> set[str]:
    """The node, and all that wires lead to from it (or, backwards, come from).

    Each node is looked at once, so the time is linear in the graph. Ends early when `stop` was found.
    """
    found, waiting = {start}, [start]
    for node in waiting:
        for link in graph.out_links[node] if forwards else graph.in_links[node]:
            other = link.target if forwards else link.source
            if other not in found:
                found.add(other)
                if other == stop:
                    return found
                waiting.append(other)
    return found


def why_not_each(graph: Graph, catalogue: Catalogue, end: End) -> dict[Place, str]:
    """For each port at the other side of the graph why a wire from `end` cannot end there; "" where it can.

    What glows and what is grey while a wire is dragged: one walk through the graph for all of them.
    """
    why = why_no_port(graph, catalogue, end, end.is_input)
    circle = reached(graph, end.node, forwards=end.is_input)
    found: dict[Place, str] = {}
    known: dict[tuple[str, str], str] = {}
    for node, placed in graph.nodes.items():
        kind = catalogue.get(placed.type)
        for port in () if kind is None else kind.outputs if end.is_input else kind.inputs:
            place = Place(node, port.name, not end.is_input)
            source, target = (place, end) if end.is_input else (end, place)
            key = placed.type, port.name
            if not why and key not in known:
                known[key] = why_no_fit(graph, catalogue, source, target)
            found[place] = why or known[key]
            if not found[place] and node in circle:
                found[place] = circle_text(source.node, target.node)
    return found


def connect(graph: Graph, catalogue: Catalogue, source: End, target: End, index: int | None = None) -> Graph:
    """Draw a wire; ValueError says why that cannot be.

    Args:
        index: the place in an input that takes a list, or else that of `target`; None is behind the last. What was
            at that place goes.
    """
    why = why_not_connect(graph, catalogue, source, target)
    if why:
        raise ValueError(why)
    output, port = ports(graph, catalogue, source, target)
    index = target.index if index is None else index
    last = next_index(graph, target.node, target.name)
    place = None if not is_indexed(output, port) else last if index is None else min(index, last)
    new = Link(source=source.node, output=source.name, target=target.node, input=target.name, index=place)
    kept, at = [], None
    for link in graph.links:
        here = (link.target, link.input) == (target.node, target.name)
        if not here or (link.index != place and None not in (link.index, place)):
            kept.append(link)
        elif at is None:
            at = len(kept)
    at = len(kept) if at is None else at
    return with_links(graph, renumbered([*kept[:at], new, *kept[at:]], {(target.node, target.name)}))


def disconnect(graph: Graph, *links: Link) -> Graph:
    """Cut wires; the other wires of a list move up."""
    gone = set(links)
    kept = [link for link in graph.links if link not in gone]
    if len(kept) == len(graph.links):
        return graph
    return with_links(graph, renumbered(kept, {(link.target, link.input) for link in gone}))


def move_in_list(graph: Graph, link: Link, index: int) -> Graph:
    """Give a wire of a list another place; those in between move."""
    rest = [each for each in in_list(graph, link.target, link.input) if each != link]
    order = {each: at for at, each in enumerate([*rest[:index], link, *rest[index:]])}
    return with_links(
        graph, [each.model_copy(update={"index": order[each]}) if each in order else each for each in graph.links]
    )


def in_list(graph: Graph, node: str, name: str) -> list[Link]:
    """The wires of an input that takes a list, in their order."""
    found = [link for link in graph.in_links[node] if link.input == name and link.index is not None]
    return sorted(found, key=lambda link: link.index or 0)


def next_index(graph: Graph, node: str, name: str) -> int:
    """The place behind the last wire of a list."""
    return len(in_list(graph, node, name))


def with_links(graph: Graph, links: Iterable[Link]) -> Graph:
    new = tuple(links)
    return graph if new == graph.links else graph.with_parts(links=new)


def renumbered(links: Iterable[Link], inputs: Collection[tuple[str, str]]) -> list[Link]:
    """The links, with those of these inputs (node, name) numbered 0, 1, 2, ... in their order."""
    links = list(links)
    members: dict[tuple[str, str], list[int]] = {}
    for at, link in enumerate(links):
        if link.index is not None and (link.target, link.input) in inputs:
            members.setdefault((link.target, link.input), []).append(at)
    for group in members.values():
        for number, at in enumerate(sorted(group, key=lambda at: links[at].index or 0)):
            if links[at].index != number:
                links[at] = links[at].model_copy(update={"index": number})
    return links


def closeness(catalogue: Catalogue, source: Port, target: Port) -> int | None:
    """How near an output is to an input: 0 the same type, 1 derived, 2 to be converted; None: it does not fit."""
    if not catalogue.fits(source, target):
        return None
    if source.type == target.type and set(source.choices or ()) == set(target.choices or ()):
        return EXACT
    return DERIVED if catalogue.is_same(source, target) else CONVERTED


def free_port(graph: Graph, catalogue: Catalogue, source: End, node: str) -> Place | None:
    """The port of a node that a wire from `source`, dropped on the node's body, is for; None when none fits.

    Free and required ones come first, then other free ones, then those that are linked already; among these the
    nearest type, then the order of the node.
    """
    kind = kind_of(graph, catalogue, node)
    if kind is None or why_no_port(graph, catalogue, source, source.is_input):
        return None
    if why_circle(graph, *((node, source.node) if source.is_input else (source.node, node))):
        return None
    start = catalogue.kinds[graph.nodes[source.node].type]
    if source.is_input:
        wanted = start.inputs_by_name[source.name]
        giving = [
            (near, at, port.name)
            for at, port in enumerate(kind.outputs)
            if (near := closeness(catalogue, port, wanted)) is not None
        ]
        return Place(node, min(giving)[2], False) if giving else None
    given = start.outputs_by_name[source.name]
    taken = {link.input for link in graph.in_links[node]}
    found = [
        (occupation(port, port.name in taken), near, at, port.name)
        for at, port in enumerate(kind.inputs)
        if (near := closeness(catalogue, given, port)) is not None
    ]
    return Place(node, min(found)[3], True) if found else None


def occupation(port: Port, linked: bool) -> int:
    """0 for a free input that needs a wire or a value, 1 for another free one, 2 for one that would lose its wire."""
    if linked and not port.is_list:
        return 2
    return 0 if port.required and not linked else 1
