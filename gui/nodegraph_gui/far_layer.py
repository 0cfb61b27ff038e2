"""All of a graph in a few calls, for when so much of it is in sight that nothing of a node can be told apart."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem

from .colours import mix
from .node_items import NodeItem
from .scene import Scene
from .wire_items import WireItem

__all__ = ["FarLayer"]

Lines = Mapping[str, list[QLineF]]
Rects = Mapping[str, list[QRectF]]


class FarLayer:
    """Nodes as rectangles, wires as lines, gathered by colour and kept until the scene changes."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._extent: QRectF | None = None
        self._lines: Lines | None = None
        self._rects: Rects | None = None

    def forget(self) -> None:
        """Something came, went or moved."""
        self._extent = None
        self._lines = self._rects = None

    def forget_colours(self) -> None:
        """Something looks otherwise than it did."""
        self._rects = None

    @property
    def extent(self) -> QRectF:
        if self._extent is None:
            self._extent = self._scene.content_rect()
        return self._extent

    def draw(self, painter: QPainter, exposed: QRectF | None) -> None:
        """Draw into a painter that is in the scene's coordinates: all, or what is in a part of the scene."""
        scene, paints = self._scene, self._scene.paints
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for frame in scene.frames:
            painter.fillRect(frame.rect, paints.colour(mix(paints.theme.canvas, frame.colour, 0.2)))
        for note in scene.notes:
            painter.fillRect(note.rect, paints.colour(paints.theme.note))
        if exposed is None:
            if self._lines is None:
                self._lines = lines_of(scene.wires.values())
            if self._rects is None:
                self._rects = rects_of(scene.nodes.values())
            lines, rects = self._lines, self._rects
        else:
            items = scene.items(exposed)
            lines = lines_of(item for item in items if isinstance(item, WireItem))
            rects = rects_of(item for item in items if isinstance(item, NodeItem))
        for colour, some in lines.items():
            painter.setPen(paints.pen(colour, 0.0))
            painter.drawLines(some)
        painter.setPen(paints.no_pen)
        for colour, boxes in rects.items():
            painter.setBrush(paints.brush(colour))
            painter.drawRects(boxes)
        for item in scene.above:
            if item.isVisible():
                painter.save()
                painter.setTransform(item.sceneTransform(), True)
                item.paint(painter, QStyleOptionGraphicsItem())
                painter.restore()


def lines_of(wires: Iterable[WireItem]) -> Lines:
    found: dict[str, list[QLineF]] = {}
    for wire in wires:
        line = QLineF(wire.start, wire.end).translated(wire.pos())
        found.setdefault(wire.seen_colour, []).append(line)
    return found


def rects_of(nodes: Iterable[NodeItem]) -> Rects:
    found: dict[str, list[QRectF]] = {}
    for item in nodes:
        found.setdefault(item.far_colour, []).append(item.places.rect.translated(item.pos()))
    return found
