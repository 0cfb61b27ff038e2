"""Select: a click takes one, Shift adds, Ctrl turns over; a drag over empty canvas takes what it touches."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QMouseEvent

from ..keys import Key, keys_in
from ..marks import Mark, outline
from ..scene import Scene, SelectHow
from . import CTRL, SHIFT, Gesture

__all__ = ["SelectRectangle", "pick"]


def way(held: Qt.KeyboardModifier) -> SelectHow:
    """How what is clicked joins the selection, by the keys that are held."""
    return "add" if held & SHIFT else "toggle" if held & CTRL else "replace"


def pick(scene: Scene, key: Key, held: Qt.KeyboardModifier) -> None:
    """A press on something: it is selected, with the rest where that was selected already."""
    how = way(held)
    if how != "replace" or key not in scene.selected_keys:
        scene.select([key], how)


class SelectRectangle(Gesture):
    """From a press on empty canvas; a click there selects nothing."""

    hint = "Drag over nodes to select them · Shift adds · Ctrl turns over"

    def wants(self, event: QMouseEvent) -> bool:
        self.before = self.scene.selected_keys
        self.mark: Mark | None = None
        return True

    def drag(self, event: QMouseEvent) -> None:
        rect = QRectF(self.start, self.at(event)).normalized()
        if self.mark is None:
            self.mark = Mark(self.scene, self.scene.theme.accent, 1.0, filled=True)
        self.mark.setPath(outline(rect, radius=0))
        touched = keys_in(self.scene, rect)
        self.scene.select(self.before, "replace")
        self.scene.select(touched, way(event.modifiers()))

    def drop(self, event: QMouseEvent) -> None:
        self._clear()

    def click(self, event: QMouseEvent) -> None:
        if way(event.modifiers()) == "replace":
            self.scene.select([], "replace")

    def restore(self) -> None:
        self._clear()
        self.scene.select(self.before, "replace")

    def _clear(self) -> None:
        if self.mark is not None:
            self.mark.remove()
