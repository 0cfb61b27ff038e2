"""Copies: what lies on the host, where pictures are computed, without a GPU that has to wait for it.

A copy from the host makes a GPU finish first what it has, unless the memory that it comes from is pinned. So what a
denoiser is bound to is copied once, and what is drawn anew at each step is drawn into pinned memory.
"""

from torch import Tensor


def placed(owner: object, values: Tensor, x: Tensor) -> Tensor:
    """`values` on the device and in the type of `x`; the owner, whose they are, keeps the last copy.

    It is for what is as small as a mask or a picture: the copy stays as long as its owner.
    """
    if values.device == x.device and values.dtype == x.dtype:
        return values
    copies: dict[int, tuple[Tensor, Tensor]] = vars(owner).setdefault("_copies", {})
    copied, copy = copies.get(id(values), (None, values))
    if copied is not values or copy.device != x.device or copy.dtype != x.dtype:
        copy = values.to(x)
        copies[id(values)] = values, copy
    return copy


def pins(x: Tensor) -> bool:
    """Whether what is on its way to `x` should lie in pinned memory.

    Elsewhere a copy that is not waited for is unsafe: MPS reads its source later, which may be gone by then.
    """
    return x.device.type == "cuda"


def sent(values: Tensor, x: Tensor) -> Tensor:
    """`values`, drawn or made just now, on the device and in the type of `x`."""
    return values.to(x, non_blocking=pins(x))
