"""An open graph, with its history and its file; whoever shows it observes it.

No Qt here. Edits are functions from graph to graph (`edits`), and this is the only place where one takes effect: a
widget computes the graph that it wants and says `document.edit("Move 3 nodes", graph)`. Selection and camera are none
of its business.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nodegraph import Graph

from .drafts import Drafts
from .histories import History

__all__ = ["Change", "Document"]


@dataclass(frozen=True)
class Change:
    """What observers are told: the graph before and after, and how it came.

    `kind` is "replace" when another graph took the place of all that was, history included.
    """

    before: Graph
    after: Graph
    label: str
    kind: Literal["edit", "undo", "redo", "replace"]


Observer = Callable[[Change], None]


class Document:
    """A graph that can be edited, undone and saved.

    Attributes:
        path: the file that it was read from or saved to; None for one that has none yet.
        drafts: what open editors hold that is no edit yet.
    """

    def __init__(self, graph: Graph | None = None, path: Path | None = None) -> None:
        self._history = History(Graph() if graph is None else graph)
        self._saved: Graph | None = self._history.graph
        self._observers: list[Observer] = []
        self.path = path
        self.drafts = Drafts()

    @property
    def graph(self) -> Graph:
        return self._history.graph

    @property
    def drafted(self) -> Graph:
        """The graph with what is being typed."""
        return self.drafts.over(self.graph)

    @property
    def dirty(self) -> bool:
        """Whether there is something to be saved."""
        return self._saved is not self.graph and self._saved != self.graph

    @property
    def undo_label(self) -> str:
        return self._history.undo_label

    @property
    def redo_label(self) -> str:
        return self._history.redo_label

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Tell `observer` of each change from now on; what is returned ends that."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unsubscribe

    def edit(self, label: str, graph: Graph, *, merge: Hashable | None = None) -> bool:
        """Make `graph` the present one; whether that changed anything.

        Args:
            label: what the menu calls it: "Move 3 nodes".
            merge: folds with the last edit of an equal key, until `seal`.
        """
        before = self.graph
        if graph is before or graph == before:
            return False
        self._history.add(label, graph, merge)
        self._tell(Change(before, self.graph, label, "edit"))
        return True

    def seal(self) -> None:
        """A slider was let go: the next edit of its value is a step of its own."""
        self._history.seal()

    def reopen(self, merge: Hashable) -> None:
        """What is done next with this key is part of the last edit, if that had the key: a frame, and its title."""
        self._history.reopen(merge)

    def undo(self) -> bool:
        """Go one edit back; whether there was one."""
        before, label = self.graph, self.undo_label
        if self._history.undo() is None:
            return False
        self._tell(Change(before, self.graph, label, "undo"))
        return True

    def redo(self) -> bool:
        """Do again what was undone last; whether there was something."""
        before, label = self.graph, self.redo_label
        if self._history.redo() is None:
            return False
        self._tell(Change(before, self.graph, label, "redo"))
        return True

    def replace(self, graph: Graph, path: Path | None = None, *, saved: bool = True) -> None:
        """Another graph in this document, with a history of its own; `saved` says that `path` holds it."""
        before = self.graph
        self._history = History(graph)
        self._saved = graph if saved else None
        self.path = path
        self._tell(Change(before, graph, "", "replace"))

    def mark_saved(self, path: Path, graph: Graph | None = None) -> None:
        """Note that the graph (the present one, when None) is what the file at `path` holds."""
        self.path = path
        self._saved = self.graph if graph is None else graph

    def relocate(self, change: Callable[[Graph], Graph]) -> None:
        """Let all graphs of the history be what `change` makes of them, as when the file moves to another folder.

        No edit: nothing is there to be undone, and what was saved counts as saved.
        """
        before, saved = self.graph, self._saved
        self._history.change(change)
        if saved is before:
            self._saved = self.graph
        elif saved is not None:
            self._saved = change(saved)
        if self.graph is not before:
            self._tell(Change(before, self.graph, "", "edit"))

    def mark_unsaved(self) -> None:
        """Note that no file holds the graph any more: it vanished, or another program wrote over it."""
        self._saved = None

    def _tell(self, change: Change) -> None:
        for observer in tuple(self._observers):
            observer(change)
