"""What the disk layer keeps for later sessions and what it cannot, and that its size is bounded."""

import json
import os
import sys
from pathlib import Path

import pytest
from cli_calls import call, graph_file
from letters import (
    CHAIN,
    LETTER,
    Flame,
    Letter,
    Plain,
    SealedLetter,
    Text,
    calls,
    entries,
    load_letter,
    read,
    run,
    source,
    write,
)

from nodegraph.disk_cache import MAGIC, DiskCache, cache_folder
from nodegraph.events import Event, NodeFinished, RunStarted
from nodegraph.graphs import Graph
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.sessions import Session
from nodegraph.values import ValueType


def test_a_later_session_runs_neither_the_node_nor_what_is_before_it(registry: Registry, folder: Path) -> None:
    first = run(registry, folder)
    assert calls == ["Source", "Write", "Read"]
    events: list[Event] = []
    later = run(registry, folder, emit=events.append, keep="targets")
    assert calls == ["Read"]
    assert later["r"] == first["r"] == "dear"
    assert next(event for event in events if isinstance(event, RunStarted)).cached == ("w",)
    finished = {event.node: event for event in events if isinstance(event, NodeFinished)}
    assert finished["w"].cached
    assert finished["w"].summary == "a letter: dear"


def test_other_inputs_and_another_version_are_other_entries(registry: Registry, folder: Path) -> None:
    run(registry, folder)
    run(registry, folder, CHAIN.set("s", text="other"))
    assert calls == ["Source", "Write", "Read"]

    @node("Write", outputs="letter", category="Toys", cache="disk", version=2)
    def write_anew(text: Text = "dear") -> Letter:
        """Write it another way."""
        calls.append("Write 2")
        return Letter(text.upper())

    assert run(Registry([source, write_anew, read], value_types=[LETTER]), folder)["r"] == "DEAR"
    assert calls == ["Source", "Write 2", "Read"]
    assert len(entries(folder)) == 3


def test_the_ids_of_nodes_do_not_matter(registry: Registry, folder: Path) -> None:
    run(registry, folder, Graph().add("one", "Write"))
    run(registry, folder, Graph().add("another", "Write"))
    assert calls == []


def test_what_was_kept_is_then_in_memory(registry: Registry, folder: Path) -> None:
    run(registry, folder)
    with Session(registry, disk_folder=folder) as session:
        letter = session.run(CHAIN)["w"]
        entries(folder)[0].unlink()
        assert session.run(CHAIN)["w"] is letter


def test_plain_data_lists_and_values_come_back_as_they_were(registry: Registry, folder: Path) -> None:
    graph = Graph().add("e", "Everything", ratio=0.1 + 0.2)
    before = run(registry, folder, graph)
    assert len(entries(folder)) == 1
    after = run(registry, folder, graph)
    assert calls == []
    for name in Plain._fields:
        old, new = before["e", name], after["e", name]
        assert repr(new) == repr(old)  # which tells 0.0 from -0.0, and an enum from its text
        assert type(new) is type(old)


def test_an_entry_is_json_and_what_the_value_type_saved(registry: Registry, folder: Path) -> None:
    run(registry, folder)
    (entry,) = entries(folder)
    body = entry.read_bytes()[len(MAGIC) + 32 :]
    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])
    assert header["outputs"] == {"letter": {"type": "Letter", "bytes": len(body) - 8 - size}}
    assert header["node"] == "Write"
    assert json.loads(body[8 + size :]) == {"text": "dear"}
    assert folder.stat().st_mode & 0o077 == 0, "prompts are nobody else's business"


def test_the_cache_can_be_left_out(registry: Registry, folder: Path) -> None:
    run(registry, folder, use_cache=False)
    assert entries(folder) == []
    run(registry, folder)
    run(registry, folder, use_cache=False)
    assert calls == ["Source", "Write", "Read"]
    with Session(registry, disk_folder=folder, disk_bytes=0) as session:
        calls.clear()
        session.run(CHAIN.set("s", text="not kept"))
        session.run(CHAIN)
    assert calls.count("Write") == 2
    assert len(entries(folder)) == 1


def test_no_cache_on_the_command_line(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr("nodegraph.plugins.load_plugins", lambda: registry)
    file = graph_file(tmp_path / "g.json", {"w": "Write"}, [])
    for options, ran, kept in (["--no-cache"], 1, 0), ([], 1, 1), ([], 0, 1), (["--no-cache"], 1, 1):
        calls.clear()
        assert call("run", str(file), *options).exit_code == 0
        assert (len(calls), len(entries(tmp_path / "kept" / "values"))) == (ran, kept)


def test_the_folder_is_that_of_the_user_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NODEGRAPH_CACHE", "here")
    assert DiskCache(Registry()).folder == tmp_path / "here" / "values"
    monkeypatch.delenv("NODEGRAPH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "nodegraph"
    if sys.platform.startswith("linux"):
        assert cache_folder() == tmp_path / "xdg" / "nodegraph"
    assert not (tmp_path / "xdg").exists(), "nothing is made before something is kept"


def test_a_node_type_whose_values_cannot_be_kept_says_so_and_runs(folder: Path, told: pytest.LogCaptureFixture) -> None:
    @node("Burn", outputs="flame", category="Toys", cache="disk")
    def burn() -> Flame:
        """Make what nobody can keep."""
        return Flame()

    @node("Place", outputs="path", category="Toys", cache="disk")
    def place() -> Path:
        """Name a file."""
        return Path("somewhere")

    only_save = ValueType(Flame, save=lambda flame: b"")
    registry = Registry([burn, place], value_types=[only_save])
    with Session(registry, disk_folder=folder) as session:
        graph = Graph().add("b", "Burn").add("p", "Place")
        assert session.run(graph).cached == ()
        assert session.run(graph).cached == ("b", "p"), "in memory it is cached all the same"
    why = 'Burn has cache="disk", but its flame cannot be kept there: the ValueType of Flame needs both save and load'
    assert why in told.text
    fresh = Registry([burn, place], value_types=[only_save])
    assert fresh.problems[0] == why
    assert "Place" in fresh.problems[1]
    assert "a path may lead nowhere" in fresh.problems[1]
    assert entries(folder) == []


def test_a_value_that_is_more_than_its_type_can_save_is_not_kept(
    registry: Registry, folder: Path, told: pytest.LogCaptureFixture
) -> None:
    assert type(run(registry, folder, Graph().add("s", "Seal"))["s"]) is SealedLetter
    assert entries(folder) == []
    assert "what Seal made is not kept on the disk: TypeError: the ValueType of SealedLetter" in told.text


def test_what_save_raises_fails_no_run(folder: Path, told: pytest.LogCaptureFixture) -> None:
    def fail(letter: Letter) -> bytes:
        raise RuntimeError("no ink")

    registry = Registry([write], value_types=[ValueType(Letter, save=fail, load=load_letter)])
    assert run(registry, folder, Graph().add("w", "Write"))["w"] == Letter("dear")
    assert entries(folder) == []
    assert "no ink" in told.text


def test_a_number_that_json_has_no_word_for_is_not_kept(registry: Registry, folder: Path) -> None:
    registry = Registry([infinite])
    assert run(registry, folder, Graph().add("i", "Infinite"))["i"] == float("inf")
    assert entries(folder) == []


@node("Infinite", outputs="value", category="Toys", cache="disk")
def infinite() -> float:
    """Give what JSON cannot say."""
    return float("inf")


def test_the_least_recently_used_leave_and_the_bound_holds(registry: Registry, folder: Path) -> None:
    spec, letter = registry.node_types["Write"], {"letter": Letter("x" * 1000)}
    disk = DiskCache(registry, folder)
    disk.put(bytes(32), spec, letter)
    size = entries(folder)[0].stat().st_size
    disk.limit_bytes = 3 * size
    keys = [bytes([number]) * 32 for number in range(5)]
    for age, key in enumerate(keys[:3]):
        disk.put(key, spec, letter)
        os.utime(folder / f"{key.hex()}.value", (1000 + age, 1000 + age))
    assert disk.get(keys[0], spec) is not None  # the oldest, but used now
    disk.put(keys[3], spec, letter)
    assert [disk.get(key, spec) is not None for key in keys] == [True, False, True, True, False]
    disk.put(keys[3], spec, letter)
    assert len(entries(folder)) == 3, "to replace one needs no room"
    (folder / "mine.txt").write_text("not of this cache")
    assert not disk.put(keys[4], spec, {"letter": Letter("x" * 4000)})
    assert len(entries(folder)) == 4, "what is too large alone drives nothing out"
    assert disk.put(keys[4], spec, {"letter": Letter("x" * 2500)})
    assert sum(path.stat().st_size for path in entries(folder) if path.suffix == ".value") <= 3 * size
    assert (folder / "mine.txt").exists()
