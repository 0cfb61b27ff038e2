"""A window: one document, its canvas, and what stands around it. It puts the parts together and is none of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu, QStackedWidget, QToolBar, QToolButton, QVBoxLayout, QWidget

from nodegraph import NodegraphError, Problem

from .actions import DOCKS, QUEUE, RECENT, TOOLBAR, make_actions, put_in_menus, set_icons, shortcut_rows
from .bars import Bars
from .canvas import CanvasView
from .catalogues import Catalogue
from .checking import Checking
from .desk import Desk
from .documents import Change, Document
from .filing import Filing
from .icons import draw_icon
from .inline import InlineEditor
from .inspector import Inspector
from .palette import Palette
from .preferences import Preferences
from .queue_button import QueueButton
from .results import Results
from .running import Running
from .runs import Runs
from .scene import Scene
from .states import NodeState
from .themes import THEMES
from .viewers import Viewer, ViewerDock
from .worker_log import WorkerLog
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
SAID = 8000  # milliseconds that a message stays in the status bar
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
        self._make_actions()
        self._make_status()
        self.filing = Filing(self)
        self.welcome: WelcomePage | None = None
        self._connect()
        self._restore()
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
        catalogue, plugins = self.editor.catalogue, self.editor.plugins
        self.palette_dock = Palette(catalogue, self)
        self.inspector = Inspector(self.document, catalogue, self, theme=self.scene.theme, plugins=plugins)
        self.inspector.follow(self.scene)
        self.inspector.go_to.connect(self.show_node)
        self.viewer = ViewerDock(
            self.document, catalogue, self.results.ask, self, measured=self.runs.measured, make_viewer=self._make_viewer
        )
        self.log = WorkerLog(self)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.addDockWidget(left, self.palette_dock)
        self.addDockWidget(right, self.inspector)
        self.addDockWidget(right, self.viewer)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.log)
        self.setCorner(Qt.Corner.BottomRightCorner, right)
        self.setCorner(Qt.Corner.BottomLeftCorner, left)
        self.log.hide()
        self.docks = (self.palette_dock, self.inspector, self.viewer, self.log)
        self.resizeDocks([self.palette_dock, self.inspector], [196, 320], Qt.Orientation.Horizontal)
        self.resizeDocks([self.inspector, self.viewer], [500, 400], Qt.Orientation.Vertical)

    def _make_viewer(self, type: str) -> Viewer | None:
        made = self.editor.plugins.make_viewer(type)
        return made if isinstance(made, Viewer) else None

    def _make_actions(self) -> None:
        doing: dict[str, Callable[[], object]] = {
            "new": lambda: self.filing.new(),
            "open": lambda: self.filing.choose_file(),
            "welcome": lambda: self.editor.welcome(self),
            "save": lambda: self.filing.save(),
            "save_as": lambda: self.filing.choose_name(),
            "revert": lambda: self.filing.revert(),
            "export_svg": lambda: self.filing.choose_export("svg"),
            "export_png": lambda: self.filing.choose_export("png"),
            "preferences": self.show_preferences,
            "close": self.close,
            "quit": self.editor.quit,
            "undo": self.document.undo,
            "redo": self.document.redo,
            "theme": lambda: self.editor.change(theme="light" if self.actions_by_id["theme"].isChecked() else "dark"),
            "snap": lambda: self.editor.change(snap=self.actions_by_id["snap"].isChecked()),
            "run": lambda: self.run(),
            "run_here": self.run_here,
            "pause": self.running.toggle_pause,
            "cancel": self.running.cancel,
            "clear_queue": self.runs.clear,
            "restart": self.running.restart,
            "free": lambda: self.worker.ask("free"),
            "open_output": self.open_output,
            "shortcuts": self.show_shortcuts,
            "course": self.editor.show_course,
            "about": self.show_about,
        }
        own = make_actions(self, doing)
        self.addActions(list(own.values()))
        self.actions_by_id = {**self.desk.actions, **own}
        places = {RECENT: self._add_recent, QUEUE: self._add_queue, DOCKS: self._add_docks}
        self.menus = put_in_menus(self, self.actions_by_id, places)
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        for id in TOOLBAR:
            if id:
                bar.addAction(self.actions_by_id[id])
            else:
                bar.addSeparator()
        button = bar.widgetForAction(self.actions_by_id["run"])
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.queue_button = QueueButton(self.runs)
        self.queue_place = bar.insertWidget(self.actions_by_id["arrange"], self.queue_button)
        self.addToolBar(bar)
        self.tools = bar
        self._draw_icons()

    def _draw_icons(self) -> None:
        theme = self.scene.theme
        self.setStyleSheet(STYLE.format(theme=theme))

        def draw(name: str) -> QIcon:
            accent = {"run": theme.good, "cancel": theme.error}.get(name, theme.text)
            return draw_icon(name, QColor(accent), QColor(theme.edge))

        set_icons(self.actions_by_id, draw)

    def _add_recent(self, menu: QMenu) -> None:
        recent = menu.addMenu("Open recent")

        def fill() -> None:
            recent.clear()
            for file in self.editor.session.recent:
                action = recent.addAction(file.name)
                action.setToolTip(str(file))
                action.setEnabled(file.is_file())
                action.triggered.connect(lambda _=False, file=file: self.filing.open(file))
            recent.setToolTipsVisible(True)
            if recent.isEmpty():
                recent.addAction("None yet").setEnabled(False)
            else:
                recent.addSeparator()
                recent.addAction("Forget them").triggered.connect(self.editor.session.forget_all)

        recent.aboutToShow.connect(fill)

    def _add_queue(self, menu: QMenu) -> None:
        queue = menu.addMenu("Queue")
        queue.aboutToShow.connect(lambda: self.queue_button.fill(queue))

    def _add_docks(self, menu: QMenu) -> None:
        for dock in self.docks:
            menu.addAction(dock.toggleViewAction())

    def _make_status(self) -> None:
        bar = self.statusBar()
        self._hinting = False  # whether the line is a gesture's
        self.hint, self.cost, self.zoom, self.worker_state = QLabel(), QLabel(), QLabel(), QLabel()
        bar.addWidget(self.hint, 1)
        for label, tip in (
            (self.cost, "What a run takes, as far as it is known"),
            (self.zoom, "How large the graph is drawn"),
            (self.worker_state, "The worker, which runs graphs"),
        ):
            label.setToolTip(tip)
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            label.setContentsMargins(8, 0, 8, 0)
            bar.addPermanentWidget(label)
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(lambda: self.hint.setText(""))

    def _connect(self) -> None:
        self._stop = self.document.subscribe(self._changed)
        self.scene.selection_changed.connect(self._selected)
        self.view.hint.connect(self._hint)
        self.view.zoom_changed.connect(lambda zoom: self.zoom.setText(f"{zoom:.0%}"))
        self.zoom.setText(f"{self.view.zoom:.0%}")
        self.desk.opened.connect(lambda file: self.filing.open(Path(file)))
        self.desk.said.connect(self.say)
        self.palette_dock.chosen.connect(self._add)
        self.worker.ready.connect(self._worker_ready)
        self.worker.said.connect(self.log.add)
        for signal in (self.worker.died, self.worker.stopped, self.runs.run_changed):
            signal.connect(lambda *_: self.refresh())
        self.running.said.connect(self.say)
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
        for dock in self.docks[:3]:
            dock.setVisible(not welcome)
        self.tools.setVisible(not welcome)
        if not welcome:
            self.view.setFocus()

    @property
    def welcoming(self) -> bool:
        return self.pages.currentWidget() is not self.view

    def refresh(self) -> None:
        """Let titles and actions say how things are."""
        document, runs, actions = self.document, self.runs, self.actions_by_id
        name = document.path.name if document.path is not None else self.filing.untitled
        self.setWindowTitle(f"{name}[*] – Nodegraph")
        self.setWindowFilePath(str(document.path or ""))
        self.setWindowModified(document.dirty)
        for id, word, label in (("undo", "Undo", document.undo_label), ("redo", "Redo", document.redo_label)):
            actions[id].setText(f"{word} {label[:1].lower()}{label[1:]}" if label else word)
            actions[id].setEnabled(bool(label))
        actions["revert"].setEnabled(document.path is not None and document.dirty)
        there = bool(document.graph.nodes)
        for id in ("export_svg", "export_png", "run"):
            actions[id].setEnabled(there)
        actions["run_here"].setEnabled(bool(self.scene.selection))
        going = runs.current is not None
        for id in ("pause", "cancel"):
            actions[id].setEnabled(going)
        actions["pause"].setChecked(runs.paused)
        actions["pause"].setText("Resume" if runs.paused else "Pause")
        actions["clear_queue"].setEnabled(bool(runs.queue))
        self.queue_place.setVisible(self.running.busy)
        actions["theme"].setChecked(self.editor.preferences.theme == "light")
        actions["snap"].setChecked(self.editor.preferences.snap)
        actions["free"].setEnabled(self.worker.alive and not going)
        self.worker_state.setText(self._worker_text(going))
        self.empty.setVisible(not there and not document.graph.canvas)

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

    def _hint(self, text: str) -> None:
        """What a gesture says while it goes on; its end takes that away, and not the reason why it did nothing."""
        if text or self._hinting:
            self.say(text)
        self._hinting = bool(text)

    def say(self, text: str) -> None:
        """Show a line in the status bar for a while; "" takes it away."""
        self._hinting = False
        self.hint.setText(text)
        self._quiet.start(SAID)

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
        self.palette_dock.set_catalogue(catalogue)
        self.inspector.set_catalogue(catalogue)
        self.viewer.set_catalogue(catalogue)
        if first and not self.document.undo_label:
            self.look_at_all()

    def take_preferences(self, before: Preferences) -> None:
        """The preferences are others now."""
        preferences = self.editor.preferences
        self.desk.snap = preferences.snap
        if preferences.theme != before.theme:
            self.scene.set_theme(THEMES[preferences.theme])
            self.inspector.set_theme(self.scene.theme)
            self._draw_icons()
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
        self.refresh()

    def _selected(self) -> None:
        self.refresh()
        if len(self.scene.selection) == 1:
            self.viewer.show_node(next(iter(self.scene.selection)))

    def _add(self, kind: str) -> None:
        self.desk.usage.add(kind)
        self.desk.add(kind)
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

    def run(self) -> None:
        self.inline.close()
        self.viewer.forget_states()
        self.running.run()

    def run_here(self) -> None:
        self.inline.close()
        self.viewer.forget_states()
        self.running.run(sorted(self.scene.selection))

    # Pages and dialogs

    def show_preferences(self) -> None:
        from .preferences_dialog import PreferencesDialog

        dialog = PreferencesDialog(self.editor.preferences, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted_with.connect(self.editor.set_preferences)
        dialog.open()

    def show_shortcuts(self) -> None:
        from .shortcuts_page import ShortcutsPage

        ShortcutsPage(shortcut_rows(self.actions_by_id), self).show()

    def show_about(self) -> None:
        from .about import show_about

        show_about(self, self.worker.greeting, self.editor.catalogue.plugins, self.editor.log)

    def open_output(self) -> None:
        folder = self.editor.preferences.output_folder(self.document.path)
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self.say(f"{folder} is not there yet: nothing was written")

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
        self._keep()
        self.filing.close()
        self.checking.close()
        self._stop()
        self.inline.close(keep=False)
        self.scene.close()
        self.worker.close()
        self.editor.closed(self)
        event.accept()

    def _keep(self) -> None:
        """Keep how the window stands for the next one; the first page hides what the canvas shows."""
        if not self.welcoming:
            state = {"geometry": self.saveGeometry(), "state": self.saveState()}
            self.editor.session.put(
                "window", {name: bytes(value.toHex().data()).decode() for name, value in state.items()}
            )

    def _restore(self) -> None:
        kept = self.editor.session.get("window")
        if isinstance(kept, dict):
            for name, restore in (("geometry", self.restoreGeometry), ("state", self.restoreState)):
                if isinstance(kept.get(name), str):
                    restore(QByteArray.fromHex(kept[name].encode("ascii", "replace")))

    def trouble(self, error: BaseException) -> None:
        """Tell of an error that nobody foresaw; the document is as it was."""
        text = str(error) if isinstance(error, NodegraphError) else f"{type(error).__name__}: {error}"
        self.bars.show_bar(f"The editor went wrong, which is a mistake in it or in a plugin: {text}", "error")
