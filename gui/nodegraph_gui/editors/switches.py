"""Yes or no."""

from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QWidget

from .editor import Editor
from .looks import Look
from .scales import number_text

__all__ = ["Switch", "SwitchEditor"]

TRACK = QSize(34, 18)


class Switch(QCheckBox):
    """A check box drawn as a switch; half-way where the value is neither yes nor no."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(TRACK.width() + 10 + self.fontMetrics().horizontalAdvance(self.text()), 24)

    def hitButton(self, pos: Any) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        look, state = self.look, self.checkState()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = state == Qt.CheckState.Checked
        track = QRectF(1, (self.height() - TRACK.height()) / 2, TRACK.width() - 2, TRACK.height() - 1)
        wrong = state == Qt.CheckState.PartiallyChecked
        edge = look.error if wrong else look.accent if on or self.hasFocus() else look.quiet
        painter.setPen(QPen(QColor(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(QColor(look.accent if on else look.field))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        size = track.height() - 6
        share = 1.0 if on else 0.5 if wrong else 0.0
        x = track.left() + 3 + share * (track.width() - size - 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.on_accent if on else edge))
        painter.drawEllipse(QRectF(x, track.top() + 3, size, size))
        painter.setPen(QColor(look.text))
        text = self.rect().adjusted(TRACK.width() + 8, 0, 0, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()


class SwitchEditor(Editor):
    """A switch; a value that is neither true nor false is written beside it."""

    def fill(self) -> None:
        self.switch = Switch(self.look)
        self.switch.clicked.connect(self.turn)
        self.watch(self.switch)
        self.put(self.switch)

    def turn(self) -> None:
        self.choose(self.value is not True)

    def show_value(self) -> None:
        value = self.value
        known = isinstance(value, bool)
        state = Qt.CheckState.Checked if value is True else Qt.CheckState.Unchecked
        self.switch.setTristate(not known)
        self.switch.setCheckState(state if known else Qt.CheckState.PartiallyChecked)
        self.switch.setText(("on" if value else "off") if known else "none" if value is None else number_text(value))
        self.switch.updateGeometry()
        self.switch.update()
