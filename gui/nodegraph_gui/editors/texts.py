"""A text of several lines, with an undo of its own while it is written: the graph learns of it when it is done."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from .editor import Editor
from .lines import line_text

__all__ = ["TextArea", "TextEditor"]

FEWEST, MOST = 3, 9  # lines that are shown at once
OWN_KEYS = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


class TextArea(QPlainTextEdit):
    """Says what was written on Ctrl+Enter or when the keyboard goes elsewhere; as high as its text, within reason."""

    entered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.document().setDocumentMargin(2)

    def enter(self) -> None:
        """Say what was written, if anything was."""
        if self.document().isModified():
            self.document().setModified(False)
            self.entered.emit(self.toPlainText())

    def show_text(self, text: str) -> None:
        if text != self.toPlainText():
            self.setPlainText(text)  # and its own undo begins anew, as the text is another's
        self.document().setModified(False)

    def event(self, event: Any) -> bool:
        if event.type() == event.Type.ShortcutOverride and any(event.matches(key) for key in OWN_KEYS):
            event.accept()  # undo is the text's own while it is written, and never the graph's
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and ctrl:
            self.enter()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self.enter()


class TextEditor(Editor):
    """A text area whose text is the value; Esc keeps it."""

    def fill(self) -> None:
        self.area = TextArea()
        if self.port.optional:
            self.area.setPlaceholderText("none")
        self.area.textChanged.connect(self.written)
        self.area.entered.connect(lambda text: self.choose(self.read(text)))
        self.watch(self.area)
        self.put(self.area)

    def read(self, text: str) -> Any:
        return None if self.port.optional and not text else text

    def written(self) -> None:
        self.fit()
        if not self._showing:
            self.sketch(self.read(self.area.toPlainText()))

    def fit(self) -> None:
        """As many lines as the text has, within reason; the canvas gives the height of the row instead."""
        if self.compact:
            return
        lines = min(MOST, max(FEWEST, int(self.area.document().size().height())))
        self.area.setFixedHeight(lines * self.area.fontMetrics().lineSpacing() + 14)

    def show_value(self) -> None:
        self.area.show_text(line_text(self.value))
        self.fit()

    def is_done(self, event: QKeyEvent) -> bool:
        return super().is_done(event) and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)

    def commit(self) -> None:
        self.area.enter()

    def give_up(self) -> None:
        """Esc keeps what was written, and ends the writing in a row of a node; undo takes it back."""
        self.commit()
        if self.compact:
            self.moved_on.emit(0)

    def cancel(self) -> None:
        self.area.document().setModified(False)
        super().cancel()
