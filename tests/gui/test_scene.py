"""The scene is what the document says, however the document came to say it."""

import random

import pytest
from graphs import random_edit, random_graph
from PySide6.QtCore import QPointF

import nodegraph
from nodegraph import Graph, Node, Problem
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.documents import Document
from nodegraph_gui.edits import move
from nodegraph_gui.node_items import NodeItem
from nodegraph_gui.scene import Scene
from nodegraph_gui.shapes import PortRef
from nodegraph_gui.states import NodeState
from nodegraph_gui.themes import DARK, LIGHT
from nodegraph_gui.wire_items import WireItem

ANAGRAM = "examples/anagram.json"


@pytest.fixture
def scene_of(qapp, catalogue):
    """Makes scenes, and keeps them: Qt does not."""
    made = []

    def make(graph, catalogue=catalogue, theme=DARK):
        made.append(Scene(graph if isinstance(graph, Document) else Document(graph), catalogue, theme))
        return made[-1]

    yield make
    for scene in made:
        scene.close()


def seen(scene):
    """All that is drawn, as values that can be compared."""
    nodes = {
        id: (item.pos().toTuple(), item.places, item.looks, item.node, item.kind, item.zValue(), item.isVisible())
        for id, item in scene.nodes.items()
    }
    wires = {
        link: (ends(wire), wire.seen_colour, wire.conversion, wire.fault, wire.muted, wire.lit)
        for link, wire in scene.wires.items()
    }
    at = {id: frozenset(scene.wires_at(id)) for id in scene.nodes}
    frames = [(item.key, item.frame, item.rect.getRect(), item.title.pos().toTuple()) for item in scene.frames]
    notes = [(item.key, item.note, item.rect.getRect(), item.text.toMarkdown()) for item in scene.notes]
    return nodes, wires, at, frames, notes


def ends(wire):
    return wire.start.toTuple(), wire.end.toTuple(), wire.pos().toTuple()


def counted(scene):
    items = scene.items()
    return sum(isinstance(item, NodeItem) for item in items), sum(isinstance(item, WireItem) for item in items)


@pytest.mark.parametrize("seed", range(25))
def test_after_any_edits_it_is_as_one_built_anew(seed, scene_of):
    chance = random.Random(seed)
    document = Document(random_graph(chance, 8))
    scene = scene_of(document)
    for _ in range(25):
        what = chance.random()
        if what < 0.15:
            document.undo()
        elif what < 0.25:
            document.redo()
        elif what < 0.28:
            document.replace(random_graph(chance, 5))
        elif what < 0.4:
            some = chance.sample(list(scene.nodes), min(3, len(scene.nodes)))
            scene.shift(some, QPointF(17, -30))  # a gesture that an edit finds half done
        else:
            document.edit("Edit", random_edit(chance, document.graph))
        if chance.random() < 0.3:
            scene.settle()
    scene.settle()
    scene.select([])  # what undo brings back is selected
    fresh = scene_of(document.graph)
    assert seen(scene) == seen(fresh)
    assert counted(scene) == counted(fresh) == (len(scene.nodes), len(scene.wires))


def test_an_edit_touches_only_what_differs(scene_of, monkeypatch):
    graph = nodegraph.load(ANAGRAM)
    document = Document(graph)
    scene = scene_of(document)
    items, wires = dict(scene.nodes), dict(scene.wires)
    touched = []
    become = NodeItem.become
    monkeypatch.setattr(NodeItem, "become", lambda item, *more: (touched.append(item.id), become(item, *more)))
    document.edit("Set", graph.set("guide6", scale=5.0))
    assert touched == ["guide6"]
    document.edit("Cut", document.graph.disconnect("guide6.denoiser -> both.upright"))
    assert sorted(touched[1:]) == ["both", "guide6"]
    document.undo()
    document.undo()
    assert scene.nodes == items and all(scene.nodes[id] is item for id, item in items.items())
    kept = [link for link in wires if str(link) != "guide6.denoiser -> both.upright"]
    assert all(scene.wires[link] is wires[link] for link in kept)


def test_of_two_equal_links_of_a_faulty_file_one_may_go_and_the_wire_stays(scene_of):
    nodes = {"a": Node(type="PureNoise"), "b": Node(type="IterativeSampler")}
    twice = Graph(nodes=nodes, links=["a.noisy -> b.start", "a.noisy -> b.start"])
    document = Document(twice)
    scene = scene_of(document)
    assert len(scene.wires) == 1
    document.edit("Mend", Graph(nodes=nodes, links=[twice.links[0]]))
    assert len(scene.wires) == counted(scene)[1] == 1
    document.edit("Cut", Graph(nodes=nodes))
    assert not scene.wires and counted(scene)[1] == 0


def test_nodes_without_a_place_stay_where_they_are_first_shown(scene_of):
    graph = nodegraph.load(ANAGRAM)
    document = Document(graph)
    scene = scene_of(document)
    before = {id: item.pos() for id, item in scene.nodes.items()}
    assert len({at.toTuple() for at in before.values()}) == len(before)
    assert not document.dirty
    rects = [scene.node_rect(id) for id in scene.nodes]
    assert not any(rect.intersects(other) for number, rect in enumerate(rects) for other in rects[:number])
    document.edit("Cut", graph.disconnect("sheet.image -> save.image"))
    document.edit("Add", document.graph.add("more", "PureNoise"))
    assert {id: scene.nodes[id].pos() for id in before} == before
    assert not any(scene.node_rect("more").intersects(rect) for rect in rects)
    note = scene.notes[0]
    assert "anagram" in note.text.toPlainText() and not note.overflows
    assert not any(note.rect.intersects(rect) for rect in rects)


def test_what_is_shifted_takes_its_wires_along_and_settles(scene_of, catalogue):
    graph = Graph(
        nodes={"a": Node(type="PureNoise"), "b": Node(type="IterativeSampler"), "c": Node(type="SaveImage")},
        links=["a.noisy -> b.start", "b.image -> c.image"],
        canvas={"positions": {"a": [0, 0], "b": [400, 0], "c": [800, 0]}, "frames": [{"rect": [-20, -40, 800, 400]}]},
    )
    scene = scene_of(graph)
    before = seen(scene)
    within, leading = (scene.wires[link] for link in graph.links)
    start, end = leading.start, leading.end
    for step in (10, 35):
        scene.shift(["a", "b", ("frame", 0), "nobody"], QPointF(step, 5))
    assert scene.node_rect("a").topLeft() == QPointF(35, 5)
    assert scene.frames[0].bar.topLeft() == QPointF(15, -35)
    assert within.start + within.pos() == scene.port_pos(PortRef("a", "noisy", False))
    assert (leading.start, leading.end) == (start + QPointF(35, 5), end)
    scene.shift(["a"], QPointF(1, 1))
    assert scene.node_rect("b").topLeft() == QPointF(400, 0)
    scene.settle()
    assert seen(scene) == before
    scene.shift(["a"], QPointF(60, 0))
    scene.document.edit("Move a", move(scene.document.graph, {"a": (60, 0)}))
    assert scene.nodes["a"].pos() == QPointF(60, 0)


def test_selection_knows_only_what_is_there(scene_of, qtbot):
    graph = random_graph(random.Random(4), 6)
    around = {"frames": [{"rect": [0, 0, 50, 50]}], "notes": [{"text": "n", "rect": [0, 0, 9, 9]}]}
    graph = graph.with_canvas({**graph.canvas, **around})
    scene = scene_of(graph)
    told = []
    scene.selection_changed.connect(lambda: told.append(scene.selection))
    scene.select(["n1", "n2", "nobody", ("frame", 7)])
    scene.select(["n2", "n3", ("frame", 0)], "toggle")
    scene.select(["n3"], "subtract")
    scene.select([("note", 0)], "add")
    assert scene.selection == {"n1"} and scene.selected_frames == {0} and scene.selected_notes == {0}
    assert scene.nodes["n1"].selected and not scene.nodes["n2"].selected and scene.frames[0].selected
    scene.select(["n1"], "add")
    assert len(told) == 4
    scene.document.edit("Delete", scene.document.graph.remove("n1").with_canvas({}))
    assert scene.selected_keys == frozenset() and len(told) == 5
    scene.document.undo()
    assert scene.selection == {"n1"}, "what comes back is selected"


def test_wires_of_selected_nodes_and_of_gestures_are_lit(scene_of):
    graph = nodegraph.load(ANAGRAM)
    scene = scene_of(graph)
    lit = lambda: {str(link) for link, wire in scene.wires.items() if wire.lit}  # noqa: E731
    scene.select(["save"])
    scene.light([graph.links[0]])
    assert lit() == {"sheet.image -> save.image", str(graph.links[0])}
    scene.document.edit("Set", graph.set("save", name="other"))
    scene.light()
    assert lit() == {"sheet.image -> save.image"}
    scene.select([])
    assert lit() == set()


def test_points_find_ports_values_nodes_and_wires(scene_of):
    scene = scene_of(nodegraph.load(ANAGRAM))
    for ref in scene.ports():
        assert scene.port_at(scene.port_pos(ref) + QPointF(2, 1), 6) == ref
        assert scene.port_at(scene.port_pos(ref) + QPointF(0, 11.9), 6) != ref
    for id, item in scene.nodes.items():
        assert scene.node_at(scene.node_rect(id).center()) == id
        for field in item.places.fields:
            middle = scene.field_rect(id, field.name).center()
            assert scene.field_at(middle) == (id, field.name)
    for wire in scene.wires.values():
        middle = wire.path.pointAtPercent(0.5)
        assert wire.distance(middle) < 1
        at = middle + QPointF(0, 2)
        near = scene.link_at(at, 8)
        assert near is not None and scene.wires[near].distance(at) <= wire.distance(at) < 3
    nowhere = QPointF(-5000, -5000)
    assert scene.node_at(nowhere) is scene.field_at(nowhere) is None
    assert scene.port_at(nowhere, 9) is scene.link_at(nowhere, 9) is None


def test_a_port_below_another_node_is_not_hit(scene_of):
    nodes = {"below": Node(type="PureNoise"), "above": Node(type="IterativeSampler")}
    scene = scene_of(Graph(nodes=nodes, canvas={"positions": {"below": [0, 0], "above": [120, -60]}}))
    hidden = scene.port_pos(PortRef("below", "noisy", False))
    assert scene.node_at(hidden) == "above" and scene.port_at(hidden, 4) is None
    scene.select(["below"])  # what is selected comes to the top
    assert scene.port_at(hidden, 4) == PortRef("below", "noisy", False)


def test_glow_states_problems_and_pictures_are_shown_and_taken_back(scene_of):
    scene = scene_of(nodegraph.load(ANAGRAM))
    ref = PortRef("both", "upright", True)
    scene.glow({ref: "image is an Image, upright takes a Denoiser", PortRef("gone", "x", True): ""})
    assert scene.why_greyed(ref).startswith("image is") and not scene.why_greyed(PortRef("both", "flipped", True))
    scene.unglow()
    assert not scene.nodes["both"].glow
    scene.set_state("sample", NodeState("failed", message="it broke", input="steps"))
    scene.set_state("gone", NodeState("done"))
    sample = scene.nodes["sample"]
    assert sample.worst == "error" and sample.marked("steps") == "error" and not sample.places.message.isEmpty()
    scene.reset_states()
    assert sample.worst == "" and sample.places.message.isEmpty()
    scene.set_problems({"six": [Problem("six", "digit", "is odd", kind="warning")], "gone": []})
    assert (scene.nodes["six"].worst, scene.nodes["six"].marked("digit")) == ("warning", "warning")
    scene.set_problems({})
    assert scene.nodes["six"].worst == ""


def test_types_that_come_and_go_turn_placeholders_into_nodes_and_back(scene_of, catalogue):
    graph = nodegraph.load(ANAGRAM)
    scene = scene_of(graph, Catalogue())
    assert all(item.kind is None for item in scene.nodes.values()) and len(scene.wires) == len(graph.links)
    assert scene.nodes["both"].message == "FlipAverage is not installed"
    scene.set_catalogue(catalogue)
    fresh = scene_of(graph, catalogue)
    for id, item in scene.nodes.items():
        assert item.places == fresh.nodes[id].places
    assert {str(link): wire.colour for link, wire in scene.wires.items()} == {
        str(link): wire.colour for link, wire in fresh.wires.items()
    }
    for link, wire in scene.wires.items():
        assert wire.end == scene.port_pos(PortRef(link.target, link.input, True, link.index))
    scene.set_theme(LIGHT)
    assert scene.theme is LIGHT and all(item.paints is scene.paints for item in scene.nodes.values())


def test_conversions_and_what_does_not_fit_are_seen_on_the_wire(scene_of):
    mix = Node(type="FlipAverage", mode="mute")
    nodes = {"noise": Node(type="PureNoise"), "blur": Node(type="GaussianBlur"), "mix": mix}
    links = ["noise.noisy -> blur.image", "noise.noisy -> mix.upright"]
    scene = scene_of(Graph(nodes=nodes, links=links))
    converted, wrong = scene.wires.values()
    assert converted.conversion == "The noisy picture as it looks." and not converted.fault and not converted.muted
    assert wrong.fault.startswith("noisy is a Noisy") and wrong.muted and wrong.seen_colour == DARK.error


def test_a_canvas_that_makes_no_sense_is_passed_over(scene_of):
    canvas = {
        "positions": {"a": "here", "b": [1]},
        "frames": [3, {"rect": [0, 0, -1, 5]}],
        "notes": [None, {"text": 5}],
        "collapsed": 7,
    }
    scene = scene_of(Graph(nodes={"a": Node(type="PureNoise"), "b": Node(type="PureNoise")}, canvas=canvas))
    assert len(scene.nodes) == 2 and not scene.frames and not scene.notes
    assert not scene.node_rect("a").intersects(scene.node_rect("b"))


def test_a_closed_scene_is_told_nothing(scene_of):
    document = Document(nodegraph.load(ANAGRAM))
    scene = scene_of(document)
    scene.close()
    document.edit("Add", document.graph.add("more", "PureNoise"))
    assert "more" not in scene.nodes
