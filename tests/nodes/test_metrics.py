"""The peak signal-to-noise ratio."""

import math

import pytest
import torch

from nodegraph_nodes.ops.metrics import psnr


def test_values_by_hand():
    black = torch.full((1, 1, 8, 8), -1.0)
    assert psnr(-black, black).item() == pytest.approx(0, abs=1e-12)
    assert psnr(black + 0.2, black).item() == pytest.approx(20, abs=1e-5)
    assert psnr(black, black).item() == math.inf


def test_one_number_for_each_picture():
    reference = torch.zeros(1, 3, 4, 4)
    batch = torch.stack([torch.full((3, 4, 4), value) for value in (0.02, 0.2, 2.0)])
    torch.testing.assert_close(
        psnr(batch, reference), torch.tensor([40.0, 20.0, 0.0], dtype=torch.float64), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(psnr(batch, batch.flip(0))[1].item(), math.inf)


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 3, 4, 4), (1, 3, 4, 5), (3, 4)])
def test_only_alike_pictures_are_compared(shape):
    with pytest.raises(
        ValueError, match=r"reference is .*, must be like what it is compared with, 3 pictures of 4 x 4, RGB"
    ):
        psnr(torch.zeros(3, 3, 4, 4), torch.zeros(shape))
