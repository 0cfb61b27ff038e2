"""What nodes made outlives the worker: what is kept, how much of it, and that the viewer says where it is from."""

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from windows import CTRL, press

import nodegraph
from nodegraph_gui.documents import Document
from nodegraph_gui.preferences import Preferences
from nodegraph_gui.results import KEPT, Results
from nodegraph_gui.states import NodeState
from nodegraph_gui.viewers.docks import FROM_BEFORE
from nodegraph_gui.viewers.pictures import PictureViewer

GRAPH = nodegraph.Graph().add("noise", "PureNoise").add("word", "Text")


class Worker:
    """Answers what it is told to, or fails like one that is gone."""

    def __init__(self):
        self.alive, self.values, self.asked = True, {}, []

    def ask(self, do, *, then, failed, node, output, view, options):
        self.asked.append((node, view, options.get("index", "-")))
        answer = self.values.get((node, view)) if self.alive else None
        then(dict(answer)) if answer is not None else failed("the worker is not running")


class Runs(QObject):
    state_changed = Signal(str)

    def __init__(self, catalogue):
        super().__init__()
        self.worker, self.catalogue, self.states = Worker(), catalogue, {}

    def state(self, node):
        return self.states[node]

    def tell(self, node, phase):
        self.states[node] = NodeState(phase)
        self.state_changed.emit(node)


@pytest.fixture
def runs(catalogue, qapp):
    return Runs(catalogue)


def made(runs, node, count, png):
    runs.worker.values |= {
        (node, "info"): {"json": {"type": "Noisy", "count": count, "views": ["picture"]}},
        (node, "picture"): {"png": png},
    }


def look(results, node, view="picture", output="noisy", **options):
    found = []
    results.ask("value", then=found.append, failed=found.append, node=node, output=output, view=view, options=options)
    return found[0]


def test_what_a_node_made_is_fetched_when_it_ends_and_shown_when_the_worker_has_gone(runs):
    results = Results(Document(GRAPH), runs)
    made(runs, "noise", 3, "AAAA")
    runs.tell("noise", "running")
    assert runs.worker.asked == []
    runs.tell("noise", "done")
    assert runs.worker.asked == [("noise", "info", "-"), *[("noise", "picture", at) for at in (None, 0, 1, 2)]]
    assert look(results, "noise", index=0) == {"png": "AAAA"}
    runs.worker.alive = False
    assert look(results, "noise", index=2) == {"png": "AAAA", KEPT: "the worker is not running"}
    assert look(results, "noise", "info")["json"]["count"] == 3
    assert look(results, "noise", index=3) == look(results, "word") == "the worker is not running"


def test_a_batch_is_fetched_in_one_sheet_and_a_text_as_a_text(runs):
    Results(Document(GRAPH), runs)
    made(runs, "noise", 400, "AAAA")
    runs.tell("noise", "done")
    assert runs.worker.asked == [("noise", "info", "-"), ("noise", "picture", None)]
    runs.worker.asked.clear()
    runs.worker.values["word", "info"] = {"json": {"type": "str", "views": ["text"]}}
    runs.tell("word", "cached")
    assert runs.worker.asked == [("word", "info", "-"), ("word", "text", "-")]


def test_another_value_takes_the_place_of_the_last(runs):
    results = Results(Document(GRAPH), runs)
    made(runs, "noise", 2, "AAAA")
    runs.tell("noise", "done")
    runs.tell("noise", "running")
    made(runs, "noise", 1, "BBBB")
    runs.tell("noise", "done")
    runs.worker.alive = False
    assert look(results, "noise", index=0)["png"] == "BBBB"
    assert look(results, "noise", index=1) == "the worker is not running"  # of the last value


def test_a_node_that_failed_has_no_value_unless_the_worker_died_of_it(runs):
    results = Results(Document(GRAPH), runs)
    made(runs, "noise", 1, "AAAA")
    runs.tell("noise", "done")
    runs.worker.alive = False
    runs.tell("noise", "failed")
    assert look(results, "noise", index=0)["png"] == "AAAA"
    runs.worker.alive = True
    runs.worker.values.clear()
    runs.tell("noise", "failed")
    assert look(results, "noise", index=0) == "the worker is not running" and results.bytes == 0


def test_no_more_is_kept_than_there_is_room_for(runs):
    results = Results(Document(GRAPH), runs, most_bytes=4000)
    made(runs, "noise", 1, "A" * 900)
    runs.tell("noise", "done")
    for index in range(1, 8):
        look(results, "noise", index=index)
    assert 3000 < results.bytes <= 4000
    made(runs, "word", 1, "B" * 1001)
    look(results, "word")  # more than a quarter of all
    runs.worker.alive = False
    assert look(results, "noise", index=7)["png"] and look(results, "noise", index=0) == "the worker is not running"
    assert look(results, "word") == "the worker is not running"


def test_another_document_has_no_results_of_the_last(runs):
    document = Document(GRAPH)
    results = Results(document, runs)
    made(runs, "noise", 1, "AAAA")
    runs.tell("noise", "done")
    document.replace(GRAPH)
    runs.worker.alive = False
    assert results.bytes == 0 and look(results, "noise", index=0) == "the worker is not running"


def test_the_viewer_shows_full_pictures_after_the_death_of_the_worker_and_says_so(desktop, qtbot, tmp_path):
    window = desktop.start(Preferences(output="out"), worker=True)[1]
    window.document.edit("Make", nodegraph.Graph().add("noise", "PureNoise", size=48, seed=3))

    def run():
        with qtbot.waitSignal(window.runs.finished, timeout=120_000) as ended:
            press(window, Qt.Key.Key_Return, CTRL)
        assert ended.args == ["done"]

    def show():
        window.scene.select([], "replace")
        window.scene.select(["noise"], "replace")
        qtbot.waitUntil(lambda: window.viewer.picture() is not None, timeout=10_000)
        viewer = window.viewer.stack.currentWidget()
        assert isinstance(viewer, PictureViewer)
        return viewer.picture().copy()

    run()
    before = show()
    assert before.width() == 48 and not window.viewer.note.isVisible()
    with qtbot.waitSignal(window.runs.worker_died, timeout=30_000):
        window.worker._process.kill()
    window.viewer.show_output("noise", "noisy")
    qtbot.waitUntil(window.viewer.note.isVisible, timeout=10_000)
    assert show() == before and window.viewer.note.text() == FROM_BEFORE
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        window.running.restart()
    window.viewer.show_output("noise", "noisy")
    qtbot.waitUntil(window.viewer.note.isVisible, timeout=10_000)
    assert show() == before
    run()
    qtbot.waitUntil(lambda: not window.viewer.note.isVisible(), timeout=10_000)
    assert show() == before
