"""The plot of a training's loss, drawn with Pillow: each step faintly, and the running mean on top."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, from_numpy

from nodegraph_nodes.ops import lettering
from nodegraph_nodes.ops.pictures import from_bytes

Point = tuple[float, float]

PAPER, GRID, FRAME, INK = (255, 255, 255), (232, 235, 240), (150, 156, 166), (45, 50, 60)
EACH, MEAN = (176, 203, 240), (28, 92, 184)
FINE = 4
"""Lines are drawn this much larger and shrunk, so that their edges are smooth."""


class _Axis:
    """Where values lie on a line of pixels from `start` to `end`, and which of them are labelled."""

    def __init__(self, low: float, high: float, start: float, end: float, *, logarithmic: bool = False) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end
        self.logarithmic = logarithmic

    def place(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """At most about `most` round values, from the lowest up."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
                ticks = [digit * 10.0**decade for decade in decades for digit in digits]
                ticks = [tick for tick in ticks if self.low <= tick <= self.high]
                if len(ticks) <= most:
                    break
            if len(ticks) >= 3:
                return ticks
        step = round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def plot_losses(
    values: Sequence[float],
    per_epoch: int = 0,
    *,
    logarithmic: bool = True,
    title: str = "Training loss",
    width: int = 900,
    height: int = 520,
) -> Tensor:
    """Draw a loss against the epochs, as pixels (1, 3, height, width).

    Args:
        values: the loss of each step, finite, and more than 0 where the scale is logarithmic.
        per_epoch: steps an epoch; 0 draws against steps.
        logarithmic: whether equal ratios, rather than equal differences, have equal heights.
        title: what stands above.
        width: at least 240.
        height: at least 160.
    """
    losses = np.asarray(values, dtype=np.float64)
    if losses.ndim != 1 or not len(losses):
        raise ValueError("there is no loss to draw, must be at least one step")
    if not np.isfinite(losses).all():
        raise ValueError(f"the loss of step {int(np.argmin(np.isfinite(losses))) + 1} is no finite number")
    if logarithmic and losses.min() <= 0:
        raise ValueError(f"the lowest loss is {losses.min():g}, must be more than 0 on a logarithmic scale")
    if width < 240 or height < 160:
        raise ValueError(f"the plot is {width} x {height}, must be at least 240 x 160")

    steps = np.arange(1, len(losses) + 1) / (per_epoch or 1)
    window = smoothing_window(len(losses))
    means = running_mean(losses, window)
    letters, heading = lettering.font(13), lettering.font(16)
    left, top, right, bottom = 64, 46, width - 74, height - 48
    across = _Axis(0, float(steps[-1]), left, right)
    up = _Axis(*value_range(losses, means, logarithmic=logarithmic), bottom, top, logarithmic=logarithmic)
    ticks_up = up.ticks(max(3, (bottom - top) // 55))
    ticks_across = across.ticks(max(3, (right - left) // 70))
    if not per_epoch or steps[-1] >= 2:
        ticks_across = [tick for tick in ticks_across if tick == round(tick)]

    large = Image.new("RGB", (width * FINE, height * FINE), PAPER)
    pen = ImageDraw.Draw(large)
    for tick in ticks_up:
        line(pen, [(left, up.place(tick)), (right, up.place(tick))], GRID, 1)
    for tick in ticks_across:
        line(pen, [(across.place(tick), top), (across.place(tick), bottom)], GRID, 1)
    if window > 1:
        line(pen, curve(steps, losses, across, up, right - left), EACH, 1)
    line(pen, curve(steps, means, across, up, right - left), MEAN, 2.25)
    line(pen, [(left, top), (left, bottom), (right, bottom)], FRAME, 1)
    end = (across.place(float(steps[-1])), up.place(float(means[-1])))
    dot(pen, end, 3.5, MEAN)
    picture = large.reduce(FINE)

    pen = ImageDraw.Draw(picture)
    pen.text((left, 14), title, fill=INK, font=heading, anchor="la")
    for tick in ticks_up:
        pen.text((left - 8, up.place(tick)), number(tick, ticks_up), fill=INK, font=letters, anchor="rm")
    for tick in ticks_across:
        pen.text((across.place(tick), bottom + 7), number(tick, ticks_across), fill=INK, font=letters, anchor="ma")
    pen.text(((left + right) / 2, height - 8), "epoch" if per_epoch else "step", fill=INK, font=letters, anchor="mb")
    pen.text((end[0] + 9, end[1]), f"{means[-1]:.3g}", fill=MEAN, font=letters, anchor="lm")
    legend(pen, right, 24, window, letters)
    return from_bytes(from_numpy(np.array(picture).transpose(2, 0, 1)))


def smoothing_window(count: int) -> int:
    """How many steps the running mean takes together: an odd number near a fiftieth, 5 or more; 1 for short curves."""
    return max(5, 2 * (count // 100) + 1) if count >= 20 else 1


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the `window` values around each; at the end, of those that there are, so that it ends steadily.

    At the beginning as many are taken on both sides, since a loss falls steeply there.
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    reach = np.minimum(place, window // 2)
    first, last = place - reach, np.minimum(place + reach + 1, len(values))
    means: np.ndarray = (sums[last] - sums[first]) / (last - first)
    return means


def value_range(losses: np.ndarray, means: np.ndarray, *, logarithmic: bool) -> tuple[float, float]:
    """The lowest and highest value of the plot: all means, and all single steps but a few in a thousand."""
    low = min(float(np.quantile(losses, 0.001)), float(means.min()))
    high = max(float(np.quantile(losses, 0.999)), float(means.max()))
    if logarithmic:
        margin = max((high / low) ** 0.04, 1.02)
        return low / margin, high * margin
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return (0.0 if 0 <= low < 0.5 * high else low - margin), high + margin


def curve(x: np.ndarray, y: np.ndarray, across: _Axis, up: _Axis, columns: int) -> list[Point]:
    """The points of a curve in pixels; where many steps share a column, its lowest and highest stand for them."""
    y = np.clip(y, up.low, up.high)
    if len(y) > 4 * columns:
        edges = np.linspace(0, len(y), 2 * columns + 1).astype(int)[:-1]
        x = np.repeat(x[edges], 2)
        y = np.stack([np.minimum.reduceat(y, edges), np.maximum.reduceat(y, edges)], axis=1).ravel()
    return [(across.place(float(a)), up.place(float(b))) for a, b in zip(x, y, strict=True)]


def line(pen: ImageDraw.ImageDraw, points: list[Point], colour: tuple[int, int, int], width: float) -> None:
    """Draw a line through points given in pixels of the finished picture."""
    pen.line([(x * FINE, y * FINE) for x, y in points], fill=colour, width=round(width * FINE), joint="curve")


def dot(pen: ImageDraw.ImageDraw, centre: Point, radius: float, colour: tuple[int, int, int]) -> None:
    """Draw a disc around a point given in pixels of the finished picture."""
    x, y = centre
    pen.ellipse([(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE], fill=colour)


def legend(pen: ImageDraw.ImageDraw, right: float, middle: float, window: int, letters: ImageFont.FreeTypeFont) -> None:
    """Name the lines, from the right border towards the left."""
    names = [(f"mean of {window} steps", MEAN, 3), ("each step", EACH, 2)] if window > 1 else [("each step", MEAN, 3)]
    for text, colour, thickness in names:
        pen.text((right, middle), text, fill=INK, font=letters, anchor="rm")
        right -= letters.getlength(text) + 8
        pen.line([(right - 22, middle), (right, middle)], fill=colour, width=thickness)
        right -= 22 + 20


def round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))


def number(value: float, among: Sequence[float]) -> str:
    """A tick's label, with as many decimals as its neighbours need."""
    if value == 0:
        return "0"
    if max(map(abs, among)) >= 1e6 or 0 < min(abs(tick) for tick in among if tick) < 1e-5:
        return f"{value:.3g}"
    return f"{value:.10f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.6g}"
