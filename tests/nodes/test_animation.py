"""Animations: the frames, their times, and that they are what was given."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from nodegraph_nodes.ops.animation import durations, gif_bytes, webp_bytes


def frames(count: int, channels: int = 1, side: int = 16) -> list[torch.Tensor]:
    values = np.random.default_rng(0).integers(0, 256, (count, channels, side, side), dtype=np.uint8)
    return list(torch.from_numpy(values))


def played(data: bytes, mode: str) -> tuple[list[np.ndarray], list[int], int]:
    with Image.open(io.BytesIO(data)) as file:
        shown, times = [], []
        for frame in ImageSequence.Iterator(file):
            shown.append(np.asarray(frame.convert(mode)))
            times.append(frame.info["duration"])
        return shown, times, file.info["loop"]


@pytest.mark.parametrize("make", [gif_bytes, webp_bytes])
def test_grey_frames_are_exact_and_the_last_is_held(make):
    given = frames(5)
    shown, times, loop = played(make(given, seconds=0.1, hold=2), "L")
    assert all(np.array_equal(a, b[0].numpy()) for a, b in zip(shown, given, strict=True))
    assert times == [100, 100, 100, 100, 2000] and loop == 0


def test_colour_is_exact_in_webp_and_close_in_gif():
    given = frames(3, 3)
    shown, _, _ = played(webp_bytes(given), "RGB")
    assert all(np.array_equal(a, b.permute(1, 2, 0).numpy()) for a, b in zip(shown, given, strict=True))
    ramp = torch.stack(
        [torch.arange(64).repeat(64, 1) * 4, torch.arange(64)[:, None].repeat(1, 64) * 4, torch.full((64, 64), 99)]
    )
    shown, _, _ = played(gif_bytes([ramp.byte(), ramp.byte().flip(-1)]), "RGB")
    assert np.abs(shown[0].astype(int) - ramp.permute(1, 2, 0).numpy()).mean() < 8


def test_frames_that_repeat_last_as_long_together():
    a, b = frames(2)
    for make in (gif_bytes, webp_bytes):
        shown, times, _ = played(make([a, a, a, b, b], seconds=0.1, hold=1), "L")
        assert sum(times) == 1400 and np.array_equal(shown[-1], b[0].numpy())


@pytest.mark.parametrize("make", [gif_bytes, webp_bytes])
def test_a_single_frame_is_a_still_picture(make):
    (frame,) = frames(1)
    with Image.open(io.BytesIO(make([frame]))) as file:
        assert np.array_equal(np.asarray(file.convert("L")), frame[0].numpy())


def test_times_add_up():
    assert sum(durations(101, 0.033, 1, unit=10)[:-1]) == 3300
    assert durations(1, 0.1, 1, unit=1) == [1000]
    assert min(durations(50, 0.025, 1, unit=10)) >= 20


def test_what_is_no_animation():
    with pytest.raises(ValueError, match="no frame"):
        gif_bytes([])
    with pytest.raises(ValueError, match=r"frame 1 is \[1, 8, 8\], must be \[1, 16, 16\] like the first"):
        gif_bytes([*frames(1), *frames(1, side=8)])
    with pytest.raises(ValueError, match=r"frame 0 is torch\.float32"):
        webp_bytes([torch.zeros(1, 8, 8)])
    for wrong in ({"seconds": 0}, {"hold": 1000}, {"seconds": float("nan")}):
        with pytest.raises(ValueError, match="must be"):
            gif_bytes(frames(2), **wrong)
