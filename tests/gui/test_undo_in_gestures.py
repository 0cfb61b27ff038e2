"""Undo while a hand holds something takes that back and nothing else; what the hand does next is nothing."""

from pathlib import Path

import pytest
from desks import PLACES, at, check_law, key, title
from driving import begin_drag, click, send_mouse
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from windows import CTRL, SHIFT

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
ANAGRAM = Path(__file__).resolve().parent.parent.parent / "examples" / "anagram.json"


@pytest.fixture
def window(desktop):
    """A window with an example in which something was done already."""
    window = desktop.start()[1]
    assert window.filing.open(ANAGRAM)
    window.view.look_at(window.scene.content_rect().center(), 1.0)
    window.scene.select(["six"])
    window.desk.actions["mute"].trigger()
    return window


def by_menu(window):
    window.actions_by_id["undo"].trigger()


def by_key(window):
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Z, CTRL)


WAYS = pytest.mark.parametrize("undo", [by_menu, by_key])


@WAYS
def test_a_node_that_is_being_moved_goes_back_and_the_last_edit_stays(window, undo):
    window.activateWindow()
    window.view.setFocus()
    before, start = window.document.graph, title(window.desk, "six")
    here = at(window.desk, "six")
    window.view.look_at(start, 1.0)
    begin_drag(window.view, start, start + QPointF(90, 70))
    assert at(window.desk, "six") != here
    window.actions_by_id["redo"].trigger()
    assert at(window.desk, "six") != here and window.view.gesture is not None, "redo waits"
    undo(window)
    assert at(window.desk, "six") == here and window.view.gesture is None
    send_mouse(window.view, "move", window.view.mapFromScene(start + QPointF(200, 200)))
    send_mouse(window.view, "release", window.view.mapFromScene(start + QPointF(200, 200)))
    assert window.document.graph is before and window.document.undo_label == "Mute six"
    check_law(window.desk)
    undo(window)
    assert not window.document.undo_label


@WAYS
def test_a_slider_that_is_being_dragged_goes_back_and_the_last_edit_stays(window, undo, qtbot):
    window.activateWindow()
    node = next(id for id, placed in window.document.graph.nodes.items() if placed.type == "CFGCombine")
    window.scene.select([node])
    qtbot.waitUntil(lambda: window.inspector.nodes == (node,))
    QApplication.processEvents()
    before = window.document.graph
    editor = window.inspector.page.rows["scale"].editor
    window.inspector.area.ensureWidgetVisible(editor)
    slider = editor.slider
    slider.setFocus()
    QTest.mousePress(slider, LEFT, NONE, QPoint(30, 10))
    for x in range(30, 90, 10):
        QTest.mouseMove(slider, QPoint(x, 10))
    assert window.document.graph != before
    undo(window)
    assert window.document.graph == before and window.document.undo_label == "Mute six"
    QTest.mouseMove(slider, QPoint(120, 10))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(120, 10))
    assert window.document.graph == before and window.document.undo_label == "Mute six"
    assert editor.line.text() == str(before.nodes[node].inputs.get("scale", editor.port.default))
    undo(window)
    assert not window.document.undo_label


def test_a_value_that_was_stepped_to_is_a_step_that_can_be_done_again(window, qtbot):
    node = next(id for id, placed in window.document.graph.nodes.items() if placed.type == "CFGCombine")
    window.scene.select([node])
    qtbot.waitUntil(lambda: window.inspector.nodes == (node,))
    before = window.document.graph
    slider = window.inspector.page.rows["scale"].editor.slider
    QTest.keyClick(slider, Qt.Key.Key_Right)
    after = window.document.graph
    assert after != before
    by_menu(window)
    assert window.document.graph == before
    window.actions_by_id["redo"].trigger()
    assert window.document.graph == after


@WAYS
def test_a_number_that_is_dragged_in_its_node_goes_back(window, undo):
    window.activateWindow()
    window.view.setFocus()
    node = next(id for id, placed in window.document.graph.nodes.items() if placed.type == "CFGCombine")
    middle = window.scene.field_rect(node, "scale").center()
    window.view.look_at(middle, 1.0)
    before = window.document.graph
    begin_drag(window.view, middle, middle + QPointF(60, 0))
    assert window.document.graph != before
    undo(window)
    assert window.document.graph == before and window.view.gesture is None
    send_mouse(window.view, "move", window.view.mapFromScene(middle + QPointF(90, 0)))
    send_mouse(window.view, "release", window.view.mapFromScene(middle + QPointF(90, 0)))
    assert window.document.graph == before and window.document.undo_label == "Mute six"


def test_the_menu_undoes_what_is_typed_in_a_title_and_not_the_graph(window):
    window.activateWindow()
    window.view.setFocus()
    key(window.desk, Qt.Key.Key_F2)
    line = window.view.findChild(QLineEdit, "line_over")
    QTest.keyClicks(line, "Seven")
    by_menu(window)
    assert line.text() != "Seven" and window.document.undo_label == "Mute six"


def test_undo_by_the_key_ends_a_wire_and_a_selection(desk):
    start = desk.scene.port_pos(next(ref for ref in desk.scene.ports("sample") if not ref.is_input))
    begin_drag(desk.view, start, start + QPointF(60, 300))
    key(desk, Qt.Key.Key_Z, CTRL)
    assert desk.view.gesture is None
    check_law(desk)
    click(desk.view, title(desk, "noise"))
    begin_drag(desk.view, (-40, -60), (700, 700))
    key(desk, Qt.Key.Key_Z, CTRL)
    assert desk.scene.selection == {"noise"} and at(desk, "noise") == PLACES["noise"]
    key(desk, Qt.Key.Key_Z, CTRL | SHIFT)
    check_law(desk)
