"""The one live editor of the canvas, by clicks, keys and drags on a view that is shown."""

import driving
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nodegraph import Graph
from nodegraph_gui.canvas import CanvasView
from nodegraph_gui.documents import Document
from nodegraph_gui.editors.choices import ChoiceEditor
from nodegraph_gui.editors.texts import TextEditor
from nodegraph_gui.inline import InlineEditor
from nodegraph_gui.scene import Scene
from nodegraph_gui.themes import THEMES

SHIFT = Qt.KeyboardModifier.ShiftModifier


class Desk:
    """A document of a few nodes, on the canvas of a window."""

    def __init__(self, qtbot, catalogue):
        graph = (
            Graph()
            .add("guide", "CFGCombine", scale=3)
            .add("sample", "IterativeSampler")
            .add("noise", "PureNoise", seed=7)
            .add("prompt", "EncodePrompt", prompt="a fox")
            .add("picture", "LoadImage", path="fox.png")
            .add("mnist", "TrainUNet")
            .add("three", "Integer", value=3)
            .connect("three.value -> sample.steps")
        )
        places = {id: [300 * at, 0] for at, id in enumerate(graph.nodes)}
        self.document = Document(graph.with_canvas({"positions": places}))
        self.scene = Scene(self.document, catalogue, THEMES["dark"])
        self.view = CanvasView(self.scene)
        self.inline = InlineEditor(self.view, self.document, catalogue)
        self.view.factories = [self.inline.gesture]
        qtbot.addWidget(self.view)
        self.view.resize(1000, 640)
        with qtbot.waitActive(self.view):
            self.view.show()
            self.view.activateWindow()
        self.view.fit(closest=1.0)
        self.look("guide")

    def look(self, node):
        self.view.look_at(self.scene.node_rect(node).center(), 1.0)

    def middle(self, node, input):
        self.look(node)
        rect = self.scene.field_rect(node, input)
        assert not rect.isEmpty()
        return rect.center()

    def click(self, node, input):
        driving.click(self.view, self.middle(node, input))
        return self.inline.editor

    def value(self, node, input):
        return self.document.graph.nodes[node].inputs.get(input)

    def focused(self):
        return QApplication.focusWidget()


@pytest.fixture
def desk(qtbot, catalogue):
    return Desk(qtbot, catalogue)


def test_a_click_opens_typing_replaces_and_enter_keeps(desk):
    editor = desk.click("guide", "scale")
    assert editor.isVisible() and desk.scene.selection == {"guide"}
    rect = desk.view.field_pixels("guide", "scale").toRect()
    assert abs(editor.geometry().center().y() - rect.center().y()) <= 1 and editor.width() == rect.width()
    QTest.keyClicks(desk.focused(), "7.5")
    assert desk.value("guide", "scale") == 3
    QTest.keyClick(desk.focused(), Qt.Key.Key_Return)
    assert desk.value("guide", "scale") == 7.5
    assert desk.inline.editor is None and desk.view.hasFocus()
    assert desk.document.undo_label == "Set scale of guide"
    assert desk.document.undo() and desk.value("guide", "scale") == 3 and not desk.document.undo_label


def test_a_value_that_is_wrong_is_marked_and_kept(desk):
    desk.click("guide", "scale")
    QTest.keyClicks(desk.focused(), "99")
    assert desk.inline._problem.isVisible() and "must be at most 30" in desk.inline._problem.text()
    QTest.keyClick(desk.focused(), Qt.Key.Key_Return)
    assert desk.value("guide", "scale") == 99 and not desk.inline._problem.isVisible()


def test_esc_leaves_all_as_it_was(desk):
    before = desk.document.graph
    desk.click("guide", "scale")
    QTest.keyClicks(desk.focused(), "9")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Escape)
    assert desk.inline.editor is None and desk.document.graph is before and desk.view.hasFocus()


def test_stepping_then_esc_leaves_no_trace(desk):
    before = desk.document.graph
    desk.click("sample", "eta")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Up)
    assert desk.value("sample", "eta") == 0.01
    QTest.keyClick(desk.focused(), Qt.Key.Key_Escape)
    assert desk.document.graph == before and not desk.document.undo_label and "eta" not in before.nodes["sample"].inputs


def test_a_click_elsewhere_keeps_what_was_typed(desk):
    desk.click("guide", "scale")
    QTest.keyClicks(desk.focused(), "5")
    driving.click(desk.view, desk.view.mapToScene(5, 5))
    assert desk.value("guide", "scale") == 5 and desk.inline.editor is None


def test_looking_and_leaving_changes_nothing(desk):
    before = desk.document.graph
    for node, input in (("guide", "scale"), ("noise", "size"), ("prompt", "prompt"), ("picture", "path")):
        desk.click(node, input)
        desk.view.setFocus()
        assert desk.inline.editor is None
    assert desk.document.graph is before


def test_tab_goes_to_the_next_value_and_back(desk):
    desk.click("noise", "size")
    QTest.keyClicks(desk.focused(), "32")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Tab)
    assert desk.value("noise", "size") == 32 and desk.inline.place == ("noise", "channels")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Backtab)
    QTest.keyClick(desk.focused(), Qt.Key.Key_Backtab)
    last = [field.name for field in desk.scene.nodes["noise"].places.fields][-1]
    assert desk.inline.place == ("noise", last)


def test_the_editor_follows_the_camera(desk):
    editor = desk.click("guide", "scale")
    before = editor.geometry()
    desk.view.pan(30, -20)
    assert editor.geometry().topLeft() - before.topLeft() == QPointF(30, -20).toPoint()
    desk.view.zoom_at(1.5)
    rect = desk.view.field_pixels("guide", "scale").toRect()
    assert editor.geometry().left() == rect.left() and editor.width() == rect.width()


def test_a_node_that_goes_takes_its_editor_along(desk):
    desk.click("guide", "scale")
    QTest.keyClicks(desk.focused(), "5")
    graph = desk.document.graph.remove("guide")
    desk.document.edit("Delete", graph)
    assert desk.inline.editor is None and desk.document.graph is graph


def test_a_link_that_comes_closes_the_editor(desk):
    desk.click("noise", "size")
    QTest.keyClicks(desk.focused(), "5")
    desk.document.edit("Link", desk.document.graph.connect("three.value -> noise.size"))
    assert desk.inline.editor is None and desk.value("noise", "size") is None


def test_what_is_undone_meanwhile_is_shown(desk):
    desk.document.edit("Set", desk.document.graph.set("guide", scale=9))
    editor = desk.click("guide", "scale")
    desk.document.undo()
    assert editor.line.text() == "3" and editor.line.hasFocus()


def test_what_a_wire_feeds_cannot_be_opened(desk):
    assert not desk.inline.open("sample", "steps")
    assert not desk.inline.open("guide", "conditional")
    assert not desk.inline.open("nobody", "scale")


def test_the_view_opens_editors_too(desk):
    desk.look("guide")
    desk.view.open_editor("guide", "scale")
    assert desk.inline.place == ("guide", "scale")


def test_a_switch_turns_with_a_click(desk):
    desk.click("mnist", "class_conditional")
    assert desk.value("mnist", "class_conditional") is False and desk.inline.editor is None
    desk.click("mnist", "class_conditional")
    assert desk.value("mnist", "class_conditional") is True


def test_a_choice_is_chosen_with_keys(desk):
    editor = desk.click("sample", "method")
    assert isinstance(editor, ChoiceEditor) and editor.box.view().isVisible()
    popup = editor.box.view()
    QTest.keyClick(popup, Qt.Key.Key_Down)
    QTest.keyClick(popup, Qt.Key.Key_Return)
    assert desk.value("sample", "method") == "ddim" and desk.inline.editor is None


def test_a_text_has_lines_and_ctrl_enter_keeps_it(desk):
    editor = desk.click("prompt", "prompt")
    assert isinstance(editor, TextEditor)
    QTest.keyClicks(desk.focused(), "an owl")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Return)
    QTest.keyClicks(desk.focused(), "at night")
    QTest.keyClick(desk.focused(), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.value("prompt", "prompt") == "an owl\nat night" and desk.inline.editor is None


def test_a_drag_over_a_number_is_one_step_of_undo(desk):
    at = desk.middle("guide", "scale")
    driving.drag(desk.view, at, at + QPointF(60, 0), steps=12)
    value = desk.value("guide", "scale")
    assert 3 < value <= 30 and desk.inline.editor is None
    assert desk.document.undo() and desk.value("guide", "scale") == 3
    assert not desk.document.undo_label and desk.document.redo() and desk.value("guide", "scale") == value


def test_shift_makes_a_drag_finer(desk):
    at = desk.middle("guide", "scale")
    driving.drag(desk.view, at, at + QPointF(40, 0), keys=SHIFT)
    fine = desk.value("guide", "scale")
    desk.document.undo()
    driving.drag(desk.view, at, at + QPointF(40, 0))
    assert 0 < fine - 3 < (desk.value("guide", "scale") - 3) / 5


def test_esc_in_a_drag_over_a_number_leaves_no_trace(desk):
    before = desk.document.graph
    at = desk.middle("sample", "eta")
    driving.begin_drag(desk.view, at, at + QPointF(60, 0))
    assert desk.value("sample", "eta") > 0
    QTest.keyClick(desk.view, Qt.Key.Key_Escape)
    assert desk.document.graph == before and not desk.document.undo_label and desk.view.gesture is None


def test_a_click_with_shift_selects_and_opens_nothing(desk):
    desk.scene.select(["noise"])
    driving.click(desk.view, desk.middle("guide", "scale"), keys=SHIFT)
    assert desk.scene.selection == {"noise", "guide"} and desk.inline.editor is None


def test_a_number_without_a_range_is_dragged_in_steps(desk):
    at = desk.middle("three", "value")
    driving.drag(desk.view, at, at + QPointF(-60, 0))
    assert desk.value("three", "value") == 3 - 10


def test_a_drag_over_a_text_is_the_nodes(desk):
    asked = []

    class Other:
        def __init__(self, view):
            self.view = view

        def begin(self, event):
            asked.append("begin")
            return True

        def move(self, event):
            asked.append("move")

        def release(self, event):
            asked.append("release")

        def cancel(self):
            pass

    desk.view.factories.append(Other)
    at = desk.middle("prompt", "checkpoint")
    driving.drag(desk.view, at, at + QPointF(60, 0))
    assert asked[:2] == ["begin", "move"] and asked[-1] == "release" and desk.inline.editor is None
