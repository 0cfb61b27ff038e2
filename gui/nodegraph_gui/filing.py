"""What a window does with files: opening, saving, closing, and keeping what a crash would take.

Nothing is overwritten or dropped without a yes. Questions wait in boxes and stop nothing; what cannot be written is
told in a bar, and the document stays as it is.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QFileDialog

from nodegraph.errors import NodegraphError
from nodegraph.writing import reason_of, write_atomically

from .documents import Change
from .examples import Example
from .questions import Question, ask
from .recovery import RecoveryFile
from .saving import DocumentFile, FileState, read_file

if TYPE_CHECKING:
    from .window import Window

__all__ = ["GRAPHS", "Filing"]

GRAPHS = "Graphs (*.json);;Pictures that carry a graph (*.png);;All files (*)"
LOOK = 2000  # milliseconds between two looks at the file
SAVE, DISK, KEEP, OPEN = "save", "disk", "recovery", "open"  # the keys of bars


class Filing(QObject):
    """The file of a window's document, its recovery file, and the questions about them.

    Attributes:
        untitled: what a document is called that has no file.
        question: the box that waits for an answer, or None.
    """

    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self.window = window
        self.document = window.document
        self.file = DocumentFile(self.document, folder=window.editor.state)
        self.recovery = RecoveryFile(self.document, window.editor.state)
        self.untitled = f"Untitled {window.editor.next_number()}"
        self.question: Question | None = None
        self._leaving = False  # it was answered that the window may close
        self._seen: object = None
        self._stop = self.document.subscribe(self._changed)
        self._stop_drafts = self.document.drafts.subscribe(self._keep_soon)
        self._keeping = QTimer(self)
        self._keeping.setSingleShot(True)
        self._keeping.timeout.connect(self.keep)
        self._looking = QTimer(self)
        self._looking.setInterval(LOOK)
        self._looking.timeout.connect(self.look)
        self._looking.start()

    def close(self) -> None:
        """The window closes: nothing of the document stays behind."""
        self._stop()
        self._stop_drafts()
        self._keeping.stop()
        self._looking.stop()
        self.recovery.close()
        self.file.release()

    # Opening

    def new(self) -> None:
        """Show an empty graph: here, where nothing would be lost, else in another window."""
        window = self.window if self.window.is_untouched else self.window.editor.new_window()
        window.show_page(False)

    def choose_file(self) -> None:
        dialog = self._dialog("Open a graph", GRAPHS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.open_all([Path(name) for name in names]))
        dialog.open()

    def open(self, path: Path) -> bool:
        """Open a graph, or a picture that carries one, in this window or another; whether it could be read."""
        return not self.open_all([path])

    def open_all(self, paths: Iterable[Path]) -> list[str]:
        """Open files; why some were not, which a bar says until the next are opened."""
        self.window.bars.close_bar(OPEN)
        whys = [why for why in map(self._open, paths) if why]
        if whys:
            self.window.bars.show_bar(f"Not opened: {'; '.join(whys)}", "error", key=OPEN)
        return whys

    def _open(self, path: Path) -> str:
        """Open one file; why it was not, or ""."""
        path = path.expanduser().absolute()
        editor = self.window.editor
        there = editor.window_of(path)
        if there is not None:
            there.show_page(False)
            there.raise_()
            there.activateWindow()
            return ""
        try:
            graph, digest = read_file(path)
        except NodegraphError as error:
            return about(path, error)
        window = self.window if self.window.is_untouched else editor.new_window()
        filing = window.filing
        if path.suffix.lower() == ".json":
            window.document.replace(graph, path)
            filing.file.taken_up(digest)
            editor.session.note(path)
            filing.look_anew()
        else:
            filing.untitled = path.stem
            window.document.replace(graph.with_folder(path.parent))
        window.show_page(False)
        window.look_at_all()
        return ""

    def open_example(self, example: Example) -> None:
        """Open an example as a graph without a file, so that saving asks for a name."""
        try:
            graph, _ = read_file(example.file)
        except NodegraphError as error:
            self.window.bars.show_bar(f"Not opened: {error}", "error", key=OPEN)
            return
        self.window.bars.close_bar(OPEN)
        window = self.window if self.window.is_untouched else self.window.editor.new_window()
        window.filing.untitled = example.title
        window.document.replace(graph)
        window.show_page(False)
        window.look_at_all()

    # Saving

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Save the document, after what there is to be asked; `then` is called when it is saved."""
        if self.document.path is None:
            self.choose_name(then)
        else:
            self.save_to(None, then)

    def choose_name(self, then: Callable[[], object] | None = None) -> None:
        dialog = self._dialog("Save the graph", "Graphs (*.json)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # it is asked here, for links and open files too
        own = self.document.path
        dialog.selectFile(own.name if own is not None else f"{self.untitled.lower().replace(' ', '-')}.json")
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name), then))
        dialog.rejected.connect(self.window.editor.stay)
        dialog.open()

    def save_to(self, path: Path | None, then: Callable[[], object] | None = None, *, anyway: bool = False) -> None:
        """Save to a file, or, with None, to the document's own."""
        self.document.seal()
        self.window.take_typed()
        if path is not None:
            path = path.expanduser().absolute()
        target = self.document.path if path is None else path
        if target is not None and not os.path.exists(target.parent):
            self._ask_for_folder(target.parent, path, then)
            return
        try:
            state = self.file.save(self.window.editor.catalogue, path, anyway=anyway)
        except NodegraphError as error:
            buttons = [("Save as…", lambda: self.choose_name(then))]
            self.window.bars.show_bar(f"Not saved: {error}", "error", buttons, SAVE)
            self.window.editor.stay()
            return
        if state.question:
            self._ask_over(state, path, then)
            return
        for key in (SAVE, DISK):
            self.window.bars.close_bar(key)
        self._seen = self._stamp()
        self.keep()
        if self.document.path is not None:
            self.window.editor.session.note(self.document.path)
            self.window.say(f"Saved {self.document.path.name}")
        self.window.refresh()
        if then is not None:
            then()

    def _ask_over(self, state: FileState, path: Path | None, then: Callable[[], object] | None) -> None:
        word = {"occupied": "Replace", "vanished": "Save again"}.get(state.kind, "Save over it")
        self._ask(
            "Save", state.question,
            (word, lambda: self.save_to(path, then, anyway=True)),
            ("Save as…", lambda: self.choose_name(then)),
        )  # fmt: skip

    def _ask_for_folder(self, folder: Path, path: Path | None, then: Callable[[], object] | None) -> None:
        self._ask(
            "Save", f"The folder {folder} is not there. Make it, and save in it?",
            ("Make it and save", lambda: self._save_in_new(folder, path, then)),
            ("Save as…", lambda: self.choose_name(then)),
        )  # fmt: skip

    def _save_in_new(self, folder: Path, path: Path | None, then: Callable[[], object] | None) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            buttons = [("Save as…", lambda: self.choose_name(then))]
            why = f"the folder {folder} cannot be made: {reason_of(error)}"
            self.window.bars.show_bar(f"Not saved: {why}", "error", buttons, SAVE)
            self.window.editor.stay()
            return
        self.save_to(path, then, anyway=True)  # that the file is not there either is no surprise

    def revert(self) -> None:
        """Show again what the file holds; all that came since is dropped, after a yes."""
        path = self.document.path
        if path is not None and self.document.dirty:
            self._ask("Go back", f"Drop what was done since {path.name} was saved?", ("Drop it", self._reload))

    def _reload(self) -> None:
        try:
            self.file.reload()
        except NodegraphError as error:
            self.window.bars.show_bar(f"Not read: {about(self.document.path, error)}", "error", key=DISK)
            return
        self.window.bars.close_bar(DISK)
        self._seen = self._stamp()
        self.keep()
        self.window.refresh()

    def choose_export(self, ending: str) -> None:
        dialog = self._dialog("Export the graph", f"{ending.upper()} (*.{ending})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ending)
        own = self.document.path
        dialog.selectFile(f"{own.stem if own is not None else self.untitled}.{ending}")
        dialog.fileSelected.connect(lambda name: self.export(Path(name)))
        dialog.open()

    def export(self, path: Path) -> None:
        """Draw the whole graph into a file, whatever is in sight."""
        from .exports import png, svg

        scene = self.window.scene
        try:
            write_atomically(path, svg(scene, path.stem) if path.suffix.lower() == ".svg" else png(scene))
        except (NodegraphError, ValueError) as error:
            self.window.bars.show_bar(f"Not exported: {error}", "error", key=SAVE)
        else:
            self.window.say(f"Wrote {path.name}")

    # The file on the disk

    def look(self) -> None:
        """See whether another program changed the file or took it away, and tell."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        state = self.file.state()
        path, bars = self.document.path, self.window.bars
        if path is None or state.fine:
            bars.close_bar(DISK)
        elif state.kind == "changed":
            text = f"{path.name} was changed by another program."
            bars.show_bar(text, "warning", [("Show that", self._show_changed)], DISK)
        elif state.kind == "vanished":
            self.document.mark_unsaved()
            bars.show_bar(f"{path} is no longer there.", "warning", [("Save it again", self.save)], DISK)
            self._keeping.start(0)
        elif state.kind == "elsewhere":
            bars.show_bar(f"{path.name} is open in another window, too; saving will ask.", "warning", key=DISK)
        else:
            bars.show_bar(f"{path} cannot be read any more.", "warning", key=DISK)
        self.window.refresh()

    def look_anew(self) -> None:
        """Look even if nothing came since the last look."""
        self._seen = None
        self.look()

    def _show_changed(self) -> None:
        if self.document.dirty:
            self.revert()
        else:
            self._reload()

    def _stamp(self) -> object:
        """What differs when a file is another: cheap enough to be asked all the time."""
        path = self.document.path
        try:
            found = None if path is None else path.stat()
        except OSError as error:
            return path, type(error)
        return path, found and (found.st_mtime_ns, found.st_size, found.st_ino)

    # For the case of a crash

    def _changed(self, change: Change) -> None:
        if change.kind == "replace":
            self._seen = self._stamp()
        self._keep_soon()

    def _keep_soon(self) -> None:
        if not self._keeping.isActive():  # so that edits without a pause are kept, too
            self._keeping.start(round(self.window.editor.preferences.autosave * 1000))

    def keep(self) -> str:
        """Write the recovery file, or take it away when the file holds all; why that fails, which is said once."""
        self._keeping.stop()
        why, editor = self.recovery.write(self.file.digest), self.window.editor
        if not why:
            self.window.bars.close_bar(KEEP)
        elif why != editor.unkept:
            self.window.bars.show_bar(why, "warning", key=KEEP)
        if why or self.document.dirty:  # that nothing is to be kept does not tell whether it could be
            editor.unkept = why
        return why

    # Closing

    def may_close(self) -> bool:
        """Whether the window may close now; when not, it is asked, and closes after a yes."""
        if self._leaving:
            return True
        self.window.take_typed()
        if self.question is not None:
            self.question.raise_()
            return False
        if self.window.running.busy:
            text = "A run goes on. What it has written stays; the rest is lost."
            self._ask("Close", text, ("End the run and close", self._end_run), title_of_no="Keep it running")
            return False
        if self.document.dirty:
            self._ask_unsaved()
            return False
        return True

    def _end_run(self) -> None:
        self.window.runs.clear()
        self.window.runs.cancel()
        if self.document.dirty:
            self._ask_unsaved()
        else:
            self._leave()

    def _ask_unsaved(self) -> None:
        name = self.document.path.name if self.document.path is not None else self.untitled
        self._ask(
            "Close", f"{name} has changes that are not saved.",
            ("Save", lambda: self.save(self._leave)),
            ("Drop them", self._leave),
        )  # fmt: skip

    def _leave(self) -> None:
        self._leaving = True
        editor = self.window.editor
        if editor.quitting:
            QTimer.singleShot(0, editor, editor.quit)
        else:
            QTimer.singleShot(0, self.window, self.window.close)

    def stay(self) -> None:
        """The window is not to close after all: the next time it is asked again."""
        self._leaving = False

    def leave_at_once(self) -> None:
        """Close the window whatever would be asked: what is not saved is dropped."""
        self._leaving = True
        self.window.close()

    # Asking

    def _ask(
        self, title: str, text: str, *answers: tuple[str, Callable[[], object]], title_of_no: str = "Cancel"
    ) -> None:
        self.question = ask(self.window, title, text, [*answers, (title_of_no, self.window.editor.stay)])
        self.question.finished.connect(self._answered)

    def _answered(self) -> None:
        """The box is gone; an answer may have opened another."""
        if self.question is not None and self.question is self.sender():
            self.question = None

    def _dialog(self, title: str, kinds: str) -> QFileDialog:
        own, recent = self.document.path, self.window.editor.session.recent
        folder = own.parent if own is not None else recent[0].parent if recent else Path.cwd()
        dialog = QFileDialog(self.window, title, str(folder), kinds)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog


def about(path: Path | None, error: NodegraphError) -> str:
    """The error, which names its file first, even where it is about a place in it."""
    text = str(error)
    return text if path is None or str(path) in text else f"{path}: {text}"
