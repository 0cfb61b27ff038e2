"""What differs between two graphs, so that only that is drawn anew.

Nodes and links that an edit leaves alone are the same objects in both graphs, which is looked at first; so an edit of a
large graph costs little more than one walk over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nodegraph import Graph, Link

__all__ = ["Differences", "content_changed", "differences"]


@dataclass(frozen=True)
class Differences:
    """Ids of nodes, and links. `canvas` says that the editor's own part of the file differs."""

    removed: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()
    unlinked: tuple[Link, ...] = ()
    linked: tuple[Link, ...] = ()
    canvas: bool = False
    reordered: bool = field(default=False)


def differences(before: Graph, after: Graph) -> Differences:
    """What there is in `after` that was not in `before`, and the other way round."""
    removed: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()
    old, new = before.nodes, after.nodes
    if old is not new:
        changed = frozenset(
            id for id, node in new.items() if id in old and old[id] is not node and old[id] != node
        )
        added = tuple(id for id in new if id not in old)
        removed = frozenset(id for id in old if id not in new)
    unlinked, linked = link_differences(before.links, after.links)
    return Differences(removed, added, changed, unlinked, linked, before.canvas is not after.canvas)


def link_differences(
    before: tuple[Link, ...], after: tuple[Link, ...]
) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    if before is after:
        return (), ()
    old: Mapping[int, Link] = {id(link): link for link in before}
    new: Mapping[int, Link] = {id(link): link for link in after}
    gone = {link for key, link in old.items() if key not in new}
    come = {link for key, link in new.items() if key not in old}
    return tuple(gone - come), tuple(come - gone)


def content_changed(before: Graph, after: Graph) -> set[str]:
    """The nodes of `after` that may make another value than before: the edited ones, and all that they lead to.

    A title, or a place on the canvas, makes no difference.
    """
    found = differences(before, after)
    old, new = before.nodes, after.nodes
    nodes = {id for id in found.changed if old[id].edited(title=new[id].title) != new[id]} | set(found.added)
    nodes.update(link.target for link in (*found.unlinked, *found.linked))
    waiting = [id for id in nodes if id in after.nodes]
    touched = set(waiting)
    while waiting:
        for link in after.out_links[waiting.pop()]:
            if link.target not in touched:
                touched.add(link.target)
                waiting.append(link.target)
    return touched

