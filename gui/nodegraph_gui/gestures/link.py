"""Link: a wire is drawn from a port to another, taken off one, put elsewhere, or let go over nothing.

What fits glows, the rest is grey and says why. The nearest fitting port within reach takes the wire; over a node's body
its free port that fits does; over empty canvas the list of fitting nodes opens.
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
        self.target, self.over = self.find(here), self.scene.node_at(here)
        end = self.scene.port_pos(self.target) if self.target is not None else here
        self.scene.show_wire(self.fixed, end, self.target is not None or self.over is None)
        self.view.hint.emit(self.tell(here))

    def find(self, here: QPointF) -> PortRef | None:
        """Where the wire would end: the nearest port that fits and is near, else a free one of the node there."""
        reach = self.view.pixels(NEAR)
        near = [((at - here).manhattanLength(), ref) for at, ref in self.ends]
        within = [(far, ref) for far, ref in near if far <= reach]
        if within:
            return min(within, key=lambda each: each[0])[1]
        node = self.scene.node_at(here)
        if node is None or self.scene.port_at(here, self.view.pixels(GRIP)) is not None:
            return None
        return self.free_port_of(node)

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

    def tell(self, here: QPointF) -> str:
        if self.target is not None:
            return self.label(self.target)
        pointed = self.scene.port_at(here, self.view.pixels(GRIP))
        if pointed is not None and self.reasons.get(pointed):
            return self.reasons[pointed]
        if self.over is not None:
            return f"{self.over} has no port for that"
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
        elif self.over is not None:
            self.desk.said.emit(self.tell(here))
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
