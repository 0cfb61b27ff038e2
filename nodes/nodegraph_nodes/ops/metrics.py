"""How much two pictures differ, as numbers."""

import torch
from torch import Tensor

from nodegraph_nodes.ops.words import count


def psnr(pixels: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each picture in decibels, (B,), float64; infinite where they are equal.

    The values are compared as they are, also those outside [-1, 1].

    Args:
        pixels: (B, C, H, W) with a range of 2.
        reference: what they should be; (B or 1, C, H, W).
    """
    if pixels.ndim != 4 or pixels.shape[1:] != reference.shape[1:] or len(reference) not in (1, len(pixels)):
        raise ValueError(
            f"reference is {shape(reference)}, must be like what it is compared with, {shape(pixels)}, or one for all"
        )
    error = (pixels.double() - reference.double()).square().mean((1, 2, 3))
    return 10 * torch.log10(4 / error)


def shape(pixels: Tensor) -> str:
    """The shape as read: `3 pictures of 28 x 28, grey`."""
    if pixels.ndim != 4:
        return f"a tensor of shape {list(pixels.shape)}"
    number, channels, height, width = pixels.shape
    colour = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return f"{count(number, 'picture')} of {width} x {height}, {colour}"
