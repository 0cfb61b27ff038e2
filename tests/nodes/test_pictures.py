"""Picture files: every kind that people have, and every kind that is no picture."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nodegraph_nodes.ops.pictures import (
    encode_png,
    from_bytes,
    png_bytes,
    read_picture,
    thumbnail,
    to_bytes,
)

RNG = np.random.default_rng(0)
ALL_GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)


def saved(folder: Path, picture: Image.Image, name: str = "picture.png", **how) -> Path:
    picture.save(folder / name, **how)
    return folder / name


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def pixels(values: np.ndarray) -> torch.Tensor:
    """What a picture of these bytes, (H, W) or (H, W, 3), has to be read as."""
    values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return torch.from_numpy(values.astype(np.float32))[None] / 127.5 - 1


def test_rgb_is_bytes_over_127_5_minus_1(tmp_path):
    read = read_picture(saved(tmp_path, Image.fromarray(COLOURS)))
    assert read.dtype == torch.float32 and read.shape == (1, 3, 6, 8)
    assert torch.equal(read, pixels(COLOURS))
    assert read.min() >= -1 and read.max() <= 1


def test_every_grey_in_and_out(tmp_path):
    path = saved(tmp_path, Image.fromarray(ALL_GREYS))
    grey, rgb = read_picture(path, color="grey"), read_picture(path, color="RGB")
    assert torch.equal(grey, pixels(ALL_GREYS)) and grey.shape == (1, 1, 16, 16)
    assert grey.min() == -1 and grey.max() == 1
    assert torch.equal(rgb, grey.expand(1, 3, 16, 16))
    assert np.array_equal(np.asarray(opened(encode_png(grey))), ALL_GREYS)
    assert torch.equal(from_bytes(to_bytes(grey)), grey)


def test_colour_to_grey_is_luma(tmp_path):
    read = read_picture(saved(tmp_path, Image.fromarray(COLOURS)), color="grey")
    assert torch.equal(read, pixels(np.asarray(Image.fromarray(COLOURS).convert("L"))))


def test_one_bit_and_palette(tmp_path):
    bits = RNG.integers(0, 2, (5, 9), dtype=np.uint8) * 255
    assert torch.equal(read_picture(saved(tmp_path, Image.fromarray(bits).convert("1")), color="grey"), pixels(bits))
    palette = Image.fromarray(COLOURS).quantize(8)
    read = read_picture(saved(tmp_path, palette, "palette.png"))
    assert torch.equal(read, pixels(np.asarray(palette.convert("RGB"))))
    assert torch.equal(read_picture(saved(tmp_path, palette, "palette.gif")), read)


def test_cmyk(tmp_path):
    cmyk = Image.fromarray(COLOURS).convert("CMYK")
    read = read_picture(saved(tmp_path, cmyk, "print.tiff"))
    torch.testing.assert_close(read, pixels(COLOURS), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "mode, name", [("I;16", "deep.png"), ("I;16", "deep.tiff"), ("I;16B", "big.tiff"), ("I", "deep.pgm")]
)
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, mode, name):
    ramp = np.linspace(0, 65535, 300).round().astype(np.uint16).reshape(10, 30)
    if name.endswith("pgm"):
        path = tmp_path / name
        path.write_bytes(b"P5 30 10 65535\n" + ramp.astype(">u2").tobytes())
    elif mode == "I;16B":
        path = saved(tmp_path, Image.frombytes("I;16B", (30, 10), ramp.astype(">u2").tobytes()), name)
    else:
        path = saved(tmp_path, Image.fromarray(ramp), name)
    read = read_picture(path, color="grey")
    expected = torch.from_numpy(ramp.astype(np.float64) / 65535 * 2 - 1)
    torch.testing.assert_close(read[0, 0].double(), expected, rtol=0, atol=1e-7)
    assert len(read.unique()) == 300
    assert torch.equal(read_picture(path), read.expand(1, 3, 10, 30))


def test_16_bit_grey_with_a_clear_value(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + struct.pack(">2H", 1000, 40000) for _ in range(2))
    path = tmp_path / "clear.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 0, 0, 0, 0))
        + chunk(b"tRNS", struct.pack(">H", 1000))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    read = read_picture(path, color="grey")
    assert read[0, 0, :, 0].tolist() == [1, 1]
    assert read[0, 0, 0, 1].item() == pytest.approx(40000 / 32767.5 - 1)
    assert read_picture(path, color="grey", background="black")[0, 0, 0, 0] == -1


def test_decimal_tiff_is_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.zeros((4, 4), np.float32)), "float.tiff")
    with pytest.raises(ValueError, match=r"float\.tiff holds decimal numbers.*convert it to 8 or 16 bits"):
        read_picture(path)


@pytest.mark.parametrize("background, value", [("white", 255), ("black", 0), ("grey", 128)])
def test_transparent_parts_show_the_background(tmp_path, background, value):
    layers = np.zeros((1, 3, 4), np.uint8)
    layers[0, :, 0] = 200  # red
    layers[0, :, 3] = (255, 0, 128)
    path = saved(tmp_path, Image.fromarray(layers))
    red = [
        [round(t) for t in row] for row in ((read_picture(path, background=background)[0, :, 0] + 1) * 127.5).tolist()
    ]
    mixed = [round((200 * 128 + value * 127) / 255), round(value * 127 / 255)]
    assert red[0][:2] == [200, value] and red[1][:2] == [0, value]
    assert abs(red[0][2] - mixed[0]) <= 1 and abs(red[1][2] - mixed[1]) <= 1


def test_transparency_of_grey_and_palette(tmp_path):
    grey = Image.fromarray(np.array([[[0, 255], [0, 0]]], np.uint8))
    assert read_picture(saved(tmp_path, grey, "grey.png"), color="grey").flatten().tolist() == [-1, 1]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 0, 0, 0])
    palette.putpixel((1, 0), 1)
    read = read_picture(saved(tmp_path, palette, "palette.png", transparency=1))
    assert torch.equal(read[0, :, 0, 1], torch.ones(3))
    assert torch.equal(read[0, :, 0, 0], torch.tensor([10, 20, 30]) / 127.5 - 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_the_rotation_that_a_camera_noted_is_applied(tmp_path, orientation, suffix):
    upright = np.zeros((32, 48), np.uint8)
    upright[:16, :16] = 255  # bright at the upper left
    stored = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: upright.T,
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), f"photo.{suffix}", exif=exif, quality=95)
    read = read_picture(path, color="grey")
    assert read.shape == (1, 1, 32, 48)
    assert (read[0, 0] - pixels(upright)[0, 0]).abs().mean() < 0.02


def test_crop_takes_the_middle_pad_adds_background_stretch_distorts(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    path = saved(tmp_path, Image.fromarray(wide))
    assert torch.equal(read_picture(path, 20), torch.ones(1, 3, 20, 20))
    padded = read_picture(path, 60, fit="pad", background="grey")
    assert padded.shape == (1, 3, 60, 60) and (padded[..., :20, :] == 0).all() and (padded[..., 40:, :] == 0).all()
    assert torch.equal(padded[..., 20:40, :], pixels(wide))
    stretched = read_picture(path, 60, fit="stretch")
    assert (
        stretched.shape == (1, 3, 60, 60)
        and (stretched[..., 25:35] > 0.99).all()
        and (stretched[..., :15] < -0.99).all()
    )
    tall = saved(tmp_path, Image.fromarray(wide.transpose(1, 0, 2)), "tall.png")
    assert torch.equal(read_picture(tall, 20), torch.ones(1, 3, 20, 20))


def test_shrinking_does_not_alias(tmp_path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    read = read_picture(saved(tmp_path, Image.fromarray(stripes)), 16, "grey")
    assert read.abs().max() < 0.2


@pytest.mark.parametrize("size", [1, 7, 28, 64])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_size_is_kept(tmp_path, size, fit):
    path = saved(tmp_path, Image.fromarray(RNG.integers(0, 256, (3, 100), dtype=np.uint8)))
    read = read_picture(path, size, "grey", fit=fit)
    assert read.shape == (1, 1, size, size) and read.min() >= -1 and read.max() <= 1


def test_a_missing_file_a_folder_an_empty_file_and_no_picture(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.png cannot be read \(No such file.*must be the path of a picture"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(ValueError, match="is a folder, must be a picture file"):
        read_picture(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.png is empty"):
        read_picture(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"text\.png is no picture that can be read, must be PNG, JPEG"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(ValueError, match="cannot be read"):
        read_picture("\0.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(ValueError, match="is a device or a pipe, must be a picture file"):
            read_picture(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tiff", "bmp"])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(tmp_path, suffix):
    big = Image.fromarray(RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    whole = saved(tmp_path, big, f"whole.{suffix}").read_bytes()
    path = tmp_path / f"short.{suffix}"
    for share in (0.05, 0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ValueError, match=r"short\.\w+ is (damaged or cut short|no picture)"):
            read_picture(path)


def test_damage_never_raises_anything_else(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "jpg", "webp", "gif", "tiff"):
        whole = saved(tmp_path, Image.fromarray(COLOURS), f"whole.{suffix}", exif=exif).read_bytes()
        path = tmp_path / f"damaged.{suffix}"
        for _ in range(25):
            damaged = bytearray(whole)
            for at in RNG.integers(0, len(damaged), 4):
                damaged[at] = RNG.integers(0, 256)
            path.write_bytes(bytes(damaged))
            try:
                read = read_picture(path)
            except ValueError as error:
                assert str(path) in str(error)
            else:
                assert read.ndim == 4 and read.shape[1] == 3


def test_a_pixel_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.fromarray(np.zeros((30, 40), np.uint8)))
    for limit in (1199, 500):  # where Pillow only warns, and where it raises
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match=rf"picture\.png has more than {limit:,} pixels.*make it smaller"):
            read_picture(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1200)
    read_picture(path)


def test_a_real_bomb(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )
    assert Image.MAX_IMAGE_PIXELS is not None and Image.MAX_IMAGE_PIXELS < 100_000_000
    with pytest.raises(ValueError, match=r"bomb\.png has more than .* pixels"):
        read_picture(path)


def test_formats_that_start_other_programs_are_not_read(tmp_path):
    path = tmp_path / "page.eps"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n%%EOF\n")
    with pytest.raises(ValueError, match="no picture that can be read"):
        read_picture(path)


@pytest.mark.parametrize("wrong", [{"color": "rgb"}, {"fit": "squeeze"}, {"background": "red"}])
def test_unknown_choices(tmp_path, wrong):
    path = saved(tmp_path, Image.fromarray(COLOURS))
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is '.*', must be"):
        read_picture(path, **wrong)


def test_bytes_round_to_the_nearest_and_cut():
    values = torch.tensor([-5.0, -1.0, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5, 0.0, 1.0, 7.0, float("inf")])
    assert to_bytes(values.view(1, 1, 1, -1)).flatten().tolist() == [0, 0, 0, 1, 128, 255, 255, 255]


def test_no_numbers_and_no_pictures_are_refused():
    with pytest.raises(ValueError, match="no numbers"):
        to_bytes(torch.full((1, 1, 2, 2), float("nan")))
    for shape in [(1, 4, 8, 8), (8, 8), (0, 3, 8, 8), (1, 3, 0, 8)]:
        with pytest.raises(ValueError, match="must be"):
            to_bytes(torch.zeros(shape))
    with pytest.raises(ValueError, match="batch of 2"):
        encode_png(torch.zeros(2, 1, 4, 4))
    with pytest.raises(ValueError, match="must be uint8"):
        from_bytes(torch.zeros(4, 4))


def test_png_of_one_is_exact_and_grey_stays_grey(tmp_path):
    png = opened(encode_png(pixels(COLOURS)))
    assert png.mode == "RGB" and np.array_equal(np.asarray(png), COLOURS)
    assert opened(encode_png(pixels(ALL_GREYS))).mode == "L"


def test_a_notebook_gets_a_sheet_with_small_pictures_enlarged():
    assert opened(png_bytes(torch.zeros(1, 1, 28, 28))).size == (112, 112)
    assert opened(png_bytes(torch.zeros(10, 1, 28, 28))).size == (5 * 116 + 4, 2 * 116 + 4)
    assert opened(png_bytes(torch.zeros(1, 3, 300, 200))).size == (200, 300)


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1, 28, 28),
        (1, 3, 64, 48),
        (1, 3, 3000, 20),
        (7, 1, 28, 28),
        (400, 1, 28, 28),
        (100, 3, 512, 512),
        (1, 1, 1, 1),
    ],
)
@pytest.mark.parametrize("size", [256, 64])
def test_thumbnails_have_at_most_the_size(shape, size):
    made = opened(thumbnail(torch.zeros(1, *shape[1:]).expand(shape), size))
    assert max(made.size) <= size and max(made.size) > size // 2
