"""Samplers: from noise to a picture, one estimate at a time.

A sampler is a generator of steps. Who consumes it owns progress, previews and cancellation, and may stop at any step.
Everything random comes from seeds: one generator for the sampler, from which one noise is drawn for each leg that adds
noise, in order, and one for each hook.
"""

from collections.abc import Callable, Container, Generator
from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import torch
from torch import Tensor

from nodegraph_nodes.ops.agreements import check_clip, check_method, check_schedules, check_spaces, space_of_start
from nodegraph_nodes.ops.branches import estimated, own
from nodegraph_nodes.ops.draws import Counted, again, drawing, hook_name, remembered
from nodegraph_nodes.ops.evaluation import Evaluator, check_fits
from nodegraph_nodes.ops.rules import DDIM, DDPM, DPMSolver, Euler, Method, Rule, Variance
from nodegraph_nodes.ops.schedules import Spacing, checked, spaced
from nodegraph_nodes.ops.walks import Leg, Place, Route, route
from nodegraph_nodes.types import Denoiser, Draw, NoiseSchedule, Noisy, Point, StateHook, Step

Clip = Literal["auto", "none", "clamp", "dynamic"]

LARGEST = 1.5
"""Up to where dynamic thresholding looks, for denoisers that do not say; as DeepFloyd IF's first stage."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """How to get from noise to a picture.

    Args:
        steps: how many timesteps of the whole schedule are visited; a start in the middle needs only those below it.
        method: the rule of a step.
        timesteps: those to visit, falling; () for `steps` of them, as `spaced` has them with `spacing` and `offset`.
        seed: of the noise that is drawn on the way.
        eta: share of fresh noise in a ddim step, 0 to 1.
        repeats: how often each stretch of `jump` steps is walked, climbing back by fresh noise (`walks.walk`).
        clip: what is done to the estimated clean picture: nothing, "clamp" to [-1, 1], or "dynamic" thresholding, of
            values up to what the denoiser says is its largest; "auto" is "clamp" in pixels and "none" in latents, which
            have no bounds. Once, outermost: a clip inside a composition would not commute with the step.
        variance: of a ddpm step; "learned" is "fixed_small" where the denoiser tells none.
        end: the timestep to stop at; -1 is the clean picture.
    """

    steps: int = 50
    method: Method = "ddpm"
    timesteps: tuple[int, ...] = ()
    spacing: Spacing = "leading"
    offset: int = 0
    seed: int = 1
    eta: float = 0.0
    repeats: int = 1
    jump: int = 10
    clip: Clip = "none"
    variance: Variance = "learned"
    end: int = -1

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("method", self.method, get_args(Method)),
            ("clip", self.clip, get_args(Clip)),
            ("variance", self.variance, get_args(Variance)),
        ):
            if value not in choices:
                raise ValueError(f"{name} is {value!r}, must be one of {', '.join(choices)}")
        check_method(self.method, self.eta, self.repeats)

    def legs(self, schedule: NoiseSchedule, start: int | None = None) -> list[Leg]:
        """The walk from a start that is noised to a timestep, or from pure noise when None.

        The list of timesteps is that of the whole schedule; the start comes first, then what lies below it.
        """
        return route(self.visits(schedule), start, None, self.end, self.repeats, self.jump).legs

    def visits(self, schedule: NoiseSchedule) -> list[int]:
        """The timesteps of the whole schedule that are visited."""
        schedule.alpha_bar(self.end)  # refuses what is no timestep of it
        if self.timesteps:
            return checked(self.timesteps, schedule.steps)
        return spaced(schedule.steps, self.steps, self.spacing, self.offset)

    def route(self, denoiser: Denoiser, start: Noisy) -> Route:
        """The walk from there, and for a start that comes from a walk like this one, where on it to begin.

        Raises:
            ValueError: the start does not fit the denoiser, or the timesteps not the schedule.
        """
        check_start(denoiser, start)
        check_clip(self.clip, denoiser.space)
        moment = start.moment
        place = None if moment is None else Place(moment.start, moment.number, moment.first)
        return route(self.visits(denoiser.schedule), start.t, place, self.end, self.repeats, self.jump)

    def sample(
        self, denoiser: Denoiser, start: Noisy, evaluator: Evaluator | None = None, record: Container[int] = ()
    ) -> Generator[Step, None, None]:
        """Sample, yielding a step as soon as its estimate is known, and the result as the last one.

        A start with a moment goes on from there: with the same settings it draws the very noise, and makes the very
        picture, that the walk would have made that it comes from.

        Args:
            start: on the device and in the precision to compute in; not written to.
            evaluator: counts what networks are asked.
            record: numbers of the steps of which the estimates of all branches are wanted; no network is asked for
                them.

        Raises:
            ValueError: the start does not fit the denoiser, or the timesteps not the schedule; at once, before any
                network is called.
        """
        return self._steps(denoiser, start, self.route(denoiser, start), evaluator or Evaluator(), record)

    @torch.no_grad()
    def _steps(
        self, denoiser: Denoiser, start: Noisy, route: Route, evaluator: Evaluator, record: Container[int]
    ) -> Generator[Step, None, None]:
        schedule, largest = denoiser.schedule, denoiser.largest or LARGEST
        rule, clipped = self.rule(schedule, route, start), clip_in(denoiser.space, self.clip)
        legs = route.legs[route.at :]
        x, draw, hooks, acting = begun(self.seed, denoiser, start, legs[0].t)

        step = route.place.number
        for t, to in legs:
            if to > t:
                x = climbed(x, schedule, t, to, draw)
                continue
            for hook, drawn in acting:
                x = hook.before(x, t, drawn)
            acting = hooks
            counts = (draw.count, *(drawn.count for _, drawn in hooks))
            estimate = evaluator.estimate(denoiser, x, t, step)
            x0 = clipped(schedule.cleaned(x, estimate.noise, t), largest)
            if step in record:
                branches = estimated(denoiser, Point(x, t, step), evaluator.answers)
                yield Step(t, x, x0, own(estimate.noise), branches, step, counts, rule.carried)
            else:
                yield Step(t, x, x0, estimate.noise, {}, step, counts, rule.carried)
            fresh, added = remembered(draw)
            x = rule(x, x0, estimate.variance, t, to, fresh)
            for hook, drawn in hooks:
                x = hook.after(x, t, to, again(added[0]) if added and hook.shares_noise else drawn)
            step += 1
        for hook, _ in hooks:
            x = hook.finish(x)
        yield Step(legs[-1].to, x, x, number=step, drawn=(draw.count, *(drawn.count for _, drawn in hooks)))

    def rule(self, schedule: NoiseSchedule, route: Route, start: Noisy) -> Rule:
        """The rule of a step, ready for this walk."""
        if self.method == "ddpm":
            return DDPM(schedule, self.variance)
        if self.method == "ddim":
            return DDIM(schedule, self.eta)
        timesteps = [leg.t for leg in route.legs]
        if self.end >= 0:
            timesteps.append(self.end)
        if self.method == "euler":
            return Euler(schedule, timesteps, route.passed)
        carried = start.moment.carried if start.moment is not None and route.passed > 0 else None
        return DPMSolver(schedule, timesteps, route.passed, None if carried is None else carried.to(start.x.device))


Hooks = list[tuple[StateHook, Counted]]


def begun(seed: int, denoiser: Denoiser, start: Noisy, t: int) -> tuple[Tensor, Counted, Hooks, Hooks]:
    """What a walk begins with: pictures, the sampler's noise, the hooks and theirs, and which act before it is asked.

    Of a start that comes from a walk, what was drawn there is passed over, and the hooks that were there have started.
    """
    x, moment, draw = start.x, start.moment, Counted(drawing(seed))
    hooks = [(hook, Counted(drawing(hook.seed))) for hook in denoiser.hooks()]
    if moment is None:
        for hook, drawn in hooks:
            x = hook.start(x, t, drawn)
        return x, draw, hooks, []
    draw.skip(moment.drawn[0], x)
    counts = dict(zip(moment.hooks, moment.drawn[1:], strict=True))
    acting: Hooks = []
    for hook, drawn in hooks:
        if hook_name(hook) not in counts:
            x = hook.start(x, t, drawn)
            continue
        drawn.skip(counts[hook_name(hook)], x)
        if not moment.asked:
            acting.append((hook, drawn))
    return x, draw, hooks, acting


def check_start(denoiser: Denoiser, start: Noisy) -> None:
    """ValueError when the denoiser cannot go on from there."""
    check_schedules(start.schedule, denoiser.schedule)
    if start.t is not None:
        denoiser.schedule.alpha_bar(start.t)  # refuses what is no timestep of it
    check_spaces("the start", space_of_start(start.t, start.space, denoiser.space), denoiser.space)
    check_fits(denoiser, start.x)


def climbed(x: Tensor, schedule: NoiseSchedule, t: int, to: int, draw: Draw) -> Tensor:
    """Noise `x` further, from timestep `t` to a higher one."""
    a = schedule.alpha_bar(to) / schedule.alpha_bar(t)
    return sqrt(a) * x + sqrt(1 - a) * draw(x)


def clamped(x0: Tensor, largest: float) -> Tensor:
    return x0.clamp(-1, 1)


def dynamic_threshold(x0: Tensor, largest: float = LARGEST, ratio: float = 0.95) -> Tensor:
    """Clamp each picture to where `ratio` of its values lie, within [1, largest], and scale that to [-1, 1].

    With 1 as the largest it is a plain clamp.

    Source: Saharia et al. 2022 (Imagen), section 2.3; the numbers are those of DeepFloyd IF's first stage.
    """
    flat = x0.abs().flatten(1)
    flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
    most = max(1, 2**24 // flat.shape[1])  # torch.quantile takes 2^24 numbers at once
    limit = torch.cat([rows.quantile(ratio, dim=1) for rows in torch.split(flat, most)]).clamp(1, largest)
    limit = limit.to(x0).view(-1, *[1] * (x0.ndim - 1))
    return x0.clamp(-limit, limit) / limit


CLIPS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "none": lambda x0, largest: x0,
    "clamp": clamped,
    "dynamic": dynamic_threshold,
}


def clip_in(space: str, clip: Clip) -> Callable[[Tensor, float], Tensor]:
    """What is done to clean pictures in a space."""
    return CLIPS[("clamp" if space == "pixels" else "none") if clip == "auto" else clip]


def sample(
    denoiser: Denoiser, start: Noisy, *, evaluator: Evaluator | None = None, **settings: object
) -> Generator[Step, None, None]:
    """Sample as `Sampler(**settings)` does."""
    return Sampler(**settings).sample(denoiser, start, evaluator)  # type: ignore[arg-type]
