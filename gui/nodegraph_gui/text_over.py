"""Typing a title or a note where it stands: an editor over the canvas, gone when it is done."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

__all__ = ["LineOver", "TextOver"]

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
ELSEWHERE = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)  # and comes back


class Typing(QObject):
    """What ends the typing in an editor: a key or a click elsewhere takes what was typed, Esc leaves all as it was.

    Args:
        text: what is typed now.
        take: called with it, once, when it is taken.
        held: what has to be held with Enter for it to end the typing.
    """

    def __init__(
        self,
        editor: QLineEdit | QPlainTextEdit,
        text: Callable[[], str],
        take: Callable[[str], None],
        held: Qt.KeyboardModifier,
    ) -> None:
        super().__init__(editor)
        self._editor, self._text, self._held = editor, text, held
        self._take: Callable[[str], None] | None = take
        editor.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() in ENTER or event.key() == Qt.Key.Key_Escape:
                event.accept()  # no shortcut of the window may have them now
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            enter = event.key() in ENTER and event.modifiers() & self._held == self._held
            if enter or event.key() == Qt.Key.Key_Escape:
                self.finish(enter)
                return True
        elif event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            self.finish_unless(event.reason())
        return False

    def finish_unless(self, reason: Qt.FocusReason) -> None:
        """The keyboard went away; take what was typed, unless it comes back."""
        if reason not in ELSEWHERE:
            self.finish(True)

    def finish(self, taken: bool) -> None:
        """Take the editor away, and give the keyboard back to the canvas when the editor has it."""
        take, self._take = self._take, None
        if take is None:
            return
        over, had_focus = self._editor.parentWidget(), self._editor.hasFocus()
        self._editor.hide()
        self._editor.deleteLater()
        view = over.parentWidget() if over is not None else None
        if had_focus and view is not None:
            view.setFocus()
        if taken:
            take(self._text())


class LineOver(QLineEdit):
    """One line, taken by Enter."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Callable[[str], None], hint: str = "") -> None:
        super().__init__(text, over)
        self.setObjectName("line_over")
        self.setMaxLength(200)
        self.setGeometry(rect.x(), rect.y(), max(120, rect.width()), max(self.sizeHint().height(), rect.height()))
        Typing(self, self.text, take, Qt.KeyboardModifier.NoModifier)
        begin(self, hint)


class TextOver(QPlainTextEdit):
    """Several lines, taken by Ctrl+Enter."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Callable[[str], None], hint: str = "") -> None:
        super().__init__(text, over)
        self.setObjectName("text_over")
        self.setTabChangesFocus(True)
        self.setGeometry(rect.x(), rect.y(), max(180, rect.width()), max(90, rect.height()))
        Typing(self, self.toPlainText, take, Qt.KeyboardModifier.ControlModifier)
        begin(self, hint)


def begin(editor: QLineEdit | QPlainTextEdit, hint: str) -> None:
    """Show an editor with the keyboard; what is typed takes the place of what is there."""
    editor.setPlaceholderText(hint)
    editor.setAccessibleName(hint)
    editor.show()
    editor.selectAll()
    editor.setFocus()
