"""The file of a document: saved whole or not at all, and never over what somebody else wrote without asking.

What the file held when it was last read or written is known by its sha256, so that any program's change is seen, on
any disk. That it is open in another window is known by a lock in the state folder. Between asking and writing a moment
is left in which another program could write; no file system closes it.
"""

import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

import nodegraph
from nodegraph import Graph

from .catalogues import Catalogue
from .documents import Document
from .folders import state_folder
from .locks import Lock
from .relocating import relocated

__all__ = ["DocumentFile", "FileState", "StateKind", "made_with", "read_file"]

StateKind: TypeAlias = Literal["fine", "untitled", "changed", "vanished", "elsewhere", "occupied", "unreadable"]


@dataclass(frozen=True)
class FileState:
    """How the file of a document stands.

    Attributes:
        kind: "fine", or what the matter is: "untitled" (no file yet), "changed" or "vanished" since it was read or
            saved, open "elsewhere" in another window, "occupied" by another file, or "unreadable".
        question: what a user is to be asked before the document is saved there; "" when nothing.
    """

    kind: StateKind
    question: str = ""

    @property
    def fine(self) -> bool:
        return not self.question and self.kind != "untitled"


FINE = FileState("fine")


def read_file(path: Path) -> tuple[Graph, str]:
    """The graph in a file and the sha256 of its content; GraphFileError says what is wrong with it."""
    while True:
        before = digest_of(path)
        graph = nodegraph.load(path)
        if digest_of(path) == before:
            return graph, before or ""


def digest_of(path: Path) -> str | None:
    """The sha256 of a file; None when there is none, "" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ""


def made_with(graph: Graph, catalogue: Catalogue) -> dict[str, str]:
    """The versions of Nodegraph and of the plugins whose nodes are in the graph; of one that is not here, the old."""
    versions = {"nodegraph": version("nodegraph"), **catalogue.plugins}
    kinds = {placed.type: catalogue.get(placed.type) for placed in graph.nodes.values()}
    used = {"nodegraph", *(kind.plugin for kind in kinds.values() if kind is not None)}
    used |= {placed.plugin for placed in graph.nodes.values() if placed.plugin is not None}
    known = {name: versions.get(name) or graph.made_with.get(name) for name in sorted(used)}
    return {name: number for name, number in known.items() if number}


class DocumentFile:
    """The file that a document is saved to, watched and claimed for one window.

    Args:
        digest: the sha256 of what the document was read from; None: of what the file holds now.
        folder: where the locks are; None: in the state folder.
    """

    def __init__(self, document: Document, digest: str | None = None, folder: Path | None = None) -> None:
        self._document = document
        self._folder = folder
        self._lock: Lock | None = None
        self.digest = digest
        self.taken_up(digest)

    def taken_up(self, digest: str | None = None) -> None:
        """The document was given another file, with `Document.replace`: watch that one."""
        self.release()
        path = self._document.path
        self.digest = digest if digest is not None or path is None else digest_of(path)
        if path is not None:
            self._lock = self._claim(path)

    def release(self) -> None:
        """The window closes the document: others may have the file."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def state(self, path: Path | None = None) -> FileState:
        """How the file stands, or another file that the document is to be saved to."""
        own = self._document.path
        path = own if path is None else path
        if path is None:
            return FileState("untitled")
        found, name = digest_of(path), path.name
        is_own = own is not None and real(path) == real(own)
        if not self._is_free(path):
            return FileState("elsewhere", f"{name} is open in another window. Save over what is done there?")
        if not is_own:
            if found is None:
                return FINE
            return FileState("occupied", f"{name} is there already. Replace it?")
        if found == self.digest:
            return FINE
        if found is None:
            return FileState("vanished", f"{name} is no longer there. Save it again?")
        if not found:
            return FileState("unreadable", f"{name} cannot be read any more. Try to save over it?")
        return FileState("changed", f"{name} was changed by another program. Save over that change?")

    def save(self, catalogue: Catalogue, path: Path | None = None, *, anyway: bool = False) -> FileState:
        """Save the document to its file, or to another one, which is then its file.

        Nothing is written while there is something to ask: then the state is returned that asks it, and `anyway` is
        the answer yes. OutputError says why a file could not be written.
        """
        document = self._document
        state = self.state(path)
        target = document.path if path is None else path
        if target is None or (state.question and not anyway):
            return state
        folder = Path(os.path.abspath(target)).parent
        before = document.graph
        graph = relocated(before, catalogue, folder)
        moved = document.path is None or real(document.path) != real(target)
        if document.dirty or moved:
            graph = graph.with_made_with(made_with(graph, catalogue))
        nodegraph.save(graph, target)
        self.digest = hashlib.sha256(nodegraph.dumps(graph).encode()).hexdigest()
        if graph is not before:
            document.relocate(lambda each: graph if each is before else relocated(each, catalogue, folder))
        document.mark_saved(target)
        if moved or self._lock is None:
            self.release()
            self._lock = self._claim(target)
        return FINE

    def reload(self) -> Graph:
        """What the file holds now, in the place of the document and its history."""
        path = self._document.path
        if path is None:
            raise ValueError("the document has no file yet")
        graph, digest = read_file(path)
        self.digest = digest
        self._document.replace(graph, path)
        return graph

    def _claim(self, path: Path) -> Lock | None:
        """The lock of a file, or None where another window has it; without a state folder nobody knows of another."""
        lock = self._lock_of(path)
        try:
            return lock if lock.take() else None
        except OSError:
            return None

    def _is_free(self, path: Path) -> bool:
        """Whether no other window has the file; takes it where it is this document's and another let it go."""
        lock = self._lock_of(path)
        if self._lock is not None and self._lock.path == lock.path:
            return True
        try:
            if not lock.take():
                return False
        except OSError:
            return True
        own = self._document.path
        if own is not None and real(own) == real(path):
            self._lock = lock
        else:
            lock.release()
        return True

    def _lock_of(self, path: Path) -> Lock:
        folder = state_folder() if self._folder is None else self._folder
        return Lock(folder / "open" / f"{hashlib.sha256(real(path).encode()).hexdigest()[:32]}.lock")


def real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
