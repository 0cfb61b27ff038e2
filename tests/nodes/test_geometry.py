"""Resizing, cropping and padding."""

import pytest
import torch

from nodegraph_nodes.ops import geometry

X = torch.rand((2, 3, 12, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("name", geometry.FILTERS)
def test_sizes_flat_pictures_and_ranges(name):
    made = geometry.resize(X, 7, 30, name)
    assert made.shape == (2, 3, 7, 30)
    assert made.min() >= X.min() and made.max() <= X.max()
    flat = torch.full((1, 1, 9, 9), 0.3)
    torch.testing.assert_close(geometry.resize(flat, 4, 5, name), torch.full((1, 1, 4, 5), 0.3))
    same = geometry.resize(X, 12, 16, name)
    assert torch.equal(same, X) and same.data_ptr() != X.data_ptr()


@pytest.mark.parametrize("name", geometry.FILTERS)
def test_each_picture_is_resized_by_itself(name):
    torch.testing.assert_close(
        geometry.resize(X, 5, 5, name)[1:], geometry.resize(X[1:], 5, 5, name), rtol=0, atol=1e-6
    )


def test_area_takes_means_and_nearest_copies():
    torch.testing.assert_close(geometry.resize(X, 6, 8, "area"), X.view(2, 3, 6, 2, 8, 2).mean((3, 5)))
    doubled = X.repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert torch.equal(geometry.resize(X, 24, 32, "nearest"), doubled)
    assert torch.equal(geometry.resize(doubled, 12, 16, "nearest"), X)


def test_crop_undoes_pad():
    for edge in geometry.EDGES:
        padded = geometry.pad(X, 1, 2, 3, 4, edge=edge, value=-1)
        assert padded.shape == (2, 3, 18, 20)
        assert torch.equal(geometry.crop(padded, 1, 2, 16, 12), X)
    assert torch.equal(geometry.pad(X, 0, 3, 0, 0, edge="reflect")[..., 0, :], X[..., 3, :])
    assert (geometry.pad(X, 2, 0, 0, 0, value=-1)[..., :2] == -1).all()


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="left is 10 and width 7, must lie within the picture's width of 16"):
        geometry.crop(X, 10, 0, 7, 3)
    with pytest.raises(ValueError, match="top is 12 and height 0"):
        geometry.crop(X, 0, 12, 1, 0)
    with pytest.raises(ValueError, match="padding is 12, must be less than the picture's height of 12"):
        geometry.pad(X, 0, 12, 0, 0, edge="reflect")
    with pytest.raises(ValueError, match="use Crop"):
        geometry.pad(X, -1, 0, 0, 0)
    with pytest.raises(ValueError, match="size is 5 x 0"):
        geometry.resize(X, 0, 5)
    for call in (lambda: geometry.resize(X, 5, 5, "lanczos"), lambda: geometry.pad(X, 1, 1, 1, 1, edge="wrap")):
        with pytest.raises(ValueError, match="must be one of"):
            call()
