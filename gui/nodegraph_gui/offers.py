"""The lists that open on the canvas, and what is added or linked when something is chosen from them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, QPointF

from nodegraph import Graph, Link

from .catalogues import Catalogue
from .edits import add_node, connect, disconnect, fitting, insert_on_link, why_not_insert
from .fittings import neighbours
from .joints import Joint, joints
from .keys import placed, selected_nodes
from .link_lists import LinkList, joint_rows, link_rows
from .linking import End
from .quick_add import Choice, QuickAdd
from .shapes import HEADER, WIDTH, PortRef

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["Offers", "linked"]

BESIDE = 20  # pixels between a node and a list about it


class Offers(QObject):
    """The quick-add list and the list of links of one desk; one of them is open at a time."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self.desk = desk
        self.view, self.scene, self.document = desk.view, desk.scene, desk.document
        self.quick_add = QuickAdd(desk.usage, desk.view)
        self.links = LinkList(desk.view)
        self._choose: Callable[[Any], None] = lambda value: None
        for each in (self.quick_add, self.links):
            each.chosen.connect(lambda value: self._chosen(value))
            each.closed.connect(self._hide)
        self.links.pointed.connect(self._show)

    def close(self) -> None:
        """Close what is open, with nothing chosen."""
        for each in (self.quick_add, self.links):
            if each.isVisible():
                each.close_quietly()
                self._hide()

    def _open(self, at: QPoint, choices: Sequence[Choice], heading: str, choose: Callable[[Choice], None]) -> None:
        self._choose = choose
        self.quick_add.colours = self.scene.theme.category_colours(self.scene.catalogue)
        self.quick_add.open_at(at, choices, heading)

    def _hide(self) -> None:
        self.scene.hide_wire()
        self.scene.light()

    def _chosen(self, value: Any) -> None:
        self._hide()
        self._choose(value)

    def _beside(self, node: str) -> QPoint:
        """Where in the window a list about a node opens: at its right, or at its left where there is no room."""
        rect = self.view.mapFromScene(self.scene.node_rect(node)).boundingRect()
        x, left = rect.right() + BESIDE, rect.left() - BESIDE - self.links.width()
        return QPoint(left if x + self.links.width() > self.view.width() and left > 0 else x, rect.top())

    # nodes

    def all_kinds(self, at: QPointF | None = None) -> None:
        """Offer all kinds; the chosen one is added at a point of the scene, or where the cursor is.

        While one node is selected, what fits it comes first and is linked to it. Where the cursor is elsewhere, or
        over a node, the new one goes beside what is selected, or to a free place in sight.
        """
        where = self.desk.free_pointer() if at is None else at
        nodes = selected_nodes(self.scene)
        graph, catalogue = self.document.graph, self.scene.catalogue
        fits = neighbours(graph, catalogue, nodes[0], self.desk.usage.counts) if len(nodes) == 1 else {}
        choices = [Choice(catalogue.kinds[kind], name, start) for kind, (start, name) in fits.items()]
        choices += [Choice(kind) for kind in catalogue.kinds.values() if kind.id not in fits]
        heading = f"Linked to {nodes[0]} where that fits · Shift+Enter adds it alone" if fits else ""
        if where is not None:
            spot = self.view.mapFromScene(where)
        else:
            spot = self._beside(nodes[0]) if nodes else self.view.viewport().rect().center()
        self._open(spot, choices, heading, lambda choice: self._add(choice, where))

    def _add(self, choice: Choice, at: QPointF | None) -> None:
        if choice.start is None or choice.port is None:
            self.desk.add(choice.kind.id, at)
        else:
            self.desk.add(choice.kind.id, at, (choice.start, choice.port))

    def fitting(self, port: PortRef, at: QPointF) -> None:
        """Offer the kinds that fit a port, after its wire was dropped at a point of the empty canvas."""
        graph, catalogue = self.document.graph, self.scene.catalogue
        fits = fitting(graph, catalogue, port, self.desk.usage.counts)
        what = self.scene.port(port)
        if not fits or what is None:
            self.desk.said.emit(f"no node fits {port.node}.{port.name}")
            return
        self.scene.show_wire(port, at, True)
        verb = "make" if port.is_input else "take"
        heading = f"Nodes that {verb} {port.name} ({catalogue.type_name(what.base_type)})"
        choices = [Choice(fit.kind, fit.name) for fit in fits]
        self._open(self.view.mapFromScene(at), choices, heading, lambda choice: self._add_linked(choice, port, at))

    def _add_linked(self, choice: Choice, port: PortRef, at: QPointF) -> None:
        corner = at - QPointF(WIDTH if port.is_input else 0, HEADER / 2)
        graph = placed(self.scene, self.document.graph)
        graph, id = add_node(graph, self.scene.catalogue, choice.kind.id, self.desk.on_grid(corner))
        graph = linked(graph, self.scene.catalogue, port, id, choice.port or "")
        self.document.edit(f"Add {choice.kind.id}, linked to {port.node}.{port.name}", graph)
        self.scene.select([id], "replace")

    def between(self, link: Link, at: QPointF) -> None:
        """Offer the kinds that can be put into a link."""
        graph, catalogue = placed(self.scene, self.document.graph), self.scene.catalogue
        choices = []
        for kind in catalogue.kinds.values():
            if kind.inputs and kind.outputs:
                grown, id = add_node(graph, catalogue, kind.id, self.desk.on_grid(at))
                if not why_not_insert(grown, catalogue, link, id):
                    choices.append(Choice(kind))
        if not choices:
            self.desk.said.emit(f"no node fits into {link}")
            return
        spot, heading = self.view.mapFromScene(at), f"Nodes that fit into {link}"
        self._open(spot, choices, heading, lambda choice: self.insert(choice.kind.id, link, at))

    def insert(self, kind: str, link: Link, at: QPointF) -> None:
        """Add a node on a wire, with what comes after it moved to make room."""
        corner = at - QPointF(WIDTH / 2, HEADER / 2)
        graph = placed(self.scene, self.document.graph)
        graph, id = add_node(graph, self.scene.catalogue, kind, self.desk.on_grid(corner))
        graph = insert_on_link(graph, self.scene.catalogue, link, id, self.scene.sizes())
        self.document.edit(f"Insert {kind} into {link}", graph)
        self.scene.select([id], "replace")

    # links

    def link_to(self, node: str) -> None:
        """Offer the ports of the other nodes that fit one; Enter links the chosen one."""
        graph, catalogue = self.document.graph, self.scene.catalogue
        found = joints(graph, catalogue, node)
        if not found:
            self.desk.said.emit(f"nothing here fits {node} that it is not linked to already")
            return
        colours = self.scene.theme.category_colours(catalogue)
        self.links.rows = joint_rows(graph, catalogue, found, colours)
        self._choose = self._link
        self.links.show_at(self._beside(node), f"Link {node} to")

    def _link(self, joint: Joint) -> None:
        source, target = joint.source, joint.target
        graph = connect(self.document.graph, self.scene.catalogue, source, target)
        self.document.edit(f"Link {source.node}.{source.name} to {target.node}.{target.name}", graph)

    def unlink(self, nodes: Sequence[str]) -> None:
        """Offer the links at some nodes; Enter takes the chosen one away."""
        self.links.rows = link_rows(self.document.graph, nodes)
        self._choose = self._unlink
        self.links.show_at(self._beside(nodes[0]), "Remove a link")

    def _unlink(self, link: Link) -> None:
        self.document.edit(f"Unlink {link}", disconnect(self.document.graph, link))

    def _show(self, value: Any) -> None:
        """Show the link that Enter would draw, or remove."""
        self.scene.light([value] if isinstance(value, Link) else ())
        if isinstance(value, Joint):
            self.scene.show_wire(as_ref(value.own), self.scene.port_pos(as_ref(value.other)), True)
        else:
            self.scene.hide_wire()


def as_ref(end: End) -> PortRef:
    return PortRef(end.node, end.name, end.is_input, end.index)


def linked(graph: Graph, catalogue: Catalogue, port: End, node: str, name: str) -> Graph:
    """The graph with a wire between a port and one of another node, whichever way it runs."""
    new = PortRef(node, name, not port.is_input)
    source, target = (new, port) if port.is_input else (port, new)
    return connect(graph, catalogue, source, target)
