"""The five ways of inpainting: each against the loop of those whose it is, and what each leaves outside the mask."""

from itertools import pairwise
from math import sqrt
from typing import get_args

import pytest
import torch
from diffusers import RePaintScheduler
from repaint_paper import jumps
from toy_denoisers import LINEAR, SIZE, ToyNetwork, gaussian, in_double, leaf, noise

from nodegraph_nodes.ops.denoisers import FlipAverage
from nodegraph_nodes.ops.hooks import Mode, keep_outside
from nodegraph_nodes.ops.rules import DDPM
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.schedules import betas
from nodegraph_nodes.ops.views import VIEWS, named_view
from nodegraph_nodes.types import NoiseSchedule, Noisy

DATA = gaussian(33)
ORIGINAL = noise(31).clamp(-1, 1)
HALF = torch.zeros((1, 1, SIZE, SIZE), dtype=torch.float64)
HALF[..., : SIZE // 2] = 1
SOFT = torch.linspace(0, 1, SIZE, dtype=torch.float64).expand(1, 1, SIZE, SIZE)
START = noise(32, 2)


def steps_of(denoiser, start=START, t=None, **settings):
    return list(Sampler(**settings).sample(denoiser, Noisy(start, t, None if t is None else LINEAR)))


def normal(generator):
    return torch.randn(START.shape, generator=generator).double()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# What is left


@pytest.mark.parametrize("name", [None, *VIEWS])
@pytest.mark.parametrize("mode", get_args(Mode))
def test_what_each_leaves_outside_the_mask(mode, name):
    view = None if name is None else named_view(name, 3)
    kept = keep_outside(DATA, ORIGINAL, HALF, mode, seed=5)
    denoiser = kept if view is None else FlipAverage(DATA, kept, view)
    *_, before, last = steps_of(denoiser, timesteps=(900, 500, 0))
    seen = last.x_t if view is None else view.apply(last.x_t)
    outside, original = (HALF == 0).expand_as(seen), ORIGINAL.expand_as(seen)
    assert (seen - original)[~outside].abs().min() > 1e-6  # 1 is where it is painted
    if mode == "before":
        assert (seen - original)[outside].abs().max() > 1e-3
        torch.testing.assert_close(last.x_t, before.x0)
    elif mode == "fixed":
        noised = LINEAR.noised(original, normal(seeded(5)), 0)
        torch.testing.assert_close(seen[outside], noised[outside])
    else:
        assert torch.equal(seen[outside], original[outside])


@pytest.mark.parametrize("mode", ["after", "shared"])
def test_a_walk_that_stops_at_0_leaves_its_noise(mode):
    cosine = NoiseSchedule.named("cosine")
    data = type(DATA)(DATA.mean, DATA.sigma, cosine)
    kept = keep_outside(data, ORIGINAL, 0 * HALF, mode, seed=5)
    left = steps_of(kept, timesteps=(900, 500, 30), end=0, seed=7)[-1].x_t - cosine.alpha(0) * ORIGINAL
    z = [normal(generator) for generator in [seeded(5 if mode == "after" else 7)] for _ in range(3)][-1]
    torch.testing.assert_close(left, 0.0064 * z, rtol=0.01, atol=0)


# Against those whose they are


def test_after_is_the_course_s():
    settings = {"timesteps": (990, 690, 390), "end": 0, "seed": 8}
    found = steps_of(keep_outside(DATA, ORIGINAL, SOFT, "after", seed=5), **settings)
    x, drawn, known, rule = START, seeded(8), seeded(5), DDPM(LINEAR)
    for step, (t, to) in zip(found, pairwise([990, 690, 390, 0]), strict=False):
        torch.testing.assert_close(step.x_t, x)
        x0 = LINEAR.cleaned(x, DATA.estimate(x, t).noise, t)
        x = rule(x, x0, None, t, to, lambda like: normal(drawn))
        x = SOFT * x + (1 - SOFT) * (LINEAR.alpha(to) * ORIGINAL + LINEAR.sigma(to) * normal(known))
    torch.testing.assert_close(found[-1].x_t, x)


def test_before_is_repaint_s():
    total, length, samples = 20, 5, 3
    timesteps = [round(i * 999 / 19) for i in range(total)]
    ab = [LINEAR.alpha_bar(t) for t in timesteps]
    beta = betas(ab)  # of the respaced process
    x, drawn, known, first, seen = START, seeded(8), seeded(5), True, []
    for here, to in pairwise(jumps(total, length, samples)):
        if to > here:
            x = sqrt(1 - beta[to]) * x + sqrt(beta[to]) * normal(drawn)
            continue
        if not first:
            x = SOFT * x + (1 - SOFT) * (sqrt(ab[here]) * ORIGINAL + sqrt(1 - ab[here]) * normal(known))
        first = False
        seen.append(x)
        below = ab[here - 1] if here else 1.0
        x0 = ((x - sqrt(1 - ab[here]) * DATA.estimate(x, timesteps[here]).noise) / sqrt(ab[here])).clamp(-1, 1)
        x = (sqrt(below) * beta[here] * x0 + sqrt(1 - beta[here]) * (1 - below) * x) / (1 - ab[here])
        if here:
            x = x + sqrt(beta[here] * (1 - below) / (1 - ab[here])) * normal(drawn)

    settings = {"steps": total, "spacing": "linspace", "repeats": samples, "jump": length, "clip": "clamp", "seed": 8}
    *found, last = steps_of(keep_outside(DATA, ORIGINAL, SOFT, "before", seed=5), **settings)
    assert len(found) == len(seen) == 20 + 3 * 2 * 5
    for step, expected in zip(found, seen, strict=True):
        torch.testing.assert_close(step.x_t, expected)
    torch.testing.assert_close(last.x_t, x)


@pytest.mark.parametrize("t", [None, 700])
def test_paste_is_the_pipeline_s_of_deepfloyd(t):
    timesteps = (900, 700, 500, 100, 0) if t is None else (700, 500, 100, 0)
    noised = LINEAR.noised(ORIGINAL, START, timesteps[0])
    found = steps_of(keep_outside(DATA, ORIGINAL, HALF, "paste"), noised, t, timesteps=timesteps, seed=8)
    x, drawn, rule = (1 - HALF) * ORIGINAL + HALF * noised, seeded(8), DDPM(LINEAR)
    for step, (at, to) in zip(found, pairwise([*timesteps, -1]), strict=False):
        torch.testing.assert_close(step.x_t, x)
        before, x0 = x, LINEAR.cleaned(x, DATA.estimate(x, at).noise, at)
        x = (1 - HALF) * before + HALF * rule(x, x0, None, at, to, lambda like: normal(drawn))
    torch.testing.assert_close(found[-1].x_t, x)
    outside = (HALF == 0).expand_as(x)
    for step in found:  # clean pixels, whatever the timestep
        assert torch.equal(step.x_t[outside], ORIGINAL.expand_as(x)[outside])


def by_diffusers(steps, eta, mask, seed, clip=False):
    """The pictures that a network sees on the way down, and the result, of diffusers' RePaintScheduler.

    Its mask is 1 where the picture is known.
    """
    scheduler = in_double(RePaintScheduler(eta=eta, clip_sample=clip))
    scheduler.set_timesteps(steps, jump_length=1, jump_n_sample=1)
    x, net, seen = START.float(), ToyNetwork(), []
    generator = seeded(seed)
    for t in scheduler.timesteps:
        seen.append(x)
        answer = net(x, int(t), label=torch.full((len(x),), 4))
        known = 1 - mask.float()
        x = scheduler.step(answer, int(t), x, ORIGINAL.float(), known, generator, return_dict=False)[0].float()
    return [*seen, x]


@pytest.mark.parametrize("mask", [HALF, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_shared_is_the_repaint_scheduler_s_of_diffusers(eta, mask):
    """With eta 0, its default, the step adds no noise, and the known part has a noise of its own."""
    assert RePaintScheduler().config.eta == 0
    kept = keep_outside(leaf(4, ToyNetwork()), ORIGINAL.float(), mask.float(), "shared", seed=6)
    found = steps_of(kept, START.float(), method="ddim", steps=20, eta=eta, seed=6)
    expected = by_diffusers(20, eta, mask, seed=6)
    for step, x in zip(found, expected, strict=True):
        scale = max(1.0, float(x.abs().max()))
        torch.testing.assert_close(step.x_t / scale, x / scale, rtol=0, atol=1e-5)


def test_shared_is_ddpm_with_one_noise_for_both_parts():
    settings = {"timesteps": (900, 500, 100), "seed": 8}
    found = steps_of(keep_outside(DATA, ORIGINAL, SOFT, "shared", seed=5), **settings)
    x, drawn, rule = START, seeded(8), DDPM(LINEAR)
    for step, (t, to) in zip(found, pairwise([900, 500, 100, -1]), strict=False):
        torch.testing.assert_close(step.x_t, x)
        x0, z = LINEAR.cleaned(x, DATA.estimate(x, t).noise, t), normal(drawn) if to >= 0 else 0 * x
        x = SOFT * rule(x, x0, None, t, to, lambda like, z=z: z) + (1 - SOFT) * LINEAR.noised(ORIGINAL, z, to)
    torch.testing.assert_close(found[-1].x_t, x)


def test_fixed_is_sdedit_s():
    """Its loop: every timestep below the start, one noise `e` for the start and for all that is kept."""
    total, drawn = 30, seeded(8)
    e = normal(seeded(5))
    beta = betas(LINEAR.alphas_cumprod)
    x = LINEAR.noised(ORIGINAL, e, total - 1)
    start = x
    for i in reversed(range(total)):
        ab, below = LINEAR.alpha_bar(i), LINEAR.alpha_bar(i - 1)
        made = (x - beta[i] / sqrt(1 - ab) * DATA.estimate(x, i).noise) / sqrt(1 - beta[i])
        if i:
            made = made + sqrt(beta[i] * (1 - below) / (1 - ab)) * normal(drawn)
        x = SOFT * made + (1 - SOFT) * (sqrt(ab) * ORIGINAL + sqrt(1 - ab) * e)

    kept = keep_outside(DATA, ORIGINAL, SOFT, "fixed", seed=5)
    found = steps_of(kept, start, total - 1, timesteps=tuple(range(999, -1, -1)), seed=8)
    assert len(found) == total + 1
    torch.testing.assert_close(found[-1].x_t, x)
