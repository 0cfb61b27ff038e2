"""What a window shows of its runs: pictures of the run that was, failures until they are mended, seeds of what ran."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from windows import CTRL, bar, press

import nodegraph
from nodegraph_gui.differences import content_changed
from nodegraph_gui.edits import set_drawn
from nodegraph_gui.preferences import Preferences

SHOWN = nodegraph.Graph().add("load", "LoadImage", path="red.png").add("show", "ShowImage").connect(
    "load.image -> show.image"
)  # fmt: skip


@pytest.fixture
def window(desktop, tmp_path):
    for name, size in (("red", 16), ("blue", 24)):
        image = QImage(size, size, QImage.Format.Format_RGB32)
        image.fill(QColor(name))
        assert image.save(str(tmp_path / f"{name}.png"))
    return desktop.start(Preferences(output="out"), worker=True)[1]


def run(window, qtbot):
    with qtbot.waitSignal(window.runs.finished, timeout=120_000) as ended:
        press(window, Qt.Key.Key_Return, CTRL)
    return ended.args[0]


def set_value(window, node, **values):
    window.document.edit("Set", window.document.graph.set(node, **values))


def test_a_node_that_only_shows_has_the_picture_of_the_last_run(window, qtbot):
    window.document.edit("Make", SHOWN)
    item = window.scene.nodes["show"]
    for path in ("red.png", "blue.png", "red.png"):
        set_value(window, "load", path=path)
        assert run(window, qtbot) == "done"
        assert item.previews and item.previews[0].toImage().pixelColor(3, 3) == QColor(path.partition(".")[0])


def test_what_a_failure_says_goes_when_what_led_to_it_is_edited(window, qtbot, tmp_path):
    window.document.edit("Make", SHOWN)
    (tmp_path / "broken.png").write_bytes((tmp_path / "red.png").read_bytes()[:48])
    set_value(window, "load", path="broken.png")
    item = window.scene.nodes["load"]
    assert run(window, qtbot) == "failed" and bar(window, "load: ")
    assert item.state.phase == "failed" and window.scene.nodes["show"].state.phase == "skipped"
    window.document.edit("Move", window.document.graph.with_canvas({"positions": {"load": [50, 60]}}))
    assert item.state.phase == "failed" and window.bars.shown
    set_value(window, "load", path="red.png")
    qtbot.waitUntil(lambda: item.state.phase == "idle", timeout=2000)
    assert window.scene.nodes["show"].state.phase == "idle" and not item.message and not window.bars.shown
    assert run(window, qtbot) == "done"


def test_seeds_are_drawn_for_runs_that_are_taken_alone(window, qtbot):
    graph = nodegraph.Graph().add("noise", "PureNoise", size=16, seed=3).add("show", "ShowImage")
    window.document.edit("Make", set_drawn(graph, "noise", "seed", True))
    before = window.document.graph
    assert run(window, qtbot) == "refused"  # nothing leads to show.image
    assert bar(window, "Not run")
    assert window.document.graph == before and window.document.undo_label == "Make"
    window.document.edit("Remove", before.remove("show"))
    assert not window.bars.shown
    before = window.document.graph
    assert run(window, qtbot) == "done"
    drawn = window.document.graph.nodes["noise"].inputs["seed"]
    assert drawn != 3 and window.document.undo_label == "Draw seeds"
    window.document.undo()
    assert window.document.graph == before


def test_an_edit_touches_a_node_and_all_that_it_leads_to():
    before = SHOWN.add("other", "PureNoise")
    assert content_changed(before, before.set("load", path="b.png")) == {"load", "show"}
    assert content_changed(before, before.disconnect("load.image -> show.image")) == {"show"}
    assert content_changed(before, before.with_mode("show", "mute")) == {"show"}
    assert content_changed(before, before.set("other", seed=1.0)) == {"other"}
    assert content_changed(before.set("other", seed=1), before.set("other", seed=1.0)) == {"other"}
    titled = before.replace_node("load", before.nodes["load"].edited(title="A"))
    assert content_changed(before, titled.with_canvas({"positions": {"load": [1, 2]}})) == set()
    assert content_changed(before, before.remove("load")) == {"show"}
