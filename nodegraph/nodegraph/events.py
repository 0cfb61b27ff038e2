"""What a run tells whoever listens, as frozen values that can be pickled and written as JSON.

Every event names its run, so that a listener of several runs can tell them apart. An event describes; it never asks,
and holds no value that flows on a wire.
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "Event",
    "NodeFailed",
    "NodeFinished",
    "NodeProgress",
    "NodeSkipped",
    "NodeStarted",
    "RunCancelled",
    "RunFinished",
    "RunStarted",
    "from_json",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: `order` are the nodes that will run, `cached` those whose values are at hand already.

    `passed_over` are those that only lead to cached ones: nobody needs their values, so that none is looked up.
    """

    event: ClassVar[str] = "RunStarted"
    run: str
    order: tuple[str, ...]
    cached: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeStarted:
    event: ClassVar[str] = "NodeStarted"
    run: str
    node: str


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """A node has done `step` of `total`; `preview` is a PNG, `seconds_left` an estimate, None where unknown.

    `numbers` are measured at this step, such as {"loss": 0.031, "epoch": 2}, for whoever draws their curve.
    """

    event: ClassVar[str] = "NodeProgress"
    run: str
    node: str
    step: int
    total: int
    seconds_left: float | None = None
    preview: bytes | None = None
    text: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node has its values; `cached` when they were remembered, `summary` a line about them."""

    event: ClassVar[str] = "NodeFinished"
    run: str
    node: str
    seconds: float
    cached: bool = False
    summary: str = ""


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node raised; `input` is the input that is to blame, where that is known, and `message` begins with it."""

    event: ClassVar[str] = "NodeFailed"
    run: str
    node: str
    input: str | None
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class NodeSkipped:
    """A node did not run, since something that it needs is absent."""

    event: ClassVar[str] = "NodeSkipped"
    run: str
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class RunCancelled:
    event: ClassVar[str] = "RunCancelled"
    run: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over; `failed` are the nodes that failed, in order."""

    event: ClassVar[str] = "RunFinished"
    run: str
    seconds: float
    failed: tuple[str, ...] = ()


Event: TypeAlias = (
    RunStarted | NodeStarted | NodeProgress | NodeFinished | NodeFailed | NodeSkipped | RunCancelled | RunFinished
)
KINDS = (RunStarted, NodeStarted, NodeProgress, NodeFinished, NodeFailed, NodeSkipped, RunCancelled, RunFinished)


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON: its fields, and its name under "event"; a preview is written in base64.

    A number that is not finite, for which JSON has no word, is written as a text: "nan", "inf", "-inf".
    """
    document: dict[str, Any] = {"event": event.event}
    for each in fields(event):
        value = getattr(event, each.name)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode("ascii")
        elif isinstance(value, Mapping):
            value = {name: number if math.isfinite(number) else str(number) for name, number in value.items()}
        document[each.name] = list(value) if isinstance(value, tuple) else value
    return document


def from_json(document: dict[str, Any]) -> Event:
    """Read back what `to_json` wrote; ValueError when it is no event."""
    kind = next((kind for kind in KINDS if kind.event == document.get("event")), None)
    if kind is None:
        raise ValueError(f"event is {document.get('event')!r}, must be one of {', '.join(k.event for k in KINDS)}")
    given = {name: value for name, value in document.items() if name != "event"}
    for name, value in given.items():
        if isinstance(value, list):
            given[name] = tuple(value)
        elif name == "preview" and value is not None:
            given[name] = base64.b64decode(value)
        elif name == "numbers" and isinstance(value, dict):
            given[name] = {key: float(number) if isinstance(number, str) else number for key, number in value.items()}
    try:
        event: Event = kind(**given)
    except TypeError as error:
        raise ValueError(f"{kind.event}: {error}") from None
    return event
