"""The menus of the right mouse button: which one opens where, and what their entries do."""

from pathlib import Path

import pytest
from desks import FRAME, LINKS, NOTE, check_law, check_undo, guided, links, open_desk, port, title
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QPlainTextEdit

from nodegraph import Graph
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.menus import menu_at

ANAGRAM = Path(__file__).resolve().parent.parent.parent / "examples" / "anagram.json"
EMPTY = QPointF(420, 120)


@pytest.fixture
def desk(qtbot, catalogue, tmp_path):
    return open_desk(qtbot, catalogue, guided(frames=[FRAME], notes=[NOTE]), tmp_path)


def texts(menu):
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def take(menu, text):
    """Choose an entry by its text."""
    action = next(action for action in menu.actions() if action.text() == text)
    assert action.isEnabled()
    action.trigger()


def wire_middle(desk):
    return (port(desk, "noise.noisy") + port(desk, "sample.start")) / 2


def test_a_right_click_opens_a_menu_that_does_not_stop_the_program(desk, qtbot):
    at = desk.view.mapFromScene(title(desk, "guide"))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, desk.view.viewport().mapToGlobal(at))
    QApplication.sendEvent(desk.view.viewport(), event)
    (menu,) = [menu for menu in desk.view.findChildren(QMenu) if menu.isVisible()]
    assert "Mute" in texts(menu) and desk.scene.selection == {"guide"}
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible() and not desk.document.undo_label


def test_a_right_click_on_one_of_several_keeps_the_selection(desk):
    desk.scene.select(["guide", "noise"])
    menu = menu_at(desk, title(desk, "guide"))
    assert desk.scene.selection == {"guide", "noise"}
    take(menu, "Mute")
    assert desk.document.undo_label == "Mute 2 nodes"


def test_entries_of_a_node_are_the_commands_with_their_keys(desk):
    menu = menu_at(desk, title(desk, "guide"))
    shown = {action.text(): action.shortcut().toString() for action in menu.actions()}
    assert shown["Collapse"] == "H" and shown["Duplicate"] == "Ctrl+D" and shown["Rename"] == "F2"
    before = desk.document.graph
    take(menu, "Collapse")
    check_undo(desk, before, "Collapse guide")


def test_a_colour_is_given_and_taken_back(desk):
    before = desk.document.graph
    menu = menu_at(desk, title(desk, "guide"))
    colours = next(action.menu() for action in menu.actions() if action.text() == "Colour")
    take(colours, "Teal")
    assert canvas_of(desk.document.graph).colours == {"guide": "#3fc6a8"}
    check_undo(desk, before, "Colour guide")
    take(colours, "As the category")
    assert canvas_of(desk.document.graph).colours == {}


def test_a_value_is_edited_or_reset_from_its_menu(qtbot, catalogue, tmp_path):
    graph = guided().set("guide", scale=7.0)
    desk = open_desk(qtbot, catalogue, graph, tmp_path)
    opened = []
    desk.view.editing = lambda view, node, input: opened.append((node, input))
    menu = menu_at(desk, desk.scene.field_rect("guide", "scale").center())
    take(menu, "Edit scale")
    take(menu, "Reset scale")
    assert opened == [("guide", "scale")] and "scale" not in desk.document.graph.nodes["guide"].inputs
    check_undo(desk, graph, "Reset guide.scale")


def test_a_port_offers_to_remove_its_links_and_to_add_what_fits(desk):
    before = desk.document.graph
    take(menu_at(desk, port(desk, "sample.start")), "Remove noise.noisy -> sample.start")
    assert links(desk) == sorted(set(LINKS) - {"noise.noisy -> sample.start"})
    check_undo(desk, before, "Unlink noise.noisy -> sample.start")
    take(menu_at(desk, port(desk, "noise.noisy")), "Add a node that fits…")
    assert desk.quick_add.isVisible()
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Escape)
    check_law(desk)


def test_an_output_with_several_links_loses_all_at_once(qtbot, catalogue, tmp_path):
    graph = guided(links=["digit.denoiser -> guide.conditional", "digit.denoiser -> guide.unconditional"])
    desk = open_desk(qtbot, catalogue, graph, tmp_path)
    take(menu_at(desk, port(desk, "digit.denoiser")), "Remove all 2 links")
    assert links(desk) == []
    check_undo(desk, graph, "Unlink 2 links")


def test_a_wire_is_removed_or_gets_a_node_in_between(desk):
    before = desk.document.graph
    menu = menu_at(desk, wire_middle(desk))
    take(menu, "Select both ends")
    assert desk.scene.selection == {"noise", "sample"}
    take(menu, "Remove link")
    check_undo(desk, before, "Unlink noise.noisy -> sample.start")
    desk.document.undo()
    take(menu_at(desk, wire_middle(desk)), "Insert node…")
    kinds = [choice.kind for choice in desk.quick_add.shown]
    assert kinds and all(kind.inputs and kind.outputs for kind in kinds)
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)
    assert "noise.noisy -> sample.start" not in links(desk) and len(links(desk)) == len(LINKS) + 1
    check_undo(desk, before, f"Insert {kinds[0].id} into noise.noisy -> sample.start")


def test_the_canvas_adds_notes_and_nodes_and_pastes_where_the_click_was(desk):
    menu = menu_at(desk, EMPTY)
    take(menu, "Add note")
    assert desk.scene.notes[1].rect.topLeft() == EMPTY
    QTest.keyClick(desk.view.findChild(QPlainTextEdit, "text_over"), Qt.Key.Key_Escape)
    take(menu, "Add node…")
    assert desk.quick_add.isVisible()
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Escape)
    QGuiApplication.clipboard().setText('{"nodegraph": 1, "nodes": {"x": {"type": "PureNoise"}}, "links": []}')
    take(menu, "Paste here")
    assert desk.scene.node_rect("x").topLeft() == EMPTY
    check_law(desk)


def test_a_frame_is_named_fitted_and_removed_without_its_nodes(desk):
    before = desk.document.graph
    menu = menu_at(desk, QPointF(100, -46))
    assert desk.scene.selected_keys == {("frame", 0)}
    take(menu, "Rename")
    QTest.keyClick(desk.view.findChild(QLineEdit, "line_over"), Qt.Key.Key_Escape)
    take(menu, "Select what is in it")
    assert desk.scene.selection == {"noise"}
    take(menu, "Fit to its nodes")
    assert desk.scene.frames[0].rect.contains(desk.scene.node_rect("noise"))
    check_undo(desk, before, "Fit a frame to its nodes")
    desk.document.undo()
    take(menu, "Remove frame, keep nodes")
    assert not desk.scene.frames and desk.document.graph.nodes == before.nodes
    check_undo(desk, before, "Remove a frame")


def test_a_note_is_edited_and_removed(desk):
    before = desk.document.graph
    menu = menu_at(desk, QPointF(480, 650))
    take(menu, "Edit text")
    QTest.keyClick(desk.view.findChild(QPlainTextEdit, "text_over"), Qt.Key.Key_Escape)
    take(menu, "Remove note")
    check_undo(desk, before, "Remove a note")


def test_an_empty_canvas_has_its_menu(qtbot, catalogue, tmp_path):
    desk = open_desk(qtbot, catalogue, Graph(), tmp_path)
    menu = menu_at(desk, QPointF(0, 0))
    menu.popup(QPoint(10, 10))
    assert menu.isVisible() and "Add node…" in texts(menu)
    menu.close()


def test_a_node_is_run_to_and_its_help_is_shown_from_its_menu(desktop, qtbot):
    window = desktop.start()[1]
    window.filing.open(ANAGRAM)
    asked = []
    window.running.run = lambda targets=None: asked.append(targets)
    menu = menu_at(window.desk, title(window.desk, "sample"))
    take(menu, "Run to this node")
    assert asked == [["sample"]]
    window.inspector.hide()
    take(menu, "Help on this node")
    page = window.inspector.page
    assert window.inspector.isVisible() and page.nodes == ("sample",) and page.help is not None
    qtbot.waitUntil(lambda: window.inspector.area.verticalScrollBar().value() > 0)
    assert not page.help.visibleRegion().isEmpty()
    window.scene.select(["sample", "six"])
    assert "Run to the selection" in texts(menu_at(window.desk, title(window.desk, "sample")))
