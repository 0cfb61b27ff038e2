"""Messages that stay until they are dealt with, in bars above the canvas: what went wrong, and what can be done."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

__all__ = ["MARKS", "Bar", "Bars"]

MARKS = {"info": "#3d7eff", "warning": "#d9971e", "error": "#d9483b"}
MOST = 4

Button = tuple[str, Callable[[], object]]


class Bar(QWidget):
    """One message with its buttons; a click on a button, or on the cross, takes it away.

    Signals:
        closed: it is dealt with.
    """

    closed = Signal()

    def __init__(self, text: str, kind: str = "info", buttons: Sequence[Button] = (), parent: QWidget | None = None):
        super().__init__(parent)
        self.kind = kind
        self.label = QLabel(text)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 6, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self.label, 1)
        self.buttons = [QPushButton(name) for name, _ in buttons]
        for button, (_, do) in zip(self.buttons, buttons, strict=True):
            button.clicked.connect(lambda _=False, do=do: self._take(do))
            layout.addWidget(button)
        self.cross = QToolButton()
        self.cross.setText("×")
        self.cross.setAutoRaise(True)
        self.cross.setToolTip("Close this message")
        self.cross.setAccessibleName("Close this message")
        self.cross.clicked.connect(self.closed)
        layout.addWidget(self.cross)
        self.setAccessibleName(text)

    @property
    def text(self) -> str:
        return self.label.text()

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(0, 40))

    def paintEvent(self, event: QPaintEvent) -> None:
        mark, base = QColor(MARKS[self.kind]), self.palette().color(QPalette.ColorRole.Window)
        tint = QColor(mark)
        tint.setAlphaF(0.16)
        painter = QPainter(self)
        painter.fillRect(self.rect(), base)
        painter.fillRect(self.rect(), tint)
        painter.fillRect(QRectF(0, 0, 4, self.height()), mark)

    def _take(self, do: Callable[[], object]) -> None:
        self.closed.emit()
        do()


class Bars(QWidget):
    """The bars that are shown, the latest at the bottom; one of a `key` replaces the last of that key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: dict[str, Bar] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self.hide()

    @property
    def shown(self) -> list[Bar]:
        return list(self._shown.values())

    def has(self, key: str) -> bool:
        return key in self._shown

    def show_bar(self, text: str, kind: str = "info", buttons: Sequence[Button] = (), key: str = "") -> Bar:
        """Show a message; `key` is what it is about, the text itself when left out."""
        key = key or text
        self.close_bar(key)
        for oldest in list(self._shown)[: max(len(self._shown) - MOST + 1, 0)]:
            self.close_bar(oldest)
        bar = Bar(text, kind, buttons)
        bar.closed.connect(lambda: self.close_bar(key, bar))
        self._shown[key] = bar
        self._layout.addWidget(bar)
        self.show()
        return bar

    def close_bar(self, key: str, bar: Bar | None = None) -> None:
        """Take the message of a key away (only `bar`, when given), if there is one."""
        found = self._shown.get(key)
        if found is None or (bar is not None and bar is not found):
            return
        del self._shown[key]
        self._layout.removeWidget(found)
        found.hide()
        found.deleteLater()
        self.setVisible(bool(self._shown))
