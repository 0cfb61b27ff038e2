"""Regions: several denoisers in one picture, under masks that share out every pixel."""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, Telling, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.denoisers import RegionBlend
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.masks import rectangle
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.types import NoiseSchedule

SIGMA, T = 0.3, 400
PARTS = tuple(gaussian(seed, SIGMA) for seed in (11, 12, 13))
MEANS = [part.mean for part in PARTS]


def masks(count=3, size=SIZE, seed=1):
    """Soft masks that sum to 1."""
    generator = torch.Generator().manual_seed(seed)
    shares = torch.rand((count, 1, 1, size, size), dtype=torch.float64, generator=generator)
    return tuple(shares / shares.sum(0))


def exact(mean):
    return ExactGaussian(mean, SIGMA, LINEAR)


@pytest.mark.parametrize("t", [0, 400, 999])
def test_of_exact_denoisers_it_is_the_exact_denoiser_of_the_blended_mean(t):
    shares, x = masks(), noise(1, 3)
    mean = sum(m * each for m, each in zip(shares, MEANS, strict=True))
    expected = exact(mean).estimate(x, t).noise
    torch.testing.assert_close(Regions(PARTS, shares).estimate(x, t).noise, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(Regions(PARTS, shares[:2]).estimate(x, t).noise, expected, rtol=0, atol=1e-10)


def test_two_regions_are_region_blend():
    (m, rest), x = masks(2), noise(1, 2)
    expected = RegionBlend(*PARTS[:2], m).estimate(x, T).noise
    for given in ((m, rest), (m,)):
        torch.testing.assert_close(Regions(PARTS[:2], given).estimate(x, T).noise, expected, rtol=0, atol=1e-13)


def test_a_mask_of_ones_is_its_part_exactly():
    ones = torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64)
    found = Regions(PARTS, (0 * ones, ones)).estimate(noise(1), T).noise
    assert torch.equal(found, PARTS[1].estimate(noise(1), T).noise)


def test_all_regions_are_asked_in_one_forward_pass():
    net = ToyNetwork()
    denoiser = Regions((leaf(1, net), leaf(2, net), leaf(1, net)), masks())
    assert price(denoiser, noise(1, 2), [T, 0]) == (2, 8)
    evaluator = Evaluator()
    evaluator.estimate(denoiser, noise(1, 2), T)
    assert net.calls == [4]


def test_the_variance_is_shared_out_as_the_noise_is_and_none_where_one_is_missing():
    shares, told = masks(), tuple(Telling(seed) for seed in range(3))
    found = Regions(told, shares).estimate(noise(0), T).variance
    torch.testing.assert_close(found, sum(m * each.fixed.variance for m, each in zip(shares, told, strict=True)))
    assert Regions((*told[:2], Telling(2, told=False)), shares).estimate(noise(0), T).variance is None


def test_rectangles_with_one_feather_share_out_the_picture():
    strips = tuple(rectangle(8, 30, left, 0, 10, 8, feather=4.0) for left in (0, 10, 20))
    Regions(PARTS, strips)
    Regions(PARTS, strips[:2])


def test_rows_of_masks_go_with_the_pictures_in_turn():
    one, two = masks(seed=1), masks(seed=2)
    both = tuple(torch.cat(pair) for pair in zip(one, two, strict=True))
    x = noise(1, 4)
    found = Regions(PARTS, both).estimate(x, T).noise
    for i in range(4):
        alone = Regions(PARTS, (one, two)[i % 2]).estimate(x[i : i + 1], T).noise
        torch.testing.assert_close(found[i : i + 1], alone)
    with pytest.raises(ValueError, match="the mask has 2 rows"):
        Regions(PARTS, both).estimate(noise(1), T)


def test_on_latents_masks_of_another_size_are_averaged_and_still_share_out():
    latents = tuple(ExactGaussian(mean, SIGMA, LINEAR, (1, SIZE, SIZE), space="latent:x") for mean in MEANS)
    large = masks(size=2 * SIZE)
    small = [m.reshape(1, 1, SIZE, 2, SIZE, 2).mean((3, 5)) for m in large]
    mean = sum(m * each for m, each in zip(small, MEANS, strict=True))
    expected = exact(mean).estimate(noise(1), T).noise
    for given in (large, large[:2]):
        torch.testing.assert_close(Regions(latents, given).estimate(noise(1), T).noise, expected, rtol=0, atol=1e-10)


# What is refused


def test_masks_that_do_not_sum_to_1_are_refused_with_the_worst_place_and_sum():
    first, second, third = masks()
    worse = third.clone()
    worse[..., 2, 3] += 0.01
    worse[..., 4, 7] += 0.2
    total = float((first + second + worse)[..., 4, 7])
    with pytest.raises(ValueError, match=f"the masks sum to {total:.4g} at column 7, row 4, must sum to 1 everywhere"):
        Regions(PARTS, (first, second, worse))
    less = third.clone()
    less[..., 5, 1] = 0
    with pytest.raises(ValueError, match=r"the masks sum to 0\..* at column 1, row 5, must sum to 1"):
        Regions(PARTS, (first, second, less))
    with pytest.raises(ValueError, match=r"sum to 1\.2 at column 0, row 0, must sum to at most 1 everywhere, since"):
        Regions(PARTS, (torch.full((1, 1, 4, 4), 0.7), torch.full((1, 1, 4, 4), 0.5)))
    two_rows = torch.cat([third, worse])
    with pytest.raises(ValueError, match="at column 7, row 4 of picture 1"):
        Regions(PARTS, (first, second, two_rows))


def test_a_sum_of_1_within_a_thousandth_is_taken():
    first, second, third = masks()
    Regions(PARTS, (first, second, (third - 0.0009).clamp(0)))
    with pytest.raises(ValueError, match=r"the masks sum to 0\.99"):
        Regions(PARTS, (first, second, (third - 0.002).clamp(0)))


def test_what_does_not_fit_is_refused_before_any_network_is_called():
    net = ToyNetwork()
    shares, leaves = masks(), (leaf(1, net), leaf(2, net), leaf(3, net))
    sized = ExactGaussian(MEANS[0], SIGMA, LINEAR, (1, SIZE, SIZE))
    cosine = ExactGaussian(MEANS[0], SIGMA, NoiseSchedule.named("cosine"))
    wrong_rows = (torch.cat([shares[0]] * 2), torch.cat([shares[1]] * 3), shares[2])
    for parts, given, message in (
        (leaves, shares[:1], "masks are 1 for 3 parts, must be one for each, or for each but the last"),
        (leaves[:2], shares, "masks are 3 for 2 parts"),
        (leaves[:1], (), "masks are 0 for 1 part,"),
        ((), (), "masks are 0 for 0 parts"),
        (leaves, (shares[0], shares[1], masks(size=8)[0]), r"masks\[2\] is 8 x 8, must be 12 x 12 like masks\[0\]"),
        (leaves, (shares[0], 2 * shares[1], shares[2]), r"masks\[1\] has values from"),
        (leaves, (shares[0][0], *shares[1:]), r"masks\[0\] has the shape \[1, 12, 12\], must be \(B, 1, H, W\)"),
        (leaves, wrong_rows, r"masks\[0\] has 2 rows, must be 1 or 3 as the others"),
        ((sized, *leaves[1:]), masks(size=24), r"masks\[0\] is 24 x 24, must be 12 x 12 like the pictures"),
        ((sized, cosine, *leaves[2:]), shares, "different schedules, linear and cosine"),
    ):
        with pytest.raises(ValueError, match=message):
            Regions(parts, given)
    for look in (lambda x: Regions(leaves, shares).estimate(x, T), lambda x: price(Regions(leaves, shares), x, [T])):
        with pytest.raises(ValueError, match="the mask is 12 x 12, must be 14 x 14 like the pictures"):
            look(noise(1, size=14))
    assert not net.calls
