"""The page of the inspector for the graph as a whole: when no node is selected."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from nodegraph import Problem

from .canvases import canvas_of
from .catalogues import Catalogue
from .documents import Document
from .editors.looks import Look
from .inspector_parts import Message, heading, markdown, quiet, rule, wrapped

__all__ = ["GraphPage"]

STATUS: Mapping[str, str] = {
    "here": "is here",
    "missing": "has to be fetched",
    "wrong": "is damaged",
}


class GraphPage(QWidget):
    """Its name, how much it holds, its notes, and the checkpoints that it needs."""

    def __init__(self, document: Document, catalogue: Catalogue, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.catalogue = catalogue
        self.look = look
        self.checkpoints: Sequence[Mapping[str, Any]] = ()
        self.problems: Sequence[Problem] = ()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(14, 14, 14, 18)
        self.column.setSpacing(10)
        self.refresh()

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong with the graph and with no node of it."""
        self.problems = tuple(problems)
        self.refresh()

    def set_checkpoints(self, checkpoints: Sequence[Mapping[str, Any]]) -> None:
        """Show which checkpoints are needed, as a worker's `check` tells."""
        self.checkpoints = tuple(checkpoints)
        self.refresh()

    def refresh(self) -> None:
        """Show what the document says now."""
        while self.column.count():
            item = self.column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        graph, add = self.document.graph, self.column.addWidget
        title = QLabel(self.document.path.stem if self.document.path is not None else "Untitled graph")
        title.setObjectName("title")
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        add(title)
        nodes, links = len(graph.nodes), len(graph.links)
        add(quiet(f"{count(nodes, 'node')}, {count(links, 'link')}" if nodes else "No node yet: press Tab to add one"))
        for problem in self.problems:
            colour = self.look.error if problem.kind == "error" else self.look.warning
            text = problem.message[:1].upper() + problem.message[1:]
            add(Message(text, problem.remedy, colour, self.look))
        notes = [note.text for note in canvas_of(graph).notes.values() if note.text.strip()]
        if notes:
            add(rule())
            add(heading("Notes"))
            for text in notes:
                add(markdown(text))
        if self.checkpoints:
            add(rule())
            add(heading("Checkpoints"))
            for each in self.checkpoints:
                name, status = str(each.get("checkpoint", "")), str(each.get("status", ""))
                add(wrapped(name))
                users = ", ".join(map(str, each.get("nodes", ())))
                add(quiet(STATUS.get(status, status) + (f"  ·  for {users}" if users else "")))
        missing = Counter(node.type for node in graph.nodes.values() if self.catalogue.get(node.type) is None)
        if missing and self.catalogue.kinds:
            add(rule())
            add(heading("Not installed"))
            for kind, number in missing.items():
                add(wrapped(kind + (f" ({number} times)" if number > 1 else "")))
        self.column.addStretch(1)


def count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
