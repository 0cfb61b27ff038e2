"""Writing a file whole or not at all: at any moment, and after any crash, it is the old one or the new one.

The new content goes to a temporary file beside the target, is flushed to the disk and renamed over it. A temporary
file whose writer was killed is unlocked, and the next save of the same target, or `remove_stale`, takes it away.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

try:
    import fcntl
except ImportError:  # Windows, where a temporary file that a killed writer left stays
    fcntl = None  # type: ignore[assignment]

from .errors import OutputError

__all__ = ["reason_of", "remove_stale", "write_atomically"]

REASONS: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "you have no permission to write there",
        errno.EPERM: "you have no permission to write there",
        errno.EROFS: "the disk can only be read",
        errno.ENOENT: "its folder is not there",
        errno.ENOTDIR: "a file is where its folder should be",
        errno.EEXIST: "a file is where its folder should be",
        errno.ENAMETOOLONG: "its name is too long",
        errno.EIO: "the disk failed",
    }
)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Make `data` the content of the file, its mode kept; through a symlink to the file that it names.

    Raises OutputError when that cannot be done; the file is then as it was before.
    """
    try:
        target = Path(os.path.realpath(path))
        old = find_mode(target)
        remove_stale(target.parent, temporary_start(target))
        temporary, file = open_temporary(target)
        try:
            write_durably(file, data, old)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        finally:
            os.close(file)
        flush_folder(target.parent)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} was not written: {reason_of(error)}") from error


def reason_of(error: OSError | ValueError) -> str:
    """Why a file or a folder could not be made, in words for a user."""
    number = getattr(error, "errno", None)
    return REASONS.get(number or 0) or getattr(error, "strerror", None) or str(error)


def find_mode(target: Path) -> int | None:
    """The mode of the file that is there, or None; OutputError when it is none that may be replaced."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OutputError(f"{target} was not written: it is no regular file")
    if not os.access(target, os.W_OK):
        raise OutputError(f"{target} was not written: the file can only be read")
    return stat.S_IMODE(mode)


def temporary_start(target: Path) -> str:
    return f".{target.name[:40]}-"


def open_temporary(target: Path) -> tuple[Path, int]:
    """Make and lock a new file beside the target; the lock ends with this process, however it ends."""
    while True:
        temporary = target.parent / f"{temporary_start(target)}{secrets.token_hex(8)}.saving"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            if lock(file, wait=True) and os.fstat(file).st_nlink:
                return temporary, file
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            os.close(file)
            raise
        os.close(file)  # another save took it for stale in the moment before it was locked


def write_durably(file: int, data: bytes, mode: int | None) -> None:
    if mode is not None:
        os.chmod(file, mode)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    if os.name != "posix":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(file)


def remove_stale(folder: Path, start: str = ".") -> None:
    """Take away what killed writers left in a folder; what cannot be taken away does no harm.

    `start`: how the names begin, so that only what was left of one target is looked at.
    """
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name.startswith(start) and entry.name.endswith(".saving") and fcntl is not None:
                with contextlib.suppress(OSError):
                    remove_unlocked(entry.path)


def remove_unlocked(temporary: str) -> None:
    file = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if lock(file, wait=False):
            os.unlink(temporary)
    finally:
        os.close(file)


def lock(file: int, *, wait: bool) -> bool:
    """Lock an open file for this process; whether it is locked now (where the system has no locks: as if it were)."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if wait and error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
            return True
        raise
    return True
