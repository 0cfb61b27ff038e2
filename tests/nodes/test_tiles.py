"""Tiles: pictures larger than a denoiser knows, every pixel covered, every step that of MultiDiffusion."""

from math import exp

import pytest
import torch
from toy_denoisers import LINEAR, ToyNetwork, leaf

from nodegraph_nodes.ops.components import LowHigh
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.rules import DDIM, DDPM
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.tiles import Tile, starts, tile_weights
from nodegraph_nodes.ops.views import Rotation
from nodegraph_nodes.types import Denoiser, Estimate, Noisy

SIGMA, T, ANY = 0.3, 400, 10


def wide(seed, height=8, width=20, batch=1, channels=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((batch, channels, height, width), generator=generator, dtype=torch.float64)


def tiled(piece, height, width, stride, weighting="uniform", size=8):
    """`piece`, or what it makes of each place, at every tile of a picture, averaged pixel by pixel."""
    middle = (size - 1) / 2
    k = [exp(-((i - middle) ** 2) / size**2 / (2 * 0.01)) if weighting == "gaussian" else 1.0 for i in range(size)]
    lefts = sorted({*range(0, width - size + 1, stride), width - size})
    tops = sorted({*range(0, height - size + 1, stride), height - size})
    total, weight = 0, torch.zeros(height, width, dtype=torch.float64)
    for top in tops:
        for left in lefts:
            values = piece(top, left) if callable(piece) else piece
            placed = torch.zeros(*values.shape[:-2], height, width, dtype=torch.float64)
            share = torch.tensor(k, dtype=torch.float64)[:, None] * torch.tensor(k, dtype=torch.float64)
            placed[..., top : top + size, left : left + size] = values * share
            weight[top : top + size, left : left + size] += share
            total = total + placed
    return total / weight


@pytest.mark.parametrize(
    ("length", "size", "stride", "expected"),
    [
        (28, 28, 14, [0]),
        (112, 28, 28, [0, 28, 56, 84]),
        (112, 28, 14, [0, 14, 28, 42, 56, 70, 84]),
        (30, 28, 14, [0, 2]),
        (60, 28, 20, [0, 20, 32]),
        (57, 28, 28, [0, 28, 29]),
    ],
)
def test_tiles_cover_a_side_and_the_last_is_flush_with_its_end(length, size, stride, expected):
    assert starts(length, size, stride) == expected


@pytest.mark.parametrize("weighting", ["uniform", "gaussian"])
@pytest.mark.parametrize(("height", "width", "stride"), [(8, 20, 4), (8, 21, 8), (19, 13, 3), (8, 8, 8), (16, 9, 1)])
def test_estimates_of_tiles_are_averaged(height, width, stride, weighting):
    net = ToyNetwork()
    x = wide(1, height, width, 2)

    def piece(top, left):
        return leaf(3, ToyNetwork()).estimate(x[..., top : top + 8, left : left + 8].contiguous(), T).noise

    found = Tile(leaf(3, net), 8, stride, weighting).estimate(x, T).noise
    expected = tiled(piece, height, width, stride, weighting)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_every_pixel_is_covered_with_weights_that_sum_to_1():
    class Ones(Denoiser):
        schedule = LINEAR

        def ask(self, p):
            yield from ()
            return Estimate(torch.ones_like(p.x), torch.ones_like(p.x))

    for weighting in ("uniform", "gaussian"):
        for dtype, error in ((torch.float64, 1e-15), (torch.float32, 3e-7)):
            found = Tile(Ones(), 28, 9, weighting).estimate(wide(1, 45, 93).to(dtype), T)
            for values in found:
                assert values.dtype == dtype and (values - 1).abs().max() <= error


def test_gaussian_weights_fall_off_as_in_mixture_of_diffusers():
    weights = tile_weights(64, "gaussian")
    assert float(weights[31, 31] / weights[31, 38]) == pytest.approx(exp((6.5**2 - 0.5**2) / 64**2 / 0.02))
    assert torch.equal(weights, weights.flip(0)) and torch.equal(weights, weights.T)
    assert 0 < float(weights.min() / weights.max()) < 1e-10


@pytest.mark.parametrize("weighting", ["uniform", "gaussian"])
def test_a_picture_of_one_tile_is_the_denoiser_itself(weighting):
    net = ToyNetwork(channels=2)
    x = wide(1, 8, 8, 3)
    found, expected = Tile(leaf(3, net), 8, 4, weighting).estimate(x, T), leaf(3, net).estimate(x, T)
    assert torch.equal(found.noise, expected.noise) and torch.equal(found.variance, expected.variance)


# What it costs


def test_all_tiles_are_one_batch_and_shared_questions_are_asked_once():
    net = ToyNetwork()
    guided = CFGCombine(leaf(3, net), leaf(ANY, net), 2.0)
    panorama = Tile(guided, 8, 4)
    x = wide(1, 8, 20, 2)
    assert price(panorama, x, [T, 0]) == (2, 2 * 4 * 2 * 2)
    Evaluator().estimate(panorama, x, T)
    assert net.calls == [16]
    net.calls.clear()
    fine = CFGCombine(Tile(leaf(ANY, net), 8, 4), Tile(leaf(3, net), 8, 2), 2.0)
    two = CFGCombine(Tile(leaf(3, net), 8, 4), fine, 2.0)
    assert price(two, x, [T]) == (1, 2 * (4 + 4 + 3))  # of the finer tiles every other one was asked already
    Evaluator().estimate(two, x, T)
    assert net.calls == [22]


@pytest.mark.parametrize("room", [1, 3, 5])
def test_a_batch_of_tiles_that_does_not_fit_into_memory_is_split(room):
    net = ToyNetwork(room=room)
    x = wide(1, 8, 20, 2)
    found = Tile(leaf(3, net), 8, 4).estimate(x, T).noise
    torch.testing.assert_close(found, Tile(leaf(3, ToyNetwork()), 8, 4).estimate(x, T).noise, rtol=0, atol=1e-13)
    assert max(net.calls) <= room and sum(net.calls) == 8


# Closed forms and laws


@pytest.mark.parametrize("weighting", ["uniform", "gaussian"])
@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_a_panorama_of_exact_denoisers_is_the_exact_denoiser_of_the_averaged_mean(method, weighting):
    piece = wide(3, 8, 8)
    mean = tiled(piece, 13, 22, 5, weighting)
    denoiser, expected = Tile(ExactGaussian(piece, SIGMA, LINEAR), 8, 5, weighting), ExactGaussian(mean, SIGMA, LINEAR)
    x = wide(4, 13, 22, 2)
    for t in (0, 500, 999):
        torch.testing.assert_close(denoiser.estimate(x, t).noise, expected.estimate(x, t).noise, rtol=0, atol=1e-10)
    sampler = Sampler(steps=20, method=method, seed=3)
    (*_, found), (*_, due) = (sampler.sample(each, Noisy(x)) for each in (denoiser, expected))
    torch.testing.assert_close(found.x0, due.x0, rtol=0, atol=1e-10)


def stepped(rule, x, eps, t, to, z):
    return rule(x, LINEAR.cleaned(x, eps, t), None, t, to, lambda _: z)


@pytest.mark.parametrize("rule", [DDIM(LINEAR), DDPM(LINEAR)])
@pytest.mark.parametrize("weighting", ["uniform", "gaussian"])
def test_stepping_each_tile_and_averaging_is_the_step_of_the_average(rule, weighting):
    net = leaf(3, ToyNetwork())
    x, z, (t, to) = wide(1, 8, 22), wide(2, 8, 22), (500, 450)

    def piece(top, left):
        place = (..., slice(top, top + 8), slice(left, left + 8))
        crop = x[place].contiguous()
        return stepped(rule, crop, net.estimate(crop, t).noise, t, to, z[place])

    each = tiled(piece, 8, 22, 5, weighting)
    at_once = stepped(rule, x, Tile(net, 8, 5, weighting).estimate(x, t).noise, t, to, z)
    assert (each - at_once).abs().max() < 4e-15


def test_noise_of_its_own_for_each_tile_would_halve_the_variance_where_two_overlap():
    rule, (t, to) = DDPM(LINEAR), (500, 450)
    flat = ExactGaussian(torch.zeros(1, 1, 1, 1, dtype=torch.float64), SIGMA, LINEAR)
    x = torch.zeros(1000, 1, 8, 12, dtype=torch.float64)
    shared = wide(1, 8, 12, 1000)

    def variance(noise_of):
        def piece(top, left):
            crop = x[..., left : left + 8]
            return stepped(rule, crop, flat.estimate(crop, t).noise, t, to, noise_of(left))

        return float(tiled(piece, 8, 12, 4)[..., 4:8].var())

    alone = float(stepped(rule, x, flat.estimate(x, t).noise, t, to, shared).var())
    assert variance(lambda left: shared[..., left : left + 8]) / alone == pytest.approx(1, abs=0.02)
    assert variance(lambda left: wide(5 + left, 8, 8, 1000)) / alone == pytest.approx(0.5, abs=0.02)


def test_it_nests():
    piece, other = wide(3, 8, 8), wide(4, 8, 8)
    a, b = (ExactGaussian(mean, SIGMA, LINEAR) for mean in (piece, other))
    x = wide(5, 20, 20, 2)

    inside = Tile(CFGCombine(a, b, 3.0), 8, 4).estimate(x, T).noise
    outside = CFGCombine(Tile(a, 8, 4), Tile(b, 8, 4), 3.0).estimate(x, T).noise
    mean = tiled(other + 3 * (piece - other), 20, 20, 4)
    expected = ExactGaussian(mean, SIGMA, LINEAR).estimate(x, T).noise
    torch.testing.assert_close(inside, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(outside, expected, rtol=0, atol=1e-10)

    turned = FlipAverage(Tile(a, 8, 4), Tile(FlipAverage(a, b, Rotation(2)), 8, 4), Rotation(1)).estimate(x, T).noise
    mean = (tiled(piece, 20, 20, 4) + tiled((piece + other.rot90(2, (-2, -1))) / 2, 20, 20, 4).rot90(-1, (-2, -1))) / 2
    torch.testing.assert_close(turned, ExactGaussian(mean, SIGMA, LINEAR).estimate(x, T).noise, rtol=0, atol=1e-10)

    twice = Tile(Tile(a, 8, 2), 12, 4).estimate(x, T).noise
    mean = tiled(tiled(piece, 12, 12, 2), 20, 20, 4, size=12)
    torch.testing.assert_close(twice, ExactGaussian(mean, SIGMA, LINEAR).estimate(x, T).noise, rtol=0, atol=1e-10)


def test_a_mask_around_it_keeps_a_picture_as_wide_as_the_whole():
    original, mask = wide(7), torch.zeros(1, 1, 8, 20, dtype=torch.float64)
    mask[..., :10] = 1
    panorama = Tile(ExactGaussian(wide(3, 8, 8), SIGMA, LINEAR), 8, 4)
    *_, last = Sampler(steps=5).sample(keep_outside(panorama, original, mask), Noisy(wide(8)))
    assert torch.equal(last.x0[..., 10:], original[..., 10:])


class Telling(Denoiser):
    """Its x as the variance; none on the right."""

    schedule = LINEAR

    def __init__(self, silent_from=None):
        self.silent_from = silent_from

    def ask(self, p):
        yield from ()
        silent = self.silent_from is not None and p.frame[-1][-1] >= self.silent_from
        return Estimate(p.x, None if silent else 2 * p.x)


def test_the_variance_is_averaged_too_and_none_where_one_tile_has_none():
    x = wide(1)
    torch.testing.assert_close(Tile(Telling(), 8, 4, "gaussian").estimate(x, T).variance, 2 * x)
    assert Tile(Telling(silent_from=12), 8, 4).estimate(x, T).variance is None


def test_latents_are_tiled_like_pixels():
    latent = ExactGaussian(wide(3, 8, 8, channels=4), SIGMA, LINEAR, (4, 8, 8), "latent:sd")
    panorama = Tile(latent, 8, 4)
    assert (panorama.space, panorama.shape) == ("latent:sd", None)
    assert panorama.estimate(wide(1, 8, 20, channels=4), T).noise.shape == (1, 4, 8, 20)


# What is refused


def test_what_acts_between_steps_cannot_be_inside_and_the_way_out_is_said():
    sized = ExactGaussian(wide(3, 8, 8), SIGMA, LINEAR, (1, 8, 8))
    masked = keep_outside(sized, wide(4, 8, 8), torch.ones(1, 1, 8, 8))
    with pytest.raises(ValueError, match=r"\(KeepOutside\), which .* \(MaskBlend, HybridInverse, ILVR\) around Tile"):
        Tile(CFGCombine(masked, sized, 2.0), 8, 4)
    with pytest.raises(ValueError, match=r"\(KeepComponent\), .* around Tile"):
        Tile(keep_component(sized, wide(4, 8, 8), LowHigh(1.0, 5, 0), "low"), 8, 4)


def test_what_does_not_fit_is_refused_before_any_network_is_called():
    net = ToyNetwork()
    strict = NetworkDenoiser(net, {}, LINEAR, (1, 28, 28))
    for settings, message in (
        ((64, 32), "size is 64, must be 28: the denoiser takes tiles of 28 x 28 with 1 channel only"),
        ((28, 29), "stride is 29, must be from 1 to the size of a tile, 28"),
        ((28, 0), "stride is 0, must be from 1"),
        ((28, 14, "round"), "weighting is 'round', must be one of uniform, gaussian"),
    ):
        with pytest.raises(ValueError, match=message):
            Tile(strict, *settings)
    panorama = Tile(strict, 28, 14)
    for x, message in (
        (wide(1, 28, 27), "the pictures are 27 x 28, must be at least as large as a tile, 28"),
        (wide(1, 20, 90), "the pictures are 90 x 20, must be at least as large as a tile, 28"),
        (wide(1, 28, 90, channels=3), "the tiles are 28 x 28 with 3 channels, the denoiser takes 28 x 28 with 1"),
    ):
        for look in (panorama.estimate, lambda x, t: price(panorama, x, [t])):
            with pytest.raises(ValueError, match=message):
                look(x, T)
    with pytest.raises(ValueError, match="must be square"):
        FlipAverage(panorama, panorama, Rotation(1)).estimate(wide(1, 28, 90), T)
    assert not net.calls
