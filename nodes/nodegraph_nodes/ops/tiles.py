"""Tiles: a wide picture from a denoiser that only knows small ones.

Source: Bar-Tal et al. 2023 (MultiDiffusion), whose averaged steps are the step of this average; Barbero Jiménez 2023
(Mixture of Diffusers) for weights that fall off towards the borders of a tile.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, get_args

import torch
from torch import Tensor

from nodegraph_nodes.ops.agreements import check_stride
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.ops.evaluation import check_fits, gather
from nodegraph_nodes.ops.sizes import check_room, check_tile
from nodegraph_nodes.ops.view_rules import THE_PICTURES
from nodegraph_nodes.types import Asking, Branch, Denoiser, Estimate, Point

Weighting = Literal["uniform", "gaussian"]

Corner = tuple[int, int]
"""The first row and column of a tile."""


@dataclass(frozen=True, eq=False)
class Tile(Composition):
    """`sum k_i crop_i^T d(crop_i x) / sum k_i`: a denoiser asked about overlapping tiles, averaged where they overlap.

    All tiles of a step are one batch. So is the learned variance averaged. What the denoiser is bound to is in the
    frame of a tile. Takes pictures of any size that a tile fits into.

    Args:
        size: width and height of a tile, in pixels, or in pixels of latents.
        stride: from one tile to the next; the last one is flush with the border, however far that is.
        weighting: k_i, "uniform" or "gaussian" around the middle of the tile.
    """

    denoiser: Denoiser
    size: int
    stride: int
    weighting: Weighting = "uniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weighting not in get_args(Weighting):
            raise ValueError(f"weighting is {self.weighting!r}, must be one of {', '.join(get_args(Weighting))}")
        check_stride(self.size, self.stride)
        check_tile(self.size, self.shape)
        if self.denoiser.hooks():
            names = ", ".join(type(hook).__name__ for hook in self.denoiser.hooks())
            raise ValueError(
                f"the denoiser changes the state between steps ({names}), which tiles that overlap cannot do each for "
                "itself; put the node that does it (MaskBlend, HybridInverse, ILVR) around Tile"
            )
        object.__setattr__(self, "shape", None)  # that of the denoiser is the tile's

    def ask(self, p: Point) -> Asking:
        size = self.size
        corners = self.corners(p.x.shape[-2], p.x.shape[-1])
        crops = [p.x[..., top : top + size, left : left + size] for top, left in corners]
        frames = [(*p.frame, ("tile", size, *corner)) for corner in corners]
        try:
            check_fits(self.denoiser, crops[0])
            parts = yield from gather(
                *(self.denoiser.ask(Point(x, p.t, p.step, f)) for x, f in zip(crops, frames, strict=True))
            )
        except ValueError as error:
            raise about_tiles(error) from error
        joined = self.joining(p.x, corners)
        variances = [part.variance for part in parts if part.variance is not None]
        known = len(variances) == len(parts)
        return Estimate(joined([part.noise for part in parts]), joined(variances) if known else None)

    def branches(self, p: Point) -> Iterable[Branch]:
        return ()  # what is said of a tile is no picture of the size of the whole

    def corners(self, height: int, width: int) -> list[Corner]:
        """Where tiles lie in a picture, row by row; ValueError when none fits."""
        check_room(self.size, height, width)
        return list(product(starts(height, self.size, self.stride), starts(width, self.size, self.stride)))

    def joining(self, x: Tensor, corners: list[Corner]) -> Callable[[Sequence[Tensor]], Tensor]:
        """What puts values of tiles together to a picture like `x`."""
        places = [(..., slice(top, top + self.size), slice(left, left + self.size)) for top, left in corners]
        height, width = x.shape[-2:]
        shares = tile_shares(self.size, self.weighting, tuple(corners), height, width, x.dtype, x.device)

        def joined(tiles: Sequence[Tensor]) -> Tensor:
            picture = torch.zeros_like(x)
            for place, share, tile in zip(places, shares, tiles, strict=True):
                picture[place] += share * tile
            return picture

        return joined


@lru_cache(maxsize=4)
def tile_shares(
    size: int,
    weighting: Weighting,
    corners: tuple[Corner, ...],
    height: int,
    width: int,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Tensor]:
    """How much each pixel of each tile counts in a picture of that size."""
    weights = tile_weights(size, weighting)
    places = [(slice(top, top + size), slice(left, left + size)) for top, left in corners]
    total = torch.zeros((height, width), dtype=torch.float64)
    for place in places:
        total[place] += weights
    return [(weights / total[place]).to(device, dtype) for place in places]


def about_tiles(error: ValueError) -> ValueError:
    """What the denoiser says of its pictures, which are tiles to whoever reads it."""
    text = str(error)
    return ValueError(f"the tiles are{text.removeprefix(THE_PICTURES)}") if text.startswith(THE_PICTURES) else error


def starts(length: int, size: int, stride: int) -> list[int]:
    """Where tiles begin along a side: every `stride` pixels, and flush with its end."""
    last = length - size
    return [*range(0, last, stride), last]


def tile_weights(size: int, weighting: Weighting) -> Tensor:
    """How much each pixel of a tile counts, (size, size), float64.

    The Gaussian has a standard deviation of a tenth of the side, as in Mixture of Diffusers; a factor does not matter.
    """
    if weighting == "uniform":
        return torch.ones((size, size), dtype=torch.float64)
    place = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) / size
    across = torch.exp(-0.5 * (place / 0.1) ** 2)
    return across[:, None] * across
