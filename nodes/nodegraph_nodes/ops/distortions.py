"""Views that are none: not orthogonal, so that noise is no noise any more when it is seen through them.

They teach why views must be orthogonal: pictures can be seen through them, and anagrams refuse them with their defect.
"""

from dataclasses import dataclass
from math import cos, radians, sin

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.copies import sent
from nodegraph_nodes.types import View


@dataclass(frozen=True)
class Turn(View):
    """Turned counterclockwise by any angle: pixels become averages of four, corners are lost, the border goes on."""

    degrees: float

    def __str__(self) -> str:
        return f"rotate_{self.degrees:g}"

    def move(self, x: Tensor) -> Tensor:
        return self.turned(x, self.degrees)

    def move_back(self, x: Tensor) -> Tensor:
        return self.turned(x, -self.degrees)

    def turned(self, x: Tensor, degrees: float) -> Tensor:
        height, width = x.shape[-2:]
        c, s = cos(radians(degrees)), sin(radians(degrees))
        # From where a pixel is to where it came from, both in halves of the sides, rows going down.
        came = sent(torch.tensor([[[c, -s * height / width, 0], [s * width / height, c, 0]]], dtype=x.dtype), x)
        places = F.affine_grid(came.expand(len(x), -1, -1), list(x.shape), align_corners=False)
        return F.grid_sample(x, places, padding_mode="border", align_corners=False)


@dataclass(frozen=True)
class Blur(View):
    """Blurred by a Gaussian; the way back only sharpens, since what was lost is lost."""

    sigma: float

    def __str__(self) -> str:
        return "blur"

    def move(self, x: Tensor) -> Tensor:
        return gaussian_blur(x, self.sigma)

    def move_back(self, x: Tensor) -> Tensor:
        return 2 * x - gaussian_blur(x, self.sigma)


@dataclass(frozen=True)
class Gain(View):
    """All values times a factor: more contrast, and stronger noise. Masks and variances stay."""

    factor: float

    def __str__(self) -> str:
        return "gain"

    def move(self, x: Tensor) -> Tensor:
        return x

    move_back = move

    def apply(self, x: Tensor) -> Tensor:
        return self.factor * x

    def undo(self, x: Tensor) -> Tensor:
        return x / self.factor
