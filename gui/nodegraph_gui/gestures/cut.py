"""Cut: a line drawn across wires takes them away (Ctrl+Alt and drag, or hold Y and drag)."""

from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QMouseEvent, QPainterPath

from nodegraph import Link

from ..edits import disconnect
from ..marks import Mark
from ..wire_curves import curve, points_on
from ..wire_items import WireItem
from . import ALT, CTRL, Gesture

__all__ = ["Cut", "crosses"]



class Cut(Gesture):
    """The line and what it crosses are red while it is drawn."""

    hint = "Draw across wires to cut them · Esc takes it back"

    def wants(self, event: QMouseEvent) -> bool:
        held = event.modifiers()
        if not (held & CTRL and held & ALT) and not self.desk.cutting:
            return False
        self.last = self.start
        self.links: list[Link] = []
        self.line, self.doomed = QPainterPath(self.start), QPainterPath()
        red = self.scene.theme.error
        self.line_mark, self.doomed_mark = Mark(self.scene, red, 2.0, dashed=True), Mark(self.scene, red, 4.0)
        return True

    def drag(self, event: QMouseEvent) -> None:
        here = self.at(event)
        self.line.lineTo(here)
        self.line_mark.setPath(self.line)
        for wire in self.scene.items(QRectF(self.last, here).normalized().adjusted(-1, -1, 1, 1)):
            if not isinstance(wire, WireItem) or wire.link in self.links:
                continue
            if crosses(self.last, here, wire):
                self.links.append(wire.link)
                self.doomed.addPath(wire.path)
        self.doomed_mark.setPath(self.doomed)
        self.last = here

    def drop(self, event: QMouseEvent) -> None:
        self.drag(event)
        self.restore()
        count = len(self.links)
        if not count:
            return
        self.document.edit(
            f"Cut {self.links[0]}" if count == 1 else f"Cut {count} links", disconnect(self.document.graph, *self.links)
        )

    def click(self, event: QMouseEvent) -> None:
        self.restore()

    def restore(self) -> None:
        self.line_mark.remove()
        self.doomed_mark.remove()


def crosses(one: QPointF, other: QPointF, wire: WireItem) -> bool:
    """Whether a stroke crosses a wire."""
    points = [QPointF(x, y) for x, y in points_on(curve(wire.start.toTuple(), wire.end.toTuple(), wire.lane))]
    return any(segments_cross(one, other, here, there) for here, there in pairwise(points))


def segments_cross(a: QPointF, b: QPointF, c: QPointF, d: QPointF) -> bool:
    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def side(a: QPointF, b: QPointF, at: QPointF) -> bool:
    return (b.x() - a.x()) * (at.y() - a.y()) > (b.y() - a.y()) * (at.x() - a.x())
