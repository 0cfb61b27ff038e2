"""The canvas: a camera on a scene, and who gets the mouse.

Pan and zoom are the view's own; everything else that a hand does is a gesture, one object from press to release.
"""

from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
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
    QKeySequence,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from .cameras import Camera
from .scene import Scene
from .shapes import PortRef
from .tooltips import tooltip_at
from .wire_items import NEAR

__all__ = ["HIT", "CanvasView", "Dropping", "Gesturing"]

HIT = 10.0  # pixels around a port or a wire that count as on it
STEP = 1.0015  # of zoom for a unit of the wheel, of which a notch has 120


class Gesturing(Protocol):
    """What the view asks of a gesture."""

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


class CanvasView(Camera):
    """A window onto a scene, with a hand in it.

    Attributes:
        factories: what makes gestures, asked in order at each press.
        gesture: the gesture that has the mouse, or None.
        drops: what takes drops.
        editing: opens the editor of an input; set by who has editors.

    Signals:
        hint: what the status bar should say of the gesture that goes on; "" when it is over.
        menu_wanted: a right click, at a point of the screen and of the scene.
    """

    hint = Signal(str)
    menu_wanted = Signal(QPoint, QPointF)

    def __init__(self, scene: Scene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.factories: list[Callable[[CanvasView], Gesturing]] = []
        self.gesture: Gesturing | None = None
        self.drops: list[Dropping] = []
        self.editing: Callable[[CanvasView, str, str], None] | None = None
        self._dropping: Dropping | None = None
        self._panning: QPoint | None = None
        self._space = False
        self._hovered: tuple[str, PortRef | str] | None = None
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

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
            if self.far:
                self.viewport().update()  # Qt does not know where it drew what a gesture shows
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
        ends = event.key() == Qt.Key.Key_Escape or event.matches(QKeySequence.StandardKey.Undo)
        if ends and self.cancel():  # undo takes back what goes on, and nothing else
            event.accept()
            return
        if self.gesture is not None:  # which looks at the modifiers when the mouse moves; other keys have to wait
            event.accept()
            return
        if event.key() == Qt.Key.Key_Space:
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
        """Show that a port or a value of a node can be taken; None: that nothing is under the cursor."""
        if what is None:
            self._canvas.hover(None)
        self._show_hovered(what)

    def _show_hovered(self, what: tuple[str, PortRef | str] | None) -> None:
        if what == self._hovered:
            return
        for found, new in ((self._hovered, None), (what, what)):
            item = self._canvas.nodes.get(found[0]) if found is not None else None
            if item is not None:
                item.set_hovered(new[1] if new is not None else None)
        self._hovered = what
        self._show_cursor()

    def _hover_at(self, at: QPoint) -> None:
        if self.far or self.zoom < NEAR:
            self.hover(None)
            return
        pos = self.mapToScene(at)
        self._canvas.hover(self._canvas.node_at(pos))
        port = self._canvas.port_at(pos, self.pixels(HIT))
        self._show_hovered((port.node, port) if port is not None else self._canvas.field_at(pos))

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
