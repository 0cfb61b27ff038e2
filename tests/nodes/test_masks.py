"""Masks: where they are 1, how their edges fall, and their reading from pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from nodegraph_nodes.ops import masks


def test_a_rectangle_is_one_inside_and_zero_outside():
    mask = masks.rectangle(10, 12, left=3, top=2, width=4, height=5)
    assert mask.shape == (1, 1, 10, 12) and mask.dtype == torch.float32
    assert (mask[..., 2:7, 3:7] == 1).all() and mask.sum() == 20


def test_a_feathered_edge_is_one_half_on_the_edge_and_linear():
    mask = masks.rectangle(20, 20, left=8, top=0, width=12, height=20, feather=4)[0, 0]
    assert mask[5].tolist() == [0] * 6 + [0.125, 0.375, 0.625, 0.875] + [1] * 10
    assert (mask == mask[0]).all(), "sides on the border of the picture are not feathered"


def test_a_rectangle_and_the_rest_partition():
    inside = masks.rectangle(28, 28, 5, 6, 10, 12, feather=3.5)
    assert torch.equal(masks.invert(inside) + inside, torch.ones_like(inside))
    torch.testing.assert_close(masks.invert(masks.invert(inside)), inside, rtol=0, atol=1e-7)


def test_a_rectangle_of_the_whole_picture_is_all_ones():
    assert (masks.rectangle(9, 7, 0, 0, 7, 9, feather=5) == 1).all()


@pytest.mark.parametrize(
    "place, message",
    [
        ((25, 0, 5, 5), r"left is 25 and width 5, must lie within the mask's width of 28"),
        ((0, 20, 5, 9), r"top is 20 and height 9, must lie within the mask's height of 28"),
        ((0, 0, 0, 5), r"width 0"),
        ((-1, 0, 5, 5), r"left is -1"),
    ],
)
def test_a_rectangle_that_does_not_fit(place, message):
    with pytest.raises(ValueError, match=message):
        masks.rectangle(28, 28, *place)


def test_a_circle_has_its_area_and_is_round():
    mask = masks.circle(100, 120, 60, 50, 30)
    assert mask.sum().item() == pytest.approx(np.pi * 900, rel=0.01)
    assert torch.equal(mask, mask.flip(-1)) and torch.equal(mask, mask.flip(-2))
    soft = masks.circle(100, 120, 60, 50, 30, feather=8)
    assert soft.sum().item() == pytest.approx(np.pi * 900, rel=0.02) and 0 < soft[0, 0, 50, 30] < 1


def test_a_circle_that_is_nowhere():
    with pytest.raises(ValueError, match="no pixel of the 28 x 28 mask"):
        masks.circle(28, 28, 100, 100, 3)
    with pytest.raises(ValueError, match="radius is 0"):
        masks.circle(28, 28, 14, 14, 0)
    with pytest.raises(ValueError, match="feather is -1"):
        masks.circle(28, 28, 14, 14, 3, -1)


def test_white_is_one_black_and_transparent_are_zero(tmp_path):
    layers = np.zeros((1, 4, 4), np.uint8)
    layers[0, :, :3] = np.array([255, 0, 128, 255])[:, None]
    layers[0, :, 3] = [255, 255, 255, 0]
    Image.fromarray(layers).save(tmp_path / "mask.png")
    mask = masks.read_mask(tmp_path / "mask.png")
    assert mask.shape == (1, 1, 1, 4)
    torch.testing.assert_close(mask.flatten(), torch.tensor([1, 0, 128 / 255, 0]))
    padded = masks.read_mask(tmp_path / "mask.png", 4, fit="pad")
    assert padded.shape == (1, 1, 4, 4) and padded[0, 0, 0].sum() == 0
