"""Looking at values: what is asked of the worker, and what real mouse and key events do to the pictures."""

import base64
import math
from itertools import pairwise

import pytest
from driving import LEFT
from PySide6.QtCore import QBuffer, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from nodegraph import Graph
from nodegraph_gui.documents import Document
from nodegraph_gui.edits import set_title
from nodegraph_gui.measurements import Measurements
from nodegraph_gui.states import NodeState
from nodegraph_gui.viewers import ViewerDock
from nodegraph_gui.viewers.axes import log_ticks
from nodegraph_gui.viewers.curves import CurvePane, CurveViewer, averaged
from nodegraph_gui.viewers.kinds import Info
from nodegraph_gui.viewers.labels import ElidedLabel
from nodegraph_gui.viewers.live import LiveViewer
from nodegraph_gui.viewers.panes import PicturePane
from nodegraph_gui.viewers.pictures import PictureViewer
from nodegraph_gui.viewers.texts import TextViewer
from nodegraph_gui.viewers.trajectories import TrajectoryViewer

GRAPH = (
    Graph()
    .add("noise", "PureNoise")
    .add("sample", "IterativeSampler")
    .add("losses", "TrainUNet")
    .add("save", "SaveImage")
    .add("word", "Text")
    .connect("noise.noisy -> sample.start")
    .connect("sample.image -> save.image")
)


def picture(colour, width=28, height=28):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return image


def png(image):
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())


def encoded(image):
    return {"png": base64.b64encode(png(image)).decode()}


class Asked:
    """Stands where the worker is: keeps what was asked, and answers when told to."""

    def __init__(self):
        self.questions = []

    def __call__(self, do, *, then, failed, **fields):
        assert do == "value"
        self.questions.append((fields, then, failed))

    def answer(self, answer, at=-1):
        fields, then, _ = self.questions.pop(at)
        then(answer)
        return fields

    def info(self, at=-1, **told):
        return self.answer({"json": {"type": "Image", "summary": "28 x 28", "views": ["picture"], **told}}, at)


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def measured():
    return {}


@pytest.fixture
def dock(qtbot, catalogue, asked, measured):
    made = ViewerDock(Document(GRAPH), catalogue, asked, measured=measured.get)
    qtbot.addWidget(made)
    made.setFloating(True)
    made.resize(600, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def pane(qtbot):
    made = PicturePane()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def wheel(pane, at, delta=120):
    at = QPointF(at)
    event = QWheelEvent(
        at,
        QPointF(pane.mapToGlobal(at)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


def test_a_small_picture_fills_the_pane_with_whole_pixels(pane):
    pane.set_image(picture("red"))
    assert pane.scale == 9 and pane.target().width() == 252
    assert pane.grab().toImage().pixelColor(200, 150) == QColor("red")


def test_the_wheel_zooms_about_the_cursor(pane):
    pane.set_image(picture("red", 200, 100))
    at = QPointF(120, 170)
    before = pane.to_picture(at)
    for _ in range(5):
        wheel(pane, at)
    after = pane.to_picture(at)
    assert pane.scale > 2
    assert (after - before).manhattanLength() < 1e-6


def test_a_drag_pans_and_a_double_click_shows_the_whole_again(pane, qtbot):
    pane.set_image(picture("red", 200, 100))
    pane.zoom_to(4)
    before = pane.to_picture(QPointF(200, 150))
    qtbot.mousePress(pane, LEFT, pos=QPoint(200, 150))
    qtbot.mouseMove(pane, QPoint(180, 150))
    qtbot.mouseMove(pane, QPoint(160, 130))
    qtbot.mouseRelease(pane, LEFT, pos=QPoint(160, 130))
    moved = pane.to_picture(QPointF(160, 130)) - before
    assert moved.manhattanLength() < 1e-6
    qtbot.mouseDClick(pane, LEFT, pos=QPoint(100, 100))
    assert pane.fits


def test_the_pixel_under_the_cursor_is_named(pane, qtbot):
    image = picture("black")
    image.setPixelColor(3, 5, QColor(10, 20, 30))
    pane.set_image(image)
    at = pane.target().topLeft() + QPointF(3.5, 5.5) * pane.scale
    with qtbot.waitSignal(pane.pointed) as told:
        qtbot.mouseMove(pane, at.toPoint())
    assert told.args == ["3, 5: 10 20 30"]
    assert pane.describe(QPoint(1, 1)) == ""


def test_before_is_left_of_the_line_and_the_line_can_be_dragged(pane, qtbot):
    pane.set_image(picture("blue"))
    pane.set_before(picture("red"))
    middle = QPoint(int(pane.line()), 150)
    shot = pane.grab().toImage()
    assert shot.pixelColor(middle.x() - 30, 150) == QColor("red")
    assert shot.pixelColor(middle.x() + 30, 150) == QColor("blue")
    qtbot.mousePress(pane, LEFT, pos=middle)
    qtbot.mouseMove(pane, middle - QPoint(30, 0))
    qtbot.mouseMove(pane, middle - QPoint(60, 0))
    qtbot.mouseRelease(pane, LEFT, pos=middle - QPoint(60, 0))
    assert pane.grab().toImage().pixelColor(middle.x() - 30, 150) == QColor("blue")
    qtbot.keyClick(pane, Qt.Key.Key_Right)
    assert pane.split == pytest.approx(0.5 - 60 / pane.target().width() + 0.02, abs=0.01)


def test_another_picture_of_the_same_size_keeps_the_zoom(pane):
    pane.set_image(picture("red", 64, 64))
    pane.zoom_to(7)
    pane.set_image(picture("blue", 64, 64))
    assert pane.scale == 7
    pane.set_image(picture("blue", 32, 32))
    assert pane.fits


def test_a_picture_is_shown_as_a_sheet_or_one_by_one(dock, asked):
    dock.show_node("sample")
    assert asked.info(count=10)["view"] == "info"
    assert asked.answer(encoded(picture("red", 280, 28)))["options"] == {"index": None}
    viewer = dock.stack.currentWidget()
    assert isinstance(viewer, PictureViewer)
    assert viewer.pane.image.width() == 280
    viewer.rows.all.click()
    assert asked.answer(encoded(picture("blue")))["options"] == {"index": 0}
    assert viewer.rows.number.value() == 1 and viewer.rows.total.text() == "of 10"
    viewer.rows.number.setValue(8)
    fields = asked.answer(encoded(picture("green")))
    assert (fields["node"], fields["output"], fields["options"]) == ("sample", "image", {"index": 7})
    assert viewer.pane.image.pixelColor(3, 3) == QColor("green")


def test_a_click_beside_the_handle_goes_to_the_step_that_is_clicked(dock, asked, qtbot):
    dock.show_output("sample", "trajectory")
    asked.info(type="Trajectory", views=["frame"], steps=[{"number": at, "t": 6 - at} for at in range(7)])
    viewer = dock.stack.currentWidget()
    scrubber = viewer.scrubber
    assert scrubber.value() == 6
    for step in (3, 0, 5):
        share = (scrubber.width() - 16) * step / 6 + 8
        qtbot.mouseClick(scrubber, LEFT, pos=QPoint(round(share), scrubber.height() // 2))
        assert scrubber.value() == step
    assert viewer.place.text() == "step 5 of 6, t = 1"


@pytest.mark.parametrize("kind", ["picture", "trajectory"])
def test_nothing_is_cut_off_in_a_narrow_dock(dock, asked, kind):
    document = dock._document
    document.edit("Rename", set_title(document.graph, "sample", "A name that is longer than there is room for"))
    dock.resize(320, 500)
    dock.show_output("sample", "image" if kind == "picture" else "trajectory")
    steps = [{"number": at, "t": 981 - at} for at in range(51)] if kind == "trajectory" else []
    asked.info(count=8, views=["picture" if kind == "picture" else "frame"], steps=steps)
    asked.answer(encoded(picture("red", 280, 28)))
    dock.hold.click()
    QApplication.processEvents()
    assert dock.width() == 320
    for widget in dock.widget().findChildren(QWidget):
        if widget.isVisible() and not isinstance(widget, (ElidedLabel, QStackedWidget)):
            inside = widget.mapTo(dock, widget.rect().bottomRight())
            assert inside.x() < 320, widget
            assert widget.width() >= widget.minimumSizeHint().width(), widget
    assert dock.title.shown().endswith("…") and dock.title.text() == "A name that is longer than there is room for"


def test_what_is_compared_is_named_and_the_button_looks_pressed(dock, asked):
    dock.show_output("noise", "noisy")
    asked.info()
    asked.answer(encoded(picture("red")))
    before = dock.hold.grab().toImage().pixelColor(4, 4)
    dock.hold.click()
    assert dock.hold.grab().toImage().pixelColor(4, 4) == dock.palette().highlight().color() != before
    dock.show_output("sample", "image")
    asked.info()
    asked.answer(encoded(picture("blue")))
    assert dock.stack.currentWidget().pane.names == ("kept: noise", "now: sample.image")


def test_what_a_node_writes_is_looked_at_where_it_comes_from(dock, asked):
    dock.show_node("save")
    assert (dock.node, dock.output) == ("sample", "image")


def test_an_answer_that_comes_too_late_is_passed_over(dock, asked):
    dock.show_node("sample")
    dock.show_node("noise")
    asked.info(at=0, summary="late")
    assert len(asked.questions) == 1 and dock.node == "noise"


def test_a_pinned_dock_stays(dock, asked):
    dock.show_node("sample")
    dock.pin.click()
    dock.show_node("noise")
    assert dock.node == "sample"


def test_of_nothing_the_last_is_shown_by_name_and_of_many_how_many_they_are(dock, asked):
    dock.show_selected({"sample"})
    asked.info()
    dock.show_selected(())
    assert dock.node == "sample" and dock.title.text() == "sample"
    assert isinstance(dock.stack.currentWidget(), PictureViewer)
    dock.show_selected({"sample", "noise"})
    assert dock.empty.text() == "2 nodes are selected. Select one to see what it made."
    assert dock.stack.currentWidget() is dock.empty and dock.title.text() == "" and not dock.copy.isEnabled()
    dock.show_selected(())
    assert (dock.node, dock.output) == ("sample", "image") and dock.title.text() == "sample"
    asked.info()
    dock.pin.click()
    dock.show_selected({"save", "noise"})
    assert dock.node == "sample"


def test_an_answer_for_one_node_is_passed_over_when_many_are_selected(dock, asked):
    dock.show_selected({"sample"})
    dock.show_selected({"sample", "noise"})
    asked.info()
    assert dock.stack.currentWidget() is dock.empty and "2 nodes" in dock.empty.text()


def test_a_node_that_is_called_otherwise_or_goes_is_told(dock, asked):
    document = dock._document
    dock.show_selected({"sample"})
    asked.info()
    document.edit("Rename", set_title(document.graph, "sample", "Six"))
    dock.follow_document()
    assert dock.title.text() == "Six"
    document.edit("Delete", document.graph.remove("sample"))
    dock.follow_document()
    assert dock.node is None and dock.empty.text() == "Select a node to see what it made."


def test_why_there_is_no_value_is_said(dock, asked):
    dock.show_node("sample")
    asked.questions.pop()[2]("sample has no value yet; run it")
    assert dock.empty.text() == "sample has no value yet; run it"
    assert dock.picture() is None and not dock.copy.isEnabled()


def test_the_picture_can_be_copied_saved_and_compared(dock, asked, tmp_path):
    dock.show_node("sample")
    asked.info()
    asked.answer(encoded(picture("red")))
    dock.copy.click()
    assert QGuiApplication.clipboard().image().pixelColor(2, 2) == QColor("red")
    dock.save_picture(tmp_path / "red.png")
    assert QImage(str(tmp_path / "red.png")).pixelColor(2, 2) == QColor("red")
    dock.hold.click()
    dock.show_node("noise")
    asked.info(type="Noisy")
    asked.answer(encoded(picture("blue")))
    pane = dock.stack.currentWidget().pane
    assert pane.before.pixelColor(2, 2) == QColor("red") and pane.image.pixelColor(2, 2) == QColor("blue")
    dock.hold.click()
    assert pane.before.isNull()


def test_a_picture_that_cannot_be_saved_is_told(dock, asked, tmp_path, qtbot):
    dock.show_node("sample")
    asked.info()
    asked.answer(encoded(picture("red")))
    with qtbot.waitSignal(dock.failed) as told:
        dock.save_picture(tmp_path / "none" / "red.png")
    assert "its folder is not there" in told.args[0]


def test_the_scrubber_asks_for_one_frame_at_a_time_and_then_for_the_newest_wish(dock, asked):
    dock.show_output("sample", "trajectory")
    steps = [{"step": at, "t": t} for at, t in enumerate((999, 500, 250, 100, -1))]
    asked.info(type="Trajectory", views=["frame"], steps=steps)
    viewer = dock.stack.currentWidget()
    assert isinstance(viewer, TrajectoryViewer)
    assert viewer.place.text() == "step 4 of 4, the result"
    for step in (3, 2, 1):
        viewer.scrubber.setValue(step)
    assert len(asked.questions) == 1
    assert asked.answer(encoded(picture("red")))["options"] == {"step": 4, "what": "noisy", "index": 0}
    assert asked.answer(encoded(picture("blue")))["options"]["step"] == 1
    assert viewer.pane.image.pixelColor(1, 1) == QColor("blue")
    viewer.scrubber.setValue(4)
    assert not asked.questions and viewer.pane.image.pixelColor(1, 1) == QColor("red")
    viewer.what.setCurrentIndex(1)
    assert asked.answer(encoded(picture("green")))["options"]["what"] == "clean"


def inside(*branches_of_each):
    """Steps with noise estimates of these branches, and a result without any."""
    last = len(branches_of_each)
    steps = [
        {"step": at, "t": 900 - at, "number": 2 * at, "noise": True, "branches": list(branches)}
        for at, branches in enumerate(branches_of_each)
    ]
    return [*steps, {"step": last, "t": -1, "number": 2 * last, "noise": False, "branches": []}]


def test_the_noise_of_each_branch_is_shown(dock, asked):
    dock.show_output("sample", "trajectory")
    dock.show()
    asked.info(type="Trajectory", views=["frame"], steps=inside(["upright", "upright.conditional"], ["flipped"]))
    asked.answer(encoded(picture("red")))
    viewer = dock.stack.currentWidget()
    viewer.scrubber.setValue(0)
    assert asked.answer(encoded(picture("red")))["options"] == {"step": 0, "what": "noisy", "index": 0}
    assert viewer.place.text() == "step 0 of 4, t = 900"
    assert [viewer.what.itemData(i) for i in range(viewer.what.count())] == ["noisy", "clean", "noise"]
    assert [viewer.branch.itemData(i) for i in range(viewer.branch.count())] == [
        "", "upright", "upright.conditional", "flipped",
    ]  # fmt: skip
    assert viewer.branch.isVisible() and not viewer.branch.isEnabled()  # all of them see the same noisy picture
    viewer.what.setCurrentIndex(2)
    assert asked.answer(encoded(picture("green")))["options"] == {"step": 0, "what": "noise", "index": 0}
    assert viewer.branch.isEnabled()
    viewer.branch.setCurrentIndex(2)
    assert asked.answer(encoded(picture("blue")))["options"] == {
        "step": 0, "what": "noise", "index": 0, "branch": "upright.conditional",
    }  # fmt: skip
    assert viewer.picture().pixelColor(1, 1) == QColor("blue")


def test_nothing_is_shown_where_a_branch_was_not_asked_and_that_is_said(dock, asked):
    dock.show_output("sample", "trajectory")
    asked.info(type="Trajectory", views=["frame"], steps=inside(["a"], ["b"]))
    asked.answer(encoded(picture("red")))
    viewer = dock.stack.currentWidget()
    viewer.what.setCurrentIndex(2)
    assert not asked.questions and viewer.picture() is None
    assert viewer.place.text() == "step 4 of 4, the result: no estimate"
    viewer.branch.setCurrentIndex(1)
    viewer.scrubber.setValue(0)
    asked.answer(encoded(picture("green")))
    assert viewer.picture().pixelColor(1, 1) == QColor("green")
    viewer.scrubber.setValue(1)
    assert not asked.questions and viewer.picture() is None and "no estimate" in viewer.place.text()


def test_what_is_looked_at_stays_when_another_run_has_it_too(dock, asked):
    dock.show_output("sample", "trajectory")
    asked.info(type="Trajectory", views=["frame"], steps=inside(["a", "b"]))
    asked.answer(encoded(picture("red")))
    viewer = dock.stack.currentWidget()
    viewer.what.setCurrentIndex(2)
    viewer.branch.setCurrentIndex(2)
    info = Info("Trajectory", steps=tuple(inside(["b"], ["b"])))
    viewer.show_value(info, lambda *question: None)
    assert (viewer.what.currentData(), viewer.branch.currentData()) == ("noise", "b")
    viewer.show_value(Info("Trajectory", steps=({"step": 0, "t": 5},)), lambda *question: None)
    assert (viewer.what.currentData(), viewer.branch.currentData()) == ("noisy", "")
    assert viewer.branch.isHidden() and viewer.what.count() == 2


def test_a_trajectory_plays_to_its_end(dock, asked, qtbot):
    dock.show_output("sample", "trajectory")
    asked.info(type="Trajectory", views=["frame"], steps=[{"step": at, "t": at} for at in range(3)])
    asked.answer(encoded(picture("red")))
    viewer = dock.stack.currentWidget()
    viewer.play.click()
    for _ in range(2):
        qtbot.waitUntil(lambda: bool(asked.questions))
        asked.answer(encoded(picture("blue")))
    qtbot.waitUntil(lambda: not viewer.play.isChecked())
    assert viewer.scrubber.value() == 2


def test_any_other_value_is_shown_as_text(dock, asked):
    dock.show_node("word")
    asked.info(type="str", views=["text"], summary="'six'", lines=[["value", "'six'"]])
    assert asked.answer({"text": "six"})["view"] == "text"
    viewer = dock.stack.currentWidget()
    assert isinstance(viewer, TextViewer)
    assert viewer.head.text() == "str: 'six'" and viewer.text.toPlainText() == "six"


def test_losses_are_drawn(dock, asked):
    dock.show_output("losses", "losses")
    asked.info(type="Losses", views=["curve"])
    asked.answer({"json": {"x": [1, 2, 3], "y": [0.5, 0.25, 0.125], "x_label": "step", "y_label": "loss"}})
    viewer = dock.stack.currentWidget()
    assert isinstance(viewer, CurveViewer)
    assert viewer.pane.latest.text() == "loss 0.125"
    assert dock.picture() is not None


def test_a_training_is_followed_with_its_loss_and_the_samples_of_each_epoch(dock, asked, measured):
    told = measured["losses"] = Measurements()
    dock.show_output("losses", "losses")
    for step in range(1, 31):
        epoch = (step - 1) // 10 + 1
        shot = png(picture(("red", "green", "blue")[epoch - 1])) if step % 10 == 5 else None
        numbers = {"loss": 1 / step, "epoch": epoch}
        told.add(step, numbers, shot)
        dock.set_state("losses", NodeState("running", step, 30, text=f"epoch {epoch}", numbers=numbers, preview=shot))
    viewer = dock.stack.currentWidget()
    assert isinstance(viewer, LiveViewer)
    assert viewer.curve.latest.text() == "loss 0.03333"
    assert viewer.epoch.text() == "samples of epoch 3" and viewer.pane.image.pixelColor(1, 1) == QColor("blue")
    viewer.scrubber.setValue(0)
    assert viewer.pane.image.pixelColor(1, 1) == QColor("red")
    assert viewer.epoch.text() == "samples of epoch 1"
    asked.questions.clear()
    dock.set_state("losses", NodeState("done", 30, 30))
    assert asked.questions[0][0]["view"] == "info"


def test_the_thick_line_is_the_mean_of_the_last_values():
    assert averaged([1.0, 3.0, 5.0, 7.0], 2) == [1.0, 2.0, 4.0, 6.0]


def test_a_plugin_brings_a_viewer(qtbot, catalogue, asked):
    own = TextViewer()
    dock = ViewerDock(Document(GRAPH), catalogue, asked, make_viewer=lambda type: own if type == "Image" else None)
    qtbot.addWidget(dock)
    dock.show_node("sample")
    asked.info()
    assert dock.stack.currentWidget() is own


def test_the_preview_is_shown_when_the_worker_has_gone(dock, asked):
    dock.set_state("sample", NodeState("done", preview=png(picture("red"))))
    dock.show_node("sample")
    asked.questions.pop()[2]("the worker is not running")
    viewer = dock.stack.currentWidget()
    assert viewer.pane.image.pixelColor(3, 3) == QColor("red")
    assert viewer.said.text() == "A preview: the worker is not running"


@pytest.mark.parametrize(("least", "most"), [(0.12, 1.1), (0.02, 0.9), (1e-6, 100.0), (0.101, 0.138), (1e-9, 1e9)])
def test_a_logarithmic_axis_has_labels_that_can_be_read(qtbot, least, most):
    for size in (60, 120, 400):
        ticks = log_ticks(math.log10(least), math.log10(most), size)
        places = [(each - math.log10(least)) / math.log10(most / least) * size for each in ticks]
        assert len(ticks) >= 2 and places[0] >= -1e-6 and places[-1] <= size + 1e-6
        assert min(b - a for a, b in pairwise(places)) >= 21.9


def test_steps_are_whole_and_values_have_room(qtbot):
    pane = CurvePane()
    qtbot.addWidget(pane)
    pane.resize(320, 200)
    pane.show()
    pane.set_curves({"loss": [(1, 0.9), (2, 0.5), (3, 0.00023)]})
    qtbot.waitExposed(pane)
    gaps = [gap for gap, _ in pane.plot.getAxis("bottom").tickSpacing(1, 3, 250)]
    assert gaps and all(gap == int(gap) for gap in gaps)
    pane.logarithmic.click()
    axis = pane.plot.getAxis("left")
    texts = axis.tickStrings(log_ticks(math.log10(0.00023), 0, 150), 1, None)
    assert "0.001" in texts and all(pane.fontMetrics().horizontalAdvance(text) < axis.width() for text in texts)
