"""The view of a scene: camera, ground, and who gets the mouse.

Pan and zoom are its own; everything else that a hand does is a gesture, one object from press to release. The scroll
bars are hidden and the canvas reaches far, so that a step of a pan moves pixels and draws only what comes into sight.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QCursor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsView, QToolTip, QWidget

from .far_layer import FarLayer
from .grounds import Ground
from .scene import Key, Scene
from .shapes import PortRef
from .tooltips import tooltip_at
from .wire_items import FAR, NEAR

__all__ = ["HIT", "CanvasView", "Dropping", "Gesturing"]

HIT = 10.0  # pixels around a port or a wire that count as on it
CLOSEST, FARTHEST = 4.0, 0.02
REACH = 400_000.0  # how far the canvas goes from its origin
MARGIN = 40
STEP = 1.0015  # of zoom for a unit of the wheel, of which a notch has 120
CROWD = 2_000  # items in sight, from which on they are drawn in one batch


class Gesturing(Protocol):
    """What the view asks of a gesture; `key(event) -> bool` is asked too, where a gesture has it."""

    def begin(self, event: QMouseEvent) -> bool: ...
    def move(self, event: QMouseEvent) -> None: ...
    def release(self, event: QMouseEvent) -> None: ...
    def cancel(self) -> None: ...


class Dropping(Protocol):
    """What takes things that are dropped: asked in order, the first that enters has the drop."""

    def enter(self, event: QDragEnterEvent) -> bool: ...
    def move(self, event: QDragMoveEvent) -> None: ...
    def leave(self) -> None: ...
    def drop(self, event: QDropEvent) -> bool: ...


class CanvasView(QGraphicsView):
    """A window onto a scene.

    Attributes:
        factories: what makes gestures, asked in order at each press.
        gesture: the gesture that has the mouse, or None.
        drops: what takes drops.
        editing: opens the editor of an input; set by who has editors.

    Signals:
        hint: what the status bar should say of the gesture that goes on; "" when it is over.
        zoom_changed: the camera came closer or went farther; moved: it went elsewhere.
        menu_wanted: a right click, at a point of the screen and of the scene.
    """

    hint = Signal(str)
    zoom_changed = Signal(float)
    moved = Signal()
    menu_wanted = Signal(QPoint, QPointF)

    def __init__(self, scene: Scene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = scene  # Qt does not keep it
        self.factories: list[Callable[[CanvasView], Gesturing]] = []
        self.gesture: Gesturing | None = None
        self.drops: list[Dropping] = []
        self.editing: Callable[[CanvasView, str, str], None] | None = None
        self._dropping: Dropping | None = None
        self._panning: QPoint | None = None
        self._space = False
        self._hovered: tuple[str, PortRef | str] | None = None
        self._far = FarLayer(scene)
        self._ground = Ground()
        self._in_far = False
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
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.centerOn(0, 0)
        scene.content_changed.connect(self._content_changed)
        scene.looks_changed.connect(self._looks_changed)

    @property
    def canvas(self) -> Scene:
        """The scene, as what it is."""
        return self._canvas

    # camera

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
        if round(dx) and round(dy):
            self.viewport().repaint(0, 0, 1, 1)  # two strips, one after the other, cost less than what holds both
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

    def fit_selection(self) -> None:
        self.fit(self._canvas.selected_keys or None, 1.5)

    # drawing

    def _choose_layer(self) -> None:
        """Draw in one batch where details could not be told apart or are too many."""
        count = len(self._canvas.nodes) + len(self._canvas.wires)
        far = self.zoom < FAR / 2 or (self.zoom < NEAR and count > CROWD and self._in_sight(count) > CROWD)
        if far != self._in_far:
            self._in_far = far
            self.viewport().update()

    def _in_sight(self, count: int) -> float:
        """About how many items are in sight."""
        whole, seen = self._far.extent, self.visible_rect()
        if whole.isEmpty():
            return 0.0
        part = whole.intersected(seen)
        return count * part.width() * part.height() / (whole.width() * whole.height())

    def _content_changed(self) -> None:
        self._far.forget()
        self._looks_changed()

    def _looks_changed(self) -> None:
        self._far.forget_colours()
        if self._in_far:
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._in_far:
            super().paintEvent(event)
            return
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self._canvas.paints.colour(self._canvas.theme.canvas))
        painter.setWorldTransform(self.viewportTransform())
        whole = self.viewport().rect()
        for exposed in iter(event.region()):  # type: ignore[call-overload]
            some = exposed.width() * exposed.height() * 4 < whole.width() * whole.height()
            painter.setClipRect(self.mapToScene(exposed.adjusted(-1, -1, 1, 1)).boundingRect())
            self._far.draw(painter, self.mapToScene(exposed).boundingRect() if some else None)
        painter.end()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        self._ground.draw(painter, QRectF(rect), self.zoom, self._canvas.paints)

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.gesture is not None:
            event.accept()
            return
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space and event.button() == Qt.MouseButton.LeftButton):
            self._panning = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            event.accept()
            return
        self._begin(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.gesture is None and self._panning is None:
            self._begin(event)

    def _begin(self, event: QMouseEvent) -> None:
        """Give the press to the first gesture that wants it; `event.type()` tells a double click."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.hover(None)
        event.accept()
        for factory in self.factories:
            gesture = factory(self)
            self.gesture = gesture
            if gesture.begin(event):
                return
            self.gesture = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._panning is not None:
            step = at - self._panning
            self._panning = at
            self.pan(step.x(), step.y())
        elif self.gesture is not None:
            self.gesture.move(event)
        else:
            self._hover_at(at)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._panning is not None:
            self._panning = None
            self._show_cursor()
        elif self.gesture is not None:
            gesture, self.gesture = self.gesture, None
            try:
                gesture.release(event)
            finally:
                self.hint.emit("")

    def cancel(self) -> bool:
        """Take back the gesture that goes on; whether there was one."""
        gesture, self.gesture = self.gesture, None
        if gesture is None:
            return False
        gesture.cancel()
        self.hint.emit("")
        return True

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.gesture is None:
            self.menu_wanted.emit(event.globalPos(), self.mapToScene(event.pos()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        keys, pixels, turn = event.modifiers(), event.pixelDelta(), event.angleDelta()
        touchpad = not pixels.isNull() and (
            event.phase() != Qt.ScrollPhase.NoScrollPhase
            or event.device().type() == QInputDevice.DeviceType.TouchPad
        )
        event.accept()
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self.pan(turn.y() + turn.x(), 0)
        elif touchpad and not keys & Qt.KeyboardModifier.ControlModifier:
            self.pan(pixels.x(), pixels.y())
        elif turn.y():
            self.zoom_at(STEP ** max(-480, min(480, turn.y())), event.position())

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.cancel():
            event.accept()
            return
        asked: Callable[[QKeyEvent], bool] | None = getattr(self.gesture, "key", None)
        if asked is not None and asked(event):
            event.accept()
            return
        if event.key() == Qt.Key.Key_Space and self.gesture is None:
            if not event.isAutoRepeat():
                self._space = True
                self._show_cursor()
            event.accept()
            return
        event.ignore()  # arrow keys are the window's, not the scroll bars'

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._show_cursor()
            event.accept()
            return
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space = False
        self._show_cursor()
        super().focusOutEvent(event)

    # what the cursor is over

    def hover(self, what: tuple[str, PortRef | str] | None) -> None:
        """Show that a port or a value of a node can be taken."""
        if what == self._hovered:
            return
        for found, new in ((self._hovered, None), (what, what)):
            item = self._canvas.nodes.get(found[0]) if found is not None else None
            if item is not None:
                item.set_hovered(new[1] if new is not None else None)
        self._hovered = what
        self._show_cursor()

    def _hover_at(self, at: QPoint) -> None:
        if self._in_far or self.zoom < NEAR:
            self.hover(None)
            return
        pos = self.mapToScene(at)
        port = self._canvas.port_at(pos, self.pixels(HIT))
        self.hover((port.node, port) if port is not None else self._canvas.field_at(pos))

    def _show_cursor(self) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self._panning is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._hovered is not None:
            on_port = isinstance(self._hovered[1], PortRef)
            shape = Qt.CursorShape.CrossCursor if on_port else Qt.CursorShape.PointingHandCursor
        self.viewport().setCursor(QCursor(shape))

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            text = tooltip_at(self._canvas, self.mapToScene(event.pos()), self.pixels(HIT))
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        if isinstance(event, QNativeGestureEvent):
            return self._native_gesture(event)
        if event.type() == QEvent.Type.Leave and self.gesture is None:
            self.hover(None)
        return bool(super().viewportEvent(event))

    def _native_gesture(self, event: QNativeGestureEvent) -> bool:
        kind = event.gestureType()
        if kind == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_at(max(0.2, 1 + event.value()), event.position())
        elif kind == Qt.NativeGestureType.SmartZoomNativeGesture:
            self.fit()
        else:
            return False
        event.accept()
        return True

    # drops

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        for each in self.drops:
            if each.enter(event):
                self._dropping = each
                event.acceptProposedAction()
                return
        event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if self._dropping is None:
            event.ignore()
            return
        self._dropping.move(event)
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        dropping, self._dropping = self._dropping, None
        if dropping is not None:
            dropping.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        dropping, self._dropping = self._dropping, None
        if dropping is not None and dropping.drop(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    # values

    def open_editor(self, node: str, input: str) -> None:
        """Open the editor of a value, over its place in the node."""
        if self.editing is not None:
            self.editing(self, node, input)

    def field_pixels(self, node: str, input: str) -> QRectF:
        """Where the value of an input is in the window."""
        return QRectF(self.mapFromScene(self._canvas.field_rect(node, input)).boundingRect())

    def event(self, event: QEvent) -> Any:
        if event.type() == QEvent.Type.ShortcutOverride and self.gesture is not None:
            event.accept()  # during a gesture its keys come before shortcuts
            return True
        return super().event(event)
