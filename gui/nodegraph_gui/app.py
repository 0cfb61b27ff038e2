"""The editor as a program: what all windows share, and the way from the command line to the first of them.

Nothing here is kept in a module: `main` makes an `Editor`, which windows are given.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QStyleFactory

from nodegraph.errors import NodegraphError

from .catalogues import Catalogue
from .folders import state_folder
from .kept_catalogues import KeptCatalogues
from .preferences import Preferences, config_folder, read_preferences, write_preferences
from .recents import Session
from .recovering import Recovering
from .themes import THEMES
from .usage import Usage

if TYPE_CHECKING:
    from .documents import Document
    from .examples import Example
    from .gui_plugins import GuiPlugins
    from .window import Window

__all__ = ["Editor", "main"]

LOG_BYTES = 1_000_000


class Editor(QObject):
    """The windows, and what they share.

    Args:
        config: the folder of the preferences; `state`: that of recent files, the log and recovery files.
        catalogues: where the last catalogue of each worker is kept.
        works: whether windows start workers by themselves.
    """

    def __init__(
        self, config: Path, state: Path, catalogues: KeptCatalogues | None = None, *, works: bool = True
    ) -> None:
        super().__init__()
        self.works = works
        self.config, self.state = config, state
        self.log = state / "editor-log.txt"
        self.preferences, self.told = read_preferences(config)
        self.session = Session(state)
        self.catalogues = KeptCatalogues() if catalogues is None else catalogues
        self.catalogue = self.catalogues.read(self.preferences.command) or Catalogue()
        self.usage = Usage(state / "usage.json")
        self.windows: list[Window] = []
        self.first_paint: float | None = None  # of `time.monotonic`, once a window was painted
        self.unkept = ""  # why no recovery file can be written, which has been said
        self._plugins: GuiPlugins | None = None
        self._examples: tuple[list[Example], list[Example]] | None = None
        self._untitled = 0
        self._quitting = False
        self.recovering = Recovering(self)
        self._take_theme()

    # What windows share

    @property
    def plugins(self) -> "GuiPlugins":
        """The editor's own plugins, loaded when the first window is made."""
        if self._plugins is None:
            from .gui_plugins import load_gui_plugins

            self._plugins = load_gui_plugins()
        return self._plugins

    def examples(self) -> "tuple[list[Example], list[Example]]":
        if self._examples is None:
            from .examples import find_examples

            self._examples = find_examples()
        return self._examples

    def next_number(self) -> int:
        """Of a document that has no file."""
        self._untitled += 1
        return self._untitled

    def change(self, **settings: Any) -> None:
        """Change some preferences."""
        self.set_preferences(self.preferences.changed(**settings))

    def set_preferences(self, preferences: Preferences) -> None:
        """Let other preferences hold, in all windows and from now on."""
        before, self.preferences = self.preferences, preferences
        try:
            write_preferences(preferences, self.config)
        except NodegraphError as error:
            self.tell(f"The preferences hold for now, but {error}", "warning")
        if preferences.theme != before.theme:
            self._take_theme()
        for window in self.windows:
            window.take_preferences(before)

    def take_catalogue(self, catalogue: Catalogue) -> None:
        """A worker told its node types: show them, and keep them for the next start."""
        self.catalogue = catalogue
        self.catalogues.keep(self.preferences.command, catalogue)
        for window in self.windows:
            window.set_catalogue(catalogue)

    def tell(self, text: str, kind: str = "error") -> None:
        """Show a message in the window that is in front."""
        window = self.front()
        if window is not None:
            window.bars.show_bar(text, kind)

    def _take_theme(self) -> None:
        QApplication.setPalette(THEMES[self.preferences.theme].palette())

    # Windows

    def front(self) -> "Window | None":
        active = QApplication.activeWindow()
        return next((window for window in self.windows if window is active), self.windows[-1] if self.windows else None)

    def new_window(self, document: "Document | None" = None, *, welcome: bool = True) -> "Window":
        """Open another window, with its worker started once it was seen; an empty one shows the first page."""
        from .window import Window

        window = Window(self, document, welcome=welcome)
        others = [each for each in self.windows if each.isVisible()]
        self.windows.append(window)
        if others:
            window.move(others[-1].pos().x() + 32, others[-1].pos().y() + 32)
        window.show()
        if self.works:
            QTimer.singleShot(0, window, window.start_worker)
        return window

    def window_of(self, file: Path) -> "Window | None":
        """The window that has a file open."""
        return next((window for window in self.windows if window.document.path == file), None)

    def welcome(self, window: "Window") -> None:
        """Show the first page: in this window where nothing would be lost, else in another."""
        free = window if window.is_untouched else next((each for each in self.windows if each.is_untouched), None)
        (free or self.new_window()).show_page(True)

    def painted(self) -> None:
        """A window was painted."""
        if self.first_paint is None:
            self.first_paint = time.monotonic()
            gc.enable()

    def closed(self, window: "Window") -> None:
        if window in self.windows:
            self.windows.remove(window)

    def quit(self) -> None:
        """Ask of each window what is to be asked, one after the other; when all may close, close them."""
        self._quitting = bool(self.windows)
        for window in reversed(self.windows):
            if not window.filing.may_close():
                return
        for window in list(self.windows):
            window.close()
        self._quitting = False

    @property
    def quitting(self) -> bool:
        """Whether all windows are to close, once what is asked is answered."""
        return self._quitting

    def stay(self) -> None:
        """A question was answered with no: all that is open stays open."""
        self._quitting = False
        for window in self.windows:
            window.filing.stay()

    def show_course(self) -> None:
        from PySide6.QtCore import QUrl
        from PySide6.QtGui import QDesktopServices

        from .examples import course

        found = course()
        if found is None or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(found))):
            self.tell(f"The course is in {found or 'docs/diffusion.md'}; nothing here opens such a file", "info")

    # Errors that nobody foresaw

    def report(self, error: BaseException) -> None:
        """Log an error with its traceback, and tell it in the window that is in front; no document is touched."""
        log_to(self.log, error)
        for each in self.windows:
            each.filing.keep()
        window = self.front()
        if window is not None:
            window.trouble(error)


def log_to(file: Path, error: BaseException) -> None:
    """Append an error to a log, which is put aside when it is large; a log that cannot be written disturbs nothing."""
    import traceback

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LOG_BYTES:
            file.replace(file.with_suffix(".old.txt"))
        with file.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{''.join(traceback.format_exception(error))}\n")
    except OSError:
        logging.getLogger("nodegraph").exception("%s", error)


def excepthook(
    editor: Editor, usual: Callable[..., Any]
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What is called for an exception that nobody caught, such as one in a slot."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, Exception):  # Ctrl+C in a terminal ends the program as ever
            usual(kind, error, trace)
            return
        try:
            editor.report(error)
        except Exception:
            usual(kind, error, trace)

    return hook


def make_application(arguments: Sequence[str]) -> QApplication:
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(["nodegraph", *arguments])
    app.setApplicationName("nodegraph")
    app.setApplicationDisplayName("")
    app.setDesktopFileName("nodegraph")
    app.setStyle(QStyleFactory.create("Fusion"))
    return app


def complain(text: str) -> None:
    """Say a line where the program was started, for whoever looks there; on Windows there may be no such place."""
    if sys.stderr is not None:
        print(f"nodegraph edit: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Open the editor with these files, or with its first page, until the last window is closed; the exit status."""
    gc.disable()  # what is made until the first window is seen stays; to look for garbage among it takes a while
    app = make_application(arguments)
    editor = Editor(config_folder(), state_folder())
    sys.excepthook = excepthook(editor, sys.excepthook)
    window = editor.new_window(welcome=not arguments)
    whys = window.filing.open_all([Path(file) for file in arguments])
    if arguments and len(whys) == len(arguments):
        window.show_page(True)
    for why in whys:
        complain(f"not opened: {why}")
    for line in editor.told:
        window.bars.show_bar(line, "warning")
    QTimer.singleShot(0, editor, editor.recovering.offer)
    QTimer.singleShot(5000, gc.enable)  # should no window ever be seen
    return app.exec()
