"""Components: maps that sum to the identity, so that each part of a picture can be made by a denoiser of its own.

Coarse and fine, grey and colour: each map is linear and the same at every timestep, so splitting estimates of noise
splits the pictures that they lead to, and the splits commute with the step of a sampler.

Source: Geng, Park and Owens 2024 (Factorized Diffusion); defaults and scaling by size as in its code.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import reduce
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.agreements import check_components
from nodegraph_nodes.ops.blur import gaussian_blur, gaussian_weights
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.ops.evaluation import gather
from nodegraph_nodes.ops.sizes import check_colours, check_kernel, check_length, grown, growth
from nodegraph_nodes.types import Asking, Denoiser, Estimate, Point, Shape


class Components(ABC):
    """A split of pictures into components that sum to them. Subclasses are frozen dataclasses.

    Attributes:
        names: of the components, in order.
    """

    names: ClassVar[tuple[str, ...]]

    @abstractmethod
    def component(self, i: int, x: Tensor) -> Tensor:
        """The component `names[i]` of pictures, (B, C, H, W)."""

    @abstractmethod
    def check(self, shape: Shape) -> None:
        """ValueError when pictures of that shape cannot be split."""


@dataclass(frozen=True)
class LowHigh(Components):
    """What a Gaussian blur G leaves, and the rest: `G x` and `x - G x`.

    Args:
        sigma: of the Gaussian, in pixels of a picture whose shorter side is `base`.
        kernel: its width in the same pixels, odd.
        base: for what side sigma and kernel are meant (`growth`); 0 takes them for pixels of any picture.
    """

    names = ("low", "high")

    sigma: float = 2.0
    kernel: int = 33
    base: int = 64

    def __post_init__(self) -> None:
        gaussian_weights(self.sigma, self.kernel)

    def component(self, i: int, x: Tensor) -> Tensor:
        low = blurred(x, self.sigma, self.kernel, self.base)
        return low if i == 0 else x - low

    def check(self, shape: Shape) -> None:
        check_kernel(shape, self.kernel, self.base)


@dataclass(frozen=True)
class LowMiddleHigh(Components):
    """Three bands of two blurs, F the finer: `G F x`, `F x - G F x` and `x - F x`.

    Args:
        sigma: of G, which parts low from middle; in pixels as of `LowHigh`.
        fine: standard deviation of F, which parts middle from high.
        kernel: the width of both.
    """

    names = ("low", "middle", "high")

    sigma: float = 2.0
    fine: float = 1.0
    kernel: int = 25
    base: int = 64

    def __post_init__(self) -> None:
        for sigma in (self.sigma, self.fine):
            gaussian_weights(sigma, self.kernel)

    def component(self, i: int, x: Tensor) -> Tensor:
        kept = blurred(x, self.fine, self.kernel, self.base)
        if i == 2:
            return x - kept
        low = blurred(kept, self.sigma, self.kernel, self.base)
        return low if i == 0 else kept - low

    def check(self, shape: Shape) -> None:
        check_kernel(shape, self.kernel, self.base)


@dataclass(frozen=True)
class GreyColour(Components):
    """The mean of the channels, and how each differs from it."""

    names = ("grey", "colour")

    def component(self, i: int, x: Tensor) -> Tensor:
        grey = x.mean(dim=1, keepdim=True)
        return grey.expand_as(x) if i == 0 else x - grey

    def check(self, shape: Shape) -> None:
        check_colours(shape)


@dataclass(frozen=True)
class MotionRest(Components):
    """What a blur along the falling diagonal leaves, as if the picture had moved, and the rest; 0 beyond the borders.

    Args:
        length: how many pixels are averaged, odd; as many as the kernel of `LowHigh` is wide.
    """

    names = ("motion", "rest")

    length: int = 7
    base: int = 64

    def __post_init__(self) -> None:
        check_length(self.length)

    def component(self, i: int, x: Tensor) -> Tensor:
        length = grown(self.length, growth(x.shape[-2:], self.base))
        channels = x.shape[1]
        kernel = torch.eye(length, dtype=x.dtype, device=x.device) / length
        moved = F.conv2d(x, kernel.expand(channels, 1, -1, -1), padding=length // 2, groups=channels)
        return moved if i == 0 else x - moved

    def check(self, shape: Shape) -> None:
        growth(shape[1:], self.base)


SPLITS: tuple[type[Components], ...] = (LowHigh, LowMiddleHigh, GreyColour, MotionRest)


def named_components(
    by: str, sigma: float = 2.0, kernel: int | None = None, fine: float = 1.0, length: int = 7, base: int = 64
) -> Components:
    """The components that saved files call "low, high" and so on; each takes of the settings what it has."""
    settings = {"sigma": sigma, "fine": fine, "length": length, "base": base}
    if kernel is not None:
        settings["kernel"] = kernel
    for split in SPLITS:
        if by == ", ".join(split.names):
            taken = {field.name for field in fields(split)}  # type: ignore[arg-type]
            return split(**{name: value for name, value in settings.items() if name in taken})
    raise ValueError(f"by is {by!r}, must be one of {'; '.join(', '.join(split.names) for split in SPLITS)}")


# Kernels that grow with the picture


def blurred(x: Tensor, sigma: float, kernel: int, base: int) -> Tensor:
    times = growth(x.shape[-2:], base)
    return gaussian_blur(x, sigma * times, grown(kernel, times))


# The denoiser


@dataclass(frozen=True, eq=False)
class Factorize(Composition):
    """`sum_i f_i(d_i)`: each component f_i of a picture from a denoiser of its own, all of which see the same x_t.

    The learned variance is the plain mean of theirs, unfiltered.
    """

    denoisers: tuple[Denoiser, ...]
    components: Components

    def __post_init__(self) -> None:
        check_components(len(self.denoisers), self.components.names)
        super().__post_init__()
        if self.shape is not None:
            self.components.check(self.shape)

    def ask(self, p: Point) -> Asking:
        _, channels, height, width = p.x.shape
        self.components.check((channels, height, width))  # before any network is called
        parts = yield from gather(*(denoiser.ask(p) for denoiser in self.denoisers))
        noises = [self.components.component(i, part.noise) for i, part in enumerate(parts)]
        variances = [part.variance for part in parts if part.variance is not None]
        known = len(variances) == len(parts)
        return Estimate(reduce(Tensor.add, noises), reduce(Tensor.add, variances) / len(parts) if known else None)
