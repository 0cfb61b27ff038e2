"""Files that travel: pictures that were sent to this worker, and those that its runs wrote, to be fetched."""

import base64
import binascii
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodegraph.errors import OutputError, UsageError
from nodegraph.outputs import OutputFolder
from nodegraph.validation import shown
from nodegraph.writing import lock

__all__ = ["Store"]

MOST_PIECE = 4 * 2**20
PREFIX = "nodegraph-worker-"
LOCK = ".lock"
SECONDS_TO_LOCK = 60  # for a worker that has just made its folder


class Store:
    """A temporary folder of its own for what is put, made when it is first needed; and the paths that may be got."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._put: dict[str, Path] = {}
        self._written: dict[str, Path] = {}

    @property
    def folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
                self._held = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                lock(self._held, wait=True)
                remove_abandoned(self._folder.parent)
            return self._folder

    def close(self) -> None:
        """Take the folder away."""
        with self._lock:
            folder, self._folder = self._folder, None
            self._put.clear()
        if folder is not None:
            os.close(self._held)
            shutil.rmtree(folder, ignore_errors=True)

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those of which there is no file here."""
        return [digest for digest in digests if digest not in self._put or not self._put[digest].is_file()]

    def put(self, digest: str, name: str, data: str) -> str:
        """Keep a file under that name, or a numbered one where it is taken; the name."""
        content = decoded(data)
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise UsageError(f"the sha256 of {shown(name)} is {found}, not {shown(digest, 70)}; send it again")
        if "/" in name:
            raise UsageError(f"name is {shown(name)}, must be a name without folders")
        if self.missing([digest]):
            try:
                self._put[digest] = OutputFolder(self.folder).write(name, content)
            except OutputError as error:
                raise UsageError(f"{shown(name)} cannot be kept: {error}") from error
        return self._put[digest].name

    def add_written(self, paths: Iterable[Path]) -> None:
        """From now on these may be got."""
        self._written |= {str(path): path for path in paths}

    def get(self, path: str, offset: int, size: int) -> dict[str, Any]:
        """A piece of a file that was written, in base64."""
        known = self._written.get(path)
        if known is None:
            raise UsageError(f"{shown(path, 200)} was not written by a run of this worker")
        if offset < 0 or not 0 < size <= MOST_PIECE:
            raise UsageError(f"offset is {offset} and size {size}, must be at least 0, and from 1 to {MOST_PIECE}")
        try:
            found = known.stat()
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(f"{path} is no regular file any more")
            with known.open("rb") as stream:
                stream.seek(offset)
                piece = stream.read(size)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
        return {"data": base64.b64encode(piece).decode("ascii"), "size": found.st_size, "offset": offset}


def remove_abandoned(parent: Path) -> None:
    """Take away the folders of workers that were killed: theirs is locked no more. What cannot be, does no harm."""
    if sys.platform == "win32":  # where nothing is locked
        return
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime < SECONDS_TO_LOCK or folder.is_symlink():
                continue
            held = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if lock(held, wait=False):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)


def decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"data is no base64: {error}") from None
