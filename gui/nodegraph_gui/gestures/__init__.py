"""What a hand does on the canvas: one gesture, one object, one file.

A view asks its list of factories in order, and the first gesture whose `begin` says yes has the mouse until it is let
go or Esc is pressed. During a gesture nothing is written but to the scene, provisionally; `release` makes one edit of
the document, and `cancel` leaves everything as it was.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

if TYPE_CHECKING:
    from ..desk import Desk

__all__ = ["DRIFT", "Gesture"]

DRIFT = 6.0  # pixels that the mouse may stray while a button is clicked
ALT, CTRL, SHIFT = (
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


class Gesture:
    """A drag or a click, from the press to the release; this one wants nothing.

    Gestures override the small methods below: `wants`, `drag`, `drop`, `click` and `restore`.

    Attributes:
        start: where the press was, in the scene.
        moved: whether the mouse went farther than a click may stray.
    """

    hint = ""

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        self.view = desk.view
        self.scene = desk.scene
        self.document = desk.document
        self.start = QPointF()
        self.moved = False
        self._pressed = QPointF()

    def begin(self, event: QMouseEvent) -> bool:
        """Whether the press begins this gesture; when not, the next one is asked."""
        self._pressed = event.position()
        self.start = self.at(event)
        if event.button() != Qt.MouseButton.LeftButton or not self.wants(event):
            return False
        if self.hint:
            self.view.hint.emit(self.hint)
        return True

    def move(self, event: QMouseEvent) -> None:
        """Show what a release here would do."""
        self.moved = self.moved or (event.position() - self._pressed).manhattanLength() > DRIFT
        if self.moved:
            self.drag(event)

    def release(self, event: QMouseEvent) -> None:
        """Do it."""
        self.view.hint.emit("")
        if self.moved:
            self.drop(event)
        else:
            self.click(event)

    def cancel(self) -> None:
        """Put all back as it was before the press."""
        self.view.hint.emit("")
        self.restore()

    def at(self, event: QMouseEvent) -> QPointF:
        """Where the cursor is, in the scene."""
        return self.view.mapToScene(event.position().toPoint())

    def wants(self, event: QMouseEvent) -> bool:
        return False

    def drag(self, event: QMouseEvent) -> None:
        """The mouse went somewhere, having strayed beyond a click."""

    def drop(self, event: QMouseEvent) -> None:
        """The button was let go after a drag."""

    def click(self, event: QMouseEvent) -> None:
        """The button was let go where it was pressed."""

    def restore(self) -> None:
        """Take back what was shown provisionally."""
