"""Wires: what may be linked, where a dropped one goes, and lists that stay in order."""

import time
from itertools import pairwise

import pytest

import nodegraph
from nodegraph import Graph, Link, Node
from nodegraph_gui import edits
from nodegraph_gui.edits import Place


@pytest.fixture
def anagram():
    return nodegraph.load("examples/anagram.json")


def lines(graph):
    return [str(link) for link in graph.links]


def test_an_occupied_input_takes_the_new_wire(catalogue, anagram):
    new = edits.connect(anagram, catalogue, Place("nine", "denoiser", False), Place("guide6", "conditional", True))
    assert lines(new)[0] == "nine.denoiser -> guide6.conditional" and len(new.links) == len(anagram.links)


def test_lists_stay_in_order(catalogue, anagram):
    sheet = Place("sheet", "images", True)
    new = edits.connect(anagram, catalogue, Place("noise", "noisy", False), sheet)
    assert "noise.noisy -> sheet.images[2]" in lines(new)
    swapped = edits.connect(new, catalogue, Place("turned", "image", False), sheet._replace(index=0))
    assert [line for line in lines(swapped) if "sheet.images" in line] == [
        "turned.image -> sheet.images[0]",
        "turned.image -> sheet.images[1]",
        "noise.noisy -> sheet.images[2]",
    ]
    shorter = edits.disconnect(new, Link.parse("sample.image -> sheet.images[0]"))
    assert [line for line in lines(shorter) if "sheet.images" in line] == [
        "turned.image -> sheet.images[0]",
        "noise.noisy -> sheet.images[1]",
    ]
    moved = edits.move_in_list(new, Link.parse("noise.noisy -> sheet.images[2]"), 0)
    assert sorted(line for line in lines(moved) if "sheet.images" in line) == [
        "noise.noisy -> sheet.images[0]",
        "sample.image -> sheet.images[1]",
        "turned.image -> sheet.images[2]",
    ]
    far = edits.connect(anagram, catalogue, Place("noise", "noisy", False), sheet, index=40)
    assert lines(far)[-1] == "noise.noisy -> sheet.images[2]"


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (("both", "denoiser"), ("guide6", "conditional"), "circle"),
        (("both", "denoiser"), ("both", "upright"), "cannot feed itself"),
        (("noise", "noisy"), ("guide6", "conditional"), "noisy is a Noisy, conditional takes a Denoiser"),
        (("noise", "nothing"), ("guide6", "conditional"), "no output nothing"),
        (("noise", "noisy"), ("guide6", "nothing"), "no input nothing"),
        (("gone", "noisy"), ("guide6", "scale"), "no node gone"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(catalogue, anagram, source, target, why):
    ends = Place(*source, False), Place(*target, True)
    assert why in edits.why_not_connect(anagram, catalogue, *ends)
    with pytest.raises(ValueError, match=why):
        edits.connect(anagram, catalogue, *ends)


def test_what_is_not_installed_is_not_linked(catalogue):
    graph = Graph(nodes={"a": Node(type="Strange"), "s": Node(type="SaveImage")})
    why = edits.why_not_connect(graph, catalogue, Place("a", "out", False), Place("s", "image", True))
    assert why.startswith("a is a Strange, which is not installed")


def test_what_glows_is_what_may_be_linked(catalogue, anagram):
    """All ports at once give the same reasons as each for itself, from outputs and from inputs."""
    checked = 0
    for end in (
        Place("guide6", "denoiser", False),
        Place("sample", "image", False),
        Place("both", "upright", True),
        Place("sheet", "images", True),
    ):
        for place, why in edits.why_not_each(anagram, catalogue, end).items():
            ends = (place, end) if end.is_input else (end, place)
            assert edits.why_not_connect(anagram, catalogue, *ends) == why
            checked += 1
    assert checked > 100


def test_a_long_ladder_is_searched_in_linear_time(catalogue):
    """2^500 paths, 1,000 nodes: without a visited set it would never end."""
    nodes = {f"g{i}": Node(type="CFGCombine") for i in range(1000)}
    links = [
        Link(source=f"g{i}", output="denoiser", target=f"g{i + 1}", input=name)
        for i in range(999)
        for name in ("conditional", "unconditional")
    ]
    graph = Graph(nodes=nodes, links=links)
    start = time.perf_counter()
    assert "circle" in edits.why_not_connect(
        graph, catalogue, Place("g999", "denoiser", False), Place("g0", "conditional", True)
    )
    edits.why_not_each(graph, catalogue, Place("g500", "denoiser", False))
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("source", "node", "name"),
    [
        (("six", "denoiser", False), "guide6", "conditional"),  # both taken: the first is replaced
        (("noise", "noisy", False), "turned", "noisy"),  # nearer than image, which would be converted
        (("turned", "image", False), "sheet", "images"),  # a list has room
        (("guide6", "conditional", True), "any", "denoiser"),
        (("noise", "noisy", False), "guide6", None),
        (("both", "denoiser", False), "guide6", None),  # a circle
    ],
)
def test_a_drop_on_a_body_takes_the_fitting_port(catalogue, anagram, source, node, name):
    found = edits.free_port(anagram, catalogue, Place(*source), node)
    assert (found and found.name) == name


def test_free_inputs_come_before_linked_ones(catalogue, anagram):
    freed = edits.disconnect(anagram, Link.parse("any.denoiser -> guide6.unconditional"))
    assert edits.free_port(freed, catalogue, Place("six", "denoiser", False), "guide6").name == "unconditional"
    graph = Graph(nodes={"i": Node(type="LoadImage"), "m": Node(type="MaskBlend")})
    assert edits.free_port(graph, catalogue, Place("i", "image", False), "m").name == "image"


def test_fitting_kinds_are_ranked(catalogue, anagram):
    port = Place("noise", "noisy", False)
    found = edits.fitting(anagram, catalogue, port)
    names = [each.kind.id for each in found]
    assert names[:2] == ["IterativeSampler", "OneStepDenoise"]  # need a Noisy
    assert names.index("Transform") < names.index("SaveImage")  # takes one, before what converts it
    used = edits.fitting(anagram, catalogue, port, {"OneStepDenoise": 3, "SaveImage": 100})
    assert [each.kind.id for each in used][:2] == ["OneStepDenoise", "IterativeSampler"]
    for kind, name in found:
        graph, id = edits.add_node(anagram, catalogue, kind.id, (0, 0))
        assert not edits.why_not_connect(graph, catalogue, port, Place(id, name, True))
    fitting = {each.kind.id for each in found}
    assert fitting == {
        kind.id
        for kind in catalogue.kinds.values()
        if any(catalogue.fits(catalogue.kinds["PureNoise"].outputs[0], each) for each in kind.inputs)
    }


def test_what_can_precede_an_input(catalogue, anagram):
    port = Place("turned", "image", True)
    found = edits.fitting(anagram, catalogue, port)
    assert catalogue.kinds[found[0].kind.id].outputs_by_name[found[0].name].type == "Image"
    assert ("PureNoise", "noisy") in [(each.kind.id, each.name) for each in found]  # converted
    assert edits.fitting(anagram, catalogue, Place("gone", "x", True)) == []


def test_a_node_is_put_on_a_wire(catalogue, anagram):
    graph, blur = edits.add_node(edits.arrange(anagram, catalogue), catalogue, "GaussianBlur", (0, 0))
    link = Link.parse("sample.image -> sheet.images[0]")
    assert edits.why_not_insert(graph, catalogue, link, blur) == ""
    new = edits.insert_on_link(graph, catalogue, link, blur)
    assert {f"sample.image -> {blur}.image", f"{blur}.image -> sheet.images[0]"} <= set(lines(new))
    assert str(link) not in lines(new) and len(new.links) == len(graph.links) + 1
    assert "at an end" in edits.why_not_insert(graph, catalogue, link, "sample")
    assert "circle" in edits.why_not_insert(graph, catalogue, Link.parse("six.denoiser -> guide6.conditional"), "both")
    graph, show = edits.add_node(graph, catalogue, "ShowImage", (0, 0))
    with pytest.raises(ValueError, match="ShowImage has no way through from Image to Image"):
        edits.insert_on_link(graph, catalogue, Link.parse("sample.image -> turned.image"), show)


@pytest.mark.parametrize("side", ["right", "left"])
def test_room_is_made_for_an_inserted_node(catalogue, side):
    graph = Graph()
    ids = []
    for kind, x in (("LoadImage", 0), ("GaussianBlur", 300), ("SaveImage", 600)):
        graph, id = edits.add_node(graph, catalogue, kind, (x, 0))
        ids.append(id)
    for a, b in pairwise(ids):
        graph = edits.connect(graph, catalogue, Place(a, "image", False), Place(b, "image", True))
    graph, new = edits.add_node(graph, catalogue, "Crop", (280, 0))
    sizes = dict.fromkeys(graph.nodes, (240.0, 100.0))
    link = Link.parse(f"{ids[0]}.image -> {ids[1]}.image")
    moved = edits.insert_on_link(graph, catalogue, link, new, sizes, side).canvas["positions"]
    if side == "right":
        assert [moved[id][0] for id in [*ids, new]] == [0, 580, 880, 280]
    else:
        assert [moved[id][0] for id in [*ids, new]] == [-20, 300, 600, 280]
