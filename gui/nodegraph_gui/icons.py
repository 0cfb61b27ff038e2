"""The icons of the toolbar, drawn on a square of 24 in the colour of the text: no files, and sharp on every screen."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

__all__ = ["ICONS", "draw_icon"]


def lines(*strokes: tuple[tuple[float, float], ...]) -> QPainterPath:
    path = QPainterPath()
    for stroke in strokes:
        path.moveTo(*stroke[0])
        for point in stroke[1:]:
            path.lineTo(*point)
    return path


def closed(*points: tuple[float, float]) -> QPainterPath:
    path = lines(points)
    path.closeSubpath()
    return path


def turned(start: float, span: float, tip: tuple[tuple[float, float], ...]) -> QPainterPath:
    """An arrow that goes round."""
    path = QPainterPath()
    box = QRectF(4.5, 6.5, 15, 13)
    path.arcMoveTo(box, start)
    path.arcTo(box, start, span)
    path.addPath(lines(tip))
    return path


def boxes(*rects: tuple[float, float, float, float]) -> QPainterPath:
    path = QPainterPath()
    for rect in rects:
        path.addRoundedRect(QRectF(*rect), 1.5, 1.5)
    return path


def lens() -> QPainterPath:
    path = lines(((14.8, 14.8), (20, 20)))
    path.addEllipse(QPointF(10.5, 10.5), 6, 6)
    return path


def joined(*paths: QPainterPath) -> QPainterPath:
    whole = QPainterPath()
    for path in paths:
        whole.addPath(path)
    return whole


PAGE = ((6.0, 3.5), (14.0, 3.5), (18.0, 7.5), (18.0, 20.5), (6.0, 20.5))
FILLED = frozenset({"run", "run_here", "pause", "stop"})
ICONS: Mapping[str, Callable[[], QPainterPath]] = {
    "new": lambda: joined(closed(*PAGE), lines(((12, 10), (12, 17)), ((8.5, 13.5), (15.5, 13.5)))),
    "open": lambda: closed((3.5, 19), (3.5, 5.5), (9, 5.5), (11, 8), (20.5, 8), (20.5, 19)),
    "save": lambda: joined(
        closed((4, 4), (16.5, 4), (20, 7.5), (20, 20), (4, 20)), boxes((8, 13, 8, 7), (8, 4, 6.5, 4.5))
    ),
    "undo": lambda: turned(-60, 210, ((3.2, 7.2), (5.2, 11.6), (9.8, 10.0))),
    "redo": lambda: turned(240, -210, ((20.8, 7.2), (18.8, 11.6), (14.2, 10.0))),
    "run": lambda: closed((7.5, 4.5), (19.5, 12), (7.5, 19.5)),
    "run_here": lambda: joined(closed((4.5, 5), (14.5, 12), (4.5, 19)), boxes((17, 5, 2.6, 14))),
    "pause": lambda: boxes((6.5, 5, 4, 14), (13.5, 5, 4, 14)),
    "stop": lambda: boxes((6, 6, 12, 12)),
    "arrange": lambda: joined(
        boxes((3.5, 9, 5.5, 6), (15, 4, 5.5, 5), (15, 15, 5.5, 5)),
        lines(((9, 12), (12, 12), (12, 6.5), (15, 6.5)), ((12, 12), (12, 17.5), (15, 17.5))),
    ),
    "fit": lambda: lines(
        ((4, 9), (4, 4), (9, 4)),
        ((15, 4), (20, 4), (20, 9)),
        ((20, 15), (20, 20), (15, 20)),
        ((9, 20), (4, 20), (4, 15)),
    ),
    "find": lens,
    "add": lambda: lines(((12, 4.5), (12, 19.5)), ((4.5, 12), (19.5, 12))),
}


def draw_icon(name: str, colour: QColor, faded: QColor) -> QIcon:
    """The icon of a name; `faded` is its colour while the action cannot be done."""
    icon = QIcon()
    for scale in (1, 2, 3):
        for mode, ink in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, faded)):
            icon.addPixmap(draw(ICONS[name](), ink, 20 * scale, scale, name in FILLED), mode)
    return icon


def draw(path: QPainterPath, ink: QColor, size: int, ratio: int, filled: bool) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 24, size / 24)
    pen = QPen(ink, 1.7)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    if filled:
        painter.setBrush(ink)
    painter.drawPath(path)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
