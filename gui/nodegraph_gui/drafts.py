"""What is being typed and is no edit yet: kept for the case of a crash, and in no history.

Who has an editor open says what the graph would be if what it holds were taken now. No Qt here, and nothing is
changed: an editor that is done says so, and makes its edit as ever.
"""

from collections.abc import Callable, Hashable

from nodegraph import Graph, NodegraphError

__all__ = ["Drafts"]

Draft = Callable[[Graph], Graph]


class Drafts:
    """The drafts of the open editors of a document."""

    def __init__(self) -> None:
        self._drafts: dict[Hashable, Draft] = {}
        self._observers: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._drafts)

    def hold(self, owner: Hashable, draft: Draft) -> None:
        """Note what an editor holds, in the place of what it held before."""
        self._drafts[owner] = draft
        self._tell()

    def drop(self, owner: Hashable) -> None:
        """An editor is done, whatever became of what it held."""
        if self._drafts.pop(owner, None) is not None:
            self._tell()

    def over(self, graph: Graph) -> Graph:
        """The graph with all that is being typed; what no file can hold, such as half a letter, is left out."""
        for draft in tuple(self._drafts.values()):
            try:
                graph = draft(graph)
            except (ValueError, NodegraphError):
                continue
        return graph

    def subscribe(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Tell `observer` whenever something was typed or is done; what is returned ends that."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unsubscribe

    def _tell(self) -> None:
        for observer in tuple(self._observers):
            observer()
