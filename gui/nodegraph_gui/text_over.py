"""Typing a title or a note where it stands: an editor over the canvas, gone when it is done."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

__all__ = ["LineOver", "TextOver"]

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
ELSEWHERE = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)  # and comes back
LEAST_WIDTH, LEAST_HEIGHT = 240, 90

Take = Callable[[str], None]
Hold = Callable[[str | None], None]


class Typing(QObject):
    """What ends the typing in an editor: a key or a click elsewhere takes what was typed.

    Esc ends it too: a text of several lines is taken, since too much would be lost; a title is as it was.

    Args:
        text: what is typed now.
        take: called with it when it is taken.
        hold: called with it at each letter, and with None when the editor is done.
    """

    def __init__(self, editor: "LineOver | TextOver", text: Callable[[], str], take: Take, hold: Hold) -> None:
        super().__init__(editor)
        self._editor, self._text, self._take, self._hold = editor, text, take, hold
        self._lines = isinstance(editor, TextOver)
        self.going = True
        editor.installEventFilter(self)
        editor.textChanged.connect(self._typed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() in ENTER or event.key() == Qt.Key.Key_Escape:
                event.accept()  # no shortcut of the window may have them now
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            held = Qt.KeyboardModifier.ControlModifier if self._lines else Qt.KeyboardModifier.NoModifier
            enter = event.key() in ENTER and event.modifiers() & held == held
            if enter or event.key() == Qt.Key.Key_Escape:
                self.finish(enter or self._lines)
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
        if not self.going:
            return
        self.going = False
        over, had_focus = self._editor.parentWidget(), self._editor.hasFocus()
        self._editor.hide()
        self._editor.deleteLater()
        view = over.parentWidget() if over is not None else None
        if had_focus and view is not None:
            view.setFocus()
        if taken:
            self._take(self._text())
        self._hold(None)

    def take_so_far(self) -> None:
        """Take what is typed, and go on."""
        self._take(self._text())
        self._hold(None)

    def _typed(self) -> None:
        if self.going:
            self._hold(self._text())


class LineOver(QLineEdit):
    """One line, taken by Enter; Esc leaves all as it was."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Take, hold: Hold, hint: str = "") -> None:
        super().__init__(text, over)
        self.setObjectName("line_over")
        self.setMaxLength(200)
        self.setGeometry(rect.x(), rect.y(), max(120, rect.width()), max(self.sizeHint().height(), rect.height()))
        self.typing = Typing(self, self.text, take, hold)
        begin(self, hint)


class TextOver(QPlainTextEdit):
    """Several lines, taken by Ctrl+Enter or Esc; as high as they are, as far as the canvas is seen."""

    def __init__(self, over: QWidget, rect: QRect, text: str, take: Take, hold: Hold, hint: str = "") -> None:
        super().__init__(text, over)
        self.setObjectName("text_over")
        self.setTabChangesFocus(True)
        self._over, self._rect = over, rect
        self.typing = Typing(self, self.toPlainText, take, hold)
        self.textChanged.connect(self.fit)
        begin(self, hint)
        self.fit()

    def fit(self) -> None:
        """Make room for all lines, upwards where there is none left below."""
        rect, frame = self._rect, 2 * self.frameWidth() + 2 * round(self.document().documentMargin())
        width = max(LEAST_WIDTH, rect.width())
        self.resize(width, self.height())  # how lines are broken goes by it
        lines = int(self.document().size().height()) + 1
        wanted = max(LEAST_HEIGHT, rect.height(), lines * self.fontMetrics().lineSpacing() + frame)
        high = min(wanted, max(LEAST_HEIGHT, self._over.height()))
        top = max(0, min(rect.y(), self._over.height() - high)) if high > rect.height() else rect.y()
        self.setGeometry(rect.x(), top, width, high)


def begin(editor: QLineEdit | QPlainTextEdit, hint: str) -> None:
    """Show an editor with the keyboard; what is typed takes the place of what is there."""
    editor.setPlaceholderText(hint)
    editor.setAccessibleName(hint)
    editor.show()
    editor.selectAll()
    editor.setFocus()
