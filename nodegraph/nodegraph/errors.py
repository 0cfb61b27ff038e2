"""What can go wrong, as one small tree; every message names the thing, its value, and what would be right.

NodegraphError
├── GraphFileError      the structure of a graph file is wrong: where, what, and the way out
├── NodeTypeError       a mistake in a declared node type, found when it is registered
├── PluginError         a plugin that cannot be loaded, made or installed
├── CheckFailed         a run refused, with the problems that `check` found
├── RunFailed           a run in which a node failed, with the result of the others
├── Cancelled           raised inside a node when its run is cancelled
├── OutOfMemory         a device has no room for something, although the store of networks made what room it could
├── OutputError         a file that cannot be written, or may not be
└── UsageError          a call with a wrong name or value: an unknown node, a wrong `--set`

A `Problem` is what `check` returns: no exception, since an editor shows a faulty graph to have it mended. What is
odd in a graph that a script runs is a `GraphWarning`, told by Python's `warnings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

__all__ = [
    "Cancelled",
    "CheckFailed",
    "GraphFileError",
    "GraphWarning",
    "NodeTypeError",
    "NodegraphError",
    "OutOfMemory",
    "OutputError",
    "PluginError",
    "Problem",
    "RunFailed",
    "UsageError",
    "count",
    "listed",
    "nearest",
    "with_remedy",
]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong (or, as a warning, odd) in a graph; `str()` is the line that a user reads."""

    node: str | None
    input: str | None
    message: str
    remedy: str = ""
    kind: Literal["error", "warning"] = "error"
    type: str | None = None

    def __str__(self) -> str:
        where = "" if self.node is None else f"{self.node} ({self.type}): " if self.type else f"{self.node}: "
        what = f"{self.input} {self.message}" if self.input else self.message
        return with_remedy(where + what, self.remedy)


class NodegraphError(Exception):
    """Base of every error that Nodegraph raises on purpose."""


class GraphFileError(NodegraphError):
    """The structure of a graph file is wrong, so that no graph can be made of it."""

    def __init__(self, place: str, message: str, remedy: str = "") -> None:
        super().__init__(place, message, remedy)
        self.place = place
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return with_remedy(f"{self.place}: {self.message}" if self.place else self.message, self.remedy)


class NodeTypeError(NodegraphError):
    """A declared node type has a mistake; it is left out, the rest of its plugin is not."""


class PluginError(NodegraphError):
    """A plugin cannot be loaded, made or installed."""


class CheckFailed(NodegraphError):
    """A run was refused, since what its targets need has problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class RunFailed(NodegraphError):
    """At least one node failed; `result` holds what the others made."""

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        return "\n".join(f"{node}: {message}" for node, message in self.result.failed.items())


class Cancelled(NodegraphError):
    """The run was cancelled; raised inside the node that is running."""


class OutOfMemory(NodegraphError):
    """A device has no room for something, although the store of networks made what room it could.

    It is no MemoryError: who catches these to try again with less has nothing to gain from this one.
    """


class OutputError(NodegraphError):
    """A file cannot be written (a full disk, no permission), or its name leads out of the output folder."""


class UsageError(NodegraphError):
    """A call names something that is not there, or gives a value that cannot be taken."""


class GraphWarning(UserWarning):
    """Something in a graph that runs all the same, but hardly as it was meant."""


def listed(nodes: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown = [*nodes[:3]] + ([f"{len(nodes) - 3} more"] if len(nodes) > 3 else [])
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def count(number: int, thing: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the known name closest to `word`, or "" when none is close."""
    found = get_close_matches(word[:80], known, n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def with_remedy(message: str, remedy: str) -> str:
    """Return the message and, behind a semicolon, the way out."""
    return f"{message}; {remedy}" if remedy else message
