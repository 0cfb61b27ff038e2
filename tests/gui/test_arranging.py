"""Layout: nothing overlaps, every wire goes to the right, and it does not take long."""

import time
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nodegraph
from nodegraph import Graph, Link, Node
from nodegraph_gui import edits
from nodegraph_gui.canvases import GRID, Rect, canvas_of
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.columns import around
from nodegraph_gui.framing import framed
from nodegraph_gui.layers import layers_of
from nodegraph_gui.sizes import estimated_sizes

EXAMPLES = sorted(Path("examples").rglob("*.json"))


def graph_of(count, edges):
    nodes = {f"n{i}": Node(type="X") for i in range(count)}
    links = [Link(source=f"n{a}", output="o", target=f"n{b}", input=f"i{k}") for k, (a, b) in enumerate(edges)]
    return Graph(nodes=nodes, links=links)


def assert_lawful(graph, sizes, acyclic=True):
    places = canvas_of(graph).positions
    assert set(places) == set(graph.nodes)
    rects = sorted((Rect(*places[node], *sizes[node]) for node in graph.nodes), key=lambda rect: rect.x)
    open_rects = []
    for rect in rects:
        open_rects = [other for other in open_rects if other.right > rect.x]
        assert not any(rect.overlaps(other) for other in open_rects)
        open_rects.append(rect)
    assert all(x % GRID == 0 and y % GRID == 0 for x, y in places.values())
    if acyclic:
        for link in graph.links:
            assert places[link.source][0] + sizes[link.source][0] < places[link.target][0]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.data())
def test_no_overlap_and_all_wires_go_right(count, data):
    numbers = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(numbers, numbers), max_size=60))
    graph = graph_of(count, [(min(pair), max(pair)) for pair in pairs if len(set(pair)) == 2])
    size = st.tuples(st.integers(100, 700), st.integers(30, 900))
    sizes = {node: data.draw(size) for node in graph.nodes}
    assert_lawful(edits.arrange(graph, Catalogue(), sizes=sizes), sizes)


def test_circles_in_a_file_do_no_harm():
    graph = graph_of(6, [(0, 1), (1, 2), (2, 0), (3, 3), (4, 5), (5, 4)])
    sizes = dict.fromkeys(graph.nodes, (200.0, 100.0))
    assert_lawful(edits.arrange(graph, Catalogue(), sizes=sizes), sizes, acyclic=False)


@pytest.mark.parametrize("reach", [5, 1000])
def test_a_thousand_nodes_take_less_than_a_second(reach):
    random = Random(0)
    edges = {(a, min(999, a + random.randint(1, reach))) for a in random.choices(range(999), k=1500)}
    graph = graph_of(1000, sorted(edges))
    sizes = {node: (random.randint(140, 400), random.randint(44, 500)) for node in graph.nodes}
    start = time.perf_counter()
    arranged = edits.arrange(graph, Catalogue(), sizes=sizes)
    assert time.perf_counter() - start < 1
    assert_lawful(arranged, sizes)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_are_laid_out(catalogue, path):
    graph = nodegraph.load(path)
    placed = edits.laid_out(
        graph.with_canvas({key: part for key, part in graph.canvas.items() if key != "positions"}), catalogue
    )
    sizes = estimated_sizes(placed, catalogue)
    assert_lawful(placed, sizes)
    rects = [Rect(*canvas_of(placed).positions[node], *sizes[node]) for node in placed.nodes]
    for note in canvas_of(placed).notes.values():
        assert not any(note.rect.overlaps(rect) for rect in rects)
    assert edits.laid_out(placed, catalogue) is placed
    assert placed.nodes == graph.nodes and placed.links == graph.links


def test_a_chain_is_one_straight_line(catalogue):
    graph = Graph()
    for kind in ("LoadImage", "GaussianBlur", "Crop", "SaveImage"):
        graph, _ = edits.add_node(graph, catalogue, kind, (0, 0))
    for a, b in pairwise(list(graph.nodes)):
        graph = edits.connect(graph, catalogue, edits.Place(a, "image", False), edits.Place(b, "image", True))
    places = canvas_of(edits.arrange(graph, catalogue)).positions
    assert len({y for _, y in places.values()}) == 1


def test_crossings_are_undone():
    """Two wires that cross in the order of the file do not cross when laid out."""
    graph = graph_of(4, [(0, 3), (1, 2)])
    graph = graph.with_parts(links=[*graph.links, Link(source="n0", output="o", target="n2", input="z")])
    places = canvas_of(edits.arrange(graph, Catalogue())).positions
    ends = [(places[link.source][1], places[link.target][1]) for link in graph.links]
    assert not any((a[0] - b[0]) * (a[1] - b[1]) < 0 for a in ends for b in ends)


def test_a_source_stands_close_to_what_it_feeds():
    after = {"a": ["b"], "b": ["c"], "c": ["d"], "d": [], "late": ["d"]}
    assert layers_of(list(after), after) == {"a": 0, "b": 1, "c": 2, "d": 3, "late": 2}


def test_a_selection_stays_where_it_was(catalogue):
    graph = edits.arrange(nodegraph.load("examples/anagram.json"), catalogue)
    chosen = ["six", "any", "guide6", "both"]
    graph = edits.move(graph, {"six": (1000, 5700), "any": (900, 5900), "guide6": (1200, 5640), "both": (950, 7000)})
    new = edits.arrange(graph, catalogue, chosen)
    places = canvas_of(new).positions
    assert (min(places[node][0] for node in chosen), min(places[node][1] for node in chosen)) == (900, 5640)
    old = canvas_of(graph).positions
    assert all(places[node] == old[node] for node in graph.nodes if node not in chosen)


def test_a_frame_follows_its_nodes(catalogue):
    graph = edits.arrange(nodegraph.load("examples/anagram.json"), catalogue)
    sizes = estimated_sizes(graph, catalogue)
    graph = edits.add_frame(graph, ["six", "any", "nine"], sizes)
    graph = edits.move(graph, {node: (x * 1.3, y * 1.3) for node, (x, y) in canvas_of(graph).positions.items()})
    held = edits.in_frame(graph, 0)
    new = edits.arrange(graph, catalogue)
    assert held and edits.in_frame(new, 0) == held


def test_what_is_chosen_goes_below_what_it_would_lie_on(catalogue):
    graph = edits.arrange(nodegraph.load("examples/anagram.json"), catalogue)
    sizes = estimated_sizes(graph, catalogue)
    chosen = ["six", "nine"]
    here = canvas_of(graph).positions["both"]
    graph = edits.move(graph, {"six": here, "nine": (here[0] + 40, here[1] + 40)})
    new = edits.arrange(graph, catalogue, chosen, sizes)
    rects = {node: Rect(*at, *sizes[node]) for node, at in canvas_of(new).positions.items()}
    assert not any(rects[a].overlaps(rects[b]) for a in chosen for b in rects if a != b)
    assert all(rects[node][:2] == canvas_of(graph).positions[node] for node in rects if node not in chosen)


def test_nodes_without_a_place_come_below_those_that_have_one(catalogue):
    graph = edits.move(nodegraph.load("examples/anagram.json"), {"six": (40, 40), "nine": (40, 400)})
    placed = edits.laid_out(graph, catalogue)
    assert_lawful(placed, estimated_sizes(placed, catalogue), acyclic=False)
    assert canvas_of(placed).positions["six"] == (40, 40)


@st.composite
def framed_graphs(draw):
    """Nodes, frames and notes anywhere, each over any other, with links that may run in circles; and the sizes."""
    count = draw(st.integers(1, 9))
    at = st.integers(-3, 60).map(lambda number: number * 17)
    graph = graph_of(count, draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=12)))
    rects = st.tuples(at, at, st.integers(60, 900), st.integers(60, 900)).map(list)
    frames = draw(st.lists(rects, max_size=5))
    notes = draw(st.lists(st.tuples(at, at, st.integers(60, 300), st.integers(40, 200)).map(list), max_size=3))
    canvas = {
        "positions": {node: [draw(at), draw(at)] for node in graph.nodes},
        "frames": [{"title": str(number), "rect": rect} for number, rect in enumerate(frames)],
        "notes": [{"text": str(number), "rect": rect} for number, rect in enumerate(notes)],
    }
    size = st.tuples(st.integers(100, 400), st.integers(30, 500))
    return graph.with_canvas(canvas), {node: draw(size) for node in graph.nodes}


def members(graph):
    return {number: frozenset(edits.in_frame(graph, number)) for number in canvas_of(graph).frames}


def tangled_frames(held):
    """The frames that share nodes with another, neither of them holding all of the other's, and what is in those."""
    pairs = [(a, b) for a in held for b in held if held[a] & held[b] and held[a] - held[b] and held[b] - held[a]]
    odd = {number for pair in pairs for number in pair}
    nodes = frozenset().union(*(held[number] for number in odd))
    return odd | {number for number in held if held[number] and held[number] <= nodes}, nodes


@settings(max_examples=400, deadline=None)
@given(framed_graphs(), st.data())
def test_a_frame_holds_what_it_held_and_nothing_lies_over_it(made, data):
    graph, sizes = made
    ids = data.draw(st.none() | st.sets(st.sampled_from(sorted(graph.nodes)), min_size=1))
    new = edits.arrange(graph, Catalogue(), ids, sizes)
    canvas, held = canvas_of(new), members(graph)
    assert members(new) == held
    odd, loose = tangled_frames(held)
    moved = set(graph.nodes) if ids is None else {n for n in graph.nodes if n in ids} | {
        node for number in held for node in held[number] if held[number] & ids
    }
    rects = {node: Rect(*canvas.positions[node], *sizes[node]) for node in new.nodes}
    notes = [note.rect for note in canvas.notes.values()]
    for node in moved - loose:
        others = [rect for other, rect in rects.items() if other != node]
        assert not any(rects[node].overlaps(rect) for rect in [*others, *notes])
    for number, frame in canvas.frames.items():
        if number in odd or not held[number] & moved:
            assert not any(frame.rect.overlaps(rects[node]) for node in moved - held[number] - loose)
            continue
        assert not any(frame.rect.overlaps(rects[node]) for node in new.nodes if node not in held[number])
        assert all(frame.rect.overlaps(note) == (around([frame.rect, note]) == frame.rect) for note in notes)
        inner = [
            each.rect
            for other, each in canvas.frames.items()
            if other != number
            and held[other]
            and held[other] <= held[number]
            and around([frame.rect, each.rect]) == frame.rect
        ]
        inside = [*(rects[node] for node in held[number]), *inner]
        assert frame.rect == framed([*inside, *(note for note in notes if frame.rect.overlaps(note))])


def test_the_frames_of_a_large_graph_take_no_longer(catalogue):
    random = Random(1)
    edges = {(a, min(999, a + random.randint(1, 40))) for a in random.choices(range(999), k=1500)}
    graph = graph_of(1000, sorted(edges))
    graph = graph.with_canvas({"positions": {f"n{i}": [i // 25 * 400, i % 25 * 300] for i in range(1000)}})
    for column in range(0, 40, 2):
        graph = edits.add_frame(graph, [f"n{column * 25 + row}" for row in range(12)])
    held = members(graph)
    start = time.perf_counter()
    new = edits.arrange(graph, Catalogue())
    assert time.perf_counter() - start < 1.5
    assert members(new) == held
