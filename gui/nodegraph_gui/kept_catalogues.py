"""The last catalogue of each worker, so that the palette is there before the worker has answered.

A courtesy: a file that is damaged, or a disk that is full, costs no more than the wait.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from nodegraph.errors import OutputError
from nodegraph.writing import write_atomically

from .catalogues import Catalogue

__all__ = ["KeptCatalogues"]

VERSION = 1


class KeptCatalogues:
    """Catalogues by the command of the worker that told them.

    Args:
        folder: where they are; in the cache folder of the user when None, which is $NODEGRAPH_CACHE or what the system
            has for it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            named = os.environ.get("NODEGRAPH_CACHE")
            folder = (Path(named) if named else user_cache_path("nodegraph", appauthor=False)) / "catalogues"
        self.folder = folder

    def read(self, command: Sequence[str]) -> Catalogue | None:
        """What a worker of that command told last; None when nothing whole is kept."""
        with suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
            document = json.loads(self._path(command).read_bytes())
            if document["version"] == VERSION and document["command"] == list(command):
                return Catalogue.from_json(document["catalogue"])
        return None

    def keep(self, command: Sequence[str], catalogue: Catalogue) -> bool:
        """Keep a catalogue for the next start; whether that was possible."""
        document = {"version": VERSION, "command": list(command), "catalogue": catalogue.to_json()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(command), json.dumps(document, separators=(",", ":")).encode())
        except (OSError, OutputError):
            return False
        return True

    def _path(self, command: Sequence[str]) -> Path:
        return self.folder / f"{hashlib.sha256(json.dumps(list(command)).encode()).hexdigest()[:32]}.json"
