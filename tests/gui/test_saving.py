"""The file of a document: never written over unasked, and leading to the same pictures from another folder."""

import json
import os
from pathlib import Path

import pytest

import nodegraph
from nodegraph import Graph, OutputError
from nodegraph_gui import edits
from nodegraph_gui.documents import Document
from nodegraph_gui.edits import Place
from nodegraph_gui.locks import Lock
from nodegraph_gui.relocating import relocated
from nodegraph_gui.saving import DocumentFile, made_with, read_file

ANAGRAM = Path("examples/anagram.json").resolve()


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("NODEGRAPH_STATE", str(tmp_path / "state"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "work" / "graph.json"
    path.parent.mkdir()
    path.write_bytes(ANAGRAM.read_bytes())
    return path


def opened(path):
    graph, digest = read_file(path)
    document = Document(graph, path)
    return document, DocumentFile(document, digest)


def mute(document, node="save"):
    return document.edit("Mute", edits.set_mode(document.graph, [node], "mute"))


def test_what_was_not_edited_is_saved_without_a_changed_byte(file, catalogue):
    _, own = opened(file)
    assert own.state().fine and own.save(catalogue).fine
    assert file.read_bytes() == ANAGRAM.read_bytes()


def test_what_was_edited_is_saved_and_known_as_saved(file, catalogue):
    document, own = opened(file)
    mute(document)
    assert document.dirty and own.save(catalogue).fine and not document.dirty
    saved = nodegraph.load(file)
    assert saved == document.graph and saved.nodes["save"].mode == "mute"
    assert saved.made_with == made_with(saved, catalogue) and list(saved.made_with) == ["nodegraph"]
    text = file.read_bytes()
    assert own.save(catalogue).fine and file.read_bytes() == text
    document.undo()
    assert document.dirty and document.graph == nodegraph.load(ANAGRAM)
    document.redo()
    assert not document.dirty


def test_a_change_on_disk_is_asked_about(file, catalogue):
    document, own = opened(file)
    mute(document)
    other = file.read_text().replace("anagram", "other")
    file.write_text(other)
    state = own.save(catalogue)
    assert state.kind == "changed" and "graph.json was changed by another program" in state.question
    assert file.read_text() == other and document.dirty
    assert own.save(catalogue, anyway=True).fine and nodegraph.load(file) == document.graph
    file.write_text(other)
    own.reload()
    assert document.graph == nodegraph.load(file) and own.state().fine and not document.undo_label


def test_a_touched_file_is_no_change(file, catalogue):
    _, own = opened(file)
    os.utime(file, (1, 1))
    file.write_bytes(file.read_bytes())
    assert own.state().fine


def test_a_file_that_vanished_is_asked_about(file, catalogue):
    document, own = opened(file)
    file.unlink()
    assert own.state().kind == "vanished" and own.save(catalogue).kind == "vanished" and not file.exists()
    assert own.save(catalogue, anyway=True).fine and nodegraph.load(file) == document.graph


def test_two_windows_on_one_file(file, catalogue, tmp_path):
    (tmp_path / "link.json").symlink_to(file)
    first, one = opened(file)
    second, two = opened(tmp_path / "link.json")
    assert one.state().fine and two.state().kind == "elsewhere"
    mute(second)
    assert two.save(catalogue).kind == "elsewhere" and nodegraph.load(file) == first.graph
    assert two.save(catalogue, anyway=True).fine
    mute(first, "six")
    assert one.save(catalogue).kind == "changed"
    one.release()
    assert two.state().fine
    third = Document()
    assert DocumentFile(third).save(catalogue, file).kind == "elsewhere"


def test_a_window_that_died_holds_no_file(file):
    child = os.fork()
    if not child:
        opened(file)
        os._exit(0)
    os.waitpid(child, 0)
    assert opened(file)[1].state().fine


def test_a_lock_is_one_windows_and_ends_with_it(tmp_path):
    path = tmp_path / "a" / "b.lock"
    one, two = Lock(path), Lock(path)
    assert one.take() and one.take() and one.held and not two.take()
    one.release()
    assert two.take() and not one.take()
    two.release()
    assert not path.exists()


def test_a_new_document_asks_for_a_name_and_before_it_replaces(file, catalogue, tmp_path):
    document = Document()
    own = DocumentFile(document)
    assert own.save(catalogue).kind == "untitled" and own.state().kind == "untitled"
    state = own.save(catalogue, file)
    assert state.kind == "occupied" and file.read_bytes() == ANAGRAM.read_bytes()
    new = tmp_path / "new.json"
    assert own.save(catalogue, new).fine and document.path == new
    assert nodegraph.load(new) == document.graph and not document.dirty and own.save(catalogue).fine


@pytest.mark.parametrize("why", ["no folder", "read only"])
def test_what_cannot_be_written_is_told_and_stays_unsaved(file, catalogue, tmp_path, why):
    document, own = opened(file)
    mute(document)
    if why == "read only":
        target = tmp_path / "folder.json"
        target.mkdir()
    else:
        target = tmp_path / "gone" / "x.json"
    with pytest.raises(OutputError, match="was not written"):
        own.save(catalogue, target, anyway=True)
    assert document.dirty and document.path == file and own.state().fine


def test_a_full_disk_leaves_the_old_file(file, catalogue, monkeypatch):
    document, own = opened(file)
    mute(document)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OutputError, match="the disk is full"):
        own.save(catalogue)
    monkeypatch.undo()
    assert file.read_bytes() == ANAGRAM.read_bytes() and document.dirty


def picture_graph(catalogue, folder, **paths):
    graph = Graph().with_folder(folder)
    for path in paths.values():
        graph, _ = edits.add_node(graph, catalogue, "LoadImage", (0, 0), {"path": path})
    return graph


def paths_of(graph):
    return [placed.inputs["path"] for placed in graph.nodes.values() if placed.type == "LoadImage"]


def test_paths_lead_to_the_same_files_from_another_folder(catalogue, tmp_path):
    old, new = tmp_path / "old", tmp_path / "old" / "sub"
    new.mkdir(parents=True)
    digest = "cat.png@sha256:" + "0" * 64
    graph = picture_graph(
        catalogue, old, below="sub/in/cat.png", beside="cat.png", above="../dog.png", full="/pictures/x.png", by=digest
    )
    nodegraph.save(graph, old / "graph.json")
    document, own = opened(old / "graph.json")
    document.edit("Mute", edits.set_mode(document.graph, ["load_image"], "mute"))
    assert own.save(catalogue, new / "graph.json").fine
    expected = ["in/cat.png", "../cat.png", "../../dog.png", "/pictures/x.png", digest]
    assert paths_of(nodegraph.load(new / "graph.json")) == expected == paths_of(document.graph)
    assert document.graph.folder == new and not document.dirty
    document.undo()
    assert paths_of(document.graph) == expected and document.graph.folder == new
    assert own.save(catalogue, old / "graph.json", anyway=True).fine
    assert paths_of(document.graph)[:3] == ["sub/in/cat.png", "cat.png", "../dog.png"]


def test_paths_climb_between_the_folders_of_a_project_and_no_further(catalogue, tmp_path, monkeypatch):
    project = tmp_path / "project"
    for folder in ("graphs", "pictures", "a/b/c/d"):
        (project / folder).mkdir(parents=True)
    graph = picture_graph(catalogue, project / "graphs", beside="cat.png", sibling="../pictures/dog.png")

    def moved(folder):
        return paths_of(relocated(graph, catalogue, folder))

    assert moved(project / "pictures") == ["../graphs/cat.png", "dog.png"]
    assert moved(project / "a" / "b") == ["../../graphs/cat.png", "../../pictures/dog.png"]
    assert moved(project / "a" / "b" / "c") == [f"{project}/graphs/cat.png", f"{project}/pictures/dog.png"]
    (tmp_path / "link").symlink_to(project / "a" / "b")  # whose folder above is a, as the system sees it
    assert moved(tmp_path / "link") == ["../../graphs/cat.png", "../../pictures/dog.png"]
    assert (tmp_path / "link" / "../../graphs").samefile(project / "graphs")
    monkeypatch.setenv("HOME", str(project))  # what lies anywhere in a home is no project
    assert moved(project / "pictures") == [f"{project}/graphs/cat.png", "dog.png"]


def test_a_graph_that_was_saved_beside_its_old_folder_runs_there(catalogue, tmp_path):
    from shutil import copyfile, move

    (tmp_path / "project" / "old").mkdir(parents=True)
    (tmp_path / "project" / "new").mkdir()
    copyfile(ANAGRAM.parent.parent / "docs" / "digits.png", tmp_path / "project" / "old" / "cat.png")
    graph = picture_graph(catalogue, tmp_path / "project" / "old", beside="cat.png")
    assert DocumentFile(Document(graph)).save(catalogue, tmp_path / "project" / "new" / "g.json").fine
    move(tmp_path / "project", tmp_path / "elsewhere")
    graph = nodegraph.load(tmp_path / "elsewhere" / "new" / "g.json")
    assert paths_of(graph) == ["../old/cat.png"]
    assert nodegraph.run(graph)["load_image", "image"].pixels.shape[0] == 1


def test_a_text_that_only_feeds_paths_moves_along(catalogue, tmp_path):
    graph = picture_graph(catalogue, tmp_path, one="unused.png")
    for value in ("cat.png", "a caption"):
        graph, _ = edits.add_node(graph, catalogue, "Text", (0, 0), {"value": value})
    graph = edits.connect(graph, catalogue, Place("text", "value", False), Place("load_image", "path", True))
    document = Document(graph, None)
    sub = tmp_path / "sub"
    sub.mkdir()
    assert DocumentFile(document).save(catalogue, sub / "g.json").fine
    nodes = nodegraph.load(sub / "g.json").nodes
    assert nodes["text"].inputs["value"] == "../cat.png" and nodes["text_2"].inputs["value"] == "a caption"


def test_a_new_documents_full_paths_become_relative_below_its_first_folder(catalogue, tmp_path):
    graph, _ = edits.add_node(Graph(), catalogue, "LoadImage", (0, 0), {"path": str(tmp_path / "in" / "cat.png")})
    document = Document(graph)
    assert DocumentFile(document).save(catalogue, tmp_path / "g.json").fine
    assert json.loads((tmp_path / "g.json").read_text())["nodes"]["load_image"]["inputs"]["path"] == "in/cat.png"
