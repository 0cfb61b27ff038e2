"""How large nodes are where nobody has drawn them yet, and how far down their ports are: the arithmetic of `shapes`.

The scene knows real sizes and gives them; a file without positions is laid out before there is a scene, and without Qt.
"""

from collections.abc import Mapping

from nodegraph import Graph

from .canvases import Size, canvas_of
from .catalogues import Catalogue, Kind, Port

__all__ = ["estimated_sizes", "port_heights", "roomy", "size_of"]

WIDTH = 240.0
NARROWEST = 140.0
HEADER = 44.0
ROW = 24.0
GAP = 8.0  # between the title, the rows and what is below them
TALLEST_PICTURE = 260.0
TALL = 3  # rows that a text of several lines takes


def estimated_sizes(graph: Graph, catalogue: Catalogue) -> dict[str, Size]:
    """The size of each node: a title, a row for each wire in or out, and the values below."""
    return {node: estimated(graph, node, catalogue.get(placed.type)) for node, placed in graph.nodes.items()}


def roomy(graph: Graph, catalogue: Catalogue, sizes: Mapping[str, Size]) -> dict[str, Size]:
    """The sizes with room for the picture that a node will show when it has run, as high as one of a square."""
    canvas = canvas_of(graph)
    known = {**estimated_sizes(graph, catalogue), **sizes}
    for node, placed in graph.nodes.items():
        kind = catalogue.get(placed.type)
        if kind is not None and node not in canvas.collapsed and shows_picture(kind, catalogue):
            width, height = estimated(graph, node, kind)
            picture = min(TALLEST_PICTURE, width - 2 * GAP) + GAP
            known[node] = known[node][0], max(known[node][1], height + picture)
    return known


def shows_picture(kind: Kind, catalogue: Catalogue) -> bool:
    """Whether some output has a thumbnail, which becomes the preview of the node."""
    wires = (catalogue.wire_types.get(port.type) for port in kind.outputs)
    return any(wire is not None and "thumbnail" in wire.can for wire in wires)


def size_of(graph: Graph, node: str, sizes: Mapping[str, Size]) -> Size:
    """The size that was given, else an estimate from what is linked and typed in."""
    return sizes[node] if node in sizes else estimated(graph, node, None)


def estimated(graph: Graph, node: str, kind: Kind | None) -> Size:
    canvas = canvas_of(graph)
    width = max(NARROWEST, canvas.widths.get(node, WIDTH))
    if node in canvas.collapsed:
        return width, HEADER
    wires, values = in_rows(graph, node, kind)
    outputs = {link.output for link in graph.out_links[node]} if kind is None else kind.outputs
    rows = max(len(wires), len(outputs)) + sum(values)
    return width, HEADER + GAP + ROW * rows + (GAP if rows else 0)


def in_rows(graph: Graph, node: str, kind: Kind | None) -> tuple[list[str], list[int]]:
    """The name of the input in each row of wires, and how many rows each value takes."""
    links = graph.in_links[node]
    if kind is None:
        linked = [link.input for link in links]
        return linked, [1 for name in graph.nodes[node].inputs if name not in linked]
    places = {port.name: sum(link.input == port.name for link in links) for port in kind.inputs}
    wires = [port.name for port in kind.inputs if not port.is_data for _ in range(rows_of(port, places[port.name]))]
    return wires, [rows_of(port, places[port.name]) for port in kind.inputs if port.is_data]


def rows_of(port: Port, links: int) -> int:
    """A list has a row for each wire, and a free one; a text of several lines has room to be read."""
    if port.is_list:
        return links + 1
    return TALL if port.schema.get("multiline") and port.is_data and not links else 1


def port_heights(graph: Graph, catalogue: Catalogue, node: str) -> tuple[dict[str, float], dict[str, float]]:
    """How far below a node's top its inputs and its outputs are."""
    kind = catalogue.get(graph.nodes[node].type)
    if node in canvas_of(graph).collapsed or kind is None:
        return {}, {}
    wires, values = in_rows(graph, node, kind)
    heights: dict[str, float] = {}
    for row, name in enumerate(wires):
        heights.setdefault(name, HEADER + GAP + ROW * (row + 0.5))
    row = max(len(wires), len(kind.outputs))
    for port, high in zip([port for port in kind.inputs if port.is_data], values, strict=True):
        heights[port.name] = HEADER + GAP + ROW * (row + 0.5)
        row += high
    return heights, {port.name: HEADER + GAP + ROW * (row + 0.5) for row, port in enumerate(kind.outputs)}
