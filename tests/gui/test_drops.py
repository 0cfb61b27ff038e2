"""What is dropped on the canvas, by real drop events on a shown window."""

import json

import PIL.Image
import pytest
from desks import PLACES, at, check_law, check_undo, guided, links, open_desk
from driving import drop
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QImage

import nodegraph
from nodegraph import Graph
from nodegraph.png import embed
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.drops import PICTURES, doubt_about
from nodegraph_gui.palette import mime_for

WHERE = (420, 720)


@pytest.fixture
def desk(qtbot, catalogue, tmp_path):
    desk = open_desk(qtbot, catalogue, guided(), tmp_path)
    desk.files = []
    desk.opened.connect(desk.files.append)
    return desk


@pytest.fixture
def files(tmp_path):
    """A graph, a picture, one of ours and a text, in a folder."""
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(QColor("teal"))
    for name in ("cat.png", "dog.jpg"):
        assert picture.save(str(tmp_path / name))
    (tmp_path / "ours.png").write_bytes(embed((tmp_path / "cat.png").read_bytes(), nodegraph.dumps(guided())))
    (tmp_path / "graph.json").write_text(nodegraph.dumps(guided()))
    (tmp_path / "graph.txt").write_text(nodegraph.dumps(guided()))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def urls(*paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def text(words):
    mime = QMimeData()
    mime.setText(words)
    return mime


def test_a_kind_from_the_palette_is_added_under_the_cursor(desk):
    before = desk.document.graph
    mime = mime_for("PureNoise")
    assert drop(desk.view, mime, WHERE)
    assert at(desk, "pure_noise") == (300, 700) and desk.scene.selection == {"pure_noise"}
    assert desk.usage.recent == ["PureNoise"]
    check_undo(desk, before, "Add PureNoise")


def test_what_the_palette_chooses_is_added_in_sight_and_then_beside_what_is_selected(desk):
    before = desk.document.graph
    for _ in range(3):
        desk.add_chosen("PureNoise")
    new = [desk.scene.node_rect(f"pure_noise{end}") for end in ("", "_2", "_3")]
    old = [desk.scene.node_rect(node) for node in PLACES]
    assert not any(rect.intersects(other) for rect in new for other in (*new, *old) if other is not rect)
    assert new[1].left() > new[0].right() and desk.view.visible_rect().contains(new[2])
    assert desk.usage.counts == {"PureNoise": 3}
    desk.add_chosen("NoSuchThing")
    assert "NoSuchThing" in desk.heard[-1]
    desk.document.undo()
    desk.document.undo()
    check_undo(desk, before, "Add PureNoise")


def test_a_kind_that_is_not_installed_is_refused(desk):
    mime = mime_for("NoSuchThing")
    assert not drop(desk.view, mime, WHERE)
    assert not desk.document.undo_label


@pytest.mark.parametrize("name", ["graph.json", "graph.txt", "ours.png"])
def test_a_graph_and_a_picture_of_ours_are_opened(desk, files, name):
    mime = urls(files / name)
    assert drop(desk.view, mime, WHERE)
    assert desk.files == [str(files / name)] and not desk.document.undo_label


@pytest.mark.parametrize("name", ["cat.png", "dog.jpg", "broken.png"])
def test_another_picture_becomes_a_node_that_loads_it(desk, files, name):
    before = desk.document.graph
    mime = urls(files / name)
    assert drop(desk.view, mime, WHERE)
    assert desk.document.graph.nodes["load_image"].inputs["path"] == str(files / name)
    assert at(desk, "load_image") == (300, 700) and desk.files == []
    check_undo(desk, before, f"Load {name}")


def test_what_is_called_a_picture_and_is_none_is_told_and_still_loaded(desk, files):
    (files / "empty.jpg").write_bytes(b"")
    mime = urls(files / "broken.png", files / "cat.png", files / "dog.jpg", files / "empty.jpg", files / "gone.png")
    assert drop(desk.view, mime, WHERE)
    (line,) = desk.heard
    assert line == (
        "broken.png does not begin like a picture: its node will fail until it names another file; "
        "empty.jpg is empty: its node will fail until it names another file; "
        "gone.png cannot be read: No such file or directory"
    )
    assert desk.document.undo_label == "Load 5 pictures"


@pytest.mark.parametrize("ending", [ending[1:] for ending in PICTURES])
def test_no_real_picture_is_doubted(files, ending):
    picture = PIL.Image.new("RGB", (3, 2))
    picture.save(files / f"small.{ending}")
    assert doubt_about(files / f"small.{ending}") == ""


def test_shift_loads_a_picture_of_ours(desk, files):
    mime = urls(files / "ours.png")
    assert drop(desk.view, mime, WHERE, keys=Qt.KeyboardModifier.ShiftModifier)
    assert desk.files == [] and "load_image" in desk.document.graph.nodes


def test_several_files_make_several_nodes_one_below_the_other(desk, files):
    before = desk.document.graph
    mime = urls(files / "cat.png", files / "dog.jpg", files / "ours.png")
    assert drop(desk.view, mime, WHERE)
    new = [node for node in desk.document.graph.nodes if node not in before.nodes]
    names = [desk.document.graph.nodes[node].inputs["path"].rpartition("/")[2] for node in new]
    assert names == ["cat.png", "dog.jpg", "ours.png"]
    rects = [desk.scene.node_rect(node) for node in new]
    assert not any(a.intersects(b) for a in rects for b in rects if a is not b)
    assert desk.scene.selection == set(new)
    check_undo(desk, before, "Load 3 pictures")


def test_a_picture_below_the_graphs_own_folder_is_named_from_there(desk, files):
    desk.document.path = files / "mine.json"
    mime = urls(files / "cat.png")
    assert drop(desk.view, mime, WHERE)
    assert desk.document.graph.nodes["load_image"].inputs["path"] == "cat.png"


def test_what_is_neither_graph_nor_picture_is_told(desk, files):
    why = "neither a graph (.json) nor a picture (.png, .jpg, …)"
    mime = urls(files / "notes.txt")
    drop(desk.view, mime, WHERE)
    assert desk.hints[0] == f"notes.txt is {why}"  # before it is let go
    assert desk.heard == [f"notes.txt is {why}"] and not desk.document.undo_label and not desk.files
    mime = urls(files / "notes.txt", files / "cat.png")
    assert drop(desk.view, mime, WHERE)
    assert desk.heard[1:] == [f"notes.txt is {why}"] and desk.document.undo_label == "Load cat.png"
    mime = urls(files)
    drop(desk.view, mime, WHERE)
    assert desk.heard[2:] == [f"{files.name} is a folder, {why}"]
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.png")])
    assert not drop(desk.view, mime, WHERE)


def test_text_that_is_a_graph_is_pasted_and_other_text_is_not(desk):
    before = desk.document.graph
    part = Graph(nodes={"a": {"type": "UNetMNIST"}, "b": {"type": "CFGCombine"}}, links=["a.denoiser -> b.conditional"])
    mime = text(nodegraph.dumps(part))
    assert drop(desk.view, mime, WHERE)
    assert "a.denoiser -> b.conditional" in links(desk)
    positions = canvas_of(desk.document.graph).positions
    assert (min(positions["a"][0], positions["b"][0]), min(positions["a"][1], positions["b"][1])) == WHERE
    check_undo(desk, before, "Paste 2 nodes")
    mime = text("hello")
    assert not drop(desk.view, mime, WHERE)
    assert "This text is no graph: one begins with {" in desk.hints
    mime = text(json.dumps({"nodes": 3}))
    assert not drop(desk.view, mime, WHERE)
    assert "holds no graph" in desk.heard[-1]
    check_law(desk)
