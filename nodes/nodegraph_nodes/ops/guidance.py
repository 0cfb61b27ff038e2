"""Guidance beyond one push: away from several things at once, and without overexposure.

Both work on each picture by itself, whatever else is in the batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from nodegraph_nodes.ops.agreements import check_negatives
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.ops.evaluation import gather
from nodegraph_nodes.types import Asking, Branch, Denoiser, Estimate, Point


@dataclass(frozen=True, eq=False)
class PerpNeg(Composition):
    """`u + scale (d - sum k_i (d_i - <d_i, d>/|d|^2 d))`, where `d = c - u` and `d_i = n_i - u`.

    Away from each negative n_i only as far as that does not lead away from the positive c. Made of differences, it is
    the same in noise and in clean pictures. The learned variance is the positive one's.

    Args:
        weights: k_i; a negative of weight 0 is not asked.

    Source: Armandpour et al. 2023 (Perp-Neg); inner products are those of one picture, not of the batch.
    """

    positive: Denoiser
    unconditional: Denoiser
    negatives: tuple[Denoiser, ...]
    weights: tuple[float, ...]
    scale: float

    def __post_init__(self) -> None:
        check_negatives(len(self.negatives), self.weights)
        super().__post_init__()

    def ask(self, p: Point) -> Asking:
        wanted = [(k, n) for k, n in zip(self.weights, self.negatives, strict=True) if k != 0]
        c, u, *away = yield from gather(self.positive.ask(p), self.unconditional.ask(p), *(n.ask(p) for _, n in wanted))
        d = c.noise - u.noise
        square = inner(d, d).clamp_min(torch.finfo(d.dtype).tiny)  # where d is 0, nothing lies along it
        push = d
        for (k, _), n in zip(wanted, away, strict=True):
            d_i = n.noise - u.noise
            push = push - k * (d_i - inner(d_i, d) / square * d)
        return Estimate(u.noise + self.scale * push, c.variance)

    def branches(self, p: Point) -> Iterable[Branch]:
        unasked = {f"negatives[{i}]" for i, k in enumerate(self.weights) if k == 0}
        return (branch for branch in super().branches(p) if branch.name not in unasked)


@dataclass(frozen=True, eq=False)
class CFGRescale(Composition):
    """`share * g std(c)/std(g) + (1 - share) g`: a guided estimate g, as strong as the conditional one c.

    The standard deviations are those of each picture's noise; rescaling the clean picture, or the velocity, would be
    something else. 0 leaves the guided estimate. The learned variance is the guided one's.

    Source: Lin et al. 2024 (Common Diffusion Noise Schedules), section 3.4, where phi is `share`.
    """

    guided: Denoiser
    conditional: Denoiser
    share: float

    def ask(self, p: Point) -> Asking:
        if self.share == 0:
            return (yield from self.guided.ask(p))
        g, c = yield from gather(self.guided.ask(p), self.conditional.ask(p))
        strong, due = deviation(g.noise), deviation(c.noise)
        factor = torch.where(strong > 0, due / strong, 1.0)
        return Estimate((self.share * factor + (1 - self.share)) * g.noise, g.variance)

    def branches(self, p: Point) -> Iterable[Branch]:
        return [Branch("guided", self.guided, p)] if self.share == 0 else super().branches(p)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each picture with its counterpart, (B, 1, 1, 1)."""
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)


def deviation(x: Tensor) -> Tensor:
    """The standard deviation over the values of each picture, (B, 1, 1, 1)."""
    return x.std(dim=(1, 2, 3), keepdim=True, correction=0)
