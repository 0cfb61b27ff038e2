"""A node dropped on a wire: linked in between, with room made for it."""

from collections.abc import Mapping
from typing import Literal

from nodegraph import Graph, Link

from .canvases import GRID, Size, canvas_of, with_positions
from .catalogues import Catalogue
from .framing import node_rects
from .linking import Place, closeness, connect, disconnect, kind_of, reached, why_circle
from .sizes import size_of

__all__ = ["insert_on_link", "make_room", "why_not_insert"]

GAP = 3 * GRID

Side = Literal["right", "left"]


def why_not_insert(graph: Graph, catalogue: Catalogue, link: Link, node: str) -> str:
    """Why a node cannot be put on a wire, in words for a user; "" when it can."""
    found = way_through(graph, catalogue, link, node)
    return found if isinstance(found, str) else ""


def insert_on_link(
    graph: Graph,
    catalogue: Catalogue,
    link: Link,
    node: str,
    sizes: Mapping[str, Size] | None = None,
    side: Side = "right",
) -> Graph:
    """Put a node on a wire: what fed the target now feeds the node, and the node the target.

    Args:
        sizes: of the nodes, to make room at the right or left of the node; None moves nothing.

    Raises ValueError with the reason where the node does not fit in.
    """
    found = way_through(graph, catalogue, link, node)
    if isinstance(found, str):
        raise ValueError(found)
    name, output = found
    source, target = Place(link.source, link.output, False), Place(link.target, link.input, True, link.index)
    new = connect(graph, catalogue, Place(node, output, False), target)  # takes the place of the old wire
    new = connect(new, catalogue, source, Place(node, name, True))
    if sizes is None:
        return new
    return make_room(clear_of(new, link, node, sizes) if side == "right" else new, node, sizes, side)


def clear_of(graph: Graph, link: Link, node: str, sizes: Mapping[str, Size]) -> Graph:
    """Move a node that is put on a wire to the right of the wire's source, so that no wire has to lead back to it.

    One that is put on a wire which leads back stays where it is, unless it lies over the source.
    """
    rects = node_rects(graph, [link.source, node, link.target], sizes)
    if len(rects) < 3:
        return graph
    before, rect, after = rects[link.source], rects[node], rects[link.target]
    level = rect.y < before.bottom and rect.bottom > before.y
    over = level and before.x < rect.right and rect.x < before.right + 2 * GRID
    close = after.x > before.x and rect.x < before.right + 2 * GRID
    if not over and not close:
        return graph
    return with_positions(graph, {node: (-(-(before.right + GAP) // GRID) * GRID, rect.y)})


def way_through(graph: Graph, catalogue: Catalogue, link: Link, node: str) -> tuple[str, str] | str:
    """The input and the output of the node that a wire goes through, or why there are none.

    Free inputs first, then the nearest types, then those that need a link, then the order of the node.
    """
    if link not in graph.links:
        return f"there is no link {link}"
    if node in (link.source, link.target):
        return f"{node} is at an end of that wire"
    before, kind, after = (kind_of(graph, catalogue, each) for each in (link.source, node, link.target))
    given = None if before is None else before.outputs_by_name.get(link.output)
    wanted = None if after is None else after.inputs_by_name.get(link.input)
    if kind is None or given is None or wanted is None:
        return "what is not installed cannot be linked, since nobody knows what fits"
    rest = disconnect(graph, link)
    why = why_circle(rest, link.source, node) or why_circle(rest, node, link.target)
    if why:
        return why
    taken = {each.input for each in graph.in_links[node]}
    ways = []
    for at, port in enumerate(kind.inputs):
        near = closeness(catalogue, given, port)
        for place, output in enumerate(kind.outputs) if near is not None else ():
            far = closeness(catalogue, output, wanted)
            if near is not None and far is not None and output.is_list == given.is_list:
                lost = port.name in taken and not port.is_list
                ways.append((lost, near + far, not port.required, at, place, port.name, output.name))
    if not ways:
        return f"{kind.id} has no way through from {given.type} to {wanted.type}"
    return min(ways)[-2:]


def make_room(graph: Graph, node: str, sizes: Mapping[str, Size], side: Side = "right") -> Graph:
    """Move what comes behind a node to the right (or what comes before it to the left) as far as it is in the way."""
    positions = canvas_of(graph).positions
    if node not in positions:
        return graph
    x, width = positions[node][0], size_of(graph, node, sizes)[0]
    near = graph.out_links[node] if side == "right" else graph.in_links[node]
    others = [link.target if side == "right" else link.source for link in near]
    placed = [other for other in others if other in positions]
    if not placed:
        return graph
    if side == "right":
        edge = min(positions[other][0] for other in placed)
        shift = x + width + GAP - edge
        moved = [other for other in reached(graph, node) if positions.get(other, (edge - 1,))[0] >= edge]
    else:
        edge = max(positions[other][0] + size_of(graph, other, sizes)[0] for other in placed)
        shift = edge + GAP - x
        moved = [other for other in reached(graph, node, forwards=False) if positions.get(other, (edge,))[0] < edge]
    if shift <= 0:
        return graph
    step = -(-shift // GRID) * GRID * (1 if side == "right" else -1)
    return with_positions(
        graph, {other: (positions[other][0] + step, positions[other][1]) for other in moved if other != node}
    )
