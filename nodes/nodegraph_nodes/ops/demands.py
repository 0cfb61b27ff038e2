"""What denoisers ask of pictures whose size and number are not known yet when they are composed: numbers, no torch.

A demand travels with the facts of a denoiser, and is checked when it is known what is sampled. It is a ValueError, as
in `sizes`, where it is not met; of what is unknown nothing is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from nodegraph_nodes.ops.sizes import (
    check_blur,
    check_colours,
    check_kernel,
    check_length,
    check_odd,
    check_room,
    check_rows,
    check_sides,
    check_size,
    growth,
)
from nodegraph_nodes.ops.view_rules import check_seen
from nodegraph_nodes.types import Shape

KERNELS = {"low, high": 33, "low, middle, high": 25}
"""How wide the Gaussians of components are where it is not said."""


class Pictures(NamedTuple):
    """What is known of the pictures that a denoiser is asked about."""

    batch: int | None = None
    channels: int | None = None
    height: int | None = None
    width: int | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        return None if self.height is None or self.width is None else (self.height, self.width)

    @property
    def shape(self) -> Shape | None:
        return None if self.channels is None or self.size is None else (self.channels, *self.size)


class Demand(Protocol):
    """What pictures must be like."""

    def check(self, pictures: Pictures, what: str) -> None:
        """ValueError when they are not; `what` begins a sentence about them, such as "the pictures are"."""


@dataclass(frozen=True)
class Rows:
    """A picture for each row of what a denoiser is bound to, which they take in turn."""

    rows: int

    def check(self, pictures: Pictures, what: str) -> None:
        if pictures.batch is not None:
            check_rows(self.rows, pictures.batch, "the denoiser")


@dataclass(frozen=True)
class Seen:
    """They have a view, by name."""

    view: str
    patches: int
    grid: int

    def check(self, pictures: Pictures, what: str) -> None:
        if pictures.size is not None:
            check_seen(self.view, *pictures.size, patches=self.patches, grid=self.grid, what=what)


@dataclass(frozen=True)
class Split:
    """They can be split into components."""

    by: str
    kernel: int | None
    length: int
    base: int

    def check(self, pictures: Pictures, what: str) -> None:
        size, shape = pictures.size, pictures.shape
        if self.by == "motion, rest":
            check_length(self.length)
            if size is not None:
                growth(size, self.base)
        elif self.by == "grey, colour":
            if shape is not None:
                check_colours(shape)
        else:
            check_odd(self.kernel)
            if shape is not None:
                check_kernel(shape, self.kernel or KERNELS[self.by], self.base)


@dataclass(frozen=True)
class Blurred:
    """A Gaussian blur fits into them."""

    sigma: float
    kernel: int | None = None

    def check(self, pictures: Pictures, what: str) -> None:
        if pictures.size is not None:
            check_blur(min(pictures.size), self.sigma, self.kernel)


@dataclass(frozen=True)
class Tiled:
    """Tiles fit into them, and are what a denoiser takes.

    Attributes:
        multiple: what the sides of a tile must be divisible by.
        sides: height and width that a tile must have, if any.
        demands: what the denoiser asks of tiles.
    """

    size: int
    multiple: int
    sides: tuple[int, int] | None
    demands: tuple[Demand, ...]

    def check(self, pictures: Pictures, what: str) -> None:
        if pictures.size is not None:
            check_room(self.size, *pictures.size, what=what)
        check_sides(self.size, self.size, self.multiple, "the tiles are")
        if self.sides is not None:
            check_size((self.size, self.size), "a tile", self.sides, "a mask in the denoiser")
        check_all(self.demands, pictures._replace(height=self.size, width=self.size), "the tiles are")


@dataclass(frozen=True)
class Either:
    """One or the other is met, since one or the other is asked."""

    one: tuple[Demand, ...]
    other: tuple[Demand, ...]

    def check(self, pictures: Pictures, what: str) -> None:
        try:
            check_all(self.one, pictures, what)
        except ValueError:
            check_all(self.other, pictures, what)


def check_all(demands: Iterable[Demand], pictures: Pictures, what: str = "the pictures are") -> None:
    for demand in demands:
        demand.check(pictures, what)
