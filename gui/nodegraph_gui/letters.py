"""Letters that are laid out once and drawn often: in one line, or broken into some."""

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QStaticText, QTextLayout, QTextOption

__all__ = ["LINE", "Text", "broken", "laid", "lay"]

LINE = "\u2028"  # what QStaticText takes for the end of a line


class Text(NamedTuple):
    """Letters that were laid out, and how wide they are."""

    letters: QStaticText
    width: float
    text: str


def lay(text: str, font: QFont, metrics: QFontMetricsF, room: float) -> Text:
    """Lay out a line of letters, cut with … where they have no room."""
    return laid(metrics.elidedText(" ".join(text.split()), Qt.TextElideMode.ElideRight, room), font)


def laid(text: str, font: QFont) -> Text:
    letters = QStaticText(text)
    letters.setTextFormat(Qt.TextFormat.PlainText)
    letters.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    letters.prepare(font=font)
    return Text(letters, letters.size().width(), text)


def broken(text: str, font: QFont, metrics: QFontMetricsF, room: float, lines: int) -> list[str]:
    """The beginning of a text in so many lines at most, the last one cut with … where there is more."""
    found: list[str] = []
    paragraphs = text.split("\n")
    for number, paragraph in enumerate(paragraphs):
        layout = QTextLayout(paragraph, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        while True:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(room)
            start, length = line.textStart(), line.textLength()
            rest = paragraph[start:]
            if len(found) == lines - 1 and (length < len(rest) or number < len(paragraphs) - 1):
                more = rest if length < len(rest) else rest + " …"
                return [*found, metrics.elidedText(more, Qt.TextElideMode.ElideRight, room)]
            found.append(paragraph[start : start + length])
        layout.endLayout()
    return found
