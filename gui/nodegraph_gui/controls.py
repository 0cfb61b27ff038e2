"""What a window can be told to do: its actions, enabled as things are, with its menus and its toolbar."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton

from .actions import DOCKS, QUEUE, RECENT, TOOLBAR, make_actions, put_in_menus, set_icons
from .icons import draw_icon
from .queue_button import QueueButton
from .recents import told_apart
from .themes import Theme
from .window_dialogs import open_output, show_preferences, show_shortcuts, show_versions

if TYPE_CHECKING:
    from .window import Window

__all__ = ["Controls"]


class Controls:
    """The actions of one window.

    Attributes:
        actions: those of the window and of its canvas, by id.
    """

    def __init__(self, window: "Window") -> None:
        self._window = window
        own = make_actions(window, self._deeds())
        window.addActions(list(own.values()))
        self.actions = {**window.desk.actions, **own}
        window.desk.node_actions = [own["run_here"], own["node_help"]]
        places = {RECENT: self._add_recent, QUEUE: self._add_queue, DOCKS: self._add_docks}
        self.queue_button = QueueButton(window.runs)
        self.menus = put_in_menus(window, self.actions, places)
        self._fill_toolbar()
        self.draw_icons(window.scene.theme)

    def _deeds(self) -> dict[str, Callable[[], object]]:
        """What each action of the window does."""
        window, editor = self._window, self._window.editor
        return {
            "new": lambda: window.filing.new(),
            "open": lambda: window.filing.choose_file(),
            "welcome": lambda: editor.welcome(window),
            "save": lambda: window.filing.save(),
            "save_as": lambda: window.filing.choose_name(),
            "revert": lambda: window.filing.revert(),
            "export_svg": lambda: window.filing.choose_export("svg"),
            "export_png": lambda: window.filing.choose_export("png"),
            "preferences": lambda: show_preferences(window),
            "close": window.close,
            "quit": editor.quit,
            "undo": window.undo,
            "redo": window.redo,
            "theme": lambda: editor.change(theme="light" if self.actions["theme"].isChecked() else "dark"),
            "snap": lambda: editor.change(snap=self.actions["snap"].isChecked()),
            "run": lambda: window.run(),
            "run_here": window.run_here,
            "node_help": window.inspector.show_help,
            "pause": window.running.toggle_pause,
            "cancel": window.running.cancel,
            "clear_queue": window.runs.clear,
            "restart": window.running.restart,
            "free": lambda: window.worker.ask("free"),
            "open_output": lambda: open_output(window),
            "shortcuts": lambda: show_shortcuts(window),
            "course": editor.show_course,
            "about": lambda: show_versions(window),
        }

    def _fill_toolbar(self) -> None:
        bar = QToolBar("Tools", self._window)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        for id in TOOLBAR:
            if id:
                bar.addAction(self.actions[id])
            else:
                bar.addSeparator()
        button = bar.widgetForAction(self.actions["run"])
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.queue_place = bar.insertWidget(self.actions["arrange"], self.queue_button)
        self._window.addToolBar(bar)
        self.tools = bar

    def draw_icons(self, theme: Theme) -> None:
        def draw(name: str) -> QIcon:
            accent = {"run": theme.good, "cancel": theme.error}.get(name, theme.text)
            return draw_icon(name, QColor(accent), QColor(theme.edge))

        set_icons(self.actions, draw)

    def _add_recent(self, menu: QMenu) -> None:
        recent = menu.addMenu("Open recent")
        session = self._window.editor.session

        def fill() -> None:
            recent.clear()
            files = session.recent
            for file, name in zip(files, told_apart(files), strict=True):
                self._add_file(recent, file, name)
            recent.setToolTipsVisible(True)
            if recent.isEmpty():
                recent.addAction("None yet").setEnabled(False)
            else:
                recent.addSeparator()
                recent.addAction("Forget them").triggered.connect(session.forget_all)

        recent.aboutToShow.connect(fill)

    def _add_file(self, menu: QMenu, file: Path, name: str) -> None:
        action = menu.addAction(name)
        action.setToolTip(str(file))
        action.setEnabled(file.is_file())
        action.triggered.connect(lambda: self._window.filing.open(file))

    def _add_queue(self, menu: QMenu) -> None:
        queue = menu.addMenu("Queue")
        queue.aboutToShow.connect(lambda: self.queue_button.fill(queue))

    def _add_docks(self, menu: QMenu) -> None:
        for dock in self._window.around.all:
            menu.addAction(dock.toggleViewAction())

    def refresh(self) -> None:
        """Let the actions say how things are, and be enabled where they would do something."""
        window, actions = self._window, self.actions
        document, runs, preferences = window.document, window.runs, window.editor.preferences
        for id, word, label in (("undo", "Undo", document.undo_label), ("redo", "Redo", document.redo_label)):
            actions[id].setText(f"{word} {label[:1].lower()}{label[1:]}" if label else word)
            actions[id].setEnabled(bool(label))
        actions["revert"].setEnabled(document.path is not None and document.dirty)
        for id in ("export_svg", "export_png", "run"):
            actions[id].setEnabled(bool(document.graph.nodes))
        chosen = len(window.scene.selection)
        actions["run_here"].setEnabled(chosen > 0)
        actions["run_here"].setText("Run to this node" if chosen == 1 else "Run to the selection")
        actions["node_help"].setEnabled(chosen == 1)
        going = runs.current is not None
        for id in ("pause", "cancel"):
            actions[id].setEnabled(going)
        actions["pause"].setChecked(runs.paused)
        actions["pause"].setText("Resume" if runs.paused else "Pause")
        actions["clear_queue"].setEnabled(bool(runs.queue))
        actions["theme"].setChecked(preferences.theme == "light")
        actions["snap"].setChecked(preferences.snap)
        actions["free"].setEnabled(window.worker.alive and not going)
        self.queue_place.setVisible(window.running.busy)
