"""Where a number lies on a slider, by arithmetic: evenly, or by powers of ten where a range spans decades.

No Qt here. A scale never decides what is legal: a number outside has a place at the end, and stays the number it is.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..catalogues import Port

__all__ = ["Scale", "is_number", "number_text", "scale_of"]

DECADES = 100.0  # how many times its lowest number the highest of a range is, for it to be dragged by powers of ten


@dataclass(frozen=True)
class Scale:
    """A range of numbers along a line from 0 to 1.

    Attributes:
        low, high: what can be dragged to; both are legal.
        step: what one press of an arrow key adds; on a logarithmic scale, at the number 1.
        whole: only whole numbers.
        logarithmic: equal ways are equal factors.
    """

    low: float
    high: float
    step: float
    whole: bool = False
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a number lies, from 0 to 1."""
        if not value > self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, share: float, *, fine: bool = False) -> int | float:
        """The number at a place, rounded to what a hand can mean there."""
        share = min(1.0, max(0.0, share))
        if share in (0.0, 1.0):
            return self.rounded(self.high if share else self.low, fine)
        if self.logarithmic:
            return self.rounded(self.low * (self.high / self.low) ** share, fine)
        return self.rounded(self.low + share * (self.high - self.low), fine)

    def moved(self, value: float, way: float, *, fine: bool = False) -> int | float:
        """The number that lies a share of the scale further than another."""
        return self.at(self.share(value) + way * (0.1 if fine else 1.0), fine=fine)

    def stepped(self, value: float, steps: int, *, fine: bool = False) -> int | float:
        """The number some presses of an arrow key away; inside the range."""
        if self.whole:
            return self.rounded(value + steps * max(1, round(self.step)), fine)
        unit = self.unit(value) * (0.1 if fine else 1.0)
        return self.rounded(value + steps * unit, fine)

    def unit(self, value: float) -> float:
        """What one step adds to a number."""
        if not self.logarithmic or value <= 0:
            return self.step
        return 10.0 ** (math.floor(math.log10(value) + 1e-9) - 1)

    def rounded(self, value: float, fine: bool = False) -> int | float:
        """The nearest number of few digits, inside the range."""
        if self.whole:
            return int(min(self.high, max(self.low, round(value))))  # the ends are whole
        unit = self.unit(value) * (0.1 if fine else 1.0)
        digits = max(0, -math.floor(math.log10(unit)))
        nearest = round(round(value / unit) * unit, digits)
        return float(min(self.high, max(self.low, nearest)))


def scale_of(port: Port) -> Scale | None:
    """The scale of an input of numbers that has a range with two ends; None for any other."""
    if port.is_list or port.choices is not None or port.type not in ("int", "float"):
        return None
    whole, said = port.type == "int", port.schema
    low, high = port.minimum, port.maximum
    above, below = said.get("exclusiveMinimum"), said.get("exclusiveMaximum")
    if (low is None and above is None) or (high is None and below is None):
        return None
    start, end = number(low, above), number(high, below)
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        return None
    asked = said.get("scale")
    if whole:  # as whole numbers, since 2**63 - 1 is no float
        start = int(low) if low is not None else int(above or 0) + 1
        end = int(high) if high is not None else int(below or 0) - 1
        logarithmic = start > 0 and (asked == "log" or (asked is None and end / start >= DECADES))
        return Scale(start, end, 1, True, logarithmic) if start < end else None
    step = 10.0 ** (math.floor(math.log10((end - start) / 100) + 1e-9))
    if start == 0 and low is None:  # more than 0: as low as a hundredth of what is usual
        usual = port.default if is_number(port.default) and port.default > 0 else end / 10
        lowest = 10.0 ** math.floor(math.log10(min(usual, end) / 100) + 1e-9)
        logarithmic = asked == "log" or (asked is None and end / usual >= DECADES)
        return Scale(lowest if logarithmic else step, end - (step if high is None else 0), step, False, logarithmic)
    start += step if low is None else 0
    end -= step if high is None else 0
    logarithmic = start > 0 and (asked == "log" or (asked is None and end / start >= DECADES))
    return Scale(start, end, step, False, logarithmic)


def number(inside: float | None, outside: Any) -> float:
    """The end of a range, whether or not it is a number of the range itself."""
    return float(outside if inside is None else inside)


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be drawn on a line; true is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can be
        return False


def number_text(value: Any) -> str:
    """A value as it is typed: 3 stays 3 and 3.0 stays 3.0; what is no number is shown as it is."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return repr(value).replace("True", "true").replace("False", "false") if isinstance(value, bool) else repr(value)
    except ValueError:  # a whole number of thousands of digits has no text
        return "a huge number"
