"""The inspector: a dock that shows what is selected, one node, several, or the graph, and edits it.

It asks the document for edits and shows what the document says; it writes nothing else. A page is made anew when the
selection changes, and refreshed when the document does, so that the keyboard and the scroll bar stay where they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDockWidget, QFrame, QScrollArea, QWidget

from nodegraph import Problem

from .catalogues import Catalogue
from .documents import Change, Document
from .editors.looks import Look, look_of, style_of
from .graph_pages import GraphPage
from .gui_plugins import GuiPlugins
from .node_pages import NodePage
from .scene import Scene
from .states import IDLE, NodeState
from .themes import Theme

__all__ = ["Inspector"]

MOST_NODES = 500  # that can be edited together; of more, only how many they are is shown
PAUSE = 30  # milliseconds, so that a selection that is being drawn does not build a page for each node on the way


class Inspector(QDockWidget):
    """A dock for the document of a window.

    Signals:
        go_to: the user wants to see this node.
    """

    go_to = Signal(str)

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        parent: QWidget | None = None,
        *,
        theme: Theme | None = None,
        plugins: GuiPlugins | None = None,
    ) -> None:
        super().__init__("Inspector", parent)
        self.setObjectName("inspector")
        self.document = document
        self.catalogue = catalogue
        self.plugins = plugins
        self.nodes: tuple[str, ...] = ()
        self._many = 0  # how many are selected, where that is too many
        self.page: NodePage | GraphPage
        self._theme = theme
        self._scene: Scene | None = None
        self._problems: Mapping[str | None, Sequence[Problem]] = {}
        self._states: dict[str, NodeState] = {}
        self._checkpoints: Sequence[Mapping[str, Any]] = ()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setMinimumWidth(280)
        self.setWidget(self.area)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PAUSE)
        self._later.timeout.connect(self._take_selection)
        self._dress()
        self._build()
        self._unsubscribe = document.subscribe(self._changed)
        self.destroyed.connect(self._unsubscribe)

    @property
    def look(self) -> Look:
        return look_of(self._theme, self.palette())

    def follow(self, scene: Scene) -> None:
        """Show what is selected in a scene from now on."""
        self._scene = scene
        scene.selection_changed.connect(self._later.start)
        self._take_selection()

    def _take_selection(self) -> None:
        if self._scene is not None:
            self.show_nodes(self._scene.selection)

    def show_nodes(self, nodes: Iterable[str]) -> None:
        """Show these nodes, in the order of the graph; none of them: the graph."""
        wanted = set(nodes)
        found = tuple(node for node in self.document.graph.nodes if node in wanted)
        many = len(found) if len(found) > MOST_NODES else 0
        found = () if many else found
        if (found, many) != (self.nodes, self._many):
            self.nodes, self._many = found, many
            self._build()

    def take_back(self) -> bool:
        """Undo was asked for: take back the drag of a value that goes on; whether there was one."""
        rows = self.page.rows.values() if isinstance(self.page, NodePage) else ()
        return any(row.editor.take_back() for row in rows if row.editor is not None)

    def take_typed(self) -> None:
        """Take what is typed so far; the keyboard stays where it is."""
        if isinstance(self.page, NodePage):
            self.page.take_typed()

    def show_help(self) -> None:
        """Bring the help of the selected node into sight."""
        self._take_selection()
        self.show()
        self.raise_()
        QTimer.singleShot(0, self, self._scroll_to_help)  # when a new page has its places

    def _scroll_to_help(self) -> None:
        page = self.page
        if isinstance(page, NodePage):
            self.area.verticalScrollBar().setValue(page.help.y() if page.help is not None else 0)

    def set_catalogue(self, catalogue: Catalogue) -> None:
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self._build()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._dress()
        self._build()

    def set_problems(self, problems: Mapping[str | None, Sequence[Problem]]) -> None:
        """Show what is wrong, by node; None is the graph as a whole."""
        self._problems = problems
        self._show_problems()

    def set_state(self, node: str, state: NodeState) -> None:
        """Show where a node stands in a run."""
        self._states[node] = state
        if isinstance(self.page, NodePage) and self.nodes == (node,):
            self.page.set_state(state)

    def reset_states(self) -> None:
        self._states.clear()
        if isinstance(self.page, NodePage):
            self.page.set_state(IDLE)

    def set_checkpoints(self, checkpoints: Sequence[Mapping[str, Any]]) -> None:
        """Show the checkpoints that the graph needs, as a worker's `check` tells of them."""
        self._checkpoints = checkpoints
        if isinstance(self.page, GraphPage):
            self.page.set_checkpoints(checkpoints)

    def _build(self) -> None:
        theme = self._theme
        if not self.nodes:
            self.page = GraphPage(self.document, self.catalogue, self.look)
            if self._many:
                self.page.set_remark(f"{self._many:,} nodes are selected; up to {MOST_NODES} can be edited together.")
            self.page.set_checkpoints(self._checkpoints)
        else:
            kind = self.catalogue.get(self.document.graph.nodes[self.nodes[0]].type)
            strips = theme.category_colours(self.catalogue) if theme is not None else {}
            self.page = NodePage(
                self.document,
                self.catalogue,
                self.nodes,
                self.look,
                self.go_to.emit,
                colours=theme.hues if theme is not None else (),
                strip=strips.get(kind.category, "") if kind is not None and len(self.nodes) == 1 else "",
                plugins=self.plugins,
            )
            if len(self.nodes) == 1:
                self.page.set_state(self._states.get(self.nodes[0], IDLE))
        self._show_problems()
        old = self.area.takeWidget()
        if old is not None:
            old.hide()
            old.deleteLater()
        self.area.setWidget(self.page)

    def _show_problems(self) -> None:
        key = None if not self.nodes else self.nodes[0] if len(self.nodes) == 1 else ""
        self.page.set_problems(self._problems.get(key, ()))

    def _changed(self, change: Change) -> None:
        there = tuple(node for node in self.nodes if node in change.after.nodes)
        before, after = change.before.nodes, change.after.nodes
        retyped = any(node in before and before[node].type != after[node].type for node in there)
        if there != self.nodes or change.kind == "replace" or retyped:
            self.nodes = there
            self._build()
        else:
            self.page.refresh()

    def _dress(self) -> None:
        look = self.look
        theme = self._theme
        small = theme.small_size if theme is not None else 11
        self.area.setStyleSheet(
            style_of(look)
            + f"""
QLineEdit#title {{ placeholder-text-color: {look.text}; font-size: 17px; font-weight: 600; padding: 2px 4px;
    background: transparent; border: 1px solid transparent; }}
QLineEdit#title:hover {{ border-color: {look.field_line}; }}
QLineEdit#title:focus {{ border-color: {look.accent}; background: {look.field}; }}
QLabel#title {{ font-size: 17px; font-weight: 600; }}
QLabel#heading {{ font-size: {small}px; font-weight: 600; color: {look.quiet}; }}
QLabel#name {{ font-weight: 600; }}
QLabel#quiet {{ color: {look.quiet}; font-size: {small}px; }}
QLabel#differ {{ color: {look.warning}; font-size: {small}px; }}
QFrame#rule {{ background: {look.field_line}; border: none; }}
QPushButton#link {{ background: transparent; border: none; color: {look.accent}; padding: 0 2px; }}
QPushButton#link:hover, QPushButton#link:focus {{ text-decoration: underline; }}
QToolButton#reset {{ background: transparent; border: 1px solid transparent; padding: 0 4px; color: {look.quiet}; }}
QToolButton#reset:hover, QToolButton#reset:focus {{ border-color: {look.accent}; color: {look.text}; }}
"""
        )
