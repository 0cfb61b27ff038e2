"""What is typed into notes, texts and titles is never lost: by Esc, by saving, by closing, or by a crash."""

import json
import signal
import subprocess
import sys
import time

import pytest
from desks import title
from driving import click, double_click
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit
from windows import CTRL, SHIFT, press

import nodegraph
from nodegraph import Graph, Node
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.recovery import recoverable
from nodegraph_gui.shortcuts_page import ShortcutsPage

K = Qt.Key
TEN = "\n".join(f"line {number}" for number in range(10))


@pytest.fixture
def window(desktop):
    """A window with a prompt and a note, all of it in sight."""
    window = desktop.start()[1]
    note = {"text": "Look", "rect": [400, 0, 200, 100]}
    nodes = {"prompt": Node(type="EncodePrompt", inputs={"prompt": "a fox"})}
    window.document.replace(Graph(nodes=nodes, canvas={"positions": {"prompt": [0, 0]}, "notes": [note]}))
    window.show_page(False)
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    window.view.look_at(window.scene.content_rect().center(), 1.0)
    return window


def typed(text):
    """Type into what has the keyboard, as a hand does: lines with Return."""
    widget = QApplication.focusWidget()
    for number, line in enumerate(text.split("\n")):
        if number:
            QTest.keyClick(widget, K.Key_Return)
        QTest.keyClicks(widget, line)
    return widget


def prompt(window):
    return window.document.graph.nodes["prompt"].inputs.get("prompt")


def note(window, number=0):
    return canvas_of(window.document.graph).notes[number]


def kept(window):
    """The graph in the recovery file."""
    return nodegraph.loads(json.loads(window.filing.recovery.path.read_text())["graph"])


def open_prompt(window):
    click(window.view, window.scene.field_rect("prompt", "prompt").center())
    assert window.inline.place == ("prompt", "prompt")


def test_esc_keeps_the_ten_lines_of_a_new_note_and_undo_takes_them_back_in_one_step(window):
    before = window.document.graph
    press(window, K.Key_N, CTRL | SHIFT)
    over = typed(TEN)
    assert isinstance(over, QPlainTextEdit)
    QTest.keyClick(over, K.Key_Escape)
    assert not over.isVisible() and window.view.hasFocus() and note(window, 1).text == TEN
    press(window, K.Key_Z, CTRL)
    assert window.document.graph == before
    press(window, K.Key_Z, CTRL | SHIFT)
    assert note(window, 1).text == TEN


def test_esc_keeps_a_prompt_that_was_typed_in_the_node(window):
    open_prompt(window)
    QTest.keyClick(typed("an owl\nat night"), K.Key_Escape)
    assert prompt(window) == "an owl\nat night" and window.inline.editor is None and window.view.hasFocus()
    press(window, K.Key_Z, CTRL)
    assert prompt(window) == "a fox"


def test_esc_keeps_a_prompt_that_was_typed_in_the_inspector(window, qtbot):
    window.scene.select(["prompt"])
    qtbot.waitUntil(lambda: window.inspector.nodes == ("prompt",))
    area = window.inspector.page.rows["prompt"].editor.area
    area.setFocus()
    area.selectAll()
    QTest.keyClick(typed("an owl"), K.Key_Escape)
    assert prompt(window) == "an owl"
    assert window.document.undo() and prompt(window) == "a fox" and area.toPlainText() == "a fox"


def test_esc_in_a_text_that_is_as_it_was_makes_no_edit(window):
    before = window.document.graph
    for open in (lambda: open_prompt(window), lambda: double_click(window.view, (500, 50))):
        open()
        QTest.keyClick(QApplication.focusWidget(), K.Key_Escape)
    assert window.document.graph is before and not window.document.drafts


def test_esc_in_a_title_and_in_a_line_leaves_them_as_they_were(window):
    before = window.document.graph
    double_click(window.view, title(window, "prompt"))
    line = typed("Another")
    assert isinstance(line, QLineEdit)
    QTest.keyClick(line, K.Key_Escape)
    window.view.open_editor("prompt", "checkpoint")
    assert window.inline.place is not None
    QTest.keyClick(typed("12"), K.Key_Escape)
    assert window.document.graph is before and window.document.drafted == before


def test_what_is_typed_is_kept_for_a_crash_until_it_is_taken_or_given_up(window, qtbot):
    file = window.filing.recovery.path
    double_click(window.view, (500, 50))
    typed("Half a thou")
    qtbot.waitUntil(file.exists, timeout=1000)
    assert note(window).text == "Look" and not window.document.dirty
    assert canvas_of(kept(window)).notes[0].text == "Half a thou"
    typed("ght")
    qtbot.waitUntil(lambda: "Half a thought" in file.read_text(), timeout=1000)
    window.desk.writings.over.typing.finish(False)
    qtbot.waitUntil(lambda: not file.exists(), timeout=1000)




@pytest.mark.parametrize("what", ["prompt", "inspector", "title", "dock title"])
def test_every_field_that_is_being_typed_in_is_kept_for_a_crash(window, qtbot, what):
    window.scene.select(["prompt"])
    qtbot.waitUntil(lambda: window.inspector.nodes == ("prompt",))
    page = window.inspector.page
    if what == "prompt":
        open_prompt(window)
    elif what == "title":
        double_click(window.view, title(window, "prompt"))
    else:
        field = page.title if what == "dock title" else page.rows["prompt"].editor.area
        field.setFocus()
        field.selectAll()
    typed("unfinished")
    qtbot.waitUntil(window.filing.recovery.path.exists, timeout=1000)
    node = kept(window).nodes["prompt"]
    assert (node.title if "title" in what else node.inputs["prompt"]) == "unfinished"


def test_a_page_that_goes_leaves_no_draft_behind(window, qtbot):
    window.scene.select(["prompt"])
    qtbot.waitUntil(lambda: window.inspector.nodes == ("prompt",))
    area = window.inspector.page.rows["prompt"].editor.area
    area.setFocus()
    typed("x")
    assert window.document.drafts
    window.document.edit("Delete", Graph())
    qtbot.waitUntil(lambda: not window.document.drafts)
    window.filing.keep()


def test_saving_takes_what_is_being_typed_and_the_editor_stays(window, tmp_path):
    window.filing.save_to(tmp_path / "a.json")
    double_click(window.view, (500, 50))
    over = typed("Half")
    window.actions_by_id["save"].trigger()
    assert canvas_of(nodegraph.load(tmp_path / "a.json")).notes[0].text == "Half"
    assert over.isVisible() and over.hasFocus() and not window.document.dirty
    typed(" and whole")
    QTest.keyClick(over, K.Key_Escape)
    assert note(window).text == "Half and whole" and window.document.dirty


def test_closing_asks_for_what_is_only_being_typed(window):
    double_click(window.view, (500, 50))
    typed("Half")
    assert not window.document.dirty
    window.close()
    assert "changes that are not saved" in window.filing.question.text() and note(window).text == "Half"


def test_what_is_typed_to_be_half_a_letter_costs_no_recovery(window):
    window.document.drafts.hold("me", lambda graph: graph.set("prompt", prompt="\ud800"))
    window.document.edit("Mute", window.document.graph.with_mode("prompt", "mute"))
    window.filing.keep()
    assert not window.bars.shown and window.filing.recovery.path.exists()


def test_the_page_of_shortcuts_says_what_esc_does(window, qtbot):
    window.actions_by_id["shortcuts"].trigger()
    page = window.findChild(ShortcutsPage)
    page.line.setText("esc note")
    assert page.shown == [("Keep a note or a text of several lines", "Esc, Ctrl+Enter, or a click elsewhere")]


SESSION = """
import sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from nodegraph_gui.app import Editor, make_application
from nodegraph_gui.kept_catalogues import KeptCatalogues
folder = Path(sys.argv[1])
app = make_application([])
editor = Editor(folder / "config", folder / "state", KeptCatalogues(folder / "cache"), works=False)
window = editor.new_window()
window.show_page(False)
window.activateWindow()
QTest.qWaitForWindowActive(window)
control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
QTest.keyClick(window.view, Qt.Key.Key_N, control | shift)
QTest.keyClicks(QApplication.focusWidget(), "a long thought")
print("typed", flush=True)
app.exec()
"""


def test_a_note_that_is_open_when_the_editor_is_killed_is_offered_with_its_text(tmp_path):
    session = subprocess.Popen([sys.executable, "-c", SESSION, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert session.stdout.readline() == "typed\n"
    time.sleep(1)
    session.send_signal(signal.SIGKILL)
    session.wait()
    session.stdout.close()
    (found,) = recoverable(tmp_path / "state")
    assert canvas_of(found.graph).notes[0].text == "a long thought"
