"""The wire that a hand is drawing: from a port to where the cursor is."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from .paints import Paints
from .wire_curves import wire_path

__all__ = ["LiveWire"]

PAD = 9.0


class LiveWire(QGraphicsItem):
    """Above all nodes, so that it is never lost sight of; dashed where it would not fit."""

    def __init__(self, paints: Paints, z: float) -> None:
        super().__init__()
        self.paints = paints
        self.colour = "#888888"
        self.ok = True
        self.end = QPointF()
        self._path = QPainterPath()
        self._rect = QRectF()
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.hide()

    def lead(self, start: QPointF, end: QPointF, colour: str, ok: bool) -> None:
        """Lead it from an output's side to an input's side, whichever of the two is being drawn."""
        self.prepareGeometryChange()
        self._path = wire_path(start, end)
        self.colour, self.ok = colour, ok
        self._rect = self._path.controlPointRect().adjusted(-PAD, -PAD, PAD, PAD)
        self.show()
        self.update()

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        colour = self.paints.wire(self.colour) if self.ok else self.paints.theme.quiet
        painter.setBrush(self.paints.no_brush)
        painter.setPen(self.paints.pen(colour, 2.5, not self.ok))
        painter.drawPath(self._path)
        painter.setPen(self.paints.no_pen)
        painter.setBrush(self.paints.brush(colour))
        painter.drawEllipse(self.end, 4.5, 4.5)
