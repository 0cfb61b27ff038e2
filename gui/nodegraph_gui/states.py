"""What became of a node in a run, as the canvas and the inspector show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["IDLE", "NodeState", "Phase"]

Phase = Literal["idle", "waiting", "running", "paused", "done", "cached", "failed", "skipped"]


@dataclass(frozen=True)
class NodeState:
    """Where a node stands.

    Attributes:
        seconds: how long it took; None while it has not ended.
        seconds_left: an estimate; None where unknown.
        message: why it failed or was skipped; `input` is the input to blame, where that is known.
        summary: a line about its values.
        numbers: what it measures as it goes, such as {"loss": 0.031}.
        preview: the latest PNG, or None.
    """

    phase: Phase = "idle"
    step: int = 0
    total: int = 0
    seconds_left: float | None = None
    seconds: float | None = None
    message: str = ""
    input: str | None = None
    remedy: str = ""
    summary: str = ""
    text: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    preview: bytes | None = None


IDLE = NodeState()
