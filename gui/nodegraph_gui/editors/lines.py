"""A line of text; also for what no other editor is for."""

import json
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit

from .editor import Editor

__all__ = ["Line", "LineEditor", "line_text"]


class Line(QLineEdit):
    """A line that says what was typed when Enter is pressed or the keyboard goes elsewhere."""

    entered = Signal(str)

    def enter(self) -> None:
        """Say what was typed, if anything was."""
        if self.isModified():
            self.setModified(False)
            self.entered.emit(self.text())

    def show_text(self, text: str) -> None:
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)
        self.setModified(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enter()
            self.returnPressed.emit()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.enter()


def line_text(value: Any) -> str:
    """A value as a line: text as it is, anything else as JSON writes it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=list)


class LineEditor(Editor):
    """A line; its text is the value, line breaks included, which are shown as ↵."""

    def fill(self) -> None:
        self.line = Line()
        if self.port.optional:
            self.line.setPlaceholderText("none")
        self.line.textEdited.connect(lambda text: self.sketch(self.read(text)))
        self.line.entered.connect(lambda text: self.choose(self.read(text)))
        self.watch(self.line)
        self.put(self.line)

    def read(self, text: str) -> Any:
        if self.port.optional and not text:
            return None
        return text.replace("↵", "\n")

    def show_value(self) -> None:
        self.line.show_text(line_text(self.value).replace("\n", "↵"))

    def commit(self) -> None:
        self.line.enter()

    def cancel(self) -> None:
        self.line.setModified(False)
        super().cancel()
