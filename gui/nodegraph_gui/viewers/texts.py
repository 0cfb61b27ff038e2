"""The viewer of everything else: type, shape and range of a value, and its text."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QFormLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from .kinds import AskView, Info, Viewer

__all__ = ["TextViewer"]


class TextViewer(Viewer):
    """What `info` says of a value, and the view "text" below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head = QLabel(self)
        self.head.setTextFormat(Qt.TextFormat.PlainText)
        self.head.setWordWrap(True)
        self.lines = QWidget(self)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Value as text")
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.head)
        layout.addWidget(self.lines)
        layout.addWidget(self.text, 1)

    def show_value(self, info: Info, ask: AskView) -> None:
        self.head.setText(f"{info.name}: {info.summary}" if info.summary else info.name)
        lines = QWidget(self)
        form = QFormLayout(lines)
        form.setContentsMargins(0, 0, 0, 0)
        for label, text in info.lines:
            shown = QLabel(text, lines)
            shown.setTextFormat(Qt.TextFormat.PlainText)
            shown.setWordWrap(True)
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(f"{label}:", shown)
        self._layout.replaceWidget(self.lines, lines)
        self.lines.deleteLater()
        self.lines = lines
        self.text.clear()
        ask("text", {}, lambda answer: self.text.setPlainText(str(answer.get("text", ""))))
