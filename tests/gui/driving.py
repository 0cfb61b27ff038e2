"""Real mouse, key and drop events for a view that is shown, as a user's hand would make them."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

KINDS = {
    "press": QEvent.Type.MouseButtonPress,
    "move": QEvent.Type.MouseMove,
    "release": QEvent.Type.MouseButtonRelease,
    "double": QEvent.Type.MouseButtonDblClick,
}
LEFT, NONE, NO_KEY = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier


def send_mouse(view, kind, at, button=LEFT, keys=NO_KEY):
    """Send one event to the viewport; `at` is in its pixels."""
    port = view.viewport()
    held = NONE if kind == "release" else button
    event = QMouseEvent(
        KINDS[kind], QPointF(at), QPointF(port.mapToGlobal(at)), NONE if kind == "move" else button, held, keys
    )
    QApplication.sendEvent(port, event)


def click(view, at, button=LEFT, keys=NO_KEY):
    """Press and release at a point of the scene."""
    at = view.mapFromScene(QPointF(*at) if isinstance(at, tuple) else at)
    send_mouse(view, "press", at, button, keys)
    send_mouse(view, "release", at, button, keys)


def double_click(view, at):
    click(view, at)
    at = view.mapFromScene(QPointF(*at) if isinstance(at, tuple) else at)
    send_mouse(view, "double", at)
    send_mouse(view, "release", at)


def begin_drag(view, start, end, button=LEFT, keys=NO_KEY, steps=4):
    """Press at one point of the scene and move to another, without letting go."""
    start, end = (view.mapFromScene(QPointF(*at) if isinstance(at, tuple) else at) for at in (start, end))
    send_mouse(view, "press", start, button, keys)
    for step in range(1, steps + 1):
        send_mouse(view, "move", start + (end - start) * step / steps, button, keys)


def drag(view, start, end, button=LEFT, keys=NO_KEY, steps=4):
    begin_drag(view, start, end, button, keys, steps)
    send_mouse(view, "release", view.mapFromScene(QPointF(*end) if isinstance(end, tuple) else end), button, keys)


def drop(view, mime, at, action=Qt.DropAction.CopyAction, keys=NO_KEY):
    """Drag `mime` over a point of the scene and drop it there; whether it was taken. Keep `mime` in a variable."""
    port = view.viewport()
    at = view.mapFromScene(QPointF(*at) if isinstance(at, tuple) else at)
    for kind, point in ((QDragEnterEvent, at), (QDragMoveEvent, at), (QDropEvent, QPointF(at))):
        event = kind(point, action, mime, LEFT, keys)
        QApplication.sendEvent(port, event)
        if not event.isAccepted():
            QApplication.sendEvent(port, QDragLeaveEvent())
            return False
    return True
