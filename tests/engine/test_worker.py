"""The worker, as a process of its own with toy nodes of a plugin: its answers, its events, and how it ends."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from worker_calls import Talk, environment, graph_text, pixel_png

from nodegraph.events import NodeProgress, from_json, to_json
from nodegraph.worker import PROTOCOL
from nodegraph.worker.streams import TooLong, read_lines, text_of


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory):
    """One worker for the tests that leave it as it was."""
    with Talk(tmp_path_factory.mktemp("worker")) as talk:
        yield talk


@pytest.fixture
def worker(tmp_path: Path):
    with Talk(tmp_path) as talk:
        yield talk


SLOW = graph_text({"slow": ("ToySlow", {"steps": 1000, "seconds": 0.02})})


def test_it_greets_with_its_protocol(shared: Talk) -> None:
    greeting = shared.greeting
    assert (greeting["worker"], greeting["protocol"]) == ("nodegraph", PROTOCOL)
    assert greeting["folder"] == str(shared.tmp) and greeting["pid"] == shared.process.pid
    assert greeting["device"] == "auto" and greeting["version"] and greeting["python"]


def test_describe_tells_every_type(shared: Talk) -> None:
    described = shared.ask("describe")
    kinds = {each["id"]: each for each in described["node_types"]}
    assert {"ToyJar", "LoadImage", "IterativeSampler"} <= set(kinds)
    assert kinds["ToyJar"]["plugin"] == "worker-toys"
    types = {each["type"]: each for each in described["value_types"]}
    assert types["Jar"]["views"] == ["picture", "numbers", "broken"]
    assert described["plugins"]["worker-toys"] == "1.0" and described["problems"] == []
    assert any(each["source"] == "Noisy" for each in described["conversions"])


def test_check_tells_problems_and_steps(shared: Talk) -> None:
    graph = graph_text({"look": "ToyLook", "slow": ("ToySlow", {"steps": 12}), "read": ("ToyRead", {"path": "no.txt"})})
    found = shared.ask("check", graph=graph, folder=str(shared.tmp))
    assert found["steps"] == {"slow": 12} and found["checkpoints"] == [] and found["unknown"] == []
    look, read = found["problems"]
    assert (look["node"], look["input"], look["message"], look["kind"]) == ("look", "jar", "has no link", "error")
    assert (read["node"], read["input"]) == ("read", "path") and "is not there" in read["message"]
    assert set(look) == {"node", "input", "message", "remedy", "kind", "type"}


def test_check_tells_checkpoints_that_are_missing(shared: Talk) -> None:
    graph = (Path(__file__).parents[2] / "examples" / "if" / "text_to_image.json").read_text()
    found = shared.ask("check", graph=graph)
    assert {each["status"] for each in found["checkpoints"]} == {"missing"}
    assert all(each["nodes"] and each["components"] and each["message"] for each in found["checkpoints"])


def test_a_run_is_told_by_events_and_answered(shared: Talk, tmp_path: Path) -> None:
    graph = graph_text({"n": ("ToyNumber", {"value": 4}), "jar": "ToyJar", "look": "ToyLook", "w": "ToyWrite"},
                       ["n.value -> jar.content", "jar.jar -> look.jar"])  # fmt: skip
    shared.events.clear()
    done = shared.ask("run", graph=graph, out=str(tmp_path / "o"))
    assert done["status"] == "done" and done["problems"] == [] and done["seconds"] > 0
    assert done["files"] == [str(tmp_path / "o" / "toy.txt")] and done["names"] == ["toy.txt"]
    assert done["out"] == str(tmp_path / "o")
    names = [event["event"] for event in shared.events]
    assert names[0] == "RunStarted" and names[-1] == "RunFinished" and names.count("NodeFinished") == 4
    assert {event["run"] for event in shared.events} == {done["run"]}
    assert all(to_json(from_json(event)) == event for event in shared.events)
    again = shared.ask("run", graph=graph, out=str(tmp_path / "o"))
    assert again["names"] == ["toy-2.txt"] and set(again["cached"]) == {"look"}


def test_targets_alone_are_run(shared: Talk) -> None:
    graph = graph_text({"a": "ToyJar", "b": "ToyFail"})
    shared.events.clear()
    assert shared.ask("run", graph=graph, targets=["a"])["status"] == "done"
    assert not [event for event in shared.events if event.get("node") == "b"]
    assert shared.ask("run", graph=graph, targets=["c"])["error"] == "there is no node 'c'"


def test_failures_and_refusals_are_told(shared: Talk) -> None:
    failed = shared.ask("run", graph=graph_text({"f": "ToyFail", "j": "ToyNumber"}, ["f.value -> j.value"]))
    assert failed["status"] == "failed" and failed["failed"] == {"f": "value is wrong, must be right"}
    assert failed["skipped"] == {"j": "it needs f, which failed"}
    assert "since it failed: value is wrong" in shared.ask("value", node="f")["error"]
    refused = shared.ask("run", graph=graph_text({"l": "ToyLook"}))
    assert refused["status"] == "refused" and refused["run"] is None
    assert [(each["node"], each["input"]) for each in refused["problems"]] == [("l", "jar")]


def test_what_anything_prints_does_not_reach_the_stream(worker: Talk) -> None:
    """Each line that comes is parsed as JSON by `Talk`; the prints are on standard error."""
    assert worker.ask("run", graph=graph_text({"noisy": "ToyNoisy"}))["status"] == "done"
    assert worker.end() == 0
    said = worker.errors()
    for words in ("while it is loaded", "by Python", "to descriptor 1", "by C", "by a child"):
        assert words in said


@pytest.mark.parametrize(
    ("line", "id", "words"),
    [
        (b"{", None, "no JSON"),
        (b"\xff\xfe", None, "no JSON"),
        (b"[1]", None, "must be an object"),
        (b"[" * 200_000, None, "nested too deep"),
        (b"{}", None, "id is null"),
        (b'{"id": [1], "do": "free"}', None, "id is [1]"),
        (b'{"id": 1.5, "do": "free"}', None, "id is 1.5"),
        (b'{"id": 7}', 7, "do is null"),
        (b'{"id": 7, "do": "runn"}', 7, "did you mean 'run'?"),
        (b'{"id": "x", "do": "run"}', "x", "graph is missing"),
        (b'{"id": 7, "do": "run", "graph": 3}', 7, "graph is 3, must be the text"),
        (b'{"id": 7, "do": "run", "graph": "{}", "target": ["a"]}', 7, "did you mean 'targets'?"),
        (b'{"id": 7, "do": "run", "graph": "{}", "targets": [1]}', 7, "must be a list"),
        (b'{"id": 7, "do": "run", "graph": "{}"}', 7, "nodegraph: is missing"),
        (b'{"id": 7, "do": "check", "graph": "["}', 7, "is no JSON"),
        (b'{"id": 7, "do": "check", "graph": "{}", "folder": "/not/there"}', 7, "no folder on this machine"),
        (b'{"id": 7, "do": "value", "node": "nobody"}', 7, "nobody has no value at hand"),
        (b'{"id": 7, "do": "get", "path": "/etc/passwd"}', 7, "was not written by a run"),
        (b'{"id": 7, "do": "get", "path": "/etc/passwd", "offset": true}', 7, "offset is true"),
        (b'{"id": 7, "do": "device", "name": "cuda:99"}', 7, "cuda:99"),
    ],
)
def test_a_bad_line_gets_an_error(shared: Talk, line: bytes, id: Any, words: str) -> None:
    shared.write(line)
    answer = shared.answer(id)
    assert words in answer["error"] and "\n" not in answer["error"]
    assert shared.ask("cancel") == {"answer": shared.number, "going": False}


def test_a_line_of_100_megabytes_is_refused_and_forgotten(shared: Talk) -> None:
    shared.write(b'{"id": 1, "do": "' + b"x" * 100_000_000 + b'"}')
    assert "longer than 64 MiB" in shared.answer(None)["error"]
    assert shared.ask("have", digests=["00"])["missing"] == ["00"]


def test_cancel_ends_a_run_at_its_next_step(shared: Talk) -> None:
    run = shared.send("run", graph=SLOW)
    shared.wait_for("NodeProgress")
    assert shared.ask("cancel")["going"] is True
    assert shared.answer(run)["status"] == "cancelled"
    assert shared.events[-1]["event"] == "RunCancelled"
    assert shared.ask("run", graph=graph_text({"n": "ToyNumber"}))["status"] == "done"


def test_cancel_right_after_run_is_not_lost(shared: Talk) -> None:
    run, _ = shared.send("run", graph=SLOW), shared.send("cancel")
    assert shared.answer(run)["status"] == "cancelled"


def test_pause_halts_and_resume_goes_on(shared: Talk) -> None:
    run = shared.send("run", graph=SLOW)
    shared.wait_for("NodeProgress")
    assert shared.ask("pause")["going"] is True
    time.sleep(0.1)  # the step that was under way
    shared.ask("have", digests=[])
    before = len(shared.events)
    time.sleep(0.3)
    shared.ask("have", digests=[])
    assert len(shared.events) == before
    shared.ask("resume")
    shared.wait_for("NodeProgress")
    shared.ask("cancel")
    assert shared.answer(run)["status"] == "cancelled"


def test_requests_are_answered_while_a_run_goes_on(shared: Talk) -> None:
    graph = graph_text({"jar": ("ToyJar", {"content": 8}), "look": "ToyLook",
                        "slow": ("ToySlow", {"steps": 1000, "seconds": 0.02})},
                       ["jar.jar -> look.jar", "look.content -> slow.value"])  # fmt: skip
    run = shared.send("run", graph=graph)
    shared.wait_for("NodeProgress", "slow")
    assert shared.ask("check", graph=graph)["problems"] == []
    assert shared.ask("value", node="jar")["json"]["summary"] == "a jar of 8"
    assert shared.ask("run", graph=graph)["error"].startswith("a run goes on")
    shared.ask("cancel")
    assert shared.answer(run)["status"] == "cancelled"
    assert shared.ask("value", node="jar", view="text")["text"] == "content: 8.0"


def test_progress_carries_numbers_and_pictures(shared: Talk) -> None:
    shared.events.clear()
    shared.ask("run", graph=graph_text({"s": ("ToySlow", {"steps": 3, "seconds": 0.11})}), cache=False)
    steps = [from_json(event) for event in shared.events if event["event"] == "NodeProgress"]
    assert [step.step for step in steps] == [1, 2, 3]
    assert all(isinstance(step, NodeProgress) and step.preview == pixel_png() for step in steps)
    assert [step.numbers for step in steps] == [{"loss": 1 / n, "epoch": n} for n in (1, 2, 3)]


def test_a_node_that_reports_without_pause_does_not_flood_the_stream(shared: Talk) -> None:
    shared.events.clear()
    shared.ask("run", graph=graph_text({"s": ("ToySlow", {"steps": 20_000})}), cache=False)
    steps = [event["step"] for event in shared.events if event["event"] == "NodeProgress"]
    assert len(steps) < 2_000 and steps[0] == 1 and steps[-1] == 20_000


def test_values_are_viewed(shared: Talk) -> None:
    shared.ask("run", graph=graph_text({"jar": ("ToyJar", {"content": 2.5}), "jars": "ToyJars", "s": "ToyNumber"}))
    info = shared.ask("value", node="jar")["json"]
    assert info == {
        "type": "Jar", "name": "Jar", "summary": "a jar of 2.5", "count": 7,
        "views": ["picture", "numbers", "broken", "text"], "lines": [["content", "2.5"]],
    }  # fmt: skip
    assert base64.b64decode(shared.ask("value", node="jar", output="jar", view="picture")["png"]) == pixel_png()
    assert shared.ask("value", node="jar", view="numbers")["json"] == {"x": [2.5, None]}
    jars = shared.ask("value", node="jars", view="info")["json"]
    assert jars["type"] == "list" and jars["count"] == 3 and jars["views"] == ["text"]
    assert shared.ask("value", node="jars", options={"item": 2})["json"]["summary"] == "a jar of 2"
    assert shared.ask("value", node="s", view="text")["text"] == "1.0"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"node": "jar", "output": "lid"}, "jar has no output 'lid'; its outputs: jar"),
        ({"node": "jar", "view": "pictures"}, "did you mean 'picture'?"),
        ({"node": "jar", "view": "picture", "options": {"index": 3}}, "index is 3, must be 0"),
        ({"node": "jar", "view": "picture", "options": {"colour": 3}}, "colour"),
        ({"node": "jar", "view": "broken"}, "the view broken failed: KeyError"),
        ({"node": "jar", "view": "info", "options": {"size": 3}}, "takes no option 'size'"),
        ({"node": "jar", "options": {"item": 0}}, "the value is no list"),
    ],
)
def test_a_view_that_cannot_be_made_says_why(shared: Talk, fields: dict[str, Any], words: str) -> None:
    shared.ask("run", graph=graph_text({"jar": "ToyJar"}))
    assert words in shared.ask("value", **fields)["error"]


def test_free_lets_go(shared: Talk) -> None:
    shared.ask("run", graph=graph_text({"jar": "ToyJar", "look": "ToyLook"}, ["jar.jar -> look.jar"]))
    assert "json" in shared.ask("value", node="jar")
    shared.ask("free")
    assert "jar has no value at hand" in shared.ask("value", node="jar")["error"]


def test_values_of_an_earlier_run_are_still_held(shared: Talk) -> None:
    shared.ask("run", graph=graph_text({"early": ("ToyJar", {"content": 77})}))
    shared.ask("run", graph=graph_text({"late": "ToyJar"}))
    assert shared.ask("value", node="early")["json"]["summary"] == "a jar of 77"


def test_files_travel_by_content(worker: Talk) -> None:
    data = b"a picture, say"
    digest = hashlib.sha256(data).hexdigest()
    assert worker.ask("have", digests=[digest])["missing"] == [digest]
    wrong = worker.ask("put", digest=digest, name="cat.txt", data=base64.b64encode(b"other").decode())
    assert digest in wrong["error"]
    for name in ("../cat.txt", "a/b.txt", ""):
        assert "error" in worker.ask("put", digest=digest, name=name, data=base64.b64encode(data).decode())
    assert worker.ask("put", digest=digest, name="cat.txt", data=base64.b64encode(data).decode())["name"] == "cat.txt"
    other = b"another cat"
    number = hashlib.sha256(other).hexdigest()
    second = worker.ask("put", digest=number, name="cat.txt", data=base64.b64encode(other).decode())
    assert second["name"] == "cat-2.txt"
    assert worker.ask("have", digests=[digest, number])["missing"] == []
    graph = graph_text({"one": ("ToyRead", {"path": f"cat.txt@sha256:{digest}"}),
                        "two": ("ToyRead", {"path": f"cat.txt@sha256:{number}"}),
                        "write": "ToyWrite"})  # fmt: skip
    assert worker.ask("check", graph=graph)["problems"] == []
    done = worker.ask("run", graph=graph)
    assert done["status"] == "done" and done["out"] == str(worker.tmp / "output")
    assert worker.ask("value", node="one", view="text")["text"] == data.decode()
    assert worker.ask("value", node="two", view="text")["text"] == other.decode()
    (path,) = done["files"]
    assert worker.ask("get", path=path) == {
        "answer": worker.number, "data": base64.b64encode(b"hello").decode(), "size": 5, "offset": 0,
    }  # fmt: skip
    assert base64.b64decode(worker.ask("get", path=path, offset=3, size=10)["data"]) == b"lo"
    assert "size" in worker.ask("get", path=path, size=10**9)["error"]
    assert len(list((worker.tmp / "temporary").iterdir())) == 1
    assert worker.end() == 0
    assert list((worker.tmp / "temporary").iterdir()) == []


def test_what_a_killed_worker_left_is_taken_away(tmp_path: Path) -> None:
    data = base64.b64encode(b"x").decode()
    digest = hashlib.sha256(b"x").hexdigest()

    def folders() -> list[Path]:
        return list((tmp_path / "temporary").iterdir())

    with Talk(tmp_path) as killed, Talk(tmp_path) as living:
        killed.ask("put", digest=digest, name="x.txt", data=data)
        left = set(folders())
        living.ask("put", digest=digest, name="x.txt", data=data)
        assert len(folders()) == 2
        killed.process.kill()
        killed.process.wait()
        for folder in folders():
            os.utime(folder, (1, 1))
        with Talk(tmp_path) as third:
            third.ask("put", digest=digest, name="x.txt", data=data)
            assert len(folders()) == 2 and not left & set(folders())
            assert living.ask("have", digests=[digest])["missing"] == []


def test_the_end_of_the_input_ends_it(worker: Talk) -> None:
    assert worker.end() == 0


def test_the_end_of_the_input_cancels_a_run(worker: Talk) -> None:
    run = worker.send("run", graph=SLOW)
    worker.wait_for("NodeProgress")
    began = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - began < 5
    assert worker.answer(run)["status"] == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run_and_ends_it(worker: Talk, number: int) -> None:
    run = worker.send("run", graph=SLOW)
    worker.wait_for("NodeProgress")
    worker.process.send_signal(number)
    assert worker.answer(run)["status"] == "cancelled"
    assert worker.process.wait(10) == 130


def test_a_second_signal_ends_a_node_that_does_not_listen(worker: Talk) -> None:
    worker.send("run", graph=graph_text({"stuck": "ToyStuck"}))
    worker.wait_for("NodeProgress")
    worker.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert worker.process.poll() is None
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == -signal.SIGTERM


def test_a_reader_that_has_gone_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nodegraph", "worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment(tmp_path), cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(json.dumps({"id": 1, "do": "run", "graph": SLOW}).encode() + b"\n")
        process.stdin.flush()
        assert process.wait(20) == 0


def test_a_crash_is_seen_as_the_end_of_the_stream(worker: Talk) -> None:
    worker.send("run", graph=graph_text({"crash": "ToyCrash"}))
    worker.wait_for("NodeProgress", "crash")
    assert worker.process.wait(10) == 11
    assert "about to crash" in worker.errors()


def test_it_steps_back(shared: Talk) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, shared.process.pid) == min(here + 10, 19)


def test_a_device_of_its_own(tmp_path: Path) -> None:
    with Talk(tmp_path, "--device", "cpu") as talk:
        assert talk.greeting["device"] == "cpu"
        assert talk.ask("device", name="cpu")["device"] == "cpu"
        assert "cuda:99" in talk.ask("run", graph=graph_text({"n": "ToyNumber"}), device="cuda:99")["error"]


def pieces(*chunks: bytes, most: int = 10) -> list[Any]:
    """What `read_lines` makes of a pipe that holds these."""
    reader, writer = os.pipe()
    os.write(writer, b"".join(chunks))
    os.close(writer)
    try:
        return ["long" if isinstance(line, TooLong) else line for line in read_lines(reader, most)]
    finally:
        os.close(reader)


def test_lines_are_cut_at_their_ends() -> None:
    assert pieces(b"a\nbc\n\nd") == [b"a", b"bc", b""]
    assert pieces(b"0123456789\n01234567890\nx\n") == [b"0123456789", "long", b"x"]
    assert pieces(b"y" * 60_000, b"\nz\n", most=100) == ["long", b"z"]


def test_numbers_that_json_has_no_word_for() -> None:
    assert json.loads(text_of({"a": [float("inf"), 1.0, {"b": float("nan")}], "c": (1,)})) == {
        "a": [None, 1.0, {"b": None}], "c": [1],
    }  # fmt: skip
    event = NodeProgress("r", "n", 1, 2, numbers={"loss": float("inf"), "epoch": 2})
    assert json.loads(json.dumps(to_json(event), allow_nan=False))["numbers"] == {"loss": "inf", "epoch": 2}
    assert from_json(json.loads(json.dumps(to_json(event)))) == event
