"""Inpainting: keeping a part of a picture while the rest is sampled.

A mask does not change what the noise is estimated to be; it changes the state between the steps. What is kept is put
back at every step, either noised to the timestep of the state or clean; the ways differ in when.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from torch import Tensor

from nodegraph_nodes.ops.denoisers import Composition, check_mask, check_size, mask_for
from nodegraph_nodes.ops.evaluation import rows_for, shape_text
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.types import Asking, Denoiser, Draw, NoiseSchedule, Point, StateHook

Mode = Literal["after", "before", "paste"]


def blend(x_t: Tensor, original: Tensor, mask: Tensor) -> Tensor:
    """Replace `x_t` outside the mask with the original noised to the same timestep.

    Args:
        x_t: noisy pictures, (B, C, H, W).
        original: the clean pictures noised to the timestep of `x_t`, same shape.
        mask: (B or 1, 1, H, W) in [0, 1]; 1 where `x_t` stays.

    Source: Lugmayr et al. 2022 (RePaint), eq. 8.
    """
    return mask * x_t + (1 - mask) * original


@dataclass(frozen=True, eq=False)
class KeepOutside(StateHook):
    """Keeps a picture outside the mask.

    Args:
        original: what is kept, (B or 1, C, H, W), clean.
        mask: (B or 1, 1, H, W) in [0, 1]; 1 where new content is painted.
        mode: "after" each step, noised to where the step led (CS180 project 5; Song et al. 2021, appendix I.2);
            "before" each estimate but the first, noised to its timestep (RePaint's own code); "paste": clean all along,
            never noised (the inpainting of DeepFloyd IF).
        restore: put the original back at the end, exactly; only "before" would leave it otherwise.
        seed: of the noise, which is fresh at each step.
    """

    original: Tensor
    mask: Tensor
    schedule: NoiseSchedule
    mode: Mode = "after"
    restore: bool = False
    seed: int = 2
    space: str = "pixels"

    @cached_property
    def key(self) -> Hashable:
        content = fingerprint({"original": self.original, "mask": self.mask})
        return "KeepOutside", content, self.schedule, self.mode, self.restore, self.seed

    def start(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.kept(x, -1, draw) if self.mode == "paste" else x

    def before(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.kept(x, t, draw) if self.mode == "before" else x

    def after(self, x: Tensor, t: int, to: int, draw: Draw) -> Tensor:
        if self.mode == "before":
            return x
        return self.kept(x, -1 if self.mode == "paste" else to, draw)

    def finish(self, x: Tensor) -> Tensor:
        return blend(x, self.original_for(x), mask_for(self.mask, x, self.space)) if self.restore else x

    def kept(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        """`x` with the original, noised to `t`, outside the mask; nothing is drawn for the clean one."""
        original = self.original_for(x)
        if t >= 0:
            original = self.schedule.noised(original, draw(x), t)
        return blend(x, original, mask_for(self.mask, x, self.space))

    def original_for(self, x: Tensor) -> Tensor:
        if self.original.shape[1:] != x.shape[1:]:
            raise ValueError(
                f"the image is {shape_text(self.original.shape[1:])}, "
                f"must be {shape_text(x.shape[1:])} like what is sampled"
            )
        return self.original.to(x) if len(self.original) == 1 else rows_for(self.original, len(x), "the image").to(x)


@dataclass(frozen=True, eq=False)
class MaskBlend(Composition):
    """The denoiser itself, with a hook that keeps a picture outside a mask. Legal anywhere, also inside a view."""

    denoiser: Denoiser
    hook: KeepOutside

    def __post_init__(self) -> None:
        super().__post_init__()
        original, mask = self.hook.original, self.hook.mask
        check_mask(mask)
        if self.hook.mode not in get_args(Mode):
            raise ValueError(f"mode is {self.hook.mode!r}, must be one of {', '.join(get_args(Mode))}")
        if self.hook.space != self.space:
            raise ValueError(f"the image is in the space {self.hook.space}, the denoiser works in {self.space}")
        if self.space == "pixels":
            check_size(mask, "the mask", tuple(original.shape[-2:]))
        if self.shape is not None and tuple(original.shape[1:]) != self.shape:
            raise ValueError(
                f"the image is {shape_text(original.shape[1:])}, the denoiser takes {shape_text(self.shape)} only"
            )

    def ask(self, p: Point) -> Asking:
        return (yield from self.denoiser.ask(p))

    def hooks(self) -> tuple[StateHook, ...]:
        return tuple({hook.key: hook for hook in (*self.denoiser.hooks(), self.hook)}.values())


def keep_outside(
    denoiser: Denoiser,
    original: Tensor,
    mask: Tensor,
    mode: Mode = "after",
    restore: bool = False,
    seed: int = 2,
    space: str = "pixels",
) -> MaskBlend:
    """The denoiser, keeping `original` outside `mask`; arguments as of `KeepOutside`."""
    return MaskBlend(denoiser, KeepOutside(original, mask, denoiser.schedule, mode, restore, seed, space))
