"""What the tests of the window share: an editor in folders of its own, and the keyboard and questions of a window."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from nodegraph_gui.app import Editor
from nodegraph_gui.kept_catalogues import KeptCatalogues
from nodegraph_gui.preferences import write_preferences

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Desktop:
    """Makes editors whose folders are below one, and closes their windows whatever they would ask."""

    def __init__(self, qtbot, folder, catalogue=None):
        self.qtbot, self.folder, self.editors = qtbot, folder, []
        self.catalogue = catalogue

    def start(self, preferences=None, *, worker=False):
        """An editor with its first window shown; without `worker`, none is started."""
        if preferences is not None:
            write_preferences(preferences, self.folder / "config")
        kept = KeptCatalogues(self.folder / "cache")
        editor = Editor(self.folder / "config", self.folder / "state", kept, works=worker)
        if self.catalogue is not None:
            editor.catalogue = self.catalogue
        self.editors.append(editor)
        window = editor.new_window()
        self.qtbot.waitExposed(window)
        return editor, window

    def close(self):
        for editor in self.editors:
            for window in list(editor.windows):
                window.filing.leave_at_once()
        QApplication.processEvents()


def press(window, key, keys=Qt.KeyboardModifier.NoModifier):
    """Press a key on the page that is shown, which has the keyboard."""
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    page = window.pages.currentWidget()
    page.setFocus()
    QTest.keyClick(page, key, keys)


def answer(window, name):
    """Click an answer of the question that the window asks."""
    QTest.mouseClick(window.filing.question.button_named(name), Qt.MouseButton.LeftButton)


def pick(window, path):
    """Choose a file in the dialog that the window shows, by typing its name."""
    dialog = next(each for each in window.findChildren(QFileDialog) if each.isVisible())
    dialog.selectFile(str(path))
    dialog.accept()
    assert not dialog.isVisible()
    QApplication.processEvents()


def bar(window, start):
    """The bar whose text begins so."""
    found = [each for each in window.bars.shown if each.text.startswith(start)]
    assert found, f"no bar begins with {start!r}: {[each.text for each in window.bars.shown]}"
    return found[0]


def click_bar(window, start, name):
    button = next(each for each in bar(window, start).buttons if each.text() == name)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
