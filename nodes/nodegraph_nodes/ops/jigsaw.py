"""A jigsaw of four by four pieces, shuffled: its pieces are computed, for pictures of any size.

Every piece is a square with round knobs, which stand out of it on some sides and reach into it on others, never on two
sides that meet. The knobs are those of a quarter of the picture, turned round its middle four times. So there are four
shapes with four pieces each: corners, left and right edges, inner pieces. Pieces of a shape change places; turned to
fit where they come to lie, they fill the picture again without a gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nodegraph_nodes.ops.permutations import Cells, Rearrangement, numbered
from nodegraph_nodes.ops.view_rules import check_jigsaw

ROW = 4
"""Pieces in a row and in a column; they are counted row by row."""

SHAPES = ((0, 0), (0, 1), (0, 2), (1, 1))
"""The row and column of a piece of each shape; the other three are quarter turns of it."""

KNOBS = ((0, 0, "down"), (0, 1, "left"), (0, 1, "right"), (0, 2, "down"), (1, 1, "up"), (1, 1, "down"))
"""Where these have a knob that stands out."""

RADIUS, OUT = 0.18, 0.15
"""Of a knob, in sides of a piece: its radius, and how far its middle stands out."""

QUARTERS = (1, 1j, -1, -1j)
"""What turns a place in the complex plane by quarters counterclockwise."""


@dataclass(frozen=True)
class Jigsaw(Rearrangement):
    """The pieces of a jigsaw in other places, always the same for a seed. What four leave of the side stays."""

    seed: int = 0

    def cells(self, height: int, width: int) -> Cells:
        check_jigsaw(height, width)
        side = height // ROW
        first, last = (height - ROW * side) // 2, (height - ROW * side) // 2 + ROW * side
        piece, quarters = self.lying()
        owner = owners(side)

        # Places in the complex plane, in pixels, rows going down.
        along = torch.arange(ROW * side, dtype=torch.float64) + 0.5
        place = torch.complex(along.expand(len(along), -1), -along[:, None].expand(-1, len(along)))
        middles = torch.tensor([side * complex(i % ROW + 0.5, -(i // ROW + 0.5)) for i in range(ROW * ROW)])
        middles, back = middles.to(place), torch.tensor(QUARTERS).to(place)[-quarters % 4]
        came = middles[piece][owner] + (place - middles[owner]) * back[owner]
        rows, columns = (-came.imag - 0.5).round().long(), (came.real - 0.5).round().long()

        source = numbered(height, width)
        turn = torch.zeros_like(source)
        source[first:last, first:last] = (rows + first) * width + columns + first
        turn[first:last, first:last] = quarters[owner]
        return Cells(source, turn)

    def lying(self) -> tuple[Tensor, Tensor]:
        """Which piece lies in each place, and by how many quarters it is turned there."""
        piece = torch.zeros(ROW * ROW, dtype=torch.int64)
        quarters = torch.zeros_like(piece)
        generator = torch.Generator().manual_seed(self.seed)
        for shape in SHAPES:
            places = list(around(*shape))
            order = torch.randperm(len(places), generator=generator).tolist()
            for (here, turn), chosen in zip(places, order, strict=True):
                piece[here], before = places[chosen]
                quarters[here] = (turn - before) % 4
        return piece, quarters


def around(row: int, column: int) -> Iterator[tuple[int, int]]:
    """The pieces that one becomes by quarter turns of the whole, counterclockwise, and the number of turns."""
    for turns in range(4):
        yield row * ROW + column, turns
        row, column = ROW - 1 - column, row


def owners(side: int) -> Tensor:
    """Which piece each pixel belongs to, for pieces of that side in pixels."""
    along = torch.arange(ROW * side, dtype=torch.float64) + 0.5
    down, right = along[:, None], along[None, :]
    owner = (down // side * ROW + right // side).long()
    for row, column, direction in KNOBS:
        middle_down, middle_right = (row + 0.5) * side, (column + 0.5) * side
        out, aside = {
            "right": (right - (column + 1) * side, down - middle_down),
            "left": (column * side - right, down - middle_down),
            "up": (row * side - down, right - middle_right),
            "down": (down - (row + 1) * side, right - middle_right),
        }[direction]
        knob = (out - OUT * side) ** 2 + aside**2 < (RADIUS * side) ** 2
        for piece, turns in around(row, column):
            owner[knob.rot90(turns)] = piece
    return owner
