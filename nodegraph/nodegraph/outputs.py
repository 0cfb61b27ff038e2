"""The output folder: the one way by which nodes write files.

A name is a relative path below the folder. `write` never overwrites: a number is added. A name that climbs out, is
absolute, or that some file system cannot hold is refused.
"""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from .errors import OutputError

__all__ = ["OutputFolder", "why_unusable"]

UNUSABLE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\\ud800-\udfff]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices on Windows
LONGEST = 200  # bytes in one part of a name; file systems end at 255, and a number must fit
LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EMLINK, errno.EINVAL)


class OutputFolder:
    """A folder that is made when the first file is written; `files` are those written so far."""

    def __init__(self, path: str | os.PathLike[str] = "output") -> None:
        self.path = Path(path)
        self._files: dict[Path, None] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """What was written or placed, in order, and is there."""
        return tuple(path for path in self._files if path.exists())

    def write(self, name: str, data: bytes) -> Path:
        """Write a file whole or not at all, and return where: `three.png`, or `three-2.png` when that is taken.

        Raises OutputError when the name may not be used or the file cannot be written.
        """
        with explained(name):
            wanted = self._locate(name)
            written = publish(wanted, data)
        self._files[written] = None
        return written

    def place(self, name: str) -> Path:
        """Where a node may itself keep a file of this name, such as a checkpoint; its folder is made.

        The file is the node's own: it is not numbered, and a later run meets it again.
        """
        with explained(name):
            placed = self._locate(name)
        self._files[placed] = None
        return placed

    def _locate(self, name: str) -> Path:
        parts = checked_parts(name)
        self.path.mkdir(parents=True, exist_ok=True)
        root = self.path.resolve()
        target = root.joinpath(*parts)
        if not target.parent.resolve().is_relative_to(root):
            raise OutputError(f"the output name {name!r} leads out of the output folder through a link")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() and not target.resolve().is_relative_to(root):
            raise OutputError(f"the output name {name!r} is a link that leads out of the output folder")
        return target


def checked_parts(name: str) -> list[str]:
    """The parts of a name that stays in its folder on every system; OutputError for any other."""
    text = str(name)
    why = why_unusable(text)
    if why:
        shown = "" if not text.strip() else f" {text!r}" if len(text) <= 80 else f" {text[:79] + '…'!r}"
        raise OutputError(f"the output name{shown} {why}")
    return text.split("/")


def why_unusable(name: str, ending: str = "") -> str:
    """Why nothing can be written under a name, as words to put behind it; "" when it can.

    Args:
        ending: that is put behind the name, such as ".png"; a node says so by `Field(json_schema_extra={"output":
            ".png"})`, or True for none, so that a bad name is told before a run.
    """
    if not name.strip():
        return "is empty; give it a name such as 'picture'"
    if name.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", name):
        return "is absolute, must be below the output folder"
    found = UNUSABLE.search(name)
    if found:
        return f"has the character {found.group()!r}, which file names cannot hold"
    if name.endswith("/"):
        return "names a folder, must name a file"
    for part in (name if name.lower().endswith(ending) else name + ending).split("/"):
        if part == "..":
            return "leads out of the output folder; leave out '..'"
        if not part or part == "." or part[-1] in ". " or part[0] == " " or RESERVED.fullmatch(part):
            return f"has the part {part!r}, which no file should be called"
        if len(part.encode()) > LONGEST:
            return f"is too long, must be at most {LONGEST} bytes"
    return ""


def publish(wanted: Path, data: bytes) -> Path:
    """Write beside, then give it the first free name: nothing is overwritten and no half file is ever seen."""
    draft = wanted.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(draft, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        for path in numbered(wanted):
            try:
                claim(draft, path)
            except FileExistsError:
                continue
            return path
        raise AssertionError("numbers do not end")
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def numbered(path: Path) -> Iterator[Path]:
    """`three.png`, `three-2.png`, `three-3.png`, ..., but for those that are there."""
    number = 1
    while True:
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not os.path.lexists(candidate):
            yield candidate
        number += 1


def claim(draft: Path, path: Path) -> None:
    """Give the draft its name unless that is taken (FileExistsError)."""
    try:
        os.link(draft, path)
    except OSError as error:
        if error.errno not in LINKLESS:
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # no hard links here, such as on FAT
        try:
            os.replace(draft, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the system says into an error that names the file and, for a full disk, the way out."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "; make room on the disk, or choose another folder with --out" if full else ""
        raise OutputError(f"cannot write {name!r}: {error.strerror or error}{remedy}") from error
