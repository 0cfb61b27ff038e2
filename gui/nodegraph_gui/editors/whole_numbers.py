"""A number without a slider: whole, or with a range that is open, with buttons for one less and one more."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from .editor import Editor, small_label
from .number_lines import NumberLine
from .scales import scale_of

__all__ = ["NumberEditor"]


class NumberEditor(Editor):
    """A line for the number, and two buttons that repeat while they are held."""

    def fill(self) -> None:
        self.line = NumberLine(self.rule, scale_of(self.port))
        self.line.typed.connect(self.sketch)
        self.line.entered.connect(self.choose)
        self.line.stepped.connect(self.step_to)
        self.watch(self.line)
        self.name_for_screen_readers(self.line)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.line, 1)
        self.row = row
        unit = self.port.schema.get("unit")
        if isinstance(unit, str) and unit:
            row.addWidget(small_label("unit", text=unit))
        if not self.compact:
            self.less = self.button("−", -1, "one less")
            self.more = self.button("+", 1, "one more")
            row.addWidget(self.less)
            row.addWidget(self.more)
        self.put(body)
        self.setFocusProxy(self.line)

    def button(self, text: str, steps: int, what: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setAutoRepeat(True)
        button.setAutoRepeatDelay(350)
        button.setAutoRepeatInterval(50)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the arrow keys do the same
        button.setFixedWidth(26)
        button.setToolTip(f"{self.port.name}: {what}")
        button.setAccessibleName(f"{self.port.name}, {what}")
        button.clicked.connect(lambda: self.line.step(steps, False))
        return button

    def show_value(self) -> None:
        self.line.set_number(self.value)

    def step_to(self, value: Any) -> None:
        self.nudge(value)
        self.show_value()

    def commit(self) -> None:
        self.line.enter()
        self.finish()

    def cancel(self) -> None:
        self.line.setModified(False)
        super().cancel()
