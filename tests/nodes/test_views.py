"""Views: each is its own inverse's inverse, linear, and leaves noise noise."""

import pytest
import torch
from toy_denoisers import noise

from nodegraph_nodes.ops.views import VIEWS, InnerCircle, PixelPermutation, defect, named_view, through
from nodegraph_nodes.types import Point

SQUARES = [1, 2, 5, 8, 28, 64]
EVERY = {name: named_view(name, 7) for name in VIEWS}


@pytest.mark.parametrize("size", SQUARES)
@pytest.mark.parametrize("name", EVERY)
def test_a_view_and_its_inverse_are_the_identity_exactly(name, size):
    view, x = EVERY[name], noise(1, 2, 3, size)
    assert torch.equal(view.undo(view.apply(x)), x) and torch.equal(view.apply(view.undo(x)), x)
    assert torch.equal(view.move_back(view.move(x)), x) and torch.equal(view.move(view.move_back(x)), x)


@pytest.mark.parametrize("name", EVERY)
def test_a_view_is_orthogonal(name):
    assert defect(EVERY[name], (3, 12, 12)) < 1e-14
    x, y = noise(1, size=9), noise(2, size=9)
    view = EVERY[name]
    torch.testing.assert_close((view.apply(x) * view.apply(y)).sum(), (x * y).sum())


@pytest.mark.parametrize("name", EVERY)
def test_a_view_moves_the_same_pixels_in_every_channel_and_row(name):
    view, x = EVERY[name], noise(1, 3, 2)
    for i in range(3):
        for channel in range(2):
            alone = x[i : i + 1, channel : channel + 1]
            assert torch.equal(view.apply(x)[i : i + 1, channel : channel + 1], view.apply(alone))


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("rotate_90", "rotate_270")])
@pytest.mark.parametrize("shape", [(1, 1, 4, 7), (2, 3, 9, 4), (1, 1, 1, 5)])
def test_most_views_are_of_any_shape(name, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(EVERY[name].undo(EVERY[name].apply(x)), x)


@pytest.mark.parametrize("name", ["rotate_90", "rotate_270"])
def test_a_quarter_turn_is_for_squares(name):
    with pytest.raises(ValueError, match="the pictures are 7 x 4, must be square"):
        EVERY[name].apply(torch.zeros(1, 1, 4, 7))


def test_what_each_view_does():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    seen = {name: named_view(name).apply(x).flatten().tolist() for name in VIEWS if name != "pixel_permutation"}
    assert seen == {
        "flip": [3, 4, 1, 2],
        "mirror": [2, 1, 4, 3],
        "rotate_90": [2, 4, 1, 3],
        "rotate_180": [4, 3, 2, 1],
        "rotate_270": [3, 1, 4, 2],
        "negate": [-1, -2, -3, -4],
        "inner_circle": [4, 3, 2, 1],  # all four lie within three quarters of the side
    }


def test_negation_moves_no_pixel():
    x = noise(1)
    assert torch.equal(EVERY["negate"].move(x), x)
    assert torch.equal(EVERY["negate"].apply(x), -x)


@pytest.mark.parametrize("size", [8, 28, 29, 64])
def test_the_inner_circle_is_three_quarters_wide(size):
    x = torch.arange(size * size, dtype=torch.float64).view(1, 1, size, size)
    moved = (InnerCircle().apply(x) != x)[0, 0]
    distance = torch.hypot(*torch.meshgrid(*[torch.arange(size) - (size - 1) / 2] * 2, indexing="ij"))
    middle = distance == 0  # of an odd side; it stays where it is
    assert torch.equal(moved | middle, distance < 0.375 * size)


def test_a_permutation_follows_its_seed_and_nothing_else():
    x = noise(1)
    torch.manual_seed(1)
    first = PixelPermutation(3).apply(x)
    torch.manual_seed(2)
    assert torch.equal(first, PixelPermutation(3).apply(x))
    state = torch.get_rng_state()
    PixelPermutation(3).apply(x)
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, PixelPermutation(4).apply(x))
    assert torch.equal(first.flatten().sort().values, x.flatten().sort().values)


def test_views_are_keys():
    assert named_view("pixel_permutation", 3) == named_view("pixel_permutation", 3)
    assert named_view("pixel_permutation", 3) != named_view("pixel_permutation", 4)
    assert named_view("rotate_90") != named_view("rotate_270") and named_view("flip") != named_view("mirror")
    assert len({view.key for view in EVERY.values()}) == len(EVERY)


def test_what_is_seen_through_a_view_is_in_a_frame_of_its_own():
    p = Point(noise(1), 500, 7)
    seen = through(EVERY["flip"], through(EVERY["negate"], p))
    assert torch.equal(seen.x, (-p.x).flip(-2))
    assert (seen.t, seen.step, seen.frame) == (500, 7, (EVERY["negate"].key, EVERY["flip"].key))


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="there is no view 'skew', must be one of flip, mirror"):
        named_view("skew")
