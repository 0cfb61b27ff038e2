"""Nothing is lost by saving or closing: what is unsaved, open elsewhere, changed or gone is asked about."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from windows import CTRL, SHIFT, answer, bar, click_bar, pick, press

import nodegraph
from nodegraph_gui.runs import QueuedRun

ANAGRAM = Path(__file__).resolve().parent.parent.parent / "examples" / "anagram.json"


@pytest.fixture
def file(tmp_path):
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "a.json")
    return tmp_path / "a.json"


@pytest.fixture
def window(desktop, file):
    window = desktop.start()[1]
    assert window.filing.open(file)
    return window


def mute(window, node="six"):
    window.scene.select([node])
    press(window, Qt.Key.Key_M)
    assert window.document.dirty


def muted(file):
    return [id for id, node in nodegraph.load(file).nodes.items() if node.mode == "mute"]


def is_open(window, editor):
    QApplication.processEvents()
    return window in editor.windows


def test_ctrl_s_saves_and_the_window_closes_without_a_question(window, file):
    editor = window.editor
    mute(window)
    press(window, Qt.Key.Key_S, CTRL)
    assert muted(file) == ["six"] and not window.isWindowModified()
    assert window.hint.text() == "Saved a.json"
    assert window.close() and not is_open(window, editor)
    assert list((editor.state / "recovery").glob("*.json")) == []


def test_closing_unsaved_work_asks_and_saving_closes(window, file):
    editor = window.editor
    mute(window)
    assert not window.close() and is_open(window, editor)
    answer(window, "Save")
    assert not is_open(window, editor) and muted(file) == ["six"]


def test_closing_unsaved_work_can_be_taken_back(window, file):
    editor = window.editor
    mute(window)
    window.close()
    answer(window, "Cancel")
    assert is_open(window, editor) and window.document.dirty and muted(file) == []
    window.close()
    answer(window, "Drop them")
    assert not is_open(window, editor) and muted(file) == []


def test_esc_means_cancel(window, qtbot):
    mute(window)
    window.close()
    qtbot.keyClick(window.filing.question, Qt.Key.Key_Escape)
    assert is_open(window, window.editor) and window.filing.question is None


def test_asking_twice_shows_one_question(window):
    mute(window)
    window.close()
    first = window.filing.question
    window.close()
    assert window.filing.question is first
    answer(window, "Cancel")


def test_a_graph_without_a_file_asks_for_its_name(desktop, tmp_path):
    editor, window = desktop.start()
    window.show_page(False)
    window.desk.add("PureNoise")
    window.close()
    answer(window, "Save")
    pick(window, tmp_path / "new")
    assert not is_open(window, editor)
    assert [node.type for node in nodegraph.load(tmp_path / "new.json").nodes.values()] == ["PureNoise"]
    assert editor.session.recent == [tmp_path / "new.json"]


def test_quitting_asks_first_and_closes_all_or_none(desktop, file):
    editor, window = desktop.start()
    window.filing.open(file)
    mute(window)
    clean = editor.new_window()
    other = editor.new_window()
    other.show_page(False)
    other.desk.add("PureNoise")
    opened = list(editor.windows)
    other.actions_by_id["quit"].trigger()
    answer(other, "Drop them")
    QApplication.processEvents()
    assert editor.windows == opened and clean.isVisible()
    answer(window, "Cancel")
    QApplication.processEvents()
    assert editor.windows == opened and all(each.isVisible() for each in opened) and not editor.quitting
    assert not other.close()  # what was said of it holds no longer
    answer(other, "Cancel")
    window.actions_by_id["quit"].trigger()
    answer(other, "Drop them")
    QApplication.processEvents()
    answer(window, "Save")
    QApplication.processEvents()
    QApplication.processEvents()
    assert editor.windows == [] and muted(file) == ["six"]


def test_closing_during_a_run_asks(window, tmp_path):
    editor = window.editor
    window.runs.current = QueuedRun(1, window.document.graph, tmp_path)
    assert not window.close()
    answer(window, "Keep it running")
    assert is_open(window, editor)
    mute(window)
    window.close()
    answer(window, "End the run and close")
    assert is_open(window, editor)
    answer(window, "Drop them")
    assert not is_open(window, editor)


def test_save_as_asks_before_it_replaces_another_file(window, tmp_path, file):
    other = tmp_path / "other.json"
    other.write_text("precious")
    mute(window)
    press(window, Qt.Key.Key_S, CTRL | SHIFT)
    pick(window, other)
    assert other.read_text() == "precious" and "is there already" in window.filing.question.text()
    answer(window, "Cancel")
    assert other.read_text() == "precious" and window.document.path == file
    press(window, Qt.Key.Key_S, CTRL | SHIFT)
    pick(window, other)
    answer(window, "Replace")
    assert muted(other) == ["six"] and muted(file) == []
    assert window.document.path == other and window.windowTitle().startswith("other.json")


def test_a_file_that_another_program_changed_is_not_written_over(window, file):
    mute(window)
    nodegraph.save(nodegraph.load(file).with_mode("nine", "mute"), file)
    press(window, Qt.Key.Key_S, CTRL)
    assert muted(file) == ["nine"] and "changed by another program" in window.filing.question.text()
    answer(window, "Cancel")
    assert muted(file) == ["nine"] and window.document.dirty
    press(window, Qt.Key.Key_S, CTRL)
    answer(window, "Save over it")
    assert muted(file) == ["six"] and not window.document.dirty


def test_a_change_on_the_disk_is_told_and_can_be_shown(window, file):
    nodegraph.save(nodegraph.load(file).with_mode("nine", "mute"), file)
    window.filing.look()
    click_bar(window, "a.json was changed by another program", "Show that")
    assert window.document.graph.nodes["nine"].mode == "mute" and not window.document.dirty
    assert not window.bars.shown
    mute(window)
    nodegraph.save(nodegraph.load(file).with_mode("nine", None), file)
    window.filing.look()
    click_bar(window, "a.json was changed", "Show that")
    answer(window, "Cancel")
    assert window.document.graph.nodes["six"].mode == "mute"


def test_a_file_that_vanished_makes_the_document_unsaved(window, file):
    file.unlink()
    window.filing.look()
    assert window.document.dirty and window.isWindowModified()
    click_bar(window, f"{file} is no longer there", "Save it again")
    answer(window, "Save again")
    assert len(nodegraph.load(file).nodes) == 11 and not window.document.dirty and not window.bars.shown


def test_a_folder_that_vanished_is_made_again_after_a_yes(window, file, tmp_path):
    place = tmp_path / "project" / "graphs"
    window.filing.save_to(place / "a.json")
    assert not place.exists()
    assert window.filing.question.text() == f"The folder {place} is not there. Make it, and save in it?"
    answer(window, "Cancel")
    assert not place.exists() and window.document.path == file
    window.filing.save_to(place / "a.json")
    answer(window, "Make it and save")
    assert window.document.path == place / "a.json" and len(nodegraph.load(place / "a.json").nodes) == 11

    shutil.rmtree(tmp_path / "project")
    window.filing.look()
    mute(window)
    click_bar(window, f"{place / 'a.json'} is no longer there", "Save it again")
    answer(window, "Make it and save")
    assert muted(place / "a.json") == ["six"] and not window.document.dirty and not window.bars.shown
    assert window.filing.question is None


def test_a_folder_that_cannot_be_made_is_told_and_the_window_stays(window, tmp_path, monkeypatch):
    mute(window)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    window.filing.save_to(tmp_path / "new" / "a.json", window.filing.leave_at_once)
    answer(window, "Make it and save")
    told = f"Not saved: the folder {tmp_path / 'new'} cannot be made: you have no permission to write there"
    assert bar(window, "Not saved").text == told
    assert is_open(window, window.editor) and window.document.dirty


def test_two_editors_on_one_file_are_told_and_asked(desktop, window, file):
    other = desktop.start()[1]
    assert other.filing.open(file)
    assert "is open in another window, too" in bar(other, "a.json").text
    mute(other)
    press(other, Qt.Key.Key_S, CTRL)
    assert muted(file) == [] and "open in another window" in other.filing.question.text()
    answer(other, "Cancel")
    assert muted(file) == []


def test_a_folder_without_permission_is_told_and_keeps_the_work(window, file, monkeypatch):
    mute(window)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("nodegraph.writing.open_temporary", refuse)
    press(window, Qt.Key.Key_S, CTRL)
    assert "you have no permission to write there" in bar(window, "Not saved").text
    assert window.document.dirty and muted(file) == []
    monkeypatch.undo()
    press(window, Qt.Key.Key_S, CTRL)
    assert muted(file) == ["six"] and not window.bars.has("save")


def test_a_file_that_can_only_be_read_is_told(window, file):
    mute(window)
    os.chmod(file, stat.S_IRUSR)
    if os.access(file, os.W_OK):  # root may write everywhere, so that the mode says nothing
        os.chmod(file, stat.S_IRUSR | stat.S_IWUSR)
        return
    press(window, Qt.Key.Key_S, CTRL)
    assert "can only be read" in bar(window, "Not saved").text


def test_a_full_disk_while_closing_keeps_the_window(window, file, monkeypatch):
    mute(window)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nodegraph.writing.write_durably", full)
    window.close()
    answer(window, "Save")
    assert is_open(window, window.editor) and window.document.dirty
    assert "the disk is full" in bar(window, "Not saved").text
    assert muted(file) == []
    assert [each.text() for each in bar(window, "Not saved").buttons] == ["Save as…"]


def test_going_back_to_the_file_asks(window):
    mute(window)
    window.actions_by_id["revert"].trigger()
    answer(window, "Drop it")
    assert window.document.graph.nodes["six"].mode is None and not window.document.dirty
    assert not window.actions_by_id["revert"].isEnabled()


def test_an_example_is_never_written_over(desktop, tmp_path):
    before = ANAGRAM.read_bytes()
    window = desktop.start()[1]
    window.filing.open_example(next(each for each in window.editor.examples()[0] if each.file == ANAGRAM))
    mute(window)
    press(window, Qt.Key.Key_S, CTRL)
    pick(window, tmp_path / "mine.json")
    assert muted(tmp_path / "mine.json") == ["six"] and ANAGRAM.read_bytes() == before
