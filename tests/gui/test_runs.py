"""Runs in a real worker: the states of nodes, the queue, how often it tells, a death in the middle, other machines."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from worker_calls import environment, graph_text, pixel_png

from nodegraph import loads
from nodegraph_gui.documents import Document
from nodegraph_gui.runs import Runs, problems_of
from nodegraph_gui.states import IDLE
from nodegraph_gui.workers import LOCAL, Worker

SLOW = ("ToySlow", {"steps": 2000, "seconds": 0.01})


def document(nodes, links=(), folder=None, path=None):
    return Document(loads(graph_text(nodes, links), folder), path)


@pytest.fixture
def make(qtbot, tmp_path):
    """Makes runs, each with a worker of its own that ends with the test; `told` is what they told, in order."""
    made = []

    def start(command=LOCAL, **more):
        more.setdefault("environment", environment(tmp_path))
        more.setdefault("folder", str(tmp_path))
        runs = Runs(Worker(command, **more))
        runs.out = tmp_path / "out"
        runs.told, runs.wrongs, runs.ends, runs.deaths, runs.files, runs.troubles = [], [], [], [], [], []
        runs.state_changed.connect(lambda node: runs.told.append((time.monotonic(), node, runs.state(node))))
        runs.refused.connect(runs.wrongs.extend)
        runs.finished.connect(runs.ends.append)
        runs.worker_died.connect(lambda node, why: runs.deaths.append((node, why)))
        runs.wrote.connect(runs.files.extend)
        runs.trouble.connect(runs.troubles.append)
        made.append(runs)
        return runs

    yield start
    for runs in made:
        runs.worker.close()


def finish(qtbot, runs, count=1):
    """Wait until so many runs have ended; how."""
    qtbot.waitUntil(lambda: len(runs.ends) >= count, timeout=40_000)
    return runs.ends[-1]


def wait_for_phase(qtbot, runs, node, phase):
    qtbot.waitUntil(lambda: runs.state(node).phase == phase, timeout=30_000)


def phases(runs, node):
    """What was told of a node, each phase once in a row."""
    found = [state.phase for _, name, state in runs.told if name == node]
    return [phase for at, phase in enumerate(found) if at == 0 or phase != found[at - 1]]


CHAIN = {"jar": ("ToyJar", {"content": 4}), "look": "ToyLook"}
LINK = ["jar.jar -> look.jar"]


def test_a_run_tells_the_state_of_each_node(qtbot, make):
    runs = make()
    assert runs.state("jar") is IDLE
    runs.run(document(CHAIN, LINK))
    assert finish(qtbot, runs) == "done" and runs.current is None and runs.running is None
    assert {node: state.phase for node, state in runs.states.items()} == {"jar": "done", "look": "done"}
    assert runs.state("jar").summary == "a jar of 4" and runs.state("jar").seconds >= 0
    runs.run(document(CHAIN, LINK))
    assert finish(qtbot, runs, 2) == "done"
    assert runs.state("look").phase == "cached" and runs.state("look").summary == "4"
    assert runs.state("jar").phase == "cached" and runs.state("jar").summary == "a jar of 4"  # nor was it run again
    with pytest.raises(TypeError):
        runs.states["jar"] = IDLE


def test_only_what_leads_to_a_target_is_marked_as_known(qtbot, make):
    runs = make()
    two = {**CHAIN, "other": ("ToyJar", {"content": 5}), "see": "ToyLook"}
    links = [*LINK, "other.jar -> see.jar"]
    runs.run(document(two, links))
    finish(qtbot, runs)
    runs.run(document(two, links), targets=["look"])
    finish(qtbot, runs, 2)
    assert {node: runs.state(node).phase for node in two} == {
        "jar": "cached", "look": "cached", "other": "done", "see": "done",
    }  # fmt: skip
    two["other"] = ("ToyJar", {"content": 6})
    runs.run(document(two, links))
    finish(qtbot, runs, 3)
    assert {node: runs.state(node).phase for node in two} == {
        "jar": "cached", "look": "cached", "other": "done", "see": "done",
    }  # fmt: skip
    assert runs.state("see").summary == "6"


def test_only_the_targets_are_run(qtbot, make):
    runs = make()
    runs.run(document({"a": "ToyJar", "b": "ToyFail"}), targets=["a"])
    assert finish(qtbot, runs) == "done" and set(runs.states) == {"a"}
    runs.run(document({"a": "ToyJar"}), targets=["zebra"])
    assert finish(qtbot, runs, 2) == "refused" and runs.troubles == ["there is no node 'zebra'"]


def test_a_failure_names_the_input_and_takes_what_follows_along(qtbot, make):
    runs = make()
    runs.run(document({"f": "ToyFail", "n": "ToyNumber"}, ["f.value -> n.value"]))
    assert finish(qtbot, runs) == "failed"
    failed, skipped = runs.state("f"), runs.state("n")
    assert (failed.phase, failed.input, failed.message) == ("failed", "value", "value is wrong, must be right")
    assert (skipped.phase, skipped.message) == ("skipped", "it needs f, which failed")


def test_what_is_illegal_is_told_and_earlier_states_stay(qtbot, make):
    runs = make()
    runs.run(document(CHAIN, LINK))
    finish(qtbot, runs)
    runs.run(document(CHAIN))
    assert finish(qtbot, runs, 2) == "refused"
    (problem,) = runs.wrongs
    assert (problem.node, problem.input, problem.kind, problem.type) == ("look", "jar", "error", "ToyLook")
    assert runs.state("look").phase == "done"


def test_check_tells_problems_and_cost(qtbot, make):
    runs = make()
    runs.worker.start()
    found = []
    runs.check(document({"look": "ToyLook", "slow": ("ToySlow", {"steps": 7})}), found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=30_000)
    assert [problem.input for problem in problems_of(found[0])] == ["jar"]
    assert found[0]["steps"] == {"slow": 7} and found[0]["checkpoints"] == []


def test_runs_wait_for_each_other(qtbot, make):
    runs = make()
    first, second, third, fourth = (runs.run(document({f"n{number}": "ToyNumber"})) for number in range(4))
    assert runs.queue == (first, second, third, fourth)
    runs.take_back(third)
    assert runs.queue == (first, second, fourth)
    finish(qtbot, runs, 3)
    assert set(runs.states) == {"n0", "n1", "n3"} and runs.queue == ()


def test_the_queue_can_be_cleared(qtbot, make):
    runs = make()
    going = runs.run(document({"s": SLOW}))
    wait_for_phase(qtbot, runs, "s", "running")
    assert runs.current == going
    runs.run(document({"n": "ToyNumber"}))
    runs.clear()
    runs.take_back(going)
    assert finish(qtbot, runs) == "cancelled" and runs.queue == () and "n" not in runs.states


def test_a_graph_that_is_edited_meanwhile_is_run_as_it_was(qtbot, make):
    runs, edited = make(), document({"n": ("ToyNumber", {"value": 1})})
    runs.run(edited)
    edited.edit("Set value", edited.graph.set("n", value=2))
    finish(qtbot, runs)
    assert runs.state("n").summary == "1"


def test_cancel_ends_at_the_next_step(qtbot, make):
    runs = make()
    runs.run(document({"s": SLOW, "n": "ToyNumber"}, ["s.value -> n.value"]))
    wait_for_phase(qtbot, runs, "s", "running")
    assert runs.state("n").phase == "waiting" and runs.running == "s"
    runs.cancel()
    assert finish(qtbot, runs) == "cancelled"
    assert runs.state("s").phase == "idle" and runs.state("n").phase == "idle"


def test_pause_and_resume(qtbot, make):
    runs = make()
    runs.run(document({"s": SLOW}))
    wait_for_phase(qtbot, runs, "s", "running")
    runs.pause()
    wait_for_phase(qtbot, runs, "s", "paused")
    assert runs.paused
    qtbot.wait(300)
    step = runs.state("s").step
    qtbot.wait(300)
    assert runs.state("s").step == step and runs.state("s").phase == "paused"
    runs.resume()
    qtbot.waitUntil(lambda: runs.state("s").step > step, timeout=10_000)
    assert runs.state("s").phase == "running" and not runs.paused
    runs.cancel()
    assert finish(qtbot, runs) == "cancelled"


def test_progress_is_told_ten_times_a_second_at_most(qtbot, make):
    runs = make()
    runs.run(document({"s": ("ToySlow", {"steps": 600, "seconds": 0.002})}))
    assert finish(qtbot, runs) == "done"
    times = [at for at, _, state in runs.told if state.phase == "running"]
    assert len(times) >= 8 and min(b - a for a, b in pairwise(times)) > 0.095
    shown = [state for *_, state in runs.told if state.phase == "running" and state.total]
    assert [state.step for state in shown] == sorted({state.step for state in shown})
    assert shown[-1].numbers["loss"] == 1 / shown[-1].step and shown[-1].text == "going"
    assert runs.state("s").preview == pixel_png() and runs.state("s").step == 600
    measured = runs.measured("s")
    assert measured.series["loss"] == [1 / step for step in measured.steps] and measured.steps[-1] == 600
    assert next(iter(measured.pictures.values())) == pixel_png() and runs.measured("n") is None


def test_files_are_named_when_the_run_has_ended(qtbot, make, tmp_path):
    runs = make()
    runs.run(document({"w": "ToyWrite"}))
    finish(qtbot, runs)
    assert runs.files == [tmp_path / "out" / "toy.txt"]
    runs.out = None
    runs.run(document({"w": "ToyWrite"}, folder=tmp_path))
    finish(qtbot, runs, 2)
    assert runs.files[1:] == [tmp_path / "output" / "toy.txt"]


def test_relative_paths_start_beside_the_document(qtbot, make, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (there / "a.txt").write_text("beside")
    runs = make()
    runs.run(document({"r": ("ToyRead", {"path": "a.txt"})}, path=there / "graph.json"))
    assert finish(qtbot, runs) == "done" and runs.state("r").summary == "beside"


def test_a_death_names_the_node_and_the_rest_stays(qtbot, make):
    runs = make()
    graph = document({"jar": "ToyJar", "look": "ToyLook", "c": "ToyCrash", "n": "ToyNumber"},
                     ["jar.jar -> look.jar", "look.content -> c.value", "c.value -> n.value"])  # fmt: skip
    before = graph.graph
    runs.run(graph)
    runs.run(document({"later": "ToyNumber"}))
    assert finish(qtbot, runs) == "died"
    ((node, why),) = runs.deaths
    assert node == "c" and "exit status 11" in why and "about to crash" in why
    assert graph.graph is before and runs.state("look").phase == "done"
    assert (runs.state("c").phase, runs.state("c").message) == ("failed", "the worker ended while this node ran")
    assert runs.state("n").phase == "idle" and runs.current is None and len(runs.queue) == 1
    runs.worker.start()  # what waited goes on
    assert finish(qtbot, runs, 2) == "done" and runs.state("later").phase == "done"
    assert runs.state("look").phase == "done"


def test_a_run_starts_a_worker_that_is_gone(qtbot, make):
    runs = make()
    runs.run(document({"n": "ToyNumber"}))
    finish(qtbot, runs)
    os.kill(runs.worker.greeting["pid"], 9)
    qtbot.waitUntil(lambda: bool(runs.deaths), timeout=10_000)
    assert runs.deaths[0][0] is None
    runs.run(document({"n": "ToyNumber"}))
    assert finish(qtbot, runs, 2) == "done"


def test_a_worker_that_never_comes_keeps_the_queue(qtbot, make):
    runs = make(["no-such-command-here"])
    runs.run(document({"n": "ToyNumber"}))
    qtbot.waitUntil(lambda: bool(runs.deaths), timeout=10_000)
    assert len(runs.queue) == 1 and "no command" in runs.deaths[0][1] and runs.ends == []


@pytest.fixture
def away(make, tmp_path):
    """Runs in a worker that shares no file: it is elsewhere, and is told no path of here."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    runs = make(shares_files=False, folder=str(tmp_path / "elsewhere"))
    runs.out = None
    return runs


def test_pictures_travel_by_content_and_results_come_back(qtbot, away, tmp_path):
    here = tmp_path / "here"
    (here / "cat.txt").write_text("a cat")
    (here / "other").mkdir()
    (here / "other" / "cat.txt").write_text("another cat")
    (here / "a:b.txt").write_text("an odd name")
    graph = document({"one": ("ToyRead", {"path": "cat.txt"}), "w": ("ToyWrite", {"name": "sub/made.txt"}),
                      "two": ("ToyRead", {"path": str(here / "other" / "cat.txt")}),
                      "odd": ("ToyRead", {"path": "a:b.txt"})},
                     ["one.text -> w.text"], path=here / "graph.json")  # fmt: skip
    before = graph.graph
    away.run(graph)
    assert finish(qtbot, away) == "done", (away.troubles, away.wrongs)
    assert [away.state(node).summary for node in ("one", "two", "odd")] == ["a cat", "another cat", "an odd name"]
    assert away.files == [here / "output" / "sub" / "made.txt"] and graph.graph is before
    assert away.files[0].read_text() == "a cat"
    away.files[0].write_text("edited since")
    away.run(graph)
    assert finish(qtbot, away, 2) == "done"
    assert away.files[0].read_text() == "edited since" and away.files[1].name == "made-2.txt"
    assert sorted(path.name for path in (here / "output" / "sub").iterdir()) == ["made-2.txt", "made.txt"]
    found = []
    away.check(graph, found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=10_000)
    assert found[0]["problems"] == []


def test_a_check_waits_until_the_node_types_are_known(qtbot, away, tmp_path):
    here = tmp_path / "here"
    (here / "cat.txt").write_text("a cat")
    graph = document({"one": ("ToyRead", {"path": "cat.txt"})}, path=here / "graph.json")
    found = []
    away.check(graph, found.append)
    assert away.troubles == ["the worker is not running"]  # nor about to be
    away.worker.start()
    away.check(graph, found.append)
    assert not found and len(away.troubles) == 1
    qtbot.waitUntil(lambda: bool(found), timeout=30_000)
    assert found[0]["problems"] == [] and len(away.troubles) == 1


def test_a_check_that_waits_for_a_worker_that_never_comes_is_told(qtbot, make):
    runs = make(("false",), shares_files=False)
    runs.worker.start()
    whys = []
    runs.check(document({"n": "ToyNumber"}), print, whys.append)
    qtbot.waitUntil(lambda: bool(whys), timeout=30_000)
    assert len(whys) == 1 and "exit status 1" in whys[0]


def test_a_name_that_is_taken_here_gets_a_number(qtbot, away, tmp_path):
    output = tmp_path / "here" / "output"
    output.mkdir()
    (output / "toy.txt").write_text("mine")
    away.run(document({"w": "ToyWrite"}, path=tmp_path / "here" / "graph.json"))
    assert finish(qtbot, away) == "done"
    assert (output / "toy.txt").read_text() == "mine" and away.files == [output / "toy-2.txt"]
    assert away.files[0].read_text() == "hello"


def test_a_large_result_comes_back_whole(qtbot, away, tmp_path):
    text = "0123456789" * 900_000
    away.run(document({"w": ("ToyWrite", {"text": text})}, path=tmp_path / "here" / "graph.json"))
    assert finish(qtbot, away) == "done"
    assert away.files[0].read_text() == text


def test_a_picture_that_is_not_there_is_told_by_the_worker(qtbot, away, tmp_path):
    away.run(document({"r": ("ToyRead", {"path": "gone.txt"})}, path=tmp_path / "here" / "graph.json"))
    assert finish(qtbot, away) == "refused"
    assert away.wrongs[0].input == "path" and "not there" in away.wrongs[0].message


def test_a_folder_that_cannot_be_written_to_leaves_the_result_over_there(qtbot, away, tmp_path):
    (tmp_path / "here" / "output").write_text("a file, no folder")
    away.run(document({"w": "ToyWrite"}, path=tmp_path / "here" / "graph.json"))
    assert finish(qtbot, away) == "done"
    assert away.files == [] and len(away.troubles) == 1 and "toy.txt stays with the worker" in away.troubles[0]
    assert (Path(away.worker._folder) / "output" / "toy.txt").read_text() == "hello"


def test_the_event_loop_answers_while_nodes_report_without_pause(qtbot, make):
    """The 99th percentile of how late a timer rings, while a node tells of 50,000 steps."""
    from PySide6.QtCore import QElapsedTimer, Qt, QTimer

    runs, late, clock, timer = make(), [], QElapsedTimer(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: late.append(clock.restart() - 5))
    runs.run(document({"n": "ToyNumber"}))
    finish(qtbot, runs)
    clock.start()
    timer.start(5)
    runs.run(document({"s": ("ToySlow", {"steps": 50_000})}))
    finish(qtbot, runs, 2)
    timer.stop()
    assert sorted(late)[int(len(late) * 0.99)] < 50
