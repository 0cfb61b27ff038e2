"""Inverse hybrids: one component of a picture is known, and a denoiser makes the others to it.

Source: Geng, Park and Owens 2024 (Factorized Diffusion), section 3.4.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from nodegraph_nodes.ops.components import Components
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.ops.evaluation import rows_for, shape_text
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.types import Asking, Denoiser, Draw, NoiseSchedule, Point, StateHook


@dataclass(frozen=True, eq=False)
class KeepComponent(StateHook):
    """Before each estimate, one component of `x_t` becomes that of a picture noised to `t`; the others stay.

    Args:
        original: the picture, (B or 1, C, H, W), clean.
        kept: which of the components is taken from it.
        project: take it from the clean picture once more at the end. This leaves the component as it is in the picture
            where it is a projection, as grey is; a blur is none, and its component comes closer.
        seed: of the noise, which is fresh for each estimate.
    """

    original: Tensor
    components: Components
    kept: int
    schedule: NoiseSchedule
    project: bool = False
    seed: int = 4
    space: str = "pixels"

    @cached_property
    def key(self) -> Hashable:
        content = fingerprint({"original": self.original})
        return "KeepComponent", content, self.components, self.kept, self.schedule, self.project, self.seed

    def start(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.replaced(x, self.schedule.noised(self.original_for(x), draw(x), t))

    def before(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.start(x, t, draw)

    def finish(self, x: Tensor) -> Tensor:
        return self.replaced(x, self.original_for(x)) if self.project else x

    def replaced(self, x: Tensor, reference: Tensor) -> Tensor:
        """`x` with that component of the reference: f(reference) + (1 - f)(x), f being linear."""
        return x + self.components.component(self.kept, reference - x)

    def original_for(self, x: Tensor) -> Tensor:
        if self.original.shape[1:] != x.shape[1:]:
            raise ValueError(
                f"the image is {shape_text(self.original.shape[1:])}, "
                f"must be {shape_text(x.shape[1:])} like what is sampled"
            )
        return rows_for(self.original, len(x), "the image").to(x)


@dataclass(frozen=True, eq=False)
class HybridInverse(Composition):
    """The denoiser itself, with a hook that keeps a component of a picture. Legal anywhere, also inside a view."""

    denoiser: Denoiser
    hook: KeepComponent

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hook.space != self.space:
            raise ValueError(f"the image is in the space {self.hook.space}, the denoiser works in {self.space}")
        _, channels, height, width = self.hook.original.shape
        if self.shape is not None and (channels, height, width) != self.shape:
            raise ValueError(
                f"the image is {shape_text((channels, height, width))}, "
                f"the denoiser takes {shape_text(self.shape)} only"
            )
        self.hook.components.check((channels, height, width))

    def ask(self, p: Point) -> Asking:
        return (yield from self.denoiser.ask(p))

    def hooks(self) -> tuple[StateHook, ...]:
        return tuple({hook.key: hook for hook in (*self.denoiser.hooks(), self.hook)}.values())


def keep_component(
    denoiser: Denoiser,
    original: Tensor,
    components: Components,
    keep: str,
    project: bool = False,
    seed: int = 4,
    space: str = "pixels",
) -> HybridInverse:
    """The denoiser, keeping the component `keep` of `original`; arguments as of `KeepComponent`."""
    if keep not in components.names:
        raise ValueError(f"keep is {keep!r}, must be one of {', '.join(components.names)}")
    kept = components.names.index(keep)
    return HybridInverse(denoiser, KeepComponent(original, components, kept, denoiser.schedule, project, seed, space))
