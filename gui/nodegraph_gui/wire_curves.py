"""The way of a wire: a curve to the right, or, where it leads back, a loop around its nodes and not behind them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

__all__ = ["curve", "distance_to", "lane_of", "points_on", "wire_path"]

XY: TypeAlias = tuple[float, float]
Cubic: TypeAlias = tuple[XY, XY, XY, XY]

BACK = -40.0  # how far to the left of its start a wire has to end to go around
LOOP = 60.0  # how far the loops at both ends reach, their handles at least
BESIDE = 18.0  # between a lane and the nodes that it passes
APART = 30.0  # between two nodes, for a lane to fit between them
SAMPLES = 24


def reach(along: float) -> float:
    """How far a curve that goes so far to the right leaves a port before it turns."""
    if along >= 0:
        return min(max(36.0, along / 2), 160.0)
    return min(60.0 - along / 3, 260.0)


def lane_of(start: QPointF, end: QPointF, source: QRectF, target: QRectF) -> float | None:
    """The height at which a wire that leads back passes its nodes: between them, or around both, the shorter way."""
    if end.x() - start.x() > BACK:
        return None
    upper, lower = (source, target) if source.top() <= target.top() else (target, source)
    if lower.top() - upper.bottom() >= APART:
        return (upper.bottom() + lower.top()) / 2
    above, below = upper.top() - BESIDE, max(upper.bottom(), lower.bottom()) + BESIDE
    return above if start.y() + end.y() - 2 * above < 2 * below - start.y() - end.y() else below


def curve(start: XY, end: XY, lane: float | None = None) -> list[Cubic]:
    """The pieces of the way, each by its four points."""
    if lane is None:
        out = reach(end[0] - start[0])
        return [(start, (start[0] + out, start[1]), (end[0] - out, end[1]), end)]
    first, last = (start[0], lane), (end[0], lane)
    way = (first[0] - last[0]) / 3
    return [
        (start, (start[0] + LOOP, start[1]), (start[0] + LOOP, lane), first),
        (first, (first[0] - way, lane), (last[0] + way, lane), last),
        (last, (end[0] - LOOP, lane), (end[0] - LOOP, end[1]), end),
    ]


def wire_path(start: QPointF, end: QPointF, lane: float | None = None) -> QPainterPath:
    path = QPainterPath(start)
    for _, (ax, ay), (bx, by), (x, y) in curve(start.toTuple(), end.toTuple(), lane):
        path.cubicTo(ax, ay, bx, by, x, y)
    return path


def points_on(pieces: Sequence[Cubic]) -> list[XY]:
    """Points along the way, close enough for a hand."""
    found = [pieces[0][0]]
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in pieces:
        for number in range(1, SAMPLES + 1):
            t = number / SAMPLES
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            found.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return found


def distance_to(start: QPointF, end: QPointF, at: QPointF, lane: float | None = None) -> float:
    """How far a point is from the way between two ports."""
    x, y = at.x(), at.y()
    points = [(px - x, py - y) for px, py in points_on(curve(start.toTuple(), end.toTuple(), lane))]
    return min(segment_distance(one, other) for one, other in pairwise(points))


def segment_distance(one: XY, other: XY) -> float:
    """How far the origin is from the line between two points."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    length = dx * dx + dy * dy
    t = 0.0 if length == 0 else min(1.0, max(0.0, -(one[0] * dx + one[1] * dy) / length))
    x, y = one[0] + t * dx, one[1] + t * dy
    return float((x * x + y * y) ** 0.5)
