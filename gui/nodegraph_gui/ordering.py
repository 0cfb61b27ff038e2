"""Commands that put nodes in order: arrange, align, distribute, nudge."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QPointF

from .aligning import Axis, Edge
from .edits import align, arrange, distribute
from .keys import move_keys, named, placed, selected, selected_nodes

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["align_selected", "arrange_selected", "distribute_selected", "nudge"]

Run: TypeAlias = "Callable[[Desk], None]"


def arrange_selected(desk: "Desk") -> None:
    """Arrange what is selected, or everything when that is less than two nodes."""
    nodes = selected_nodes(desk.scene)
    some = nodes if len(nodes) > 1 else None
    graph = arrange(placed(desk.scene, desk.document.graph), desk.scene.catalogue, some, desk.scene.sizes())
    desk.document.edit(f"Arrange {named(nodes) if some else 'everything'}", graph)
    desk.view.reveal(desk.scene.content_rect(some))


def align_selected(edge: Edge) -> Run:
    def run(desk: "Desk") -> None:
        nodes = selected_nodes(desk.scene)
        graph = align(placed(desk.scene, desk.document.graph), nodes, desk.scene.sizes(), edge)
        desk.document.edit(f"Align {named(nodes)}", graph)

    return run


def distribute_selected(axis: Axis) -> Run:
    def run(desk: "Desk") -> None:
        nodes = selected_nodes(desk.scene)
        graph = distribute(placed(desk.scene, desk.document.graph), nodes, desk.scene.sizes(), axis)
        desk.document.edit(f"Distribute {named(nodes)}", graph)

    return run


def nudge(x: int, y: int) -> Run:
    """Move a little; presses of one key after the other are one step of the history, until the selection changes."""

    def run(desk: "Desk") -> None:
        keys = selected(desk.scene)
        graph = move_keys(desk.scene, desk.document.graph, keys, QPointF(x, y))
        desk.document.edit(f"Nudge {named(keys)}", graph, merge=("nudge", tuple(keys)))

    return run
