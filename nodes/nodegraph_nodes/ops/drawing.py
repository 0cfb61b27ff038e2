"""Sheets: many pictures on one, in rows, with captions below the tiles and headings above the rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from nodegraph_nodes.ops import lettering

BACKGROUNDS = {"white": 1.0, "black": -1.0, "grey": 0.0}
"""The value of the background in [-1, 1], by name."""

INKS = {"white": -0.75, "black": 0.85, "grey": -1.0}
"""The value of the letters, by the background they stand on."""

COMFORTABLE_TILE = 112
"""Pixels a side that a small picture is enlarged to, about."""

NARROWEST_CAPTION = 72
WIDEST_SHEET = 2000
LONGEST_ROW = 12


@dataclass(frozen=True)
class _Row:
    """Which tiles stand side by side, and what is written above (a line each) and below (lines for each tile)."""

    tiles: range
    heading: list[str]
    captions: list[list[str]]


def sheet(
    pictures: Sequence[Tensor],
    columns: int = 0,
    captions: Sequence[str] = (),
    *,
    headings: Sequence[str] = (),
    scale: int = 0,
    gap: int = 8,
    background: str = "white",
) -> Tensor:
    """Lay out pictures in rows, from left to right and from top to bottom, as pixels (1, C, H, W).

    Pictures of different sizes stand in the middle of equal cells. The sheet is grey where all pictures are.

    Args:
        pictures: each (B, C, H, W) in [-1, 1], C 1 (grey) or 3 (RGB); every picture of a batch becomes a tile.
        columns: tiles a row; 0: a row for each batch if all have the same length, else as square as divides well.
        captions: a text below each tile, or none at all; "" leaves a tile without.
        headings: a text above each batch, which then begins a new row; or none at all.
        scale: whole factor by which tiles are enlarged without smoothing; 0: small ones to about 112 pixels.
        gap: pixels between tiles and around them.
        background: "white", "black" or "grey".

    Raises:
        ValueError: there is no picture, one is no picture, captions or headings are too few or too many, or the sheet
            would be larger than what is read again.
    """
    tiles = [tile for batch in pictures for tile in as_batch(batch)]
    if not tiles:
        raise ValueError("there is no picture to lay out, must be at least one")
    if background not in BACKGROUNDS:
        raise ValueError(f"background is {background!r}, must be one of {', '.join(BACKGROUNDS)}")
    if captions and len(captions) != len(tiles):
        raise ValueError(f"captions are {len(captions)}, must be {len(tiles)}, one for each picture")
    if headings and len(headings) != len(pictures):
        raise ValueError(f"headings are {len(headings)}, must be {len(pictures)}, one for each batch")

    batches = [len(batch) for batch in pictures]
    columns = min(columns or fitting_columns(batches, apart=bool(headings)), len(tiles))
    tallest, widest = (max(tile.shape[axis] for tile in tiles) for axis in (-2, -1))
    scale = scale or fitting_scale(max(tallest, widest), columns * widest)
    height, width = tallest * scale, widest * scale
    if any(captions):
        width = max(width, NARROWEST_CAPTION)

    letters = lettering.font(min(28, max(13, width // 14)))
    across = columns * width + (columns - 1) * gap
    rows = [
        _Row(
            tiles=span,
            heading=lettering.wrapped(heading, letters, across),
            captions=[lettering.wrapped(captions[index], letters, width + gap // 2) for index in span if captions],
        )
        for heading, span in row_spans(batches, columns, headings)
    ]
    return _painted(tiles, rows, (height, width), scale, gap, letters, background)


def _painted(
    tiles: Sequence[Tensor],
    rows: Sequence[_Row],
    cell: tuple[int, int],
    scale: int,
    gap: int,
    letters: ImageFont.FreeTypeFont,
    background: str,
) -> Tensor:
    """Put the tiles in cells of that height and width, and the texts around them."""
    height, width = cell
    line, space = lettering.line_height(letters), int(letters.size) // 4
    above = [
        line * len(row.heading) + space + (gap if number else 0) if row.heading else 0
        for number, row in enumerate(rows)
    ]
    below = [line * max(map(len, row.captions), default=0) + (space if any(row.captions) else 0) for row in rows]
    columns = max(len(row.tiles) for row in rows)
    shape = (sum(above) + sum(below) + len(rows) * (height + gap) + gap, columns * (width + gap) + gap)
    most = Image.MAX_IMAGE_PIXELS
    if most and shape[0] * shape[1] > most:
        raise ValueError(
            f"the sheet would be {shape[1]} x {shape[0]}, must have at most {most:,} pixels; "
            "choose a smaller scale or fewer pictures"
        )

    canvas = torch.full((max(tile.shape[0] for tile in tiles), *shape), BACKGROUNDS[background])
    writing = Image.new("L", (shape[1], shape[0]))
    pen = ImageDraw.Draw(writing)
    top = gap
    for row, head, foot in zip(rows, above, below, strict=True):
        top += head
        for number, text in enumerate(reversed(row.heading), start=1):
            pen.text((gap, top - space - number * line), text, fill=255, font=letters, anchor="la")
        for column, index in enumerate(row.tiles):
            left = gap + column * (width + gap)
            put(canvas, tiles[index], top, left, height, width, scale)
            for number, text in enumerate(row.captions[column] if row.captions else []):
                place = (left + width / 2, top + height + space + number * line)
                pen.text(place, text, fill=255, font=letters, anchor="ma")
        top += height + foot + gap
    strength = torch.from_numpy(np.asarray(writing, dtype=np.float32) / 255)
    return torch.lerp(canvas, torch.full_like(canvas, INKS[background]), strength)[None]


def as_batch(pixels: Tensor) -> Tensor:
    """Return `pixels` as float32 on the CPU, having seen that they are pictures: (B, C, H, W), C 1 or 3, not empty."""
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(
            f"a picture has the shape {list(pixels.shape)}, must be (B, C, H, W) with C 1 (grey) or 3 (RGB)"
        )
    return pixels.detach().to("cpu", torch.float32)


def put(canvas: Tensor, tile: Tensor, top: int, left: int, height: int, width: int, scale: int) -> None:
    """Write an enlarged tile into the middle of the cell at `top`, `left` of the canvas."""
    large = tile.repeat_interleave(scale, dim=-2).repeat_interleave(scale, dim=-1)
    top += (height - large.shape[-2]) // 2
    left += (width - large.shape[-1]) // 2
    canvas[:, top : top + large.shape[-2], left : left + large.shape[-1]] = large


def row_spans(batches: Sequence[int], columns: int, headings: Sequence[str]) -> list[tuple[str, range]]:
    """Which tiles make up each row, with the heading above it or ""."""
    if not headings:
        return [("", span) for span in spans(0, sum(batches), columns)]
    starts = [sum(batches[:index]) for index in range(len(batches))]
    return [
        (heading if number == 0 else "", span)
        for heading, start, count in zip(headings, starts, batches, strict=True)
        for number, span in enumerate(spans(start, start + count, columns))
    ]


def spans(start: int, end: int, length: int) -> list[range]:
    """Cut start to end into ranges of at most `length`."""
    return [range(first, min(first + length, end)) for first in range(start, end, length)]


def fitting_columns(batches: Sequence[int], *, apart: bool = False) -> int:
    """How many tiles a row should have.

    Args:
        batches: lengths of the batches.
        apart: whether each batch begins a new row.
    """
    longest, total = max(batches), sum(batches)
    if (apart or (len(batches) > 1 and longest > 1 and min(batches) == longest)) and longest <= LONGEST_ROW:
        return longest
    count = longest if apart else total
    if count <= 5:
        return count
    square = math.isqrt(count - 1) + 1
    return next((columns for columns in range(square, 2 * square - 1) if count % columns == 0), square)


def fitting_scale(side: int, across: int) -> int:
    """The whole factor that brings `side` near a comfortable size, unless `across` pixels grew too wide for a sheet."""
    return max(1, min(round(COMFORTABLE_TILE / side), WIDEST_SHEET // across))
