"""Components: they sum to the identity, and pictures made by components are what the authors' own loop makes."""

from math import exp, log, sqrt

import pytest
import torch
from toy_denoisers import LINEAR, Telling, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.components import (
    Factorize,
    GreyColour,
    LowHigh,
    LowMiddleHigh,
    MotionRest,
    named_components,
)
from nodegraph_nodes.ops.denoisers import CFGCombine, FrequencyMix
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.types import NoiseSchedule, Noisy

ANY = 10
NAMES = ["low, high", "low, middle, high", "grey, colour", "motion, rest"]


def picture(seed, height, width, batch=1, channels=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((batch, channels, height, width), generator=generator, dtype=torch.float64)


# The components by themselves, as plain as can be


def blur_matrix(side, sigma, kernel):
    """The blur of a column, its border mirrored without being repeated."""
    reach = kernel // 2
    weights = [exp(-0.5 * ((j - reach) / sigma) ** 2) for j in range(kernel)]
    matrix = torch.zeros(side, side, dtype=torch.float64)
    for i in range(side):
        for j, weight in enumerate(weights):
            at = abs(i + j - reach)
            matrix[i, min(at, 2 * (side - 1) - at)] += weight / sum(weights)
    return matrix


def blur(sigma, kernel):
    def apply(x):
        down, across = (blur_matrix(side, sigma, kernel) for side in x.shape[-2:])
        return down @ x @ across.T

    return apply


def motion(length):
    def apply(x):
        height, width = x.shape[-2:]
        moved = torch.zeros_like(x)
        for d in range(-(length // 2), length // 2 + 1):
            rows, columns = range(max(0, -d), min(height, height - d)), range(max(0, -d), min(width, width - d))
            moved[..., rows.start : rows.stop, columns.start : columns.stop] += (
                x[..., rows.start + d : rows.stop + d, columns.start + d : columns.stop + d] / length
            )
        return moved

    return apply


def grey(x):
    return x.sum(1, keepdim=True).repeat(1, 3, 1, 1) / 3


def filters(by, times):
    """The maps of a split for pictures `times` 64 pixels high, as the authors' code has them."""
    odd = times % 2 == 0
    g = blur(2.0 * times, 33 * times + odd)
    fine, coarse = blur(1.0 * times, 25 * times + odd), blur(2.0 * times, 25 * times + odd)
    m = motion(7 * times + odd)
    return {
        "low, high": [g, lambda x: x - g(x)],
        "low, middle, high": [lambda x: coarse(fine(x)), lambda x: fine(x) - coarse(fine(x)), lambda x: x - fine(x)],
        "grey, colour": [grey, lambda x: x - grey(x)],
        "motion, rest": [m, lambda x: x - m(x)],
    }[by]


@pytest.mark.parametrize("by", NAMES)
@pytest.mark.parametrize(("height", "width", "times"), [(64, 64, 1), (64, 200, 1), (100, 72, 1), (130, 128, 2)])
def test_components_are_those_of_the_authors_at_their_sizes(by, height, width, times):
    x = picture(1, height, width)
    split = named_components(by)
    for i, by_hand in enumerate(filters(by, times)):
        torch.testing.assert_close(split.component(i, x), by_hand(x), rtol=0, atol=1e-13)


@pytest.mark.parametrize("by", NAMES)
def test_components_sum_to_the_picture_and_are_linear(by):
    x, y = picture(1, 64, 80, 2), picture(2, 64, 80, 2)
    before = x.clone()
    split = named_components(by, sigma=3.0, kernel=31, fine=0.7, length=9)
    parts = [split.component(i, x) for i in range(len(split.names))]
    torch.testing.assert_close(sum(parts), x, rtol=0, atol=1e-14)
    for i, part in enumerate(parts):
        assert part.abs().mean() > 0.01
        combined = split.component(i, 2 * x - 3 * y)
        torch.testing.assert_close(combined, 2 * part - 3 * split.component(i, y), rtol=0, atol=1e-13)
        torch.testing.assert_close(split.component(i, x[1:]), part[1:], rtol=0, atol=1e-14)  # pictures do not mix
    assert torch.equal(x, before)


def test_grey_is_a_projector_and_a_blur_is_not():
    x = picture(1, 64, 64)
    for split, defect in ((GreyColour(), 1e-14), (LowHigh(), None)):
        once = split.component(0, x)
        twice = split.component(0, once)
        assert (once - twice).abs().max() < defect if defect else (once - twice).abs().max() > 0.01


def test_with_base_0_pixels_are_as_typed_at_any_size():
    x = picture(1, 200, 150)
    torch.testing.assert_close(LowHigh(2.0, 33, 0).component(0, x), blur(2.0, 33)(x), rtol=0, atol=1e-13)
    torch.testing.assert_close(MotionRest(5, 0).component(0, x), motion(5)(x), rtol=0, atol=1e-13)
    torch.testing.assert_close(
        LowHigh(2.0, 9, 28).component(0, picture(1, 60, 90)), blur(4.0, 19)(picture(1, 60, 90)), rtol=0, atol=1e-13
    )


def test_the_names_that_saved_files_use_are_those_of_the_components():
    assert [type(named_components(name)) for name in NAMES] == [LowHigh, LowMiddleHigh, GreyColour, MotionRest]
    assert named_components("low, high") == LowHigh(2.0, 33, 64)
    assert named_components("low, middle, high") == LowMiddleHigh(2.0, 1.0, 25, 64)
    assert named_components("low, high", 3.0, 5, base=0) == LowHigh(3.0, 5, 0)
    assert named_components("motion, rest", length=9, base=32) == MotionRest(9, 32)
    with pytest.raises(ValueError, match="by is 'scale', must be one of low, high; low, middle, high; grey"):
        named_components("scale")


# Whole runs, against the authors' loop written out


def by_hand(net, x, labels, maps, scale, timesteps, draws, limit):
    """Each branch filtered, then guided, then summed; the variances averaged as they are; and Nichol's learned step."""
    bar = LINEAR.alphas_cumprod
    for i, t in enumerate(timesteps):
        total, variances = torch.zeros_like(x), []
        for label, apply in zip(labels, maps, strict=True):
            u = net(x, t, label=torch.full((len(x),), ANY))[:, :3]
            c, v = net(x, t, label=torch.full((len(x),), label)).split(3, dim=1)
            u, c = apply(u), apply(c)
            total = total + u + scale * (c - u)
            variances.append(v)
        v = sum(variances) / len(variances)
        before = bar[timesteps[i + 1]] if i + 1 < len(timesteps) else 1.0
        x0 = (x - sqrt(1 - bar[t]) * total) / sqrt(bar[t])
        x0 = x0.clamp(-limit, limit)
        a = bar[t] / before
        mean = sqrt(before) * (1 - a) / (1 - bar[t]) * x0 + sqrt(a) * (1 - before) / (1 - bar[t]) * x
        if i + 1 == len(timesteps):
            return mean
        small, large = (1 - before) / (1 - bar[t]) * (1 - a), 1 - a
        share = (v + 1) / 2
        x = mean + torch.exp((share * log(large) + (1 - share) * log(small)) / 2) * next(draws)
    raise AssertionError


@pytest.mark.parametrize(("size", "steps"), [(64, 30), (128, 4)])  # the kernels of 128 are four times as large
@pytest.mark.parametrize("by", NAMES)
def test_every_step_is_that_of_the_authors_loop(by, size, steps):
    net = ToyNetwork(channels=6)
    maps = filters(by, size // 64)
    labels = [3, 6, 9][: len(maps)]
    parts = tuple(CFGCombine(leaf(label, net), leaf(ANY, net), 3.0) for label in labels)
    start = picture(7, size, size)
    stride = 1000 // steps
    sampler = Sampler(steps=steps, method="ddpm", clip="clamp", seed=5)
    *_, found = sampler.sample(Factorize(parts, named_components(by)), Noisy(start))

    generator = torch.Generator().manual_seed(5)
    draws = (torch.randn(start.shape, generator=generator).double() for _ in range(steps))
    timesteps = [stride * i for i in reversed(range(steps))]
    expected = by_hand(ToyNetwork(channels=6), start, labels, maps, 3.0, timesteps, draws, 1.0)
    assert (found.x0 - expected).abs().max() < 1e-10  # 1e-3 was asked for
    assert expected.std() > 0.1


@pytest.mark.parametrize(("by", "rows"), [("low, high", 3), ("low, middle, high", 4), ("motion, rest", 3)])
def test_branches_share_the_unconditional_question_in_one_forward_pass(by, rows):
    net = ToyNetwork()
    labels = [3, 6, 9][: rows - 1]
    parts = tuple(CFGCombine(leaf(label, net), leaf(ANY, net), 3.0) for label in labels)
    denoiser, x = Factorize(parts, named_components(by)), picture(1, 64, 64, 2)
    assert price(denoiser, x, [900, 500]) == (2, 4 * rows)
    assert not net.calls
    Evaluator().estimate(denoiser, x, 500)
    assert net.calls == [2 * rows]


# Closed forms


@pytest.mark.parametrize("by", NAMES)
@pytest.mark.parametrize("t", [0, 500, 999])
def test_of_exact_denoisers_it_is_the_exact_denoiser_of_the_mixed_mean(by, t):
    split = named_components(by)
    means = [picture(seed, 64, 64) for seed in range(len(split.names))]
    x = picture(9, 64, 64, 2)
    found = Factorize(tuple(ExactGaussian(mean, 0.3, LINEAR) for mean in means), split).estimate(x, t).noise
    mixed = sum(apply(mean) for apply, mean in zip(filters(by, 1), means, strict=True))
    expected = ExactGaussian(mixed, 0.3, LINEAR).estimate(x, t).noise
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_a_whole_run_of_a_hybrid_is_that_of_one_prompt_low_and_high(method):
    first, second = picture(1, 64, 64), picture(2, 64, 64)
    hybrid = Factorize(tuple(ExactGaussian(mean, 0.0, LINEAR) for mean in (first, second)), LowHigh())
    *_, found = Sampler(steps=30, method=method).sample(hybrid, Noisy(picture(3, 64, 64)))
    g = blur(2.0, 33)
    torch.testing.assert_close(found.x0, g(first) + second - g(second), rtol=0, atol=1e-10)


def test_every_component_of_one_denoiser_is_that_denoiser():
    one = gaussian(3)
    for split in (LowHigh(2.0, 9, 0), LowMiddleHigh(2.0, 1.0, 9, 0), MotionRest(7, 0)):
        found = Factorize((one,) * len(split.names), split).estimate(noise(1, 2), 500).noise
        torch.testing.assert_close(found, one.estimate(noise(1, 2), 500).noise, rtol=0, atol=1e-13)


def test_low_and_high_without_scaling_is_frequency_mix():
    found = Factorize((gaussian(1), gaussian(2)), LowHigh(1.5, 9, 0)).estimate(noise(1), 500).noise
    expected = FrequencyMix(gaussian(1), gaussian(2), 1.5, 9).estimate(noise(1), 500).noise
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)


def test_the_variance_is_the_plain_mean_unfiltered_and_none_where_one_is_missing():
    bands = LowMiddleHigh(2.0, 1.0, 9, 0)
    told = [Telling(seed, channels=3) for seed in (1, 2, 3)]
    found = Factorize(tuple(told), bands).estimate(noise(0, channels=3), 500).variance
    torch.testing.assert_close(found, sum(each.fixed.variance for each in told) / 3)
    for silent in range(3):
        parts = tuple(Telling(seed, told=seed != silent, channels=3) for seed in range(3))
        assert Factorize(parts, bands).estimate(noise(0, channels=3), 500).variance is None


# What is refused


def sized(height, width=None, channels=3, **other):
    return ExactGaussian(torch.zeros(1, 1, 1, 1), 0.3, LINEAR, (channels, height, width or height), **other)


@pytest.mark.parametrize("by", NAMES)
def test_parts_must_be_as_many_as_components(by):
    count = len(by.split(", "))
    for wrong in {0, 1, 2, 3, 4} - {count}:
        with pytest.raises(ValueError, match=f"parts are {wrong}, must be {count}; one each for {by}"):
            Factorize((gaussian(1),) * wrong, named_components(by))


@pytest.mark.parametrize(
    ("by", "settings", "shape", "message"),
    [
        ("low, high", {}, (3, 48, 90), "the shorter side of the pictures is 48, below base 64.*set base to 0"),
        ("low, middle, high", {}, (3, 48, 90), "the shorter side of the pictures is 48, below base 64"),
        ("motion, rest", {}, (3, 90, 48), "the shorter side of the pictures is 48, below base 64"),
        ("low, high", {"base": 0}, (3, 16, 16), "the kernel is 33 pixels wide, must be at most 31 .* 16 x 16"),
        ("low, high", {"base": 16}, (3, 16, 40), "the kernel is 33 pixels wide, must be at most 31 .* 40 x 16"),
        ("low, high", {"base": 8}, (3, 16, 16), r"the kernel is 67 pixels wide \(kernel 33 for base 8\), must be"),
        ("low, middle, high", {"base": 0}, (3, 12, 12), "the kernel is 25 pixels wide, must be at most 23"),
        ("grey, colour", {}, (1, 64, 64), "the pictures are 64 x 64 with 1 channel, must have 3 channels, to be"),
        ("grey, colour", {}, (4, 64, 64), "the pictures are 64 x 64 with 4 channels, must have 3 channels, to be"),
    ],
)
def test_pictures_that_cannot_be_split_are_refused_before_any_network_is_called(by, settings, shape, message):
    split = named_components(by, **settings)
    known = (ExactGaussian(torch.zeros(1, 1, 1, 1), 0.3, LINEAR, shape),) * len(split.names)
    with pytest.raises(ValueError, match=message):
        Factorize(known, split)
    net = ToyNetwork()
    unknown = Factorize((leaf(1, net),) * len(split.names), split)
    for look in (unknown.estimate, lambda x, t: price(unknown, x, [t])):
        with pytest.raises(ValueError, match=message):
            look(torch.zeros(1, *shape), 500)
    assert not net.calls


def test_the_widest_kernel_that_fits_is_taken():
    Factorize((sized(17), sized(17)), LowHigh(2.0, 33, 0)).estimate(torch.zeros(1, 3, 17, 17), 500)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LowHigh(-1.0), "sigma is -1"),
        (lambda: LowHigh(2.0, 32), "kernel is 32, must be an odd number"),
        (lambda: LowMiddleHigh(2.0, float("nan")), "sigma is nan"),
        (lambda: MotionRest(8), "length is 8, must be an odd number of pixels"),
    ],
)
def test_settings_that_make_no_filter_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parts_must_agree():
    cosine = ExactGaussian(torch.zeros(1, 1, 1, 1), 0.3, NoiseSchedule.named("cosine"))
    with pytest.raises(ValueError, match="different schedules, linear and cosine"):
        Factorize((sized(64), cosine), LowHigh())
    with pytest.raises(ValueError, match="different pictures, 64 x 64 with 3 channels and 128 x 128"):
        Factorize((sized(64), sized(128)), LowHigh())
    with pytest.raises(ValueError, match="different spaces, pixels and latent:sd"):
        Factorize((sized(64), sized(64, space="latent:sd")), LowHigh())
    assert Factorize((sized(64), gaussian(1)), LowHigh()).shape == (3, 64, 64)
