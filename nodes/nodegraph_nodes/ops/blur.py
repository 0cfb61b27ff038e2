"""The Gaussian blur: the low pass that splits coarse from fine, and the oldest of denoisers."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.sizes import check_odd

REACH = 4.0
"""Standard deviations that the default kernel reaches to each side; 6e-5 of a Gaussian's mass lies beyond."""


def gaussian_blur(x: Tensor, sigma: float, kernel: int | None = None) -> Tensor:
    """Return `x` convolved with a Gaussian of standard deviation `sigma`, reflected at its borders.

    Args:
        x: (B, C, H, W), of any float type; half precision is computed in float32 and given back as it came.
        sigma: in pixels; 0 leaves `x` as it is.
        kernel: how many pixels wide the Gaussian is cut, odd; left out, 4 `sigma` to each side.

    Raises:
        ValueError: `x` is no batch of float pictures, `sigma` is negative or no number, `kernel` is even,
            or half of it does not fit into the picture, so that its border cannot be reflected.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(f"x is {x.dtype} of shape {list(x.shape)}, must be floats of shape (B, C, H, W)")
    weights = gaussian_weights(sigma, kernel)
    reach = len(weights) // 2
    side = min(x.shape[-2:])
    if reach >= side:
        chosen = "" if kernel is not None else f" (4 sigma to each side, sigma {sigma:g})"
        fitting = f", or sigma at most {(side - 1) / REACH:g}" if kernel is None else ""
        raise ValueError(
            f"kernel is {len(weights)}{chosen} and the picture's shorter side {side}; "
            f"the kernel must be at most {2 * side - 1}{fitting}"
        )
    if reach == 0:
        return x.clone()

    exact = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    weights = weights.to(exact)
    channels = x.shape[1]
    padded = F.pad(exact, (reach, reach, reach, reach), mode="reflect")
    rows = F.conv2d(padded, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(rows, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels).to(x.dtype)


def gaussian_weights(sigma: float, kernel: int | None = None) -> Tensor:
    """Return a Gaussian sampled at whole pixels around its centre, float64, that sums to 1.

    Args:
        sigma: standard deviation in pixels; 0 gives a single 1 in the middle.
        kernel: length, odd; left out, 4 `sigma` to each side.
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma is {sigma}, must be a number of pixels, 0 or more")
    if kernel is None:
        kernel = 2 * math.ceil(REACH * sigma) + 1
    check_odd(kernel)
    distance = torch.arange(kernel, dtype=torch.float64) - kernel // 2
    if sigma == 0:
        return (distance == 0).double()
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum()
