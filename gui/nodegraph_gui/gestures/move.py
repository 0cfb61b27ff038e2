"""Move: what is selected follows the mouse, frames with what is in them; a click only selects.

A node that is dropped on a wire where both its sides fit is put into it.
"""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QMouseEvent

from nodegraph import Link

from ..canvases import GRID
from ..keys import Key, contents, key_at, move_keys, named, selected
from . import CTRL, SHIFT, Gesture
from .insert import Insertion
from .select import pick, way

__all__ = ["Move", "snapped"]

HINT = "Shift turns the grid off or on · Esc takes it back"


class Move(Gesture):
    """From a press on a node, a note or the title of a frame."""

    def wants(self, event: QMouseEvent) -> bool:
        key = key_at(self.scene, self.start)
        if key is None:
            return False
        self.key: Key = key
        self.before = self.scene.selected_keys
        self.was_selected = self.key in self.before
        pick(self.scene, self.key, event.modifiers())
        self.keys: list[Key] = []
        self.delta = QPointF()
        self.insertion: Insertion | None = None
        return True

    def drag(self, event: QMouseEvent) -> None:
        if not self.keys:
            self._take_up()
        self.delta = self._delta(event)
        self.scene.shift(self.keys, self.delta)
        if self.insertion is not None:
            self.insertion.hover(self.at(event))
        where = self.link
        self.view.hint.emit(f"Let go to insert into {where}" if where else HINT)

    def _take_up(self) -> None:
        if self.key not in self.scene.selected_keys:  # Ctrl took it out of the selection; a drag takes it along
            self.scene.select([self.key], "add")
        self.keys = contents(self.scene, selected(self.scene))
        if len(self.keys) == 1 and isinstance(self.key, str):
            self.insertion = Insertion(self.desk, self.key)

    def _delta(self, event: QMouseEvent) -> QPointF:
        delta = self.at(event) - self.start
        corner = self.scene.rect_of(self.key).topLeft() - self.delta  # where it was before the drag
        fine = bool(event.modifiers() & SHIFT) == self.desk.snap
        return snapped(corner + delta, 1 if fine else GRID) - corner

    @property
    def link(self) -> Link | None:
        return self.insertion.link if self.insertion is not None else None

    def drop(self, event: QMouseEvent) -> None:
        self.drag(event)
        link = self.link
        graph = move_keys(self.scene, self.document.graph, self.keys, QPointF())  # where they are shown now
        label = f"Move {named(self.keys)}"
        if link is not None and self.insertion is not None:
            graph = self.insertion.into(graph, link)
            label = f"Insert {self.key} into {link}"
        self.document.edit(label, graph)
        self._settle()

    def click(self, event: QMouseEvent) -> None:
        field = self.scene.field_at(self.start)
        if way(event.modifiers()) == "replace":
            self.scene.select([self.key], "replace")
            if field is not None:
                self.view.open_editor(*field)
        elif event.modifiers() & CTRL and event.modifiers() & SHIFT:
            self.scene.select([self.key], "subtract")

    def restore(self) -> None:
        self._settle()
        self.scene.select(self.before, "replace")

    def _settle(self) -> None:
        if self.insertion is not None:
            self.insertion.end()
        if self.keys:
            self.scene.settle()


def snapped(at: QPointF, step: float) -> QPointF:
    """The nearest point of the grid."""
    return QPointF(round(at.x() / step) * step, round(at.y() / step) * step)
