"""The files that were opened or saved lately, and what else outlives a session, in a JSON file. No Qt here.

It is a convenience: where it cannot be read it is empty, where it cannot be written nothing is disturbed.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodegraph.errors import OutputError
from nodegraph.writing import write_atomically

__all__ = ["Session", "told_apart"]

FILE = "session.json"
MOST = 12


def told_apart(files: Sequence[Path]) -> list[str]:
    """How to list files: by name, and those of one name with as much of their folders as tells them apart."""
    names = [file.name for file in files]
    for parts in range(1, max((len(file.parts) for file in files), default=0)):
        often = Counter(names)
        if max(often.values()) == 1:
            break
        names = [
            f"{file.name}  –  {Path(*file.parts[-1 - parts : -1])}" if often[name] > 1 else name
            for file, name in zip(files, names, strict=True)
        ]
    return names


class Session:
    """What is remembered from one start of the editor to the next.

    Args:
        folder: where `session.json` is kept. Windows share it: each reads it anew before it writes.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    @property
    def recent(self) -> list[Path]:
        """The files that were used, the last one first, whether or not they are still there."""
        found = self._read().get("recent")
        return [Path(each) for each in found if isinstance(each, str)][:MOST] if isinstance(found, list) else []

    def note(self, file: Path) -> None:
        """Put a file first."""
        file = file.absolute()
        self._write(recent=[str(each) for each in [file, *(known for known in self.recent if known != file)]][:MOST])

    def forget(self, file: Path) -> None:
        self._write(recent=[str(known) for known in self.recent if known != file])

    def forget_all(self) -> None:
        self._write(recent=[])

    def get(self, key: str) -> Any:
        """A value that `put` kept, or None."""
        return self._read().get(key)

    def put(self, key: str, value: Any) -> None:
        self._write(**{key: value})

    def _read(self) -> Mapping[str, Any]:
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
        return {}

    def _write(self, **values: Any) -> None:
        text = json.dumps({**self._read(), **values}, indent=1, ensure_ascii=False)
        with suppress(OSError, OutputError, UnicodeError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, text.encode())
