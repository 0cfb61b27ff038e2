"""A seed: a number, a button that draws one, and whether one is drawn anew before each run of the editor.

The number is always the one in the file. Drawing anew is the editor's doing, before a run, and never that of a run
without it; which seeds are drawn is part of the canvas, so the toggle only says what the user wants (`drawn_changed`).
"""

import secrets

from PySide6.QtWidgets import QPushButton

from ..catalogues import Port
from .whole_numbers import NumberEditor

__all__ = ["LARGEST_DRAWN", "SeedEditor", "draw_seed"]

LARGEST_DRAWN = 2**32 - 1  # short enough to be read out; far more seeds than anyone will look at


def draw_seed(port: Port | None = None) -> int:
    """A seed by chance, inside the range of the input."""
    low = int(port.minimum) if port is not None and port.minimum is not None else 0
    high = int(port.maximum) if port is not None and port.maximum is not None else LARGEST_DRAWN
    high = max(low, min(high, low + LARGEST_DRAWN))
    return low + secrets.randbelow(high - low + 1)


class SeedEditor(NumberEditor):
    """The number of a seed, with its two buttons."""

    def fill(self) -> None:
        super().fill()
        self.draw_now = QPushButton("Draw")
        self.draw_now.setToolTip("Draw a seed now")
        self.draw_now.setAccessibleName(f"{self.port.name}, draw one now")
        self.draw_now.clicked.connect(lambda: self.choose(draw_seed(self.port)))
        self.drawn = QPushButton("Each run")
        self.drawn.setCheckable(True)
        self.drawn.setToolTip("Draw a new seed before each run; the file holds the number that was used")
        self.drawn.setAccessibleName(f"{self.port.name}, draw one before each run")
        self.drawn.toggled.connect(self.say_drawn)
        if self.compact:
            self.draw_now.setParent(self)  # no room for them in a row of a node
            self.drawn.setParent(self)
            self.draw_now.hide()
            self.drawn.hide()
        else:
            self.row.addWidget(self.draw_now)
            self.row.addWidget(self.drawn)

    def set_drawn(self, yes: bool) -> None:
        """Show whether a seed is drawn before each run, without saying anything."""
        with self.showing():
            self.drawn.setChecked(yes)
        self.line.setToolTip("Drawn anew before each run" if yes else "")

    def say_drawn(self, yes: bool) -> None:
        self.line.setToolTip("Drawn anew before each run" if yes else "")
        if not self._showing:
            self.drawn_changed.emit(yes)
