"""Where a new node goes that the cursor says nothing of: beside another one, or in sight, and over nothing.

All corners are on the grid.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from .canvases import GRID, Point, Rect, Size

__all__ = ["beside", "in_sight"]

GAP = 3 * GRID
APART = GRID  # at least, between a new node and what is there


def beside(size: Size, other: Rect, taken: Iterable[Rect], side: Literal["right", "left"] = "right") -> Point:
    """The corner of a rectangle at the right or left of another, as high as that, or at the next free place below."""
    x = up(other.right + GAP) if side == "right" else down(other.x - GAP - size[0])
    rect = Rect(x, down(other.y), *size)
    near = sorted((each for each in taken if covers(rect._replace(y=each.y, height=each.height), each)), key=top)
    for each in near:  # from above down: what was passed is never come back to
        if covers(rect, each):
            rect = rect._replace(y=up(each.bottom + APART))
    return rect.x, rect.y


def in_sight(size: Size, view: Rect, taken: Sequence[Rect]) -> Point:
    """The corner of a rectangle in the middle of the view, or at the free place in sight that is nearest to it.

    Where nothing in sight is free it comes to the right of everything.
    """
    middle = Rect(down(view.x + (view.width - size[0]) / 2), down(view.y + (view.height - size[1]) / 2), *size)
    if is_free(middle, taken):
        return middle.x, middle.y
    for rect in sorted(around(taken, size), key=lambda rect: distance(rect, middle)):
        within = rect.x >= view.x and rect.right <= view.right and rect.y >= view.y and rect.bottom <= view.bottom
        if within and is_free(rect, taken):
            return rect.x, rect.y
    return up(max(rect.right for rect in taken) + GAP), middle.y


def around(taken: Iterable[Rect], size: Size) -> Iterable[Rect]:
    """The places right beside, below, above and left of each rectangle."""
    width, height = size
    for rect in taken:
        yield Rect(up(rect.right + GAP), down(rect.y), width, height)
        yield Rect(down(rect.x), up(rect.bottom + GAP), width, height)
        yield Rect(down(rect.x), down(rect.y - GAP - height), width, height)
        yield Rect(down(rect.x - GAP - width), down(rect.y), width, height)


def is_free(rect: Rect, taken: Iterable[Rect]) -> bool:
    return not any(covers(rect, each) for each in taken)


def covers(rect: Rect, other: Rect) -> bool:
    """Whether two rectangles lie over each other or too close together."""
    wide = Rect(other.x - APART, other.y - APART, other.width + 2 * APART, other.height + 2 * APART)
    return rect.overlaps(wide)


def distance(rect: Rect, other: Rect) -> float:
    return abs(rect.x - other.x) + abs(rect.y - other.y)


def top(rect: Rect) -> float:
    return rect.y


def up(value: float) -> float:
    return -(-value // GRID) * GRID


def down(value: float) -> float:
    return value // GRID * GRID
