"""What is at a point of a scene. Radii are in the scene; a view gives them as pixels of its own."""

from PySide6.QtCore import QPointF, QRectF

from nodegraph import Link

from .mirrors import Mirror
from .node_items import NodeItem
from .shapes import PortRef
from .wire_items import WireItem

__all__ = ["field_at", "link_at", "node_at", "nodes_in", "port_at"]


def around(pos: QPointF, radius: float) -> QRectF:
    return QRectF(pos.x() - radius, pos.y() - radius, 2 * radius, 2 * radius)


def node_at(scene: Mirror, pos: QPointF) -> str | None:
    """The topmost node at a point."""
    for item in scene.items(pos):
        if isinstance(item, NodeItem) and item.places.rect.contains(pos - item.pos()):
            return item.id
    return None


def port_at(scene: Mirror, pos: QPointF, radius: float) -> PortRef | None:
    """The nearest port within `radius`; one that another node lies over does not count."""
    over = node_at(scene, pos)
    best, found = radius, None
    for item in scene.items(around(pos, radius)):
        if not isinstance(item, NodeItem):
            continue
        local = pos - item.pos()
        for place in item.places.ports:
            dx, dy = place.x - local.x(), place.y - local.y()
            distance = (dx * dx + dy * dy) ** 0.5
            if distance <= best and not hidden(scene, over, item, place.x, place.y):
                best, found = distance, place.ref
    return found


def hidden(scene: Mirror, over: str | None, item: NodeItem, x: float, y: float) -> bool:
    """Whether the topmost node, if it is another, lies over a point of a node."""
    return over not in (None, item.id) and scene.node_rect(str(over)).contains(item.pos() + QPointF(x, y))


def link_at(scene: Mirror, pos: QPointF, radius: float) -> Link | None:
    """The nearest wire within `radius`, also below a node."""
    best, found = radius, None
    for item in scene.items(around(pos, radius)):
        if isinstance(item, WireItem):
            distance = item.distance(pos)
            if distance <= best:
                best, found = distance, item.link
    return found


def field_at(scene: Mirror, pos: QPointF) -> tuple[str, str] | None:
    """The node and the input whose value is at a point."""
    node = node_at(scene, pos)
    if node is None:
        return None
    item = scene.nodes[node]
    local = pos - item.pos()
    name = item.places.field_at(local.x(), local.y())
    return None if name is None else (node, name)


def nodes_in(scene: Mirror, rect: QRectF) -> list[str]:
    """The nodes that a rectangle touches."""
    found = (item for item in scene.items(rect) if isinstance(item, NodeItem))
    return [item.id for item in found if scene.node_rect(item.id).intersects(rect)]
