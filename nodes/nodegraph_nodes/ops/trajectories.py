"""Trajectories: what of a sampler's way is kept, how it is looked at, and how another run goes on from it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor

from nodegraph_nodes.ops.inside import (
    check_branch,
    check_named_branch,
    check_shown_space,
    check_start_step,
    missing_step,
    nothing_there,
)
from nodegraph_nodes.types import Moment, Noisy, Step, Trajectory

T = TypeVar("T")

What = Literal["noisy", "clean", "noise"]
Shown = Literal["noisy", "clean", "both", "noise"]

KINDS: Mapping[Shown, tuple[What, ...]] = {
    "noisy": ("noisy",),
    "clean": ("clean",),
    "both": ("noisy", "clean"),
    "noise": ("noise",),
}

MOST_BYTES = 2**28
"""What the kept steps of one trajectory may take; of a longer one, steps are left out evenly."""

WHITE = 3.0
"""The noise that is shown as white; 0 is grey and -3 black, always, so that two pictures can be compared."""


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


def moved(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps on the CPU; what several of them share, they share there, too."""
    there: dict[int, tuple[Tensor, Tensor]] = {}

    def move(x: Tensor) -> Tensor:
        return there.setdefault(id(x), (x, x.cpu()))[1]

    return tuple(
        Step(
            step.t,
            move(step.x_t),
            move(step.x0),
            None if step.noise is None else move(step.noise),
            {name: move(noise) for name, noise in step.branches.items()},
            step.number,
            step.drawn,
            None if step.carried is None else move(step.carried),
        )
        for step in steps
    )


# Looking at a step


def step_numbered(trajectory: Trajectory, number: int, to_start: bool = False) -> Step:
    """The step of that number; -1 is the last one, the result."""
    if number == -1:
        return trajectory.steps[-1]
    for step in trajectory.steps:
        if step.number == number:
            return step
    raise missing_step(number, [step.number for step in trajectory.steps], to_start)


def looked_at(trajectory: Trajectory, step: Step, what: What, branch: str = "") -> Tensor:
    """What there is at a step: (B, C, H, W), as it is, not clamped.

    Args:
        what: "noisy", what the network saw; "clean", the picture that an estimate of the noise amounts to; "noise", the
            estimate itself.
        branch: whose estimate; "" for the whole denoiser's, whose clean picture is clipped as the sampler was told.

    Raises:
        ValueError: nothing was estimated there, or not by that branch.
    """
    if what not in get_args(What):
        raise ValueError(f"what is {what!r}, must be one of {', '.join(map(repr, get_args(What)))}")
    check_branch(what, branch)
    if what == "noisy":
        return step.x_t
    if what == "clean" and not branch:
        return step.x0
    noise = step.branches.get(branch) if branch else step.noise
    if noise is None:
        if branch:
            check_named_branch(branch, trajectory.branches)
        raise nothing_there(caption(step), branch, [other.number for other in trajectory if has(other, what, branch)])
    return noise if what == "noise" else trajectory.schedule.cleaned(step.x_t, noise, step.t)


def has(step: Step, what: What, branch: str = "") -> bool:
    """Whether there is that to be seen at a step."""
    if branch:
        return branch in step.branches
    return what != "noise" or step.noise is not None


def shown_as_picture(values: Tensor, what: What) -> Tensor:
    """What is looked at as a picture in [-1, 1]; noise with 0 as grey, and `WHITE` as white."""
    return (values / WHITE if what == "noise" else values).clamp(-1, 1)


# Going on from a step


def start_from(trajectory: Trajectory, number: int) -> Noisy:
    """What the network saw at a step, and where that was, so that a sampler goes on from there with the same noise."""
    step = step_numbered(trajectory, number, to_start=True)
    if step.t < 0:
        check_start_step(number, step.number)
    moment = None
    if step.drawn:
        moment = Moment(
            trajectory.start,
            step.number,
            step.drawn,
            trajectory.hooks,
            step.noise is not None,
            step.carried,
            trajectory.first,
        )
    return Noisy(step.x_t, step.t, trajectory.schedule, trajectory.space, moment)


# Looking at all of it


def strip(
    trajectory: Trajectory, count: int, shown: Shown = "noisy", branch: str = ""
) -> tuple[list[Tensor], list[str]]:
    """A trajectory as rows of pictures, from the start to the result, which has no noise to show.

    Args:
        count: at most this many pictures a row.
        shown: "noisy", what the network saw; "clean", what it made of that; "both", in two rows; "noise".
        branch: whose estimate, as of `looked_at`.

    Returns:
        rows: one for each picture of the batch, or two, each (frames, C, H, W) in [-1, 1].
        captions: of the columns, `t = 980` or `result`.
    """
    pictures, captions = chosen(trajectory, count, shown, branch)
    rows = [row for rows in zip(*(torch.stack(kind, dim=1) for kind in pictures), strict=True) for row in rows]
    return rows, captions


def frames(
    trajectory: Trajectory, count: int, shown: Shown = "noisy", branch: str = ""
) -> tuple[list[Tensor], list[str]]:
    """A trajectory as frames of an animation, each (B, C, H, W), or (2B, C, H, W) for "both", and their captions."""
    pictures, captions = chosen(trajectory, count, shown, branch)
    return [torch.stack(kinds, dim=1).flatten(0, 1) for kinds in zip(*pictures, strict=True)], captions


def chosen(trajectory: Trajectory, count: int, shown: Shown, branch: str) -> tuple[list[list[Tensor]], list[str]]:
    """At most `count` of the steps at which there is what is to be shown: pictures of each kind, and captions."""
    check_shown_space(trajectory.space)
    check_branch(shown, branch)
    kinds = KINDS[shown]
    whose = {what: "" if what == "noisy" else branch for what in kinds}
    steps = [step for step in trajectory.steps if all(has(step, what, whose[what]) for what in kinds)]
    if not steps:
        if branch:
            check_named_branch(branch, trajectory.branches)
        raise nothing_there("the trajectory", branch, [])
    steps = evenly(steps, count)
    pictures = [
        [shown_as_picture(looked_at(trajectory, step, what, whose[what]), what) for step in steps] for what in kinds
    ]
    return pictures, [caption(step) for step in steps]


def caption(step: Step) -> str:
    return "result" if step.t < 0 else f"t = {step.t}"
