"""Sizes: what must be as large as what, how many pictures there must be, and how kernels grow; numbers only, no torch.

As in `agreements`, a rule is a ValueError that begins with the input to blame, where there is one.
"""

from collections.abc import Sequence
from math import ceil

from nodegraph_nodes.types import Shape


def shape_text(shape: Sequence[int]) -> str:
    """A shape (C, H, W) in words: `28 x 28 with 1 channel`."""
    channels, height, width = shape
    return f"{width} x {height} with {channels} channel{'' if channels == 1 else 's'}"


def check_shape(shape: Sequence[int], taken: Shape | None, what: str = "the pictures are") -> None:
    """ValueError when pictures are none that a denoiser takes; None is any."""
    if taken is not None and tuple(shape) != taken:
        raise ValueError(f"{what} {shape_text(shape)}, the denoiser takes {shape_text(taken)} only")


def check_image(shape: Sequence[int], taken: Shape | None) -> None:
    """ValueError when a picture that is to be kept is none that a denoiser could make."""
    if taken is not None and tuple(shape) != taken:
        raise ValueError(f"the image is {shape_text(shape)}, the denoiser takes {shape_text(taken)} only")


def check_like_sampled(shape: Sequence[int], sampled: Sequence[int]) -> None:
    """ValueError when a picture that is to be kept is not like what is sampled."""
    if tuple(shape) != tuple(sampled):
        raise ValueError(f"the image is {shape_text(shape)}, must be {shape_text(sampled)} like what is sampled")


def check_size(size: Sequence[int], name: str, wanted: Sequence[int], like: str = "the pictures") -> None:
    """ValueError when something is not as high and wide as the pictures."""
    if tuple(size) != tuple(wanted):
        raise ValueError(f"{name} is {size[1]} x {size[0]}, must be {wanted[1]} x {wanted[0]} like {like}")


def check_rows(rows: int, count: int, name: str) -> None:
    """ValueError when pictures cannot take rows in turn, each row as often as the others."""
    if not 0 < rows <= count:
        raise ValueError(
            f"{name} has {rows} rows, one for each picture, and the batch has {count}; it needs {rows} or more, as "
            "`batch` of PureNoise makes them"
        )
    if count % rows:
        raise ValueError(
            f"{name} has {rows} rows, which the pictures take in turn, and the batch has {count}; it needs a multiple "
            f"of {rows}, such as {rows * (count // rows)} or {rows * (count // rows + 1)}"
        )


def check_channel_count(shape: Sequence[int], channels: int, name: str, what: str = "the pictures are") -> None:
    """ValueError when pictures have other channels than a network takes."""
    if shape[0] != channels:
        raise ValueError(f"{what} {shape_text(shape)}, {name} takes {channels} channels")


def check_picture_channels(shape: Sequence[int], channels: int) -> None:
    """ValueError when a picture has other channels than what is made of it."""
    if shape[0] != channels:
        raise ValueError(f"the image is {shape_text(shape)}, must have {channels} channels; load it in RGB")


def check_rgb(channels: int) -> None:
    """ValueError when finished pictures are none that the safety checker of DeepFloyd IF looks at."""
    if channels != 3:
        told = f"{channels} channel{'' if channels == 1 else 's'}"
        raise ValueError(f"image has {told}, must have 3: the safety checker looks at RGB pictures")


def check_tile(size: int, taken: Shape | None) -> None:
    """ValueError when a denoiser takes pictures that are no tile; None is any."""
    if taken is not None and taken[1:] != (size, size):
        must = f"must be {taken[1]}: " if taken[1] == taken[2] else "and no tile would do: "
        raise ValueError(f"size is {size}, {must}the denoiser takes tiles of {shape_text(taken)} only")


def check_room(size: int, height: int, width: int, what: str = "the pictures are") -> None:
    """ValueError when no tile fits into pictures."""
    if min(height, width) < size:
        raise ValueError(f"{what} {width} x {height}, must be at least as large as a tile, {size}")


def check_rectangle(left: int, top: int, width: int, height: int, columns: int, rows: int) -> None:
    """ValueError when a rectangle is empty or reaches beyond a mask of `columns` x `rows`."""
    for edge, name, start, length, side in (
        ("left", "width", left, width, columns),
        ("top", "height", top, height, rows),
    ):
        if start < 0 or length < 1 or start + length > side:
            raise ValueError(f"{edge} is {start} and {name} {length}, must lie within the mask's {name} of {side}")


# What a network can halve


def check_sides(height: int, width: int, multiple: int, what: str = "the pictures are") -> None:
    """ValueError when the network cannot halve the sides as often as it wants to."""
    if height % multiple or width % multiple:
        raise ValueError(
            f"{what} {width} x {height}, must be divisible by {multiple}, "
            f"such as {nearest(width, multiple)} x {nearest(height, multiple)}"
        )


def nearest(side: int, multiple: int) -> int:
    """The nearest side that is divisible, and not 0."""
    return max(1, round(side / multiple)) * multiple


def enlarged(height: int, width: int, size: int, multiple: int) -> tuple[int, int]:
    """Height and width of a picture whose shorter side becomes `size`."""
    shorter = min(height, width)
    if shorter > size:
        raise ValueError(
            f"the picture is {width} x {height}, larger than the {size} to be drawn; make it smaller first"
        )
    if height * size % shorter or width * size % shorter:
        raise ValueError(
            f"the picture is {width} x {height}, whose longer side would not be a whole number "
            f"where the shorter one is {size}; crop it, or choose another size"
        )
    height, width = height * size // shorter, width * size // shorter
    check_sides(height, width, multiple)
    return height, width


def check_factor(factor: int, height: int, width: int) -> None:
    """ValueError when pictures cannot be made smaller by a factor."""
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"factor is {factor}, must divide width and height of the pictures, {width} x {height}")


# Kernels


def check_odd(kernel: int | None) -> None:
    """ValueError when a kernel has no middle; None is as wide as it takes."""
    if kernel is not None and (kernel < 1 or kernel % 2 == 0):
        raise ValueError(f"kernel is {kernel}, must be an odd number of pixels")


def check_length(length: int) -> None:
    if length < 1 or length % 2 == 0:
        raise ValueError(f"length is {length}, must be an odd number of pixels")


REACH = 4.0
"""Standard deviations that the default kernel reaches to each side; 6e-5 of a Gaussian's mass lies beyond."""


def reached(sigma: float) -> int:
    """The width of the default kernel."""
    return 2 * ceil(REACH * sigma) + 1


def check_blur(side: int, sigma: float, kernel: int | None = None) -> None:
    """ValueError when a Gaussian reaches further than pictures, whose shorter side it is, can be reflected."""
    wide = reached(sigma) if kernel is None else kernel
    if wide // 2 >= side:
        chosen = "" if kernel is not None else f" (4 sigma to each side, sigma {sigma:g})"
        fitting = f", or sigma at most {(side - 1) / REACH:g}" if kernel is None else ""
        raise ValueError(
            f"kernel is {wide}{chosen} and the picture's shorter side {side}; "
            f"the kernel must be at most {2 * side - 1}{fitting}"
        )


def growth(size: Sequence[int], base: int) -> int:
    """How many times as large as `base` the shorter side is, a whole number; 1 where base is 0."""
    side = min(size)
    if base == 0:
        return 1
    if side < base:
        raise ValueError(
            f"the shorter side of the pictures is {side}, below base {base}, so that sigma and kernel cannot be scaled "
            "to them; set base to 0 and give both in pixels"
        )
    return side // base


def grown(kernel: int, times: int) -> int:
    """A kernel for pictures `times` as large: as many times as wide, and odd again."""
    return kernel * times + (times % 2 == 0)


def check_kernel(shape: Sequence[int], kernel: int, base: int) -> None:
    """ValueError when the kernel reaches further than pictures can be reflected at their borders."""
    side, wide = min(shape[1:]), grown(kernel, growth(shape[1:], base))
    if wide // 2 >= side:
        scaled = f" (kernel {kernel} for base {base})" if wide != kernel else ""
        raise ValueError(
            f"the kernel is {wide} pixels wide{scaled}, must be at most {2 * side - 1} for pictures of "
            f"{shape_text(shape)}"
        )


def check_colours(shape: Sequence[int]) -> None:
    """ValueError when pictures have no colours to part from grey."""
    if shape[0] != 3:
        raise ValueError(f"the pictures are {shape_text(shape)}, must have 3 channels, to be grey and colour")
