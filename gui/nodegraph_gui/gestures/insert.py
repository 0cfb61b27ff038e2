"""Insert: which wire a node, moved or dragged from the palette, would be put into; that wire is lit while it hovers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from nodegraph import Graph, Link

from ..edits import insert_on_link, why_not_insert

if TYPE_CHECKING:
    from ..desk import Desk

__all__ = ["Insertion"]

NEAR = 14.0  # pixels from a wire


class Insertion:
    """A node over the wires of the canvas.

    Attributes:
        node: the node; one that is still to be added is in `graph`, not in the document's.
        link: the link that it would be put into now.
        why_not: why it would not be put into the wire under the cursor; "" when there is none, or it would.
    """

    def __init__(self, desk: "Desk", node: str, graph: Graph | None = None) -> None:
        self.desk, self.node = desk, node
        self.graph = desk.document.graph if graph is None else graph
        self.link: Link | None = None
        self.why_not = ""
        self._reasons: dict[Link, str] = {}

    def hover(self, at: QPointF) -> None:
        """The cursor is there: light the wire below it where the node fits in."""
        view, scene = self.desk.view, self.desk.scene
        near = scene.link_at(at, view.pixels(NEAR))
        self.why_not = "" if near is None else self.reason(near)
        link = None if self.why_not else near
        if link != self.link:
            self.link = link
            scene.light(() if link is None else (link,))

    def reason(self, link: Link) -> str:
        if link not in self._reasons:
            self._reasons[link] = why_not_insert(self.graph, self.desk.scene.catalogue, link, self.node)
        return self._reasons[link]

    def tell(self, otherwise: str) -> str:
        """What would happen here, in words for a user; `otherwise` over no wire."""
        if self.link is not None:
            return f"Let go to insert into {self.link}"
        return f"Let go to place it here; it does not fit into the wire: {self.why_not}" if self.why_not else otherwise

    def into(self, graph: Graph, link: Link) -> Graph:
        """The graph with the node on the wire, and what comes after it moved to make room."""
        scene = self.desk.scene
        return insert_on_link(graph, scene.catalogue, link, self.node, scene.sizes())

    def end(self) -> None:
        """The wire is lit no more."""
        self.link = None
        self.desk.scene.light()
