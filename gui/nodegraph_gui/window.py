"""A window: one document, its canvas, and what stands around it. It puts the parts together and is none of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from nodegraph import NodegraphError, Problem

from .bars import Bars
from .canvas import CanvasView
from .catalogues import Catalogue
from .checking import Checking
from .controls import Controls
from .desk import Desk
from .documents import Change, Document
from .filing import Filing
from .inline import InlineEditor
from .preferences import Preferences
from .results import Results
from .running import Running
from .runs import Runs
from .scene import Scene
from .states import NodeState
from .status_line import StatusLine
from .themes import THEMES
from .window_docks import Docks, kept_state, restore_state
from .workers import Worker

if TYPE_CHECKING:
    from .app import Editor
    from .welcome import WelcomePage

__all__ = ["Window"]

SIZE = QSize(1400, 900)
STYLE = """
QToolBar {{ border: none; border-bottom: 1px solid {theme.edge}; padding: 3px 6px; spacing: 2px; }}
QMenuBar {{ border: none; }}
QStatusBar {{ border-top: 1px solid {theme.edge}; }}
QStatusBar::item {{ border: none; }}
QMainWindow::separator {{ background: {theme.edge}; width: 1px; height: 1px; }}
"""
LEGIBLE = 0.46  # the zoom below which a node is no more than its colours
EMPTY = "Tab or a double click adds a node.\nA graph, a picture, or a node of the list can be dropped here."


class Window(QMainWindow):
    """What the user sees of a document.

    Attributes:
        editor: the program that the window belongs to: preferences, recent files, other windows.

    Args:
        welcome: whether an empty one shows the first page.
    """

    def __init__(self, editor: "Editor", document: Document | None = None, *, welcome: bool = True) -> None:
        super().__init__()
        self.editor = editor
        self.document = Document() if document is None else document
        self.problems: dict[str | None, list[Problem]] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.resize(SIZE)
        self._make_canvas()
        self._make_worker()
        self._make_docks()
        self._make_controls()
        self._make_status()
        self.filing = Filing(self)
        self.welcome: WelcomePage | None = None
        self._connect()
        restore_state(self, self.editor.session.get("window"))
        self.show_page(welcome and self.is_untouched)
        self.refresh()

    # The parts

    def _make_canvas(self) -> None:
        preferences, catalogue = self.editor.preferences, self.editor.catalogue
        self.scene = Scene(self.document, catalogue, THEMES[preferences.theme], self)
        self.view = CanvasView(self.scene)
        self.desk = Desk(self.view, self.editor.usage, snap=preferences.snap)
        self.inline = InlineEditor(self.view, self.document, catalogue, plugins=self.editor.plugins)
        self.view.factories.insert(3, self.inline.gesture)  # before what moves a node
        self.empty = QLabel(EMPTY, self.view)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.bars = Bars()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bars)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self.view.installEventFilter(self)

    def _make_worker(self) -> None:
        preferences = self.editor.preferences
        self.worker = Worker(preferences.command, shares_files=preferences.shares_files, parent=self)
        self.runs = Runs(self.worker, self)
        self.runs.catalogue = self.editor.catalogue
        self.results = Results(self.document, self.runs, self)
        self.running = Running(self.document, self.scene, self.runs, self.bars, self._preferences, self)
        self.checking = Checking(self.document, self.runs, self)

    def _preferences(self) -> Preferences:
        return self.editor.preferences

    def _make_docks(self) -> None:
        self.around = Docks(self)
        self.palette_dock, self.inspector, self.viewer, self.log = self.around.all
        self.inspector.go_to.connect(self.show_node)

    def _make_controls(self) -> None:
        self.controls = Controls(self)
        self.actions_by_id, self.menus = self.controls.actions, self.controls.menus
        self.queue_button, self.queue_place = self.controls.queue_button, self.controls.queue_place
        self._dress()

    def _dress(self) -> None:
        self.setStyleSheet(STYLE.format(theme=self.scene.theme))
        self.controls.draw_icons(self.scene.theme)

    def _make_status(self) -> None:
        self.status = StatusLine(self.statusBar())
        self.hint, self.cost, self.worker_state = self.status.hint, self.status.cost, self.status.worker

    def _connect(self) -> None:
        self._stop = self.document.subscribe(self._changed)
        self.scene.selection_changed.connect(self._selected)
        self.view.hint.connect(self.status.show_hint)
        self.view.zoom_changed.connect(self.status.show_zoom)
        self.status.show_zoom(self.view.zoom)
        self.desk.opened.connect(lambda file: self.filing.open(Path(file)))
        self.desk.said.connect(self.say)
        self.palette_dock.chosen.connect(self._add)
        self.worker.ready.connect(self._worker_ready)
        self.worker.said.connect(self.log.add)
        for signal in (self.worker.died, self.worker.stopped, self.runs.run_changed):
            signal.connect(lambda *_: self.refresh())
        self.running.said.connect(self.say)
        self.running.stood.connect(self.status.stand)
        self.running.state_changed.connect(self._state_changed)
        self.running.show_wanted.connect(self.show_node)
        self.runs.finished.connect(lambda _: self.viewer.refresh())
        self.checking.told.connect(self._problems_told)
        self.checking.failed.connect(self.say)
        self.checking.needs.connect(self.inspector.set_checkpoints)
        for problem in self.editor.plugins.problems:
            self.log.add(f"left out {problem}")
        self.viewer.failed.connect(lambda why: self.bars.show_bar(why, "error"))

    def start_worker(self) -> None:
        """Start the worker; done when the window has been seen."""
        self.worker.start()
        self.refresh()

    # What is shown

    @property
    def is_untouched(self) -> bool:
        """Whether nothing would be lost if another graph took this window."""
        document = self.document
        empty = not document.graph.nodes and not document.graph.canvas
        return document.path is None and empty and not document.undo_label and not document.redo_label

    def show_page(self, welcome: bool) -> None:
        """Show the first page, or the canvas."""
        if welcome and self.welcome is None:
            from .welcome import WelcomePage

            page = self.welcome = WelcomePage(self.editor.examples(), self.editor.session.recent)
            page.new_wanted.connect(lambda: self.show_page(False))
            page.open_wanted.connect(lambda: self.filing.choose_file())
            page.file_wanted.connect(lambda file: self.filing.open(file))
            page.file_forgotten.connect(self._forget)
            page.example_wanted.connect(lambda example: self.filing.open_example(example))
            self.pages.addWidget(page)
        elif welcome and self.welcome is not None:
            self.welcome.set_recent(self.editor.session.recent)
        page_shown = self.welcome if welcome and self.welcome is not None else self.view
        self.pages.setCurrentWidget(page_shown)
        self.around.set_shown(not welcome)
        self.controls.tools.setVisible(not welcome)
        if not welcome:
            self.view.setFocus()

    @property
    def welcoming(self) -> bool:
        return self.pages.currentWidget() is not self.view

    def refresh(self) -> None:
        """Let titles and actions say how things are."""
        document = self.document
        name = document.path.name if document.path is not None else self.filing.untitled
        self.setWindowTitle(f"{name}[*] – Nodegraph")
        self.setWindowFilePath(str(document.path or ""))
        self.setWindowModified(document.dirty)
        self.controls.refresh()
        self.worker_state.setText(self._worker_text(self.runs.current is not None))
        self.empty.setVisible(not document.graph.nodes and not document.graph.canvas)

    def _worker_text(self, going: bool) -> str:
        if not self.worker.alive:
            return "no worker"
        if self.worker.greeting is None:
            return "worker starts …"
        return "paused" if self.runs.paused else "running" if going else "ready"

    def look_at_all(self) -> None:
        """Show the whole graph, but for a border of it where its letters would be lost for that alone."""
        self.view.fit()
        if LEGIBLE * 0.9 <= self.view.zoom < LEGIBLE:
            self.view.look_at(self.scene.content_rect().center(), LEGIBLE)

    def say(self, text: str) -> None:
        """Show a line in the status bar for a while; "" takes it away."""
        self.status.say(text)

    def show_node(self, node: str) -> None:
        """Select a node and bring it into sight."""
        if node in self.scene.nodes:
            self.show_page(False)
            self.scene.select([node], "replace")
            self.view.look_at(self.scene.node_rect(node).center(), max(self.view.zoom, 0.6))

    def set_catalogue(self, catalogue: Catalogue) -> None:
        first = not self.scene.catalogue.kinds and bool(self.document.graph.nodes)
        self.runs.catalogue = catalogue
        self.scene.set_catalogue(catalogue)
        self.inline.catalogue = catalogue
        self.around.set_catalogue(catalogue)
        if first and not self.document.undo_label:
            self.look_at_all()

    def take_preferences(self, before: Preferences) -> None:
        """The preferences are others now."""
        preferences = self.editor.preferences
        self.desk.snap = preferences.snap
        if preferences.theme != before.theme:
            self.scene.set_theme(THEMES[preferences.theme])
            self.inspector.set_theme(self.scene.theme)
            self._dress()
        if (preferences.command, preferences.shares_files) != (before.command, before.shares_files):
            self.worker.command = tuple(preferences.command)
            self.worker.shares_files = preferences.shares_files
            self.running.restart()
        self.refresh()

    # What happens

    def _changed(self, change: Change) -> None:
        if change.kind == "replace":
            self.scene.reset_states()
            self.problems = {}
            self.bars.close_bar("run ended")
        if change.after.nodes and self.welcoming:
            self.show_page(False)
        self.viewer.follow_document()
        self.refresh()

    def _selected(self) -> None:
        self.refresh()
        self.viewer.show_selected(self.scene.selection)

    def undo(self) -> None:
        """Take back the gesture that goes on, and nothing else; when there is none, the last edit."""
        if not self.desk.take_back() and not self.inspector.take_back():
            self.document.undo()

    def redo(self) -> None:
        """Do again what was undone last, unless a gesture goes on."""
        if self.view.gesture is None:
            self.document.redo()

    def _add(self, kind: str) -> None:
        self.desk.add_chosen(kind)
        self.view.setFocus()

    def _worker_ready(self, described: dict[str, object]) -> None:
        try:
            catalogue = Catalogue.from_json(described)
        except ValueError as error:
            self.bars.show_bar(f"what the worker tells {error}", "error")
            return
        if catalogue != self.editor.catalogue:
            self.editor.take_catalogue(catalogue)
        for problem in described.get("problems", ()):  # type: ignore[attr-defined]
            self.log.add(f"left out {problem}")
        self.refresh()

    def _state_changed(self, node: str, state: NodeState) -> None:
        self.viewer.set_state(node, state)
        self.inspector.set_state(node, state)

    def _problems_told(self, problems: dict[str | None, list[Problem]], cost: str) -> None:
        self.problems = problems
        self.scene.set_problems({node: some for node, some in problems.items() if node is not None})
        self.inspector.set_problems(problems)
        errors = sum(problem.kind == "error" for some in problems.values() for problem in some)
        wrong = f"{errors} problem{'' if errors == 1 else 's'}" if errors else ""
        self.cost.setText(" · ".join(part for part in (wrong, cost) if part))

    def _forget(self, file: Path) -> None:
        self.editor.session.forget(file)
        if self.welcome is not None:
            self.welcome.set_recent(self.editor.session.recent)

    def take_typed(self) -> None:
        """Take what open editors hold, as it is: before a save, a run, a question whether to close."""
        for part in (self.inline, self.desk.writings, self.inspector):
            part.take_typed()

    def run(self) -> None:
        self.take_typed()
        self.inline.close()
        self.viewer.forget_states()
        self.running.run()

    def run_here(self) -> None:
        self.take_typed()
        self.inline.close()
        self.viewer.forget_states()
        self.running.run(sorted(self.scene.selection))

    # Events

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.view and event.type() == QEvent.Type.Resize:
            self.empty.setGeometry(self.view.rect())
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Files that were dropped beside the canvas, or on the first page: those that hold a graph are opened."""
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            self.filing.open_all(files)
            event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.editor.painted()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.filing.may_close():
            event.ignore()
            return
        if not self.welcoming:  # the first page hides what the canvas shows
            self.editor.session.put("window", kept_state(self))
        self.filing.close()
        self.checking.close()
        self.running.close()
        self._stop()
        self.inline.close(keep=False)
        self.scene.close()
        self.worker.close()
        self.editor.closed(self)
        event.accept()

    def trouble(self, error: BaseException) -> None:
        """Tell of an error that nobody foresaw; the document is as it was."""
        text = str(error) if isinstance(error, NodegraphError) else f"{type(error).__name__}: {error}"
        self.bars.show_bar(f"The editor went wrong, which is a mistake in it or in a plugin: {text}", "error")
