"""Views: orthogonal maps of pictures, under which noise stays noise, so that one denoiser can look at another's x_t.

Source: Geng, Park and Owens 2024 (Visual Anagrams), section 3.3: a view must be linear and must map white noise to
white noise, that is, A A^T = I.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nodegraph_nodes.ops.distortions import Blur, Gain, Turn
from nodegraph_nodes.ops.jigsaw import Jigsaw
from nodegraph_nodes.ops.permutations import (
    Flip,
    Identity,
    InnerCircle,
    Lifted,
    Mirror,
    PatchPermutation,
    PixelPermutation,
    Rearrangement,
    Rotation,
    Skew,
    SquareHinge,
)
from nodegraph_nodes.ops.view_rules import TOLERANCE, check_grid, check_named, not_on_latents, not_orthogonal
from nodegraph_nodes.types import Denoiser, Draw, Estimate, Point, Shape, StateHook, View

PROBE: Shape = (3, 16, 16)


@dataclass(frozen=True)
class Negation(View):
    """Black and white exchanged: values are negated, noise too, while masks and variances stay."""

    def move(self, x: Tensor) -> Tensor:
        return x

    move_back = move

    def apply(self, x: Tensor) -> Tensor:
        return -x

    undo = apply


# By the names that saved files use


@dataclass(frozen=True)
class Choice:
    """What there is to choose about a view, beside its name.

    Args:
        seed: which shuffling it is, where it is one.
        patches: how many patches a side a patch permutation has.
        factor: pixels that a skew rolls a column for each that it is off the middle.
    """

    seed: int = 0
    patches: int = 8
    factor: float = 1.5


VIEWS: dict[str, Callable[[Choice], View]] = {
    "identity": lambda _: Identity(),
    "flip": lambda _: Flip(),
    "mirror": lambda _: Mirror(),
    "rotate_90": lambda _: Rotation(1),
    "rotate_180": lambda _: Rotation(2),
    "rotate_270": lambda _: Rotation(3),
    "negate": lambda _: Negation(),
    "skew": lambda choice: Skew(choice.factor),
    "inner_circle": lambda _: InnerCircle(),
    "square_hinge": lambda _: SquareHinge(),
    "jigsaw": lambda choice: Jigsaw(choice.seed),
    "patch_permutation": lambda choice: PatchPermutation(choice.seed, choice.patches),
    "pixel_permutation": lambda choice: PixelPermutation(choice.seed),
}

DISTORTIONS: dict[str, View] = {"rotate_45": Turn(45), "blur": Blur(1.0), "gain": Gain(1.5)}
"""What can be seen through, but is no view: an anagram refuses it with its defect."""


def named_view(name: str, seed: int = 0, grid: int = 0, *, patches: int = 8, factor: float = 1.5) -> View:
    """A view by its name, or one of the distortions; the rest as of `Choice` and `lifted`."""
    if name in DISTORTIONS:
        check_grid(name, grid)
        return DISTORTIONS[name]
    if name not in VIEWS:
        raise ValueError(f"there is no view {name!r}, must be one of {', '.join((*VIEWS, *DISTORTIONS))}")
    return lifted(VIEWS[name](Choice(seed, patches, factor)), grid)


def lifted(view: View, grid: int) -> View:
    """The view as pictures of `grid` pixels a side have it, for pictures of any multiple; 0 leaves it as it is.

    Raises:
        ValueError: it mixes pixels, so that blocks cannot take their place.
    """
    if grid == 0 or isinstance(view, Negation) or (isinstance(view, Rearrangement) and view.scales):
        return view
    if not isinstance(view, Rearrangement):
        raise ValueError(f"grid is {grid}, must be 0 for {view}, which does not only move pixels")
    return Lifted(view, grid)


# What is seen through them


def through(view: View, p: Point) -> Point:
    """The point as it is seen through the view."""
    return p if isinstance(view, Identity) else Point(view.apply(p.x), p.t, p.step, (*p.frame, view.key))


def brought_back(view: View, seen: Estimate) -> Estimate:
    """What was estimated through the view, as it is without: the noise undone, the variance moved, never negated."""
    return Estimate(view.undo(seen.noise), None if seen.variance is None else view.move_back(seen.variance))


def hooks_through(view: View, denoiser: Denoiser) -> tuple[StateHook, ...]:
    """The hooks of a denoiser that looks through the view."""
    hooks = denoiser.hooks()
    return hooks if isinstance(view, Identity) else tuple(ViewedHook(view, hook) for hook in hooks)


# Whether they are views


def defect(view: View, shape: Shape) -> float:
    """How far a view is from orthogonal, tried on random pictures of that shape; 0 for one that is.

    The largest of three relative errors: of lengths, of `undo` after `apply`, and of linearity.
    """
    x, y = torch.randn((2, 1, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = view.apply(x)
    length = seen.norm() - x.norm()
    inverse = view.undo(seen) - x
    linearity = view.apply(x - 2 * y) - (seen - 2 * view.apply(y))
    return float(max(length.abs(), inverse.norm(), linearity.norm()) / x.norm())


def gain(view: View, shape: Shape) -> float:
    """How strong noise of deviation 1 is when it is seen through the view; 1 for an orthogonal one."""
    x = torch.randn((1, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return float(view.apply(x).norm() / x.norm())


def check_orthogonal(view: View, shape: Shape | None, space: str = "pixels") -> None:
    """ValueError when noise would not be noise any more after the view, or pictures of that shape do not have it.

    Where the shape is not known, a rearrangement is what it is by construction, and tells later what it cannot do. On
    latents a view has to commute with the VAE, too.
    """
    check_commutes(view, space)
    if shape is None and isinstance(view, Rearrangement):
        return
    for name, distortion in DISTORTIONS.items():
        if view == distortion:
            check_named(name)
    found = defect(view, shape or PROBE)
    if not found < TOLERANCE:
        raise not_orthogonal(f"the view {view}", found, gain(view, shape or PROBE))


def check_commutes(view: View, space: str) -> None:
    """ValueError when what a view does to pixels is not what it does to latents."""
    if space != "pixels" and not (isinstance(view, Rearrangement) and view.scales):
        raise not_on_latents(f"the view {view}", space)


@dataclass(frozen=True)
class ViewedHook(StateHook):
    """A hook that acts on what is seen through a view."""

    view: View
    hook: StateHook

    @property
    def seed(self) -> int:
        return self.hook.seed

    @property
    def shares_noise(self) -> bool:
        return self.hook.shares_noise

    @property
    def key(self) -> tuple[object, object]:
        return self.view.key, self.hook.key

    def start(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.view.undo(self.hook.start(self.view.apply(x), t, draw))

    def before(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.view.undo(self.hook.before(self.view.apply(x), t, draw))

    def after(self, x: Tensor, t: int, to: int, draw: Draw) -> Tensor:
        drawn = self.seen(draw) if self.shares_noise else draw
        return self.view.undo(self.hook.after(self.view.apply(x), t, to, drawn))

    def finish(self, x: Tensor) -> Tensor:
        return self.view.undo(self.hook.finish(self.view.apply(x)))

    def seen(self, draw: Draw) -> Draw:
        """The noise of the step as it is seen through the view."""
        return lambda x: self.view.apply(draw(self.view.undo(x)))
