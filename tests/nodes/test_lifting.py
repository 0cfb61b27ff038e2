"""Lifting: a view is defined once, and does with an enlarged picture what it does with the small one."""

import pytest
import torch
from toy_denoisers import LINEAR, noise

from nodegraph_nodes.ops.denoisers import FlipAverage
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.permutations import Lifted, Rearrangement
from nodegraph_nodes.ops.views import VIEWS, check_orthogonal, defect, lifted, named_view

EVERY = {name: named_view(name, 7) for name in VIEWS}
MOVING = {name: view for name, view in EVERY.items() if isinstance(view, Rearrangement)}
SAME = {"identity", "flip", "mirror", "rotate_90", "rotate_180", "rotate_270", "negate"}


def enlarged(x, factor):
    return x.repeat_interleave(factor, -2).repeat_interleave(factor, -1)


@pytest.mark.parametrize(("grid", "factor"), [(64, 4), (28, 2), (13, 3), (12, 5), (16, 1)])
@pytest.mark.parametrize("name", EVERY)
def test_it_does_with_an_enlarged_picture_what_the_view_does_with_the_small_one(name, grid, factor):
    x = noise(1, 2, 3, grid)
    view = lifted(EVERY[name], grid)
    assert torch.equal(view.apply(enlarged(x, factor)), enlarged(EVERY[name].apply(x), factor))
    assert torch.equal(view.undo(enlarged(x, factor)), enlarged(EVERY[name].undo(x), factor))
    assert torch.equal(view.move(enlarged(x, factor)), enlarged(EVERY[name].move(x), factor))


@pytest.mark.parametrize("name", EVERY)
def test_it_and_its_inverse_are_the_identity_exactly(name):
    view, x = lifted(EVERY[name], 64), noise(1, 1, 3, 256)
    assert torch.equal(view.undo(view.apply(x)), x) and torch.equal(view.apply(view.undo(x)), x)
    assert torch.equal(view.move_back(view.move(x)), x)
    assert defect(view, (1, 128, 128)) < 1e-14


@pytest.mark.parametrize("size", [64, 128, 192])
@pytest.mark.parametrize("name", sorted(SAME & MOVING.keys()))
def test_lifting_what_is_the_same_at_every_size_changes_nothing(name, size):
    """Blocks moved and turned are the picture moved and turned; the long way there, so that turns are tried."""
    x = noise(1, 1, 2, size)
    assert torch.equal(Lifted(MOVING[name], 64).apply(x), MOVING[name].apply(x))
    assert torch.equal(Lifted(MOVING[name], 64).undo(x), MOVING[name].undo(x))


def test_such_a_view_stays_the_one_it_is_so_that_its_questions_are_the_same():
    assert {name for name, view in EVERY.items() if lifted(view, 64) == view} == SAME
    assert all(lifted(view, 0) is view for view in EVERY.values())
    assert named_view("jigsaw", 3, 64) == Lifted(named_view("jigsaw", 3), 64)


@pytest.mark.parametrize("name", MOVING)
def test_on_its_own_grid_it_is_the_view(name):
    x = noise(1, 2, 1, 28)
    assert torch.equal(Lifted(MOVING[name], 28).apply(x), MOVING[name].apply(x))


@pytest.mark.parametrize("name", MOVING)
def test_lifting_twice_is_lifting_once(name):
    x = noise(1, 1, 1, 96)
    assert torch.equal(Lifted(Lifted(MOVING[name], 16), 32).apply(x), Lifted(MOVING[name], 16).apply(x))


def test_blocks_are_turned_as_the_view_turns():
    """A half turn of the middle: inside, every block is upside down and left is right; outside they stay."""
    x = noise(1, 1, 1, 256)
    seen = lifted(EVERY["inner_circle"], 64).apply(x)
    assert torch.equal(seen[..., 124:132, 100:104], x.flip(-2, -1)[..., 124:132, 100:104])
    assert torch.equal(seen[..., :20, :], x[..., :20, :])
    hinge = lifted(EVERY["square_hinge"], 64).apply(x)
    assert torch.equal(hinge[..., :84, :84], x[..., :84, :84].rot90(1, (-2, -1)))
    assert torch.equal(hinge[..., :84, 84:168], x[..., :84, 84:168].rot90(-1, (-2, -1)))
    shuffled = lifted(EVERY["pixel_permutation"], 64).apply(x)
    order = torch.randperm(64 * 64, generator=torch.Generator().manual_seed(7))
    row, column = divmod(int(order[0]), 64)
    assert torch.equal(shuffled[..., :4, :4], x[..., 4 * row : 4 * row + 4, 4 * column : 4 * column + 4])


def test_without_a_grid_the_sizes_do_not_agree_which_is_what_it_is_for():
    """The share of pixels that differ, as the literature's views of 64 and 256 pixels do."""
    x = enlarged(torch.arange(64 * 64, dtype=torch.float64).view(1, 1, 64, 64), 4)
    share = {
        name: float((view.apply(x) != lifted(view, 64).apply(x)).double().mean())
        for name, view in EVERY.items()
        if name not in {"pixel_permutation"}
    }
    assert share["square_hinge"] > 0.5 and share["skew"] > 0.5
    assert 0 < share["inner_circle"] < 0.02 and 0 < share["jigsaw"] < 0.1
    assert all(share[name] == 0 for name in (*SAME, "patch_permutation"))


@pytest.mark.parametrize("name", ["skew", "inner_circle", "patch_permutation", "pixel_permutation"])
def test_the_grid_counts_along_the_shorter_side(name):
    x = torch.randn((1, 2, 16, 24), generator=torch.Generator().manual_seed(1))
    view = lifted(EVERY[name], 16)
    assert torch.equal(view.apply(enlarged(x, 3)), enlarged(EVERY[name].apply(x), 3))


@pytest.mark.parametrize(("height", "width"), [(63, 63), (32, 32), (100, 100), (128, 131)])
def test_pictures_that_are_no_multiple_of_the_grid_are_refused(height, width):
    with pytest.raises(ValueError, match=f"the pictures are {width} x {height}, must be a multiple of 64 pixels"):
        lifted(EVERY["skew"], 64).apply(torch.zeros(1, 1, height, width))


def test_what_the_small_picture_does_not_have_is_refused_on_the_large_one():
    with pytest.raises(ValueError, match="the pictures are 8 x 8, must be 12 pixels a side or more for a jigsaw"):
        named_view("jigsaw", 0, 8).apply(torch.zeros(1, 1, 64, 64))


def test_what_mixes_pixels_has_no_grid():
    with pytest.raises(ValueError, match="grid is 64, must be 0 for blur, which does not only move pixels"):
        named_view("blur", 0, 64)
    assert named_view("blur", 0, 0) == named_view("blur")


def test_an_anagram_refuses_a_grid_that_its_pictures_do_not_have():
    view = lifted(EVERY["jigsaw"], 64)
    small, large = (ExactGaussian(torch.zeros(1, 1, 1, 1), 0.3, LINEAR, (1, side, side)) for side in (28, 128))
    with pytest.raises(ValueError, match="the pictures are 28 x 28, must be a multiple of 64"):
        FlipAverage(small, small, view)
    assert FlipAverage(large, large, view).shape == (1, 128, 128)
    check_orthogonal(view, None)
