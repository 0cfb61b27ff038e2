"""Samplers: equal to diffusers' on the same noise, convergent in their order, and walking where they are told."""

from itertools import pairwise, zip_longest
from math import log, log2

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler
from repaint_paper import jumps
from toy_denoisers import LINEAR, Recording, ToyNetwork, gaussian, in_double, leaf, noise

from nodegraph_nodes.ops.agreements import space_of_start
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, RegionBlend
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.rules import DDIM, DDPM
from nodegraph_nodes.ops.samplers import Sampler, dynamic_threshold, sample
from nodegraph_nodes.ops.schedules import spaced
from nodegraph_nodes.ops.views import Flip
from nodegraph_nodes.ops.walks import Leg, walk
from nodegraph_nodes.types import Denoiser, Estimate, NoiseSchedule, Noisy

LEARNED = ToyNetwork(channels=2)
FIXED = ToyNetwork()
EXACT = ExactGaussian(torch.zeros(1, 1, 1, 1), 0.5, LINEAR)
START = noise(3, 2, dtype=torch.float32)


def result(denoiser, start=None, **settings):
    *_, last = Sampler(**settings).sample(denoiser, start or Noisy(START))
    return last.x_t


def by_diffusers(scheduler, timesteps, *, learned=False, x=START, seed=1, **keywords):
    """The loop as diffusers' pipelines write it, with the toy network for label 4."""
    generator = torch.Generator().manual_seed(seed)
    net = LEARNED if learned else FIXED
    for t in timesteps:
        answer = net(scheduler.scale_model_input(x, t), int(t), label=torch.full((len(x),), 4))
        x = scheduler.step(answer, t, x, generator=generator, return_dict=False, **keywords)[0]
    return x


# Equality with diffusers

USUAL = {"leading 50": 50, "leading 30": 30, "one": 1}
DENSE = {"leading 100": 100, "leading 250": 250, "leading 1000": 1000, "explicit": [999, 750, 500, 20, 3, 0]}
CLIPS = {
    "none": {"clip_sample": False},
    "clamp": {"clip_sample": True},
    "dynamic": {"thresholding": True, "dynamic_thresholding_ratio": 0.95, "sample_max_value": 1.5},
}


def told(scheduler, steps):
    if isinstance(steps, int):
        scheduler.set_timesteps(steps)
        return {"steps": steps}
    scheduler.set_timesteps(timesteps=steps)
    return {"timesteps": tuple(steps)}


def assert_same_pictures(found, expected, atol=1e-5):
    assert found.dtype == expected.dtype
    scale = max(1.0, float(expected.abs().max()))  # without a clip, values grow large
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=atol)


@pytest.mark.parametrize("variance", ["fixed_small", "fixed_large", "learned"])
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("steps", [*USUAL.values(), *DENSE.values()], ids=[*USUAL, *DENSE])
def test_ddpm_is_that_of_diffusers(steps, clip, variance):
    if steps == 1000 and clip != "clamp":
        pytest.skip("a thousand steps are walked once")
    learned = variance == "learned"
    scheduler = DDPMScheduler(variance_type="learned_range" if learned else variance, **CLIPS[clip])
    settings = told(scheduler, steps)
    if steps in DENSE.values():
        in_double(scheduler)
    expected = by_diffusers(scheduler, scheduler.timesteps, learned=learned)
    found = result(leaf(4, LEARNED if learned else FIXED), clip=clip, variance=variance, **settings)
    assert_same_pictures(found, expected)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("steps", [10, 50, 100, 1000])
def test_ddim_is_that_of_diffusers(steps, clip, eta):
    if steps == 1000 and clip != "clamp":
        pytest.skip("a thousand steps are walked once")
    scheduler = DDIMScheduler(**CLIPS[clip])
    scheduler.set_timesteps(steps)
    x = START
    if steps == 1000:
        in_double(scheduler)
        x = START if eta else START.double()  # diffusers would draw other noise in double
    # The noise is that of the clipped picture, as in GLIDE and guided-diffusion; else few steps give broken pictures.
    expected = by_diffusers(scheduler, scheduler.timesteps, x=x, eta=eta, use_clipped_model_output=clip != "none")
    found = result(leaf(4, FIXED), Noisy(x), method="ddim", steps=steps, clip=clip, eta=eta)
    assert_same_pictures(found, expected)


@pytest.mark.parametrize("timesteps", [[980, 900, 640, 300, 150, 20, 0], list(range(999, -1, -37)), [500]])
def test_dpm_is_that_of_diffusers(timesteps):
    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(timesteps=timesteps)
    expected = by_diffusers(scheduler, scheduler.timesteps)
    found = result(leaf(4, FIXED), method="dpm++", timesteps=tuple(timesteps))
    assert_same_pictures(found, expected, atol=2e-5)


@pytest.mark.parametrize("timesteps", [[980, 900, 640, 300, 150, 20, 0], list(range(999, -1, -37)), [500]])
def test_euler_is_that_of_diffusers(timesteps):
    scheduler = EulerDiscreteScheduler()
    scheduler.set_timesteps(timesteps=timesteps)
    in_its_coordinates = START / LINEAR.alpha(timesteps[0])
    expected = by_diffusers(scheduler, scheduler.timesteps, x=in_its_coordinates)
    found = result(leaf(4, FIXED), method="euler", timesteps=tuple(timesteps))
    assert_same_pictures(found, expected, atol=2e-5)


def test_ddpm_with_the_small_variance_is_ddim_with_eta_1():
    denoiser, start = gaussian(1), Noisy(noise(2))
    a = result(denoiser, start, steps=30, variance="fixed_small")
    b = result(denoiser, start, steps=30, method="ddim", eta=1.0)
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("clip", CLIPS)
def test_euler_is_ddim_without_fresh_noise(clip):
    a = result(leaf(4, FIXED), method="euler", steps=20, spacing="trailing", clip=clip)
    b = result(leaf(4, FIXED), method="ddim", steps=20, spacing="trailing", clip=clip)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


# Convergence

MEAN, SIGMA, FIRST, LAST = noise(21), 0.3, 900, 100


def exact_flow(x, t, to):
    """Where the probability flow takes `x`: pixels keep their distance from the mean, in standard deviations."""

    def deviation(at):
        return (LINEAR.alpha(at) ** 2 * SIGMA**2 + LINEAR.sigma(at) ** 2) ** 0.5

    return LINEAR.alpha(to) * MEAN + deviation(to) / deviation(t) * (x - LINEAR.alpha(t) * MEAN)


@pytest.mark.parametrize(("method", "order"), [("ddim", 1), ("euler", 1), ("dpm++", 2)])
def test_order_of_convergence(method, order):
    x = noise(22)
    exact = exact_flow(x, FIRST, LAST)
    errors = []
    for count in (20, 40, 80, 160):
        stride = (FIRST - LAST) // count
        settings = {"timesteps": tuple(range(FIRST, LAST, -stride)), "method": method, "end": LAST}
        found = result(ExactGaussian(MEAN, SIGMA, LINEAR), Noisy(x), **settings)
        errors.append(float((found - exact).norm() / exact.norm()))
    orders = [log2(a / b) for a, b in pairwise(errors)]
    assert errors[-1] < 10 ** (-1.5 * order)
    assert all(abs(found - order) < 0.25 for found in orders), (errors, orders)


class Knowing(Denoiser):
    """The exact denoiser of Gaussian pixels that also knows the exact variance of each step down a list.

    With it, ancestral sampling is exact for any number of steps: each `x_s` is drawn from what it is given `x_t`.
    """

    schedule = LINEAR

    def __init__(self, mean, sigma, timesteps):
        self.exact, self.sigma = ExactGaussian(torch.full((1, 1, 1, 1), mean), sigma, LINEAR), sigma
        self.below = dict(zip(timesteps, (*timesteps[1:], -1), strict=True))

    def ask(self, p):
        noise = (yield from self.exact.ask(p)).noise
        ab_t, ab_s = LINEAR.alpha_bar(p.t), LINEAR.alpha_bar(self.below[p.t])
        if ab_s == 1:
            return Estimate(noise, 0 * noise)
        large, share = 1 - ab_t / ab_s, ab_s**0.5 * (1 - ab_t / ab_s) / (1 - ab_t)
        small = large * (1 - ab_s) / (1 - ab_t)
        left = self.sigma**2 * (1 - ab_t) / (ab_t * self.sigma**2 + 1 - ab_t)  # the variance of x_0 given x_t
        v = 2 * log((small + share**2 * left) / small) / log(large / small) - 1
        return Estimate(noise, torch.full_like(noise, v))


@pytest.mark.parametrize(("repeats", "jump"), [(1, 1), (3, 2), (2, 5)])
@pytest.mark.parametrize("steps", [10, 40])
def test_ddpm_with_the_right_variance_draws_from_the_data_also_where_it_climbs(steps, repeats, jump):
    mean, sigma = 0.4, 0.5
    timesteps = tuple(spaced(1000, steps, "linspace"))
    start = Noisy(torch.randn((1, 1, 1, 60_000), generator=torch.Generator().manual_seed(5)))
    found = result(Knowing(mean, sigma, timesteps), start, timesteps=timesteps, repeats=repeats, jump=jump)
    assert float(found.mean()) == pytest.approx(mean, abs=0.01)
    assert float(found.std()) == pytest.approx(sigma, rel=0.01)


# What a step does


@pytest.mark.parametrize("method", ["ddpm", "ddim"])
@pytest.mark.parametrize(("t", "to"), [(980, 960), (700, 3), (20, 0), (1, 0)])
def test_the_mean_of_a_step_commutes_with_compositions(method, t, to):
    mask = torch.rand((1, 1, 12, 12), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    a, b, x = gaussian(1), gaussian(2), noise(5)
    rule = DDPM(LINEAR) if method == "ddpm" else DDIM(LINEAR)

    def mean(denoiser):
        estimate = denoiser.estimate(x, t)
        return rule(x, LINEAR.cleaned(x, estimate.noise, t), None, t, to, torch.zeros_like)

    blended, pushed = mask * mean(a) + (1 - mask) * mean(b), mean(b) + 3 * (mean(a) - mean(b))
    torch.testing.assert_close(mean(RegionBlend(a, b, mask)), blended, rtol=0, atol=1e-10)
    torch.testing.assert_close(mean(CFGCombine(a, b, 3.0)), pushed, rtol=0, atol=1e-10)


def test_the_variance_is_chosen_between_small_and_large():
    t, to = 500, 480
    x, one = noise(1), torch.ones_like(noise(1))
    a = LINEAR.alpha_bar(t) / LINEAR.alpha_bar(to)
    large = 1 - a
    small = (1 - LINEAR.alpha_bar(to)) / (1 - LINEAR.alpha_bar(t)) * large

    def deviation(variance, raw):
        return DDPM(LINEAR, variance)(0 * x, 0 * x, raw, t, to, torch.ones_like)

    torch.testing.assert_close(deviation("learned", None), one * small**0.5)
    torch.testing.assert_close(deviation("fixed_small", one), one * small**0.5)
    torch.testing.assert_close(deviation("fixed_large", one), one * large**0.5)
    torch.testing.assert_close(deviation("learned", one), one * large**0.5)
    torch.testing.assert_close(deviation("learned", -one), one * small**0.5)
    torch.testing.assert_close(deviation("learned", 0 * one), one * (small * large) ** 0.25)
    torch.testing.assert_close(deviation("learned", 3 * one), one * (large**2 / small) ** 0.5)  # not clamped


@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++", "euler"])
def test_the_result_is_the_last_estimate_of_the_clean_picture(method):
    *_, before, last = Sampler(steps=12, method=method, clip="clamp").sample(leaf(4, FIXED), Noisy(START))
    torch.testing.assert_close(last.x_t, before.x0, rtol=0, atol=1e-5)
    assert last.t == -1 and last.x_t is last.x0 and before.t == 0
    assert float(last.x_t.abs().max()) <= 1 + 1e-5


@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++", "euler"])
def test_the_clip_is_applied_to_every_estimate(method):
    for step in Sampler(steps=12, method=method, clip="clamp").sample(leaf(4, FIXED), Noisy(3 * START)):
        assert float(step.x0.abs().max()) <= 1 + 1e-5


def test_dynamic_thresholding():
    x0 = torch.linspace(-3, 3, 201).expand(3, 1, 1, -1) * torch.tensor([0.1, 0.4, 1.0]).view(3, 1, 1, 1)
    found = dynamic_threshold(x0)
    torch.testing.assert_close(found[0], x0[0])  # all within [-1, 1]: as it is
    limit = float(x0[1].abs().quantile(0.95))
    assert 1 < limit < 1.5
    torch.testing.assert_close(found[1], x0[1].clamp(-limit, limit) / limit)
    torch.testing.assert_close(found[2], x0[2].clamp(-1.5, 1.5) / 1.5)
    assert dynamic_threshold(x0.half()).dtype == torch.float16
    torch.testing.assert_close(dynamic_threshold(x0, largest=1.0), x0.clamp(-1, 1))


def test_dynamic_thresholding_looks_as_far_as_the_denoiser_says():
    net = ToyNetwork()
    start = Noisy(3 * START)

    def first(largest, clip, denoiser=None):
        named = denoiser or NetworkDenoiser(net, {"label": torch.tensor([4])}, LINEAR, largest=largest)
        return next(Sampler(clip=clip, timesteps=(200,)).sample(named, start)).x0

    plain = first(None, "none")
    for largest in (1.0, 1.2, 1.5, 4.0):
        torch.testing.assert_close(first(largest, "dynamic"), dynamic_threshold(plain, largest))
    assert torch.equal(first(1.0, "dynamic"), first(1.0, "clamp"))
    assert torch.equal(first(None, "dynamic"), first(1.5, "dynamic"))
    assert not torch.equal(first(1.2, "dynamic"), first(1.5, "dynamic"))

    small = NetworkDenoiser(net, {"label": torch.tensor([4])}, LINEAR, largest=1.2)
    composed = CFGCombine(gaussian(1), FlipAverage(small, leaf(3, net), Flip()), 0.0)
    assert composed.largest == 1.2 and CFGCombine(gaussian(1), gaussian(2), 2.0).largest is None
    with pytest.raises(ValueError, match=r"thresholded up to different values, 1\.2 and 1\.5"):
        CFGCombine(small, NetworkDenoiser(net, {}, LINEAR, largest=1.5), 2.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++", "euler"])
def test_precision_stays(method, dtype):
    assert result(gaussian(1), Noisy(noise(2, dtype=dtype)), method=method, steps=5, clip="dynamic").dtype == dtype


# Noise


def test_each_step_that_adds_noise_draws_one_noise_from_the_sampler_s_seed():
    x = noise(1, 2, dtype=torch.float32)
    recording = Recording(EXACT)
    settings = {"timesteps": (900, 500, 100), "seed": 42}
    steps = list(Sampler(**settings).sample(recording, Noisy(x)))
    generator = torch.Generator("cpu").manual_seed(42)
    rule, draw = DDPM(LINEAR), lambda like: torch.randn(like.shape, generator=generator)
    for (t, seen), step, to in zip(recording.seen, steps, (500, 100, -1), strict=False):
        torch.testing.assert_close(seen, x)
        estimate = EXACT.estimate(x, t)
        x = rule(x, LINEAR.cleaned(x, estimate.noise, t), None, t, to, draw)
        assert step.x_t is seen
    torch.testing.assert_close(steps[-1].x_t, x)
    first_unused = torch.randn(x.shape, generator=generator)
    again = torch.Generator("cpu").manual_seed(42)
    torch.testing.assert_close([torch.randn(x.shape, generator=again) for _ in range(3)][2], first_unused)


def test_the_same_seed_gives_the_same_picture_whatever_else_draws():
    torch.manual_seed(1)
    a = result(leaf(4, FIXED), steps=5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(a, result(leaf(4, FIXED), steps=5))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(a, result(leaf(4, FIXED), steps=5, seed=2))


@pytest.mark.parametrize("method", ["ddim", "dpm++", "euler"])
def test_the_others_draw_nothing(method):
    assert torch.equal(
        result(leaf(4, FIXED), steps=5, method=method, seed=1), result(leaf(4, FIXED), steps=5, method=method, seed=2)
    )


def test_float64_draws_the_same_noise_as_float32():
    a = result(gaussian(1), Noisy(noise(2).float()), steps=5)
    b = result(gaussian(1), Noisy(noise(2).float().double()), steps=5)
    torch.testing.assert_close(a.double(), b, rtol=0, atol=1e-5)


# Walks


@pytest.mark.parametrize(
    ("count", "jump", "repeats", "calls", "entries"),
    [(250, 10, 10, 2410, 4571), (33, 5, 5, 153, 274), (33, 5, 1, 33, 34), (7, 6, 3, 19, 32), (10, 1, 2, 19, 29)],
)
def test_the_walk_of_repaint(count, jump, repeats, calls, entries):
    legs = walk(list(range(count))[::-1], repeats=repeats, jump=jump)
    assert sum(leg.down for leg in legs) == calls
    assert len(legs) + 1 == entries
    assert (legs[0].t, legs[-1]) == (count - 1, Leg(0, -1))
    assert sum(not leg.down for leg in legs) == calls - count  # 2160 of the paper's
    assert all(a.to == b.t for a, b in pairwise(legs))
    assert all(abs(leg.t - leg.to) == 1 for leg in legs)


def test_the_walk_of_repaint_is_that_of_its_paper_step_by_step():
    for total in (2, 3, 7, 20, 33):
        for length in (1, 2, 5, 10):
            for samples in (2, 3):
                if length < total:
                    legs = walk(list(range(total))[::-1], repeats=samples, jump=length)
                    assert [legs[0].t, *(leg.to for leg in legs)] == jumps(total, length, samples)


def test_a_walk_follows_the_timesteps_of_its_list():
    legs = walk([900, 500, 100], repeats=2, jump=1)
    up = Leg(500, 900), Leg(100, 500)
    expected = [Leg(900, 500), up[0], Leg(900, 500), Leg(500, 100), up[1], Leg(500, 100), Leg(100, -1)]
    assert legs == expected


@pytest.mark.parametrize(("repeats", "jump"), [(2, 3), (2, 10), (3, 1000)])
def test_a_climb_as_high_as_the_walk_is_refused(repeats, jump):
    with pytest.raises(ValueError, match=f"jump is {jump}, must be below 3, the number of steps"):
        walk([900, 500, 100], repeats=repeats, jump=jump)
    assert len(walk([900, 500, 100], repeats=1, jump=jump)) == 3


@pytest.mark.parametrize(("repeats", "jump"), [(0, 1), (-1, 1), (2, 0)])
def test_repeats_and_jump_are_counted_from_1(repeats, jump):
    with pytest.raises(ValueError, match="must be at least 1"):
        walk([900, 500, 100], repeats=repeats, jump=jump)


def test_a_sampler_climbs_by_the_noise_between_the_levels():
    recording = Recording(EXACT)
    x = noise(1, dtype=torch.float32)
    list(Sampler(timesteps=(900, 500, 100), repeats=2, jump=1, seed=7).sample(recording, Noisy(x)))
    assert [t for t, _ in recording.seen] == [900, 900, 500, 500, 100]
    assert recording.steps == [0, 1, 2, 3, 4]
    generator = torch.Generator().manual_seed(7)
    first, climb = (torch.randn(x.shape, generator=generator) for _ in range(2))
    estimate = EXACT.estimate(x, 900)
    down = DDPM(LINEAR)(x, LINEAR.cleaned(x, estimate.noise, 900), None, 900, 500, lambda like: first)
    a = LINEAR.alpha_bar(900) / LINEAR.alpha_bar(500)
    torch.testing.assert_close(recording.seen[1][1], a**0.5 * down + (1 - a) ** 0.5 * climb)


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_calls_of_the_network_are_counted(repeats):
    net, evaluator = ToyNetwork(), Evaluator()
    sampler = Sampler(steps=33, repeats=repeats, jump=5)
    list(sampler.sample(CFGCombine(leaf(1, net), leaf(10, net), 3.0), Noisy(START), evaluator))
    calls = sum(leg.down for leg in sampler.legs(LINEAR))
    assert (evaluator.forwards, evaluator.rows) == (calls, 4 * calls)
    assert len(net.calls) == calls == {1: 33, 2: 63, 5: 153}[repeats]


# Starts, lists and ends


def visited(start=None, **settings):
    recording = Recording(EXACT)
    x = noise(1)
    noisy = Noisy(x) if start is None else Noisy(x, start, LINEAR)
    *_, last = Sampler(**settings).sample(recording, noisy)
    return [t for t, _ in recording.seen], last.t


def test_pure_noise_is_taken_as_the_first_timestep():
    assert visited(steps=4) == ([750, 500, 250, 0], -1)
    assert visited(steps=4, spacing="trailing") == ([999, 749, 499, 249], -1)
    assert visited(steps=4, spacing="linspace") == ([999, 666, 333, 0], -1)
    assert visited(steps=1, spacing="trailing") == ([999], -1)


def test_a_start_in_the_middle_goes_on_with_what_lies_below_it():
    assert visited(600, steps=4) == ([600, 500, 250, 0], -1)
    assert visited(500, steps=4) == ([500, 250, 0], -1)
    assert visited(999, steps=4) == ([999, 750, 500, 250, 0], -1)
    assert visited(0, steps=4) == ([0], -1)
    assert visited(600, timesteps=(990, 640, 40)) == ([600, 40], -1)


def test_an_explicit_list_is_followed_also_without_0():
    assert visited(timesteps=(990, 500, 33)) == ([990, 500, 33], -1)


def test_stopping_early_as_the_course_does():
    timesteps = tuple(range(990, -1, -30))  # CS180, project 5: 34 entries, 33 steps, the network is not asked at 0
    seen, last = visited(timesteps=timesteps, end=0)
    assert len(seen) == 33 and seen[-1] == 30 and last == 0
    for method in ("ddpm", "ddim", "dpm++", "euler"):
        *_, before, end = Sampler(timesteps=(900, 500, 0), end=0, method=method).sample(gaussian(1), Noisy(noise(2)))
        assert (before.t, end.t) == (500, 0)
        assert (end.x_t - before.x0).abs().max() > 1e-4  # it is noised to 0, not clean


@pytest.mark.parametrize("method", ["ddim", "dpm++", "euler"])
def test_stopping_early_and_going_on_is_going_through(method):
    whole = result(gaussian(1), Noisy(noise(2)), timesteps=(900, 600, 300, 0), method="ddim")
    half = result(gaussian(1), Noisy(noise(2)), timesteps=(900, 600, 300, 0), method=method, end=300)
    rest = result(gaussian(1), Noisy(half, 300, LINEAR), timesteps=(900, 600, 300, 0), method="ddim")
    if method == "dpm++":
        return  # of second order, so not the same
    torch.testing.assert_close(rest, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "start", "message"),
    [
        ({"method": "heun"}, None, "method is 'heun', must be one of ddpm, ddim, dpm\\+\\+, euler"),
        ({"clip": "hard"}, None, "clip is 'hard'"),
        ({"variance": "none"}, None, "variance is 'none'"),
        ({"spacing": "odd"}, None, "spacing is 'odd', must be one of leading"),
        ({"eta": 0.5}, None, "eta is 0.5 with ddpm, must be from 0 to 1, and 0 but for ddim"),
        ({"eta": 1.5, "method": "ddim"}, None, "eta is 1.5"),
        ({"repeats": 2, "method": "euler"}, None, "only ddpm and ddim can climb"),
        ({"steps": 0}, None, "steps is 0"),
        ({"timesteps": (5, 5)}, None, "has 5 after 5"),
        ({"timesteps": (1000, 5)}, None, "holds 1000"),
        ({"timesteps": (500,), "end": 500}, None, "there is nothing to do"),
        ({"end": 500}, Noisy(START, 400, LINEAR), "begins at t = 400 and ends at 500; begin at a higher t"),
        ({"end": 1000}, None, "t is 1000, must be from 0 to 999"),
        ({"end": -2}, None, "t is -2, must be from 0 to 999"),
        ({"timesteps": (5, 9)}, None, "has 9 after 5, must fall"),
        ({"timesteps": (5, -1)}, None, "holds -1, must be from 0 to 999"),
        ({"steps": 4, "repeats": 2}, Noisy(START, 400, LINEAR), "jump is 10, must be below 3, the number of steps"),
        ({}, Noisy(START, 400, NoiseSchedule.named("cosine")), "noised by the schedule cosine, the denoiser learned"),
        ({}, Noisy(START, 1000, LINEAR), "t is 1000, must be from 0 to 999"),
        ({}, Noisy(START[0]), "must be \\(B, C, H, W\\)"),
        ({}, Noisy(START, space="latent:sd"), "in the space latent:sd, the denoiser works in pixels"),
    ],
)
def test_what_cannot_be_walked_is_refused_before_any_call(settings, start, message):
    net = ToyNetwork()
    with pytest.raises(ValueError, match=message):
        list(Sampler(**settings).sample(leaf(4, net), start or Noisy(START)))
    assert not net.calls


def test_mistakes_are_told_when_the_sampler_is_made_not_when_it_is_first_asked():
    with pytest.raises(ValueError, match="holds 1000"):
        Sampler(timesteps=(1000, 5)).sample(leaf(4, ToyNetwork()), Noisy(START))


def test_latents_are_not_clipped():
    latent = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, LINEAR, space="latent:sd")
    with pytest.raises(ValueError, match="clip is clamp, must be none in the space latent:sd"):
        Sampler(clip="clamp").sample(latent, Noisy(START, space="latent:sd"))
    assert len(list(Sampler(steps=3).sample(latent, Noisy(START, space="latent:sd")))) == 4


def test_auto_clips_pixels_and_no_latents():
    for space, same in (("pixels", "clamp"), ("latent:sd", "none")):
        far = ExactGaussian(torch.full((1, 1, 1, 1), 3.0), 1.0, LINEAR, space=space)
        found, wanted = (
            [step.x0 for step in Sampler(steps=3, clip=clip).sample(far, Noisy(START, space=space))]
            for clip in ("auto", same)
        )
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
        assert (max(float(x0.max()) for x0 in found[:-1]) <= 1) == (space == "pixels")


@pytest.mark.parametrize(
    ("t", "space", "works", "belongs"),
    [
        (None, "pixels", "latent:sd1", None),
        (None, "latent:sd1", "latent:sd1, scaled by 0.13", None),
        (None, "latent:sd1", "latent:other", "latent:sd1"),
        (None, "latent:sd1", "pixels", "latent:sd1"),
        (500, "latent:sd1", "latent:sd1, scaled by 0.13", "latent:sd1"),
        (500, "pixels", "latent:sd1", "pixels"),
    ],
)
def test_pure_noise_has_no_scale(t, space, works, belongs):
    assert space_of_start(t, space, works) == belongs


def test_pure_noise_belongs_to_any_space_unless_it_names_latents():
    latent = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, LINEAR, space="latent:sd")
    assert len(list(Sampler(steps=3).sample(latent, Noisy(START)))) == 4
    with pytest.raises(ValueError, match="the start is in the space latent:other, the denoiser works in latent:sd; en"):
        Sampler(steps=3).sample(latent, Noisy(START, space="latent:other"))
    with pytest.raises(ValueError, match="the start is in the space pixels, the denoiser works in latent:sd; encode"):
        Sampler(steps=3).sample(latent, Noisy(START, 500, LINEAR))


# Generators


@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++", "euler"])
@pytest.mark.parametrize("clip", ["none", "clamp", "dynamic"])
def test_nothing_that_was_given_or_yielded_is_changed(method, clip):
    start = Noisy(START.clone())
    seen, copies = [], []
    for step in Sampler(steps=6, method=method, clip=clip).sample(leaf(4, LEARNED), start):
        seen.append(step)
        copies.append((step.x_t.clone(), step.x0.clone()))
    assert torch.equal(start.x, START)
    for step, (x_t, x0) in zip(seen, copies, strict=True):
        assert torch.equal(step.x_t, x_t) and torch.equal(step.x0, x0)


def test_who_consumes_may_stop_at_any_step():
    net = ToyNetwork()
    way = Sampler(steps=50).sample(leaf(4, net), Noisy(START))
    for step in way:
        if step.t <= 900:
            break
    way.close()
    assert len(net.calls) == 5


def test_nothing_records_gradients_and_nothing_is_an_inference_tensor():
    way = Sampler(steps=3).sample(leaf(4, FIXED), Noisy(START.clone().requires_grad_()))
    for step in way:
        assert torch.is_grad_enabled()  # only within the sampler it is off
        assert not step.x0.requires_grad and not step.x0.is_inference()
    step.x_t.clone().requires_grad_().square().sum().backward()


def test_samplers_do_not_disturb_each_other():
    alone = [list(Sampler(steps=5, seed=seed).sample(leaf(4, FIXED), Noisy(START))) for seed in (1, 2)]
    ways = [Sampler(steps=5, seed=seed).sample(leaf(4, FIXED), Noisy(START)) for seed in (1, 2)]
    together = list(zip_longest(*ways))
    for which in (0, 1):
        for step, expected in zip(together, alone[which], strict=True):
            assert torch.equal(step[which].x_t, expected.x_t)


def test_a_row_does_not_depend_on_the_others_but_by_the_noise_that_is_drawn():
    both = result(leaf([4, 5], FIXED), method="ddim", steps=5)
    for i, label in enumerate((4, 5)):
        alone = result(leaf(label, FIXED), Noisy(START[i : i + 1]), method="ddim", steps=5)
        torch.testing.assert_close(both[i : i + 1], alone)


def test_sample_is_the_sampler_in_one_call():
    *_, a = sample(leaf(4, FIXED), Noisy(START), steps=5, seed=3)
    assert torch.equal(a.x_t, result(leaf(4, FIXED), steps=5, seed=3))
