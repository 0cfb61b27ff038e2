"""Graphs that travel in pictures: files by content, no absolute path."""

import hashlib
from pathlib import Path

import toys

from nodegraph.graphs import Graph
from nodegraph.portable import portable, resolve_path


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_files_are_named_by_their_content(tmp_path, registry):
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "cat.png").write_bytes(b"cat")
    wanted = f"cat.png@sha256:{sha(b'cat')}"
    for path in ("cat.png", "../home/cat.png", str(folder / "cat.png")):
        graph = Graph().add("read", "ReadFile", path=path).add("text", "Text", text="cat.png").with_folder(folder)
        carried = portable(graph, registry)
        assert carried.nodes["read"].inputs["path"] == wanted
        assert carried.nodes["text"] is graph.nodes["text"]
        assert portable(carried, registry) == carried


def test_no_absolute_path_goes_along(tmp_path, registry):
    for path, left in (
        (str(tmp_path / "gone.png"), "gone.png"),
        (str(tmp_path), tmp_path.name),
        ("C:\\Users\\ada\\gone.png", "gone.png"),
        ("\\\\server\\share\\gone.png", "gone.png"),
        ("~/gone.png", "gone.png"),
        ("pictures/gone.png", "pictures/gone.png"),
    ):
        graph = portable(Graph().add("read", "ReadFile", path=path).with_folder(tmp_path), registry)
        assert graph.nodes["read"].inputs["path"] == left
    odd = Graph().add("read", "ReadFile", path=3).add("nope", "Nope", path="/x")
    assert portable(odd, registry) == odd


def test_a_named_file_is_found_by_name_and_content_then_by_content(tmp_path):
    beside, work = tmp_path / "beside", tmp_path / "work"
    beside.mkdir()
    work.mkdir()
    text = f"cat.png@sha256:{sha(b'cat')}"
    folders = [beside, work]
    assert resolve_path(text, folders) is None
    (work / "renamed.png").write_bytes(b"cat")
    assert resolve_path(text, folders) == work / "renamed.png"
    (beside / "cat.png").write_bytes(b"another cat")
    assert resolve_path(text, folders) == work / "renamed.png"
    (beside / "moved.PNG").write_bytes(b"cat")
    assert resolve_path(text, folders) == beside / "moved.PNG"
    (beside / "cat.png").write_bytes(b"cat")
    assert resolve_path(text, folders) == beside / "cat.png"
    assert resolve_path(text, [tmp_path / "absent"]) is None


def test_other_paths_start_in_the_first_folder(tmp_path):
    assert resolve_path("a/b.png", [tmp_path, Path("/elsewhere")]) == tmp_path / "a/b.png"
    assert resolve_path("/a/b.png", [tmp_path]) == Path("/a/b.png")
    assert resolve_path("cat.png@sha256:12", [tmp_path]) == tmp_path / "cat.png@sha256:12"


def test_a_toy_reads_what_was_named_by_content(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"cat")
    path = resolve_path(f"dog.png@sha256:{sha(b'cat')}", [tmp_path])
    assert path is not None
    assert toys.read_file(path) == sha(b"cat")
