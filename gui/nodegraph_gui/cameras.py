"""A camera on a scene: zoom and pan, and with how many details what is seen is drawn.

The scroll bars are hidden and the canvas reaches far, so that a step of a pan moves pixels and draws only what comes
into sight.
"""

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QDropEvent, QMouseEvent, QPainter, QPaintEvent, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from .far_layer import FarLayer
from .grounds import Ground
from .scene import Key, Scene
from .wire_items import FAR, NEAR

__all__ = ["CLOSEST", "FARTHEST", "Camera"]

CLOSEST, FARTHEST = 4.0, 0.02
REACH = 400_000.0  # how far the canvas goes from its origin
MARGIN = 40
CROWD = 2_000  # items in sight, from which on they are drawn in one batch


class Camera(QGraphicsView):
    """A window onto a scene.

    Attributes:
        far: everything is drawn in one batch now, with no details.

    Signals:
        zoom_changed: it came closer or went farther away.
        moved: it shows another part of the scene.
    """

    zoom_changed = Signal(float)
    moved = Signal()

    def __init__(self, scene: Scene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = scene  # Qt does not keep it
        self.far = False
        self._far_layer = FarLayer(scene)
        self._ground = Ground()
        self.setScene(scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSceneRect(-REACH, -REACH, 2 * REACH, 2 * REACH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        hints = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        self.setRenderHints(hints | QPainter.RenderHint.TextAntialiasing)
        self.setDragMode(QGraphicsView.DragMode.NoDrag)
        self.centerOn(0, 0)
        scene.content_changed.connect(self._content_changed)
        scene.looks_changed.connect(self._looks_changed)

    @property
    def canvas(self) -> Scene:
        """The scene, as what it is."""
        return self._canvas

    @property
    def zoom(self) -> float:
        """Pixels of the window for one of the scene."""
        return float(self.transform().m11())

    def pixels(self, count: float) -> float:
        """So many pixels of the window, in the scene: radii of hits are given so."""
        return count / self.zoom

    def scene_at(self, event: QMouseEvent | QDropEvent) -> QPointF:
        """Where in the scene an event happened."""
        return self.mapToScene(event.position().toPoint())

    def visible_rect(self) -> QRectF:
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def pan(self, dx: float, dy: float) -> None:
        """Move what is seen by so many pixels."""
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setValue(across.value() - round(dx))
        if round(dx) and round(dy):  # one strip after the other: what holds both costs Qt twice as much
            self.viewport().repaint(0 if dx > 0 else self.viewport().width() - 1, 0, 1, 1)
        down.setValue(down.value() - round(dy))
        self.moved.emit()

    def zoom_at(self, factor: float, at: QPoint | QPointF | None = None) -> None:
        """Come closer by a factor (or go away, below 1); the point of the window stays where it is.

        Args:
            at: None is the middle.
        """
        spot = QPointF(self.viewport().rect().center()) if at is None else QPointF(at)
        new = min(CLOSEST, max(FARTHEST, self.zoom * factor))
        if new != self.zoom:
            self._look(self._to_scene(spot), spot, new)

    def _to_scene(self, spot: QPointF) -> QPointF:
        inverse, _ = self.viewportTransform().inverted()
        return inverse.map(spot)

    def _look(self, point: QPointF, spot: QPointF, zoom: float) -> None:
        """Show a point of the scene at a spot of the window."""
        changed = zoom != self.zoom
        if changed:
            self.setTransform(QTransform.fromScale(zoom, zoom))
        now = self.viewportTransform().map(point)
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setValue(across.value() + round(now.x() - spot.x()))
        down.setValue(down.value() + round(now.y() - spot.y()))
        if changed:
            self._choose_layer()
            self.zoom_changed.emit(zoom)
        self.moved.emit()

    def look_at(self, point: QPointF, zoom: float | None = None) -> None:
        """Bring a point of the scene to the middle of the window."""
        new = self.zoom if zoom is None else min(CLOSEST, max(FARTHEST, zoom))
        self._look(point, QPointF(self.viewport().rect().center()), new)

    def fit(self, keys: Iterable[Key] | None = None, closest: float = 1.0) -> None:
        """Show all of these, or all there is; no closer than `closest`."""
        rect = self._canvas.content_rect(keys)
        if rect.isEmpty():
            self.look_at(QPointF(), 1.0)
            return
        size = self.viewport().size()
        across = max(1, size.width() - 2 * MARGIN) / rect.width()
        self.look_at(rect.center(), min(closest, across, max(1, size.height() - 2 * MARGIN) / rect.height()))

    def reveal(self, rect: QRectF) -> None:
        """Bring a rectangle of the scene into sight, if it is not: moved no farther than that takes, and, where it is
        too large, from farther away."""
        room = self.viewport().rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        seen = self.mapToScene(room).boundingRect()
        if seen.contains(rect):
            return
        if rect.width() > seen.width() or rect.height() > seen.height():
            across, down = max(1, room.width()) / rect.width(), max(1, room.height()) / rect.height()
            self.look_at(rect.center(), min(self.zoom, across, down))
            return
        dx = min(rect.left() - seen.left(), 0.0) or max(rect.right() - seen.right(), 0.0)
        dy = min(rect.top() - seen.top(), 0.0) or max(rect.bottom() - seen.bottom(), 0.0)
        self.pan(-dx * self.zoom, -dy * self.zoom)

    def fit_selection(self) -> None:
        self.fit(self._canvas.selected_keys or None, 1.5)

    def _choose_layer(self) -> None:
        """Draw in one batch where details could not be told apart or are too many."""
        count = len(self._canvas.nodes) + len(self._canvas.wires)
        far = self.zoom < FAR / 2 or (self.zoom < NEAR and count > CROWD and self._in_sight(count) > CROWD)
        if far != self.far:
            self.far = far
            self.viewport().update()

    def _in_sight(self, count: int) -> float:
        """About how many items are in sight."""
        whole, seen = self._far_layer.extent, self.visible_rect()
        if whole.isEmpty():
            return 0.0
        part = whole.intersected(seen)
        return count * part.width() * part.height() / (whole.width() * whole.height())

    def _content_changed(self) -> None:
        self._far_layer.forget()
        self._looks_changed()

    def _looks_changed(self) -> None:
        self._far_layer.forget_colours()
        if self.far:
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.far:
            super().paintEvent(event)
            return
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self._canvas.paints.colour(self._canvas.theme.canvas))
        painter.setWorldTransform(self.viewportTransform())
        whole = self.viewport().rect()
        for exposed in iter(event.region()):  # type: ignore[call-overload]
            some = exposed.width() * exposed.height() * 4 < whole.width() * whole.height()
            seen = self.mapToScene(exposed.adjusted(-1, -1, 1, 1)).boundingRect()
            painter.setClipRect(seen)
            self._far_layer.draw(painter, seen if some else None)
        painter.end()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        self._ground.draw(painter, QRectF(rect), self.zoom, self._canvas.paints)
