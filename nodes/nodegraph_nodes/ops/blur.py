"""The Gaussian blur: the low pass that splits coarse from fine, and the oldest of denoisers."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.sizes import check_blur, check_odd, reached


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
    exact = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    weights = weights_for(sigma, kernel, exact.dtype, exact.device)
    reach = len(weights) // 2
    check_blur(min(x.shape[-2:]), sigma, kernel)
    if reach == 0:
        return x.clone()

    channels = x.shape[1]
    padded = F.pad(exact, (reach, reach, reach, reach), mode="reflect")
    rows = F.conv2d(padded, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(rows, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels).to(x.dtype)


@lru_cache(maxsize=16)
def weights_for(sigma: float, kernel: int | None, dtype: torch.dtype, device: torch.device) -> Tensor:
    return gaussian_weights(sigma, kernel).to(device, dtype)


def gaussian_weights(sigma: float, kernel: int | None = None) -> Tensor:
    """Return a Gaussian sampled at whole pixels around its centre, float64, that sums to 1.

    Args:
        sigma: standard deviation in pixels; 0 gives a single 1 in the middle.
        kernel: length, odd; left out, 4 `sigma` to each side.
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma is {sigma}, must be a number of pixels, 0 or more")
    if kernel is None:
        kernel = reached(sigma)
    check_odd(kernel)
    distance = torch.arange(kernel, dtype=torch.float64) - kernel // 2
    if sigma == 0:
        return (distance == 0).double()
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum()
