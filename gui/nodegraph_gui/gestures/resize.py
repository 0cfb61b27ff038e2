"""Resize: the right edge of a node, the right and lower edges and the corner of a frame or note."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent

from nodegraph import Graph

from ..canvases import GRID, canvas_of
from ..edits import edit_frame, edit_note, set_width
from ..keys import Key, as_rect, named
from ..marks import Mark, outline
from ..note_items import fitted
from ..scene import Scene
from ..sizes import NARROWEST
from . import SHIFT, Gesture

__all__ = ["EDGE", "Resize", "grip_at", "grip_cursor"]

EDGE = 6.0  # pixels on both sides of an edge
SMALLEST = (80.0, 40.0)


def grip_at(scene: Scene, at: QPointF, reach: float) -> tuple[Key, tuple[bool, bool]] | None:
    """What can be resized from a point, by its right edge, its lower edge or both; None where nothing can."""
    notes, frames = (item.key for item in reversed(scene.notes)), (item.key for item in scene.frames)
    near = scene.nodes_in(QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach))
    over = scene.node_at(at)
    keys: tuple[Key, ...] = (*notes, *near, *frames) if over is None else (over,)
    for key in keys:
        rect = scene.rect_of(key)
        if not rect.adjusted(0, 0, reach, reach).contains(at):
            continue
        right = abs(at.x() - rect.right()) <= reach
        lower = abs(at.y() - rect.bottom()) <= reach and not isinstance(key, str)
        if right or lower:
            return key, (right, lower)
    return None


def grip_cursor(grip: tuple[bool, bool]) -> Qt.CursorShape:
    right, lower = grip
    if right and lower:
        return Qt.CursorShape.SizeFDiagCursor
    return Qt.CursorShape.SizeHorCursor if right else Qt.CursorShape.SizeVerCursor


class Resize(Gesture):
    """An outline shows the size to come; nothing moves before the release."""

    hint = "Drag to resize · Shift turns the grid off or on · Esc takes it back"

    def wants(self, event: QMouseEvent) -> bool:
        found = grip_at(self.scene, self.start, self.view.pixels(EDGE))
        if found is None:
            return False
        self.key, self.grip = found
        self.rect = self.scene.rect_of(self.key)
        self.new = QRectF(self.rect)
        self.mark: Mark | None = None
        return True

    def drag(self, event: QMouseEvent) -> None:
        moved = self.at(event) - self.start
        step = 1.0 if bool(event.modifiers() & SHIFT) == self.desk.snap else float(GRID)
        low = (NARROWEST, 0.0) if isinstance(self.key, str) else SMALLEST
        right, lower = self.grip
        if right:
            edge = round((self.rect.right() + moved.x()) / step) * step
            self.new.setWidth(max(low[0], edge - self.rect.left()))
        if lower:
            edge = round((self.rect.bottom() + moved.y()) / step) * step
            self.new.setHeight(max(low[1], edge - self.rect.top()))
        if self.mark is None:
            self.mark = Mark(self.scene, self.scene.theme.accent, 1.5, dashed=True)
        self.mark.setPath(outline(self.new))

    def drop(self, event: QMouseEvent) -> None:
        self.drag(event)
        self.restore()
        self.document.edit(f"Resize {named([self.key])}", self.resized(self.document.graph))

    def resized(self, graph: Graph) -> Graph:
        if isinstance(self.key, str):
            return set_width(graph, [self.key], self.new.width())
        what, number = self.key
        rect = as_rect(self.new)
        if what == "frame":
            return edit_frame(graph, number, rect=rect)
        note = canvas_of(graph).notes[number]
        if self.grip[1]:
            return edit_note(graph, number, rect=rect, sized=True)
        return edit_note(graph, number, rect=rect if note.sized else fitted(note.text, rect, self.scene.paints))

    def click(self, event: QMouseEvent) -> None:
        self.scene.select([self.key], "replace")

    def restore(self) -> None:
        if self.mark is not None:
            self.mark.remove()
