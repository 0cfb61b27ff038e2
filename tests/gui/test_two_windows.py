"""Two windows at work: each has its own worker, and neither takes anything from the other."""

from PySide6.QtCore import Qt
from windows import CTRL, bar, press

import nodegraph
from nodegraph_gui.preferences import Preferences

GRAPH = (
    nodegraph.Graph()
    .add("noise", "PureNoise", size=8)
    .add("exact", "ExactGaussian")
    .add("sample", "IterativeSampler", steps=30)
    .add("save", "SaveImage", name="drawn")
    .connect("noise.noisy -> sample.start")
    .connect("exact.denoiser -> sample.denoiser")
    .connect("sample.image -> save.image")
)


def test_two_windows_run_at_once_into_one_folder(desktop, qtbot, tmp_path):
    editor, one = desktop.start(Preferences(output=str(tmp_path / "out")), worker=True)
    other = editor.new_window(welcome=False)
    ends, files = [], []
    for seed, window in enumerate((one, other)):
        window.document.edit("Make", GRAPH.set("noise", seed=seed))
        window.runs.finished.connect(ends.append)
        window.runs.wrote.connect(files.extend)
    for window in (one, other):
        press(window, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: len(ends) == 2, timeout=120_000)
    assert ends == ["done", "done"], [each.text for window in (one, other) for each in window.bars.shown]
    assert one.worker.greeting["pid"] != other.worker.greeting["pid"]
    assert len(set(files)) == 2 and sorted(file.name for file in files) == ["drawn-2.png", "drawn.png"]
    seeds = {nodegraph.load(file).nodes["noise"].inputs["seed"] for file in files}
    assert seeds == {0, 1}
    with qtbot.waitSignal(one.runs.worker_died, timeout=30_000):
        one.worker._process.kill()
    assert other.worker.alive and not other.bars.shown and other.runs.state("sample").phase == "done"


def test_a_run_that_is_refused_leaves_the_results_of_the_last(desktop, qtbot, tmp_path):
    window = desktop.start(Preferences(output=str(tmp_path / "out")), worker=True)[1]
    window.document.edit("Make", GRAPH)
    for batch, end in ((1, "done"), (0, "refused")):
        window.document.edit("Change", window.document.graph.set("noise", batch=batch))
        with qtbot.waitSignal(window.runs.finished, timeout=120_000) as ended:
            press(window, Qt.Key.Key_Return, CTRL)
        assert ended.args == [end]
    assert "batch" in bar(window, "Not run").text
    assert window.runs.state("sample").phase == "done"
    window.scene.select(["sample"], "replace")
    qtbot.waitUntil(lambda: window.viewer.picture() is not None, timeout=10_000)
    assert not window.viewer.note.isVisible()
