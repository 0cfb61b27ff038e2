"""An editor of values in a window of its own, which the tests of all editors share."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from nodegraph_gui.editors import make_editor


class Shown:
    """An editor in a window that has the keyboard, with what it said; `other` is another field."""

    def __init__(self, qtbot, port, value, height=120, **options):
        self.window = QWidget()
        column = QVBoxLayout(self.window)
        self.editor = make_editor(port, value, self.window, **options)
        self.other = QLineEdit()
        column.addWidget(self.editor)
        column.addWidget(self.other)
        qtbot.addWidget(self.window)
        self.said = []
        self.editor.changing.connect(lambda value: self.said.append(("changing", value)))
        self.editor.changed.connect(lambda value: self.said.append(("changed", value)))
        self.editor.cancelled.connect(lambda: self.said.append(("cancelled",)))
        self.window.resize(320, height)
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()
        self.other.setFocus()

    @property
    def last(self):
        return self.said[-1]

    def type(self, line, text, key=Qt.Key.Key_Return):
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, text) if text else QTest.keyClick(line, Qt.Key.Key_Delete)
        if key is not None:
            QTest.keyClick(line, key)
