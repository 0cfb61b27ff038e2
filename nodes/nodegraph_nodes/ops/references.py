"""Staying close to a picture: its coarse structure is kept while the fine one is sampled anew.

Source: Choi et al. 2021 (ILVR), algorithm 1, and its authors' code (`p_sample_loop_progressive` of ilvr_adm).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.ops.hooks import Hooked, check_original, original_for
from nodegraph_nodes.ops.sizes import check_factor
from nodegraph_nodes.types import Denoiser, Draw, NoiseSchedule, StateHook

Level = Literal["code", "paper"]


def coarse(x: Tensor, factor: int) -> Tensor:
    """`x`, (B, C, H, W), made smaller by a factor and larger again, bicubic: what is left is its coarse structure."""
    check_factor(factor, x.shape[-2], x.shape[-1])
    rows, columns = (down_and_up_for(side, factor, x.dtype, x.device) for side in x.shape[-2:])
    return rows @ x @ columns.T


@lru_cache(maxsize=4)
def down_and_up_for(side: int, factor: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return down_and_up(side, factor).to(device, dtype)


def down_and_up(side: int, factor: int) -> Tensor:
    """That along one side, as a matrix (side, side) in float64, so that it is the same on every device."""
    one_by_one = torch.eye(side, dtype=torch.float64)[None, None]
    small = F.interpolate(one_by_one, (side // factor, side), mode="bicubic", antialias=True)
    return F.interpolate(small, (side, side), mode="bicubic", antialias=True)[0, 0]


@dataclass(frozen=True, eq=False)
class KeepCoarse(StateHook):
    """`x' - F x' + F y_t` after each step: the coarse structure is that of the noised original.

    Args:
        original: what is kept coarsely, (B or 1, C, H, W), clean.
        factor: by which F, `coarse`, makes pictures smaller; 1 keeps everything.
        until: steps from timesteps above this one are held to the original, those from it or below are free.
        level: to which the original is noised: where the step came from ("code", as the authors' code has it) or where
            it led ("paper").
        seed: of the noise, which is fresh at each step.
    """

    original: Tensor
    factor: int
    schedule: NoiseSchedule
    until: int = 0
    level: Level = "code"
    seed: int = 5
    space: str = "pixels"

    @cached_property
    def key(self) -> Hashable:
        content = fingerprint({"original": self.original})
        return "KeepCoarse", content, self.factor, self.schedule, self.until, self.level, self.seed

    def start(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        original_for(self.original, x)  # what does not fit is refused here, before any network is called
        check_factor(self.factor, x.shape[-2], x.shape[-1])
        return x

    def after(self, x: Tensor, t: int, to: int, draw: Draw) -> Tensor:
        if t <= self.until:
            return x
        original = original_for(placed(self, self.original, x), x)
        noised = self.schedule.noised(original, draw(x), t if self.level == "code" else to)
        return x + coarse(noised - x, self.factor)


@dataclass(frozen=True, eq=False)
class ILVR(Hooked):
    """The denoiser itself, with a hook that keeps the coarse structure of a picture."""

    hook: KeepCoarse

    def __post_init__(self) -> None:
        super().__post_init__()
        hook = self.hook
        if hook.level not in get_args(Level):
            raise ValueError(f"level is {hook.level!r}, must be one of {', '.join(get_args(Level))}")
        check_original(hook.original, hook.space, self)
        check_factor(hook.factor, *hook.original.shape[-2:])


def keep_coarse(
    denoiser: Denoiser,
    original: Tensor,
    factor: int = 4,
    until: int = 0,
    level: Level = "code",
    seed: int = 5,
    space: str = "pixels",
) -> ILVR:
    """The denoiser, keeping the coarse structure of `original`; arguments as of `KeepCoarse`."""
    return ILVR(denoiser, KeepCoarse(original, factor, denoiser.schedule, until, level, seed, space))
