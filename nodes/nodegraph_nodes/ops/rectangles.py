"""Rectangles as numbers: what a mask of one holds along each side, and whether several are a whole. No torch."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from nodegraph_nodes.ops.agreements import PARTITION_TOLERANCE, unbalanced

ROUNDING = 1e-5
"""How much further off than a run allows a sum must be to be told here; a run adds up in less precision."""

MOST = 200_000
"""How many values are added up here at most."""


class Rectangle(NamedTuple):
    """A mask that is 1 inside a rectangle, or outside it where it is inverted."""

    columns: int
    rows: int
    left: int
    top: int
    width: int
    height: int
    feather: float
    inverted: bool = False


def band(side: int, start: int, length: int, feather: float) -> list[float]:
    """One dimension of a rectangle: 1 from `start` for `length` pixels; no edge on the border is feathered."""
    values = []
    for pixel in range(side):
        place, value = pixel + 0.5, 1.0
        if start > 0:
            value *= falling(place - start, feather)
        if start + length < side:
            value *= falling(start + length - place, feather)
        values.append(value)
    return values


def falling(inside: float, feather: float) -> float:
    """1 well inside an edge, 1/2 on it, 0 well outside; `inside` is the distance to it in pixels, negative outside."""
    if feather < 0:
        raise ValueError(f"feather is {feather}, must be 0 or more")
    return min(max(0.5 + inside / feather, 0.0), 1.0) if feather else float(inside >= 0)


def check_rectangles(rectangles: Sequence[Rectangle], rest: bool) -> None:
    """ValueError where masks of one size do not sum to 1, or, when something takes the rest, to more."""
    across = profiles([band(each.columns, each.left, each.width, each.feather) for each in rectangles])
    down = profiles([band(each.rows, each.top, each.height, each.feather) for each in rectangles])
    if len(across) * len(down) * len(rectangles) > MOST:
        return
    worst, found = PARTITION_TOLERANCE + ROUNDING, None
    for (high, row), (wide, column) in product(down.items(), across.items()):
        total = 0.0
        for each, a, b in zip(rectangles, high, wide, strict=True):
            total += 1 - a * b if each.inverted else a * b
        off = total - 1 if rest else abs(total - 1)
        if off > worst:
            worst, found = off, (total, column, row)
    if found is not None:
        raise unbalanced(*found, rest=rest)


def profiles(bands: list[list[float]]) -> dict[tuple[float, ...], int]:
    """What all masks hold in a column, or in a row, and the first one where they hold that."""
    found: dict[tuple[float, ...], int] = {}
    for place, values in enumerate(zip(*bands, strict=True)):
        found.setdefault(values, place)
    return found
