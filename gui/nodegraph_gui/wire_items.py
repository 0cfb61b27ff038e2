"""A wire: a curve from an output to an input, in the colour of what flows through it."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from nodegraph import Link

from .paints import Paints
from .wire_curves import curve, distance_to, lane_of, wire_path

__all__ = ["FAR", "NEAR", "WireItem"]

NEAR = 0.45  # above this zoom there are letters, ports and smooth curves
FAR = 0.2  # below this one wires are straight and nodes plain
MARK = 7.0  # radius of the mark of a conversion
MARK_AT = 22.0  # and how far before the input it is
THICK = 2.0
CLOSE = 2.6  # pixels, above which a curve is drawn as thick as it is
SIDE = 9.0  # what pens and marks need around a curve
RAISED = 1.5  # above nodes, below those that are selected


class WireItem(QGraphicsRectItem):
    """Draws a link; where it begins and ends is told by the scene.

    Its rectangle is what Qt asks for again and again, so that it is kept where Qt need not ask Python.

    Attributes:
        conversion: the help of the conversion that is applied on it; "" when there is none.
        fault: why it does not fit; "" when it does.
        muted: an end of it is muted, so that nothing flows.
        lit: what a gesture would do concerns it, or a node at its end is selected or under the cursor.
        lane: the height at which it passes its nodes, where it leads back.
    """

    def __init__(self, link: Link, source: QGraphicsItem, target: QGraphicsItem, paints: Paints) -> None:
        super().__init__()
        self.link = link
        self._source, self._target = source, target
        self._at_source = self._at_target = QPointF()
        self._laid = False
        self.paints = paints
        self.colour = "#888888"
        self.conversion = ""
        self.fault = ""
        self.muted = False
        self.lit = False
        self.start = QPointF()
        self.end = QPointF()
        self.lane: float | None = None
        self._path: QPainterPath | None = None
        self._hair: QPainterPath | None = None
        self._hair_of = 0.0
        self.setPen(paints.no_pen)
        self.setZValue(0)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def attach(self, start: QPointF, end: QPointF) -> None:
        """Begin and end it at these points of its nodes."""
        self._at_source, self._at_target = start, end
        self.follow()

    def follow(self) -> None:
        """Lead it from where its source is now to where its target is."""
        self.lay(self._source.pos() + self._at_source, self._target.pos() + self._at_target)

    def lay(self, start: QPointF, end: QPointF) -> None:
        """Lead it from one point of the scene to another."""
        lane = None
        if end.x() < start.x():
            lane = lane_of(start, end, self._source.sceneBoundingRect(), self._target.sceneBoundingRect())
        if start == self.start and end == self.end and lane == self.lane and self._laid:
            return
        self._laid = True
        self.start, self.end, self.lane = start, end, lane
        self._path = self._hair = None
        points = [point for piece in curve(start.toTuple(), end.toTuple(), lane) for point in piece]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        x, y = min(xs), min(ys)
        self.setRect(x - SIDE, y - SIDE, max(xs) - x + 2 * SIDE, max(ys) - y + 2 * SIDE)
        self.update()

    @property
    def path(self) -> QPainterPath:
        """The curve; made when it is first asked for, since most wires are not in sight."""
        if self._path is None:
            self._path = wire_path(self.start, self.end, self.lane)
        return self._path

    def set_looks(self, colour: str, conversion: str, fault: str, muted: bool, lit: bool) -> None:
        looks = (colour, conversion, fault, muted, lit)
        if looks != (self.colour, self.conversion, self.fault, self.muted, self.lit):
            self.colour, self.conversion, self.fault, self.muted, self.lit = looks
            self.update()

    def set_lit(self, lit: bool, raised: bool = False) -> None:
        """Draw it thick or not, and over the nodes that it passes or behind them."""
        if lit != self.lit:
            self.lit = lit
            self.update()
        if (self.zValue() == RAISED) != raised:
            self.setZValue(RAISED if raised else 0)

    @property
    def seen_colour(self) -> str:
        return self.paints.theme.error if self.fault else self.paints.wire(self.colour)

    def distance(self, at: QPointF) -> float:
        return distance_to(self.start, self.end, at - self.pos(), self.lane)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        zoom = painter.worldTransform().m11()
        colour = self.seen_colour
        if zoom < FAR:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self.paints.pen(colour, 0.0))
            painter.drawLine(self.start, self.end)
            return
        fine = zoom * (1.0 if widget is None else widget.devicePixelRatioF())
        if widget is None or self.lit or self.muted or self.fault or THICK * fine > CLOSE:
            pen = self.paints.pen(colour, 3.5 if self.lit else THICK, self.muted or bool(self.fault))
            painter.strokePath(self.path, pen)
        else:
            painter.strokePath(self._hairs(fine), self.paints.pen(colour, 0.0))
        if self.conversion and zoom >= NEAR:
            self._draw_mark(painter, colour)

    def _hairs(self, fine: float) -> QPainterPath:
        """The curve, again a pixel below, and, if steep, again beside: a fifth of what one thick curve costs in Qt."""
        if self._hair is None or self._hair_of != fine:
            self._hair, self._hair_of = QPainterPath(self.path), fine
            if THICK * fine > 1.4:
                pixel = 1 / fine
                down = self.end.y() - self.start.y()
                self._hair.addPath(self.path.translated(0, pixel))
                if 2 * abs(down) > self.end.x() - self.start.x():
                    self._hair.addPath(self.path.translated(-pixel if down > 0 else pixel, 0))
        return self._hair

    def _draw_mark(self, painter: QPainter, colour: str) -> None:
        """Two halves of a turn, in a disc on the wire: the value is converted here."""
        at = QPointF(self.end.x() - MARK_AT, self.end.y())
        painter.setPen(self.paints.pen(colour, 1.5))
        painter.setBrush(self.paints.brush(self.paints.theme.canvas))
        painter.drawEllipse(at, MARK, MARK)
        for sign in (-1, 1):
            tip = QPointF(at.x() - 3.5 * sign, at.y() + 2.0 * sign)
            tail = QPointF(at.x() + 3.5 * sign, tip.y())
            painter.drawLine(tail, tip)
            painter.drawLine(tip, QPointF(tip.x() + 2.0 * sign, tip.y() + 2.0 * sign))
