"""One input in the inspector: its name, its editor or where it is linked from, its help, a way back to the default."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from nodegraph import Link
from nodegraph.frozen import same

from .bindings import Binding, given_value
from .catalogues import Catalogue, Port
from .documents import Document
from .editors import make_editor
from .editors.editor import Editor
from .editors.looks import Look
from .gui_plugins import GuiPlugins
from .inspector_parts import Dot, LinkButton, bar, quiet
from .seeds import is_drawn, is_seed
from .values import value_text

__all__ = ["InputRow"]


class InputRow(QWidget):
    """An input of one node, or the inputs of one name and type of several.

    Attributes:
        editor: where a value can be typed; None for a wire, and while a link feeds the input.
    """

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        nodes: Sequence[str],
        port: Port,
        look: Look,
        go: Callable[[str], None],
        *,
        plugins: GuiPlugins | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document = document
        self.nodes = tuple(nodes)
        self.port = port
        self.look = look
        self.plugins = plugins
        self.editor: Editor | None = None
        self.links: tuple[Link, ...] | None = None
        self._go = go
        self._binding: Binding | None = None
        self._said = ""
        kind = f"list of {port.type}" if port.is_list else port.type
        self.name = QLabel(port.name)
        self.name.setObjectName("name")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.type = QLabel("" if port.is_data and not port.is_list else kind)
        self.type.setObjectName("quiet")
        self.differ = QLabel("values differ")
        self.differ.setObjectName("differ")
        self.differ.hide()
        self.reset = QToolButton()
        self.reset.setObjectName("reset")
        self.reset.setText("↺")
        self.reset.setCursor(Qt.CursorShape.PointingHandCursor)
        self.reset.setAccessibleName(f"{port.name}, back to the default")
        default = "Take the value away" if port.required else f"Back to the default, {value_text(port.default, port)}"
        self.reset.setToolTip(default)
        self.reset.clicked.connect(self._reset)
        size = self.reset.sizePolicy()
        size.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(size)
        top = bar(Dot(catalogue.colour(port.base_type)), self.name, self.type)
        top.addStretch(1)
        top.addWidget(self.differ)
        top.addWidget(self.reset)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(3)
        self.help = quiet(port.help)
        if not port.help:
            self.help.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(top)
        column.addLayout(self.body)
        column.addWidget(self.help)
        self.setToolTip(port.help)
        self.refresh()

    def refresh(self) -> None:
        """Show what the document says now; the keyboard stays where it is."""
        graph = self.document.graph
        nodes = [node for node in self.nodes if node in graph.nodes]
        if not nodes:
            return
        links = tuple(link for link in graph.in_links[nodes[0]] if link.input == self.port.name)
        if links != self.links:
            self._rebuild(links)
        given = [self.port.name in graph.nodes[node].inputs for node in nodes]
        self.reset.setVisible(any(given) and self.editor is not None)
        if self.editor is None:
            return
        values = [given_value(graph, node, self.port) for node in nodes]
        self.differ.setVisible(not all(same(value, values[0]) for value in values))
        self.editor.set_value(values[0])
        if is_seed(self.port) and hasattr(self.editor, "set_drawn"):
            self.editor.set_drawn(is_drawn(graph, nodes[0], self.port.name))
        if self._binding is not None and self.port.required and not any(given):
            self.editor.set_problem(self._said or "is required")
        else:
            self.editor.set_problem(self._said)

    def set_problem(self, text: str) -> None:
        """Show what the check found wrong with this input."""
        if text != self._said:
            self._said = text
            self.refresh()

    def _rebuild(self, links: tuple[Link, ...]) -> None:
        self.links = links
        while self.body.count():
            item = self.body.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.editor = self._binding = None
        if links:
            for link in sorted(links, key=lambda link: -1 if link.index is None else link.index):
                self.body.addWidget(self._linked(link))
            value = self.document.graph.nodes[self.nodes[0]].inputs.get(self.port.name)
            if value is not None:
                kept = value_text(value, self.port)
                self.body.addWidget(quiet(f"its own value, {kept}, is kept for when the link is gone"))
        elif self.port.is_data:
            self._edit()
        else:
            self.body.addWidget(quiet("required, not linked yet" if self.port.required else "not linked"))

    def _linked(self, link: Link) -> QWidget:
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        word = QLabel("linked from" if link.index is None else f"{link.index}  linked from")
        word.setObjectName("quiet")
        row.addWidget(word)
        row.addWidget(LinkButton(link.source, link.output, self._go), 1)
        return whole

    def _edit(self) -> None:
        graph = self.document.graph
        node = self.nodes[0]
        self.editor = make_editor(
            self.port,
            given_value(graph, node, self.port),
            self,
            theme=self.look,
            folder=graph.folder,
            plugins=self.plugins,
            kind=graph.nodes[node].type,
        )
        self._binding = Binding(self.document, self.nodes, self.port.name, self.editor)
        self.body.addWidget(self.editor)

    def _reset(self) -> None:
        if self._binding is not None:
            self._binding.edits.reset()

    @property
    def value(self) -> Any:
        """What the editor shows."""
        return self.editor.value if self.editor is not None else None
