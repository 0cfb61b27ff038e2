"""Inversion: from a picture up to the noise from which a ddim sampler makes that picture again.

The walk is that of a sampler, upside down, and it is no sampler: nothing is drawn, clipped or kept, and the last thing
that it yields is noise. It is exact only for infinitely many steps; a step up takes the estimate of where it begins,
the step back down the estimate of where the other ended.

Source: Song, Meng and Ermon 2021 (DDIM), section 4.3; Dhariwal and Nichol 2021, appendix F.
"""

from collections.abc import Container, Generator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nodegraph_nodes.ops.branches import estimated, own
from nodegraph_nodes.ops.evaluation import Evaluator, check_fits
from nodegraph_nodes.ops.schedules import Spacing, begun_at, check_timestep, spaced
from nodegraph_nodes.types import Denoiser, NoiseSchedule, Point, Step


def levels_up_to(schedule: NoiseSchedule, t: int, steps: int, spacing: Spacing = "leading") -> list[int]:
    """The timesteps on the way up to `t`, rising: those that a sampler with as many steps visits from there."""
    check_timestep(t, schedule.steps)
    return begun_at(t, spaced(schedule.steps, steps, spacing))[::-1]


def asked(levels: Sequence[int]) -> list[int]:
    """Where the network looks on the way up.

    No network knows a picture without any noise, so the clean one is shown to it as if it were at the lowest level.
    """
    return [levels[0], *levels[:-1]]


def invert(
    denoiser: Denoiser,
    x: Tensor,
    levels: Sequence[int],
    evaluator: Evaluator | None = None,
    record: Container[int] = (),
) -> Generator[Step, None, None]:
    """Walk up, yielding a step as soon as its estimate is known, and last where the walk ended.

    Args:
        x: clean pictures, (B, C, H, W), on the device and in the precision to compute in; not written to.
        levels: timesteps, rising.
        record: numbers of the steps of which the estimates of all branches are wanted.

    Raises:
        ValueError: the pictures do not fit, or the denoiser changes the state between steps; at once, before any
            network is called.
    """
    check_fits(denoiser, x)
    if denoiser.hooks():
        raise ValueError(
            "the denoiser keeps something of a picture between the steps down, which steps up cannot do; "
            "link it without MaskBlend and the like"
        )
    return _steps(denoiser, x, levels, evaluator or Evaluator(), record)


@torch.no_grad()
def _steps(
    denoiser: Denoiser, x: Tensor, levels: Sequence[int], evaluator: Evaluator, record: Container[int]
) -> Generator[Step, None, None]:
    schedule = denoiser.schedule
    x0 = x
    for step, (seen, (t, to)) in enumerate(zip(asked(levels), pairwise([-1, *levels]), strict=True)):
        noise = evaluator.estimate(denoiser, x, seen, step).noise
        x0 = schedule.cleaned(x, noise, t)
        if step in record:
            yield Step(seen, x, x0, own(noise), estimated(denoiser, Point(x, seen, step), evaluator.answers), step)
        else:
            yield Step(seen, x, x0, noise, number=step)
        x = schedule.noised(x0, noise, to)
    yield Step(levels[-1], x, x0, number=len(levels))
