"""Double click: on empty canvas the list of nodes opens, on a title it is typed anew, on a note its text."""

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QMouseEvent

from ..keys import Key, key_at
from ..shapes import HEADER
from . import Gesture

__all__ = ["DoubleClick"]


class DoubleClick(Gesture):
    """Takes effect when the button is let go, so that what opens keeps the keyboard."""

    def wants(self, event: QMouseEvent) -> bool:
        if event.type() != QEvent.Type.MouseButtonDblClick:
            return False
        self.key: Key | None = key_at(self.scene, self.start)
        self.screen: QPoint = event.position().toPoint()
        if not isinstance(self.key, str):
            return self.scene.port_at(self.start, self.view.pixels(10)) is None
        return self.start.y() - self.scene.node_rect(self.key).top() <= HEADER

    def click(self, event: QMouseEvent) -> None:
        if self.key is None:
            self.desk.offers.all_kinds(self.start)
        elif isinstance(self.key, str) or self.key[0] == "frame":
            self.desk.edit_title(self.key)
        else:
            self.desk.edit_note(self.key[1])
