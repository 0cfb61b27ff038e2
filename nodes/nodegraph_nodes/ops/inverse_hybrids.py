"""Inverse hybrids: one component of a picture is known, and a denoiser makes the others to it.

Source: Geng, Park and Owens 2024 (Factorized Diffusion), where it solves inverse problems.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from nodegraph_nodes.ops.agreements import check_kept
from nodegraph_nodes.ops.components import Components
from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.ops.hooks import Hooked, check_original, original_for
from nodegraph_nodes.types import Denoiser, Draw, NoiseSchedule, StateHook


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
        return self.replaced(x, self.schedule.noised(original_for(placed(self, self.original, x), x), draw(x), t))

    def before(self, x: Tensor, t: int, draw: Draw) -> Tensor:
        return self.start(x, t, draw)

    def finish(self, x: Tensor) -> Tensor:
        return self.replaced(x, original_for(placed(self, self.original, x), x)) if self.project else x

    def replaced(self, x: Tensor, reference: Tensor) -> Tensor:
        """`x` with that component of the reference: f(reference) + (1 - f)(x), f being linear."""
        return x + self.components.component(self.kept, reference - x)


@dataclass(frozen=True, eq=False)
class HybridInverse(Hooked):
    """The denoiser itself, with a hook that keeps a component of a picture."""

    hook: KeepComponent

    def __post_init__(self) -> None:
        super().__post_init__()
        original = self.hook.original
        check_original(original, self.hook.space, self)
        self.hook.components.check((original.shape[1], original.shape[2], original.shape[3]))


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
    check_kept(keep, components.names)
    kept = components.names.index(keep)
    return HybridInverse(denoiser, KeepComponent(original, components, kept, denoiser.schedule, project, seed, space))
