"""What may be dropped on the canvas: kinds from the palette, files, and text that is a graph.

A graph file, or a picture that carries its graph, is opened by the window; any other picture becomes a node that loads
it. Nothing is read before it is dropped, but for the ends of the names. What is none of these is told why.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

from nodegraph import NodegraphError
from nodegraph.png import extract

from .canvases import GRID
from .commands import paste_at
from .edits import add_node
from .gestures.insert import Insertion
from .keys import placed
from .palette import kind_of
from .shapes import HEADER, WIDTH

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["LOADER", "PICTURES", "Drops", "files_of"]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
BEGINNINGS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"RIFF"
)  # fmt: skip
LOADER = "LoadImage"
APART = 12 * GRID
OVER_NOTHING = "Let go to place the node here, or on a wire to insert it there"


def files_of(mime: QMimeData) -> list[Path]:
    """The files of this machine that are dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def is_wanted(file: Path) -> bool:
    return file.suffix.lower() in (".json", *PICTURES)


class Drops:
    """Takes what is dropped on the view of a desk."""

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        self._insertion: Insertion | None = None

    def enter(self, event: QDragEnterEvent) -> bool:
        mime, catalogue = event.mimeData(), self.desk.scene.catalogue
        kind = kind_of(mime)
        if kind is not None:
            if kind in catalogue.kinds:
                graph, id = add_node(self.desk.document.graph, catalogue, kind, (0, 0))
                self._insertion = Insertion(self.desk, id, graph)
                self.desk.view.hint.emit(OVER_NOTHING)
                return True
            return False
        files = files_of(mime)
        if files:  # others are taken, too, so that a drop can tell what is wrong with them
            hint = "Drop to open a graph or to load a picture · Shift loads a picture of ours"
            self.desk.view.hint.emit(hint if any(map(is_wanted, files)) else why_unwanted(files))
            return True
        if mime.hasUrls() or not mime.hasText():
            return False
        if mime.text().lstrip()[:1] != "{":
            self.desk.view.hint.emit("This text is no graph: one begins with {")
            return False
        return True

    def move(self, event: QDragMoveEvent) -> None:
        if self._insertion is not None:
            self._insertion.hover(self.desk.view.scene_at(event))
            self.desk.view.hint.emit(self._insertion.tell(OVER_NOTHING))

    def leave(self) -> None:
        self.desk.view.hint.emit("")
        if self._insertion is not None:
            self._insertion.end()
            self._insertion = None

    def drop(self, event: QDropEvent) -> bool:
        mime, at = event.mimeData(), self.desk.view.scene_at(event)
        kind, insertion = kind_of(mime), self._insertion
        link = insertion.link if insertion is not None else None
        self.leave()
        self.desk.view.setFocus(Qt.FocusReason.MouseFocusReason)
        if kind is not None and link is not None:
            self.desk.usage.add(kind)
            self.desk.offers.insert(kind, link, at)
            return True
        if kind is not None:
            self.desk.usage.add(kind)
            return self.desk.add(kind, at) is not None
        files = files_of(mime)
        if files:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            return self.take_files(files, at, as_pictures=shift or len(files) > 1)
        return paste_at(self.desk, mime.text(), at)

    def take_files(self, files: list[Path], at: QPointF, *, as_pictures: bool) -> bool:
        """Open graphs and load pictures; one picture alone that carries a graph is opened, unless `as_pictures`."""
        pictures = [file for file in files if file.suffix.lower() in PICTURES]
        graphs = [file for file in files if file not in pictures and looks_like_graph(file)]
        others = [file for file in files if file not in pictures and file not in graphs]
        if not as_pictures and pictures and carries_graph(pictures[0]):
            graphs, pictures = [*graphs, pictures[0]], pictures[1:]
        if pictures:
            self.load_pictures(pictures, at)
        for file in graphs:
            self.desk.opened.emit(str(file))
        doubts = [doubt for file in pictures if (doubt := doubt_about(file))]
        if others or doubts:
            self.desk.said.emit("; ".join([*([why_unwanted(others)] if others else []), *doubts]))
        return bool(graphs or pictures)

    def load_pictures(self, files: list[Path], at: QPointF) -> None:
        """A node for each picture, one below the other."""
        desk, catalogue = self.desk, self.desk.scene.catalogue
        if LOADER not in catalogue.kinds:
            desk.said.emit(f"there is no node type {LOADER}, which would load {files[0].name}")
            return
        graph = placed(desk.scene, desk.document.graph)
        corner, ids = at - QPointF(WIDTH / 2, HEADER / 2), []
        for number, file in enumerate(files):
            place = desk.on_grid(corner + QPointF(0, number * APART))
            graph, id = add_node(graph, catalogue, LOADER, place, {"path": self.name_of(file)})
            ids.append(id)
        what = files[0].name if len(files) == 1 else f"{len(files)} pictures"
        desk.document.edit(f"Load {what}", graph)
        desk.scene.select(ids, "replace")

    def name_of(self, file: Path) -> str:
        """A file as the graph names it: relative to the graph's own file when it lies below it."""
        own = self.desk.document.path
        if own is not None and file.is_relative_to(own.parent.resolve()):
            return file.relative_to(own.parent.resolve()).as_posix()
        return str(file)


def why_unwanted(files: Sequence[Path]) -> str:
    """What is said of files that are of no use here."""
    what = "neither a graph (.json) nor a picture (.png, .jpg, …)"
    if len(files) == 1:
        return f"{files[0].name} is {'a folder, ' if files[0].is_dir() else ''}{what}"
    return f"{', '.join(file.name for file in files)} are {what}"


def doubt_about(file: Path) -> str:
    """Why a file that is called a picture cannot be loaded as one, as far as its first bytes tell; else ""."""
    try:
        begin = first_bytes(file)
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror or error}"
    if begin.startswith(BEGINNINGS):
        return ""
    how = "is empty" if not begin else "does not begin like a picture"
    return f"{file.name} {how}: its node will fail until it names another file"


def looks_like_graph(file: Path) -> bool:
    """Whether a file is called a graph, or begins like one whatever it is called."""
    try:
        return file.suffix.lower() == ".json" or first_bytes(file).lstrip().startswith(b"{")
    except OSError:
        return False


def first_bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(16)


def carries_graph(file: Path) -> bool:
    """Whether a picture is one of ours, with the graph that made it."""
    try:
        return file.suffix.lower() == ".png" and extract(file) is not None
    except (OSError, ValueError, NodegraphError):
        return False
