"""Laws that every composition keeps, nested in any order: of exact denoisers, of spaces, of steps, and of its price.

`forms` makes each composition of whatever it is given, so that the same form is tried with exact denoisers, with
denoisers that speak of clean pictures, with whole steps, and with a network.
"""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, ToyNetwork, leaf, noise

from nodegraph_nodes.ops.components import Factorize, GreyColour, LowHigh, LowMiddleHigh, MotionRest
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend, WeightedSum
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.guidance import CFGRescale, PerpNeg
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.ops.rules import DDIM, DDPM
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.switches import When
from nodegraph_nodes.ops.tiles import Tile
from nodegraph_nodes.ops.views import Flip, Negation, Rotation
from nodegraph_nodes.types import Denoiser, Estimate, Noisy

SIGMA, HIGH, WIDE = 0.3, SIZE, 20
BLUR, BANDS, GREY, MOTION = LowHigh(1.5, 9, 0), LowMiddleHigh(2.0, 1.0, 9, 0), GreyColour(), MotionRest(5, 0)
SHARES = torch.rand((3, 1, 1, SIZE, SIZE), dtype=torch.float64, generator=torch.Generator().manual_seed(9))
SHARES = SHARES / SHARES.sum(0)
X = noise(1, 2, channels=3)
PANORAMA = torch.randn((2, 3, HIGH, WIDE), dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def perp(d, d_i):
    """What of `d_i` is not along `d`."""
    along = (d * d_i).sum((1, 2, 3), keepdim=True) / (d * d).sum((1, 2, 3), keepdim=True)
    return d_i - along * d


def split(components, *parts):
    return sum(components.component(i, part) for i, part in enumerate(parts))


def tiled(x, height=HIGH, width=WIDE, stride=6):
    """`x` at every tile of a picture, averaged."""
    total, count = (torch.zeros(*x.shape[:-2], height, width, dtype=torch.float64) for _ in range(2))
    for left in sorted({*range(0, width - SIZE + 1, stride), width - SIZE}):
        total[..., left : left + SIZE] += x
        count[..., left : left + SIZE] += 1
    return total / count


def forms(a, b, c, u):
    """Name: the composition, and what it makes of the four, which may be means, clean pictures or whole steps."""
    m, n, o = SHARES
    guided = CFGCombine(a, u, 3.0), lambda a, b, c, u: u + 3 * (a - u)
    hybrid = Factorize((a, guided[0]), BLUR), lambda a, b, c, u: split(BLUR, a, guided[1](a, b, c, u))
    away = (
        PerpNeg(a, u, (b, c), (1.5, -0.5), 2.0),
        lambda a, b, c, u: u + 2 * ((a - u) - 1.5 * perp(a - u, b - u) + 0.5 * perp(a - u, c - u)),
    )
    return {
        "guided": guided,
        "AND, NOT": (WeightedSum(u, (a, b), (2.0, -0.5)), lambda a, b, c, u: u + 2 * (a - u) - 0.5 * (b - u)),
        "weighted": (WeightedSum(None, (a, b, c), (2.0, -1.5, 0.5)), lambda a, b, c, u: 2 * a - 1.5 * b + 0.5 * c),
        "low, high": (Factorize((a, b), BLUR), lambda a, b, c, u: split(BLUR, a, b)),
        "low, middle, high": (Factorize((a, b, c), BANDS), lambda a, b, c, u: split(BANDS, a, b, c)),
        "grey, colour": (Factorize((a, b), GREY), lambda a, b, c, u: split(GREY, a, b)),
        "motion, rest": (Factorize((a, b), MOTION), lambda a, b, c, u: split(MOTION, a, b)),
        "frequency mix": (FrequencyMix(a, b, 1.5, 9), lambda a, b, c, u: split(BLUR, a, b)),
        "region": (RegionBlend(a, b, m), lambda a, b, c, u: m * a + (1 - m) * b),
        "regions": (Regions((a, b, c), (m, n)), lambda a, b, c, u: m * a + n * b + o * c),
        "when, inside": (When(a, b, 999, 0), lambda a, b, c, u: a),
        "when, outside": (When(a, b, 999, 999), lambda a, b, c, u: b),
        "Perp-Neg": away,
        "anagram": (FlipAverage(a, b, Rotation(1)), lambda a, b, c, u: (a + b.rot90(-1, (-2, -1))) / 2),
        "anagram, negative": (FlipAverage(a, b, Negation()), lambda a, b, c, u: (a - b) / 2),
        "one component kept": (keep_component(guided[0], X[:1], GREY, "grey"), guided[1]),
        "one tile": (Tile(guided[0], SIZE, 4), guided[1]),
        "hybrids in regions": (
            Regions((hybrid[0], c, away[0]), (m, n)),
            lambda a, b, c, u: m * hybrid[1](a, b, c, u) + n * c + o * away[1](a, b, c, u),
        ),
        "anagram of hybrids, for some time": (
            When(FlipAverage(hybrid[0], Factorize((b, c, u), BANDS), Flip()), guided[0], 999, 0),
            lambda a, b, c, u: (hybrid[1](a, b, c, u) + split(BANDS, b, c, u).flip(-2)) / 2,
        ),
        "colours of regions, grey of an anagram": (
            Factorize((FlipAverage(a, away[0], Flip()), Regions((b, c), (m,))), GREY),
            lambda a, b, c, u: split(GREY, (a + away[1](a, b, c, u).flip(-2)) / 2, m * b + (1 - m) * c),
        ),
        "guidance of hybrids": (
            CFGCombine(Factorize((a, b), MOTION), Factorize((u, u), BLUR), 4.0),
            lambda a, b, c, u: u + 4 * (split(MOTION, a, b) - u),
        ),
    }


A, B, C, U = (ExactGaussian(noise(seed, channels=3), SIGMA, LINEAR) for seed in (11, 12, 13, 14))
MEANS = [denoiser.mean for denoiser in (A, B, C, U)]
NAMES = list(forms(A, B, C, U))

every_form = pytest.mark.parametrize("name", NAMES)


@every_form
@pytest.mark.parametrize("t", [0, 1, 250, 980])
def test_of_exact_denoisers_it_is_the_exact_denoiser_of_what_it_makes_of_the_means(name, t):
    composed, made = forms(A, B, C, U)[name]
    expected = ExactGaussian(made(*MEANS), SIGMA, LINEAR)
    torch.testing.assert_close(composed.estimate(X, t).noise, expected.estimate(X, t).noise, rtol=0, atol=1e-10)


@every_form
@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_whole_runs_of_it_are_those_of_the_exact_denoiser(name, method):
    composed, made = forms(A, B, C, U)[name]
    composed = composed.denoiser if name == "one component kept" else composed  # its hook is tested elsewhere
    (*_, found), (*_, expected) = (
        Sampler(steps=20, method=method, seed=3).sample(denoiser, Noisy(X))
        for denoiser in (composed, ExactGaussian(made(*MEANS), SIGMA, LINEAR))
    )
    torch.testing.assert_close(found.x0, expected.x0, rtol=0, atol=1e-10)


@every_form
@pytest.mark.parametrize("t", [0, 500])
def test_tiles_of_it_are_it_of_tiles(name, t):
    composed, made = forms(A, B, C, U)[name]
    composed = composed.denoiser if name == "one component kept" else composed
    expected = ExactGaussian(tiled(made(*MEANS)), SIGMA, LINEAR).estimate(PANORAMA, t).noise
    torch.testing.assert_close(Tile(composed, SIZE, 6).estimate(PANORAMA, t).noise, expected, rtol=0, atol=1e-10)


# L1: the space


class Speaking(Denoiser):
    """A denoiser that gives the clean picture, or the velocity, where it should give noise."""

    schedule = LINEAR

    def __init__(self, denoiser, space):
        self.denoiser, self.space_spoken = denoiser, space

    def ask(self, p):
        estimate = yield from self.denoiser.ask(p)
        return Estimate(spoken(self.space_spoken, p.x, estimate.noise, p.t))


def spoken(space, x, eps, t):
    x0 = LINEAR.cleaned(x, eps, t)
    return {"noise": eps, "clean": x0, "velocity": LINEAR.alpha(t) * eps - LINEAR.sigma(t) * x0}[space]


@every_form
@pytest.mark.parametrize("space", ["clean", "velocity"])
def test_composing_in_another_space_is_the_same(name, space):
    t = 500
    in_noise = forms(A, B, C, U)[name][0].estimate(X, t).noise
    in_space = forms(*(Speaking(each, space) for each in (A, B, C, U)))[name][0].estimate(X, t).noise
    torch.testing.assert_close(in_space, spoken(space, X, in_noise, t), rtol=0, atol=1e-11)


def test_where_weights_do_not_sum_to_1_it_is_not_and_nor_is_rescaling():
    t = 500

    class Both(Denoiser):
        schedule = LINEAR

        def __init__(self, a, b):
            self.a, self.b = a, b

        def ask(self, p):
            a, b = (yield from self.a.ask(p)), (yield from self.b.ask(p))
            return Estimate(a.noise + b.noise)

    def rescaled(a, u):
        return CFGRescale(CFGCombine(a, u, 5.0), a, 1.0)

    for form in (Both, rescaled):
        in_noise = form(A, U).estimate(X, t).noise
        in_clean = form(*(Speaking(each, "clean") for each in (A, U))).estimate(X, t).noise
        assert (in_clean - spoken("clean", X, in_noise, t)).abs().max() > 0.1


# L2: the step


class Stepping(Denoiser):
    """A denoiser that gives where its step leads, where it should give noise.

    What is drawn is a function of each value of x, so that all views and all tiles see the same field of noise.
    """

    schedule = LINEAR

    def __init__(self, denoiser, rule, to, clip=False):
        self.denoiser, self.rule, self.to, self.clip = denoiser, rule, to, clip

    def ask(self, p):
        estimate = yield from self.denoiser.ask(p)
        x0 = LINEAR.cleaned(p.x, estimate.noise, p.t)
        x0 = x0.clamp(-1, 1) if self.clip else x0
        return Estimate(self.rule(p.x, x0, None, p.t, self.to, lambda x: torch.sin(1e3 * x)))


@every_form
@pytest.mark.parametrize("rule", [DDIM(LINEAR), DDPM(LINEAR)])
def test_it_commutes_with_the_step_of_a_sampler(name, rule):
    inside = forms(*(Stepping(each, rule, 450) for each in (A, B, C, U)))[name][0].estimate(X, 500).noise
    outside = Stepping(forms(A, B, C, U)[name][0], rule, 450).estimate(X, 500).noise
    torch.testing.assert_close(inside, outside, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["AND, NOT", "low, high", "regions", "anagram"])
def test_a_clip_inside_does_not(name):
    rule = DDIM(LINEAR)
    inside = forms(*(Stepping(each, rule, 450, clip=True) for each in (A, B, C, U)))[name][0].estimate(X, 500).noise
    outside = Stepping(forms(A, B, C, U)[name][0], rule, 450, clip=True).estimate(X, 500).noise
    assert (inside - outside).abs().max() > 0.01


# The price


class OneByOne(Evaluator):
    """Asks every question by itself, whether it was asked before or not."""

    def answer(self, queries, known):
        return [query.network(query.x, query.t, **self._inputs([query], query.x)) for query in queries]


def leaves(net):
    return [leaf(label, net) for label in (3, 6, 9, 10)]


@every_form
@pytest.mark.parametrize("batch", [1, 3])
def test_one_forward_pass_gives_what_questions_one_by_one_give_at_the_price_that_was_told(name, batch):
    net, x, timesteps = ToyNetwork(channels=6), noise(1, batch, channels=3), [999, 500, 0]
    composed = forms(*leaves(net))[name][0]
    told = price(composed, x, timesteps)
    assert not net.calls
    evaluator = Evaluator()
    for step, t in enumerate(timesteps):
        found = evaluator.estimate(composed, x, t, step)
        assert len(net.calls) == step + 1
        expected = OneByOne().estimate(forms(*leaves(ToyNetwork(channels=6)))[name][0], x, t, step)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert told == (evaluator.forwards, evaluator.rows) == (3, sum(net.calls))


def test_rows_are_no_more_than_the_questions_that_differ():
    rows = {name: price(forms(*leaves(ToyNetwork()))[name][0], X[:1], [500]).rows for name in NAMES}
    assert rows == {
        "guided": 2, "AND, NOT": 3, "weighted": 3, "low, high": 2, "low, middle, high": 3, "grey, colour": 2,
        "motion, rest": 2, "frequency mix": 2, "region": 2, "regions": 3, "when, inside": 1, "when, outside": 1,
        "Perp-Neg": 4, "anagram": 2, "anagram, negative": 2, "one component kept": 2, "one tile": 2,
        "hybrids in regions": 4,
        "anagram of hybrids, for some time": 2 + 3,
        "colours of regions, grey of an anagram": 3 + 4,
        "guidance of hybrids": 3,
    }  # fmt: skip


def test_a_mask_inside_all_of_it_still_acts():
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., : SIZE // 2] = 1
    original = X[:1].clamp(-1, 1)
    kept = keep_outside(A, original, mask)
    for nested in (
        Regions((Factorize((kept, B), BLUR), C), (SHARES[0],)),
        CFGCombine(Factorize((B, kept), MOTION), CFGRescale(U, kept, 0.5), 3.0),
        When(B, kept, 999, 999),
        PerpNeg(A, U, (B, kept), (1.0, 0.0), 2.0),
    ):
        *_, last = Sampler(steps=3).sample(nested, Noisy(X))
        outside = (mask == 0).expand_as(last.x0)
        assert torch.equal(last.x0[outside], original.expand_as(last.x0)[outside])
