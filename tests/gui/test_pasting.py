"""Copies: beside the originals and through the clipboard."""

import pytest

import nodegraph
from nodegraph import Graph
from nodegraph_gui import edits
from nodegraph_gui.canvases import Rect, canvas_of


@pytest.fixture
def anagram(catalogue):
    graph = edits.arrange(nodegraph.load("examples/anagram.json"), catalogue)
    return edits.set_drawn(
        edits.set_collapsed(edits.set_colour(graph, ["six"], "#112233"), ["six"], True), "noise", "seed", True
    )


def test_a_duplicate_has_the_inner_wires(anagram):
    graph, new = edits.duplicate(anagram, ["guide6", "six", "noise"])
    assert new == {"noise": "noise_2", "six": "six_2", "guide6": "guide6_2"}
    assert [str(link) for link in graph.links[len(anagram.links) :]] == ["six_2.denoiser -> guide6_2.conditional"]
    assert graph.nodes["six_2"] == anagram.nodes["six"]
    old, moved = canvas_of(anagram).positions["six"], canvas_of(graph).positions["six_2"]
    assert moved == (old[0] + 40, old[1] + 40)
    assert canvas_of(graph).colours["six_2"] == "#112233" and "six_2" in canvas_of(graph).collapsed
    assert canvas_of(graph).drawn_seeds == ("noise.seed", "noise_2.seed")


def test_a_duplicate_can_be_fed_like_its_original(anagram):
    graph, _ = edits.duplicate(anagram, ["sheet"], with_links=True)
    assert [str(link) for link in graph.links[len(anagram.links) :]] == [
        "sample.image -> sheet_2.images[0]",
        "turned.image -> sheet_2.images[1]",
    ]


def test_copy_and_paste_across_windows(anagram):
    apart = edits.move(anagram, {"six": (5000, 0), "guide6": (5300, 60)})
    framed = edits.add_frame(apart, ["six", "guide6"], title="Six")
    framed = edits.add_frame(framed, ["nine", "sample"], title="Not whole")
    text = edits.copy_text(framed, ["guide6", "six"])
    part = nodegraph.loads(text)
    assert list(part.nodes) == ["six", "guide6"]
    assert list(map(str, part.links)) == ["six.denoiser -> guide6.conditional"]
    pasted, ids = edits.paste_text(Graph(), text, (1000, 2000))
    assert ids == ("six", "guide6")
    frame = canvas_of(pasted).frames[0]
    assert frame.title == "Six" and frame.rect[:2] == (1000, 2000) and len(canvas_of(pasted).frames) == 1
    shift = [a - b for a, b in zip(frame.rect, canvas_of(framed).frames[0].rect, strict=True)]
    assert shift[2:] == [0, 0]
    for node in ids:
        old, new = canvas_of(framed).positions[node], canvas_of(pasted).positions[node]
        assert new == (old[0] + shift[0], old[1] + shift[1])
    again, more = edits.paste_text(pasted, text)
    assert more == ("six_2", "guide6_2") and "six_2.denoiser -> guide6_2.conditional" in map(str, again.links)
    assert again.nodes["six_2"] == framed.nodes["six"]


def test_a_copied_list_has_no_holes(anagram):
    part = nodegraph.loads(edits.copy_text(anagram, ["turned", "sheet"]))
    assert list(map(str, part.links)) == ["turned.image -> sheet.images[0]"]


def test_a_whole_file_is_pasted(catalogue):
    with open("examples/anagram.json") as file:
        text = file.read()
    pasted, ids = edits.paste_text(Graph(), text, (200, 100), catalogue)
    assert pasted.nodes == nodegraph.loads(text).nodes and len(ids) == len(pasted.nodes)
    canvas = canvas_of(pasted)
    assert set(canvas.positions) == set(ids)
    corners = [*canvas.positions.values(), canvas.notes[0].rect[:2]]
    assert (min(x for x, _ in corners), min(y for _, y in corners)) == (200, 100)
    assert isinstance(canvas.notes[0].rect, Rect)


@pytest.mark.parametrize("text", ["", "hello", "{}", "[1]", '{"nodegraph": 99, "nodes": {}}', "\ud800", "{" * 100000])
def test_nonsense_is_refused_in_a_line(text):
    with pytest.raises(ValueError, match="the clipboard holds no graph: ") as error:
        edits.paste_text(Graph(), text)
    assert "\n" not in str(error.value)


def test_links_to_what_is_not_copied_stay_out():
    text = '{"nodegraph": 1, "nodes": {"a": {"type": "Float"}}, "links": ["a.value -> gone.x", "b.y -> a.value"]}'
    pasted, _ = edits.paste_text(Graph(), text)
    assert pasted.links == ()


def test_many_are_pasted(catalogue):
    graph = Graph(nodes={f"n{number}": nodegraph.Node(type="Float") for number in range(1000)})
    text = edits.copy_text(graph, graph.nodes)
    pasted, ids = edits.paste_text(graph, text, catalogue=catalogue)
    assert len(pasted.nodes) == 2000 and len(set(ids)) == 1000
