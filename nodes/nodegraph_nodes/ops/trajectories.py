"""Trajectories: what of a sampler's way is kept, and how it is shown."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import torch
from torch import Tensor

from nodegraph_nodes.types import Step, Trajectory

T = TypeVar("T")

Shown = Literal["noisy", "clean", "both"]

MOST_BYTES = 2**28
"""What the kept steps of one trajectory may take; of a longer one, steps are left out evenly."""


def kept(total: int, step_bytes: int, most: int = MOST_BYTES) -> frozenset[int]:
    """Which of `total` steps to keep, when each takes `step_bytes`: evenly, the first and the last always."""
    return frozenset(evenly(range(total), max(most // max(step_bytes, 1), 2)))


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, evenly spaced, the first and, if `count` is 2 or more, the last among them."""
    if count >= len(items):
        return list(items)
    if count <= 1:
        return list(items[:1])
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def strip(trajectory: Trajectory, count: int, shown: Shown = "noisy") -> tuple[list[Tensor], list[str]]:
    """A trajectory as rows of pictures, the start and the result among them.

    Args:
        count: at most this many pictures a row.
        shown: "noisy", what the network saw; "clean", what it made of that; "both", in two rows.

    Returns:
        rows: one for each picture of the batch, or two, each (frames, C, H, W) in [-1, 1].
        captions: of the columns, `t = 980` or `result`.
    """
    check_shown(trajectory)
    chosen = evenly(trajectory.steps, count)
    noisy = torch.stack([step.x_t for step in chosen], dim=1).clamp(-1, 1)
    clean = torch.stack([step.x0 for step in chosen], dim=1).clamp(-1, 1)
    kinds = {"noisy": [noisy], "clean": [clean], "both": [noisy, clean]}[shown]
    rows = [row for rows in zip(*kinds, strict=True) for row in rows]
    return rows, [caption(step) for step in chosen]


def frames(trajectory: Trajectory, count: int, shown: Shown = "noisy") -> tuple[list[Tensor], list[str]]:
    """A trajectory as frames of an animation, each (B, C, H, W), or (2B, C, H, W) for "both", and their captions."""
    check_shown(trajectory)
    chosen = evenly(trajectory.steps, count)
    pictures = {
        "noisy": [step.x_t for step in chosen],
        "clean": [step.x0 for step in chosen],
        "both": [torch.stack([step.x_t, step.x0], dim=1).flatten(0, 1) for step in chosen],
    }[shown]
    return [picture.clamp(-1, 1) for picture in pictures], [caption(step) for step in chosen]


def check_shown(trajectory: Trajectory) -> None:
    if trajectory.space != "pixels":
        raise ValueError(f"the trajectory is in the space {trajectory.space}, must be pixels to be shown")


def caption(step: Step) -> str:
    return "result" if step.t < 0 else f"t = {step.t}"
