"""Whatever a file holds in its canvas part is shown as far as it makes sense, and stays in the file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nodegraph
from nodegraph import Graph, Node
from nodegraph_gui.canvases import (
    Frame,
    Note,
    Rect,
    canvas_of,
    with_collapsed,
    with_drawn_seeds,
    with_frame,
    with_note,
    with_positions,
    with_renamed,
    without_frames,
    without_nodes,
)

PARTS = ("positions", "collapsed", "colours", "widths", "frames", "notes", "drawn_seeds", "unread", "mine")
LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
IDS = st.sampled_from(["a", "b", "a.seed", "b.seed", "gone", "rect", "text", "title", "colour"])
JSON = st.recursive(
    LEAVES | IDS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(IDS, inner, max_size=4),
    max_leaves=12,
)
CANVASES = st.dictionaries(st.sampled_from(PARTS), JSON, max_size=9)


def graph_with(canvas):
    return Graph(nodes={"a": Node(type="A"), "b": Node(type="B")}).with_canvas(canvas)


def look(graph):
    canvas = canvas_of(graph)
    return (
        canvas.positions,
        canvas.collapsed,
        canvas.colours,
        canvas.widths,
        canvas.frames,
        canvas.notes,
        canvas.drawn_seeds,
    )


@settings(max_examples=300, deadline=None)
@given(CANVASES)
def test_nonsense_is_read_written_and_edited_without_harm(raw):
    graph = graph_with(raw)
    look(graph)
    for edit in (
        lambda graph: with_positions(graph, {"a": (3.6, -2)}),
        lambda graph: with_positions(graph, {"a": None}),
        lambda graph: with_collapsed(graph, ["a"], True),
        lambda graph: with_collapsed(graph, ["a"], False),
        lambda graph: with_drawn_seeds(graph, ["a.seed"], True),
        lambda graph: with_frame(graph, None, Frame("t", "", Rect(0, 0, 10, 10))),
        lambda graph: with_note(graph, None, Note("t")),
        lambda graph: without_nodes(graph, ["a"]),
        lambda graph: with_renamed(graph, {"a": "c"}),
    ):
        edited = edit(graph)
        look(edited)
        assert nodegraph.loads(nodegraph.dumps(edited)) == edited
    moved = with_positions(graph, {"a": (3.6, -2)})
    assert canvas_of(moved).positions["a"] == (4, -2)
    assert set(moved.canvas) >= {key for key, value in raw.items() if value or key == "positions"} - {"positions"}
    if raw.get("positions") is not None and not isinstance(raw["positions"], dict):
        unread = moved.canvas["unread"]
        assert {"positions": raw["positions"]} in unread  # set aside, not lost


def test_what_cannot_be_read_stays_beside_what_is_edited():
    raw = {
        "positions": {"a": [1, 2], "b": "left", "gone": [True, 1]},
        "collapsed": ["b", 3, {"x": 1}],
        "frames": [7, {"title": 3, "rect": [0, 0, 5, 5], "new": 1}, {"title": "no rect"}],
        "notes": ["plain", {"text": "t", "rect": [0, 0, -1, 2], "pinned": True}],
        "camera": {"zoom": 3},
    }
    graph = graph_with(raw)
    canvas = canvas_of(graph)
    assert canvas.positions == {"a": (1, 2)} and canvas.collapsed == {"b"}
    assert canvas.frames == {1: Frame("", "", Rect(0, 0, 5, 5))}
    assert canvas.notes == {0: Note("plain"), 1: Note("t")}
    graph = with_positions(with_collapsed(graph, ["a"], True), {"a": (5, 5)})
    graph = with_frame(graph, 1, Frame("", "#112233", Rect(0, 0, 5, 5)))
    graph = with_note(graph, 1, Note("u"))
    assert graph.canvas == {
        "positions": {"a": [5, 5], "b": "left", "gone": [True, 1]},
        "collapsed": ["b", 3, {"x": 1}, "a"],
        "frames": [7, {"title": 3, "rect": [0, 0, 5, 5], "new": 1, "colour": "#112233"}, {"title": "no rect"}],
        "notes": ["plain", {"text": "u", "rect": [0, 0, -1, 2], "pinned": True}],
        "camera": {"zoom": 3},
    }


def test_an_edit_undone_by_hand_leaves_the_canvas_as_it_was():
    graph = graph_with({})
    folded = with_frame(with_collapsed(graph, ["a"], True), None, Frame("t", "", Rect(0, 0, 9, 9)))
    assert without_frames(with_collapsed(folded, ["a"], False), [0]) == graph
    placed = with_positions(graph, {"a": (0, 0)})
    assert with_positions(placed, {"a": None}) == graph


def test_a_node_that_goes_takes_its_entries_along():
    graph = graph_with(
        {
            "positions": {"a": [0, 0], "b": [1, 1]},
            "colours": {"a": "#000000"},
            "widths": {"a": 300},
            "collapsed": ["a", "b"],
            "drawn_seeds": ["a.seed", "b.seed"],
        }
    )
    assert without_nodes(graph, ["a"]).canvas == {
        "positions": {"b": [1, 1]},
        "collapsed": ["b"],
        "drawn_seeds": ["b.seed"],
    }
    renamed = with_renamed(graph, {"a": "z"}).canvas
    assert renamed["positions"] == {"z": [0, 0], "b": [1, 1]} and renamed["drawn_seeds"] == ["z.seed", "b.seed"]


@pytest.mark.parametrize("bad", [(float("nan"), 0), (1e300, 0), (0, float("inf"))])
def test_a_place_out_of_reach_is_refused(bad):
    with pytest.raises(ValueError, match="out of reach"):
        with_positions(graph_with({}), {"a": bad})
