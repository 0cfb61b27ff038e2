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
SIDE = 5.0  # what pens and marks need around a curve
SAMPLES = 24


def reach(start: QPointF, end: QPointF) -> float:
    """How far a curve leaves a port before it turns."""
    along = end.x() - start.x()
    if along >= 0:
        return min(max(36.0, along / 2), 160.0)
    return min(60.0 - along / 3, 260.0)


def wire_path(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    out = QPointF(reach(start, end), 0.0)
    path.cubicTo(start + out, end - out, end)
    return path


def distance_to(start: QPointF, end: QPointF, at: QPointF) -> float:
    """How far a point is from the curve between two ports."""
    out = reach(start, end)
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
        self._path = QPainterPath()
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
        self._path = wire_path(start, end)
        self.setRect(self._path.controlPointRect().adjusted(-SIDE, -SIDE, SIDE, SIDE))
        self.update()

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
        painter.setBrush(self.paints.no_brush)
        fine = zoom * painter.device().devicePixelRatio()
        pixels = THICK * fine
        exported = widget is None
        if exported or self.lit or self.muted or self.fault or pixels > CLOSE:
            painter.setPen(self.paints.pen(colour, 3.5 if self.lit else THICK, self.muted or bool(self.fault)))
            painter.drawPath(self._path)
        else:
            self._draw_hair(painter, colour, fine, pixels > 1.4)
        if self.conversion and zoom >= NEAR:
            self._draw_mark(painter, colour)

    def _draw_hair(self, painter: QPainter, colour: str, fine: float, thick: bool) -> None:
        """Draw it one pixel thick, and again below and, if steep, beside: a fifth of what a thick one costs."""
        painter.setPen(self.paints.pen(colour, 0.0))
        painter.drawPath(self._path)
        if not thick:
            return
        pixel = 1 / fine
        painter.translate(0, pixel)
        painter.drawPath(self._path)
        if 2 * abs(self.end.y() - self.start.y()) > self.end.x() - self.start.x():
            aside = -pixel if self.end.y() > self.start.y() else pixel  # to the side that "below" is at
            painter.translate(aside, -pixel)
            painter.drawPath(self._path)
            painter.translate(-aside, pixel)
        painter.translate(0, -pixel)

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
