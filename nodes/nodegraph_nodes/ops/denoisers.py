"""Denoisers made of denoisers: guidance, anagrams, hybrids, regions, each one formula in a few lines.

They nest in any order. What makes a composition legal is checked when it is made, before any weight is read: its
parts speak of the same timesteps, pictures and space, weights sum to 1, views keep the statistics of noise. All work
on noise; where weights sum to 1, working on the clean picture would give the same. None clips: a clip inside does not
commute with the step of a sampler.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial, reduce

import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.agreements import agreed, check_sum
from nodegraph_nodes.ops.blur import gaussian_blur, gaussian_weights
from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.evaluation import gather, rows_for
from nodegraph_nodes.ops.sizes import check_blur, check_size
from nodegraph_nodes.ops.views import brought_back, check_orthogonal, hooks_through, through
from nodegraph_nodes.types import Asking, Branch, Denoiser, Estimate, NoiseSchedule, Point, Shape, StateHook, View


@dataclass(frozen=True, eq=False)
class Composition(Denoiser):
    """A denoiser made of denoisers; it has what they must agree on: schedule, shape, space, and largest value."""

    schedule: NoiseSchedule = field(init=False, repr=False)
    shape: Shape | None = field(init=False, repr=False)
    space: str = field(init=False, repr=False)
    largest: float | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = self.parts()
        common = ("schedule", "shape", "space", "largest")
        for name, value in agreed([{each: getattr(part, each) for each in common} for part in parts]).items():
            object.__setattr__(self, name, value)

    def preview(self, x0: Tensor) -> Tensor | None:
        """As the first part sees it; all work in one space."""
        return self.parts()[0].preview(x0)


def mean(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """The mean of two learned variances, as raw coordinates; none where one is missing."""
    return None if a is None or b is None else 0.5 * (a + b)


@dataclass(frozen=True, eq=False)
class CFGCombine(Composition):
    """`u + scale (c - u)`: away from the unconditional estimate. 1 is the conditional one, 0 the unconditional.

    The learned variance is the conditional one's.

    Source: Ho and Salimans 2022 (classifier-free guidance), whose w is `scale - 1` here.
    """

    conditional: Denoiser
    unconditional: Denoiser
    scale: float

    def ask(self, p: Point) -> Asking:
        if self.scale == 1:
            return (yield from self.conditional.ask(p))
        c, u = yield from gather(self.conditional.ask(p), self.unconditional.ask(p))
        return Estimate(u.noise + self.scale * (c.noise - u.noise), c.variance)

    def branches(self, p: Point) -> Iterable[Branch]:
        return [Branch("conditional", self.conditional, p)] if self.scale == 1 else super().branches(p)


@dataclass(frozen=True, eq=False)
class FlipAverage(Composition):
    """`1/2 (a(x) + V^-1 b(V x))`: a picture that is one thing upright and another through the view.

    The learned variance is the mean of the two, moved back but never negated.

    Source: Geng, Park and Owens 2024 (Visual Anagrams).
    """

    upright: Denoiser
    flipped: Denoiser
    view: View

    def __post_init__(self) -> None:
        super().__post_init__()
        check_orthogonal(self.view, self.shape, self.space)

    def ask(self, p: Point) -> Asking:
        a, seen = yield from gather(self.upright.ask(p), self.flipped.ask(through(self.view, p)))
        b = brought_back(self.view, seen)
        return Estimate(0.5 * (a.noise + b.noise), mean(a.variance, b.variance))

    def branches(self, p: Point) -> Iterable[Branch]:
        yield Branch("upright", self.upright, p)
        yield Branch("flipped", self.flipped, through(self.view, p), partial(brought_back, self.view))

    def hooks(self) -> tuple[StateHook, ...]:
        both = (*self.upright.hooks(), *hooks_through(self.view, self.flipped))
        return tuple({hook.key: hook for hook in both}.values())


@dataclass(frozen=True, eq=False)
class FrequencyMix(Composition):
    """`G a + (1 - G) b`: coarse structure from one, fine detail from the other, split by a Gaussian blur G.

    The learned variance is the mean of the two, unfiltered.

    Args:
        sigma: of the Gaussian, in pixels.
        kernel: its width in pixels, odd; None for as wide as it takes.

    Source: Geng, Park and Owens 2024 (Factorized Diffusion).
    """

    low: Denoiser
    high: Denoiser
    sigma: float
    kernel: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        gaussian_weights(self.sigma, self.kernel)
        if self.shape is not None:
            check_blur(min(self.shape[1:]), self.sigma, self.kernel)

    def ask(self, p: Point) -> Asking:
        check_blur(min(p.x.shape[-2:]), self.sigma, self.kernel)  # before any network is called
        a, b = yield from gather(self.low.ask(p), self.high.ask(p))
        noise = b.noise + gaussian_blur(a.noise - b.noise, self.sigma, self.kernel)
        return Estimate(noise, mean(a.variance, b.variance))


@dataclass(frozen=True, eq=False)
class RegionBlend(Composition):
    """`m a + (1 - m) b`: one denoiser where the mask is 1, another where it is 0. So is the learned variance.

    Args:
        mask: (B or 1, 1, H, W) in [0, 1], of the size of the pictures; on latents, of any size.

    Source: Bar-Tal et al. 2023 (MultiDiffusion), whose averaged steps are the step of this average.
    """

    inside: Denoiser
    outside: Denoiser
    mask: Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mask(self.mask)
        if self.shape is not None and self.space == "pixels":
            check_size(self.mask.shape[-2:], "the mask", self.shape[1:])

    def ask(self, p: Point) -> Asking:
        m = mask_for(placed(self, self.mask, p.x), p.x, self.space)
        a, b = yield from gather(self.inside.ask(p), self.outside.ask(p))
        if a.variance is None or b.variance is None:
            return Estimate(m * a.noise + (1 - m) * b.noise)
        return Estimate(m * a.noise + (1 - m) * b.noise, m * a.variance + (1 - m) * b.variance)


@dataclass(frozen=True, eq=False)
class WeightedSum(Composition):
    """`u + sum w_i (c_i - u)`: several conditions at once; a negative weight is one to stay away from.

    Without the base, `sum w_i c_i`, and the weights must sum to 1. The learned variance is the first part's.

    Source: Liu et al. 2022 (Composable Diffusion), eq. 11 and 12.
    """

    base: Denoiser | None
    conditions: tuple[Denoiser, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        check_sum(len(self.conditions), self.weights, self.base is not None)
        super().__post_init__()

    def ask(self, p: Point) -> Asking:
        if self.base is None:
            parts = yield from gather(*(condition.ask(p) for condition in self.conditions))
            noises = [weight * part.noise for weight, part in zip(self.weights, parts, strict=True)]
            return Estimate(reduce(Tensor.add, noises), parts[0].variance)
        u, *parts = yield from gather(self.base.ask(p), *(condition.ask(p) for condition in self.conditions))
        pushes = [weight * (part.noise - u.noise) for weight, part in zip(self.weights, parts, strict=True)]
        return Estimate(reduce(Tensor.add, pushes, u.noise), parts[0].variance)


# Masks


def check_mask(mask: Tensor, name: str = "the mask") -> None:
    """ValueError when it is no mask."""
    if mask.ndim != 4 or mask.shape[1] != 1 or 0 in mask.shape:
        raise ValueError(f"{name} has the shape {list(mask.shape)}, must be (B, 1, H, W)")
    low, high = float(mask.min()), float(mask.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{name} has values from {low:g} to {high:g}, must be from 0 to 1")


def mask_for(mask: Tensor, x: Tensor, space: str) -> Tensor:
    """The mask for pictures `x`, (B or 1, 1, H, W): of their size in pixel space, averaged to it on latents."""
    if space == "pixels":
        check_size(mask.shape[-2:], "the mask", x.shape[-2:])
    elif mask.shape[-2:] != x.shape[-2:]:
        mask = F.adaptive_avg_pool2d(mask, (x.shape[-2], x.shape[-1]))
    return mask.to(x) if len(mask) == 1 else rows_for(mask, len(x), "the mask").to(x)
