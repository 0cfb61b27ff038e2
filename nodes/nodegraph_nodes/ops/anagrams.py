"""Anagrams of any number of pictures: each denoiser looks at x_t in its own way."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Literal, get_args

from torch import Tensor

from nodegraph_nodes.ops.agreements import check_views
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.ops.evaluation import gather
from nodegraph_nodes.ops.views import brought_back, check_orthogonal, hooks_through, through
from nodegraph_nodes.types import Asking, Branch, Denoiser, Estimate, Point, StateHook, View

Reduction = Literal["mean", "alternate"]


@dataclass(frozen=True, eq=False)
class MultiView(Composition):
    """`1/n sum V_i^-1 d_i(V_i x)`: a picture that is another thing through each of its views.

    The learned variance is the mean of what they tell, each moved back but never negated, as raw coordinates; none
    where one tells none. FlipAverage is this for two, the first of which looks at the picture as it stands.

    Averaging n estimates that have nothing in common leaves noise of deviation 1 / sqrt(n), 0.71, 0.58, 0.50 for 2, 3,
    4: the less the pictures agree, the more of their noise is left.

    Args:
        denoisers: what is seen, one through each view.
        reduction: "mean", or "alternate": at each estimate of the sampler the next one alone, the others are not asked.

    Source: Geng, Park and Owens 2024 (Visual Anagrams), section 3.2 and their code for "alternate".
    """

    denoisers: tuple[Denoiser, ...]
    views: tuple[View, ...]
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        check_views(len(self.denoisers), len(self.views))
        if self.reduction not in get_args(Reduction):
            raise ValueError(f"reduction is {self.reduction!r}, must be one of {', '.join(get_args(Reduction))}")
        super().__post_init__()
        for view in self.views:
            check_orthogonal(view, self.shape, self.space)

    def ask(self, p: Point) -> Asking:
        if self.reduction == "alternate":
            turn = p.step % len(self.views)
            view = self.views[turn]
            return brought_back(view, (yield from self.denoisers[turn].ask(through(view, p))))
        pairs = list(zip(self.denoisers, self.views, strict=True))
        seen = yield from gather(*(denoiser.ask(through(view, p)) for denoiser, view in pairs))
        return averaged([brought_back(view, each) for view, each in zip(self.views, seen, strict=True)])

    def branches(self, p: Point) -> Iterable[Branch]:
        for i, (denoiser, view) in enumerate(zip(self.denoisers, self.views, strict=True)):
            if self.reduction == "mean" or i == p.step % len(self.views):
                yield Branch(f"denoisers[{i}]", denoiser, through(view, p), partial(brought_back, view))

    def hooks(self) -> tuple[StateHook, ...]:
        pairs = zip(self.denoisers, self.views, strict=True)
        return tuple({hook.key: hook for denoiser, view in pairs for hook in hooks_through(view, denoiser)}.values())


def averaged(estimates: list[Estimate]) -> Estimate:
    """The mean of estimates; that of their variances as raw coordinates, none where one is missing."""
    noise = reduce(Tensor.add, [each.noise for each in estimates]) / len(estimates)
    variances = [each.variance for each in estimates if each.variance is not None]
    if len(variances) < len(estimates):
        return Estimate(noise)
    return Estimate(noise, reduce(Tensor.add, variances) / len(variances))
