"""The axes of curves: whole steps below, and values at the left that are told apart on a logarithmic axis too."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyqtgraph

__all__ = ["StepAxis", "ValueAxis", "log_ticks"]

WIDTH = 52  # pixels, of labels such as 0.00025
APART = 22  # pixels from one label to the next
MANTISSAS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), tuple(at / 10 for at in range(10, 100)))


class StepAxis(pyqtgraph.AxisItem):  # type: ignore[misc]
    """Labels whole numbers alone: there is no half step."""

    def tickSpacing(self, least: float, most: float, size: float) -> list[tuple[float, float]]:
        whole = [(gap, offset) for gap, offset in super().tickSpacing(least, most, size) if gap >= 1]
        return whole or [(1, 0)]


class ValueAxis(pyqtgraph.AxisItem):  # type: ignore[misc]
    """As wide as its labels; where it is logarithmic, with as many round numbers as there is room for."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)
        self.setWidth(WIDTH)

    def tickValues(self, least: float, most: float, size: float) -> list[tuple[Any, list[float]]]:
        if not self.logMode:
            found: list[tuple[Any, list[float]]] = super().tickValues(least, most, size)
            return found
        return [(None, log_ticks(min(least, most), max(least, most), size))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float | None) -> list[str]:
        if not self.logMode:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        return [f"{10**value:.3g}" for value in values]


def log_ticks(least: float, most: float, size: float) -> list[float]:
    """Decimal logarithms of round numbers between two, no nearer than can be read on `size` pixels; the most of them.

    Of decades that are too near each other, every second is left out, or more.
    """
    best: list[float] = []
    if most <= least:
        return best
    near = APART * (most - least) / max(size, 1.0)
    decades = range(math.floor(least), math.ceil(most) + 1)
    for mantissas in MANTISSAS:
        apart = max(1, math.ceil(near)) if mantissas == (1,) else 1
        every = [at + math.log10(each) for at in decades if at % apart == 0 for each in mantissas]
        found = [value for value in every if least <= value <= most]
        if mantissas is MANTISSAS[-1] and len(best) < 2:  # a narrow range, of which some numbers have to do
            found = thinned(found, near)
        if len(found) > len(best) and all(b - a >= near for a, b in pairwise(found)):
            best = found
    return best


def thinned(values: Sequence[float], near: float) -> list[float]:
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] >= near:
            kept.append(value)
    return kept
