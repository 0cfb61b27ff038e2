"""The quick-add list, by the keyboard and the mouse on a shown window."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTextEdit, QVBoxLayout, QWidget

from nodegraph_gui.quick_add import Choice, QuickAdd
from nodegraph_gui.usage import Usage


@pytest.fixture
def window(qtbot):
    """A widget that could be a view, beside another that can take the focus."""
    window = QWidget()
    window.view, window.other = QTextEdit(), QTextEdit()
    layout = QVBoxLayout(window)
    layout.addWidget(window.view)
    layout.addWidget(window.other)
    window.resize(900, 1000)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


@pytest.fixture
def popup(window, catalogue, tmp_path):
    popup = QuickAdd(Usage(tmp_path / "usage.json"), window.view)
    popup.taken, popup.gone = [], []
    popup.chosen.connect(popup.taken.append)
    popup.closed.connect(lambda: popup.gone.append(True))
    popup.everything = [Choice(kind) for kind in catalogue.kinds.values()]
    return popup


def names(popup):
    return [choice.kind.id for choice in popup.shown]


def press(popup, key):
    QTest.keyClick(popup.line, key)


def test_letters_and_enter_choose(popup):
    popup.open_at(QPoint(20, 20), popup.everything)
    assert popup.isVisible() and popup.line.hasFocus()
    assert len(names(popup)) == len(popup.everything)
    QTest.keyClicks(popup.line, "cfg")
    assert names(popup)[0] == "CFGCombine"
    press(popup, Qt.Key.Key_Return)
    assert [choice.kind.id for choice in popup.taken] == ["CFGCombine"]
    assert not popup.isVisible() and popup.gone == []
    assert popup.view.hasFocus()


def test_escape_closes_without_a_choice(popup):
    popup.open_at(QPoint(20, 20), popup.everything)
    QTest.keyClicks(popup.line, "cfg")
    press(popup, Qt.Key.Key_Escape)
    assert not popup.isVisible() and popup.taken == [] and popup.gone == [True]
    popup.open_at(QPoint(20, 20), popup.everything)
    assert popup.line.text() == ""


def test_arrows_move_and_the_description_follows(popup, catalogue):
    popup.open_at(QPoint(20, 20), popup.everything)
    second = names(popup)[1]
    press(popup, Qt.Key.Key_Down)
    assert popup.list.currentRow() == 1
    assert popup.about.text()[:30] in " ".join(catalogue.kinds[second].help.split())
    press(popup, Qt.Key.Key_Up)
    press(popup, Qt.Key.Key_Up)
    assert popup.list.currentRow() == len(popup.everything) - 1
    press(popup, Qt.Key.Key_PageUp)
    assert popup.list.currentRow() == len(popup.everything) - 8
    press(popup, Qt.Key.Key_Tab)
    assert popup.list.currentRow() == len(popup.everything) - 7
    press(popup, Qt.Key.Key_Return)
    assert len(popup.taken) == 1


def test_what_was_chosen_comes_first_next_time(popup):
    for _ in range(2):
        popup.open_at(QPoint(20, 20), popup.everything)
        QTest.keyClicks(popup.line, "saveimage")
        press(popup, Qt.Key.Key_Return)
    popup.open_at(QPoint(20, 20), popup.everything)
    assert names(popup)[0] == "SaveImage"


def test_a_row_is_taken_by_a_click(popup):
    popup.open_at(QPoint(20, 20), popup.everything)
    wanted = names(popup)[2]
    middle = popup.list.visualItemRect(popup.list.item(2)).center()
    QTest.mouseClick(popup.list.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert [choice.kind.id for choice in popup.taken] == [wanted]


def test_a_wire_offers_its_own_list_in_its_own_order(popup, catalogue):
    sampler, guide = catalogue.kinds["IterativeSampler"], catalogue.kinds["CFGCombine"]
    choices = [Choice(sampler, "denoiser"), Choice(guide, "conditional"), Choice(guide, "unconditional")]
    popup.open_at(QPoint(20, 20), choices, "Nodes that take a Denoiser")
    assert popup.shown == choices
    assert popup.heading.isVisible() and popup.heading.text() == "Nodes that take a Denoiser"
    QTest.keyClicks(popup.line, "cfg")
    press(popup, Qt.Key.Key_Down)
    press(popup, Qt.Key.Key_Enter)
    assert popup.taken == [choices[2]]


def test_nothing_found_says_so_and_enter_does_nothing(popup):
    popup.open_at(QPoint(20, 20), popup.everything)
    QTest.keyClicks(popup.line, "qqqq")
    assert names(popup) == [] and "qqqq" in popup.about.text()
    press(popup, Qt.Key.Key_Return)
    press(popup, Qt.Key.Key_Down)
    assert popup.taken == [] and popup.isVisible()


def test_it_is_as_high_as_what_was_found(popup):
    popup.open_at(QPoint(20, 20), popup.everything)
    QApplication.processEvents()
    full = popup.height()
    QTest.keyClicks(popup.line, "cfg")
    QApplication.processEvents()
    few, row = popup.height(), popup.list.visualItemRect(popup.list.item(0)).height()
    assert popup.list.viewport().height() == row * len(names(popup)) and few < full
    QTest.keyClicks(popup.line, "qqqq")
    QApplication.processEvents()
    assert not popup.list.isVisible() and popup.height() < few
    popup.line.clear()
    QApplication.processEvents()
    assert popup.height() == full and not popup.list.verticalScrollBar().isHidden()


def test_it_closes_when_the_focus_goes_elsewhere(popup, window):
    popup.open_at(QPoint(20, 20), popup.everything)
    QTest.mouseClick(window.other.viewport(), Qt.MouseButton.LeftButton)
    assert not popup.isVisible() and popup.gone == [True]
    assert window.other.hasFocus()


@pytest.mark.parametrize("at", [(-50, -50), (5000, 5000), (300, 200)])
def test_it_lies_within_the_view(popup, window, at):
    window.view.setMinimumHeight(600)
    popup.open_at(QPoint(*at), popup.everything)
    assert popup.parentWidget().rect().contains(popup.geometry())
