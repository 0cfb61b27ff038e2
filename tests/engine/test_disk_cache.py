"""The disk layer of the cache: what a session leaves for later ones, whatever happens to the disk meanwhile."""

import enum
import errno
import json
import logging
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from cli_calls import call, graph_file
from pydantic import Field

from nodegraph import writing
from nodegraph.disk_cache import MAGIC, DiskCache, cache_folder
from nodegraph.events import Event, NodeFinished, RunStarted
from nodegraph.graphs import Graph
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.results import Result
from nodegraph.sessions import Session
from nodegraph.values import ValueType

calls: list[str] = []


@dataclass(frozen=True)
class Letter:
    """A wire type that can be kept on the disk."""

    text: str


@dataclass(frozen=True)
class SealedLetter(Letter):
    """One that cannot: what its base saves is not all of it."""


@dataclass(frozen=True)
class Flame:
    """A wire type that cannot be kept at all."""


class Pace(enum.StrEnum):
    FAST = "fast"
    SLOW = "slow"


class Plain(NamedTuple):
    """One output of each kind of plain data."""

    flag: bool
    count: int
    ratio: float
    text: str
    choice: Literal["a", "b"]
    pace: Pace
    paces: list[Pace]
    ratios: list[float]
    nothing: str | None
    letter: Letter
    letters: list[Letter]


Text = Annotated[str, Field(description="any text")]


@node("Source", outputs="text", category="Toys")
def source(text: Text = "dear") -> str:
    """What comes before."""
    calls.append("Source")
    return text


@node("Write", outputs="letter", category="Toys", cache="disk")
def write(text: Text = "dear") -> Letter:
    """Write a letter, which takes long."""
    calls.append("Write")
    return Letter(text)


@node("Seal", outputs="letter", category="Toys", cache="disk")
def seal(text: Text = "dear") -> Letter:
    """Return something more special than declared."""
    calls.append("Seal")
    return SealedLetter(text)


@node("Read", outputs="text", category="Toys")
def read(letter: Letter) -> str:
    """Read a letter aloud."""
    calls.append("Read")
    return letter.text


@node("Everything", category="Toys", cache="disk")
def everything(ratio: Annotated[float, Field(description="any number")] = 0.1) -> Plain:
    """Give one of each."""
    calls.append("Everything")
    paces, letters = [Pace.FAST, Pace.SLOW], [Letter("one"), Letter(""), Letter("ü\udc80")]
    return Plain(True, 2**70, ratio, 'ü\udc80\n"', "b", Pace.SLOW, paces, [1e308, -0.0], None, letters[0], letters)


def load_letter(data: bytes) -> Letter:
    return Letter(json.loads(data)["text"])


LETTER = ValueType(
    Letter,
    summary=lambda letter: f"a letter: {letter.text}",
    save=lambda letter: json.dumps({"text": letter.text}).encode(),
    load=load_letter,
)


@pytest.fixture
def registry() -> Registry:
    calls.clear()
    return Registry([source, write, seal, read, everything], value_types=[LETTER])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "values"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("nodegraph")
    was, logger.propagate = logger.propagate, True
    with caplog.at_level(logging.WARNING, "nodegraph"):
        yield caplog
    logger.propagate = was


CHAIN = Graph().add("s", "Source").add("w", "Write").add("r", "Read")
CHAIN = CHAIN.connect("s.text -> w.text").connect("w.letter -> r.letter")


def run(registry: Registry, folder: Path, graph: Graph = CHAIN, **said: Any) -> Result:
    """A run in a session of its own, as of another process; `calls` has what ran."""
    calls.clear()
    with Session(registry, disk_folder=folder) as session:
        return session.run(graph, **said)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


# What is kept


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


# What cannot be kept


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


# Bad entries


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


# A bounded size


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


# Bad disks


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


# Several at once


def test_a_second_process_gets_what_the_first_one_made(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import test_disk_cache as toys
        from pathlib import Path
        registry = toys.Registry([toys.source, toys.write, toys.read], value_types=[toys.LETTER])
        print(toys.run(registry, Path(sys.argv[2]), keep="targets")["r"], *toys.calls)
    """)
    told = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert told == ["dear Source Write Read\n", "dear Read\n"]


def letter_of(number: int) -> Letter:
    return Letter(f"{number} " * 20_000)


def test_writers_that_are_killed_at_any_moment_leave_nothing_wrong(registry: Registry, folder: Path) -> None:
    """Pairs of processes that write and read the same entries, one of them killed; the bound leaves room for two."""
    random.seed(0)
    spec = registry.node_types["Write"]
    keys = [bytes([number]) * 32 for number in range(4)]
    disk = DiskCache(registry, folder, 2 * len(json.dumps({"text": letter_of(1).text})) + 2000)

    def work() -> None:
        try:
            while True:
                number = random.randrange(4)
                found = disk.get(keys[number], spec)
                if found is not None and found.outputs["letter"] != letter_of(number):
                    os._exit(3)
                disk.put(keys[number], spec, {"letter": letter_of(number)})
        finally:
            os._exit(1)

    seen = 0
    for pair in range(60):
        children = []
        for child in range(2):
            children.append(os.fork())
            if children[-1] == 0:
                random.seed(10 * pair + child)
                work()
        time.sleep(random.uniform(0, 0.05))
        for child in children:
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL, "a child read a wrong letter, or raised"
        for number, key in enumerate(keys):
            found = disk.get(key, spec)
            assert found is None or found.outputs["letter"] == letter_of(number)
            seen += found is not None
    assert seen > 20
    assert disk.put(keys[0], spec, {"letter": letter_of(0)})
    assert [path.suffix for path in entries(folder)] == [".value"] * len(entries(folder)), "half-written ones are gone"
    assert sum(path.stat().st_size for path in entries(folder)) <= disk.limit_bytes


def test_threads_do_not_disturb_each_other(registry: Registry, folder: Path) -> None:
    spec, disk = registry.node_types["Write"], DiskCache(registry, folder, 400_000)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            number = chance.randrange(6)
            found = disk.get(bytes([number]) * 32, spec)
            assert found is None or found.outputs["letter"] == letter_of(number)
            assert disk.put(bytes([number]) * 32, spec, {"letter": letter_of(number)}), "not kept"

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))  # raises what one of them raised
