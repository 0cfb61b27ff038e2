"""Views: each is its own inverse's inverse, linear, and leaves noise noise; what each does, pixel by pixel."""

import pytest
import torch
from toy_denoisers import noise

from nodegraph_nodes.ops.permutations import (
    InnerCircle,
    PatchPermutation,
    PixelPermutation,
    Rearrangement,
    Rotation,
    Skew,
    SquareHinge,
)
from nodegraph_nodes.ops.view_rules import DEFECTS
from nodegraph_nodes.ops.views import (
    DISTORTIONS,
    PROBE,
    VIEWS,
    brought_back,
    check_orthogonal,
    defect,
    gain,
    named_view,
    through,
)
from nodegraph_nodes.types import Estimate, Point

SQUARES = [12, 13, 16, 27, 28, 31, 64]
EVERY = {name: named_view(name, 7) for name in VIEWS}
SQUARE_ONLY = {"rotate_90", "rotate_270", "square_hinge", "jigsaw"}
LEAST = {"square_hinge": 6, "jigsaw": 12, "patch_permutation": 8}


def counted(height, width=None):
    """A picture whose every pixel has a value of its own."""
    width = width or height
    return torch.arange(height * width, dtype=torch.float64).view(1, 1, height, width)


@pytest.mark.parametrize("size", SQUARES)
@pytest.mark.parametrize("name", EVERY)
def test_a_view_and_its_inverse_are_the_identity_exactly(name, size):
    view, x = EVERY[name], noise(1, 2, 3, size)
    assert torch.equal(view.undo(view.apply(x)), x) and torch.equal(view.apply(view.undo(x)), x)
    assert torch.equal(view.move_back(view.move(x)), x) and torch.equal(view.move(view.move_back(x)), x)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("name", [name for name in EVERY if name not in LEAST])
def test_most_views_are_of_any_size(name, size):
    view, x = EVERY[name], noise(1, 2, 3, size)
    assert torch.equal(view.undo(view.apply(x)), x)


@pytest.mark.parametrize("size", range(12, 65))
def test_every_size_from_12_to_64_is_permuted(size):
    x = counted(size)
    for view in EVERY.values():
        seen = view.move(x)
        assert torch.equal(seen.flatten().sort().values, x.flatten())
        assert torch.equal(view.move_back(seen), x)


@pytest.mark.parametrize("name", EVERY)
def test_a_view_is_orthogonal(name):
    for size in (12, 17):
        assert defect(EVERY[name], (3, size, size)) < 1e-14
    x, y = noise(1, size=13), noise(2, size=13)
    view = EVERY[name]
    torch.testing.assert_close((view.apply(x) * view.apply(y)).sum(), (x * y).sum())
    assert gain(view, (3, 12, 12)) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", EVERY)
def test_a_view_moves_the_same_pixels_in_every_channel_and_row_and_leaves_what_it_was_given(name):
    view, x = EVERY[name], noise(1, 3, 2)
    before = x.clone()
    for i in range(3):
        for channel in range(2):
            alone = x[i : i + 1, channel : channel + 1]
            assert torch.equal(view.apply(x)[i : i + 1, channel : channel + 1], view.apply(alone))
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in SQUARE_ONLY])
@pytest.mark.parametrize("shape", [(1, 1, 14, 27), (2, 3, 19, 14), (1, 1, 12, 64)])
def test_most_views_are_of_any_shape(name, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(EVERY[name].undo(EVERY[name].apply(x)), x)
    assert defect(EVERY[name], shape[1:]) < 1e-14


@pytest.mark.parametrize("name", sorted(SQUARE_ONLY))
def test_some_are_for_squares(name):
    for view in (EVERY[name].apply, EVERY[name].undo):
        with pytest.raises(ValueError, match=r"the pictures are 27 x 14, must be square (to be turned|for a)"):
            view(torch.zeros(1, 1, 14, 27))


@pytest.mark.parametrize("name", LEAST)
def test_what_a_picture_is_too_small_for_is_refused(name):
    least = LEAST[name]
    EVERY[name].apply(torch.zeros(1, 1, least, least))
    with pytest.raises(ValueError, match=f"{least - 1} x {least - 1}, must be {least} pixels a side or more"):
        EVERY[name].apply(torch.zeros(1, 1, least - 1, least - 1))


def test_what_each_view_does():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    seen = {name: EVERY[name].apply(x).flatten().tolist() for name in VIEWS if name not in LEAST}
    assert sorted(seen.pop("pixel_permutation")) == [1, 2, 3, 4]
    assert seen == {
        "identity": [1, 2, 3, 4],
        "flip": [3, 4, 1, 2],
        "mirror": [2, 1, 4, 3],
        "rotate_90": [2, 4, 1, 3],
        "rotate_180": [4, 3, 2, 1],
        "rotate_270": [3, 1, 4, 2],
        "negate": [-1, -2, -3, -4],
        "skew": [3, 2, 1, 4],  # the column left of the middle is rolled by int(-1.5) = -1
        "inner_circle": [4, 3, 2, 1],  # all four lie within three quarters of the side
    }


def test_negation_moves_no_pixel():
    x = noise(1)
    assert torch.equal(EVERY["negate"].move(x), x)
    assert torch.equal(EVERY["negate"].apply(x), -x)


def test_what_was_estimated_is_brought_back_and_a_variance_never_negated():
    seen = Estimate(noise(1), noise(2))
    for view in EVERY.values():
        back = brought_back(view, seen)
        assert torch.equal(back.noise, view.undo(seen.noise))
        assert torch.equal(view.move(back.variance), seen.variance)
    assert torch.equal(brought_back(EVERY["negate"], seen).variance, seen.variance)
    assert brought_back(EVERY["flip"], Estimate(noise(1))).variance is None


@pytest.mark.parametrize("size", [8, 28, 29, 64])
def test_the_inner_circle_is_three_quarters_wide(size):
    x = counted(size)
    moved = (InnerCircle().apply(x) != x)[0, 0]
    distance = torch.hypot(*torch.meshgrid(*[torch.arange(size) - (size - 1) / 2] * 2, indexing="ij"))
    middle = distance == 0  # of an odd side; it stays where it is
    assert torch.equal(moved | middle, distance < 0.375 * size)


@pytest.mark.parametrize("factor", [1.5, -1.5, 0.7, 3.0, 0.0])
@pytest.mark.parametrize("shape", [(12, 12), (13, 13), (28, 28), (9, 20)])
def test_a_skew_rolls_every_column(factor, shape):
    x = counted(*shape)
    middle = shape[1] // 2
    columns = [torch.roll(x[..., i], int(factor * (i - middle)), dims=-1) for i in range(shape[1])]
    assert torch.equal(Skew(factor).apply(x), torch.stack(columns, dim=-1))


def test_the_opposite_skew_is_the_inverse_since_rounding_is_towards_0():
    for size in range(2, 30):
        x = counted(size)
        assert torch.equal(Skew(-1.5).apply(Skew(1.5).apply(x)), x)


@pytest.mark.parametrize("size", [6, 12, 13, 28, 29, 63, 64])
def test_a_square_hinge_turns_three_by_three_squares(size):
    x = counted(size)
    expected, side = x.clone(), size // 3
    first = (size % 3) // 2
    for row in range(3):
        for column in range(3):
            top, left = first + row * side, first + column * side
            square = (..., slice(top, top + side), slice(left, left + side))
            expected[square] = x[square].rot90(1 if (row + column) % 2 == 0 else -1, (-2, -1))
    seen = SquareHinge().apply(x)
    assert torch.equal(seen, expected)
    if size == 64:  # one row and one column are left over, at the end
        assert torch.equal(seen[..., 63:, :], x[..., 63:, :]) and torch.equal(seen[..., 63], x[..., 63])


@pytest.mark.parametrize(("shape", "patches"), [((64, 64), 8), ((28, 28), 4), ((30, 21), 4), ((28, 28), 8)])
def test_patches_keep_what_is_in_them(shape, patches):
    height, width = (side // patches for side in shape)
    top, left = ((side % patches) // 2 for side in shape)
    x = counted(*shape)
    seen = PatchPermutation(3, patches).apply(x)

    def all_patches(picture):
        return [
            tuple(picture[0, 0, top + i * height :, left + j * width :][:height, :width].flatten().tolist())
            for i in range(patches)
            for j in range(patches)
        ]

    before, after = all_patches(x), all_patches(seen)
    assert set(before) == set(after) and len(set(before)) == patches**2
    assert sum(a != b for a, b in zip(before, after, strict=True)) > patches**2 // 2
    border = torch.ones(shape, dtype=torch.bool)
    border[top : top + height * patches, left : left + width * patches] = False
    assert torch.equal(seen[0, 0][border], x[0, 0][border])


@pytest.mark.parametrize("kind", [PixelPermutation, PatchPermutation, lambda seed: named_view("jigsaw", seed)])
def test_a_shuffling_follows_its_seed_and_nothing_else(kind):
    x = noise(1)
    torch.manual_seed(1)
    first = kind(3).apply(x)
    torch.manual_seed(2)
    assert torch.equal(first, kind(3).apply(x))
    state = torch.get_rng_state()
    kind(5).apply(x)
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, kind(4).apply(x))


def test_shufflings_stay_what_they_were_for_saved_files():
    x = counted(4)
    assert named_view("pixel_permutation", 3).apply(x).flatten().tolist() == [
        float(i) for i in torch.randperm(16, generator=torch.Generator().manual_seed(3))
    ]


def test_views_are_keys():
    assert named_view("pixel_permutation", 3) == named_view("pixel_permutation", 3)
    assert named_view("pixel_permutation", 3) != named_view("pixel_permutation", 4)
    assert named_view("jigsaw", 3) != named_view("jigsaw", 4) and named_view("jigsaw", 3) == named_view("jigsaw", 3)
    assert named_view("patch_permutation") != named_view("patch_permutation", patches=4)
    assert named_view("skew") != named_view("skew", factor=1.0)
    assert named_view("rotate_90") != named_view("rotate_270") and named_view("flip") != named_view("mirror")
    assert len({view.key for view in EVERY.values()}) == len(EVERY)


def test_what_is_seen_through_a_view_is_in_a_frame_of_its_own():
    p = Point(noise(1), 500, 7)
    seen = through(EVERY["flip"], through(EVERY["negate"], p))
    assert torch.equal(seen.x, (-p.x).flip(-2))
    assert (seen.t, seen.step, seen.frame) == (500, 7, (EVERY["negate"].key, EVERY["flip"].key))
    assert through(EVERY["identity"], seen) is seen  # the same questions, asked once


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="there is no view 'sideways', must be one of identity, flip, mirror"):
        named_view("sideways")


# What is no view


FIGURES = {"rotate_45": (0.74, 0.70), "blur": (0.81, 0.29), "gain": (0.5, 1.5)}


@pytest.mark.parametrize("name", DISTORTIONS)
def test_what_is_no_view_is_refused_with_its_defect(name):
    view, (told, strength) = named_view(name), FIGURES[name]
    assert defect(view, (3, 64, 64)) == pytest.approx(told, rel=0.05)
    assert gain(view, (3, 64, 64)) == pytest.approx(strength, rel=0.05)
    with pytest.raises(ValueError, match=r"is not orthogonal: its defect is 0\.\d+, must be below 0\.001") as caught:
        check_orthogonal(view, (3, 64, 64))
    assert f"{gain(view, PROBE):.2g} times as strong" in str(caught.value)
    assert DEFECTS[name] == pytest.approx((defect(view, PROBE), gain(view, PROBE)), abs=5e-3)


def test_the_defect_of_a_gain_is_how_far_it_is_from_1():
    assert defect(named_view("gain"), (1, 8, 8)) == pytest.approx(0.5, abs=1e-12)


def test_a_blur_leaves_of_noise_what_its_kernel_says():
    """White noise through a Gaussian of sigma 1 has the deviation 1 / (2 sqrt(pi)) = 0.28."""
    assert gain(named_view("blur"), (3, 64, 64)) == pytest.approx(0.2821, abs=0.02)


def test_turning_by_any_angle_goes_the_way_that_quarter_turns_go():
    x = noise(1, 2, 3)
    turn = type(DISTORTIONS["rotate_45"])
    for quarters in (1, 2, 3):
        torch.testing.assert_close(turn(90 * quarters).apply(x), Rotation(quarters).apply(x), rtol=0, atol=1e-9)
    torch.testing.assert_close(turn(180).apply(x[..., :7]), Rotation(2).apply(x[..., :7]), rtol=0, atol=1e-9)
    smooth = (torch.linspace(-1, 1, 12).double()[:, None] * torch.linspace(-1, 1, 20).double()).expand(1, 1, 12, 20)
    back = turn(45).undo(turn(45).apply(smooth))
    torch.testing.assert_close(back[..., 4:-4, 8:-8], smooth[..., 4:-4, 8:-8], rtol=0, atol=0.05)


def test_a_rearrangement_of_a_size_that_is_not_known_is_not_tried():
    for view in EVERY.values():
        check_orthogonal(view, None)
    for view in (EVERY["jigsaw"], PatchPermutation(0, 40)):
        assert isinstance(view, Rearrangement)
        with pytest.raises(ValueError, match="the pictures are 8 x 8, must be"):
            check_orthogonal(view, (3, 8, 8))
