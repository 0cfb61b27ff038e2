"""Rules: how a sampler goes one step down, given the estimate.

`ddpm` and `ddim` are our own and go from any timestep to any lower one, in any precision. `dpm++` and `euler` are
diffusers', whose classes are told that the prediction is noise and the betas that our table comes from; they compute in
float32, keep a state, and so go down a list once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor

from nodegraph_nodes.ops.schedules import betas
from nodegraph_nodes.types import Draw, NoiseSchedule

Method = Literal["ddpm", "ddim", "dpm++", "euler"]
Variance = Literal["learned", "fixed_small", "fixed_large"]

LEAST_VARIANCE = 1e-20  # as in diffusers; its logarithm is taken


class Rule(Protocol):
    """Takes `x` at timestep `t` to a lower one, `to`, where -1 is the clean picture.

    Attributes:
        carried: what it remembers of the steps before, for the next one; None for nothing.

    The noise is always that between `x` and `x0`: where the estimate was clipped, that of the clipped picture.

    Args:
        x: (B, C, H, W) at `t`; not written to.
        x0: the clean picture that the estimate amounts to, clipped or not; not written to.
        variance: the learned one, as a raw coordinate, or None.
        draw: gives fresh noise.
    """

    @property
    def carried(self) -> Tensor | None: ...

    def __call__(self, x: Tensor, x0: Tensor, variance: Tensor | None, t: int, to: int, draw: Draw) -> Tensor: ...


def posterior_variance(ab_t: float, ab_s: float) -> float:
    """The variance of `x_s` given `x_t` and `x_0` (Ho et al. 2020, eq. 7), for products `ab_t < ab_s`."""
    return (1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s)


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling: the mean of `x_s` given `x_t` and `x_0`, and fresh noise of the chosen variance.

    Args:
        variance: "fixed_small" is that of the posterior, "fixed_large" that of the noising itself, "learned" lies
            between the two where the network says; where it does not say, it is the small one.

    Source: Ho, Jain and Abbeel 2020, eq. 7; Nichol and Dhariwal 2021, eq. 15.
    """

    schedule: NoiseSchedule
    variance: Variance = "learned"
    carried: ClassVar[None] = None

    def __call__(self, x: Tensor, x0: Tensor, variance: Tensor | None, t: int, to: int, draw: Draw) -> Tensor:
        ab_t, ab_s = self.schedule.alpha_bar(t), self.schedule.alpha_bar(to)
        a = ab_t / ab_s
        mean = (sqrt(ab_s) * (1 - a) / (1 - ab_t)) * x0
        mean.add_(x, alpha=sqrt(a) * (1 - ab_s) / (1 - ab_t))
        if to < 0:
            return mean
        small, large = max(posterior_variance(ab_t, ab_s), LEAST_VARIANCE), 1 - a
        if self.variance == "learned" and variance is not None:
            share = (variance + 1) / 2
            deviation = torch.exp(0.5 * (share * log(large) + (1 - share) * log(small)))
            return mean.addcmul_(deviation, draw(x))
        return mean.add_(draw(x), alpha=sqrt(large if self.variance == "fixed_large" else small))


@dataclass(frozen=True)
class DDIM:
    """The implicit step: along the estimated noise, a share `eta` of which is replaced by fresh noise.

    `eta` 0 draws nothing; 1 is DDPM with "fixed_small". Source: Song, Meng and Ermon 2021, eq. 12 and 16.
    """

    schedule: NoiseSchedule
    eta: float = 0.0
    carried: ClassVar[None] = None

    def __call__(self, x: Tensor, x0: Tensor, variance: Tensor | None, t: int, to: int, draw: Draw) -> Tensor:
        ab_t, ab_s = self.schedule.alpha_bar(t), self.schedule.alpha_bar(to)
        fresh = self.eta**2 * posterior_variance(ab_t, ab_s)
        lower = sqrt(ab_s) * x0
        lower.add_(self.schedule.noise_in(x, x0, t), alpha=sqrt(max(1 - ab_s - fresh, 0.0)))
        return lower.add_(draw(x), alpha=sqrt(fresh)) if fresh > 0 else lower


class DPMSolver:
    """DPM-Solver++ of order 2, multistep, as diffusers has it.

    Args:
        timesteps: of the whole walk.
        at: which of them it begins with.
        carried: what it remembered when a walk got there: the clean picture of the step before; None for nothing.

    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2.
    """

    def __init__(
        self, schedule: NoiseSchedule, timesteps: Sequence[int], at: int = 0, carried: Tensor | None = None
    ) -> None:
        from diffusers import DPMSolverMultistepScheduler

        self.schedule = schedule
        self.solver = told(DPMSolverMultistepScheduler, schedule, timesteps, at)
        if carried is not None:
            self.solver.model_outputs[-1] = carried
            self.solver.lower_order_nums = min(at, self.solver.config.solver_order)

    @property
    def carried(self) -> Tensor | None:
        before: Tensor | None = self.solver.model_outputs[-1]
        return before

    def __call__(self, x: Tensor, x0: Tensor, variance: Tensor | None, t: int, to: int, draw: Draw) -> Tensor:
        lower: Tensor = self.solver.step(self.schedule.noise_in(x, x0, t), t, x, return_dict=False)[0]
        return lower.to(x.dtype)


class Euler:
    """Euler's method in the coordinates `x / alpha`, where the noise is the slope, as diffusers has it.

    Source: Karras et al. 2022, algorithm 1 without its corrector; the same as DDIM with `eta` 0.
    """

    carried: ClassVar[None] = None

    def __init__(self, schedule: NoiseSchedule, timesteps: Sequence[int], at: int = 0) -> None:
        from diffusers import EulerDiscreteScheduler

        self.schedule = schedule
        self.solver = told(EulerDiscreteScheduler, schedule, timesteps, at)
        self.solver.is_scale_input_called = True  # the coordinates are changed here

    def __call__(self, x: Tensor, x0: Tensor, variance: Tensor | None, t: int, to: int, draw: Draw) -> Tensor:
        noise, stretched = self.schedule.noise_in(x, x0, t), x / self.schedule.alpha(t)
        lower: Tensor = self.solver.step(noise, float(t), stretched, return_dict=False)[0]
        return self.schedule.alpha(to) * lower.to(x.dtype)


def told(solver: type[Any], schedule: NoiseSchedule, timesteps: Sequence[int], at: int = 0) -> Any:
    """A solver of diffusers, told our schedule, our timesteps, with which of them to begin, and that it gets noise."""
    scheduler = solver(
        num_train_timesteps=schedule.steps, trained_betas=betas(schedule.alphas_cumprod), prediction_type="epsilon"
    )
    scheduler.set_timesteps(timesteps=list(timesteps))
    scheduler.set_begin_index(at)
    return scheduler
