"""What was done to a document, so that it can be undone: graphs with labels, and no widget anywhere.

A graph is frozen, so an entry is the graph that an edit led to; nothing needs an inverse. Edits with one merge key fold
into one entry, as the many values of a slider that is being dragged do, until the history is sealed.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from nodegraph import Graph

__all__ = ["History"]

LONGEST = 500


@dataclass(frozen=True)
class Entry:
    """An edit: what it is called, and the graph that it led to."""

    label: str
    graph: Graph
    merge: Hashable | None = None


class History:
    """The graphs of a document, the present one among them.

    Args:
        longest: how many edits can be undone; the oldest are forgotten.
    """

    def __init__(self, graph: Graph, longest: int = LONGEST) -> None:
        self._entries = [Entry("", graph)]
        self._present = 0
        self._open = False  # whether the last entry may still be merged with
        self._longest = longest

    @property
    def graph(self) -> Graph:
        return self._entries[self._present].graph

    @property
    def undo_label(self) -> str:
        """What would be undone; "" when there is nothing."""
        return self._entries[self._present].label if self._present else ""

    @property
    def redo_label(self) -> str:
        """What would be done again; "" when there is nothing."""
        ahead = self._entries[self._present + 1 : self._present + 2]
        return ahead[0].label if ahead else ""

    def add(self, label: str, graph: Graph, merge: Hashable | None = None) -> None:
        """Note an edit; what was undone before is forgotten."""
        del self._entries[self._present + 1 :]
        last = self._entries[-1]
        if self._open and merge is not None and last.merge == merge:
            before = self._entries[self._present - 1].graph
            if graph == before:  # dragged there and back again: nothing was done
                self._entries.pop()
                self._present -= 1
                self._open = False
            else:
                self._entries[-1] = Entry(label, graph, merge)
            return
        self._entries.append(Entry(label, graph, merge))
        self._open = merge is not None
        if len(self._entries) > self._longest + 1:
            del self._entries[0]
        self._present = len(self._entries) - 1

    def seal(self) -> None:
        """End the merging: the next edit is one of its own."""
        self._open = False

    def reopen(self, merge: Hashable) -> None:
        """Let the next edit fold with the present one, when that one was made with this key."""
        self._open = self._present + 1 == len(self._entries) and self._entries[-1].merge == merge

    def change(self, change: Callable[[Graph], Graph]) -> None:
        """Let every graph be what `change` makes of it; labels and the present place stay."""
        self._entries = [replace(entry, graph=change(entry.graph)) for entry in self._entries]

    def undo(self) -> Graph | None:
        """The graph before the last edit; None when there is none."""
        if not self._present:
            return None
        self._open = False
        self._present -= 1
        return self.graph

    def redo(self) -> Graph | None:
        """The graph after the edit that was undone last; None when there is none."""
        if self._present + 1 == len(self._entries):
            return None
        self._open = False
        self._present += 1
        return self.graph
