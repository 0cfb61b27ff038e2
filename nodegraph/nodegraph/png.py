"""A graph inside a PNG: an uncompressed text chunk `nodegraph`, written and read without an image library.

Source: PNG (third edition), sections 5.3 (chunks) and 11.3.3.4 (iTXt).
"""

import os
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from .errors import GraphFileError

__all__ = ["PNG_START", "embed", "extract"]

PNG_START = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"nodegraph\0"
HEAD = KEYWORD + b"\0\0" + b"\0" + b"\0"  # not compressed, by no method; no language, no translated keyword
MAX_TEXT = 16 * 1024 * 1024
MAX_CHUNKS = 100_000


def embed(png: bytes, text: str) -> bytes:
    """The same picture, carrying the text in the place of one that it carried."""
    data = text.encode()
    if len(data) > MAX_TEXT:
        raise GraphFileError("", f"the graph is larger than {MAX_TEXT >> 20} MB, too large for a picture")
    parts = [PNG_START]
    for kind, start, size in read_chunks(BytesIO(png)):
        if kind == b"iTXt" and png[start : start + len(KEYWORD)] == KEYWORD:
            continue
        parts.append(png[start - 8 : start + size + 4])
        if kind == b"IHDR":
            parts.append(chunk(b"iTXt", HEAD + data))
    return b"".join(parts)


def extract(png: bytes | str | os.PathLike[str]) -> str | None:
    """The text that a PNG, given as bytes or by its path, carries; None when it carries none.

    Of a file, only the heads of its chunks and the text are read, however large the picture is.
    """
    if not isinstance(png, bytes):
        with Path(png).open("rb") as file:
            return find_text(file)
    return find_text(BytesIO(png))


def find_text(file: BinaryIO) -> str | None:
    for kind, start, size in read_chunks(file):
        if kind != b"iTXt":
            continue
        file.seek(start)
        if file.read(min(size, len(KEYWORD))) == KEYWORD:
            return read_text(file, start, size)
    return None


def read_text(file: BinaryIO, start: int, size: int) -> str:
    place = f"byte {start}"
    if size > MAX_TEXT + 1024:
        raise GraphFileError(place, f"the graph in this picture is larger than {MAX_TEXT >> 20} MB")
    file.seek(start)
    data = file.read(size)
    if file.read(4) != struct.pack(">I", zlib.crc32(b"iTXt" + data)):
        raise GraphFileError(place, "the graph in this picture is damaged: its checksum is wrong")
    flags, rest = data[len(KEYWORD) : len(KEYWORD) + 2], data[len(KEYWORD) + 2 :]
    parts = rest.split(b"\0", 2)
    if len(parts) != 3:
        raise GraphFileError(place, "the graph in this picture is cut short")
    if flags[:1] != b"\0":
        raise GraphFileError(place, "the graph in this picture was compressed by another program, and is not read")
    try:
        return parts[2].decode()
    except UnicodeDecodeError:
        raise GraphFileError(place, "the graph in this picture is no UTF-8 text") from None


def read_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and size of the content of each chunk, IHDR to IEND; GraphFileError when it is no PNG."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(PNG_START)) != PNG_START:
        raise GraphFileError("byte 0", "the picture is no PNG")
    at = len(PNG_START)
    for number in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            raise GraphFileError(f"byte {at}", "the picture is cut short")
        size, kind = struct.unpack(">I4s", head)
        if not kind.isalpha() or (number == 0) != (kind == b"IHDR"):
            raise GraphFileError(f"byte {at}", "the picture is no PNG, or is damaged: there is a part of no known kind")
        if at + 12 + size > end:
            raise GraphFileError(f"byte {at}", "the picture is cut short")
        yield kind, at + 8, size
        if kind == b"IEND":
            return
        at += 12 + size
    raise GraphFileError("", f"the picture has more than {MAX_CHUNKS:,} parts")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
