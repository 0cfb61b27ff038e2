"""Writing titles and notes where they stand: which editor opens, and what becomes of what is typed in it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF

from nodegraph import Graph

from .canvases import canvas_of
from .edits import edit_frame, edit_note, set_title
from .keys import Key
from .note_items import fitted
from .shapes import HEADER
from .text_over import LineOver, TextOver

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["Writings"]


class Writings:
    """The one editor of titles and notes that is open over a canvas, or none.

    Attributes:
        over: what was opened last; it may be gone.
    """

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        self.document = desk.document
        self.over: LineOver | TextOver | None = None

    @property
    def open(self) -> bool:
        """Whether something is being typed."""
        return self.over is not None and self.over.typing.going

    def add(self, label: str, graph: Graph, key: tuple[str, int]) -> None:
        """Add a frame or a note, whose title or text is typed at once: both are one step of the history."""
        made = ("add", *key)
        self.document.edit(label, graph, merge=made)
        self.desk.scene.select([key], "replace")
        self.document.reopen(made)
        if key[0] == "frame":
            self.write_title(key, label)
        else:
            self.write_note(key[1], label)

    def write_title(self, key: Key, added: str = "") -> None:
        """Type the title of a node or frame.

        Args:
            added: what the edit was called that made it just now, if one did.
        """
        graph, rect = self.document.graph, self.desk.scene.rect_of(key)
        title = QRectF(rect.x(), rect.y(), min(rect.width(), 400), HEADER if isinstance(key, str) else 30)
        if isinstance(key, str):
            node = graph.nodes[key]
            text, hint = node.title or "", node.type
        else:
            text, hint = canvas_of(graph).frames[key[1]].title, "Title of the frame"
        label = added or ("Rename a frame" if not isinstance(key, str) else f"Rename {key}")
        self.over = LineOver(
            self.desk.view.viewport(), self._on_screen(title), text,
            self._taker(key, label, lambda graph, text: retitled(graph, key, text), bool(added)),
            self._holder(lambda graph, text: retitled(graph, key, text)),
            hint,
        )  # fmt: skip

    def write_note(self, number: int, added: str = "") -> None:
        """Type the text of a note; `added` as for a title."""
        key = ("note", number)
        rect = self._on_screen(self.desk.scene.rect_of(key))
        text = canvas_of(self.document.graph).notes[number].text
        self.over = TextOver(
            self.desk.view.viewport(), rect, text,
            self._taker(key, added or "Edit a note", lambda graph, text: self.rewritten(graph, number, text),
                        bool(added)),
            self._holder(lambda graph, text: self.rewritten(graph, number, text)),
            "Markdown",
        )  # fmt: skip

    def rewritten(self, graph: Graph, number: int, text: str) -> Graph:
        """The graph with another text in a note, which is as high as that, unless the user gave it a height."""
        note = canvas_of(graph).notes.get(number)
        if note is None or text == note.text:
            return graph
        rect = note.rect if note.sized or note.rect is None else fitted(text, note.rect, self.desk.scene.paints)
        return edit_note(graph, number, text=text, rect=rect)

    def take_back(self) -> bool:
        """Undo was asked for: undo what was typed last, as Ctrl+Z in the editor does; whether one is open."""
        if self.over is None or not self.open:
            return False
        self.over.undo()
        return True

    def take_typed(self) -> None:
        """Take what is typed so far; the editor stays open."""
        if self.over is not None and self.open:
            self.over.typing.take_so_far()

    def _taker(
        self, key: Key, label: str, written: Callable[[Graph, str], Graph], added: bool
    ) -> Callable[[str], None]:
        merge = ("add", *key) if added else None

        def take(text: str) -> None:
            if self.desk.scene.item_of(key) is not None:
                self.document.edit(label, written(self.document.graph, text), merge=merge)
                self.document.seal()

        return take

    def _holder(self, written: Callable[[Graph, str], Graph]) -> Callable[[str | None], None]:
        """What is told of each letter, and with None of the end, for the case of a crash."""
        owner, drafts = object(), self.document.drafts

        def hold(text: str | None) -> None:
            if text is None:
                drafts.drop(owner)
            else:
                drafts.hold(owner, lambda graph: written(graph, text))

        return hold

    def _on_screen(self, rect: QRectF) -> QRect:
        return self.desk.view.mapFromScene(rect).boundingRect()


def retitled(graph: Graph, key: Key, text: str) -> Graph:
    """The graph with another title of a node or frame, where that is still there."""
    if isinstance(key, str):
        return set_title(graph, key, text)
    there = key[1] in canvas_of(graph).frames
    return edit_frame(graph, key[1], title=" ".join(text.split())) if there else graph
