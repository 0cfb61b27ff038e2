"""What a layout without a scene takes for the size of a node is the size that the scene draws."""

from itertools import combinations
from pathlib import Path

import pytest

import nodegraph
from nodegraph_gui.arranging import laid_out
from nodegraph_gui.framing import node_rects
from nodegraph_gui.shapes import node_shape
from nodegraph_gui.sizes import estimated_sizes, port_heights, roomy

EXAMPLES = sorted(Path("examples").rglob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_estimates_are_the_shapes(catalogue, path):
    graph = nodegraph.load(path)
    sizes = estimated_sizes(graph, catalogue)
    for id, node in graph.nodes.items():
        shape = node_shape(id, node, catalogue.get(node.type), graph.in_links[id], graph.out_links[id])
        assert (shape.width, shape.height) == sizes[id], id
        inputs, outputs = port_heights(graph, catalogue, id)
        for port in shape.ports:
            if not port.ref.index:
                assert (inputs if port.ref.is_input else outputs)[port.ref.name] == port.y, port.ref


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_no_node_of_an_example_grows_over_another_when_it_shows_its_picture(catalogue, path):
    graph = nodegraph.load(path)
    grown = roomy(graph, catalogue, {})
    for id, node in graph.nodes.items():
        kind = catalogue.get(node.type)
        if grown[id] != estimated_sizes(graph, catalogue)[id]:
            shape = node_shape(id, node, kind, graph.in_links[id], graph.out_links[id], picture=1.0)
            assert shape.height == grown[id][1], id
    rects = node_rects(laid_out(graph, catalogue), graph.nodes, grown)
    for a, b in combinations(rects, 2):
        assert not overlap(rects[a], rects[b]), (a, b)


def overlap(a, b):
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom
