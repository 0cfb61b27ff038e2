"""All of a graph in a few calls, for when so much of it is in sight that nothing of a node can be told apart."""

from collections.abc import Mapping

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from .colours import mix
from .scene import Scene

__all__ = ["FarLayer"]


class FarLayer:
    """Nodes as rectangles, wires as lines, gathered by colour and kept until the scene changes."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._extent: QRectF | None = None
        self._lines: Mapping[str, list[QLineF]] | None = None

    def forget(self) -> None:
        self._extent = None
        self._lines = None

    @property
    def extent(self) -> QRectF:
        if self._extent is None:
            self._extent = self._scene.content_rect()
        return self._extent

    def draw(self, painter: QPainter) -> None:
        """Draw into a painter that is in the scene's coordinates."""
        paints = self._scene.paints
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for frame in self._scene.frames:
            painter.fillRect(frame.rect, paints.colour(mix(paints.theme.canvas, frame.colour, 0.2)))
        for note in self._scene.notes:
            painter.fillRect(note.rect, paints.colour(paints.theme.note))
        if self._lines is None:
            self._lines = self._gather_lines()
        for colour, lines in self._lines.items():
            painter.setPen(paints.pen(colour, 0.0))
            painter.drawLines(lines)
        painter.setPen(paints.no_pen)
        for colour, rects in self._gather_rects().items():
            painter.setBrush(paints.brush(colour))
            painter.drawRects(rects)

    def _gather_lines(self) -> Mapping[str, list[QLineF]]:
        found: dict[str, list[QLineF]] = {}
        for wire in self._scene.wires.values():
            line = QLineF(wire.start, wire.end).translated(wire.pos())
            found.setdefault(wire.seen_colour, []).append(line)
        return found

    def _gather_rects(self) -> Mapping[str, list[QRectF]]:
        found: dict[str, list[QRectF]] = {}
        for item in self._scene.nodes.values():
            found.setdefault(item.far_colour, []).append(item.places.rect.translated(item.pos()))
        return found
