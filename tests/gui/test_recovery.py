"""After a crash the document is there as it was a moment after its last edit."""

import importlib.util
import json
import os
import stat
from pathlib import Path

import pytest

import nodegraph
from nodegraph import Graph, Node
from nodegraph_gui import edits
from nodegraph_gui.documents import Document
from nodegraph_gui.recovery import RecoveryFile, recoverable
from nodegraph_gui.saving import DocumentFile

BENCHMARK = Path("benchmarks/recovery.py").resolve()


def crashed(state, path=None, title="mine", folder=None):
    """A child that edits a document, writes its recovery file, and dies."""
    child = os.fork()
    if not child:
        graph = Graph(nodes={"a": Node(type="Float")})
        document = Document(graph if folder is None else graph.with_folder(folder), path)
        document.edit("Title", edits.set_title(document.graph, "a", title))
        os._exit(len(RecoveryFile(document, state).write("digest")))
    assert os.waitpid(child, 0)[1] == 0


def test_twenty_kills_lose_at_most_a_second():
    spec = importlib.util.spec_from_file_location("recovery_benchmark", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    losses = benchmark.storm(20)
    assert len(losses) == 20 and max(losses) < 1


def test_what_a_dead_window_left_is_offered_restored_and_discarded(tmp_path):
    crashed(tmp_path, Path("/work/graph.json"), folder=Path("/work"))
    crashed(tmp_path, title="other")
    found = {each.graph.nodes["a"].title: each for each in recoverable(tmp_path)}
    assert set(found) == {"mine", "other"}
    mine = found["mine"]
    assert mine.path == Path("/work/graph.json") and mine.digest == "digest" and mine.time is not None
    document = mine.restore()
    assert document.dirty and document.path == mine.path and document.graph.folder == Path("/work")
    assert RecoveryFile(document, tmp_path).write() == ""
    mine.discard()
    with pytest.raises(ValueError, match="another window"):
        mine.restore()
    assert [each.graph.nodes["a"].title for each in recoverable(tmp_path)] == ["other"]
    found["other"].discard()
    assert recoverable(tmp_path) == [] or all(each.graph.nodes["a"].title == "mine" for each in recoverable(tmp_path))


def test_a_restored_document_knows_what_changed_on_disk_since(tmp_path):
    path = tmp_path / "graph.json"
    nodegraph.save(Graph(), path)
    document = Document(nodegraph.load(path), path)
    own = DocumentFile(document, folder=tmp_path)
    digest = own.digest
    own.release()
    path.write_text('{"nodegraph": 1, "nodes": {}, "links": [], "canvas": {"x": 1}}')
    assert DocumentFile(document, digest, tmp_path).state().kind == "changed"


def test_living_windows_are_left_alone(tmp_path):
    document = Document()
    own = RecoveryFile(document, tmp_path)
    assert own.write() == "" and not own.path.exists()  # nothing to lose yet
    document.edit("Add", Graph(nodes={"a": Node(type="Float")}))
    assert own.write() == "" and own.path.exists()
    assert recoverable(tmp_path) == []
    other = RecoveryFile(document, tmp_path)
    assert other.path != own.path and other.write() == ""
    assert own.close() == other.close() == "" and not list((tmp_path / "recovery").iterdir())


def test_a_clean_save_takes_it_away(tmp_path):
    document = Document()
    own = RecoveryFile(document, tmp_path)
    document.edit("Add", Graph(nodes={"a": Node(type="Float")}))
    own.write()
    first = own.path.stat().st_mtime_ns
    assert own.write() == "" and own.path.stat().st_mtime_ns == first  # nothing new, nothing written
    document.mark_saved(tmp_path / "x.json")
    assert own.write() == "" and not own.path.exists()


def test_what_cannot_be_written_is_told_and_never_raised(tmp_path, monkeypatch):
    document = Document()
    document.edit("Add", Graph(nodes={"a": Node(type="Float")}))
    (tmp_path / "file").write_text("")
    assert "not kept" in RecoveryFile(document, tmp_path / "file").write()
    own = RecoveryFile(document, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    assert own.write().endswith("(the disk is full). Saving works as ever.")
    monkeypatch.undo()
    assert own.write() == "" and own.path.exists()


def test_it_is_the_users_alone(tmp_path):
    document = Document()
    document.edit("Add", Graph(nodes={"a": Node(type="Float")}))
    own = RecoveryFile(document, tmp_path)
    own.write()
    assert not stat.S_IMODE(own.path.parent.stat().st_mode) & 0o077


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"time": 3}', "nonsense", "{" * 9999])
def test_a_damaged_file_is_told_of_and_kept(tmp_path, text):
    crashed(tmp_path)
    [good] = recoverable(tmp_path)
    good.file.write_text(text)
    [found] = recoverable(tmp_path)
    assert found.problem and found.graph is None and found.file.exists()
    with pytest.raises(ValueError, match="cannot be restored"):
        found.restore()


def test_the_record_is_plain_json(tmp_path):
    crashed(tmp_path)
    [found] = recoverable(tmp_path)
    assert json.loads(found.file.read_text())["recovery"] == 1
