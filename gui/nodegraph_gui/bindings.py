"""What an editor says, made edits of a document: one step of undo for all that was said while something was held."""

from collections.abc import Sequence
from typing import Any

from nodegraph import Graph

from .catalogues import Port
from .documents import Document
from .editors.editor import Editor
from .edits import reset_input, set_drawn, set_input

__all__ = ["Binding", "InputEdits", "given_value"]


class InputEdits:
    """Edits of one input of one node, or of the inputs of one name of several, as a hand makes them."""

    def __init__(self, document: Document, nodes: Sequence[str], name: str) -> None:
        self.document = document
        self.nodes = tuple(nodes)
        self.name = name
        self._before: Graph | None = None  # the graph before something was held

    @property
    def merge(self) -> tuple[Any, str]:
        return (self.nodes[0] if len(self.nodes) == 1 else self.nodes, self.name)

    @property
    def held(self) -> bool:
        return self._before is not None

    def label(self, verb: str = "Set") -> str:
        """What the menu calls the edit."""
        if len(self.nodes) > 1:
            return f"{verb} {self.name} of {len(self.nodes)} nodes"
        node = self.document.graph.nodes.get(self.nodes[0])
        return f"{verb} {self.name} of {node.title if node is not None and node.title else self.nodes[0]}"

    def hold(self, value: Any) -> None:
        """A value on the way: folded with the others into one step."""
        before = self.document.graph if self._before is None else self._before
        self.document.edit(self.label(), self.written(self.document.graph, value), merge=self.merge)
        self._before = before

    def choose(self, value: Any) -> None:
        """A value that was chosen; ends what was held."""
        held, self._before = self._before is not None, None
        self.document.edit(self.label(), self.written(self.document.graph, value), merge=self.merge if held else None)
        self.document.seal()

    def cancel(self) -> None:
        """Put the inputs back as they were before something was held; then nothing was done."""
        before, self._before = self._before, None
        if before is None:
            return
        graph = self.document.graph
        for node in self._there(graph):
            old = before.nodes[node].inputs if node in before.nodes else {}
            if self.name in old:
                graph = set_input(graph, node, self.name, old[self.name])
            else:
                graph = reset_input(graph, node, self.name)
        self.document.edit(self.label(), graph, merge=self.merge)
        self.document.seal()

    def reset(self) -> None:
        """Take the value away, so that the default holds again."""
        graph = self.document.graph
        for node in self._there(graph):
            graph = reset_input(graph, node, self.name)
        self._before = None
        self.document.edit(self.label("Reset"), graph)

    def draw(self, yes: bool) -> None:
        """Have the seed drawn anew before each run, or not."""
        graph = self.document.graph
        for node in self._there(graph):
            graph = set_drawn(graph, node, self.name, yes)
        self.document.edit(self.label("Draw" if yes else "Fix"), graph)

    def _there(self, graph: Graph) -> list[str]:
        return [node for node in self.nodes if node in graph.nodes]

    def written(self, graph: Graph, value: Any) -> Graph:
        """A graph with the value in the inputs."""
        for node in self._there(graph):
            graph = set_input(graph, node, self.name, value)
        return graph


class Binding:
    """Joins an editor to the inputs that it is for, as long as the editor lives."""

    def __init__(self, document: Document, nodes: Sequence[str], name: str, editor: Editor) -> None:
        self.edits = InputEdits(document, nodes, name)
        self.editor = editor
        editor.changing.connect(self._hold)
        editor.changed.connect(self._choose)
        editor.cancelled.connect(self.edits.cancel)
        editor.drawn_changed.connect(self.edits.draw)
        editor.typing.connect(self._typing)
        editor.destroyed.connect(self.end)

    def end(self) -> None:
        """The editor is done with; what is still being typed in it is not kept for a crash any more."""
        self.edits.document.drafts.drop(self)

    def _typing(self) -> None:
        """Let what is being typed be kept for the case of a crash."""
        edits, draft = self.edits, self.editor.draft
        if draft:
            edits.document.drafts.hold(self, lambda graph: edits.written(graph, *draft))
        else:
            self.end()

    def _hold(self, value: Any) -> None:
        self._try(self.edits.hold, value)

    def _choose(self, value: Any) -> None:
        self._try(self.edits.choose, value)

    def _try(self, edit: Any, value: Any) -> None:
        try:
            edit(value)
        except ValueError as error:  # what no file can hold, such as half a surrogate pair, stays in the editor only
            self.editor.set_problem(str(error))


def given_value(graph: Graph, node: str, port: Port) -> Any:
    """The value of an input: that of the graph, right or wrong, or else the default."""
    placed = graph.nodes[node]
    return placed.inputs.get(port.name, port.default)
