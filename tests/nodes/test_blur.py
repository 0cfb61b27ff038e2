"""The Gaussian blur: what a blur must keep, and what cannot be blurred."""

import math

import pytest
import torch
from torch import Tensor

from nodegraph_nodes.ops.blur import gaussian_blur, gaussian_weights


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def blurred_by_hand(x: Tensor, weights: Tensor) -> Tensor:
    """Pixel by pixel, mirroring indexes at the border without repeating it."""
    reach = len(weights) // 2

    def mirrored(index: int, side: int) -> int:
        return side - 1 - abs(side - 1 - abs(index))

    height, width = x.shape
    result = torch.zeros_like(x)
    for row in range(height):
        for column in range(width):
            for i, down in enumerate(weights):
                for j, across in enumerate(weights):
                    at = mirrored(row + i - reach, height), mirrored(column + j - reach, width)
                    result[row, column] += down * across * x[at]
    return result


def test_equals_the_sum_written_out():
    x = noise(7, 6)
    expected = blurred_by_hand(x, gaussian_weights(1.3, 9))
    torch.testing.assert_close(gaussian_blur(x[None, None], 1.3, 9)[0, 0], expected, rtol=0, atol=1e-14)


def test_a_flat_picture_stays_and_weights_sum_to_one():
    flat = torch.full((1, 3, 28, 28), 0.37, dtype=torch.float64)
    torch.testing.assert_close(gaussian_blur(flat, 2), flat, rtol=0, atol=1e-14)
    weights = gaussian_weights(2)
    assert len(weights) == 17 and weights.sum().item() == pytest.approx(1, abs=1e-15)
    torch.testing.assert_close(weights, weights.flip(0))
    assert weights[8] / weights[10] == pytest.approx(math.exp(0.5))


def test_is_linear_and_keeps_batches_and_channels_apart():
    a, b = noise(2, 3, 16, 20), noise(2, 3, 16, 20).flip(0, 2)
    torch.testing.assert_close(
        gaussian_blur(2 * a - b, 1.5), 2 * gaussian_blur(a, 1.5) - gaussian_blur(b, 1.5), rtol=0, atol=1e-13
    )
    torch.testing.assert_close(gaussian_blur(a, 1.5)[1:, 2:], gaussian_blur(a[1:, 2:], 1.5), rtol=0, atol=1e-15)


@pytest.mark.parametrize("flip", [(-1,), (-2,), (-2, -1)])
def test_commutes_with_flips(flip):
    x = noise(1, 1, 15, 21)
    torch.testing.assert_close(gaussian_blur(x.flip(flip), 2), gaussian_blur(x, 2).flip(flip), rtol=0, atol=1e-14)


def test_sigma_zero_is_the_identity_and_the_input_is_never_changed():
    x = noise(1, 2, 5, 5)
    before = x.clone()
    same = gaussian_blur(x, 0)
    assert torch.equal(same, x) and same.data_ptr() != x.data_ptr()
    assert torch.equal(gaussian_blur(x, 0, 5), x)
    gaussian_blur(x, 1)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_keeps_the_type(dtype):
    x = noise(1, 1, 20, 20, dtype=dtype)
    blurred = gaussian_blur(x, 2)
    assert blurred.dtype == dtype
    torch.testing.assert_close(blurred.double(), gaussian_blur(x.double(), 2), rtol=0, atol=5e-3)


def test_gradients_pass():
    x = noise(1, 1, 8, 8).requires_grad_()
    gaussian_blur(x, 1).sum().backward()
    assert x.grad is not None and x.grad.sum().item() == pytest.approx(64)


def test_a_kernel_of_33_does_not_fit_on_16_pixels():
    with pytest.raises(
        ValueError, match=r"kernel is 33 and the picture's shorter side 16; the kernel must be at most 31"
    ):
        gaussian_blur(noise(1, 3, 16, 64), 2, 33)
    gaussian_blur(noise(1, 3, 16, 64), 2, 31)
    gaussian_blur(noise(1, 3, 64, 64), 2, 33)


def test_a_sigma_too_large_names_the_largest():
    with pytest.raises(
        ValueError, match=r"sigma 7\).*shorter side 28; the kernel must be at most 55, or sigma at most 6.75"
    ):
        gaussian_blur(noise(1, 1, 28, 28), 7)
    gaussian_blur(noise(1, 1, 28, 28), 6.75)


@pytest.mark.parametrize("sigma", [-1, math.nan, math.inf])
def test_no_sigma(sigma):
    with pytest.raises(ValueError, match="sigma is"):
        gaussian_blur(noise(1, 1, 28, 28), sigma)


@pytest.mark.parametrize("kernel", [0, 4, -3])
def test_no_kernel(kernel):
    with pytest.raises(ValueError, match="kernel is"):
        gaussian_blur(noise(1, 1, 28, 28), 1, kernel)


def test_no_pictures():
    with pytest.raises(ValueError, match="must be floats of shape"):
        gaussian_blur(torch.zeros(28, 28), 1)
    with pytest.raises(ValueError, match="uint8"):
        gaussian_blur(torch.zeros((1, 1, 28, 28), dtype=torch.uint8), 1)
