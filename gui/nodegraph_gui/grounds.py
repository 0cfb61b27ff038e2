"""The ground of the canvas: its colour, and dots where the grid is, fewer the farther it is seen."""

import math

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF

from .paints import Paints
from .shapes import GRID

__all__ = ["Ground"]

CLOSEST = 14.0  # pixels between two dots, at least
FARTHEST = 0.3  # zoom below which there are none
KEPT = 12


class Ground:
    """Draws the dots in one call; they lie on whole steps of the grid, so that a pan may move them as pixels."""

    def __init__(self) -> None:
        self._dots: dict[tuple[float, int, int], QPolygonF] = {}

    def draw(self, painter: QPainter, rect: QRectF, zoom: float, paints: Paints) -> None:
        painter.fillRect(rect, paints.colour(paints.theme.canvas))
        if zoom < FARTHEST:
            return
        step = float(GRID)
        while step * zoom < CLOSEST:
            step *= 2
        left, top = math.floor(rect.left() / step), math.floor(rect.top() / step)
        across, down = math.ceil(rect.width() / step) + 2, math.ceil(rect.height() / step) + 2
        dots = self._grid(step, across, down)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(paints.pen(paints.theme.grid, 0.0))
        fine = zoom * painter.device().devicePixelRatio()
        pixel = 1 / fine
        painter.translate(left * step, top * step)
        painter.drawPoints(dots)
        if fine > 0.7:
            for dx, dy in ((pixel, 0.0), (-pixel, pixel), (pixel, 0.0)):
                painter.translate(dx, dy)
                painter.drawPoints(dots)
            painter.translate(-pixel, -pixel)
        painter.translate(-left * step, -top * step)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

    def _grid(self, step: float, across: int, down: int) -> QPolygonF:
        """So many dots from the origin; kept for the window and for the strips that a pan asks for."""
        found = self._dots.get((step, across, down))
        if found is None:
            if len(self._dots) >= KEPT:
                self._dots.clear()
            found = QPolygonF([QPointF(x * step, y * step) for y in range(down) for x in range(across)])
            self._dots[step, across, down] = found
        return found
