"""What a crash left behind, offered at the next start: one document after the other, each to be restored or dropped."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from .recovery import Recoverable, recoverable

if TYPE_CHECKING:
    from .app import Editor
    from .window import Window

__all__ = ["Recovering"]

KEY = "recover"


class Recovering(QObject):
    """The offers of one start; what is not answered is offered again at the next."""

    def __init__(self, editor: "Editor") -> None:
        super().__init__(editor)
        self.editor = editor
        self.left: list[Recoverable] = []

    def offer(self) -> None:
        """Look for what was left behind, and offer it."""
        self.left = recoverable(self.editor.state)
        self._offer_next()

    def _offer_next(self) -> None:
        window = self.editor.front()
        if window is None or not self.left:
            return
        item = self.left[0]
        more = f" {len(self.left) - 1} more will be offered." if len(self.left) > 1 else ""
        buttons = [("Drop it", lambda: self._discard(item))]
        if item.problem:
            text = f"{item.file} was left by a crash, but {item.problem}.{more}"
        else:
            text = f"The last session did not end well. {title(item)} can be restored.{more}"
            buttons.insert(0, ("Restore", lambda: self._restore(item)))
        window.bars.show_bar(text, "warning", buttons, KEY)

    def _restore(self, item: Recoverable) -> None:
        try:
            document = item.restore()
        except ValueError as error:
            self.editor.tell(f"Not restored: {error}")
            self._next(item)
            return
        window = self._window()
        window.filing.untitled = "Restored"
        window.document.replace(document.graph, document.path, saved=False)
        window.filing.file.taken_up(item.digest)
        unkept = window.filing.keep()
        window.show_page(False)
        window.look_at_all()
        window.filing.look_anew()
        if unkept:
            self._next(item)
        else:  # it is kept anew, so that the old file may go
            self._discard(item)

    def _window(self) -> "Window":
        free = next((window for window in self.editor.windows if window.is_untouched), None)
        return free or self.editor.new_window()

    def _discard(self, item: Recoverable) -> None:
        try:
            item.discard()
        except OSError as error:
            self.editor.tell(f"{item.file} could not be removed: {error.strerror or error}", "warning")
        self._next(item)

    def _next(self, item: Recoverable) -> None:
        self.left = [each for each in self.left if each is not item]
        self._offer_next()


def title(item: Recoverable) -> str:
    """What it is, and of when: `three.json of 24 November, 17:03`."""
    what = item.path.name if item.path is not None else "A graph that was never saved"
    if item.time is None:
        return what
    when = item.time.astimezone()
    return f"{what} (of {when.day} {when:%B}, {when:%H:%M})"
