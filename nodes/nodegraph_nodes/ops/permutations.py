"""Views that move pixels: each a permutation, said as where every pixel comes from and how it is turned.

How a pixel is turned cannot be seen on the pixel itself. It is seen when the view is lifted: on a larger picture blocks
of pixels take the place of the pixels, and are moved and turned as these are (`Lifted`). So a view is defined once, and
every stage of a cascade of networks sees the same one.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from nodegraph_nodes.ops.view_rules import block, check_hinge, check_patches, check_quarter
from nodegraph_nodes.types import View

FLIPPED = 4
"""Added to a turn that begins upside down."""


class Cells(NamedTuple):
    """What is seen in each cell of a grid, (H, W) of them, int64.

    Attributes:
        source: the cell that it shows, counted row by row; a permutation.
        turn: how what it shows is turned: by `turn % 4` quarters counterclockwise, flipped upside down before where it
            is `FLIPPED` or more.
    """

    source: Tensor
    turn: Tensor


class Rearrangement(View):
    """A view that only moves pixels. Subclasses say with `cells` where they go; `move` may be a faster way to do it.

    Attributes:
        scales: it is the same at every size, so that lifting it changes nothing.
    """

    scales: ClassVar[bool] = False

    @abstractmethod
    def cells(self, height: int, width: int) -> Cells:
        """Where the pixels of a picture of that size go; ValueError when it does not have this view."""

    def move(self, x: Tensor) -> Tensor:
        source, _ = orders(self, x.shape[-2], x.shape[-1], x.device)
        return x.flatten(-2)[..., source].reshape(x.shape)

    def move_back(self, x: Tensor) -> Tensor:
        _, inverse = orders(self, x.shape[-2], x.shape[-1], x.device)
        return x.flatten(-2)[..., inverse].reshape(x.shape)


@lru_cache(maxsize=16)
def orders(view: Rearrangement, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The pixels that are seen, row by row, and the inverse of that order."""
    source = view.cells(height, width).source.flatten()
    return source.to(device), source.argsort().to(device)


# The same at every size


@dataclass(frozen=True)
class Identity(Rearrangement):
    """As it stands."""

    scales = True

    def cells(self, height: int, width: int) -> Cells:
        return all_turned(height, width, 0)

    def move(self, x: Tensor) -> Tensor:
        return x

    move_back = move


@dataclass(frozen=True)
class Flip(Rearrangement):
    """Upside down."""

    scales = True

    def cells(self, height: int, width: int) -> Cells:
        return all_turned(height, width, FLIPPED)

    def move(self, x: Tensor) -> Tensor:
        return x.flip(-2)

    move_back = move


@dataclass(frozen=True)
class Mirror(Rearrangement):
    """Left and right exchanged."""

    scales = True

    def cells(self, height: int, width: int) -> Cells:
        return all_turned(height, width, FLIPPED + 2)

    def move(self, x: Tensor) -> Tensor:
        return x.flip(-1)

    move_back = move


@dataclass(frozen=True)
class Rotation(Rearrangement):
    """Turned counterclockwise by quarter turns; by one or three, square pictures only."""

    quarters: int
    scales = True

    def cells(self, height: int, width: int) -> Cells:
        self.check(height, width)
        return all_turned(height, width, self.quarters % 4)

    def move(self, x: Tensor) -> Tensor:
        self.check(*x.shape[-2:])
        return turned(x, self.quarters % 4)

    def move_back(self, x: Tensor) -> Tensor:
        self.check(*x.shape[-2:])
        return turned(x, -self.quarters % 4)

    def check(self, height: int, width: int) -> None:
        if self.quarters % 2:
            check_quarter(height, width)


# Parts of the picture


@dataclass(frozen=True)
class InnerCircle(Rearrangement):
    """The disc in the middle, three quarters as wide as the shorter side, turned by half a turn."""

    def cells(self, height: int, width: int) -> Cells:
        rows = torch.arange(height) - (height - 1) / 2
        columns = torch.arange(width) - (width - 1) / 2
        inside = rows[:, None] ** 2 + columns**2 < (0.375 * min(height, width)) ** 2
        here = numbered(height, width)
        return Cells(torch.where(inside, here.flip(-2, -1), here), torch.where(inside, 2, 0))


@dataclass(frozen=True)
class SquareHinge(Rearrangement):
    """Three by three squares, as if hinged at their corners, turned by a quarter to one side and the other in turn.

    What three squares leave of the side is a border that stays.
    """

    def cells(self, height: int, width: int) -> Cells:
        check_hinge(height, width)
        side = height // 3
        first = (height - 3 * side) // 2
        here = numbered(height, width)
        source, turn = here.clone(), torch.zeros_like(here)
        for row in range(3):
            for column in range(3):
                square = (
                    slice(first + row * side, first + (row + 1) * side),
                    slice(first + column * side, first + (column + 1) * side),
                )
                quarters = 3 if (row + column) % 2 else 1
                source[square] = turned(here[square], quarters)
                turn[square] = quarters
        return Cells(source, turn)


# Shuffled


@dataclass(frozen=True)
class Skew(Rearrangement):
    """Each column rolled down by `factor` pixels for every column that it lies right of the middle, rounded towards 0.

    The same with `-factor` is the inverse.
    """

    factor: float = 1.5

    def cells(self, height: int, width: int) -> Cells:
        shifts = torch.tensor([int(self.factor * (column - width // 2)) for column in range(width)])
        rows = (torch.arange(height)[:, None] - shifts) % height
        return Cells(rows * width + torch.arange(width), torch.zeros_like(rows))


@dataclass(frozen=True)
class PatchPermutation(Rearrangement):
    """Cut into `patches` x `patches` patches, which are shuffled, always the same way for a seed.

    What they leave of the sides is a border that stays.
    """

    seed: int
    patches: int = 8

    def cells(self, height: int, width: int) -> Cells:
        n = self.patches
        check_patches(height, width, n)
        high, wide = n * (height // n), n * (width // n)
        top, left = (height - high) // 2, (width - wide) // 2
        source = numbered(height, width)
        inner = source[top : top + high, left : left + wide]
        inner[:] = joined(cut(inner, n, n)[shuffled(n * n, self.seed)], n, n)
        return Cells(source, torch.zeros_like(source))


@dataclass(frozen=True)
class PixelPermutation(Rearrangement):
    """All pixels shuffled, always the same way for a seed and a number of pixels."""

    seed: int

    def cells(self, height: int, width: int) -> Cells:
        source = shuffled(height * width, self.seed).view(height, width)
        return Cells(source, torch.zeros_like(source))


def shuffled(count: int, seed: int) -> Tensor:
    """The numbers below `count` in the order of a seed."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


# On larger pictures


@dataclass(frozen=True)
class Lifted(Rearrangement):
    """A view as pictures of `grid` pixels a side have it, on larger ones: blocks of pixels in place of pixels.

    The shorter side is `grid` blocks long. Blocks are moved and turned as the view moves and turns pixels, so that it
    does with an enlarged picture what it does with the small one, exactly.
    """

    view: Rearrangement
    grid: int

    def cells(self, height: int, width: int) -> Cells:
        side = block(height, width, self.grid)
        rows, columns = height // side, width // side
        source, turn = self.view.cells(rows, columns)
        blocks = cut(numbered(height, width), rows, columns)[source.flatten()]
        for each in turn.unique().tolist():
            alike = turn.flatten() == each
            blocks[alike] = turned(blocks[alike], each)
        turns = turn.repeat_interleave(side, 0).repeat_interleave(side, 1)
        return Cells(joined(blocks, rows, columns), turns)


# Grids of numbers


def numbered(height: int, width: int) -> Tensor:
    """The cells of a grid, counted row by row."""
    return torch.arange(height * width).view(height, width)


def turned(x: Tensor, turn: int) -> Tensor:
    """`x` (..., H, W), turned as `Cells.turn` says."""
    return (x.flip(-2) if turn >= FLIPPED else x).rot90(turn % 4, (-2, -1))


def all_turned(height: int, width: int, turn: int) -> Cells:
    """The whole grid turned at once."""
    source = turned(numbered(height, width), turn)
    return Cells(source, torch.full_like(source, turn))


def cut(grid: Tensor, rows: int, columns: int) -> Tensor:
    """A grid (H, W) cut into `rows` x `columns` blocks, counted row by row."""
    high, wide = grid.shape[0] // rows, grid.shape[1] // columns
    return grid.reshape(rows, high, columns, wide).transpose(1, 2).reshape(-1, high, wide)


def joined(blocks: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of `cut`."""
    _, high, wide = blocks.shape
    return blocks.view(rows, columns, high, wide).transpose(1, 2).reshape(rows * high, columns * wide)
