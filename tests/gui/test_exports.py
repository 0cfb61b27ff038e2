"""The graph as a picture: all of it, whatever the window shows, and nothing of the moment."""

import xml.etree.ElementTree as ET

import pytest
from PySide6.QtGui import QImage

import nodegraph
from nodegraph import Graph, Node
from nodegraph_gui import exports
from nodegraph_gui.documents import Document
from nodegraph_gui.scene import Scene
from nodegraph_gui.themes import DARK, LIGHT

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def scene(qapp, catalogue):
    return Scene(Document(nodegraph.load("examples/anagram.json")), catalogue, DARK)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_png_shows_all_at_its_scale(scene, scale):
    image = QImage.fromData(exports.png(scene, scale))
    rect = scene.content_rect()
    assert abs(image.width() - (rect.width() + 80) * scale) <= 1
    assert abs(image.height() - (rect.height() + 80) * scale) <= 1
    assert image.pixelColor(2, 2).name() == DARK.canvas
    for id in scene.nodes:
        at = (scene.node_rect(id).topLeft() - rect.topLeft()) * scale
        below_title = image.pixelColor(round(at.x() + (40 + 120) * scale), round(at.y() + (40 + 47) * scale))
        assert below_title.name() == DARK.node


def test_a_png_can_be_transparent_and_has_a_largest_size(scene, catalogue):
    image = QImage.fromData(exports.png(scene, 0.2, transparent=True))
    assert image.pixelColor(1, 1).alpha() == 0
    nodes = {id: Node(type="PureNoise") for id in "ab"}
    graph = Graph(nodes=nodes, canvas={"positions": {"a": [0, 0], "b": [90_000, 0]}})
    wide = Scene(Document(graph), catalogue, DARK)
    assert QImage.fromData(exports.png(wide, 1.0)).width() == exports.LARGEST


def test_an_svg_holds_every_word_as_text(scene):
    root = ET.fromstring(exports.svg(scene, "Anagram <1>"))
    words = "".join(root.itertext())
    assert root.tag == f"{SVG}svg" and root.find(f"{SVG}title").text == "Anagram <1>"
    for id, item in scene.nodes.items():
        assert id in words and item.node.type in words
    assert float(root.get("viewBox").split()[2]) == round(scene.content_rect().width() + 80)
    assert len(list(root.iter(f"{SVG}path"))) >= len(scene.wires)


def test_what_is_of_the_moment_is_left_out_and_stays(scene, qtbot):
    plain = exports.svg(scene), exports.png(scene, 1.0)
    scene.select(["sample", "both"])
    told = []
    scene.selection_changed.connect(lambda: told.append(1))
    assert (exports.svg(scene), exports.png(scene, 1.0)) == plain
    assert scene.selection == {"sample", "both"} and not told


def test_the_theme_is_that_of_the_scene(scene):
    scene.set_theme(LIGHT)
    assert QImage.fromData(exports.png(scene, 0.2)).pixelColor(1, 1).name() == LIGHT.canvas


def test_an_empty_graph_has_no_picture(qapp, catalogue):
    empty = Scene(Document(), catalogue, DARK)
    for export in (exports.png, exports.svg):
        with pytest.raises(ValueError, match="the graph is empty"):
            export(empty)
