"""Texts, choices, switches, paths and lists are typed, chosen and taken back with real events."""

import os
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QScrollArea, QVBoxLayout, QWidget
from shown_editors import Shown

from nodegraph.frozen import same
from nodegraph_gui.catalogues import Port
from nodegraph_gui.editors import make_editor
from nodegraph_gui.editors.lists import list_text
from nodegraph_gui.editors.paths import full_path, path_text
from nodegraph_gui.editors.thumbnails import read_thumbnail
from nodegraph_gui.rules import Rule

LEFT, CTRL, ALT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def shown(qtbot, catalogue):
    def show(kind, name, value, **options):
        return Shown(qtbot, catalogue.kinds[kind].inputs_by_name[name], value, height=300, **options)

    return show


def wheel(widget, notches):
    at = QPointF(widget.rect().center())
    turn = QPoint(0, 120 * notches)
    where, phase = QPointF(widget.mapToGlobal(at)), Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, where, QPoint(), turn, Qt.MouseButton.NoButton, NONE, phase, False)
    QApplication.sendEvent(widget, event)


class TestText:
    def test_it_is_told_when_it_is_done_and_undone_on_its_own(self, shown):
        it = shown("EncodePrompt", "prompt", "a fox")
        area = it.editor.area
        area.setFocus()
        QTest.keyClick(area, Qt.Key.Key_A, CTRL)
        QTest.keyClicks(area, "an owl")
        QTest.keyClick(area, Qt.Key.Key_Return)
        QTest.keyClicks(area, "at night")
        assert it.said == [] and area.toPlainText() == "an owl\nat night"
        QTest.keyClick(area, Qt.Key.Key_Z, CTRL)
        assert it.said == [] and area.toPlainText() != "an owl\nat night"
        QTest.keyClick(area, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(area, Qt.Key.Key_Return, CTRL)
        assert it.said == [("changed", "an owl\nat night")]

    def test_leaving_keeps_and_so_does_esc(self, shown):
        it = shown("EncodePrompt", "prompt", "a fox")
        area = it.editor.area
        area.setFocus()
        QTest.keyClicks(area, "x")
        it.other.setFocus()
        assert it.said == [("changed", "xa fox")]
        area.setFocus()
        QTest.keyClicks(area, "yyy")
        QTest.keyClick(area, Qt.Key.Key_Escape)
        assert it.said[1:] == [("changed", "xyyya fox")] and area.toPlainText() == "xyyya fox"
        it.other.setFocus()
        assert len(it.said) == 2

    def test_tab_leaves_it(self, shown):
        it = shown("EncodePrompt", "prompt", "a fox")
        it.editor.area.setFocus()
        QTest.keyClick(it.editor.area, Qt.Key.Key_Tab)
        assert not it.editor.area.hasFocus() and it.said == []

    def test_what_is_too_long_is_marked_while_it_is_written(self, shown):
        it = shown("EncodePrompt", "prompt", "x" * 20000)
        assert not it.editor.why
        it.editor.area.setFocus()
        QTest.keyClicks(it.editor.area, "y")
        assert "must be at most 20,000 characters long" in it.editor.why and it.editor.problem.isVisible()

    def test_a_value_that_is_no_text_is_shown_and_stays(self, shown):
        it = shown("EncodePrompt", "prompt", 3)
        assert it.editor.area.toPlainText() == "3" and it.editor.why == "is 3, must be text"
        it.editor.area.setFocus()
        it.other.setFocus()
        assert it.said == []


class TestLine:
    def test_a_file_name_is_judged_as_it_is_typed(self, shown):
        it = shown("SaveImage", "name", "picture")
        line = it.editor.line
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, "../up")
        assert "leads out of the output folder" in it.editor.why
        QTest.keyClick(line, Qt.Key.Key_Return)
        assert it.said == [("changed", "../up")] and line.property("wrong")

    def test_line_breaks_survive(self, shown):
        it = shown("UNetMNIST", "digit", "1\n2")
        it.editor.line.setFocus()
        QTest.keyClick(it.editor.line, Qt.Key.Key_End)
        QTest.keyClicks(it.editor.line, "3")
        it.other.setFocus()
        assert it.said == [("changed", "1\n23")]


class TestChoice:
    def test_keys_choose_and_the_wheel_only_with_the_keyboard(self, shown):
        it = shown("IterativeSampler", "method", "ddpm")
        box = it.editor.box
        wheel(box, -1)
        assert it.said == [] and box.currentText() == "ddpm"
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert it.said == [("changed", "ddim")]
        wheel(box, -1)
        assert it.said[-1] == ("changed", "dpm++")

    def test_what_is_no_choice_is_shown_first_and_marked(self, shown):
        it = shown("IterativeSampler", "method", "dppm")
        assert it.editor.box.currentText() == "dppm" and it.editor.box.count() == 5
        assert it.editor.why.endswith("(did you mean 'ddpm'?)") and it.editor.problem.isVisible()
        it.editor.box.setFocus()
        QTest.keyClick(it.editor.box, Qt.Key.Key_Down)
        assert it.said == [("changed", "ddpm")] and it.editor.box.count() == 4 and not it.editor.why

    def test_many_are_found_by_letters(self, qtbot):
        names = tuple(f"view {n}" for n in range(30))
        it = Shown(qtbot, Port("view", "choice", is_data=True, choices=names, schema={"enum": list(names)}), "view 0")
        line = it.editor.box.lineEdit()
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, "17")
        assert it.editor.box.completer().currentCompletion() == "view 17" and "must be one of" in it.editor.why
        line.selectAll()
        QTest.keyClicks(line, "VIEW 17")
        QTest.keyClick(line, Qt.Key.Key_Return)
        assert it.said == [("changed", "view 17")]
        line.selectAll()
        QTest.keyClicks(line, "nothing")
        it.other.setFocus()
        assert it.said[-1] == ("changed", "nothing") and "must be one of" in it.editor.why

    def test_a_page_scrolls_under_a_choice_that_has_not_the_keyboard(self, qtbot, catalogue):
        area, page = QScrollArea(), QWidget()
        column = QVBoxLayout(page)
        port = catalogue.kinds["IterativeSampler"].inputs_by_name["method"]
        editor = make_editor(port, "ddpm", page)
        column.addWidget(editor)
        page.setMinimumHeight(2000)
        area.setWidget(page)
        qtbot.addWidget(area)
        area.resize(300, 200)
        with qtbot.waitExposed(area):
            area.show()
        area.setFocus()
        column.addStretch(1)
        QApplication.processEvents()
        at = QPointF(editor.box.mapTo(area, editor.box.rect().center()))
        QTest.wheelEvent(area.windowHandle(), at, QPoint(0, -240))  # as from the system, so that it goes to parents
        assert editor.value == "ddpm" and area.verticalScrollBar().value() > 0
        editor.box.setFocus()
        area.verticalScrollBar().setValue(0)
        QTest.wheelEvent(area.windowHandle(), at, QPoint(0, -240))
        assert editor.value == "ddim" and area.verticalScrollBar().value() == 0


class TestSwitch:
    def test_it_is_turned_by_click_and_space(self, shown):
        it = shown("PlotLosses", "logarithmic", True)
        switch = it.editor.switch
        QTest.mouseClick(switch, LEFT)
        switch.setFocus()
        QTest.keyClick(switch, Qt.Key.Key_Space)
        assert it.said == [("changed", False), ("changed", True)]

    def test_neither_yes_nor_no_is_shown_as_it_is(self, shown):
        it = shown("PlotLosses", "logarithmic", "yes")
        assert it.editor.switch.text() == "yes" and it.editor.why == "is 'yes', must be true or false"
        assert it.editor.switch.checkState() == Qt.CheckState.PartiallyChecked
        QTest.mouseClick(it.editor.switch, LEFT)
        assert it.said == [("changed", True)] and not it.editor.why


def save_picture(path, wide, high):
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    assert image.save(str(path))
    return path


def huge_png(path):
    """A PNG of a few bytes that says that it has 40,000 x 40,000 pixels."""
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


class TestPath:
    def test_the_picture_is_shown_and_its_size(self, shown, qtbot, tmp_path):
        save_picture(tmp_path / "a.png", 640, 320)
        it = shown("LoadImage", "path", "a.png", folder=tmp_path)
        qtbot.waitUntil(it.editor.thumbnail.isVisible)
        assert it.editor.caption.text() == "640 × 320"
        it.editor.set_value("b.png")
        qtbot.waitUntil(lambda: it.editor.caption.text() == "is not there")
        assert not it.editor.thumbnail.isVisible()

    def test_only_the_last_of_many_is_shown(self, shown, qtbot, tmp_path):
        for n in range(8):
            save_picture(tmp_path / f"{n}.png", 10 + n, 10)
        it = shown("LoadImage", "path", "0.png", folder=tmp_path)
        for n in range(8):
            it.editor.set_value(f"{n}.png")
        qtbot.waitUntil(lambda: it.editor.caption.text() == "17 × 10")
        qtbot.wait(100)
        assert it.editor.caption.text() == "17 × 10"

    def test_an_editor_that_goes_while_its_picture_is_read_does_no_harm(self, qtbot, catalogue, tmp_path):
        save_picture(tmp_path / "a.png", 2000, 2000)
        port = catalogue.kinds["LoadImage"].inputs_by_name["path"]
        for _ in range(5):
            editor = make_editor(port, "a.png", folder=tmp_path)
            editor.deleteLater()
            del editor
            QApplication.processEvents()
        qtbot.wait(200)

    def test_huge_broken_and_strange_files_are_told_and_never_read_whole(self, tmp_path):
        (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
        (tmp_path / "empty.png").write_bytes(b"")
        with open(tmp_path / "long.png", "wb") as file:
            file.truncate(300_000_000)
        os.mkfifo(tmp_path / "pipe.png")
        said = {
            name: read_thumbnail(tmp_path / name)
            for name in ("broken.png", "empty.png", "long.png", "pipe.png", "none.png", ".")
        }
        said["huge"] = read_thumbnail(huge_png(tmp_path / "huge.png"))
        assert all(image is None for image, _ in said.values())
        assert {name: line for name, (_, line) in said.items()} == {
            "broken.png": "no preview",
            "empty.png": "no preview",
            "long.png": "300 MB, too large for a preview",
            "pipe.png": "is no regular file",
            "none.png": "is not there",
            ".": "is a folder",
            "huge": "40000 × 40000, too large for a preview",
        }

    def test_a_thumbnail_is_small(self, tmp_path):
        image, line = read_thumbnail(save_picture(tmp_path / "a.png", 3000, 10))
        assert max(image.width(), image.height()) <= 320 and image.height() >= 1 and line == "3000 × 10"

    @pytest.mark.parametrize(
        ("path", "folder", "text"),
        [
            ("/work/here/a.png", "/work/here", "a.png"),
            ("/work/here/sub/a.png", "/work/here", "sub/a.png"),
            ("/work/there/a.png", "/work/here", "/work/there/a.png"),
            ("/work/here.png", "/work/here", "/work/here.png"),
            ("/work/here/..a.png", "/work/here", "..a.png"),
            ("/a.png", None, "/a.png"),
        ],
    )
    def test_a_path_is_written_relative_where_it_is_below(self, path, folder, text):
        assert path_text(path, folder and type(full_path("/", None))(folder)) == text

    def test_the_dialog_chooses_and_nothing_waits_for_it(self, shown, qtbot, tmp_path):
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, True)
        (tmp_path / "sub").mkdir()
        chosen = save_picture(tmp_path / "sub" / "a.png", 4, 4)
        it = shown("LoadImage", "path", None, folder=tmp_path)
        assert it.editor.why
        QTest.mouseClick(it.editor.button, LEFT)
        dialog = it.editor.dialog
        qtbot.waitUntil(dialog.isVisible)
        assert dialog.directory().absolutePath() == str(tmp_path)
        QTest.mouseClick(it.editor.button, LEFT)
        assert it.editor.dialog is dialog
        dialog.selectFile(str(chosen))
        dialog.findChild(QLineEdit).setText(str(chosen))
        dialog.accept()
        assert it.said == [("changed", "sub/a.png")] and it.editor.dialog is None and not it.editor.why

    def test_a_folder_is_chosen_where_one_is_wanted(self, shown, tmp_path):
        it = shown("LoadMNIST", "folder", None, folder=tmp_path)
        it.editor.open_dialog()
        assert it.editor.dialog.fileMode() == QFileDialog.FileMode.Directory
        it.editor.dialog.reject()
        assert it.said == [] and it.editor.dialog is None

    def test_a_file_is_dropped(self, shown, tmp_path):
        path = save_picture(tmp_path / "a.png", 4, 4)
        it = shown("LoadImage", "path", "", folder=tmp_path)
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        copy, at = Qt.DropAction.CopyAction, QPoint(20, 10)
        enter = QDragEnterEvent(at, copy, mime, LEFT, NONE)
        QApplication.sendEvent(it.editor, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(it.editor, QDropEvent(QPointF(at), copy, mime, LEFT, NONE))
        assert it.said == [("changed", "a.png")]


class TestList:
    def test_commas_are_typed(self, shown):
        it = shown("IterativeSampler", "timesteps", [990, 960])
        line = it.editor.line
        assert line.text() == "990, 960" and it.editor.rows.count() == 2
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, "9, 8,7")
        QTest.keyClick(line, Qt.Key.Key_Return)
        assert it.said == [("changed", [9, 8, 7])] and it.editor.rows.count() == 3
        line.selectAll()
        QTest.keyClicks(line, "9, x")
        QTest.keyClick(line, Qt.Key.Key_Return)
        assert it.said[-1] == ("changed", "9, x") and line.text() == "9, x" and "must be a list" in it.editor.why

    def test_values_are_added_removed_and_moved(self, shown, qtbot):
        it = shown("IterativeSampler", "timesteps", [3, 2, 1])
        it.editor.rows.setCurrentRow(0)
        QTest.mouseClick(it.editor.down_button, LEFT)
        assert it.said[-1] == ("changed", [2, 3, 1]) and it.editor.rows.currentRow() == 1
        QTest.keyClick(it.editor.rows, Qt.Key.Key_Up, ALT)
        assert it.said[-1] == ("changed", [3, 2, 1])
        QTest.keyClick(it.editor.rows, Qt.Key.Key_Delete)
        assert it.said[-1] == ("changed", [2, 1])
        QTest.mouseClick(it.editor.add_button, LEFT)
        typing = it.editor.rows.findChild(QLineEdit)
        QTest.keyClicks(typing, "0")
        QTest.keyClick(typing, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: it.said[-1] == ("changed", [2, 1, 0]))
        it.editor.rows.setCurrentRow(2)
        assert not it.editor.down_button.isEnabled() and it.editor.up_button.isEnabled()

    def test_a_choice_is_added_from_a_menu(self, shown):
        it = shown("MultiView", "views", ["flip"])
        QTest.mouseClick(it.editor.add_button, LEFT)
        actions = {action.text(): action for action in it.editor.menu.actions()}
        assert it.editor.menu.isVisible() and len(actions) > 10
        actions["negate"].trigger()
        it.editor.menu.close()
        assert it.said == [("changed", ["flip", "negate"])]

    def test_rows_are_dragged_into_another_order(self, shown):
        it = shown("IterativeSampler", "timesteps", [3, 2, 1])
        model, top = it.editor.rows.model(), it.editor.rows.rootIndex()
        assert model.moveRow(top, 0, top, 3)
        assert it.said == [("changed", [2, 1, 3])]

    def test_what_is_no_list_is_shown_as_it_is(self, shown):
        it = shown("IterativeSampler", "timesteps", {"a": 1})
        assert it.editor.line.text() == '{"a": 1}' and it.editor.rows.count() == 0 and it.editor.why
        it.editor.line.setFocus()
        it.other.setFocus()
        assert it.said == []

    @given(st.data())
    def test_a_list_is_what_its_text_says(self, data):
        kind, one = data.draw(
            st.sampled_from(
                [
                    ("int", st.integers()),
                    ("float", st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)),
                    ("str", st.text(st.characters(codec="utf-8"))),
                    ("bool", st.booleans()),
                ]
            )
        )
        rule = Rule(Port("it", kind, is_list=True, is_data=True, schema={"type": "array", "items": {}}))
        value = data.draw(st.lists(one))
        assert same(rule.parse(list_text(value, rule)), value)
