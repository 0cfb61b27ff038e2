"""What files hold, as sha256: remembered by size, times and inode, so that only a file that changed is read again."""

import hashlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import TypeAlias

__all__ = ["Contents"]

Stamp: TypeAlias = tuple[int, int, int, int, int]

# A file that changed twice within one tick of its clock has one time for both; FAT ticks every 2 s.
SETTLED = 2 * 10**9


class Contents:
    """Digests of files and folders, safe to ask from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._lock = threading.Lock()

    def digest(self, path: str | os.PathLike[str]) -> str | None:
        """The sha256 of a regular file in hex; None when there is none, or when it cannot be read.

        A folder counts by the names, sizes and times of what lies directly in it.
        """
        name = os.fspath(path)
        try:
            found = os.stat(name)
            if stat.S_ISDIR(found.st_mode):
                return folder_digest(name)
            if not stat.S_ISREG(found.st_mode):
                return None
            stamp = stamp_of(found)
            with self._lock:
                known = self._known.get(name)
            if known is not None and known[0] == stamp:
                return known[1]
            with open(name, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                after = os.fstat(stream.fileno())
        except (OSError, ValueError):
            return None
        if stamp_of(after) == stamp and time.time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > SETTLED:
            with self._lock:
                self._known[name] = (stamp, digest)
        return digest


def stamp_of(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def folder_digest(path: str | Path) -> str:
    lines = []
    with os.scandir(path) as entries:
        for entry in entries:
            found = entry.stat()
            lines.append(f"{entry.name}\0{found.st_size}\0{found.st_mtime_ns}\0{entry.is_dir()}")
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
