"""Layers as stacks of boxes: their order by barycentres, their heights so that wires are straight and nothing overlaps.

A wire over several layers gets an empty box in each that it passes, a lane in which no node lies.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Box", "Wire", "stacked"]

GAP = 40.0
SWEEPS = 8
SETTLING = 12
MOST_LANES = 2000
LANE_WEIGHT = 30.0  # of a lane past one node, beside the node: a longer one is crossed somewhere anyway
TIE_WEIGHT = 3.0  # of a wire in a lane, beside one between neighbours


@dataclass(eq=False)
class Box:
    """A node, or a lane that keeps room for a wire.

    Attributes:
        y: its top.
        weight: how much its place matters: a node moves aside for a straight wire past it.
        before: where wires come from: the other box, and how far below the tops of this and of that one they end.
        after: where wires lead to, likewise.
    """

    layer: int
    height: float
    y: float = 0.0
    weight: float = 1.0
    before: list["Tie"] = field(default_factory=list)
    after: list["Tie"] = field(default_factory=list)


Tie: TypeAlias = tuple[Box, float, float]


@dataclass(frozen=True)
class Wire:
    """A wire between two boxes, and how far below their tops it starts and ends.

    Wires of equal `key` start at one output and share their lanes.
    """

    source: Box
    target: Box
    start: float
    end: float
    key: tuple[str, str]


def stacked(boxes: Sequence[Box], wires: Sequence[Wire]) -> None:
    """Set `y` of each box: no two of a layer overlap, and there are few crossings."""
    count = max((box.layer for box in boxes), default=-1) + 1
    layers: list[list[Box]] = [[] for _ in range(count)]
    for box in boxes:
        layers[box.layer].append(box)
    link(layers, wires)
    for layer in layers:
        place(layer, [0.0] * len(layer))
    best, least = [list(layer) for layer in layers], crossings(layers)
    for sweep in range(SWEEPS):
        if not least:
            break
        forwards = sweep % 2 == 0
        for layer in layers if forwards else reversed(layers):
            wanted = [wish(box, box.before if forwards else box.after) for box in layer]
            order = sorted(range(len(layer)), key=wanted.__getitem__)
            layer[:] = [layer[at] for at in order]
            place(layer, [wanted[at] for at in order])
        found = crossings(layers)
        if found < least:
            best, least = [list(layer) for layer in layers], found
    for _ in range(SETTLING):
        for layer in best:
            place(layer, [wish(box, [*box.before, *box.after]) for box in layer])
        for layer in reversed(best):
            place(layer, [wish(box, [*box.before, *box.after]) for box in layer])


def link(layers: list[list[Box]], wires: Sequence[Wire]) -> None:
    """Tie the boxes together, over lanes where a wire passes layers and there are not too many of them."""
    spans: dict[tuple[str, str], int] = {}
    for wire in wires:
        spans[wire.key] = max(spans.get(wire.key, 0), wire.target.layer - wire.source.layer - 1)
    with_lanes = sum(spans.values()) <= MOST_LANES
    lanes: dict[tuple[tuple[str, str], int], Box] = {}
    for wire in wires:
        box, start = wire.source, wire.start
        for layer in range(box.layer + 1, wire.target.layer) if with_lanes else ():
            lane = lanes.get((wire.key, layer))
            if lane is None:
                lane = lanes[wire.key, layer] = Box(layer, 0.0, weight=LANE_WEIGHT if spans[wire.key] == 1 else 1.0)
                layers[layer].append(lane)
                tie(box, lane, start, 0.0)
            box, start = lane, 0.0
        tie(box, wire.target, start, wire.end)


def tie(source: Box, target: Box, start: float, end: float) -> None:
    source.after.append((target, start, end))
    target.before.append((source, end, start))


def wish(box: Box, ties: Sequence[Tie]) -> float:
    """The top at which these wires would be straight on average; where it is, when there are none."""
    if not ties:
        return box.y
    weights = [TIE_WEIGHT if max(box.weight, other.weight) > 1 else 1.0 for other, _, _ in ties]
    straight = (weight * (other.y + there - here) for weight, (other, here, there) in zip(weights, ties, strict=True))
    return sum(straight) / sum(weights)


def place(layer: Sequence[Box], wanted: Sequence[float]) -> None:
    """Set the tops as near to the wanted ones as the order of the layer allows (least squares, by pooling)."""
    offset, offsets = 0.0, []
    groups: list[tuple[float, float, int]] = []  # the sum of what its members want, their weight and number: all as one
    for box, wish in zip(layer, wanted, strict=True):
        offsets.append(offset)
        total, weight, number = box.weight * (wish - offset), box.weight, 1
        while groups and groups[-1][0] / groups[-1][1] >= total / weight:
            more, heavier, members = groups.pop()
            total, weight, number = total + more, weight + heavier, number + members
        groups.append((total, weight, number))
        offset += box.height + GAP
    at = 0
    for total, weight, number in groups:
        for box, below in zip(layer[at : at + number], offsets[at : at + number], strict=True):
            box.y = total / weight + below
        at += number


def crossings(layers: Sequence[Sequence[Box]]) -> int:
    """How many pairs of wires between neighbouring layers cross."""
    found = 0
    for layer in layers:
        ends = [(box.y + start, other.y + end) for box in layer for other, start, end in box.after]
        ends.sort()
        seen: list[float] = []
        for _, end in ends:
            found += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return found
