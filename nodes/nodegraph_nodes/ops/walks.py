"""Walks: the timesteps that a sampler visits, down to the clean picture, and up again where it is told to.

Source of the climbs: Lugmayr et al. 2022 (RePaint), section 4.2 and `get_schedule_jump` of its code.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from nodegraph_nodes.ops.schedules import begun_at


class Leg(NamedTuple):
    """From timestep `t` to `to`: a step of the sampler where `to` is lower, fresh noise where it is higher."""

    t: int
    to: int

    @property
    def down(self) -> bool:
        return self.to < self.t


def walk(timesteps: Sequence[int], end: int = -1, repeats: int = 1, jump: int = 10) -> list[Leg]:
    """The legs from the first timestep down to `end`.

    Args:
        timesteps: falling; those not above `end` are left out.
        end: where the walk stops; -1 is the clean picture.
        repeats: how often each stretch of `jump` steps is walked. At every `jump`-th level, counted from below, the
            walk climbs `jump` levels and comes down again, `repeats - 1` times.
        jump: how many levels a climb is high.

    Raises:
        ValueError: nothing is left of the timesteps, or a climb is as high as the walk.
    """
    levels = [*(t for t in timesteps if t > end), end]
    count = len(levels) - 1
    if count == 0:
        raise ValueError(
            f"there is nothing to do: the walk begins at t = {max(timesteps, default=end)} and ends at {end}; begin at "
            "a higher t, with more noise, or let it end at -1, the clean picture (the preset CS180 ends at 0)"
        )
    if repeats == 1:
        return [Leg(*leg) for leg in pairwise(levels)]
    if repeats < 1 or jump < 1:
        raise ValueError(f"repeats is {repeats} and jump {jump}, must be at least 1")
    if jump >= count:
        raise ValueError(
            f"jump is {jump}, must be below {count}, the number of steps, to be repeated; take more "
            "steps or a lower jump, begin with more noise, or set repeats to 1"
        )

    levels.reverse()  # now levels[0] is the end, and level k + 1 lies above level k
    climbs = dict.fromkeys(range(1, count - jump + 1, jump), repeats - 1)
    legs, at = [], count
    while at > 0:
        legs.append(Leg(levels[at], levels[at - 1]))
        at -= 1
        if climbs.get(at, 0) > 0:
            climbs[at] -= 1
            legs += [Leg(levels[k], levels[k + 1]) for k in range(at, at + jump)]
            at += jump
    return legs


class Place(NamedTuple):
    """Where in a walk something was.

    Attributes:
        start: the timestep at which the walk began; None for pure noise.
        number: of the estimate that is to be taken there.
        first: the number of the first estimate of that walk.
    """

    start: int | None
    number: int
    first: int = 0


class Route(NamedTuple):
    """A walk, and where on it to begin.

    Attributes:
        legs: of the whole walk.
        at: which of them comes first.
        place: of that in the walk.
    """

    legs: list[Leg]
    at: int
    place: Place

    @property
    def visits(self) -> list[int]:
        """Where there will be estimates."""
        return [leg.t for leg in self.legs[self.at :] if leg.down]

    @property
    def passed(self) -> int:
        """How many estimates of the walk come before."""
        return self.place.number - self.place.first


def route(
    timesteps: Sequence[int],
    start: int | None,
    place: Place | None = None,
    end: int = -1,
    repeats: int = 1,
    jump: int = 10,
) -> Route:
    """The walk from pictures at `start`, or, when they were at a place in a walk of the same kind, what is left of it.

    Where a walk with these settings does not come by there, since it has other timesteps, another one begins at
    `start`, and goes on counting.

    Args:
        timesteps: of the whole schedule; end, repeats and jump as of `walk`.
        start: the timestep of the pictures; None for pure noise.
    """
    if place is not None:
        legs = walk(begun_at(place.start, timesteps), end, repeats, jump)
        down = [i for i, leg in enumerate(legs) if leg.down]
        passed = place.number - place.first
        if passed < len(down) and legs[down[passed]].t == start:
            return Route(legs, down[passed], place)
    number = 0 if place is None else place.number
    return Route(walk(begun_at(start, timesteps), end, repeats, jump), 0, Place(start, number, number))
