"""Regions: several denoisers in one picture, each where its mask says."""

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from nodegraph_nodes.ops.agreements import PARTITION_TOLERANCE, check_regions, unbalanced
from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.denoisers import Composition, check_mask, mask_for
from nodegraph_nodes.ops.evaluation import gather
from nodegraph_nodes.ops.sizes import check_size
from nodegraph_nodes.types import Asking, Denoiser, Estimate, Point


@dataclass(frozen=True, eq=False)
class Regions(Composition):
    """`sum m_i d_i`, with masks that sum to 1 everywhere. So is the learned variance.

    Args:
        masks: one for each denoiser, (B or 1, 1, H, W) in [0, 1], of the size of the pictures, or on latents of any one
            size; or one fewer, so that the last denoiser has what the others leave.

    Source: Bar-Tal et al. 2023 (MultiDiffusion), section 4.2.
    """

    denoisers: tuple[Denoiser, ...]
    masks: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        parts, masks = len(self.denoisers), len(self.masks)
        check_regions(parts, masks)
        super().__post_init__()
        rows = max(map(len, self.masks))
        for i, mask in enumerate(self.masks):
            check_mask(mask, f"masks[{i}]")
            check_size(mask.shape[-2:], f"masks[{i}]", self.masks[0].shape[-2:], "masks[0]")
            if len(mask) not in (1, rows):
                raise ValueError(f"masks[{i}] has {len(mask)} rows, must be 1 or {rows} as the others")
        if self.shape is not None and self.space == "pixels":
            check_size(self.masks[0].shape[-2:], "masks[0]", self.shape[1:])
        check_partition(self.masks, rest=masks < parts)

    def ask(self, p: Point) -> Asking:
        masks = [mask_for(placed(self, mask, p.x), p.x, self.space) for mask in self.masks]
        if len(masks) < len(self.denoisers):
            masks.append(1 - reduce(Tensor.add, masks))
        parts = yield from gather(*(denoiser.ask(p) for denoiser in self.denoisers))
        noise = reduce(Tensor.add, (m * part.noise for m, part in zip(masks, parts, strict=True)))
        if any(part.variance is None for part in parts):
            return Estimate(noise)
        return Estimate(noise, reduce(Tensor.add, (m * part.variance for m, part in zip(masks, parts, strict=True))))


def check_partition(masks: tuple[Tensor, ...], rest: bool) -> None:
    """ValueError where masks do not sum to 1, or, when something takes the rest, to more."""
    total = reduce(Tensor.add, (mask.double() for mask in masks))
    off = total - 1 if rest else (total - 1).abs()
    if float(off.max()) > PARTITION_TOLERANCE:
        row, _, y, x = (int(index) for index in torch.unravel_index(off.argmax(), off.shape))
        raise unbalanced(float(total[row, 0, y, x]), x, y, rest=rest, picture=row if len(off) > 1 else None)
