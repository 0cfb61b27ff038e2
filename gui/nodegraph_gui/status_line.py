"""The line at the bottom of a window: what is said for a while, and beside it cost, zoom and worker."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QStatusBar

__all__ = ["StatusLine"]

SAID = 8000  # milliseconds that a message stays
READ = 2500  # that it stays at least, whatever goes on


class StatusLine(QObject):
    """The labels of a status bar.

    What goes on stays until something newer comes of it; what is said for a while is shown over that.

    Attributes:
        hint: what is said at the left.
        cost, zoom, worker: what is known at the right.
    """

    def __init__(self, bar: QStatusBar) -> None:
        super().__init__(bar)
        self._standing = ""  # what goes on
        self._hinting = False  # whether the line is a gesture's
        self.hint, self.cost, self.zoom, self.worker = QLabel(), QLabel(), QLabel(), QLabel()
        bar.addWidget(self.hint, 1)
        for label, tip in (
            (self.cost, "What a run takes, as far as it is known"),
            (self.zoom, "How large the graph is drawn"),
            (self.worker, "The worker, which runs graphs"),
        ):
            label.setToolTip(tip)
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            label.setContentsMargins(8, 0, 8, 0)
            bar.addPermanentWidget(label)
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(lambda: self.hint.setText(self._standing))

    def say(self, text: str) -> None:
        """Show a line for a while; "" takes it away."""
        self._hinting = False
        self.hint.setText(text)
        self._quiet.start(SAID)

    def stand(self, text: str) -> None:
        """Show what goes on until it is over, which "" says; what was said just before may be read first."""
        before, self._standing = self._standing, text
        just_said = self._quiet.isActive() and self._quiet.remainingTime() > SAID - READ
        if self.hint.text() == before or not (self._hinting or just_said or not text):
            self._quiet.stop()
            self.hint.setText(text)

    def show_hint(self, text: str) -> None:
        """What a gesture says while it goes on; its end takes that away, and not the reason why it did nothing."""
        if text or self._hinting:
            self.say(text)
        self._hinting = bool(text)

    def show_zoom(self, zoom: float) -> None:
        self.zoom.setText(f"{zoom:.0%}")
