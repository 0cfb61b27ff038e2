"""Letters: toy nodes whose values are kept on the disk, and runs of them as of other processes.

`calls` lists the ids of the node types that ran, in order; `run` empties it.
"""

import enum
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from nodegraph.graphs import Graph
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.results import Result
from nodegraph.sessions import Session
from nodegraph.values import ValueType

calls: list[str] = []


@dataclass(frozen=True)
class Letter:
    """A wire type that can be kept on the disk."""

    text: str


@dataclass(frozen=True)
class SealedLetter(Letter):
    """One that cannot: what its base saves is not all of it."""


@dataclass(frozen=True)
class Flame:
    """A wire type that cannot be kept at all."""


class Pace(enum.StrEnum):
    FAST = "fast"
    SLOW = "slow"


class Plain(NamedTuple):
    """One output of each kind of plain data."""

    flag: bool
    count: int
    ratio: float
    text: str
    choice: Literal["a", "b"]
    pace: Pace
    paces: list[Pace]
    ratios: list[float]
    nothing: str | None
    letter: Letter
    letters: list[Letter]


Text = Annotated[str, Field(description="any text")]


@node("Source", outputs="text", category="Toys")
def source(text: Text = "dear") -> str:
    """What comes before."""
    calls.append("Source")
    return text


@node("Write", outputs="letter", category="Toys", cache="disk")
def write(text: Text = "dear") -> Letter:
    """Write a letter, which takes long."""
    calls.append("Write")
    return Letter(text)


@node("Seal", outputs="letter", category="Toys", cache="disk")
def seal(text: Text = "dear") -> Letter:
    """Return something more special than declared."""
    calls.append("Seal")
    return SealedLetter(text)


@node("Read", outputs="text", category="Toys")
def read(letter: Letter) -> str:
    """Read a letter aloud."""
    calls.append("Read")
    return letter.text


@node("Everything", category="Toys", cache="disk")
def everything(ratio: Annotated[float, Field(description="any number")] = 0.1) -> Plain:
    """Give one of each."""
    calls.append("Everything")
    paces, letters = [Pace.FAST, Pace.SLOW], [Letter("one"), Letter(""), Letter("ü\udc80")]
    return Plain(True, 2**70, ratio, 'ü\udc80\n"', "b", Pace.SLOW, paces, [1e308, -0.0], None, letters[0], letters)


def load_letter(data: bytes) -> Letter:
    return Letter(json.loads(data)["text"])


LETTER = ValueType(
    Letter,
    summary=lambda letter: f"a letter: {letter.text}",
    save=lambda letter: json.dumps({"text": letter.text}).encode(),
    load=load_letter,
)


def make_registry() -> Registry:
    """All of these nodes, with `calls` empty."""
    calls.clear()
    return Registry([source, write, seal, read, everything], value_types=[LETTER])


def letter_of(number: int) -> Letter:
    """A long one, of which it can be seen whether it is whole."""
    return Letter(f"{number} " * 20_000)


CHAIN = Graph().add("s", "Source").add("w", "Write").add("r", "Read")
CHAIN = CHAIN.connect("s.text -> w.text").connect("w.letter -> r.letter")


def run(registry: Registry, folder: Path, graph: Graph = CHAIN, **said: Any) -> Result:
    """A run in a session of its own, as of another process; `calls` has what ran."""
    calls.clear()
    with Session(registry, disk_folder=folder) as session:
        return session.run(graph, **said)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
