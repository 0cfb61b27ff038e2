"""What lies on the canvas and can be taken: a node goes by its id, a frame or note by ("frame", 2) or ("note", 0)."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF

from nodegraph import Graph

from .canvases import Rect, canvas_of, with_positions
from .edits import edit_frame, edit_note
from .scene import Scene

__all__ = [
    "Key",
    "as_rect",
    "contents",
    "key_at",
    "keys_in",
    "move_keys",
    "named",
    "nodes_of",
    "numbers_of",
    "placed",
    "selected",
    "selected_nodes",
]

Key: TypeAlias = str | tuple[str, int]


def selected(scene: Scene) -> list[Key]:
    """All that is selected: the nodes in the order of the graph, then frames, then notes."""
    others: tuple[Key, ...] = (*(item.key for item in scene.frames), *(item.key for item in scene.notes))
    return [*selected_nodes(scene), *(key for key in others if key in scene.selected_keys)]


def selected_nodes(scene: Scene) -> list[str]:
    """The selected nodes, in the order of the graph."""
    return [node for node in scene.nodes if node in scene.selection]


def nodes_of(keys: Iterable[Key]) -> list[str]:
    return [key for key in keys if isinstance(key, str)]


def numbers_of(keys: Iterable[Key], what: str) -> list[int]:
    """The numbers of the frames, or of the notes, among the keys."""
    return [key[1] for key in keys if not isinstance(key, str) and key[0] == what]


def key_at(scene: Scene, at: QPointF) -> Key | None:
    """What a press takes there: a node, a note, or a frame by its title."""
    node = scene.node_at(at)
    if node is not None:
        return node
    note, frame = scene.note_at(at), scene.frame_at(at)
    return ("note", note) if note is not None else ("frame", frame) if frame is not None else None


def keys_in(scene: Scene, rect: QRectF) -> list[Key]:
    """What a rectangle takes: nodes and notes that it touches, frames that are wholly in it."""
    return [
        *scene.nodes_in(rect),
        *(item.key for item in scene.frames if rect.contains(item.rect)),
        *(item.key for item in scene.notes if item.rect.intersects(rect)),
    ]


def contents(scene: Scene, keys: Iterable[Key]) -> list[Key]:
    """The keys, and all whose top left corner lies in one of the frames among them."""
    found: dict[Key, None] = dict.fromkeys(keys)
    grounds = [scene.rect_of(("frame", number)) for number in numbers_of(found, "frame")]
    if grounds:
        corners = [(key, scene.rect_of(key).topLeft()) for key in tuple(scene.keys())]
        found |= dict.fromkeys(key for key, at in corners if any(ground.contains(at) for ground in grounds))
    return list(found)


def placed(scene: Scene, graph: Graph) -> Graph:
    """The graph with a position for each node: those that have none get the one that they are shown at."""
    known = canvas_of(graph).positions
    homes = {node: item.home for node, item in scene.nodes.items() if node in graph.nodes and node not in known}
    return with_positions(graph, {node: (home.x(), home.y()) for node, home in homes.items()}) if homes else graph


def move_keys(scene: Scene, graph: Graph, keys: Iterable[Key], delta: QPointF) -> Graph:
    """The graph with all of these moved from where the scene shows them."""
    keys = list(keys)
    graph = placed(scene, graph)
    corners = {node: scene.node_rect(node).topLeft() + delta for node in nodes_of(keys)}
    graph = with_positions(graph, {node: (at.x(), at.y()) for node, at in corners.items()})
    for number in numbers_of(keys, "frame"):
        graph = edit_frame(graph, number, rect=as_rect(scene.rect_of(("frame", number)).translated(delta)))
    for number in numbers_of(keys, "note"):
        graph = edit_note(graph, number, rect=as_rect(scene.rect_of(("note", number)).translated(delta)))
    return graph


def named(keys: Sequence[Key]) -> str:
    """What an edit of these is about, in words for the menu: "noise", "3 nodes", "a frame with 2 nodes"."""
    nodes, frames, notes = nodes_of(keys), numbers_of(keys, "frame"), numbers_of(keys, "note")
    parts = []
    if frames:
        parts.append("a frame" if len(frames) == 1 else f"{len(frames)} frames")
    if notes:
        parts.append("a note" if len(notes) == 1 else f"{len(notes)} notes")
    if nodes:
        parts.append(nodes[0] if len(nodes) == 1 else f"{len(nodes)} nodes")
    return " and ".join(parts)


def as_rect(rect: QRectF) -> Rect:
    return Rect(rect.x(), rect.y(), rect.width(), rect.height())
