"""What goes leaves a chain that still holds where types allow."""

import pytest

import nodegraph
from nodegraph import Graph, Node, check
from nodegraph_gui import edits
from nodegraph_gui.edits import Place


@pytest.fixture
def chain(catalogue):
    """load -> blur -> crop -> save, and crop -> show."""
    graph = Graph()
    for kind in ("LoadImage", "GaussianBlur", "Crop", "SaveImage", "ShowImage"):
        graph, _ = edits.add_node(graph, catalogue, kind, (0, 0))
    for a, b in (
        ("load_image", "gaussian_blur"),
        ("gaussian_blur", "crop"),
        ("crop", "save_image"),
        ("crop", "show_image"),
    ):
        graph = edits.connect(graph, catalogue, Place(a, "image", False), Place(b, "image", True))
    return graph


WIRES = ("cannot take", "is linked", "takes one", "none at [", "in a circle", "leads to")


def lines(graph):
    return [str(link) for link in graph.links]


def test_a_chain_closes(catalogue, chain):
    assert lines(edits.delete(chain, catalogue, ["crop"])) == [
        "load_image.image -> gaussian_blur.image",
        "gaussian_blur.image -> save_image.image",
        "gaussian_blur.image -> show_image.image",
    ]
    both = edits.delete(chain, catalogue, ["crop", "gaussian_blur", "gone"])
    assert lines(both) == ["load_image.image -> save_image.image", "load_image.image -> show_image.image"]
    assert set(both.canvas["positions"]) == set(both.nodes)
    assert lines(edits.delete(chain, catalogue, ["crop"], heal=False)) == ["load_image.image -> gaussian_blur.image"]
    assert edits.delete(chain, catalogue, []) is chain


def test_it_closes_with_what_a_bypassed_node_would_hand_on(catalogue):
    graph = nodegraph.load("examples/anagram.json")
    assert "six.denoiser -> both.upright" in lines(edits.delete(graph, catalogue, ["guide6"]))
    # the start of a sampler is no picture, though it could be converted to one
    left = lines(edits.delete(graph, catalogue, ["sample"]))
    assert left[-2:] == ["turned.image -> sheet.images[0]", "sheet.image -> save.image"]


def test_only_what_fits_is_linked(catalogue):
    graph = nodegraph.load("examples/anagram.json")
    gone = edits.delete(graph, catalogue, ["both", "guide6", "guide9", "six", "nine", "any"])
    assert not any("sample.denoiser" in line for line in lines(gone))


def test_a_type_that_is_not_installed_is_not_healed(catalogue):
    kinds = {"l": "LoadImage", "x": "Strange", "s": "SaveImage"}
    nodes = {node: Node(type=kind) for node, kind in kinds.items()}
    graph = Graph(nodes=nodes, links=["l.image -> x.in", "x.out -> s.image"])
    assert lines(edits.delete(graph, catalogue, ["x"])) == []


def test_a_node_is_taken_out_of_its_chain(catalogue, chain):
    out = edits.extract(chain, catalogue, ["gaussian_blur", "crop"])
    assert out.nodes == chain.nodes
    assert set(lines(out)) == {
        "load_image.image -> save_image.image",
        "load_image.image -> show_image.image",
        "gaussian_blur.image -> crop.image",
    }


@pytest.mark.parametrize("example", ["anagram", "guidance", "inpainting_modes", "composing"])
def test_no_deletion_makes_a_fault_in_the_wires(catalogue, registry, example):
    """Whatever single node or pair goes, what is left has no link that does not fit, and lists without holes."""
    graph = nodegraph.load(f"examples/{example}.json")
    for node in graph.nodes:
        for other in graph.nodes:
            left = edits.delete(graph, catalogue, {node, other})
            wrong = [str(each) for each in check(left, registry) if any(word in each.message for word in WIRES)]
            assert not wrong
