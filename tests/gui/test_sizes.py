"""What a layout without a scene takes for the size of a node is the size that the scene draws."""

from pathlib import Path

import pytest

import nodegraph
from nodegraph_gui.shapes import node_shape
from nodegraph_gui.sizes import estimated_sizes, port_heights

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
