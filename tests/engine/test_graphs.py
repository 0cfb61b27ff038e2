"""The graph: frozen, edited by functions, compared as it is written."""

import copy
import pickle
from pathlib import Path

import pytest

from nodegraph.errors import UsageError
from nodegraph.graphs import Graph, Link, Node

CHAIN = (
    Graph()
    .add("a", "Number", value=3)
    .add("b", "Multiply")
    .add("c", "Show")
    .connect("a.value -> b.value")
    .connect("b.value -> c.value")
)


def test_an_edit_leaves_the_graph_as_it_was():
    edited = CHAIN.set("a", value=4).add("d", "Show").remove("c").with_mode("b", "mute")
    assert CHAIN.nodes["a"].inputs == {"value": 3}
    assert list(CHAIN.nodes) == ["a", "b", "c"]
    assert list(map(str, CHAIN.links)) == ["a.value -> b.value", "b.value -> c.value"]
    assert list(edited.nodes) == ["a", "b", "d"]
    assert list(map(str, edited.links)) == ["a.value -> b.value"]
    assert edited.nodes["b"].mode == "mute"


def test_nothing_in_a_graph_can_be_changed():
    for change in (
        lambda: CHAIN.nodes.__setitem__("d", Node(type="Show")),
        lambda: CHAIN.nodes["a"].inputs.update(value=4),
        lambda: CHAIN.canvas.clear(),
    ):
        with pytest.raises(TypeError, match="frozen"):
            change()
    with pytest.raises(ValueError, match="frozen"):
        CHAIN.links = ()
    given = {"numbers": [1, 2]}
    graph = Graph().add("sum", "Sum", **given)
    given["numbers"].append(3)
    assert graph.nodes["sum"].inputs["numbers"] == [1, 2]


def test_equality_is_of_what_a_file_would_hold():
    assert CHAIN.set("a", value=4).set("a", value=3) == CHAIN
    assert CHAIN.with_folder(Path("/elsewhere")) == CHAIN
    assert CHAIN.set("a", value=3.0) != CHAIN
    assert CHAIN.set("a", value=True) != CHAIN.set("a", value=1)
    assert CHAIN.set("a", value=[0.0]) != CHAIN.set("a", value=[-0.0])
    assert CHAIN.with_canvas({"zoom": 1}) != CHAIN.with_canvas({"zoom": 1.0})
    assert CHAIN != "a graph"


def test_a_graph_survives_pickle_and_copy():
    for twin in (pickle.loads(pickle.dumps(CHAIN)), copy.copy(CHAIN), copy.deepcopy(CHAIN), CHAIN.model_copy()):
        assert twin == CHAIN
        assert twin.in_links["b"] == CHAIN.in_links["b"]


def test_values_become_what_a_file_can_hold():
    graph = Graph().add("read", "ReadFile", path=Path("pictures/cat.png"), sizes=(1, 2.5))
    assert graph.nodes["read"].inputs == {"path": "pictures/cat.png", "sizes": [1, 2.5]}
    assert CHAIN.unset("a", "value").nodes["a"].inputs == {}


def test_links_at_a_node():
    assert CHAIN.in_links["b"] == (Link.parse("a.value -> b.value"),)
    assert CHAIN.out_links["b"] == (Link.parse("b.value -> c.value"),)
    assert CHAIN.in_links["a"] == CHAIN.out_links["nowhere"] == ()
    assert CHAIN.sinks == ("c",)
    assert CHAIN.disconnect("b.value -> c.value").sinks == ("b", "c")


def test_a_link_replaces_the_one_that_ended_there():
    graph = CHAIN.add("e", "Number").connect("e.value -> b.value")
    assert list(map(str, graph.links)) == ["e.value -> b.value", "b.value -> c.value"]
    graph = CHAIN.connect("a.value -> c.value[0]").connect("b.value -> c.value[1]")
    assert len(graph.links) == 4


@pytest.mark.parametrize("line", ["a.out -> b.in", "a-1.out -> b_2.in_2[17]"])
def test_a_link_is_its_line(line):
    assert str(Link.parse(line)) == line
    assert Link.parse(f"  {line.replace(' ', '')} ") == Link.parse(line)


@pytest.mark.parametrize(
    "line", ["", "a -> b", "a.b.c -> d.e", "a.b -> c.d[-1]", "a.b -> c.d[x]", "a.1 -> b.c", "a.b -> c.d\nx"]
)
def test_what_is_no_link(line):
    with pytest.raises(ValueError, match="must be like"):
        Link.parse(line)


def test_what_is_remembered_of_the_shape_outlives_other_edits():
    asked = []

    def count(graph):
        asked.append(graph)
        return len(graph.links)

    for graph in (CHAIN, CHAIN.set("a", value=5), CHAIN.with_mode("b", "bypass"), CHAIN.with_canvas({"zoom": 2})):
        assert graph.remember("count", count, shape=True) == 2
    assert len(asked) == 1
    assert CHAIN.add("d", "Show").remember("count", count, shape=True) == 2
    assert CHAIN.disconnect("b.value -> c.value").remember("count", count, shape=True) == 1
    assert len(asked) == 3
    assert CHAIN.set("a", value=5).remember("count", count) == 2
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: CHAIN.set("d", value=1), "there is no node 'd'"),
        (lambda: Graph().add("guide", "X").set("guid", a=1), "there is no node 'guid'; did you mean 'guide'?"),
        (lambda: CHAIN.set("a", value=float("nan")), r"a \(Number\): value is nan, must be a finite number"),
        (lambda: CHAIN.set("a", value=object()), r"a \(Number\): value is a object, which a file cannot hold"),
        (lambda: CHAIN.set("a", value="\ud800"), "surrogate"),
        (lambda: CHAIN.unset("a", "valve"), r"a \(Number\): valve has no value; did you mean 'value'?"),
        (lambda: CHAIN.add("a", "Show"), r"a \(Number\) is there already"),
        (lambda: CHAIN.add("a.b", "Show"), "the graph has the id 'a.b', must be"),
        (lambda: CHAIN.add("d", "group:faces"), "needs a newer Nodegraph"),
        (lambda: CHAIN.with_mode("a", "off"), "mode: is 'off', must be 'mute' or 'bypass'"),
        (lambda: CHAIN.connect("a.value -> x.value"), "there is no node 'x'"),
        (lambda: CHAIN.connect("a.value"), "the link is 'a.value', must be like"),
        (lambda: CHAIN.disconnect("a.value -> c.value"), "there is no link a.value -> c.value; did you mean"),
    ],
)
def test_a_wrong_edit_says_why(edit, message):
    with pytest.raises(UsageError, match=message):
        edit()


def test_an_edit_of_the_canvas_checks_what_is_new_and_keeps_the_rest():
    graph = Graph(canvas={"positions": {"a": [0, 0], "b": [1, 1]}, "notes": []})
    own = [2, 2]
    new = graph.with_canvas({**graph.canvas, "positions": {**graph.canvas["positions"], "b": own}})
    own.append(3)
    assert new.canvas == {"positions": {"a": [0, 0], "b": [2, 2]}, "notes": []}
    assert new.canvas["positions"]["a"] is graph.canvas["positions"]["a"]
    assert graph.canvas["positions"]["b"] == [1, 1]
    for wrong in (float("nan"), "\ud800", {1}, [[float("inf")]]):
        with pytest.raises(ValueError, match="is "):
            graph.with_canvas({**graph.canvas, "positions": {**graph.canvas["positions"], "b": wrong}})
        with pytest.raises(ValueError, match="is "):
            graph.with_canvas({**graph.canvas, "other": wrong})
    with pytest.raises(ValueError, match="has the key"):
        graph.with_canvas({"positions": {3: [0, 0]}})
