"""After a crash the next start offers what was there a moment before; what is not answered is offered again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from windows import answer, bar, click_bar

import nodegraph
from nodegraph_gui.preferences import Preferences
from nodegraph_gui.recovery import recoverable

ANAGRAM = Path(__file__).resolve().parent.parent.parent / "examples" / "anagram.json"

SESSION = """
import sys, os
from pathlib import Path
from nodegraph_gui.app import Editor, make_application
from nodegraph_gui.kept_catalogues import KeptCatalogues
folder = Path(sys.argv[1])
app = make_application([])
editor = Editor(folder / "config", folder / "state", KeptCatalogues(folder / "cache"), works=False)
window = editor.new_window()
window.filing.open(folder / "a.json")
window.document.edit("Mute six", window.document.graph.with_mode("six", "mute"))
print("edited", flush=True)
app.exec()
"""


@pytest.fixture
def crashed(tmp_path):
    """What a session leaves that was killed a second after its last edit."""
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "a.json")
    session = subprocess.Popen([sys.executable, "-c", SESSION, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert session.stdout.readline() == "edited\n"
    time.sleep(1)
    session.send_signal(signal.SIGKILL)
    session.wait()
    session.stdout.close()
    return tmp_path


def test_a_crash_is_followed_by_an_offer_and_restoring_brings_the_work_back(desktop, crashed):
    editor, window = desktop.start()
    editor.recovering.offer()
    offer = bar(window, "The last session did not end well. a.json (of ")
    assert [button.text() for button in offer.buttons] == ["Restore", "Drop it"]
    click_bar(window, "The last session", "Restore")
    assert window.document.path == crashed / "a.json" and window.document.dirty
    assert window.document.graph.nodes["six"].mode == "mute"
    assert nodegraph.load(crashed / "a.json").nodes["six"].mode is None
    assert recoverable(editor.state) == [] and window.filing.recovery.path.exists()
    window.filing.save()
    assert nodegraph.load(crashed / "a.json").nodes["six"].mode == "mute"
    assert not window.filing.recovery.path.exists()


def test_an_offer_that_is_closed_comes_again_and_one_that_is_dropped_does_not(desktop, crashed):
    editor, window = desktop.start()
    editor.recovering.offer()
    QTest.mouseClick(window.bars.shown[0].cross, Qt.MouseButton.LeftButton)
    assert window.is_untouched and len(recoverable(editor.state)) == 1
    editor, window = desktop.start()
    editor.recovering.offer()
    click_bar(window, "The last session", "Drop it")
    assert recoverable(editor.state) == [] and not window.bars.shown


def test_a_file_that_came_since_is_not_written_over_by_what_is_restored(desktop, crashed):
    nodegraph.save(nodegraph.load(ANAGRAM).with_mode("nine", "mute"), crashed / "a.json")
    editor, window = desktop.start()
    editor.recovering.offer()
    click_bar(window, "The last session", "Restore")
    window.filing.save()
    assert "changed by another program" in window.filing.question.text()
    assert nodegraph.load(crashed / "a.json").nodes["six"].mode is None
    answer(window, "Cancel")


def test_several_are_offered_one_after_the_other_each_in_a_window(desktop, crashed):
    state = crashed / "state" / "recovery"
    first = next(state.glob("*.recovery.json"))
    (state / "1-aaaa.recovery.json").write_bytes(first.read_bytes())
    (state / "2-bbbb.recovery.json").write_text("{")
    editor, window = desktop.start()
    editor.recovering.offer()
    assert "2 more will be offered." in window.bars.shown[0].text
    click_bar(window, "The last session", "Restore")
    assert len(editor.windows) == 1
    front = next(each for each in editor.windows if each.bars.has("recover"))
    click_bar(front, "The last session", "Restore")
    assert len(editor.windows) == 2
    front = next(each for each in editor.windows if each.bars.has("recover"))
    offer = front.bars.shown[-1]
    assert "was left by a crash, but it is damaged" in offer.text
    assert [button.text() for button in offer.buttons] == ["Drop it"]
    assert (state / "2-bbbb.recovery.json").exists()


def test_what_a_living_window_writes_is_not_offered(desktop, tmp_path):
    _editor, window = desktop.start()
    window.show_page(False)
    window.desk.add("PureNoise")
    window.filing.keep()
    other = desktop.start()[0]
    other.recovering.offer()
    assert not other.windows[0].bars.shown and window.filing.recovery.path.exists()


def test_edits_without_a_pause_are_kept_within_the_second(desktop, qtbot):
    editor, window = desktop.start(Preferences(autosave=0.3))
    window.show_page(False)
    began, kept = time.monotonic(), None
    while time.monotonic() - began < 1 and kept is None:
        window.desk.add("PureNoise")
        qtbot.wait(20)
        kept = next((editor.state / "recovery").glob("*.recovery.json"), None)
    assert kept is not None


def test_a_recovery_file_that_cannot_be_written_is_told_once_and_costs_no_edit(desktop, monkeypatch):
    editor, window = desktop.start()
    window.show_page(False)
    (editor.state / "recovery").parent.mkdir(exist_ok=True)
    (editor.state / "recovery").write_text("no folder")
    for _ in range(2):
        window.desk.add("PureNoise")
        window.filing.keep()
    assert len(window.bars.shown) == 1 and len(window.document.graph.nodes) == 2
    assert window.bars.shown[0].text == (
        "What you do is not kept for the case of a crash: nothing can be written to "
        f"{editor.state / 'recovery'} (a file is where its folder should be). Saving works as ever."
    )
    QTest.mouseClick(window.bars.shown[0].cross, Qt.MouseButton.LeftButton)
    other = editor.new_window(welcome=False)
    for each in (window, other):
        each.desk.add("PureNoise")
        each.filing.keep()
        assert not each.bars.shown and each.document.dirty
    window.filing.save_to(desktop.folder / "saved.json")
    assert not window.document.dirty and not window.bars.shown
    window.desk.add("PureNoise")
    window.filing.keep()
    assert not window.bars.shown
    os.unlink(editor.state / "recovery")
    window.desk.add("PureNoise")
    window.filing.keep()
    assert not window.bars.shown and window.filing.recovery.path.exists()


def test_what_was_restored_and_cannot_be_kept_anew_stays_where_it_is(desktop, crashed, monkeypatch):
    editor, window = desktop.start()

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("nodegraph.writing.open_temporary", refuse)
    window.document.edit("Add", nodegraph.Graph().add("noise", "PureNoise"))
    window.filing.keep()
    assert "you have no permission to write there" in bar(window, "What you do is not kept").text
    QTest.mouseClick(window.bars.shown[0].cross, Qt.MouseButton.LeftButton)
    editor.recovering.offer()
    click_bar(window, "The last session did not end well", "Restore")
    assert len(list((editor.state / "recovery").glob("*.recovery.json"))) == 1  # though it was not said again
