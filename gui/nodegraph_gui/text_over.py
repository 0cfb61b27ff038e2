"""Typing a title or a note where it stands: an editor over the canvas, gone when it is done."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

__all__ = ["LineOver", "TextOver"]

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
CTRL = Qt.KeyboardModifier.ControlModifier


class LineOver(QLineEdit):
    """One line: Enter or a click elsewhere takes what was typed, Esc leaves all as it was."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Callable[[str], None], hint: str = "") -> None:
        super().__init__(text, over)
        self._take: Callable[[str], None] | None = take
        self.setObjectName("line_over")
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setMaxLength(200)
        self.setGeometry(rect.x(), rect.y(), max(120, rect.width()), max(self.sizeHint().height(), rect.height()))
        self.show()
        self.selectAll()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in ENTER:
            self.finish(True)
        elif event.key() == Qt.Key.Key_Escape:
            self.finish(False)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and is_end(event):
            event.accept()
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.finish(True)

    def finish(self, taken: bool) -> None:
        take, self._take = self._take, None
        if take is not None:
            end(self)
            if taken:
                take(self.text())


class TextOver(QPlainTextEdit):
    """Several lines: Ctrl+Enter or a click elsewhere takes them, Esc leaves all as it was."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Callable[[str], None], hint: str = "") -> None:
        super().__init__(text, over)
        self._take: Callable[[str], None] | None = take
        self.setObjectName("text_over")
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setTabChangesFocus(True)
        self.setGeometry(rect.x(), rect.y(), max(180, rect.width()), max(90, rect.height()))
        self.show()
        self.selectAll()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in ENTER and event.modifiers() & CTRL:
            self.finish(True)
        elif event.key() == Qt.Key.Key_Escape:
            self.finish(False)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and is_end(event):
            event.accept()
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.finish(True)

    def finish(self, taken: bool) -> None:
        take, self._take = self._take, None
        if take is not None:
            end(self)
            if taken:
                take(self.toPlainText())


def is_end(event: QKeyEvent) -> bool:
    """Whether a key ends the typing, which no shortcut of the window may take from it."""
    return event.key() in ENTER or event.key() == Qt.Key.Key_Escape


def end(editor: QWidget) -> None:
    """Take an editor away, and give the keyboard back to the canvas when the editor has it."""
    over = editor.parentWidget()
    had_focus = editor.hasFocus()
    editor.hide()
    editor.deleteLater()
    view = over.parentWidget() if over is not None else None
    if had_focus and view is not None:
        view.setFocus()
