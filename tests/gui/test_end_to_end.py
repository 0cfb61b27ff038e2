"""From an empty canvas to a picture: the guided digit by mouse and keyboard alone, in a window with a real worker.

It is built, run, saved, closed and opened again, and the command line makes the same picture of the saved file.
"""

import os
import subprocess
import sys
from pathlib import Path

from desks import port, title
from driving import double_click, drag, drop
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from windows import CTRL, bar, click_bar, pick, press

import nodegraph
from nodegraph_gui.palette import mime_for
from nodegraph_gui.preferences import Preferences
from nodegraph_gui.viewers.trajectories import TrajectoryViewer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STEPS = 3


def choose(window, letters):
    QTest.keyClicks(window.desk.quick_add.line, letters)
    QTest.keyClick(window.desk.quick_add.line, Qt.Key.Key_Return)


def type_value(window, node, name, text):
    """Double click the value in the node, as a hand would, and type over it."""
    at = window.scene.field_rect(node, name).center()
    double_click(window.view, at)
    editor = window.inline.editor
    assert editor is not None and window.inline.place == (node, name)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_A, CTRL)
    QTest.keyClicks(QApplication.focusWidget(), text)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)


def build(window):
    view, desk = window.view, window.desk
    view.look_at(QPointF(700, 300), 0.6)
    double_click(view, (100, 40))
    choose(window, "purenoise")
    mime = mime_for("UNetMNIST")
    assert drop(view, mime, (100, 380))
    press(window, Qt.Key.Key_D, CTRL)
    drag(view, title(desk, "unet_mnist_2"), (100, 620))
    drag(view, port(desk, "unet_mnist.denoiser"), (420, 360))
    choose(window, "cfg")
    drag(view, port(desk, "unet_mnist_2.denoiser"), title(desk, "cfg_combine"))
    drag(view, port(desk, "cfg_combine.denoiser"), (800, 100))
    choose(window, "itsam")
    drag(view, port(desk, "iterative_sampler.start"), port(desk, "pure_noise.noisy"))
    drag(view, port(desk, "iterative_sampler.image"), (1180, 100))
    choose(window, "save")
    type_value(window, "unet_mnist", "digit", "3")
    type_value(window, "iterative_sampler", "steps", str(STEPS))


def pixels(path):
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB888)
    assert not image.isNull()
    return image.width(), image.height(), bytes(image.constBits())


def run(window, qtbot):
    """Ctrl+Enter; the picture that is written."""
    written = []
    window.runs.wrote.connect(written.extend)
    with qtbot.waitSignal(window.runs.finished, timeout=120_000) as ended:
        press(window, Qt.Key.Key_Return, CTRL)
    window.runs.wrote.disconnect(written.extend)
    assert ended.args == ["done"], [each.text for each in window.bars.shown]
    (picture,) = written
    return picture


def test_a_digit_is_built_run_saved_and_opened_again(desktop, qtbot, tmp_path):
    desktop.catalogue = None  # as at the very first start, it comes from the worker
    editor, window = desktop.start(worker=True)
    window.resize(780, 780)
    QTest.mouseClick(window.welcome.new_button, Qt.MouseButton.LeftButton)
    for dock in window.around.all:
        dock.hide()
    qtbot.waitUntil(lambda: bool(editor.catalogue.kinds), timeout=60_000)
    build(window)
    graph = window.document.graph
    assert graph.nodes["unet_mnist"].inputs["digit"] == "3"
    assert graph.nodes["iterative_sampler"].inputs["steps"] == STEPS
    qtbot.waitUntil(lambda: window.cost.text() == f"{STEPS} steps", timeout=30_000)

    press(window, Qt.Key.Key_S, CTRL)
    pick(window, tmp_path / "three.json")
    assert not window.document.dirty and (tmp_path / "three.json").is_file()
    first = run(window, qtbot)
    assert first.parent == tmp_path / "output"
    assert window.scene.nodes["iterative_sampler"].state.phase == "done"
    qtbot.waitUntil(lambda: bool(window.scene.nodes["iterative_sampler"].previews), timeout=30_000)
    assert window.hint.text() == f"Done. Wrote {first.name}."

    assert window.close()
    qtbot.waitUntil(lambda: editor.windows == [])
    again = editor.new_window()
    qtbot.waitExposed(again)
    assert again.filing.open(tmp_path / "three.json")
    assert again.document.graph == graph.with_made_with(again.document.graph.made_with)
    second = run(again, qtbot)
    done = subprocess.run(
        [sys.executable, "-m", "nodegraph", "run", "three.json", "--out", "by_command"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (third,) = (tmp_path / "by_command").iterdir()
    assert pixels(first) == pixels(second) == pixels(third)
    assert nodegraph.load(second).nodes == nodegraph.load(tmp_path / "three.json").nodes


def test_a_worker_that_dies_is_told_and_started_again(desktop, qtbot, tmp_path):
    window = desktop.start(Preferences(output="out"), worker=True)[1]
    graph = nodegraph.Graph().add("noise", "PureNoise").add("show", "GaussianBlur")
    window.document.edit("Make", graph)
    qtbot.waitUntil(lambda: window.worker.greeting is not None, timeout=60_000)
    window.worker._process.kill()
    qtbot.waitUntil(lambda: bool(window.bars.shown), timeout=30_000)
    text = bar(window, "The worker ended (the system ended it, SIGKILL)").text
    assert text.endswith("The graph and earlier results stay.") and window.worker_state.text() == "no worker"
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        click_bar(window, "The worker ended", "Start it again")
    assert not window.bars.shown and window.worker_state.text() == "ready"
    assert window.document.graph == graph


def test_a_worker_elsewhere_is_waited_for_before_it_is_asked(desktop, qtbot):
    window = desktop.start(Preferences(shares_files=False), worker=True)[1]
    said = []
    window.checking.failed.connect(said.append)
    window.document.edit("Add", nodegraph.Graph().add("noise", "PureNoise", batch=0))
    qtbot.waitUntil(lambda: window.worker.alive)
    assert window.worker.greeting is None
    window.checking.ask()
    qtbot.waitUntil(lambda: bool(window.scene.nodes["noise"].problems), timeout=60_000)
    assert said == [] and "not ready" not in window.hint.text()


def test_what_is_wrong_is_marked_a_moment_after_the_edit_and_refused_by_a_run(desktop, qtbot):
    window = desktop.start(worker=True)[1]
    window.show_page(False)
    window.document.edit("Add", nodegraph.Graph().add("noise", "PureNoise", batch=0))
    qtbot.waitUntil(lambda: bool(window.scene.nodes["noise"].problems), timeout=60_000)
    assert window.cost.text().startswith("1 problem")
    with qtbot.waitSignal(window.runs.finished, timeout=60_000) as ended:
        press(window, Qt.Key.Key_Return, CTRL)
    assert ended.args == ["refused"]
    assert "noise (PureNoise): batch" in bar(window, "Not run").text
    click_bar(window, "Not run", "Show")
    assert window.scene.selection == {"noise"}
    window.document.edit("Mend", window.document.graph.set("noise", batch=1))
    qtbot.waitUntil(lambda: not window.scene.nodes["noise"].problems, timeout=30_000)


def test_seeds_that_are_drawn_are_in_the_file_and_undone(desktop, qtbot):
    from nodegraph_gui.edits import set_drawn

    window = desktop.start(worker=True)[1]
    window.show_page(False)
    graph = set_drawn(nodegraph.Graph().add("noise", "PureNoise", seed=7), "noise", "seed", True)
    window.document.edit("Add", graph)
    used = []
    for _ in range(2):
        with qtbot.waitSignal(window.runs.finished, timeout=60_000):
            press(window, Qt.Key.Key_Return, CTRL)
        used.append(window.document.graph.nodes["noise"].inputs["seed"])
    assert len({7, *used}) == 3
    assert window.actions_by_id["undo"].text() == "Undo draw seeds"
    press(window, Qt.Key.Key_Z, CTRL)
    assert window.document.graph.nodes["noise"].inputs["seed"] == used[0]


def test_runs_are_queued_shown_and_taken_back(desktop, qtbot):
    window = desktop.start(worker=True)[1]
    window.show_page(False)
    window.document.edit("Add", nodegraph.Graph().add("noise", "PureNoise"))
    for _ in range(3):
        window.actions_by_id["run"].trigger()
    window.scene.select(["noise"])
    window.actions_by_id["run_here"].trigger()
    assert window.queue_place.isVisible()
    menu = window.queue_button.menu()
    window.queue_button.fill(menu)
    texts = [action.text() for action in menu.actions()]
    assert texts[-1] == "Take back run 4: noise" and "Take back run 3: everything" in texts
    menu.actions()[-1].trigger()
    assert [run.number for run in window.runs.queue][-1] == 3
    window.actions_by_id["clear_queue"].trigger()
    qtbot.waitUntil(lambda: not window.running.busy, timeout=60_000)
    assert not window.queue_place.isVisible()


def test_the_worker_is_another_when_its_command_is(desktop, qtbot):
    editor, window = desktop.start(worker=True)
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        pass
    wrapped = f"env WRAPPED=1 {sys.executable} -m nodegraph worker"
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        editor.change(worker=wrapped)
    assert window.worker.command[:2] == ("env", "WRAPPED=1")
    editor.change(worker="no-such-command-anywhere")
    qtbot.waitUntil(lambda: bool(window.bars.shown), timeout=30_000)
    assert "there is no command 'no-such-command-anywhere'" in bar(window, "The worker cannot be started").text


def test_a_trajectory_of_a_real_run_is_scrubbed(desktop, qtbot):
    _, window = desktop.start(worker=True)
    graph = nodegraph.load(EXAMPLES / "trajectory.json")
    window.document.replace(graph.set("sample", steps=5))
    window.run()
    qtbot.waitUntil(lambda: window.runs.current is not None, timeout=30_000)
    qtbot.waitUntil(lambda: window.runs.current is None, timeout=120_000)
    window.viewer.show_output("sample", "trajectory")
    qtbot.waitUntil(lambda: window.viewer.picture() is not None, timeout=30_000)
    viewer = window.viewer.stack.currentWidget()
    assert isinstance(viewer, TrajectoryViewer)
    assert viewer.scrubber.maximum() >= 4 and "the result" in viewer.place.text()
    last = viewer.picture()
    viewer.scrubber.setValue(0)
    qtbot.waitUntil(lambda: viewer.picture() != last, timeout=30_000)
    assert "t = " in viewer.place.text()

    def chosen(box, text):
        """What is shown when a user has chosen a line of a box with the keyboard."""
        box.setFocus()
        for _ in range(box.count()):
            if box.currentText() != text:
                QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentText() == text
        qtbot.waitUntil(lambda: viewer._frames.get(viewer.wanted()) == viewer.picture(), timeout=30_000)
        return viewer.picture()

    whole = chosen(viewer.what, "estimate of the noise")
    assert [viewer.branch.itemText(i) for i in range(viewer.branch.count())] == [
        "the whole denoiser", "conditional", "unconditional",
    ]  # fmt: skip
    conditional = chosen(viewer.branch, "conditional")
    unconditional = chosen(viewer.branch, "unconditional")
    at = range(whole.width() * whole.height())
    seen = (whole, conditional, unconditional)
    grey = [[each.pixelColor(i % each.width(), i // each.width()).red() for i in at] for each in seen]
    scale = graph.nodes["guide"].inputs["scale"]
    clear = [(w, c, u) for w, c, u in zip(*grey, strict=True) if all(0 < value < 255 for value in (w, c, u))]
    assert len(clear) > 500  # guidance, read from the screen: grey levels are whole numbers
    assert all(abs(w - (u + scale * (c - u))) < 3 for w, c, u in clear)
