"""A wire: a curve from an output to an input, in the colour of what flows through it."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from nodegraph import Link

from .paints import Paints

__all__ = ["FAR", "NEAR", "WireItem", "distance_to", "wire_path"]

NEAR = 0.45  # above this zoom there are letters, ports and smooth curves
FAR = 0.2  # below this one wires are straight and nodes plain
MARK = 7.0  # radius of the mark of a conversion
MARK_AT = 22.0  # and how far before the input it is
THICK = 2.0
CLOSE = 2.6  # pixels, above which a curve is drawn as thick as it is
SIDE = 9.0  # what pens and marks need around a curve
SAMPLES = 24


def reach(along: float) -> float:
    """How far a curve that goes so far to the right leaves a port before it turns."""
    if along >= 0:
        return min(max(36.0, along / 2), 160.0)
    return min(60.0 - along / 3, 260.0)


def wire_path(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    out = QPointF(reach(end.x() - start.x()), 0.0)
    path.cubicTo(start + out, end - out, end)
    return path


def distance_to(start: QPointF, end: QPointF, at: QPointF) -> float:
    """How far a point is from the curve between two ports."""
    out = reach(end.x() - start.x())
    xs = (start.x(), start.x() + out, end.x() - out, end.x())
    ys = (start.y(), start.y(), end.y(), end.y())
    best = float("inf")
    last: tuple[float, float] | None = None
    for number in range(SAMPLES + 1):
        t = number / SAMPLES
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        here = (
            a * xs[0] + b * xs[1] + c * xs[2] + d * xs[3] - at.x(),
            a * ys[0] + b * ys[1] + c * ys[2] + d * ys[3] - at.y(),
        )
        if last is not None:
            best = min(best, segment_distance(last, here))
        last = here
    return best


def segment_distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far the origin is from the line between two points."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else min(1.0, max(0.0, -(one[0] * dx + one[1] * dy) / length))
    x, y = one[0] + t * dx, one[1] + t * dy
    return float((x * x + y * y) ** 0.5)


class WireItem(QGraphicsRectItem):
    """Draws a link; where it begins and ends is told by the scene.

    Its rectangle is what Qt asks for again and again, so that it is kept where Qt need not ask Python.

    Attributes:
        conversion: the help of the conversion that is applied on it; "" when there is none.
        fault: why it does not fit; "" when it does.
        muted: an end of it is muted, so that nothing flows.
        lit: what a gesture would do concerns it, or a node at its end is selected.
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
        if start == self.start and end == self.end and self._laid:
            return
        self._laid = True
        self.start, self.end = start, end
        self._path = self._hair = None
        x, y, right, bottom = start.x(), start.y(), end.x(), end.y()
        out = reach(right - x)
        x, right = min(x, right - out), max(right, x + out)
        if bottom < y:
            y, bottom = bottom, y
        self.setRect(x - SIDE, y - SIDE, right - x + 2 * SIDE, bottom - y + 2 * SIDE)
        self.update()

    @property
    def path(self) -> QPainterPath:
        """The curve; made when it is first asked for, since most wires are not in sight."""
        if self._path is None:
            self._path = wire_path(self.start, self.end)
        return self._path

    def set_looks(self, colour: str, conversion: str, fault: str, muted: bool, lit: bool) -> None:
        looks = (colour, conversion, fault, muted, lit)
        if looks != (self.colour, self.conversion, self.fault, self.muted, self.lit):
            self.colour, self.conversion, self.fault, self.muted, self.lit = looks
            self.update()

    def set_lit(self, lit: bool) -> None:
        if lit != self.lit:
            self.lit = lit
            self.update()

    @property
    def seen_colour(self) -> str:
        return self.paints.theme.error if self.fault else self.paints.wire(self.colour)

    def distance(self, at: QPointF) -> float:
        return distance_to(self.start, self.end, at - self.pos())

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
