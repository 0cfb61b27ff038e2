"""Masks, (1, 1, H, W) in [0, 1]: where 1 is to be painted or belongs to the inside."""

from pathlib import Path

import torch
from torch import Tensor

from nodegraph_nodes.ops.pictures import read_picture
from nodegraph_nodes.ops.rectangles import band
from nodegraph_nodes.ops.sizes import check_rectangle


def rectangle(rows: int, columns: int, left: int, top: int, width: int, height: int, feather: float = 0) -> Tensor:
    """Return a mask of `rows` x `columns` pixels that is 1 inside the rectangle.

    Args:
        rows: height of the mask.
        columns: width of the mask.
        left: columns left of the rectangle.
        top: rows above it.
        width: its columns, at least 1.
        height: its rows, at least 1.
        feather: pixels over which 1 falls to 0, half of them outside; no side on the picture's border is feathered.

    Raises:
        ValueError: the rectangle is empty or reaches beyond the mask.
    """
    check_rectangle(left, top, width, height, columns, rows)
    down = torch.tensor(band(rows, top, height, feather), dtype=torch.float64)
    across = torch.tensor(band(columns, left, width, feather), dtype=torch.float64)
    return (down[:, None] * across[None, :]).float()[None, None]


def circle(rows: int, columns: int, x: float, y: float, radius: float, feather: float = 0) -> Tensor:
    """Return a mask of `rows` x `columns` pixels that is 1 inside the circle.

    Args:
        rows: height of the mask.
        columns: width of the mask.
        x: the centre in pixels from the left border; `y`: from the top.
        radius: in pixels, more than 0.
        feather: pixels over which 1 falls to 0, half of them outside.

    Raises:
        ValueError: the radius is not positive, or no pixel lies inside.
    """
    if not radius > 0:
        raise ValueError(f"radius is {radius}, must be more than 0")
    down = torch.arange(rows, dtype=torch.float64)[:, None] + 0.5 - y
    across = torch.arange(columns, dtype=torch.float64)[None, :] + 0.5 - x
    values = falling(radius - torch.hypot(down, across), feather)
    if not values.any():
        raise ValueError(
            f"no pixel of the {columns} x {rows} mask lies in the circle at {x:g}, {y:g} of radius {radius:g}"
        )
    return values.float()[None, None]


def falling(inside: Tensor, feather: float) -> Tensor:
    """1 well inside an edge, 1/2 on it, 0 well outside; `inside` is the distance to it in pixels, negative outside."""
    if feather < 0:
        raise ValueError(f"feather is {feather}, must be 0 or more")
    return (0.5 + inside / feather).clamp(0, 1) if feather else (inside >= 0).double()


def invert(values: Tensor) -> Tensor:
    """Swap inside and outside."""
    return 1 - values


def read_mask(path: str | Path, size: int = 0, *, fit: str = "crop") -> Tensor:
    """Read a picture file as a mask: white is 1, black and transparent 0, grey in between.

    Args and errors as those of `read_picture`; padding is 0.
    """
    return (read_picture(path, size, "grey", fit=fit, background="black") + 1) / 2
