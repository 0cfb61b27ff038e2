"""Locks that end with their process, however it ends: how windows know of each other, and of the dead.

A number of a process would not do: it is given again, and asking for it differs from system to system.
"""

import contextlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["Lock"]

FAR = 2**30  # the byte that is locked on Windows, behind whatever the file holds


class Lock:
    """A lock on a small file, held from a successful `take` until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self) -> bool:
        """Take the lock unless somebody has it; whether it is held now. OSError when there can be no such file."""
        if self._file is not None:
            return True
        self.path.parent.mkdir(0o700, parents=True, exist_ok=True)
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if not lock(file):
                os.close(file)
                return False
            if is_at(file, self.path):
                self._file = file
                return True
            unlock(file)  # it was released, and its file removed, between the opening and the locking
            os.close(file)

    def release(self, *, remove: bool = True) -> None:
        """Let it go, and take its file away."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if remove and os.name == "posix":
            with contextlib.suppress(OSError):
                self.path.unlink()
        with contextlib.suppress(OSError):
            unlock(file)
        os.close(file)
        if remove and os.name != "posix":
            with contextlib.suppress(OSError):
                self.path.unlink()


def is_at(file: int, path: Path) -> bool:
    """Whether the open file is the one that is at the path now."""
    try:
        there, here = os.stat(path), os.fstat(file)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def lock(file: int) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    os.lseek(file, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def unlock(file: int) -> None:
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_UN)
        return
    os.lseek(file, FAR, os.SEEK_SET)
    msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
