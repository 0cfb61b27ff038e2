"""Lists of links, for the keyboard: what the selected node could be linked to, and which of its links are to go."""

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QWidget

from nodegraph import Graph

from .catalogues import Catalogue
from .joints import Joint
from .search_lists import Row, SearchList
from .searching import score

__all__ = ["LinkList", "joint_rows", "link_rows"]


class LinkList(SearchList):
    """A search line over rows that stay the same while it is open; `chosen` carries the value of one."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Search ports", "Links found", 2)
        self.setObjectName("links")
        self.rows: Sequence[Row] = ()

    def found(self, query: str) -> list[Row]:
        ranked = []
        for order, row in enumerate(self.rows):
            name, more = score(query, row.title), score(query, f"{row.title} {row.below}")
            best = max((each for each in (name, more) if each is not None), default=None)
            if best is not None:
                ranked.append((-best if query else 0.0, order, row))
        return [row for _, _, row in sorted(ranked, key=lambda each: each[:2])]

    def nothing(self, query: str) -> str:
        return f"No port here is called “{query}”."


def joint_rows(
    graph: Graph, catalogue: Catalogue, joints: Sequence[Joint], colours: Mapping[str, str]
) -> list[Row]:
    """A row for each link that could be drawn: the port at the other node, and the one at this."""
    rows = []
    for joint in joints:
        kind = catalogue.kinds[graph.nodes[joint.other.node].type]
        below = f"from {joint.own.name}" if joint.outwards else f"into {joint.own.name}"
        if joint.lost is not None:
            below += f", in place of {joint.lost.source}.{joint.lost.output}"
        title = graph.nodes[joint.other.node].title
        below += f" · {title}" if title else ""
        name = f"{joint.other.node}.{joint.other.name}"
        about = f"Links {joint.source.node}.{joint.source.name} to {joint.target.node}.{joint.target.name}"
        rows.append(Row(joint, name, kind.id, below, colours.get(kind.category, ""), about))
    return rows


def link_rows(graph: Graph, nodes: Sequence[str]) -> list[Row]:
    """A row for each link at some nodes."""
    links = {link: None for node in nodes for link in (*graph.in_links[node], *graph.out_links[node])}
    return [Row(link, f"{link.source}.{link.output}", "", f"into {str(link).rpartition(' -> ')[2]}") for link in links]
