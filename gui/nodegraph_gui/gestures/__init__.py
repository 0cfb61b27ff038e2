"""What a hand does on the canvas: one gesture, one object, one file.

A view asks its list of factories in order, and the first gesture whose `begin` says yes has the mouse until it is let
go or Esc is pressed. During a gesture nothing is written but to the scene, provisionally; `release` makes one edit of
the document, and `cancel` leaves everything as it was.
"""

from typing import TYPE_CHECKING

from PySide6.QtGui import QMouseEvent

if TYPE_CHECKING:
    from ..canvas import CanvasView

__all__ = ["Gesture"]


class Gesture:
    """A drag or a click, from the press to the release; this one wants nothing."""

    def __init__(self, view: "CanvasView") -> None:
        self.view = view

    def begin(self, event: QMouseEvent) -> bool:
        """Whether the press begins this gesture; when not, the next one is asked."""
        return False

    def move(self, event: QMouseEvent) -> None:
        """Show what a release here would do."""

    def release(self, event: QMouseEvent) -> None:
        """Do it."""

    def cancel(self) -> None:
        """Put all back as it was before the press."""
