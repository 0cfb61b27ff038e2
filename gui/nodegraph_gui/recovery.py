"""What a crash leaves behind: the document as it was a moment after its last edit, beside the file and not over it.

Each document has one recovery file in the state folder, written whole or not at all. A lock beside it says that its
window lives; at the next start those without one are offered. A file that cannot be written is told of, and costs no
edit: work goes on.
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nodegraph
from nodegraph import Graph, NodegraphError
from nodegraph.writing import reason_of, remove_stale, write_atomically

from .documents import Document
from .folders import state_folder
from .locks import Lock

__all__ = ["Recoverable", "RecoveryFile", "recoverable"]

VERSION = 1
ENDING = ".recovery.json"


def recovery_folder(folder: Path | None) -> Path:
    return (state_folder() if folder is None else folder) / "recovery"


class RecoveryFile:
    """The recovery file of an open document.

    Args:
        folder: the state folder; None: the user's.
    """

    def __init__(self, document: Document, folder: Path | None = None) -> None:
        name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self.path = recovery_folder(folder) / f"{name}{ENDING}"
        self._document = document
        self._lock = Lock(self.path.with_name(f"{name}.lock"))
        self._written: Graph | None = None

    def write(self, digest: str | None = None) -> str:
        """Write the document with what is being typed, unless its file holds all; returns why it could not be, or "".

        Args:
            digest: of what the document's file held when it was read or saved (`DocumentFile.digest`).
        """
        document = self._document
        graph = document.drafted
        if not document.dirty and graph == document.graph:
            return self.remove()
        if self._written is graph or (document.drafts and self._written == graph):
            return ""
        record = {
            "recovery": VERSION,
            "path": None if document.path is None else os.path.abspath(document.path),
            "folder": None if document.graph.folder is None else os.path.abspath(document.graph.folder),
            "digest": digest,
            "pid": os.getpid(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            text = json.dumps({**record, "graph": nodegraph.dumps(graph)}, ensure_ascii=False)
            self._lock.take()
            write_atomically(self.path, text.encode())
        except (OSError, ValueError, NodegraphError) as error:
            return f"What you do is not kept for the case of a crash: {self._why(error)}. Saving works as ever."
        self._written = graph
        return ""

    def _why(self, error: Exception) -> str:
        cause = error.__cause__ or error
        if isinstance(cause, OSError):
            return f"nothing can be written to {self.path.parent} ({reason_of(cause)})"
        return str(error)

    def remove(self) -> str:
        """The file holds all that there is, or it was given up on purpose; returns why it could not go, or ""."""
        self._written = None
        try:
            self.path.unlink(missing_ok=True)
        except NotADirectoryError:  # where there is no folder, there is no file
            return ""
        except OSError as error:
            return f"{self.path} could not be removed: {reason_of(error)}"
        return ""

    def close(self) -> str:
        """The document is closed, saved or given up: nothing stays."""
        why = self.remove()
        self._lock.release()
        return why


@dataclass(frozen=True)
class Recoverable:
    """A document that a window left behind when it died.

    Attributes:
        path: where it was saved; None for one that never was.
        time: when it was written.
        digest: of what was at `path` then, for `DocumentFile`, which sees by it what came since.
        problem: why it cannot be restored; "" when it can.
    """

    file: Path
    path: Path | None = None
    time: datetime | None = None
    digest: str | None = None
    graph: Graph | None = None
    problem: str = ""

    def restore(self) -> Document:
        """The document, unsaved. The recovery file stays until `discard`, once the new window has its own.

        ValueError when another window restored it in the meantime.
        """
        if self.graph is None:
            raise ValueError(f"{self.file.name} cannot be restored: {self.problem}")
        if not self.file.exists():
            raise ValueError("it was restored or discarded in another window")
        document = Document(self.graph, self.path)
        document.mark_unsaved()
        return document

    def discard(self) -> None:
        """Take the recovery file away for good; OSError when that cannot be done."""
        self.file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            lock_of(self.file).path.unlink(missing_ok=True)


def recoverable(folder: Path | None = None) -> list[Recoverable]:
    """What windows that died left behind, the latest first; what living ones write is left alone."""
    place = recovery_folder(folder)
    remove_stale(place)
    found = []
    for file in sorted(place.glob(f"*{ENDING}")):
        lock = lock_of(file)
        try:
            if not lock.take():
                continue
        except OSError:
            continue
        lock.release()
        found.append(read_record(file))
    longest_ago = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: each.time or longest_ago, reverse=True)


def lock_of(file: Path) -> Lock:
    return Lock(file.with_name(f"{file.name.removesuffix(ENDING)}.lock"))


def read_record(file: Path) -> Recoverable:
    try:
        record = json.loads(file.read_bytes())
        time = datetime.fromisoformat(record["time"])
        graph = nodegraph.loads(record["graph"], as_path(record["folder"]))
        return Recoverable(file, as_path(record["path"]), time.astimezone(UTC), record["digest"], graph)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, NodegraphError) as error:
        return Recoverable(file, problem=f"it is damaged ({type(error).__name__}: {error})")


def as_path(value: Any) -> Path | None:
    return None if value is None else Path(value)
