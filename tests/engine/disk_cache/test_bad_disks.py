"""Entries that are damaged and disks that fail: a miss, a line for the user, never a failed run."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli_calls import call
from letters import CHAIN, LETTER, Letter, calls, entries, read, run, source, write

from nodegraph import writing
from nodegraph.disk_cache import DiskCache
from nodegraph.registry import Registry
from nodegraph.values import ValueType


def test_a_bit_that_flips_or_a_cut_anywhere_is_a_miss_that_is_taken_away(registry: Registry, folder: Path) -> None:
    disk, spec, key = DiskCache(registry, folder), registry.node_types["Write"], bytes(range(32))
    assert disk.put(key, spec, {"letter": Letter("dear")}, "a line")
    (path,) = entries(folder)
    whole = path.read_bytes()
    spoiled = [whole[:place] for place in range(len(whole))] + [whole + b" ", b"", b"\x80\x05."]
    spoiled += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(len(whole))]
    for data in spoiled:
        path.write_bytes(data)
        assert disk.get(key, spec) is None
        assert entries(folder) == []
    path.write_bytes(whole)
    found = disk.get(key, spec)
    assert found is not None
    assert (found.outputs, found.summary) == ({"letter": Letter("dear")}, "a line")


def test_an_entry_of_something_else_is_a_miss(registry: Registry, folder: Path) -> None:
    disk, spec, key = DiskCache(registry, folder), registry.node_types["Write"], bytes(32)
    disk.put(key, spec, {"letter": Letter("dear")})
    (path,) = entries(folder)
    path.rename(folder / f"{b'x'.hex() * 32}.value")
    assert disk.get(b"x" * 32, spec) is None
    assert entries(folder) == []
    disk.put(key, spec, {"letter": Letter("dear")})
    assert disk.get(key, registry.node_types["Everything"]) is None, "the outputs have other names now"
    assert entries(folder) == []
    disk.put(key, spec, {"letter": Letter("dear")})
    assert DiskCache(Registry([write]), folder).get(key, spec) is None, "the plugin with its ValueType is gone"


@pytest.mark.parametrize("raised", [ValueError, KeyError, RuntimeError])
def test_what_load_refuses_is_a_miss_that_is_taken_away(
    registry: Registry, folder: Path, raised: type[Exception]
) -> None:
    def refuse(data: bytes) -> Letter:
        raise raised("an older format")

    run(registry, folder)
    strict = Registry([source, write, read], value_types=[ValueType(Letter, save=LETTER.save, load=refuse)])
    assert run(strict, folder)["r"] == "dear"
    assert calls == ["Source", "Write", "Read"]


def test_a_value_of_another_class_is_a_miss(registry: Registry, folder: Path) -> None:
    run(registry, folder)
    odd = ValueType(Letter, save=LETTER.save, load=lambda data: "no letter")
    assert run(Registry([source, write, read], value_types=[odd]), folder)["r"] == "dear"
    assert calls == ["Source", "Write", "Read"]


@pytest.mark.parametrize("raised", [MemoryError, ImportError])
def test_an_entry_stays_when_the_trouble_is_ours(registry: Registry, folder: Path, raised: type[Exception]) -> None:
    def fail(data: bytes) -> Letter:
        raise raised

    disk, spec = DiskCache(registry, folder), registry.node_types["Write"]
    disk.put(bytes(32), spec, {"letter": Letter("dear")})
    troubled = Registry([write], value_types=[ValueType(Letter, save=LETTER.save, load=fail)])
    assert DiskCache(troubled, folder).get(bytes(32), spec) is None
    assert disk.get(bytes(32), spec) is not None


def test_what_is_no_file_in_its_place_is_a_miss_and_never_waited_for(registry: Registry, folder: Path) -> None:
    disk, spec, key = DiskCache(registry, folder), registry.node_types["Write"], bytes(32)
    disk.put(key, spec, {"letter": Letter("dear")})
    (path,) = entries(folder)
    own = folder.parent / "mine.txt"
    own.write_bytes(path.read_bytes())
    for spoil in (lambda: path.symlink_to(own), lambda: os.mkfifo(path), lambda: path.symlink_to("loop")):
        path.unlink(missing_ok=True)
        spoil()
        assert disk.get(key, spec) is None
        assert not os.path.lexists(path)
    path.mkdir()
    assert disk.get(key, spec) is None
    assert not disk.put(key, spec, {"letter": Letter("dear")})
    assert own.exists()


def test_a_full_disk_fails_no_run_and_leaves_nothing(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, "write", full)
    assert run(registry, folder)["r"] == "dear"
    monkeypatch.undo()
    assert "the disk is full" in told.text
    assert entries(folder) == []


CALLS = ("scandir", "open", "lstat", "unlink", "utime", "mkdir", "replace", "fsync", "close", "realpath", "stat")


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_whatever_call_fails_the_run_does_not(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """Before there is a folder, with one, and with a damaged entry in it."""
    for prepare in (lambda: None, lambda: run(registry, folder, CHAIN.set("s", text="other")), lambda: spoil(folder)):
        prepare()
        with monkeypatch.context() as patched:
            home = os.path if name == "realpath" else os
            patched.setattr(home, name, failing_below(folder.parent, getattr(home, name), number))
            assert run(registry, folder)["r"] == "dear"
    assert run(registry, folder)["r"] == "dear"


def failing_below(folder: Path, call: Any, number: int) -> Any:
    def failing(place: Any, *rest: Any, **more: Any) -> Any:
        inside = isinstance(place, int) or str(getattr(place, "path", place)).startswith(str(folder))
        if inside:
            raise OSError(number, os.strerror(number))
        return call(place, *rest, **more)

    return failing


def spoil(folder: Path) -> None:
    for entry in entries(folder):
        entry.write_bytes(b"spoiled")


def test_a_file_where_the_folder_should_be_fails_no_run(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    assert run(registry, tmp_path / "file")["r"] == "dear"
    assert run(registry, tmp_path / "file" / "below")["r"] == "dear"
    assert (tmp_path / "file").read_text() == "here"


def test_a_cache_that_cannot_be_written_is_one_line_for_the_user(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodegraph.plugins.load_plugins", lambda **_: registry)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "file" / "cache"))
    file = tmp_path / "graph.json"
    letters = {name: {"type": "Write", "inputs": {"text": name}} for name in "ab"}
    file.write_text(json.dumps({"nodegraph": 1, "nodes": letters}))
    done = call("run", file, "--out", tmp_path / "out")
    assert done.exit_code == 0
    (line,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert line.startswith("warning what Write made is not kept on the disk: ") and str(tmp_path / "file") in line


def test_a_disk_that_can_only_be_read_still_serves(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(registry, folder)
    for name in ("open", "utime", "unlink", "mkdir", "replace"):
        monkeypatch.setattr(os, name, failing_below(folder, getattr(os, name), errno.EROFS))
    run(registry, folder, keep="targets")
    assert calls == ["Read"]
    assert run(registry, folder, CHAIN.set("s", text="other"))["r"] == "other"
