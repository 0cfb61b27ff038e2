"""Where ports and values are is arithmetic: nothing overlaps, nothing leaves the node, every link finds its port."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from graphs import random_graph
from PySide6.QtCore import QPointF, QRectF

import nodegraph
from nodegraph import Link, Node
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.shapes import HEADER, PortRef, node_shape
from nodegraph_gui.sizes import estimated_sizes

EXAMPLES = sorted(Path("examples").rglob("*.json"))


def shape_of(graph, id, catalogue, **more):
    node = graph.nodes[id]
    return node_shape(id, node, catalogue.get(node.type), graph.in_links[id], graph.out_links[id], **more)


def check(shape, graph, id):
    body = shape.rect
    for field in shape.fields:
        assert body.contains(field.rect) and field.rect.top() >= HEADER
    rects = [field.rect for field in shape.fields] + [r for r in (shape.picture, shape.message) if not r.isEmpty()]
    for number, rect in enumerate(rects):
        assert body.contains(rect)
        assert not any(rect.intersects(other) for other in rects[number + 1 :])
    places = {(place.x, place.y) for place in shape.ports}
    assert len(places) == len(shape.ports)
    for place in shape.ports:
        assert place.x == (0 if place.ref.is_input else shape.width) and 0 < place.y < shape.height
    for side in (True, False):
        ys = sorted(place.y for place in shape.ports if place.ref.is_input is side)
        assert shape.collapsed or all(later - earlier >= 20 for earlier, later in pairwise(ys))
    for link in graph.in_links[id]:
        assert shape.places[PortRef(id, link.input, True, link.index)].linked
    for link in graph.out_links[id]:
        assert shape.places[PortRef(id, link.output, False)].linked


@pytest.mark.parametrize("seed", range(20))
def test_in_any_graph_every_link_ends_at_a_port_and_nothing_overlaps(seed, catalogue):
    chance = random.Random(seed)
    graph = random_graph(chance)
    for id in graph.nodes:
        for collapsed in (False, True):
            width = chance.choice((10, 140, 240, 600))
            shape = shape_of(graph, id, catalogue, collapsed=collapsed, width=width, picture=1.5, message=40)
            check(shape, graph, id)
            assert shape.width == max(140, width)
            assert not collapsed or (shape.height == HEADER and not shape.fields and shape.picture.isEmpty())


@pytest.mark.parametrize("file", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_a_layout_without_a_scene_knows_the_sizes_of_the_examples(file, catalogue):
    graph = nodegraph.load(file)
    sizes = estimated_sizes(graph, catalogue)
    assert EXAMPLES
    for id in graph.nodes:
        shape = shape_of(graph, id, catalogue, collapsed=id in canvas_of(graph).collapsed)
        assert (shape.width, shape.height) == sizes[id]


def test_inputs_of_data_have_a_row_for_their_value_until_they_are_linked(catalogue):
    node, kind = Node(type="CFGCombine"), catalogue.kinds["CFGCombine"]
    free = node_shape("g", node, kind)
    assert [field.name for field in free.fields] == ["scale"]
    assert free.field_at(free.fields[0].rect.center().x(), free.fields[0].rect.center().y()) == "scale"
    assert free.field_at(5, 5) is None
    linked = node_shape("g", node, kind, [Link.parse("a.value -> g.scale")])
    assert not linked.fields
    ref = PortRef("g", "scale", True)
    assert linked.port_at(ref) == free.port_at(ref)  # nothing jumps when a wire comes
    assert (linked.height, linked.width) == (free.height, free.width)


def test_a_list_has_a_port_for_each_link_and_a_free_one(catalogue):
    kind = catalogue.kinds["ImageGrid"]
    links = [Link.parse(f"a.image -> sheet.images[{index}]") for index in (1, 0)]
    shape = node_shape("sheet", Node(type="ImageGrid"), kind, links)
    ports = [place for place in shape.ports if place.ref.name == "images"]
    assert [(place.ref.index, place.linked, place.free) for place in ports] == [
        (0, True, False),
        (1, True, False),
        (2, False, True),
    ]
    alone = node_shape("sheet", Node(type="ImageGrid"), kind).places
    assert alone[PortRef("sheet", "images", True, 0)].free
    whole = node_shape("sheet", Node(type="ImageGrid"), kind, [Link.parse("a.images -> sheet.images")])
    assert [place.ref.index for place in whole.ports if place.ref.name == "images"] == [None]


def test_an_unknown_type_has_the_ports_of_its_links_and_the_rows_of_its_values():
    node = Node(type="Nowhere", inputs={"size": 3})
    shape = node_shape("x", node, None, [Link.parse("a.o -> x.image")], [Link.parse("x.depth -> b.i")])
    assert set(shape.places) == {
        PortRef("x", "image", True),
        PortRef("x", "size", True),
        PortRef("x", "depth", False),
    }
    assert [field.name for field in shape.fields] == ["size"]


def test_a_port_that_is_folded_away_is_at_its_side_and_a_list_keeps_its_wires_together(catalogue):
    kind = catalogue.kinds["CFGCombine"]
    shape = node_shape("g", Node(type="CFGCombine"), kind, collapsed=True)
    assert shape.port_at(PortRef("g", "scale", True)) == QPointF(0, HEADER / 2)
    assert shape.port_at(PortRef("g", "nothing", False)) == QPointF(shape.width, HEADER / 2)
    grid = node_shape("s", Node(type="ImageGrid"), catalogue.kinds["ImageGrid"])
    assert grid.port_at(PortRef("s", "images", True, 7)) == grid.port_at(PortRef("s", "images", True, 0))


@pytest.mark.parametrize("aspect", [0.01, 0.3, 1, 4, 100])
def test_a_picture_keeps_its_proportions_and_has_a_largest_height(aspect, catalogue):
    shape = node_shape("n", Node(type="PureNoise"), catalogue.kinds["PureNoise"], picture=aspect)
    assert shape.picture.width() / shape.picture.height() == pytest.approx(aspect)
    assert shape.picture.height() <= 260 and QRectF(shape.rect).contains(shape.picture)
