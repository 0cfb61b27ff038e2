"""What was drawn once, to be drawn again: the calls of a painter, in parts that lie one below the other.

To work out what to draw costs more than to draw it. A `QPicture` would do the same, but reads its calls from bytes and
lays out its letters anew each time.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF, QStaticText

__all__ = ["Recording"]

Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]


class Recording:
    """Notes calls; each part begins with no pen, brush and font that a part before it has set."""

    def __init__(self) -> None:
        self._parts: list[tuple[float, float, list[Call]]] = []
        self._calls: list[Call] = []
        self._pen: QPen | None = None
        self._brush: QBrush | None = None
        self._font: QFont | None = None

    def part(self, top: float, bottom: float) -> None:
        """What is noted from now on is drawn only where something between the two is to be seen."""
        self._calls = []
        self._parts.append((top, bottom, self._calls))
        self._pen = self._brush = self._font = None

    def play(self, painter: QPainter, top: float, bottom: float) -> None:
        """Draw what lies between the two."""
        for first, last, calls in self._parts:
            if first < bottom and last > top:
                for call, arguments in calls:
                    call(painter, *arguments)

    def setPen(self, pen: QPen) -> None:
        if pen is not self._pen:
            self._pen = pen
            self._calls.append((QPainter.setPen, (pen,)))

    def setBrush(self, brush: QBrush) -> None:
        if brush is not self._brush:
            self._brush = brush
            self._calls.append((QPainter.setBrush, (brush,)))

    def setFont(self, font: QFont) -> None:
        if font is not self._font:
            self._font = font
            self._calls.append((QPainter.setFont, (font,)))

    def setOpacity(self, opacity: float) -> None:
        self._calls.append((QPainter.setOpacity, (opacity,)))

    def fillRect(self, rect: QRectF, colour: QColor) -> None:
        self._calls.append((QPainter.fillRect, (rect, colour)))

    def drawRoundedRect(self, rect: QRectF, across: float, down: float) -> None:
        self._calls.append((QPainter.drawRoundedRect, (rect, across, down)))

    def drawEllipse(self, middle: QPointF, across: float, down: float) -> None:
        self._calls.append((QPainter.drawEllipse, (middle, across, down)))

    def drawPath(self, path: QPainterPath) -> None:
        self._calls.append((QPainter.drawPath, (path,)))

    def drawPolyline(self, points: QPolygonF) -> None:
        self._calls.append((QPainter.drawPolyline, (points,)))

    def drawLine(self, start: QPointF, end: QPointF) -> None:
        self._calls.append((QPainter.drawLine, (start, end)))

    def drawStaticText(self, at: QPointF, letters: QStaticText) -> None:
        self._calls.append((QPainter.drawStaticText, (at, letters)))
