"""The client of a worker: the real one, one behind a shell, one behind a wrapper that cuts, and what is none."""

import json
import os
import sys
from pathlib import Path

import pytest
from worker_calls import environment, graph_text, install_toys

from nodegraph.events import NodeFinished, RunFinished, RunStarted
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.kept_catalogues import KeptCatalogues
from nodegraph_gui.workers import LOCAL, Worker, split_command

WRAPPER = str(Path(__file__).with_name("worker_wrapper.py"))
GREETING = '{"worker":"nodegraph","protocol":%d,"version":"9.9"}'
GRAPH = graph_text({"jar": ("ToyJar", {"content": 3}), "look": "ToyLook"}, ["jar.jar -> look.jar"])


@pytest.fixture
def make(qtbot, tmp_path):
    """Makes workers that end with the test."""
    made = []

    def start(command=LOCAL, **more):
        more.setdefault("environment", environment(tmp_path))
        worker = Worker(command, **more)
        worker.heard = []
        worker.said.connect(worker.heard.append)
        made.append(worker)
        return worker

    yield start
    for worker in made:
        worker.close()


def started(qtbot, worker):
    """The catalogue of a worker that is started now."""
    with qtbot.waitSignal(worker.ready, timeout=30_000) as ready:
        worker.start()
    return Catalogue.from_json(ready.args[0])


def why_it_dies(qtbot, worker, timeout=20_000):
    with qtbot.waitSignal(worker.died, timeout=timeout) as died:
        worker.start()
    assert not worker.alive and worker.greeting is None
    (why,) = died.args
    assert "\n" not in why
    return why


def ask(qtbot, worker, do, **fields):
    """The answer, or the error as a text."""
    found = []
    worker.ask(do, then=found.append, failed=found.append, **fields)
    qtbot.waitUntil(lambda: bool(found), timeout=30_000)
    return found[0]


def ran(qtbot, worker):
    """Run the graph; the answer and the events."""
    events = []
    worker.event_came.connect(events.append)
    answer = ask(qtbot, worker, "run", graph=GRAPH)
    return answer, events


def test_a_worker_tells_its_catalogue_and_runs(qtbot, make):
    worker = make()
    catalogue = started(qtbot, worker)
    assert {"ToyJar", "IterativeSampler"} <= set(catalogue.kinds) and worker.alive
    assert worker.greeting["protocol"] == 1
    answer, events = ran(qtbot, worker)
    assert answer["status"] == "done"
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunFinished)
    assert ask(qtbot, worker, "value", node="look", view="text") == {"text": "3.0"}
    assert "did you mean" in ask(qtbot, worker, "valu", node="look")
    assert any("a plugin prints" in line for line in worker.heard)


def test_what_is_asked_before_the_greeting_is_answered(qtbot, make):
    worker = make()
    worker.start()
    assert ask(qtbot, worker, "have", digests=["ab"]) == {"missing": ["ab"]}


def test_a_worker_behind_a_shell_in_another_folder_and_environment(qtbot, make, tmp_path):
    there = tmp_path / "over there"
    there.mkdir()
    path = os.pathsep.join([str(install_toys(tmp_path / "toys")), os.environ["PYTHONPATH"]])
    command = (
        f"echo 'Welcome to the GPU box'; cd '{there}' && exec env -i HOME='{there}' PYTHONPATH='{path}' "
        f"{sys.executable} -m nodegraph worker --device cpu"
    )
    worker = make(["sh", "-c", command])
    assert "ToyJar" in started(qtbot, worker).kinds
    assert worker.greeting["folder"] == str(there) and worker.greeting["device"] == "cpu"
    assert worker.heard[0] == "Welcome to the GPU box"
    answer, _ = ran(qtbot, worker)
    assert answer["status"] == "done" and answer["out"] == str(there / "output")


@pytest.mark.parametrize("mode", ["bytes", "delay"])
def test_a_stream_that_comes_in_pieces_is_the_same(qtbot, make, mode):
    worker = make([sys.executable, WRAPPER, mode, *LOCAL])
    assert "ToyJar" in started(qtbot, worker).kinds
    answer, events = ran(qtbot, worker)
    assert answer["status"] == "done"
    assert [event.node for event in events if isinstance(event, NodeFinished)] == ["jar", "look"]


@pytest.mark.parametrize("most", ["20", "1000"])
def test_a_stream_that_is_cut_is_a_death(qtbot, make, most):
    why = why_it_dies(qtbot, make([sys.executable, WRAPPER, "cut", most, *LOCAL]))
    assert "exit status 3" in why and ("before it greeted" in why) == (most == "20")


def test_what_a_shell_says_before_the_greeting_is_passed_over(qtbot, make):
    noise = 'echo banner; echo "[1, 2]"; echo "{broken"; printf "no line end "'
    worker = make(["sh", "-c", f"{noise}; exec {sys.executable} -m nodegraph worker"])
    started(qtbot, worker)
    assert worker.heard[:4] == ["banner", "[1, 2]", "{broken", "no line end"]


def test_what_is_no_protocol_after_the_greeting_is_passed_over(qtbot, make):
    lines = ["garbage", '{"event": "Unheard"}', '{"answer": 77}', '{"answer": "x", "error": "of nobody"}', "[]"]
    echo = "; ".join(f"echo '{line}'" for line in [GREETING % 1, *lines])
    worker = make(["sh", "-c", f"{echo}; cat > /dev/null"])
    worker.start()
    qtbot.waitUntil(lambda: len(worker.heard) >= len(lines), timeout=10_000)
    assert worker.alive and worker.heard[0] == "garbage" and "Unheard" in worker.heard[1]
    assert "77" in worker.heard[2] and "of nobody" in worker.heard[3]


def test_a_command_that_is_not_there(qtbot, make):
    why = why_it_dies(qtbot, make(["no-such-command-here", "worker"]))
    assert why == "the worker cannot be started: there is no command 'no-such-command-here'"


def test_a_file_that_may_not_be_run(qtbot, make, tmp_path):
    (tmp_path / "plain").write_text("")
    assert "cannot be started" in why_it_dies(qtbot, make([str(tmp_path / "plain")]))


def test_a_greeting_that_never_comes(qtbot, make):
    why = why_it_dies(qtbot, make(["sleep", "60"], seconds_to_greet=0.2))
    assert why == "the worker did not greet within 0.2 s; its command is sleep 60"


def test_another_protocol_is_told(qtbot, make):
    why = why_it_dies(qtbot, make(["sh", "-c", f"echo '{GREETING % 2}'; sleep 60"]))
    assert why == "the worker speaks protocol 2 (Nodegraph 9.9), this editor speaks 1; update the older of the two"


def test_an_end_before_the_greeting_tells_what_was_said_last(qtbot, make):
    why = why_it_dies(qtbot, make(["sh", "-c", "echo 'ssh: no route to gpu-box' >&2; exit 255"]))
    assert why == "the worker ended before it greeted (exit status 255): ssh: no route to gpu-box"


def test_a_catalogue_that_is_refused_ends_it(qtbot, make):
    talk = f"echo '{GREETING % 1}'; read line; echo '{json.dumps({'answer': 1, 'error': 'no memory'})}'; sleep 60"
    why = why_it_dies(qtbot, make(["sh", "-c", talk]))
    assert why == "the worker does not tell its node types: no memory"


def test_a_death_fails_what_was_asked_and_it_can_be_started_again(qtbot, make):
    worker = make()
    started(qtbot, worker)
    failed = []
    worker.ask("run", graph=graph_text({"c": "ToyCrash"}), failed=failed.append)
    with qtbot.waitSignal(worker.died, timeout=20_000) as died:
        pass
    assert failed == died.args and "exit status 11" in failed[0] and "about to crash" in failed[0]
    assert ask(qtbot, worker, "free") == "the worker is not running"
    assert "ToyJar" in started(qtbot, worker).kinds
    assert ran(qtbot, worker)[0]["status"] == "done"


def test_a_kill_names_the_signal(qtbot, make):
    worker = make()
    started(qtbot, worker)
    with qtbot.waitSignal(worker.died, timeout=20_000) as died:
        os.kill(worker.greeting["pid"], 9)
    assert "the system ended it, SIGKILL" in died.args[0]


def test_stop_is_no_death(qtbot, make):
    worker = make()
    started(qtbot, worker)
    deaths, failed = [], []
    worker.died.connect(deaths.append)
    slow = graph_text({"s": ("ToySlow", {"steps": 1000, "seconds": 0.02})})
    worker.ask("run", graph=slow, failed=failed.append)
    with qtbot.waitSignal(worker.stopped, timeout=20_000):
        worker.stop()
        worker.stop()
    assert deaths == [] and not worker.alive
    worker.start()
    assert worker.alive
    worker.close()
    assert not worker.alive and deaths == []


def test_a_callback_that_fails_does_not_lose_the_answers_after_it(qtbot, make, monkeypatch):
    worker = make()
    started(qtbot, worker)
    hooked = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: hooked.append(error[1]))

    def broken(answer):
        raise KeyError("broken")

    worker.ask("free", then=broken)
    assert ask(qtbot, worker, "have", digests=[]) == {"missing": []}
    assert isinstance(hooked[0], KeyError)


def test_a_command_is_read_as_a_shell_would():
    parts = ("ssh", "-p", "22", "gpu box", "nodegraph", "worker")
    assert split_command("ssh -p 22 'gpu box' nodegraph worker") == parts
    with pytest.raises(ValueError, match="is empty"):
        split_command("  ")
    with pytest.raises(ValueError, match="cannot be read"):
        split_command("ssh 'gpu")


def test_the_last_catalogue_is_kept_for_each_command(tmp_path, catalogue):
    kept = KeptCatalogues(tmp_path / "deep" / "kept")
    assert kept.read(LOCAL) is None
    assert kept.keep(LOCAL, catalogue) and kept.keep(LOCAL, catalogue)
    assert kept.read(LOCAL) == catalogue and kept.read(("ssh", "box")) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 1}', b"\xff", b"[" * 100_000, None])
def test_a_damaged_catalogue_is_ignored(tmp_path, catalogue, damage):
    kept = KeptCatalogues(tmp_path)
    kept.keep(LOCAL, catalogue)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000] if damage is None else damage)
    assert kept.read(LOCAL) is None
    assert kept.keep(LOCAL, catalogue) and kept.read(LOCAL) == catalogue


def test_a_catalogue_that_cannot_be_kept_is_no_trouble(tmp_path, catalogue):
    (tmp_path / "file").write_text("")
    assert KeptCatalogues(tmp_path / "file" / "below").keep(LOCAL, catalogue) is False
