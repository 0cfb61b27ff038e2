"""Moving pictures: the bytes of a GIF or an animated WebP, repeated for ever, with a pause on the last frame."""

import io
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from nodegraph_nodes.ops.pictures import as_pillow


def gif_bytes(frames: Sequence[Tensor], seconds: float = 0.08, hold: float = 1.5) -> bytes:
    """Return frames as a GIF. Grey ones are exact; RGB ones are dithered to 256 colours a frame.

    Args:
        frames: uint8, each (1 or 3, H, W), all of one size.
        seconds: how long a frame is shown, at least 0.02, which is as fast as viewers go; GIF counts hundredths.
        hold: how long the last frame is shown.
    """
    pictures = [
        picture if picture.mode == "L" else dithered(picture) for picture in frame_pictures(frames, seconds, hold)
    ]
    return animated(pictures, "GIF", durations(len(pictures), seconds, hold, unit=10), optimize=False)


def webp_bytes(frames: Sequence[Tensor], seconds: float = 0.08, hold: float = 1.5) -> bytes:
    """Return frames as an animated WebP, every pixel exact. Arguments as those of `gif_bytes`, in milliseconds."""
    pictures = [picture.convert("RGB") for picture in frame_pictures(frames, seconds, hold)]
    return animated(pictures, "WEBP", durations(len(pictures), seconds, hold, unit=1), lossless=True, method=3)


def frame_pictures(frames: Sequence[Tensor], seconds: float, hold: float) -> list[Image.Image]:
    """The frames as pictures of Pillow, having seen that they can be an animation."""
    if not frames:
        raise ValueError("there is no frame to show, must be at least one")
    if not (0.02 <= seconds <= 60 and 0.02 <= hold <= 600):
        raise ValueError(f"seconds is {seconds:g} and hold {hold:g}, must be 0.02 to 60 and 0.02 to 600")
    shape = frames[0].shape
    for number, frame in enumerate(frames):
        if frame.dtype != torch.uint8 or frame.ndim != 3 or frame.shape[0] not in (1, 3):
            raise ValueError(f"frame {number} is {frame.dtype} {list(frame.shape)}, must be uint8 (1 or 3, H, W)")
        if frame.shape != shape:
            raise ValueError(f"frame {number} is {list(frame.shape)}, must be {list(shape)} like the first")
    return [as_pillow(frame.cpu()) for frame in frames]


def animated(pictures: list[Image.Image], format: str, duration: list[int], **options: bool | int) -> bytes:
    """One file of all pictures, each shown for its milliseconds, that begins anew when it ends."""
    stream = io.BytesIO()
    pictures[0].save(stream, format, save_all=True, append_images=pictures[1:], duration=duration, loop=0, **options)
    return stream.getvalue()


def dithered(picture: Image.Image) -> Image.Image:
    """Reduce an RGB picture to the 256 colours that suit it best."""
    palette = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def durations(count: int, seconds: float, hold: float, *, unit: int) -> list[int]:
    """Milliseconds of each frame, as multiples of `unit`, rounded so that they add up over the whole animation."""
    ends = [round((number + 1) * seconds * 1000 / unit) * unit for number in range(count - 1)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)] + [round(hold * 1000 / unit) * unit]
