"""What lies on the canvas and can be taken: a node goes by its id, a frame or note by ("frame", 2) or ("note", 0)."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF

from nodegraph import Graph

from .canvases import Frame, Note, Rect, canvas_of, with_frame, with_note, with_positions
from .scene import Scene

__all__ = [
    "Key",
    "contents",
    "key_at",
    "key_rect",
    "keys_in",
    "move_keys",
    "named",
    "nodes_of",
    "numbers_of",
    "selected",
    "selected_nodes",
]

Key: TypeAlias = str | tuple[str, int]


def selected(scene: Scene) -> tuple[Key, ...]:
    """All that is selected: the nodes in the order of the graph, then frames, then notes."""
    return (
        *selected_nodes(scene),
        *(item.key for item in scene.frames if item.selected),
        *(item.key for item in scene.notes if item.selected),
    )


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
    note = next((item.key for item in reversed(scene.notes) if item.rect.contains(at)), None)
    return note or next((item.key for item in reversed(scene.frames) if item.bar.contains(at)), None)


def key_rect(scene: Scene, key: Key) -> QRectF:
    """Where it is drawn now."""
    if isinstance(key, str):
        return scene.node_rect(key)
    items = scene.frames if key[0] == "frame" else scene.notes
    return next((item.rect for item in items if item.key == key), QRectF())


def keys_in(scene: Scene, rect: QRectF) -> list[Key]:
    """What a rectangle takes: nodes and notes that it touches, frames that are wholly in it."""
    return [
        *(node for node in scene.nodes if scene.node_rect(node).intersects(rect)),
        *(item.key for item in scene.frames if rect.contains(item.rect)),
        *(item.key for item in scene.notes if item.rect.intersects(rect)),
    ]


def contents(scene: Scene, keys: Sequence[Key]) -> list[Key]:
    """The keys, and all that lies wholly in the frames among them."""
    grounds = [key_rect(scene, key) for key in keys if not isinstance(key, str) and key[0] == "frame"]
    found: dict[Key, None] = dict.fromkeys(keys)
    if grounds:
        others: list[Key] = [*scene.nodes, *(item.key for item in (*scene.frames, *scene.notes))]
        rects = ((key, key_rect(scene, key)) for key in others)
        found |= dict.fromkeys(key for key, rect in rects if any(ground.contains(rect) for ground in grounds))
    return list(found)


def move_keys(scene: Scene, graph: Graph, keys: Iterable[Key], delta: QPointF) -> Graph:
    """The graph with all of these moved, from where the scene shows them; those without a place get one so."""
    keys = list(keys)
    corners = {key: key_rect(scene, key).topLeft() + delta for key in keys}
    graph = with_positions(graph, {node: (corners[node].x(), corners[node].y()) for node in nodes_of(keys)})
    for number in numbers_of(keys, "frame"):
        frame = canvas_of(graph).frames[number]
        graph = with_frame(graph, number, Frame(frame.title, frame.colour, placed(scene, ("frame", number), delta)))
    for number in numbers_of(keys, "note"):
        text = canvas_of(graph).notes[number].text
        graph = with_note(graph, number, Note(text, placed(scene, ("note", number), delta)))
    return graph


def placed(scene: Scene, key: Key, delta: QPointF) -> Rect:
    rect = key_rect(scene, key).translated(delta)
    return Rect(rect.x(), rect.y(), rect.width(), rect.height())


def named(scene: Scene, keys: Sequence[Key]) -> str:
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
