"""Small nodes without torch that the engine is tested with: numbers, lists, wires, a slow, a failing, an impure one.

`calls` lists the ids of the node types that ran, in order; the `registry` fixture empties it.
"""

import enum
import hashlib
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from nodegraph.context import Context
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.values import Conversion, ValueType

calls: list[str] = []
started = threading.Event()  # set by Slow at its first step

Number = Annotated[float, Field(description="any number")]
Scale = Annotated[float, Field(ge=-30, le=30, description="a factor")]


@dataclass(frozen=True)
class Box:
    """A wire type."""

    content: float
    storage: str = ""


@dataclass(frozen=True)
class RedBox(Box):
    """A wire type with a base."""


@dataclass(frozen=True)
class Bag:
    """A wire type that a conversion makes a Box of."""

    content: float


@dataclass(frozen=True)
class Stone:
    """A wire type that nothing is known of."""


class Method(enum.StrEnum):
    FAST = "fast"
    EXACT = "exact"


class Divided(NamedTuple):
    quotient: Annotated[int, Field(description="how often it fits")]
    remainder: int


@node("Number", category="Toys", outputs="value")
def number(value: Number = 1.0) -> float:
    """A number."""
    calls.append("Number")
    return value


@node("Integer", category="Toys", outputs="value")
def integer(value: Annotated[int, Field(description="any whole number")] = 1) -> int:
    """A whole number."""
    calls.append("Integer")
    return value


@node("Add", category="Toys", outputs="value")
def add(a: Number, b: Number = 0.0) -> float:
    """Add two numbers; `a` must be given."""
    calls.append("Add")
    return a + b


@node("Multiply", category="Toys", outputs="value")
def multiply(value: Number, scale: Scale = 2.0) -> float:
    """Multiply a number by a factor with a range."""
    calls.append("Multiply")
    return value * scale


@node("Sum", category="Toys", outputs="value")
def total(numbers: Annotated[list[float], Field(description="the numbers to add")]) -> float:
    """Add up a list of data."""
    calls.append("Sum")
    return sum(numbers)


@node("Numbers", category="Toys", outputs="values")
def numbers(count: Annotated[int, Field(ge=0, le=1000, description="how many")] = 3) -> list[float]:
    """The numbers from 0 on, as a list."""
    calls.append("Numbers")
    return [float(index) for index in range(count)]


@node("Divide", category="Toys")
def divide(
    value: Annotated[int, Field(description="what is divided")],
    by: Annotated[int, Field(ge=1, description="by what")] = 2,
) -> Divided:
    """Divide with remainder: two outputs."""
    calls.append("Divide")
    return Divided(*divmod(value, by))


@node("MakeBox", category="Toys", outputs="box")
def make_box(content: Number = 1.0, storage: Annotated[str, Field(description="which memory it uses")] = "") -> Box:
    """Put a number into a box."""
    calls.append("MakeBox")
    return Box(content, storage)


@node("MakeRedBox", category="Toys", outputs="box")
def make_red_box(content: Number = 1.0) -> RedBox:
    """Put a number into a red box, which is a box too."""
    calls.append("MakeRedBox")
    return RedBox(content)


@node("MakeBag", category="Toys", outputs="bag")
def make_bag(content: Number = 1.0) -> Bag:
    """Put a number into a bag, which a link makes a box of."""
    calls.append("MakeBag")
    return Bag(content)


@node("MakeStone", category="Toys", outputs="stone")
def make_stone() -> Stone:
    """Make an opaque value."""
    calls.append("MakeStone")
    return Stone()


@node("OpenBox", category="Toys", outputs="content")
def open_box(box: Box) -> float:
    """Take the number out of a box."""
    calls.append("OpenBox")
    return box.content


@node("PassBox", category="Toys", outputs="box")
def pass_box(box: Box, lid: Box | None = None) -> Box:
    """Hand on a box, with what is in the lid if there is one; what bypass and mute are tried on."""
    calls.append("PassBox")
    return Box(box.content + (lid.content if lid else 0), box.storage)


@node("StackBoxes", category="Toys", outputs="box")
def stack_boxes(boxes: list[Box]) -> Box:
    """Add up a list of wires."""
    calls.append("StackBoxes")
    return Box(sum(box.content for box in boxes))


@node("Show", category="Toys")
def show(value: Number) -> None:
    """A sink: takes a number and gives nothing."""
    calls.append("Show")


@node("Slow", category="Toys", outputs="value")
def slow(
    context: Context,
    value: Number = 0.0,
    steps: Annotated[int, Field(ge=1, le=100_000, description="how many steps it takes")] = 5,
    seconds: Annotated[float, Field(ge=0, le=10, description="how long a step takes")] = 0.0,
) -> float:
    """Take steps and report each."""
    calls.append("Slow")
    for step in range(1, steps + 1):
        started.set()
        time.sleep(seconds)
        context.progress(step, steps, text=f"step {step}")
    return value


@node("Fail", category="Toys", outputs="value")
def fail(value: Number = 0.0, message: Annotated[str, Field(description="what it says")] = "as asked") -> float:
    """Fail, always."""
    calls.append("Fail")
    raise ValueError(message)


@node("Lie", category="Toys", outputs="value")
def lie(value: Number = 0.0) -> float:
    """Return something other than declared."""
    calls.append("Lie")
    return "a text"  # type: ignore[return-value]


@node("Tick", category="Toys", outputs="value", pure=False)
def tick() -> float:
    """Give another number each time."""
    calls.append("Tick")
    return float(calls.count("Tick"))


@node("Text", category="Toys", outputs="text")
def text(text: Annotated[str, Field(description="any text", json_schema_extra={"multiline": True})] = "") -> str:
    """A text."""
    calls.append("Text")
    return text


@node("Join", category="Toys", outputs="text")
def join(
    texts: Annotated[list[str], Field(description="the texts to join")],
    by: Annotated[str | None, Field(description="what goes between them")] = None,
) -> str:
    """Join texts."""
    calls.append("Join")
    return (by or "").join(texts)


@node("ReadFile", category="Toys", outputs="digest")
def read_file(path: Annotated[Path, Field(description="the file to read")]) -> str:
    """The sha256 of what a file holds."""
    calls.append("ReadFile")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@node("WriteFile", category="Toys", outputs="path")
def write_file(
    context: Context,
    text: Annotated[str, Field(description="what to write")],
    name: Annotated[str, Field(description="the name of the file in the output folder")] = "toy.txt",
) -> Path:
    """Write a text below the output folder."""
    calls.append("WriteFile")
    return context.output.write(name, text.encode())


@node("Drawn", category="Toys", outputs="value")
def drawn(
    value: Annotated[float, Field(description="what the number is added to")] = 0.0,
    seed: Annotated[int, Field(description="of the number")] = 0,
) -> float:
    """A random number."""
    calls.append("Drawn")
    return value + random.Random(seed).random()


@node("Choose", category="Toys", outputs="chosen")
def choose(
    method: Annotated[Literal["ddpm", "ddim"], Field(description="one of two")] = "ddpm",
    speed: Annotated[Method, Field(description="one of an enum")] = Method.FAST,
    twice: Annotated[bool, Field(description="say it twice")] = False,
) -> str:
    """A choice, an enum and a switch."""
    calls.append("Choose")
    return f"{method} {speed}" * (1 + twice)


NODES = (
    number, integer, add, multiply, total, numbers, divide, make_box, make_red_box, make_bag, make_stone, open_box,
    pass_box, stack_boxes, show, slow, fail, lie, tick, text, join, read_file, write_file, choose,
    drawn,
)  # fmt: skip


def box_bytes(box: Box) -> list[tuple[str, int]]:
    return [(box.storage or f"box {id(box)}", 1000)]


def make_registry() -> Registry:
    """A registry of all toys, with the value type Box and the conversion Bag -> Box."""
    calls.clear()
    started.clear()
    return Registry(
        NODES,
        value_types=[
            ValueType(Box, colour="#aa5500", summary=lambda box: f"a box with {box.content:g}", nbytes=box_bytes),
            ValueType(Bag, colour="#00aa55"),
        ],
        conversions=[Conversion(Bag, Box, lambda bag: Box(bag.content), "the content of the bag, in a box")],
    )
