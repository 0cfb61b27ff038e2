"""How often and how lately each kind of node was added: what quick add and the drop menu put first.

A convenience: a file that cannot be read counts for nothing, and one that cannot be written is no error of the user's.
"""

import contextlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodegraph import OutputError
from nodegraph.writing import write_atomically

from .folders import state_folder

__all__ = ["Usage"]

MOST_RECENT = 20
MOST_KINDS = 2000


class Usage:
    """Counts by kind, and the kinds used last.

    Attributes:
        counts: how often each kind was added.
        recent: the kinds added last, the latest first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = state_folder() / "usage.json" if path is None else path
        self.counts, self.recent = read_usage(self.path)

    def add(self, kind: str) -> None:
        """A node of that kind was added by hand; what other windows noted since is kept."""
        self.counts, self.recent = read_usage(self.path, self.counts, self.recent)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.recent = [kind, *(each for each in self.recent if each != kind)][:MOST_RECENT]
        often = sorted(self.counts.items(), key=lambda item: -item[1])[:MOST_KINDS]
        text = json.dumps({"counts": dict(often), "recent": self.recent}, ensure_ascii=False, indent=1)
        with contextlib.suppress(OSError, OutputError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, text.encode())

    def weight(self, kind: str) -> float:
        """How much a kind is to be preferred, from 0 for one never used to 2."""
        often = 1 - 1 / (1 + math.log1p(self.counts.get(kind, 0)))
        lately = 1 - self.recent.index(kind) / MOST_RECENT if kind in self.recent else 0.0
        return often + lately


def read_usage(
    path: Path, counts: Mapping[str, int] | None = None, recent: list[str] | None = None
) -> tuple[dict[str, int], list[str]]:
    """What the file holds, as far as it makes sense; else what is given."""
    try:
        found: Any = json.loads(path.read_bytes())
        read = {kind: n for kind, n in found["counts"].items() if type(n) is int and 0 < n < 10**9}
        return read, [kind for kind in found["recent"] if isinstance(kind, str)][:MOST_RECENT]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return dict(counts or {}), list(recent or [])
