"""Denoisers made of denoisers: each against its closed form, and each refusing what would not be one.

If data is Gaussian, every composition is the exact denoiser of another Gaussian: laws L1 to L4 of the algebra, in
float64 and without a network.
"""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, Telling, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend, WeightedSum
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import VIEWS, Flip, Negation, Rotation, named_view
from nodegraph_nodes.types import NoiseSchedule, Noisy, View

SIGMA = 0.3
MASK = torch.rand((1, 1, SIZE, SIZE), dtype=torch.float64, generator=torch.Generator().manual_seed(9))
A, B, C, U = (gaussian(seed, SIGMA) for seed in (11, 12, 13, 14))
a, b, c, u = (denoiser.mean for denoiser in (A, B, C, U))


def low(x):
    return gaussian_blur(x, 1.5)


def closed_forms():
    """A composition of exact denoisers, and the mean of the Gaussian whose exact denoiser it is."""
    guided = CFGCombine(A, U, 5.0)
    hybrid = FrequencyMix(CFGCombine(A, U, 3.0), CFGCombine(B, U, 3.0), 1.5)
    hybrid_mean = low(u + 3 * (a - u)) + (u + 3 * (b - u)) - low(u + 3 * (b - u))
    forms = {
        "CFG": (guided, u + 5 * (a - u)),
        "CFG at 1": (CFGCombine(A, U, 1.0), a),
        "CFG at 0": (CFGCombine(A, U, 0.0), u),
        "CFG below 0": (CFGCombine(A, U, -2.0), u - 2 * (a - u)),
        "CFG at 0.5": (CFGCombine(A, U, 0.5), (a + u) / 2),
        "hybrid": (FrequencyMix(A, B, 1.5), low(a) + b - low(b)),
        "region": (RegionBlend(A, B, MASK), MASK * a + (1 - MASK) * b),
        "weighted": (WeightedSum(U, (A, B, C), (2.0, -0.5, 0.25)), u + 2 * (a - u) - 0.5 * (b - u) + 0.25 * (c - u)),
        "weighted, no base": (WeightedSum(None, (A, B, C), (2.0, -1.5, 0.5)), 2 * a - 1.5 * b + 0.5 * c),
        "inpainted": (keep_outside(A, b, MASK), a),
        "guided hybrid": (hybrid, hybrid_mean),
        "anagram of hybrids in a region": (
            RegionBlend(FlipAverage(hybrid, guided, Flip()), C, MASK),
            MASK * (hybrid_mean + (u + 5 * (a - u)).flip(-2)) / 2 + (1 - MASK) * c,
        ),
        "guided anagrams": (
            CFGCombine(FlipAverage(A, B, Rotation(1)), FlipAverage(U, U, Rotation(3)), 2.0),
            (a + b.rot90(-1, (-2, -1))) - (u + u.rot90(1, (-2, -1))) / 2,
        ),
    }
    for name in VIEWS:
        view = named_view(name, 5)
        forms[f"anagram, {name}"] = FlipAverage(A, B, view), (a + view.undo(b)) / 2
    return forms


FORMS = closed_forms()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("t", [0, 1, 250, 500, 980, 999])
def test_a_composition_of_exact_denoisers_is_an_exact_denoiser(name, t):
    composed, mean = FORMS[name]
    x = noise(1, 3)
    expected = ExactGaussian(mean, SIGMA, LINEAR).estimate(x, t).noise
    torch.testing.assert_close(composed.estimate(x, t).noise, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_whole_runs_of_it_are_those_of_the_exact_denoiser(name, method):
    composed, mean = FORMS[name]
    if name == "inpainted":
        composed = composed.denoiser  # what its hook does is tested elsewhere
    sampler = Sampler(steps=20, method=method, seed=3)
    start = Noisy(noise(2, 2))
    *_, found = sampler.sample(composed, start)
    *_, expected = sampler.sample(ExactGaussian(mean, SIGMA, LINEAR), start)
    torch.testing.assert_close(found.x0, expected.x0, rtol=0, atol=1e-10)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_composing_noise_is_composing_clean_pictures_where_weights_sum_to_1(t):
    x = noise(1)
    alpha, sigma = LINEAR.alpha(t), LINEAR.sigma(t)

    def clean(denoiser):
        return LINEAR.cleaned(x, denoiser.estimate(x, t).noise, t)

    for weights in ((2.0, -1.5, 0.5), (0.2, 0.3, 0.5)):
        parts = sum(weight * clean(part) for weight, part in zip(weights, (A, B, C), strict=True))
        torch.testing.assert_close(clean(WeightedSum(None, (A, B, C), weights)), parts, rtol=1e-9, atol=1e-9)
    in_noise = sum(part.estimate(x, t).noise for part in (A, B))  # weights 1 and 1: why they are checked
    in_clean = (x - alpha * (clean(A) + clean(B))) / sigma
    assert (in_noise - in_clean).abs().max() > 1e-3


def test_a_clip_inside_does_not_commute_with_the_step_which_is_why_there_is_none():
    sampler, start = Sampler(steps=2, method="ddim", clip="clamp"), Noisy(noise(2) * 3)
    *_, outermost = sampler.sample(RegionBlend(A, B, MASK * 0 + 0.5), start)
    inside = [list(sampler.sample(part, start))[-1].x0 for part in (A, B)]
    assert (outermost.x0 - sum(inside) / 2).abs().max() > 1e-3


def test_guidance_of_1_is_the_conditional_estimate_exactly():
    net = ToyNetwork(channels=2)
    found = CFGCombine(leaf(3, net), leaf(10, net), 1.0).estimate(noise(1), 500)
    expected = leaf(3, net).estimate(noise(1), 500)
    assert torch.equal(found.noise, expected.noise) and torch.equal(found.variance, expected.variance)


def test_a_mask_of_ones_is_the_inside_exactly_and_of_zeros_the_outside():
    x, ones = noise(1), torch.ones_like(MASK)
    assert torch.equal(RegionBlend(A, B, ones).estimate(x, 500).noise, A.estimate(x, 500).noise)
    assert torch.equal(RegionBlend(A, B, 0 * ones).estimate(x, 500).noise, B.estimate(x, 500).noise)


def test_an_anagram_of_one_picture_that_the_view_leaves_as_it_is_is_that_picture():
    mean = noise(3) + noise(3).flip(-2)
    both = ExactGaussian(mean, SIGMA, LINEAR)
    x = noise(1)
    torch.testing.assert_close(
        FlipAverage(both, both, Flip()).estimate(x, 500).noise, both.estimate(x, 500).noise, rtol=0, atol=1e-12
    )


# Learned variance


V1, V2, SILENT = Telling(1), Telling(2), Telling(3, told=False)
v1, v2 = V1.fixed.variance, V2.fixed.variance


def variance_of(denoiser):
    return denoiser.estimate(noise(0), 500).variance


def test_guidance_takes_the_variance_of_the_conditional_one():
    assert torch.equal(variance_of(CFGCombine(V1, V2, 4.0)), v1)
    assert torch.equal(variance_of(CFGCombine(V1, SILENT, 4.0)), v1)
    assert variance_of(CFGCombine(SILENT, V2, 4.0)) is None


def test_an_anagram_moves_the_variance_back_and_takes_the_mean():
    torch.testing.assert_close(variance_of(FlipAverage(V1, V2, Flip())), (v1 + v2.flip(-2)) / 2)


def test_the_variance_is_never_negated():
    torch.testing.assert_close(variance_of(FlipAverage(V1, V2, Negation())), (v1 + v2) / 2)
    found = FlipAverage(V1, V2, Negation()).estimate(noise(0), 500).noise
    torch.testing.assert_close(found, (V1.fixed.noise - V2.fixed.noise) / 2)


def test_other_compositions_take_mean_mask_or_first():
    torch.testing.assert_close(variance_of(FrequencyMix(V1, V2, 1.5)), (v1 + v2) / 2)
    torch.testing.assert_close(variance_of(RegionBlend(V1, V2, MASK)), MASK * v1 + (1 - MASK) * v2)
    assert torch.equal(variance_of(WeightedSum(SILENT, (V2, V1), (1.0, 1.0))), v2)


@pytest.mark.parametrize(
    "denoiser", [FlipAverage(V1, SILENT, Flip()), FrequencyMix(SILENT, V1, 1.5), RegionBlend(V1, SILENT, MASK)]
)
def test_where_one_side_has_no_variance_the_result_has_none(denoiser):
    assert variance_of(denoiser) is None


# What is refused, before anything is asked


def test_parts_must_have_learned_the_same_schedule():
    cosine = ExactGaussian(a, SIGMA, NoiseSchedule.named("cosine"))
    with pytest.raises(ValueError, match="different schedules, linear and cosine"):
        CFGCombine(A, cosine, 2.0)
    mine = NoiseSchedule("mine", LINEAR.alphas_cumprod)
    assert CFGCombine(A, ExactGaussian(a, SIGMA, mine), 2.0).schedule == LINEAR


def test_parts_must_take_the_same_pictures():
    small, large = (ExactGaussian(a, SIGMA, LINEAR, (1, size, size)) for size in (28, 64))
    with pytest.raises(ValueError, match="different pictures, 28 x 28 with 1 channel and 64 x 64 with 1 channel"):
        FrequencyMix(small, large, 2.0)
    assert RegionBlend(A, FrequencyMix(A, large, 2.0), torch.ones(1, 1, 64, 64)).shape == (1, 64, 64)


def test_parts_must_work_in_the_same_space():
    latent = ExactGaussian(a, SIGMA, LINEAR, space="latent:sd")
    with pytest.raises(ValueError, match="different spaces, pixels and latent:sd"):
        CFGCombine(A, latent, 2.0)


@pytest.mark.parametrize(
    ("base", "weights", "message"),
    [
        (None, (1.0, 1.0), "the weights sum to 2, must sum to 1 where there is no base"),
        (U, (1.0,), "weights are 1 for 2 parts, must be one for each"),
        (U, (1.0, 1.0, 1.0), "weights are 3 for 2 parts"),
    ],
)
def test_weights_that_do_not_fit_are_refused(base, weights, message):
    with pytest.raises(ValueError, match=message):
        WeightedSum(base, (A, B), weights)
    with pytest.raises(ValueError, match="parts are none, must be one at least"):
        WeightedSum(U, (), ())


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(SIZE, SIZE), "must be \\(B, 1, H, W\\)"),
        (torch.ones(1, 3, SIZE, SIZE), "must be \\(B, 1, H, W\\)"),
        (torch.ones(1, 1, SIZE, SIZE) * 1.5, "has values from 1.5 to 1.5, must be from 0 to 1"),
        (torch.full((1, 1, SIZE, SIZE), float("nan")), "has values from nan"),
    ],
)
def test_what_is_no_mask_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        RegionBlend(A, B, mask)


def test_a_mask_of_another_size_is_refused_on_pixels_and_averaged_on_latents():
    sized = ExactGaussian(a, SIGMA, LINEAR, (1, SIZE, SIZE))
    wrong = torch.ones(1, 1, 2 * SIZE, 2 * SIZE)
    with pytest.raises(ValueError, match="the mask is 24 x 24, must be 12 x 12 like the pictures"):
        RegionBlend(sized, B, wrong)
    with pytest.raises(ValueError, match="the mask is 24 x 24, must be 12 x 12"):
        RegionBlend(A, B, wrong).estimate(noise(1), 500)  # where the size is known only now

    latents = [ExactGaussian(mean, SIGMA, LINEAR, space="latent:x") for mean in (a, b)]
    large = torch.rand(1, 1, 2 * SIZE, 2 * SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    m = large.reshape(1, 1, SIZE, 2, SIZE, 2).mean((3, 5))
    expected = ExactGaussian(m * a + (1 - m) * b, SIGMA, LINEAR).estimate(noise(1), 500).noise
    torch.testing.assert_close(RegionBlend(*latents, large).estimate(noise(1), 500).noise, expected)


def test_masks_of_several_rows_go_with_the_pictures_in_turn():
    masks = torch.stack([MASK[0], 1 - MASK[0]])
    x = noise(1, 4)
    found = RegionBlend(A, B, masks).estimate(x, 500).noise
    for i in range(4):
        one = RegionBlend(A, B, masks[i % 2][None]).estimate(x[i : i + 1], 500).noise
        torch.testing.assert_close(found[i : i + 1], one)
    with pytest.raises(ValueError, match="the mask has 2 rows"):
        RegionBlend(A, B, masks).estimate(noise(1), 500)


def test_a_view_that_changes_the_statistics_of_noise_is_refused_with_its_defect():
    class Blurred(View):
        def move(self, x):
            return gaussian_blur(x, 1.0)

        move_back = move

    class Cubed(View):
        def move(self, x):
            return x**3

        def move_back(self, x):
            return x.sign() * x.abs() ** (1 / 3)

    for view in (Blurred(), Cubed()):
        with pytest.raises(ValueError, match=r"is not orthogonal: its defect is \d.*must be below 0.001"):
            FlipAverage(A, B, view)


def test_a_view_that_the_pictures_do_not_have_is_refused():
    wide = ExactGaussian(torch.zeros(1, 1, 8, 12), SIGMA, LINEAR, (1, 8, 12))
    with pytest.raises(ValueError, match="12 x 8, must be square"):
        FlipAverage(wide, wide, Rotation(1))
    FlipAverage(wide, wide, Rotation(2))


def test_a_blur_that_the_pictures_are_too_small_for_is_refused():
    sized = ExactGaussian(a, SIGMA, LINEAR, (1, 16, 16))
    with pytest.raises(ValueError, match=r"kernel is 33 .* shorter side 16; the kernel must be at most 31"):
        FrequencyMix(sized, sized, 2.0, kernel=33)
    FrequencyMix(sized, sized, 2.0, kernel=31)


def test_a_kernel_can_be_chosen():
    found = FrequencyMix(A, B, 2.0, kernel=5).estimate(noise(1), 500).noise
    mean = gaussian_blur(a, 2.0, 5) + b - gaussian_blur(b, 2.0, 5)
    torch.testing.assert_close(found, ExactGaussian(mean, SIGMA, LINEAR).estimate(noise(1), 500).noise)


# Exact denoisers


def test_an_exact_denoiser_of_a_single_picture_finds_it_at_once():
    known = ExactGaussian(a, 0.0, LINEAR)
    for t in (10, 500, 999):
        x_t = LINEAR.noised(a, noise(1), t)
        torch.testing.assert_close(known.estimate(x_t, t).noise, noise(1), rtol=0, atol=1e-9)


def test_an_exact_denoiser_is_the_expectation_of_the_noise():
    generator = torch.Generator().manual_seed(0)
    count, t = 200_000, 300
    x_0 = 0.5 + 0.4 * torch.randn(count, generator=generator, dtype=torch.float64)
    z = torch.randn(count, generator=generator, dtype=torch.float64)
    x_t = LINEAR.noised(x_0, z, t)
    found = ExactGaussian(torch.full((1, 1, 1, 1), 0.5), 0.4, LINEAR).estimate(x_t.view(1, 1, 1, -1), t).noise.flatten()
    error = z - found  # an expectation leaves an error that nothing known explains
    assert abs(float(error.mean())) < 5e-3 and abs(float((error * x_t).mean())) < 5e-3


def test_exact_denoisers_refuse_what_they_cannot_know():
    for sigma in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="must be 0 or more"):
            ExactGaussian(a, sigma, LINEAR)
    with pytest.raises(ValueError, match="must be \\(B, C, H, W\\)"):
        ExactGaussian(torch.zeros(3), 1.0, LINEAR)


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"^weights holds nan, must all be finite numbers$"):
        WeightedSum(None, (A, B), (float("nan"), 0.4))
