"""Guidance: each node against its formula, in the space it says it works in, and only as many questions as it needs."""

from itertools import pairwise

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.denoisers import CFGCombine, WeightedSum
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.guidance import CFGRescale, PerpNeg, inner
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.switches import When
from nodegraph_nodes.types import Denoiser, Estimate, NoiseSchedule, Noisy

T, ANY, SIGMA = 400, 10, 0.3
A, B, C, U = (gaussian(seed, SIGMA) for seed in (11, 12, 13, 14))
a, b, c, u = (denoiser.mean for denoiser in (A, B, C, U))


def exact(mean):
    return ExactGaussian(mean, SIGMA, LINEAR)


class Told(Denoiser):
    """Always the same estimate."""

    schedule = LINEAR

    def __init__(self, noise, variance=None):
        self.fixed = Estimate(noise, variance)

    def ask(self, p):
        yield from ()
        return self.fixed


# When


def test_inside_its_interval_one_denoiser_is_asked_and_outside_the_other():
    net = ToyNetwork()
    x = noise(1)
    denoiser = When(leaf(3, net), leaf(6, net), 700, 300)
    for t in (999, 701, 700, 500, 300, 299, 0):
        expected = (leaf(3, ToyNetwork()) if 300 <= t <= 700 else leaf(6, ToyNetwork())).estimate(x, t).noise
        assert torch.equal(denoiser.estimate(x, t).noise, expected)
    assert net.calls == [1] * 7


def test_an_interval_of_guidance_saves_its_questions_and_the_price_says_so():
    net = ToyNetwork()
    limited = When(CFGCombine(leaf(3, net), leaf(ANY, net), 4.0), leaf(3, net), 600, 300)
    timesteps = [900, 600, 450, 300, 0]
    assert price(limited, noise(1, 2), timesteps) == (5, 2 * (1 + 2 + 2 + 2 + 1))
    evaluator = Evaluator()
    list(Sampler(timesteps=tuple(timesteps)).sample(limited, Noisy(noise(1, 2)), evaluator))
    assert (evaluator.forwards, evaluator.rows) == (5, 16)
    assert net.calls == [2, 4, 4, 4, 2]


def test_a_prompt_schedule_is_one_denoiser_and_then_another():
    *_, found = Sampler(steps=20, method="ddim").sample(When(A, When(B, C, 499, 200), 999, 500), Noisy(noise(5)))
    x, levels = noise(5), [*range(950, -1, -50), -1]
    for t, to in pairwise(levels):
        eps = (A if t >= 500 else B if t >= 200 else C).estimate(x, t).noise
        x = LINEAR.alpha(to) * LINEAR.cleaned(x, eps, t) + LINEAR.sigma(to) * eps
    torch.testing.assert_close(found.x0, x)


def test_the_variance_is_that_of_whoever_is_asked_and_hooks_are_of_both():
    v = noise(9)
    both = When(Told(a, v), Told(b), 999, 500)
    assert torch.equal(both.estimate(noise(1), 500).variance, v) and both.estimate(noise(1), 499).variance is None
    ones = torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64)
    kept = [keep_outside(A, b, ones, seed=seed) for seed in (1, 2)]
    assert [hook.seed for hook in When(*kept, 999, 500).hooks()] == [1, 2]


def test_an_interval_that_is_none_is_refused():
    When(A, B, 300, 300)
    with pytest.raises(ValueError, match="first is 200 and last is 300, must be first >= last: sampling goes down"):
        When(A, B, 200, 300)


# Perp-Neg


def perp(mean_of_positive, mean_of_negative):
    """What the negative one has that is not along the positive one, both seen from u."""
    d, d_i = mean_of_positive - u, mean_of_negative - u
    return d_i - (d_i * d).sum() / (d * d).sum() * d


@pytest.mark.parametrize("t", [0, 300, 999])
def test_of_exact_denoisers_perp_neg_is_the_exact_denoiser_of_what_is_left(t):
    mean = u + 3 * ((a - u) - 1.5 * perp(a, b) + 0.5 * perp(a, c))
    found = PerpNeg(A, U, (B, C), (1.5, -0.5), 3.0).estimate(noise(1, 3), t).noise
    torch.testing.assert_close(found, exact(mean).estimate(noise(1, 3), t).noise, rtol=0, atol=1e-10)


def test_inner_products_are_those_of_each_picture_not_of_the_batch():
    net = ToyNetwork()
    denoiser = PerpNeg(leaf(3, net), leaf(ANY, net), (leaf(6, net), leaf(9, net)), (1.0, 2.0), 4.0)
    x = noise(1, 4)
    alone = torch.cat([denoiser.estimate(row[None], T).noise for row in x])
    torch.testing.assert_close(denoiser.estimate(x, T).noise, alone, rtol=0, atol=1e-12)

    c_, u_, n_ = (leaf(label, ToyNetwork()).estimate(x, T).noise for label in (3, ANY, 6))
    d, d_i = c_ - u_, n_ - u_
    of_the_batch = u_ + 4 * (d - (d_i - (d_i * d).sum() / (d * d).sum() * d))
    one = PerpNeg(leaf(3, net), leaf(ANY, net), (leaf(6, net),), (1.0,), 4.0).estimate(x, T).noise
    assert (one - of_the_batch).abs().max() > 1e-3


def test_a_negative_along_the_positive_pushes_nothing_and_what_is_pushed_lies_across():
    along = Told(u + 0.7 * (a - u))
    plain = CFGCombine(Told(a), Told(u), 5.0).estimate(noise(1), T).noise
    found = PerpNeg(Told(a), Told(u), (along, Told(a)), (2.0, 9.0), 5.0).estimate(noise(1), T).noise
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-12)
    pushed = PerpNeg(Told(a), Told(u), (Told(b),), (2.0,), 5.0).estimate(noise(1), T).noise - plain
    assert float(inner(pushed, a - u).abs()) < 1e-9 and pushed.abs().max() > 0.1


def test_where_the_positive_says_nothing_the_whole_negative_counts():
    found = PerpNeg(Told(u), Told(u), (Told(b),), (2.0,), 5.0).estimate(noise(1), T).noise
    torch.testing.assert_close(found, u - 10 * (b - u))


def test_a_negative_of_weight_0_is_not_asked_and_none_at_all_is_guidance():
    net = ToyNetwork()
    denoiser = PerpNeg(leaf(3, net), leaf(ANY, net), (leaf(6, net), leaf(9, net)), (0.0, 1.0), 4.0)
    assert price(denoiser, noise(1), [T]) == (1, 3)
    denoiser.estimate(noise(1), T)
    assert net.calls == [3]
    bare = PerpNeg(A, U, (), (), 4.0).estimate(noise(1), T).noise
    assert torch.equal(bare, CFGCombine(A, U, 4.0).estimate(noise(1), T).noise)


def test_perp_neg_takes_the_variance_of_the_positive_one():
    found = PerpNeg(Told(a, c), Told(u, b), (Told(b, u),), (1.0,), 4.0).estimate(noise(1), T)
    assert torch.equal(found.variance, c)
    assert PerpNeg(Told(a), Told(u, b), (Told(b, u),), (1.0,), 4.0).estimate(noise(1), T).variance is None


def test_negatives_and_weights_must_be_as_many():
    with pytest.raises(ValueError, match="weights are 1 for 2 negatives, must be one for each"):
        PerpNeg(A, U, (B, C), (1.0,), 4.0)


# Rescaling


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_rescaling_is_that_of_diffusers(share):
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

    net = ToyNetwork(channels=2)
    guided, conditional = CFGCombine(leaf(3, net), leaf(ANY, net), 8.0), leaf(3, net)
    x = noise(1, 3)
    found = CFGRescale(guided, conditional, share).estimate(x, T)
    g, c_ = guided.estimate(x, T), conditional.estimate(x, T)
    torch.testing.assert_close(found.noise, rescale_noise_cfg(g.noise, c_.noise, share), rtol=0, atol=1e-12)
    assert torch.equal(found.variance, c_.variance)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_of_exact_denoisers_rescaling_is_a_factor_for_each_picture(t):
    x = noise(1, 3)
    found = CFGRescale(CFGCombine(A, U, 6.0), A, 0.6).estimate(x, t).noise
    g, c_ = (exact(mean).estimate(x, t).noise for mean in (u + 6 * (a - u), a))
    for i in range(3):
        factor = 0.6 * c_[i].std() / g[i].std() + 0.4
        torch.testing.assert_close(found[i], factor * g[i], rtol=0, atol=1e-10)


def test_rescaled_wholly_the_estimate_is_as_strong_as_the_conditional_one_and_not_at_all_it_stays():
    net = ToyNetwork()
    guided, x = CFGCombine(leaf(3, net), leaf(ANY, net), 8.0), noise(1, 3)
    whole = CFGRescale(guided, leaf(3, net), 1.0).estimate(x, T).noise
    torch.testing.assert_close(whole.flatten(1).std(1), leaf(3, net).estimate(x, T).noise.flatten(1).std(1))
    none = CFGRescale(guided, leaf(3, net), 0.0).estimate(x, T).noise
    assert torch.equal(none, guided.estimate(x, T).noise)


def test_rescaling_asks_nothing_new():
    net = ToyNetwork()
    guided = CFGCombine(leaf(3, net), leaf(ANY, net), 8.0)
    assert price(CFGRescale(guided, leaf(3, net), 0.7), noise(1), [900, 100]) == price(guided, noise(1), [900, 100])
    CFGRescale(guided, leaf(3, net), 0.7).estimate(noise(1), T)
    assert net.calls == [2]


def test_a_flat_estimate_is_not_divided_by_its_deviation():
    flat = torch.full((1, 1, 4, 4), 0.5, dtype=torch.float64)
    found = CFGRescale(Told(flat), Told(noise(1, size=4)), 1.0).estimate(noise(1, size=4), T).noise
    assert torch.equal(found, flat)


# Autoguidance, AND and NOT: formulas of nodes that were there


def test_autoguidance_is_guidance_by_a_weaker_network():
    strong, weak = ToyNetwork("strong", channels=2), ToyNetwork("weak", channels=2)
    x, w = noise(1, 2), 2.5
    good, bad = leaf(3, strong).estimate(x, T), leaf(4, weak).estimate(x, T)
    strong.calls.clear(), weak.calls.clear()
    evaluator = Evaluator()
    found = evaluator.estimate(CFGCombine(leaf(3, strong), leaf(4, weak), w), x, T)
    torch.testing.assert_close(found.noise, bad.noise + w * (good.noise - bad.noise))
    assert torch.equal(found.variance, good.variance)
    assert (strong.calls, weak.calls, evaluator.forwards) == ([2], [2], 2)


def test_and_sums_pushes_and_not_takes_one_away():
    x = noise(1)
    base, first, second, away = (each.estimate(x, T).noise for each in (U, A, B, C))
    both = WeightedSum(U, (A, B), (7.5, 7.5)).estimate(x, T).noise
    torch.testing.assert_close(both, base + 7.5 * (first - base) + 7.5 * (second - base))
    but_not = WeightedSum(U, (A, B, C), (7.5, 3.0, -2.0)).estimate(x, T).noise
    torch.testing.assert_close(but_not, base + 7.5 * (first - base) + 3 * (second - base) - 2 * (away - base))


def test_weights_that_do_not_sum_to_1_are_refused_before_any_network_is_called():
    net = ToyNetwork()
    with pytest.raises(ValueError, match=r"the weights sum to 0\.5, must sum to 1 where there is no base"):
        WeightedSum(None, (leaf(1, net), leaf(2, net)), (2.0, -1.5))
    assert not net.calls


# What is refused


@pytest.mark.parametrize(
    "make",
    [
        lambda one, other: When(one, other, 999, 0),
        lambda one, other: PerpNeg(one, one, (one, other), (1.0, 1.0), 2.0),
        lambda one, other: CFGRescale(one, other, 0.5),
    ],
)
def test_parts_must_agree(make):
    for other, message in (
        (ExactGaussian(a, SIGMA, NoiseSchedule.named("cosine")), "different schedules, linear and cosine"),
        (ExactGaussian(a, SIGMA, LINEAR, (1, 64, 64)), "different pictures, 12 x 12 with 1 channel and 64 x 64"),
        (ExactGaussian(a, SIGMA, LINEAR, space="latent:sd"), "different spaces, pixels and latent:sd"),
    ):
        with pytest.raises(ValueError, match=message):
            make(ExactGaussian(a, SIGMA, LINEAR, (1, SIZE, SIZE)), other)
