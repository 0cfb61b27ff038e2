"""Noise schedules and lists of timesteps, as numbers on the host; no tensor and no torch.

Sources: Ho, Jain and Abbeel 2020 (linear); Rombach et al. 2022 (scaled linear); Nichol and Dhariwal 2021, eq. 17
(cosine, which DeepFloyd IF uses); Lin et al. 2024, table 2 (the spacings).
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import cos, pi, sqrt
from operator import mul
from typing import Literal, get_args

Spacing = Literal["leading", "trailing", "linspace"]
Named = Literal["linear", "scaled_linear", "cosine"]


def table(name: str, steps: int = 1000) -> tuple[float, ...]:
    """The products of `1 - beta` at each timestep of a schedule, in double precision."""
    if name not in BETAS:
        raise ValueError(f"there is no schedule {name!r}, must be one of {', '.join(BETAS)}")
    if steps < 2:
        raise ValueError(f"steps is {steps}, must be at least 2")
    return tuple(accumulate((1 - beta for beta in BETAS[name](steps)), mul))


def linear(steps: int, first: float = 1e-4, last: float = 0.02) -> list[float]:
    """Betas on the line from `first` to `last`."""
    return [first + (last - first) * i / (steps - 1) for i in range(steps)]


def scaled_linear(steps: int) -> list[float]:
    """Betas whose square roots lie on a line, as latent diffusion has them."""
    return [root * root for root in linear(steps, sqrt(0.00085), sqrt(0.012))]


def cosine(steps: int) -> list[float]:
    """Betas under which the signal's share falls like a squared cosine; none above 0.999."""

    def share(u: float) -> float:
        return cos((u + 0.008) / 1.008 * pi / 2) ** 2

    return [min(1 - share((i + 1) / steps) / share(i / steps), 0.999) for i in range(steps)]


BETAS: dict[str, Callable[[int], list[float]]] = {"linear": linear, "scaled_linear": scaled_linear, "cosine": cosine}


def betas(alphas_cumprod: Sequence[float]) -> list[float]:
    """The betas that a table of products comes from."""
    return [1 - here / before for before, here in pairwise([1.0, *alphas_cumprod])]


def spaced(total: int, count: int, spacing: Spacing = "leading", offset: int = 0) -> list[int]:
    """Timesteps to visit, falling.

    Args:
        total: how many timesteps the schedule has.
        count: how many of them to visit.
        spacing: "leading" ends at 0 and begins one stride below `total`, "trailing" begins at `total - 1`, "linspace"
            does both. Equal to diffusers' `timestep_spacing`.
        offset: added to each timestep of "leading"; diffusers' `steps_offset`.
    """
    if not 1 <= count <= total:
        raise ValueError(f"steps is {count}, must be from 1 to {total}, the timesteps of the schedule")
    if offset and spacing != "leading":
        raise ValueError(f"offset is {offset}, must be 0 where spacing is {spacing}; only leading can be moved up")
    if spacing == "leading":
        timesteps = [total // count * i + offset for i in reversed(range(count))]
        if timesteps[0] >= total:
            raise ValueError(f"offset is {offset}, must be below {total - timesteps[0] + offset} with {count} steps")
        return timesteps
    if spacing == "trailing":
        return [round(total - i * (total / count)) - 1 for i in range(count)]
    if spacing == "linspace":
        return [round(i * ((total - 1) / max(count - 1, 1))) for i in reversed(range(count))]
    raise ValueError(f"spacing is {spacing!r}, must be one of {', '.join(get_args(Spacing))}")


def checked(timesteps: Sequence[int], total: int) -> list[int]:
    """A list that someone wrote, if a sampler can walk down it."""
    if not timesteps:
        raise ValueError("timesteps is empty, must hold at least one timestep")
    for t in timesteps:
        if not 0 <= t < total:
            raise ValueError(f"timesteps holds {t}, must be from 0 to {total - 1}")
    for before, here in pairwise(timesteps):
        if here >= before:
            raise ValueError(f"timesteps has {here} after {before}, must fall from each to the next")
    return list(timesteps)


def check_timestep(t: int, total: int) -> None:
    """ValueError when pictures cannot be noised to `t`."""
    if not 0 <= t < total:
        raise ValueError(f"t is {t}, must be from 0 to {total - 1}")


def begun_at(start: int | None, timesteps: Sequence[int]) -> list[int]:
    """The list for a picture that is noised to `start`: that first, then what lies below it."""
    return list(timesteps) if start is None else [start, *(t for t in timesteps if t < start)]


NO_STRENGTH = "is 0, must be above 0 and at most 1, such as 0.7: without noise nothing is drawn anew"


def strength_to_timestep(strength: float, total: int) -> int:
    """The timestep that noises a share `strength` of the way: 1 is the last one.

    Rounded, since `int(100 * 0.29)` is 28.
    """
    if strength == 0:
        raise ValueError(f"strength {NO_STRENGTH}")
    if not 0 < strength <= 1:
        raise ValueError(f"strength is {strength:g}, must be above 0 and at most 1")
    return max(round(strength * total), 1) - 1
