"""Inpainting: keeping a part of a picture while the rest is sampled.

A mask does not change what the noise is estimated to be; it changes the state between the steps. What is kept is put
back at every step; five ways to do so are in use, which differ in when, how noisy, and with which noise.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from torch import Tensor

from nodegraph_nodes.ops.agreements import check_spaces
from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.denoisers import Composition, check_mask, mask_for
from nodegraph_nodes.ops.draws import drawing
from nodegraph_nodes.ops.evaluation import rows_for
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.ops.sizes import check_image, check_like_sampled, check_size
from nodegraph_nodes.types import Asking, Branch, Denoiser, Draw, NoiseSchedule, Point, StateHook

Mode = Literal["after", "before", "paste", "shared", "fixed"]


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
        mode: when the original is put back, and how noisy; in brackets, what is left of it outside the mask at the end.
            "after": after each step, noised to where the step led, with fresh noise (CS180 project 5; Song et al. 2021,
            appendix I.2) [itself; the noise of the end where the walk ends earlier];
            "before": before each estimate but the first, noised to its timestep, with fresh noise (RePaint's own code)
            [what the denoiser made of it];
            "paste": clean from the start on, never noised (DeepFloyd IF's inpainting, but for a mask that is soft: that
            blends with the state before the step) [itself];
            "shared": after each step, noised to where the step led with the noise that the step itself added
            (diffusers' RePaintScheduler) [itself];
            "fixed": after each step, noised to where the step came from, with the same noise each time (SDEdit's code)
            [itself, with the noise of the last timestep].
        restore: put the original back at the end, exactly, where it would not be left otherwise.
        seed: of the noise.
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

    @property
    def shares_noise(self) -> bool:
        return self.mode == "shared"

    def start(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        pasted = self.pasted(x)  # what does not fit is refused here, before any network is called
        return pasted if self.mode == "paste" else x

    def before(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.noised(x, t, draw) if self.mode == "before" else x

    def after(self, x: Tensor, t: int, to: int, draw: Draw) -> Tensor:
        match self.mode:
            case "before":
                return x
            case "paste":
                return self.pasted(x)
            case "fixed":
                return self.noised(x, t, drawing(self.seed))
            case _:
                return self.noised(x, to, draw)

    def finish(self, x: Tensor) -> Tensor:
        return self.pasted(x) if self.restore else x

    def pasted(self, x: Tensor) -> Tensor:
        """`x` with the clean original outside the mask."""
        return blend(x, self.original_for(x), self.mask_for(x))

    def noised(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        """`x` with the original, noised to `t`, outside the mask; nothing is drawn for the clean one."""
        if t < 0:
            return self.pasted(x)
        original = self.schedule.noised(self.original_for(x), draw(x), t)
        return blend(x, original, self.mask_for(x))

    def original_for(self, x: Tensor) -> Tensor:
        return original_for(placed(self, self.original, x), x)

    def mask_for(self, x: Tensor) -> Tensor:
        return mask_for(placed(self, self.mask, x), x, self.space)


@dataclass(frozen=True, eq=False)
class Hooked(Composition):
    """The denoiser itself, with a hook. Legal anywhere, also inside a view."""

    denoiser: Denoiser
    hook: StateHook

    def ask(self, p: Point) -> Asking:
        return (yield from self.denoiser.ask(p))

    def branches(self, p: Point) -> Iterable[Branch]:
        return self.denoiser.branches(p)  # its estimate is that denoiser's, which needs no other name

    def hooks(self) -> tuple[StateHook, ...]:
        return tuple({hook.key: hook for hook in (*self.denoiser.hooks(), self.hook)}.values())


@dataclass(frozen=True, eq=False)
class MaskBlend(Hooked):
    """The denoiser itself, with a hook that keeps a picture outside a mask."""

    hook: KeepOutside

    def __post_init__(self) -> None:
        super().__post_init__()
        hook = self.hook
        check_mask(hook.mask)
        if hook.mode not in get_args(Mode):
            raise ValueError(f"mode is {hook.mode!r}, must be one of {', '.join(get_args(Mode))}")
        check_original(hook.original, hook.space, self)
        if self.space == "pixels":
            check_size(hook.mask.shape[-2:], "the mask", hook.original.shape[-2:])


def check_original(original: Tensor, space: str, denoiser: Denoiser) -> None:
    """ValueError when a picture that is to be kept is none that the denoiser could make."""
    check_spaces("the image", space, denoiser.space)
    check_image(original.shape[1:], denoiser.shape)


def original_for(original: Tensor, x: Tensor) -> Tensor:
    """The picture that is kept, for each of `x`; ValueError when it is not of their shape."""
    check_like_sampled(original.shape[1:], x.shape[1:])
    return original.to(x) if len(original) == 1 else rows_for(original, len(x), "the image").to(x)


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
