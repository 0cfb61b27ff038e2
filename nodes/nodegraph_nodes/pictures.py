"""Nodes for pictures: from files and into files, side by side on a sheet, and the plain operations on pixels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nodegraph import Context, Foresight, node, png
from nodegraph_nodes.foresights import PICTURE, chosen, foresee_file_size, passes, size_of
from nodegraph_nodes.ops.agreements import check_pixels, check_texts
from nodegraph_nodes.ops.sizes import check_odd
from nodegraph_nodes.types import Image

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = {"unit": "px"}
Background = Annotated[Literal["white", "black", "grey"], Field(description="What is where there is no picture.")]
Length = Annotated[int, Field(ge=0, le=16384, json_schema_extra=PIXELS)]
Captions = Annotated[
    list[str], Field(description="A text below each picture, in order; none, or one for every picture.")
]
Headings = Annotated[
    list[str], Field(description="A text above each batch, which then begins a new row; none, or one each.")
]


def pixels_of(image: Image, name: str = "image") -> "Tensor":
    """The pixels of an image, which must not be latents: they have no colours yet."""
    check_pixels(image.space, name)
    return image.pixels


def foresee_file(known: Foresight) -> None:
    known.gives("image", batch=1, space="pixels")
    if known.knows("color"):
        known.gives("image", channels=3 if known.value("color") == "RGB" else 1)
    foresee_file_size(known, "image")


@node("LoadImage", category="Pictures", outputs="image", foresee=foresee_file)
def load_image(
    path: Annotated[
        Path,
        Field(
            description="A picture file: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, ...", json_schema_extra={"exists": True}
        ),
    ],
    size: Annotated[Length, Field(description="Pixels a side of the square result; 0 keeps the size of the file.")] = 0,
    color: Annotated[Literal["RGB", "grey"], Field(description="Three channels, or one.")] = "RGB",
    fit: Annotated[
        Literal["crop", "pad", "stretch"],
        Field(description="How another shape becomes a square: its middle, with background around it, or distorted."),
    ] = "crop",
    background: Annotated[
        Literal["white", "black", "grey"], Field(description="What transparent parts and padding show.")
    ] = "white",
) -> Image:
    """Load a picture from a file.

    The rotation that a camera noted is applied, and 16-bit grey keeps its depth. Resizing is bicubic, antialiased
    where it shrinks. Of an animation the first frame is taken.
    """
    from nodegraph_nodes.ops import pictures

    return Image(pictures.read_picture(path, size, color, fit=fit, background=background))


def foresee_shown(known: Foresight) -> None:
    """Only pixels can be shown."""
    with known.refusals():
        check_pixels(known.of("image").get("space", "pixels"), "image")


@node("SaveImage", category="Pictures", outputs="path", pure=False, foresee=foresee_shown)
def save_image(
    context: Context,
    image: Image,
    name: Annotated[
        str,
        Field(
            min_length=1,
            description="File name below the output folder; a number is added if it is taken.",
            json_schema_extra={"output": ".png"},
        ),
    ] = "picture",
    batch: Annotated[
        Literal["files", "sheet"],
        Field(description="Several pictures: a file for each, name_1.png, name_2.png, ..., or one sheet of all."),
    ] = "files",
) -> Path:
    """Save pictures as PNG files that carry the graph that made them.

    Such a file can be opened and run like a graph. A run can leave the graph out: a preference of the editor,
    `--no-metadata` of the command line. Pixels are rounded to 8 bits. Of several files, the path is that of the first.
    """
    from nodegraph_nodes.ops import drawing, pictures

    pixels = pixels_of(image)
    stem = name[:-4] if name.lower().endswith(".png") else name
    if not stem.rpartition("/")[2]:
        raise ValueError(f"name is {name!r}, must name a file, such as 'picture'")
    if batch == "sheet":
        pixels = drawing.sheet([pixels])
    digits = len(str(len(pixels)))
    text = context.graph_text()
    written = []
    for index, row in enumerate(pixels, start=1):
        context.checkpoint()
        content = pictures.encode_png(row[None])
        number = f"_{index:0{digits}}" if len(pixels) > 1 else ""
        written.append(
            context.output.write(f"{stem}{number}.png", content if text is None else png.embed(content, text))
        )
    return written[0]


@node("ShowImage", category="Pictures", pure=False, foresee=foresee_shown)
def show_image(context: Context, image: Image) -> None:
    """Show pictures on the node. In a run without an editor it only sees to it that they are made."""
    from nodegraph_nodes.ops import pictures

    pixels = pixels_of(image)
    context.progress(1, 1, preview=lambda: pictures.thumbnail(pixels))


def foresee_sheet(known: Foresight) -> None:
    """Texts for each picture, or for each batch, and pixels only."""
    for index, facts in enumerate(known.of("images")):
        with known.refusals():
            check_pixels(facts.get("space", "pixels"), f"images[{index}]")
    with known.refusals():
        check_pixels(known.of("reference").get("space", "pixels"), "reference")
    batches, sizes = known.count("images"), [facts.get("batch") for facts in known.of("images")]
    pictures = sum(sizes) if sizes and None not in sizes else None
    captions, headings = (len(known.value(name)) if known.knows(name) else 0 for name in ("captions", "headings"))
    with known.refusals():
        check_texts(captions, headings, pictures, batches)
    known.gives("image", batch=1, space="pixels")


@node("ImageGrid", category="Pictures", outputs="image", foresee=foresee_sheet)
def image_grid(
    images: Annotated[list[Image], Field(min_length=1, description="Pictures, in order; each may be a whole batch.")],
    columns: Annotated[int, Field(ge=0, le=1000, description="Pictures a row; 0 finds a fitting number.")] = 0,
    captions: Captions = [],  # noqa: B006 - a default of the port, never written to
    headings: Headings = [],  # noqa: B006
    reference: Annotated[
        Image | None,
        Field(
            description="What the pictures should be: below each stands its PSNR in decibels, the higher the closer."
        ),
    ] = None,
    scale: Annotated[
        int, Field(ge=0, le=64, description="How much larger, pixel by pixel; 0 enlarges small pictures to about 112.")
    ] = 0,
    gap: Annotated[int, Field(ge=0, le=256, description="Between the pictures.", json_schema_extra=PIXELS)] = 8,
    background: Background = "white",
) -> Image:
    """Lay out pictures on one sheet, row by row, with captions.

    Smaller ones stand in the middle of their cell; the sheet is grey only if all of them are. With a reference (one
    picture, or as many as each batch has) the PSNR is computed over values in [-1, 1], not cut to that range.
    """
    from nodegraph_nodes.ops import drawing

    pixels = [pixels_of(image, f"images[{index}]") for index, image in enumerate(images)]
    count = sum(map(len, pixels))
    check_texts(len(captions), len(headings), count, len(pixels))
    lines = (
        captions if reference is None else below(captions or [""] * count, pixels, pixels_of(reference, "reference"))
    )
    return Image(drawing.sheet(pixels, columns, lines, headings=headings, scale=scale, gap=gap, background=background))


def below(captions: list[str], pixels: "list[Tensor]", reference: "Tensor") -> list[str]:
    """The captions, with the PSNR of each picture on a line of its own."""
    from nodegraph_nodes.ops import metrics

    ratios = [ratio for batch in pixels for ratio in metrics.psnr(batch, reference).tolist()]
    lines = ["identical" if ratio == float("inf") else f"{ratio:.1f} dB" for ratio in ratios]
    return [f"{caption}\n{line}" for caption, line in zip(captions, lines, strict=True)]


def foresee_blur(known: Foresight) -> None:
    if known.knows("kernel"):
        with known.refusals():
            check_odd(known.value("kernel") or None)
    known.gives("image", chosen(known.of("image"), *PICTURE))


@node("GaussianBlur", category="Pictures", outputs="image", foresee=foresee_blur)
def gaussian_blur(
    image: Image,
    sigma: Annotated[
        float, Field(ge=0, le=1000, description="Standard deviation; 0 leaves the picture.", json_schema_extra=PIXELS)
    ] = 2.0,
    kernel: Annotated[
        int,
        Field(
            ge=0,
            le=8191,
            description="How wide the Gaussian is cut, odd; 0: 4 sigma to each side.",
            json_schema_extra=PIXELS,
        ),
    ] = 0,
) -> Image:
    """Blur a picture with a Gaussian, reflected at its borders: noise goes, and detail with it."""
    from nodegraph_nodes.ops.blur import gaussian_blur as blurred

    return Image(blurred(pixels_of(image), sigma, kernel or None))


def foresee_resizing(known: Foresight) -> None:
    known.gives("image", chosen(known.of("image"), "batch", "channels", "space"))
    if known.knows("width", "height"):
        size = size_of(known.of("image"))
        with known.refusals():
            found = resized(known.value("width"), known.value("height"), *(size or (None, None)))
            if found is not None:
                known.gives("image", height=found[0], width=found[1])


def resized(width: int, height: int, rows: int | None, columns: int | None) -> tuple[int, int] | None:
    """Height and width of a picture that is resized; None where its size has to be known for that, and is not."""
    if not width and not height:
        raise ValueError("width and height are both 0, must be a number of pixels in at least one")
    if width and height:
        return height, width
    if rows is None or columns is None:
        return None
    return height or max(1, round(width * rows / columns)), width or max(1, round(height * columns / rows))


@node("Resize", category="Pictures", outputs="image", foresee=foresee_resizing)
def resize(
    image: Image,
    width: Annotated[Length, Field(description="Of the result; 0 follows from the height.")] = 0,
    height: Annotated[Length, Field(description="Of the result; 0 follows from the width.")] = 0,
    filter: Annotated[
        Literal["bicubic", "bilinear", "area", "nearest"],
        Field(description="Smooth (the first two antialiased where they shrink), means of areas, or copies of pixels."),
    ] = "bicubic",
) -> Image:
    """Make a picture larger or smaller."""
    from nodegraph_nodes.ops import geometry

    pixels = pixels_of(image)
    size = resized(width, height, *pixels.shape[-2:])
    return Image(geometry.resize(pixels, *size, filter))


@node("Crop", category="Pictures", outputs="image", foresee=passes("image", "image", "batch", "channels", "space"))
def crop(
    image: Image,
    left: Annotated[Length, Field(description="Columns to cut off on the left.")] = 0,
    top: Annotated[Length, Field(description="Rows to cut off above.")] = 0,
    width: Annotated[Length, Field(description="Columns to keep; 0: up to the right border.")] = 0,
    height: Annotated[Length, Field(description="Rows to keep; 0: down to the lower border.")] = 0,
) -> Image:
    """Cut a rectangle out of a picture."""
    from nodegraph_nodes.ops import geometry

    pixels = pixels_of(image)
    rows, columns = pixels.shape[-2:]
    return Image(geometry.crop(pixels, left, top, width or columns - left, height or rows - top))


@node("Pad", category="Pictures", outputs="image", foresee=passes("image", "image", "batch", "channels", "space"))
def pad(
    image: Image,
    left: Annotated[Length, Field(description="Columns to add on the left.")] = 0,
    top: Annotated[Length, Field(description="Rows to add above.")] = 0,
    right: Annotated[Length, Field(description="Columns to add on the right.")] = 0,
    bottom: Annotated[Length, Field(description="Rows to add below.")] = 0,
    fill: Annotated[
        Literal["white", "black", "grey", "reflect", "replicate"],
        Field(description="A colour, the picture mirrored at its border, or its border continued."),
    ] = "black",
) -> Image:
    """Add pixels around a picture."""
    from nodegraph_nodes.ops import geometry
    from nodegraph_nodes.ops.drawing import BACKGROUNDS

    edge, value = ("constant", BACKGROUNDS[fill]) if fill in BACKGROUNDS else (fill, 0.0)
    return Image(geometry.pad(pixels_of(image), left, top, right, bottom, edge=edge, value=value))
