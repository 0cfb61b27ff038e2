"""A line for a number: typed as it is meant, stepped by arrow keys, and by the wheel while it has the keyboard."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from ..rules import Rule
from .scales import Scale, is_number, number_text

__all__ = ["NumberLine", "wheel_steps"]

NOTCH = 120  # what Qt counts for one notch of a wheel


class NumberLine(QLineEdit):
    """Shows a number and says what is typed and stepped; it neither rounds nor clamps what is typed."""

    typed = Signal(object)  # on the way, to be judged
    entered = Signal(object)
    stepped = Signal(object)

    def __init__(self, rule: Rule, scale: Scale | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rule = rule
        self.scale = scale
        self._value: Any = None
        self._turned = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.textEdited.connect(lambda text: self.typed.emit(rule.parse(text)))
        if rule.port.optional:
            self.setPlaceholderText("none")

    def set_number(self, value: Any) -> None:
        self._value = value
        text = number_text(value)
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)
        if self.hasFocus():
            self.selectAll()
        self.setModified(False)

    def enter(self) -> None:
        """Say what was typed, if anything was."""
        if self.isModified():
            self.setModified(False)
            self.entered.emit(self.rule.parse(self.text()))

    def step(self, steps: int, fine: bool) -> None:
        """Go some steps from the number that is shown; from what is no number, nowhere."""
        value = self.rule.parse(self.text()) if self.isModified() else self._value
        if value is None:
            value = self.scale.low if self.scale is not None else 0
        if not is_number(value):
            return
        if self.scale is not None:
            self.stepped.emit(self.scale.stepped(value, steps, fine=fine))
        elif self.rule.port.type == "int":
            self.stepped.emit(within(self.rule, int(value) + steps))
        else:
            unit = 0.01 if fine else 0.1
            self.stepped.emit(within(self.rule, round(value + steps * unit, 10)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, fine = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        sizes = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if key in sizes:
            self.step(sizes[Qt.Key(key)], fine)
            return
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enter()
            self.selectAll()
            self.returnPressed.emit()
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps, self._turned = wheel_steps(event, self._turned)
        if steps:
            self.step(steps, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.enter()


def wheel_steps(event: QWheelEvent, before: int) -> tuple[int, int]:
    """Whole notches of a turn, and what is left of it; Shift turns some wheels sideways."""
    angle = event.angleDelta()
    turned = before + (angle.y() or angle.x())
    steps = int(turned / NOTCH)
    return steps, turned - steps * NOTCH


def within(rule: Rule, value: float) -> float:
    """A stepped number, no further than the one end that a range has."""
    port = rule.port
    if port.minimum is not None:
        value = max(type(value)(port.minimum), value)
    if port.maximum is not None:
        value = min(type(value)(port.maximum), value)
    return value
