"""Frames: titled, coloured rectangles behind the nodes that they hold together."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from .canvases import Frame, Rect
from .colours import mix, seen_on
from .paints import Paints
from .wire_items import FAR, NEAR

__all__ = ["BAR", "FrameItem"]

BAR = 28.0  # how high the title is
ROUND = 10.0


class FrameItem(QGraphicsItem):
    """The ground of a frame, below all wires; its title is an item of its own above them."""

    def __init__(self, number: int, paints: Paints) -> None:
        super().__init__()
        self.number = number
        self.paints = paints
        self.frame = Frame("", "", Rect(0, 0, 0, 0))
        self.home = QPointF()
        self.selected = False
        self.title = FrameTitle(self)
        self._rect = QRectF()
        self.setZValue(-2)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    @property
    def key(self) -> tuple[str, int]:
        return "frame", self.number

    def become(self, frame: Frame) -> None:
        self.frame = frame
        self.prepareGeometryChange()
        self.title.prepareGeometryChange()
        x, y, width, height = frame.rect
        self._rect = QRectF(0, 0, width, height)
        self.home = QPointF(x, y)
        self.move_to(x, y)
        self.update()
        self.title.update()

    def move_to(self, x: float, y: float) -> None:
        self.setPos(x, y)
        self.title.setPos(x, y)

    @property
    def rect(self) -> QRectF:
        """Where it is, in the scene."""
        return self._rect.translated(self.pos())

    @property
    def bar(self) -> QRectF:
        """Where its title is, in the scene."""
        return QRectF(self.pos().x(), self.pos().y(), self._rect.width(), min(BAR, self._rect.height()))

    @property
    def colour(self) -> str:
        return self.frame.colour or self.paints.theme.quiet

    def set_selected(self, selected: bool) -> None:
        if selected != self.selected:
            self.selected = selected
            self.update()

    def boundingRect(self) -> QRectF:
        return self._rect.adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        theme = self.paints.theme
        ground = QColor(mix(theme.canvas, self.colour, 0.13))
        if painter.worldTransform().m11() < FAR:
            painter.fillRect(self._rect, ground)
            return
        line = theme.accent if self.selected else mix(theme.canvas, self.colour, 0.5)
        painter.setPen(self.paints.pen(line, 2.0 if self.selected else 1.0))
        painter.setBrush(ground)
        painter.drawRoundedRect(self._rect, ROUND, ROUND)


class FrameTitle(QGraphicsItem):
    """The title of a frame, on a ground of its own that no wire crosses."""

    def __init__(self, frame: FrameItem) -> None:
        super().__init__()
        self.frame = frame
        self.setZValue(0.5)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self.frame._rect.width(), min(BAR, self.frame._rect.height()))

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        title, paints = self.frame.frame.title, self.frame.paints
        if not title or painter.worldTransform().m11() < NEAR:
            return
        metrics = paints.title_metrics
        room = self.boundingRect().width() - 20
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        ground = mix(paints.theme.canvas, self.frame.colour, 0.28)
        width = metrics.horizontalAdvance(shown) + 20
        painter.setPen(paints.no_pen)
        painter.setBrush(paints.brush(ground))
        painter.drawRoundedRect(QRectF(1, 1, width, BAR - 4), ROUND - 1, ROUND - 1)
        painter.setFont(paints.title_font)
        painter.setPen(paints.pen(seen_on(paints.theme.text, ground, 4.5)))
        painter.drawText(
            QRectF(10, 1, room + 10, BAR - 4), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown
        )
