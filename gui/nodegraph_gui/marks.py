"""What a gesture draws over the canvas while it lasts: a rectangle, a cut, outlines of what will come."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsScene

__all__ = ["Mark", "outline"]


class Mark(QGraphicsPathItem):
    """A path above everything, of one width at every zoom; `remove` takes it away for good."""

    def __init__(
        self, scene: QGraphicsScene, colour: str, width: float = 1.5, *, dashed: bool = False, filled: bool = False
    ) -> None:
        super().__init__()
        pen = QPen(QColor(colour), width, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        pen.setCosmetic(True)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.setPen(pen)
        if filled:
            ground = QColor(colour)
            ground.setAlpha(40)
            self.setBrush(ground)
        self.setZValue(20)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        scene.addItem(self)

    def remove(self) -> None:
        scene = self.scene()
        if scene is not None:
            scene.removeItem(self)


def outline(*rects: QRectF, radius: float = 8.0) -> QPainterPath:
    """Rounded rectangles, as nodes have."""
    path = QPainterPath(QPointF())
    for rect in rects:
        path.addRoundedRect(rect, radius, radius)
    return path
