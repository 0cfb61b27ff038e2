"""Link: a wire is drawn from a port to another, taken off one, put elsewhere, or let go over nothing.

What fits glows, the rest is grey and says why. A port that does not fit refuses the wire and says so; else the nearest
one that fits takes it, within reach, and over a node's body its free port that fits. Over empty canvas the list of
fitting nodes opens; beside the canvas nothing happens.
"""

from collections.abc import Mapping

from PySide6.QtCore import QPointF
from PySide6.QtGui import QMouseEvent

from nodegraph import Graph, Link

from ..edits import Place, connect, disconnect, free_port, move_in_list, why_not_each
from ..shapes import PortRef
from . import Gesture

__all__ = ["GRIP", "LinkPorts"]

NEAR = 24.0  # pixels of the screen within which a port takes the wire
GRIP = 11.0  # and within which one is pressed


class LinkPorts(Gesture):
    """A wire from a press on a port."""

    def wants(self, event: QMouseEvent) -> bool:
        pressed = self.scene.port_at(self.start, self.view.pixels(GRIP))
        if pressed is None:
            return False
        self.lifted = self.link_at(pressed)
        self.fixed = pressed if self.lifted is None else PortRef(self.lifted.source, self.lifted.output, False)
        self.pressed = pressed
        self.reasons: Mapping[PortRef, str] = {}
        self.ends: list[tuple[QPointF, PortRef]] = []
        self.target: PortRef | None = None
        self.over: str | None = None
        self.refusal = ""  # why nothing can end where the cursor is
        self.shown = False
        return True

    def link_at(self, port: PortRef) -> Link | None:
        """The link that can be taken off a port: of an output none, since that starts another."""
        if not port.is_input:
            return None
        links = self.document.graph.in_links[port.node]
        return next((link for link in links if (link.input, link.index) == (port.name, port.index)), None)

    def show(self) -> None:
        """Light up what fits, as soon as it is a drag."""
        self.shown = True
        reasons: dict[PortRef, str] = {}
        if self.lifted is not None:
            self.scene.wires[self.lifted].setVisible(False)
        by_name = {(place.node, place.name): why for place, why in self._why_not().items()}
        for ref in self.scene.ports():
            if ref.is_input != self.fixed.is_input and (ref.node, ref.name) in by_name:
                reasons[ref] = by_name[ref.node, ref.name]
        self.scene.glow(reasons)
        self.ends = [(self.scene.port_pos(ref), ref) for ref, why in reasons.items() if not why]
        self.reasons = reasons

    def _why_not(self) -> Mapping[Place, str]:
        return why_not_each(self.document.graph, self.scene.catalogue, self.fixed)

    def drag(self, event: QMouseEvent) -> None:
        if not self.shown:
            self.show()
        here = self.at(event)
        outside = not self.view.viewport().rect().contains(event.position().toPoint())
        self.over = None if outside else self.scene.node_at(here)
        self.refusal = "Beside the canvas: nothing changes when you let go" if outside else self.refused(here)
        self.target = None if self.refusal else self.find(here)
        end = self.scene.port_pos(self.target) if self.target is not None else here
        if self.target is None and not self.refusal and self.over is not None:
            self.refusal = f"{self.over} has no port for that"
        self.scene.show_wire(self.fixed, end, not self.refusal)
        self.view.hint.emit(self.tell())

    def refused(self, here: QPointF) -> str:
        """Why the port under the cursor does not take the wire; "" when it does, or when none is there."""
        port = self.scene.port_at(here, self.view.pixels(GRIP))
        if port is None or port == self.fixed or self.scene.nodes[port.node].places.collapsed:
            return ""
        if port.is_input == self.fixed.is_input:
            what = "inputs" if port.is_input else "outputs"
            return f"{self.fixed.node}.{self.fixed.name} and {port.node}.{port.name} are both {what}"
        return self.reasons.get(port, "")

    def find(self, here: QPointF) -> PortRef | None:
        """Where the wire would end: the nearest port that fits and is near, else a free one of the node there."""
        reach = self.view.pixels(NEAR)
        near = [((at - here).manhattanLength(), ref) for at, ref in self.ends]
        within = [(far, ref) for far, ref in near if far <= reach]
        if within:
            return min(within, key=lambda each: each[0])[1]
        return None if self.over is None else self.free_port_of(self.over)

    def free_port_of(self, node: str) -> PortRef | None:
        if self.lifted is not None and node == self.lifted.target:
            return PortRef(node, self.lifted.input, True, self.lifted.index)
        fitting = [ref for ref, why in self.reasons.items() if ref.node == node and not why]
        found = free_port(self.base(), self.scene.catalogue, self.fixed, node)
        if found is None or not fitting:
            return None
        return next((ref for ref in reversed(fitting) if ref.name == found.name), None)

    def base(self) -> Graph:
        """The graph without the wire in the hand."""
        graph = self.document.graph
        return graph if self.lifted is None else disconnect(graph, self.lifted)

    def tell(self) -> str:
        if self.target is not None:
            return self.label(self.target)
        if self.refusal:
            return self.refusal
        return (
            "Let go here to remove the link" if self.lifted is not None else "Let go here for a list of nodes that fit"
        )

    def ends_of(self, target: PortRef) -> tuple[PortRef, PortRef]:
        """Source and target, whichever was drawn."""
        return (target, self.fixed) if self.fixed.is_input else (self.fixed, target)

    def label(self, target: PortRef) -> str:
        source, end = self.ends_of(target)
        place = "" if end.index is None else f"[{end.index}]"
        return f"Link {source.node}.{source.name} to {end.node}.{end.name}{place}"

    def drop(self, event: QMouseEvent) -> None:
        self.drag(event)
        target, here = self.target, self.at(event)
        self.restore()
        if target is not None:
            self.link(target)
        elif self.refusal:
            if self.view.viewport().rect().contains(event.position().toPoint()):
                self.desk.said.emit(self.refusal)
        elif self.lifted is not None:
            self.document.edit(f"Unlink {self.lifted}", disconnect(self.document.graph, self.lifted))
        else:
            self.desk.offers.fitting(self.fixed, here)

    def link(self, target: PortRef) -> None:
        lifted = self.lifted
        if lifted is not None and (target.node, target.name) == (lifted.target, lifted.input):
            if target.index != lifted.index:
                label = f"Move {lifted} to place {target.index}"
                self.document.edit(label, move_in_list(self.document.graph, lifted, target.index or 0))
            return
        source, end = self.ends_of(target)
        graph = connect(self.base(), self.scene.catalogue, source, end)
        self.document.edit(self.label(target), graph)

    def restore(self) -> None:
        if not self.shown:
            return
        self.scene.hide_wire()
        self.scene.unglow()
        if self.lifted is not None and self.lifted in self.scene.wires:
            self.scene.wires[self.lifted].setVisible(True)
