"""Picture files: reading them as pixels in [-1, 1], and pixels as the bytes of PNG.

Only regular files of the formats below are read, by decoders inside Pillow: no format that starts another program.
Colour profiles are not applied; of a file with several frames the first is taken.
"""

import io
import stat
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from nodegraph_nodes.ops import geometry
from nodegraph_nodes.ops.drawing import BACKGROUNDS, as_batch, fitting_columns, sheet

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO", "TGA")
FITS = ("crop", "pad", "stretch")
MOST_ON_A_THUMBNAIL = 100


def read_picture(
    path: str | Path, size: int = 0, color: str = "RGB", *, fit: str = "crop", background: str = "white"
) -> Tensor:
    """Read a picture file as pixels (1, C, H, W): u8 / 127.5 - 1, or u16 / 32767.5 - 1 for 16-bit grey.

    The rotation that a camera noted is applied. Transparent parts show the background.

    Args:
        path: a regular file.
        size: pixels a side of the square result; 0 leaves the picture as it is.
        color: "RGB", or "grey" (luma of ITU-R 601).
        fit: how another shape becomes a square: "crop" cuts the middle out, "pad" adds background, "stretch" distorts.
            Resizing is bicubic, and antialiased where it shrinks.
        background: "white", "black" or "grey".

    Raises:
        ValueError: with the path, what is wrong with it, and what would be right.
    """
    if color not in ("RGB", "grey"):
        raise ValueError(f"color is {color!r}, must be 'RGB' or 'grey'")
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}, must be one of {', '.join(FITS)}")
    if background not in BACKGROUNDS:
        raise ValueError(f"background is {background!r}, must be one of {', '.join(BACKGROUNDS)}")
    check_file(Path(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata, which does not touch the picture
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            pixels = decoded(Path(path), color, BACKGROUNDS[background])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"picture {path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which could fill the memory; "
            "make it smaller in another program"
        ) from None
    except UnidentifiedImageError:
        raise ValueError(
            f"{path} is no picture that can be read, must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        ) from None
    except MemoryError:
        raise ValueError(f"picture {path} does not fit into memory; make it smaller in another program") from None
    except UnknownDepthError as error:
        raise ValueError(f"picture {path} {error}") from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise ValueError(f"picture {path} is damaged or cut short ({error}); save or copy it again") from error
    return fitted(pixels, size, fit, BACKGROUNDS[background]) if size else pixels


class UnknownDepthError(Exception):
    """A picture whose numbers do not say what is black and what is white."""


def check_file(path: Path) -> None:
    """Raise a ValueError that says why `path` is not a regular file with something in it."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"picture {path} cannot be read ({reason}), must be the path of a picture file") from None
    if stat.S_ISDIR(found.st_mode):
        raise ValueError(f"{path} is a folder, must be a picture file")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is a device or a pipe, must be a picture file")
    if found.st_size == 0:
        raise ValueError(f"picture {path} is empty; save or copy it again")


def decoded(path: Path, color: str, background: float) -> Tensor:
    """Decode a file as pixels (1, C, H, W), upright and opaque."""
    Image.init()
    with (
        path.open("rb") as stream,
        Image.open(stream, formats=[name for name in FORMATS if name in Image.OPEN]) as file,
    ):
        picture = ImageOps.exif_transpose(file)
        if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
            return deep_grey(picture, file.format, background).expand(1, 3 if color == "RGB" else 1, -1, -1).clone()
        if picture.has_transparency_data:
            paper = Image.new("RGBA", picture.size, (round((background + 1) * 127.5),) * 3)
            picture = Image.alpha_composite(paper, picture.convert("RGBA"))
        values = np.array(picture.convert("RGB").convert("L" if color == "grey" else "RGB"))
    return from_bytes(torch.from_numpy(values if values.ndim == 2 else values.transpose(2, 0, 1)))


def deep_grey(picture: Image.Image, format: str | None, background: float) -> Tensor:
    """The pixels of a grey picture of more than 8 bits, (1, 1, H, W), in full depth."""
    if picture.mode == "F" or (picture.mode == "I" and format not in ("PNG", "PPM")):
        kind = "decimal" if picture.mode == "F" else "32-bit"
        raise UnknownDepthError(f"holds {kind} numbers whose black and white are not known; convert it to 8 or 16 bits")
    values = np.asarray(picture).astype(np.float64)
    pixels = values / 32767.5 - 1
    clear = picture.info.get("transparency")
    if clear is not None:
        pixels[values == clear] = background
    return torch.from_numpy(pixels).float()[None, None]


def fitted(pixels: Tensor, size: int, fit: str, background: float) -> Tensor:
    """Make a picture `size` pixels wide and high."""
    height, width = pixels.shape[-2:]
    if fit == "crop":
        side = min(height, width)
        pixels = geometry.crop(pixels, (width - side) // 2, (height - side) // 2, side, side)
    elif fit == "pad":
        longer = max(height, width)
        high, wide = max(1, round(size * height / longer)), max(1, round(size * width / longer))
        top, left = (size - high) // 2, (size - wide) // 2
        pixels = geometry.resize(pixels, high, wide)
        return geometry.pad(pixels, left, top, size - wide - left, size - high - top, value=background)
    return geometry.resize(pixels, size, size)


def from_bytes(values: Tensor) -> Tensor:
    """Return uint8 values as pixels (B, C, H, W) in [-1, 1].

    Args:
        values: (H, W), (C, H, W) or (B, C, H, W).
    """
    if values.dtype != torch.uint8 or not 2 <= values.ndim <= 4:
        raise ValueError(f"values are {values.dtype} of shape {list(values.shape)}, must be uint8 (B, C, H, W)")
    return values.reshape((1,) * (4 - values.ndim) + values.shape).float() / 127.5 - 1


def to_bytes(pixels: Tensor) -> Tensor:
    """Return pixels (B, C, H, W) as uint8, rounded to the nearest; what lies outside [-1, 1] is cut.

    The exact inverse of `from_bytes`.
    """
    pixels = as_batch(pixels)
    if pixels.isnan().any():
        raise ValueError("the picture holds values that are no numbers (NaN); what made it went wrong")
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def encode_png(pixels: Tensor) -> bytes:
    """Return one picture, (1, C, H, W), as an 8-bit PNG, grey or RGB, pixel by pixel."""
    values = to_bytes(pixels)
    if len(values) != 1:
        raise ValueError(f"a batch of {len(values)} pictures cannot be one PNG, must be one picture")
    stream = io.BytesIO()
    as_pillow(values[0]).save(stream, "PNG")
    return stream.getvalue()


def as_pillow(values: Tensor) -> Image.Image:
    """Return uint8 values (1 or 3, H, W) as a picture of Pillow."""
    return Image.fromarray(values[0].numpy() if len(values) == 1 else values.permute(1, 2, 0).contiguous().numpy())


def png_bytes(pixels: Tensor) -> bytes:
    """Return pixels (B, C, H, W) as a PNG to be looked at: a batch as a sheet, small pictures enlarged."""
    return encode_png(sheet([pixels], gap=4 if len(pixels) > 1 else 0, background="grey"))


def thumbnail(pixels: Tensor, size: int = 256) -> bytes:
    """Return pixels (B, C, H, W) as a PNG of at most `size` pixels a side, with the first hundred of a batch."""
    shown = as_batch(pixels[:MOST_ON_A_THUMBNAIL])
    columns = fitting_columns([len(shown)])
    rows = -(-len(shown) // columns)
    gap = 0 if len(shown) == 1 else 2
    height, width = shown.shape[-2:]
    room = min((size - gap * (columns + 1)) / (columns * width), (size - gap * (rows + 1)) / (rows * height))
    if room < 1:
        shown = geometry.resize(shown, max(1, int(height * room)), max(1, int(width * room)), "bilinear")
    return encode_png(sheet([shown], columns, scale=max(1, int(room)), gap=gap, background="grey"))
