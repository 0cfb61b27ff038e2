"""Insert: which wire a node, moved or dragged from the palette, would be put into; that wire is lit while it hovers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from nodegraph import Graph, Link, NodegraphError

from ..edits import insert_on_link

if TYPE_CHECKING:
    from ..desk import Desk

__all__ = ["Insertion"]

NEAR = 14.0  # pixels from a wire


class Insertion:
    """A node over the wires of the canvas.

    Attributes:
        node: the node; one that is still to be added is in `graph`, not in the document's.
        link: the link that it would be put into now.
    """

    def __init__(self, desk: "Desk", node: str, graph: Graph | None = None) -> None:
        self.desk, self.node = desk, node
        self.graph = desk.document.graph if graph is None else graph
        self.link: Link | None = None
        self._fits: dict[Link, bool] = {}

    def hover(self, at: QPointF) -> None:
        near = self.desk.scene.links_at(at, self.desk.view.pixels(NEAR))
        link = next((link for link in near if self.fits(link)), None)
        if link != self.link:
            self.end()
            self.link = link
            if link is not None:
                self.desk.scene.wires[link].set_lit(True)

    def fits(self, link: Link) -> bool:
        if link not in self._fits:
            try:
                self.into(self.graph, link)
                self._fits[link] = self.node not in (link.source, link.target)
            except (ValueError, NodegraphError):
                self._fits[link] = False
        return self._fits[link]

    def into(self, graph: Graph, link: Link) -> Graph:
        """The graph with the node in the link, and what comes after it moved to make room."""
        return insert_on_link(graph, self.desk.scene.catalogue, link, self.node)

    def end(self) -> None:
        """The wire glows no more."""
        if self.link is not None and self.link in self.desk.scene.wires:
            self.desk.scene.wires[self.link].set_lit(False)
        self.link = None
