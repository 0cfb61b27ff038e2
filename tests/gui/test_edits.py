"""Edits of single nodes, of frames and notes, of lines and of seeds."""

import json
from random import Random

import pytest

import nodegraph
from nodegraph import Graph
from nodegraph_gui import edits
from nodegraph_gui.canvases import Rect, canvas_of
from nodegraph_gui.ids import free_id, new_id
from nodegraph_gui.seeds import is_drawn, is_seed


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("UNetMNIST", "unet_mnist"),
        ("CFGCombine", "cfg_combine"),
        ("IFStage1", "if_stage1"),
        ("DDIMInversion", "ddim_inversion"),
        ("TrainUNet", "train_unet"),
        ("ILVR", "ilvr"),
        ("my.plugin-Thing", "my_plugin_thing"),
        ("日本", "node"),
        ("X" * 200, "x" * 54),
    ],
)
def test_ids_read_like_their_types(kind, id):
    assert new_id(kind, ()) == id
    assert new_id(kind, {id}) == f"{id}_2"
    assert new_id(kind, {id, f"{id}_2"}) == f"{id}_3"


def test_every_kind_has_a_legal_id(catalogue):
    graph = Graph()
    for kind in catalogue.kinds:
        graph, id = edits.add_node(graph, catalogue, kind, (0, 0))
        assert id in graph.nodes and canvas_of(graph).positions[id] == (0, 0)
    assert nodegraph.loads(nodegraph.dumps(graph)) == graph


def test_a_long_id_stays_within_its_64_letters():
    assert free_id("a" * 64, {"a" * 64}) == "a" * 62 + "_2"
    assert free_id("a_9", {"a_9"}) == "a_10"


def test_adding_says_what_is_wrong(catalogue):
    with pytest.raises(ValueError, match="no node type Nothing"):
        edits.add_node(Graph(), catalogue, "Nothing", (0, 0))
    with pytest.raises(ValueError, match="finite"):
        edits.add_node(Graph(), catalogue, "Float", (0, 0), {"value": float("nan")})


def test_inputs_are_set_and_reset(catalogue):
    graph, id = edits.add_node(Graph(), catalogue, "CFGCombine", (0, 0))
    scaled = edits.set_input(graph, id, "scale", 3)
    assert scaled.nodes[id].inputs == {"scale": 3}
    assert edits.reset_input(scaled, id, "scale") == graph
    assert edits.reset_input(graph, id, "scale") is graph
    with pytest.raises(ValueError, match="finite"):
        edits.set_input(graph, id, "scale", float("inf"))


def test_mode_title_colour_fold_and_width(catalogue):
    graph, id = edits.add_node(Graph(), catalogue, "CFGCombine", (0, 0))
    edited = edits.set_mode(graph, [id, "gone"], "mute")
    edited = edits.set_title(edited, id, "  my\n title ")
    edited = edits.set_width(edits.set_collapsed(edits.set_colour(edited, [id], "#102030"), [id], True), [id], 300)
    assert edited.nodes[id].mode == "mute" and edited.nodes[id].title == "my title"
    assert edited.canvas == {
        "positions": {id: [0, 0]},
        "colours": {id: "#102030"},
        "collapsed": [id],
        "widths": {id: 300},
    }
    edited = edits.set_title(edits.set_mode(edited, [id], None), id, " ")
    edited = edits.set_width(edits.set_collapsed(edits.set_colour(edited, [id], None), [id], False), [id], None)
    assert edited == graph
    with pytest.raises(ValueError, match="must be like"):
        edits.set_colour(graph, [id], "red")


def test_a_renamed_id_keeps_wires_and_place():
    graph = nodegraph.load("examples/anagram.json")
    graph = edits.move(graph, {"sample": (40, 60)})
    renamed = edits.rename_id(graph, "sample", "draw")
    assert "draw.image -> turned.image" in map(str, renamed.links) and "sample" not in renamed.nodes
    assert list(renamed.nodes)[7] == "draw" and canvas_of(renamed).positions == {"draw": (40, 60)}
    assert edits.rename_id(renamed, "draw", "sample") == graph
    for bad, why in (("noise", "another node's"), ("a b", "must be 1 to 64"), ("", "must be 1 to 64")):
        with pytest.raises(ValueError, match=why):
            edits.rename_id(graph, "sample", bad)


def test_what_is_not_installed_keeps_all_that_it_had(catalogue):
    """A node of an old plugin survives every edit around it, byte for byte."""
    text = (
        '{"nodegraph": 1, "nodes": {"old": {"type": "Strange", "inputs": {"a": [1, {"b": null}]}, "mode": "mute", '
        '"title": "T", "plugin": "strange-nodes", "version": 7}, "s": {"type": "SaveImage"}}, '
        '"links": ["old.out -> s.image"], "canvas": {"positions": {"old": [1, 2]}, "strange": [1]}}'
    )
    graph = nodegraph.loads(text)
    new, id = edits.add_node(graph, catalogue, "ShowImage", (0, 0))
    new = edits.set_input(edits.move(edits.duplicate(new, ["old"])[0], {"s": (5, 5)}), "s", "name", "x")
    new = edits.arrange(edits.delete(new, catalogue, [id]), catalogue)
    assert new.nodes["old"] == graph.nodes["old"] == new.nodes["old_2"] and new.links == graph.links
    assert new.canvas["strange"] == [1]


def test_frames_lie_around_nodes_and_can_be_edited(catalogue):
    graph, one = edits.add_node(Graph(), catalogue, "Float", (100, 100))
    graph, two = edits.add_node(graph, catalogue, "Float", (500, 300))
    sizes = {one: (200, 80), two: (200, 80)}
    framed = edits.add_frame(graph, [one, two], sizes, "Both", "#334455")
    frame = canvas_of(framed).frames[0]
    assert frame.title == "Both" and frame.rect == Rect(80, 40, 640, 360)
    assert edits.in_frame(framed, 0) == (one, two)
    assert canvas_of(edits.edit_frame(framed, 0, title="B")).frames[0].title == "B"
    away = edits.move(framed, {two: (2000, 2000)})
    assert edits.in_frame(away, 0) == (one,)
    assert canvas_of(edits.fit_frame(away, 0, sizes)).frames[0].rect == Rect(80, 40, 240, 160)
    assert edits.remove_frame(framed, 0) == graph
    with pytest.raises(ValueError, match="no frame 4"):
        edits.edit_frame(framed, 4, title="x")
    with pytest.raises(ValueError, match="select one"):
        edits.add_frame(graph, [])


def test_notes_are_added_edited_and_removed():
    graph = edits.add_note(Graph(), (10, 20), "# Title")
    assert canvas_of(graph).notes[0].rect[:2] == (10, 20)
    assert canvas_of(edits.edit_note(graph, 0, text="b")).notes[0].text == "b"
    assert edits.remove_note(graph, 0) == Graph()
    with pytest.raises(ValueError, match="no note 1"):
        edits.edit_note(graph, 1, text="x")


@pytest.mark.parametrize(
    ("edge", "places"),
    [
        ("left", [(0, 0), (0, 205), (0, 300)]),
        ("right", [(150, 0), (100, 205), (50, 300)]),
        ("centre", [(75, 0), (50, 205), (25, 300)]),
        ("top", [(0, 0), (100, 0), (0, 0)]),
        ("bottom", [(0, 350), (100, 340), (0, 300)]),
        ("middle", [(0, 175), (100, 170), (0, 150)]),
    ],
)
def test_nodes_are_aligned(catalogue, edge, places):
    graph, ids = Graph(), []
    for at in ((0, 0), (100, 205), (0, 300)):
        graph, id = edits.add_node(graph, catalogue, "Float", at)
        ids.append(id)
    sizes = dict(zip(ids, [(50, 50), (100, 60), (150, 100)], strict=True))
    aligned = canvas_of(edits.align(graph, ids, sizes, edge)).positions
    assert [aligned[id] for id in ids] == places


def test_nodes_are_distributed_with_equal_gaps(catalogue):
    graph, ids = Graph(), []
    for at in ((0, 0), (910, 7), (300, 9), (450, 1)):
        graph, id = edits.add_node(graph, catalogue, "Float", at)
        ids.append(id)
    sizes = dict(zip(ids, [(100, 10), (100, 10), (50, 10), (200, 10)], strict=True))
    spread = canvas_of(edits.distribute(graph, ids, sizes, "x")).positions
    assert [spread[id] for id in ids] == [(0, 0), (910, 7), (287, 9), (523, 1)]
    assert edits.snapped((31, -11)) == (40, -20)
    assert canvas_of(edits.snap(graph, ids)).positions[ids[1]] == (920, 0)


def test_drawn_seeds_are_written_into_the_graph(catalogue):
    graph, noise = edits.add_node(Graph(), catalogue, "PureNoise", (0, 0))
    graph, sampler = edits.add_node(graph, catalogue, "IterativeSampler", (300, 0), {"seed": 4})
    assert [port.name for port in catalogue.kinds["PureNoise"].inputs if is_seed(port)] == ["seed"]
    assert is_seed(catalogue.kinds["Seed"].inputs[0]) and not is_seed(catalogue.kinds["Integer"].inputs[0])
    graph = edits.set_drawn(graph, noise, "seed", True)
    assert is_drawn(graph, noise, "seed") and not is_drawn(graph, sampler, "seed")
    drawn = edits.draw_seeds(graph, catalogue, Random(0))
    assert drawn.nodes[noise].inputs["seed"] == Random(0).randint(0, 2**32 - 1)
    assert drawn.nodes[sampler] == graph.nodes[sampler]
    assert edits.draw_seeds(drawn, catalogue, Random(1)) != drawn
    assert edits.draw_seeds(edits.set_drawn(drawn, noise, "seed", False), catalogue, Random(1)).nodes == drawn.nodes


def test_only_free_seeds_are_drawn(catalogue):
    graph, seed = edits.add_node(Graph(), catalogue, "Seed", (0, 0))
    graph, noise = edits.add_node(graph, catalogue, "PureNoise", (300, 0), {"seed": 7})
    source, target = edits.Place(seed, "value", False), edits.Place(noise, "seed", True)
    graph = edits.connect(graph, catalogue, source, target)
    for node, name in ((noise, "seed"), (noise, "size"), ("gone", "seed"), (seed, "value")):
        graph = edits.set_drawn(graph, node, name, True)
    drawn = edits.draw_seeds(graph, catalogue, Random(0))
    assert drawn.nodes[noise] == graph.nodes[noise] and "value" in drawn.nodes[seed].inputs
    assert json.loads(nodegraph.dumps(drawn))["nodes"][seed]["inputs"]["value"] < 2**32
