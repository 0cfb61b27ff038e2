"""How large the picture in a file is, as the first bytes of a PNG or a JPEG tell; no Pillow, no torch.

It is right or not told: where a camera may have noted a rotation, only that of a square is known.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
PICTURES = (b"P", b"GIF8", b"BM", b"II", b"MM", b"RIFF", b"\x89", b"\xff")
"""How the formats begin that can be read, as far as that could be text; TGA has a byte below 32 in second place."""
MOST = 10_000  # parts of a file that are looked at
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG behind which height and width stand


def size_in(path: Path) -> tuple[int, int] | None:
    """Height and width of the picture once it is upright; None where that takes more to be told."""
    try:
        with path.open("rb") as file:
            begin = file.read(8)
            if begin == PNG:
                size, turned = png_size(file)
            elif begin.startswith(JPEG):
                file.seek(2)
                size, turned = jpeg_size(file)
            else:
                return None
    except (OSError, ValueError, IndexError):
        return None
    return size if size is not None and 0 not in size and (not turned or size[0] == size[1]) else None


def png_size(file: BinaryIO) -> tuple[tuple[int, int] | None, bool]:
    """Height and width, and whether something that could tell a rotation is there."""
    size, turned = None, False
    for kind, length in chunks(file):
        content = file.read(min(length, 4096))
        if kind == b"IHDR":
            size = int.from_bytes(content[4:8], "big"), int.from_bytes(content[:4], "big")
        keyword = content.partition(b"\0")[0].lower()
        texts = kind in (b"tEXt", b"zTXt", b"iTXt") and (b"exif" in keyword or b"xmp" in keyword)
        turned = turned or kind == b"eXIf" or texts
    return size, turned


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk of a PNG, the file being where its content begins."""
    at = len(PNG)
    for _ in range(MOST):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length
        at += 12 + length
    raise ValueError("too many chunks")


def jpeg_size(file: BinaryIO) -> tuple[tuple[int, int] | None, bool]:
    """Height and width, and whether a segment is there that could tell a rotation, which comes before them."""
    turned = False
    for _ in range(MOST):
        marker = file.read(1)
        if marker != b"\xff":
            return None, turned
        while marker == b"\xff":
            marker = file.read(1)
        length = int.from_bytes(file.read(2), "big")
        if marker[0] in SIZES:
            content = file.read(5)
            return (int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")), turned
        turned = turned or marker[0] in (0xE1, 0xDA)
        if marker[0] == 0xDA or length < 2:
            return None, turned
        file.seek(length - 2, 1)
    return None, turned


def check_is_picture(path: Path) -> None:
    """ValueError for an empty file and for a text, which are no pictures in any format."""
    try:
        with path.open("rb") as file:
            begin = file.read(512)
    except OSError:
        return  # the run tells
    if not begin:
        raise ValueError(f"{path} is empty; save or copy it again")
    text = all(32 <= byte < 127 or byte in b"\t\n\r" for byte in begin) and begin[1:2] > b"\x1f"
    if text and not begin.startswith(PICTURES):
        raise ValueError(f"{path} is a text, must be a picture file, such as PNG or JPEG")
