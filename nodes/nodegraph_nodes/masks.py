"""Nodes that make masks: where something is to happen."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import PICTURE, chosen, foresee_file_size, size_of
from nodegraph_nodes.ops.rectangles import Rectangle
from nodegraph_nodes.ops.sizes import check_rectangle
from nodegraph_nodes.types import Image, Mask

PIXELS = {"unit": "px"}
Side = Annotated[
    int,
    Field(
        ge=1,
        le=8192,
        description="Width and height of the mask, as of the pictures it is for.",
        json_schema_extra=PIXELS,
    ),
]
Feather = Annotated[
    float,
    Field(
        ge=0,
        le=1024,
        description="Over how many pixels the edge falls off, half of them outside.",
        json_schema_extra=PIXELS,
    ),
]


Like = Annotated[
    Image | None, Field(description="A picture whose width and height the mask gets, instead of the size.")
]


def foresee_mask_file(known: Foresight) -> None:
    known.gives("mask", batch=1)
    foresee_file_size(known, "mask")


@node("LoadMask", category="Masks", outputs="mask", foresee=foresee_mask_file)
def load_mask(
    path: Annotated[
        Path,
        Field(
            description="A picture file: white is 1, black and transparent are 0.", json_schema_extra={"exists": True}
        ),
    ],
    size: Annotated[
        int, Field(ge=0, le=8192, description="Pixels a side; 0 keeps the size of the file.", json_schema_extra=PIXELS)
    ] = 0,
    fit: Annotated[
        Literal["crop", "pad", "stretch"],
        Field(description="How another shape becomes a square: its middle, with 0 around it, or distorted."),
    ] = "crop",
) -> Mask:
    """Load a mask from a picture: white marks what is to be painted, or the inside; grey is in between."""
    from nodegraph_nodes.ops import masks

    return Mask(masks.read_mask(path, size, fit=fit))


def foresee_mask(known: Foresight) -> None:
    """As large as the picture that is linked, else as `size` says."""
    known.gives("mask", chosen(known.of("like"), "height", "width"), batch=1)
    if not known.links("like") and known.knows("size"):
        known.gives("mask", height=known.value("size"), width=known.value("size"))


def foresee_rectangle(known: Foresight) -> None:
    """The rectangle must lie within the mask."""
    foresee_mask(known)
    size = size_of(known.of("like"))
    if not known.links("like") and known.knows("size"):
        size = known.value("size"), known.value("size")
    if size is not None and known.knows("left", "top", "width", "height"):
        rows, columns = size
        left, top = known.value("left"), known.value("top")
        width, height = known.value("width") or columns - left, known.value("height") or rows - top
        with known.refusals():
            check_rectangle(left, top, width, height, columns, rows)
            if known.knows("feather"):
                known.gives(
                    "mask", rectangle=Rectangle(columns, rows, left, top, width, height, known.value("feather"))
                )


def sides(size: int, like: Image | None) -> tuple[int, int]:
    """The rows and columns of a mask: those of the picture that is linked, else `size`."""
    if like is None:
        return size, size
    rows, columns = like.pixels.shape[-2:]
    return rows, columns


@node("RectangleMask", category="Masks", outputs="mask", foresee=foresee_rectangle)
def rectangle_mask(
    size: Side = 28,
    left: Annotated[
        int, Field(ge=0, le=8191, description="Columns left of the rectangle.", json_schema_extra=PIXELS)
    ] = 0,
    top: Annotated[int, Field(ge=0, le=8191, description="Rows above the rectangle.", json_schema_extra=PIXELS)] = 0,
    width: Annotated[
        int, Field(ge=0, le=8192, description="Its columns; 0: up to the right border.", json_schema_extra=PIXELS)
    ] = 0,
    height: Annotated[
        int, Field(ge=0, le=8192, description="Its rows; 0: down to the lower border.", json_schema_extra=PIXELS)
    ] = 0,
    feather: Feather = 0.0,
    like: Like = None,
) -> Mask:
    """Mark a rectangle: 1 inside, 0 outside. Sides that lie on the border of the picture are not feathered."""
    from nodegraph_nodes.ops import masks

    rows, columns = sides(size, like)
    return Mask(masks.rectangle(rows, columns, left, top, width or columns - left, height or rows - top, feather))


@node("CircleMask", category="Masks", outputs="mask", foresee=foresee_mask)
def circle_mask(
    size: Side = 28,
    x: Annotated[
        float, Field(ge=-8192, le=16384, description="The centre, from the left border.", json_schema_extra=PIXELS)
    ] = 14.0,
    y: Annotated[
        float, Field(ge=-8192, le=16384, description="The centre, from the upper border.", json_schema_extra=PIXELS)
    ] = 14.0,
    radius: Annotated[
        float, Field(gt=0, le=16384, description="From the centre to the edge.", json_schema_extra=PIXELS)
    ] = 7.0,
    feather: Feather = 0.0,
    like: Like = None,
) -> Mask:
    """Mark a circle: 1 inside, 0 outside."""
    from nodegraph_nodes.ops import masks

    rows, columns = sides(size, like)
    return Mask(masks.circle(rows, columns, x, y, radius, feather))


def foresee_inverted(known: Foresight) -> None:
    """As large as the other, and a rectangle the other way round."""
    mask = known.of("mask")
    known.gives("mask", chosen(mask, *PICTURE))
    if "rectangle" in mask:
        known.gives("mask", rectangle=mask["rectangle"]._replace(inverted=not mask["rectangle"].inverted))


@node("InvertMask", category="Masks", outputs="mask", foresee=foresee_inverted)
def invert_mask(mask: Mask) -> Mask:
    """Swap the inside and the outside of a mask."""
    from nodegraph_nodes.ops import masks

    return Mask(masks.invert(mask.values))
