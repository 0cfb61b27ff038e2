"""Which of the named views are views, and what they ask of the size of pictures: names and numbers, no torch.

`permutations` and `jigsaw` keep to these rules when they move pixels, and so a check can tell of a name alone what a
run would refuse. A rule is a ValueError, as in `sizes`.
"""

from collections.abc import Mapping
from types import MappingProxyType

TOLERANCE = 1e-3
"""How large the defect of a view may be."""

DEFECTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"rotate_45": (0.74, 0.68), "blur": (0.82, 0.3), "gain": (0.5, 1.5)}
)
"""What can be seen through, but is no view: its defect, and how strong noise comes out, as `views` measures them."""

AT_EVERY_SIZE = frozenset({"identity", "flip", "mirror", "rotate_90", "rotate_180", "rotate_270", "negate"})
"""The views that a grid leaves as they are."""

ON_LATENTS = AT_EVERY_SIZE - {"negate"}
"""The views that move a whole picture, which a VAE follows: its latents move the same way."""

HINGED = 6
"""The smallest side of a square hinge, in pixels."""

KNOBBED = 12
"""The smallest side, in pixels, at which every knob of a jigsaw has one."""

THE_PICTURES = "the pictures are"


def check_grid(name: str, grid: int) -> None:
    """ValueError when a view would have to move blocks, but mixes pixels."""
    if grid and name in DEFECTS:
        raise ValueError(f"grid is {grid}, must be 0 for {name}, which does not only move pixels")


def check_named(name: str, said: str = "") -> None:
    """ValueError when what is called a view is none."""
    if name in DEFECTS:
        raise not_orthogonal(said or f"the view {name}", *DEFECTS[name])


def check_on(space: str, name: str, said: str = "") -> None:
    """ValueError when what a view does to pixels is not what it does to latents."""
    if space != "pixels" and name not in ON_LATENTS:
        raise not_on_latents(said or f"the view {name}", space)


def not_on_latents(said: str, space: str) -> ValueError:
    """Why latents may not be seen through something, which `said` names."""
    return ValueError(
        f"{said} does not commute with the VAE of {space}: a latent stands for a block of pixels, and to move or "
        "negate latents is not to do so with pixels; take identity, flip, mirror, rotate_90, rotate_180 or rotate_270, "
        "which move a picture as a whole"
    )


def not_orthogonal(said: str, defect: float, strength: float) -> ValueError:
    """Why noise may not be seen through something, which `said` names."""
    return ValueError(
        f"{said} is not orthogonal: its defect is {defect:.2g}, must be below {TOLERANCE:g}, or x_t would not look "
        f"like noise of its timestep any more: it comes out {strength:.2g} times as strong; take a view that only "
        "moves or negates pixels"
    )


def check_seen(
    name: str, height: int, width: int, *, patches: int = 8, grid: int = 0, what: str = THE_PICTURES
) -> None:
    """ValueError when pictures of that size do not have the view of that name."""
    if grid and name not in AT_EVERY_SIZE and name not in DEFECTS:
        side = block(height, width, grid, what)
        height, width, what = height // side, width // side, THE_PICTURES
    if name in ("rotate_90", "rotate_270"):
        check_quarter(height, width, what)
    elif name == "square_hinge":
        check_hinge(height, width, what)
    elif name == "jigsaw":
        check_jigsaw(height, width, what)
    elif name == "patch_permutation":
        check_patches(height, width, patches, what)


def block(height: int, width: int, grid: int, what: str = THE_PICTURES) -> int:
    """The side of a block where the shorter side has `grid` of them."""
    side = min(height, width) // grid
    if side == 0 or min(height, width) % grid or height % side or width % side:
        raise ValueError(
            f"{what} {width} x {height}, must be a multiple of {grid} pixels a side to be seen as blocks on a grid of "
            f"{grid}"
        )
    return side


def check_quarter(height: int, width: int, what: str = THE_PICTURES) -> None:
    check_square(height, width, "to be turned by a quarter", what)


def check_hinge(height: int, width: int, what: str = THE_PICTURES) -> None:
    check_square(height, width, "for a square hinge", what)
    check_least(height, width, HINGED, "for a square hinge", what)


def check_jigsaw(height: int, width: int, what: str = THE_PICTURES) -> None:
    check_square(height, width, "for a jigsaw", what)
    check_least(height, width, KNOBBED, "for a jigsaw, whose knobs are a pixel there", what)


def check_patches(height: int, width: int, patches: int, what: str = THE_PICTURES) -> None:
    check_least(height, width, patches, f"to be cut into {patches} x {patches} patches", what)


def check_square(height: int, width: int, purpose: str, what: str) -> None:
    if height != width:
        raise ValueError(f"{what} {width} x {height}, must be square {purpose}")


def check_least(height: int, width: int, least: int, purpose: str, what: str) -> None:
    if min(height, width) < least:
        raise ValueError(f"{what} {width} x {height}, must be {least} pixels a side or more {purpose}")
