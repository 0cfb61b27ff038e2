"""The text that a PNG carries: put in, taken out, replaced; and pictures that are none."""

import contextlib
import io
import random
import struct
import zlib

import pytest

from nodegraph.errors import GraphFileError
from nodegraph.png import embed, extract

TEXT = '{"nodegraph": 1, "title": "③ and a \\n"}'


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk; checks every checksum."""
    found, at = [], 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size]) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        at += 12 + size
    return found


def itxt(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + b"iTXt" + data + struct.pack(">I", zlib.crc32(b"iTXt" + data))


def with_chunk(pixel: bytes, chunk: bytes) -> bytes:
    return pixel[:33] + chunk + pixel[33:]


def test_a_text_goes_in_and_comes_out(pixel, tmp_path):
    png = embed(pixel, TEXT)
    assert [kind for kind, _ in chunks(png)] == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]
    assert chunks(png)[1][1] == b"nodegraph\0\0\0\0\0" + TEXT.encode()
    assert extract(png) == TEXT
    (tmp_path / "a.png").write_bytes(png)
    assert extract(tmp_path / "a.png") == TEXT
    assert extract(pixel) is None


def test_a_text_is_replaced_and_others_are_kept(pixel):
    other = itxt(b"Title\0\0\0\0\0a picture")
    png = embed(embed(with_chunk(pixel, other), "old"), TEXT)
    assert [kind for kind, _ in chunks(png)] == [b"IHDR", b"iTXt", b"iTXt", b"IDAT", b"IEND"]
    assert extract(png) == TEXT
    assert other in png
    assert b"old" not in png


def test_a_text_after_the_pixels_is_found(pixel):
    assert extract(pixel[:-12] + itxt(b"nodegraph\0\0\0en\0graph\0text") + pixel[-12:]) == "text"


def test_other_readers_see_the_same_pixels_and_the_text(pixel):
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(embed(pixel, TEXT)))
    assert image.getpixel((0, 0)) == (255, 0, 0)
    assert image.text["nodegraph"] == TEXT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda png: b"", "byte 0: the picture is no PNG"),
        (lambda png: b"GIF89a" + png[6:], "byte 0: the picture is no PNG"),
        (lambda png: png[:8], "byte 8: the picture is cut short"),
        (lambda png: png[:33], "byte 33: the picture is cut short"),
        (lambda png: png[:-13], "the picture is cut short"),
        (lambda png: png[:8] + png[33:], "byte 8: the picture is no PNG, or is damaged"),
        (lambda png: png[:33] + b"\xff\xff\xff\xff" + png[37:], "byte 33: the picture is cut short"),
        (lambda png: with_chunk(png, itxt(b"nodegraph\0\0\0text")), "the graph in this picture is cut short"),
        (lambda png: with_chunk(png, itxt(b"nodegraph\0\1\0\0\0text")), "was compressed by another program"),
        (lambda png: with_chunk(png, itxt(b"nodegraph\0\0\0\0\0\xff")), "the graph in this picture is no UTF-8 text"),
        (lambda png: embed(png, TEXT).replace(b"title", b"tittle"[:5]), "its checksum is wrong"),
        (lambda png: png[:33] + itxt(b"") * 100_001 + png[33:], "the picture has more than 100,000 parts"),
        (lambda png: with_chunk(png, itxt(b"nodegraph\0\0\0\0\0" + b" " * (17 << 20))), "is larger than 16 MB"),
    ],
)
def test_a_picture_with_a_mistake(pixel, change, message):
    with pytest.raises(GraphFileError, match=message):
        extract(change(pixel))


def test_a_text_that_is_too_large(pixel):
    with pytest.raises(GraphFileError, match="too large for a picture"):
        embed(pixel, " " * (17 << 20))


def test_broken_pictures_end_in_an_error_of_our_own(pixel):
    random.seed(0)
    whole = embed(pixel, TEXT)
    for _ in range(3000):
        png = bytearray(whole[: random.randrange(len(whole) + 1)] if random.random() < 0.3 else whole)
        for _ in range(random.randrange(1, 4)):
            if png:
                png[random.randrange(len(png))] = random.randrange(256)
        for use in (extract, lambda broken: embed(broken, TEXT)):
            with contextlib.suppress(GraphFileError):
                use(bytes(png))
