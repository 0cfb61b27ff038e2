"""Sizes and frames: resizing, cropping and padding a batch of pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor

FILTERS = ("bicubic", "bilinear", "area", "nearest")
EDGES = ("constant", "reflect", "replicate")


def resize(x: Tensor, height: int, width: int, filter: str = "bicubic") -> Tensor:
    """Return `x` (B, C, H, W) with `height` x `width` pixels.

    Args:
        x: pictures of any float type.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.
        filter: "bicubic" and "bilinear" are antialiased where they shrink; "area" takes means; "nearest" copies.
            What bicubic overshoots beyond a picture's own values is cut.
    """
    if filter not in FILTERS:
        raise ValueError(f"filter is {filter!r}, must be one of {', '.join(FILTERS)}")
    if height < 1 or width < 1:
        raise ValueError(f"size is {width} x {height}, must be at least 1 x 1")
    if (height, width) == tuple(x.shape[-2:]):
        return x.clone()
    if filter == "nearest":
        return F.interpolate(x, (height, width), mode="nearest-exact")
    if filter == "area":
        return F.interpolate(x, (height, width), mode="area")
    resized = F.interpolate(x, (height, width), mode=filter, align_corners=False, antialias=True)
    return torch.clamp(resized, x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True))


def crop(x: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    """Cut the rectangle out of `x` (B, C, H, W); one that reaches beyond the picture is an error."""
    for name, start, length, side in (("width", left, width, x.shape[-1]), ("height", top, height, x.shape[-2])):
        edge = "left" if name == "width" else "top"
        if start < 0 or length < 1 or start + length > side:
            raise ValueError(f"{edge} is {start} and {name} {length}, must lie within the picture's {name} of {side}")
    return x[..., top : top + height, left : left + width].clone()


def pad(
    x: Tensor, left: int, top: int, right: int, bottom: int, *, edge: str = "constant", value: float = 0.0
) -> Tensor:
    """Add pixels around `x` (B, C, H, W).

    Args:
        x: pictures.
        left: pixels to add on the left; so `top`, `right`, `bottom`. 0 or more.
        edge: "constant" (`value`), "reflect" (mirrored, without repeating the border) or "replicate" (the border).
        value: what is added when `edge` is constant.
    """
    if edge not in EDGES:
        raise ValueError(f"edge is {edge!r}, must be one of {', '.join(EDGES)}")
    if min(left, top, right, bottom) < 0:
        raise ValueError(
            f"padding is {left}, {top}, {right}, {bottom}, must be 0 or more; use Crop to take pixels away"
        )
    if edge == "constant":
        return F.pad(x, (left, right, top, bottom), value=value)
    for most, side, name in ((max(left, right), x.shape[-1], "width"), (max(top, bottom), x.shape[-2], "height")):
        if edge == "reflect" and most >= side:
            raise ValueError(f"padding is {most}, must be less than the picture's {name} of {side} to be reflected")
    return F.pad(x, (left, right, top, bottom), mode=edge)
