"""Duplicate by dragging: Alt and a drag leave the nodes where they are and put copies where the mouse lets go."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QMouseEvent

from ..canvases import GRID, with_positions
from ..edits import duplicate
from ..keys import named, placed, selected_nodes
from ..marks import Mark, outline
from . import ALT, CTRL, SHIFT, Gesture
from .move import snapped

__all__ = ["DuplicateDrag"]


class DuplicateDrag(Gesture):
    """From a press on a node with Alt; with Shift the copies are linked to what feeds the originals."""

    hint = "Let go to put copies here · Shift links them to what feeds the originals · Esc takes it back"

    def wants(self, event: QMouseEvent) -> bool:
        held = event.modifiers()
        node = self.scene.node_at(self.start)
        if node is None or not held & ALT or held & CTRL:
            return False
        self.node = node
        self.nodes = selected_nodes(self.scene) if node in self.scene.selection else [node]
        self.mark = Mark(self.scene, self.scene.theme.accent, 1.5, dashed=True, filled=True)
        self.delta = QPointF()
        return True

    def drag(self, event: QMouseEvent) -> None:
        rects = [self.scene.node_rect(node) for node in self.nodes]
        corner = self.scene.node_rect(self.node).topLeft()
        step = GRID if self.desk.snap else 1
        self.delta = snapped(corner + self.at(event) - self.start, step) - corner
        self.mark.setPath(outline(*(rect.translated(self.delta) for rect in rects)))

    def drop(self, event: QMouseEvent) -> None:
        self.drag(event)
        self.mark.remove()
        graph, new = duplicate(placed(self.scene, self.document.graph), self.nodes, bool(event.modifiers() & SHIFT))
        at = {new[old]: self.scene.node_rect(old).topLeft() + self.delta for old in self.nodes}
        graph = with_positions(graph, {node: (point.x(), point.y()) for node, point in at.items()})
        self.document.edit(f"Duplicate {named(self.nodes)}", graph)
        self.scene.select(new.values(), "replace")

    def click(self, event: QMouseEvent) -> None:
        self.mark.remove()
        self.scene.select([self.node], "replace")

    def restore(self) -> None:
        self.mark.remove()
