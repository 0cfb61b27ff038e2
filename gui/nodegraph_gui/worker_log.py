"""What the worker said on its standard error: warnings of libraries, prints of nodes; the last of it."""

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDockWidget, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

__all__ = ["WorkerLog"]

MOST_LINES = 5000
LONGEST = 2000


class WorkerLog(QDockWidget):
    """A dock with the last lines, to be selected and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Worker log", parent)
        self.setObjectName("worker_log")
        self.lines = QPlainTextEdit()
        self.lines.setReadOnly(True)
        self.lines.setMaximumBlockCount(MOST_LINES)
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setPlaceholderText("What the worker prints is shown here.")
        self.lines.setAccessibleName("What the worker printed")
        clear = QPushButton("Clear")
        clear.clicked.connect(self.lines.clear)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.lines)
        layout.addWidget(clear)
        self.setWidget(body)

    def add(self, line: str) -> None:
        """Append a line; control characters, which could be meant for a terminal, are left out."""
        kept = "".join(letter for letter in line[:LONGEST] if letter.isprintable() or letter == "\t")
        self.lines.appendPlainText(kept + (" …" if len(line) > LONGEST else ""))
