"""Views: orthogonal maps of pictures, under which noise stays noise, so that one denoiser can look at another's x_t.

Source: Geng, Park and Owens 2024 (Visual Anagrams), section 3.3: a view must be linear and must map white noise to
white noise, that is, A A^T = I.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nodegraph_nodes.types import Draw, Point, Shape, StateHook, View

TOLERANCE = 1e-3
PROBE: Shape = (3, 16, 16)


@dataclass(frozen=True)
class Flip(View):
    """Upside down."""

    def move(self, x: Tensor) -> Tensor:
        return x.flip(-2)

    move_back = move


@dataclass(frozen=True)
class Mirror(View):
    """Left and right exchanged."""

    def move(self, x: Tensor) -> Tensor:
        return x.flip(-1)

    move_back = move


@dataclass(frozen=True)
class Rotation(View):
    """Turned counterclockwise by quarter turns; by one or three, square pictures only."""

    quarters: int

    def move(self, x: Tensor) -> Tensor:
        return self.turned(x, self.quarters)

    def move_back(self, x: Tensor) -> Tensor:
        return self.turned(x, -self.quarters)

    def turned(self, x: Tensor, quarters: int) -> Tensor:
        height, width = x.shape[-2:]
        if quarters % 2 and height != width:
            raise ValueError(f"the pictures are {width} x {height}, must be square to be turned by a quarter")
        return x.rot90(quarters, (-2, -1))


@dataclass(frozen=True)
class Negation(View):
    """Black and white exchanged: values are negated, noise too, while masks and variances stay."""

    def move(self, x: Tensor) -> Tensor:
        return x

    move_back = move

    def apply(self, x: Tensor) -> Tensor:
        return -x

    undo = apply


@dataclass(frozen=True)
class InnerCircle(View):
    """The disc in the middle, three quarters as wide as the shorter side, turned by half a turn."""

    def move(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        rows = torch.arange(height, device=x.device) - (height - 1) / 2
        columns = torch.arange(width, device=x.device) - (width - 1) / 2
        inside = rows[:, None] ** 2 + columns**2 < (0.375 * min(height, width)) ** 2
        return torch.where(inside, x.flip(-2, -1), x)

    move_back = move


@dataclass(frozen=True)
class PixelPermutation(View):
    """All pixels shuffled, always the same way for a seed and a number of pixels."""

    seed: int

    def move(self, x: Tensor) -> Tensor:
        return x.flatten(-2)[..., self.order(x)].reshape(x.shape)

    def move_back(self, x: Tensor) -> Tensor:
        moved = torch.empty_like(x.flatten(-2))
        moved[..., self.order(x)] = x.flatten(-2)
        return moved.reshape(x.shape)

    def order(self, x: Tensor) -> Tensor:
        pixels = x.shape[-2] * x.shape[-1]
        return torch.randperm(pixels, generator=torch.Generator().manual_seed(self.seed)).to(x.device)


VIEWS: dict[str, Callable[[int], View]] = {
    "flip": lambda seed: Flip(),
    "mirror": lambda seed: Mirror(),
    "rotate_90": lambda seed: Rotation(1),
    "rotate_180": lambda seed: Rotation(2),
    "rotate_270": lambda seed: Rotation(3),
    "negate": lambda seed: Negation(),
    "inner_circle": lambda seed: InnerCircle(),
    "pixel_permutation": PixelPermutation,
}


def named_view(name: str, seed: int = 0) -> View:
    """A view by the name that saved files use; `seed` chooses among pixel permutations."""
    if name not in VIEWS:
        raise ValueError(f"there is no view {name!r}, must be one of {', '.join(VIEWS)}")
    return VIEWS[name](seed)


def through(view: View, p: Point) -> Point:
    """The point as it is seen through the view."""
    return Point(view.apply(p.x), p.t, p.step, (*p.frame, view.key))


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


def check_orthogonal(view: View, shape: Shape | None) -> None:
    """ValueError when noise would not be noise any more after the view."""
    found = defect(view, shape or PROBE)
    if not found < TOLERANCE:
        raise ValueError(
            f"the view {view} is not orthogonal: its defect is {found:.2g}, must be below {TOLERANCE:g}, "
            "or x_t would not look like noise of its timestep any more"
        )


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
