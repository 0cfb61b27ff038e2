"""ILVR: the coarse structure is that of a picture, the rest the denoiser's own."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from toy_denoisers import LINEAR, SIZE, ToyNetwork, gaussian, leaf, noise

from nodegraph import Context
from nodegraph_nodes import inpainting, sampling
from nodegraph_nodes.ops.denoisers import FlipAverage
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.references import coarse, down_and_up, keep_coarse
from nodegraph_nodes.ops.rules import DDPM
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import VIEWS, named_view
from nodegraph_nodes.types import Image, Noisy

DATA = gaussian(33)
ORIGINAL = noise(31).clamp(-1, 1)
START = noise(32, 2)
TIMES = (900, 500, 100, 0)


def steps_of(denoiser, **settings):
    return list(Sampler(**({"timesteps": TIMES, "seed": 8} | settings)).sample(denoiser, Noisy(START)))


# The low pass


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 6, 12])
def test_the_low_pass_is_made_smaller_and_larger_again(factor):
    x = noise(1, 2, 3)
    small = F.interpolate(x, (SIZE // factor, SIZE // factor), mode="bicubic", antialias=True)
    expected = F.interpolate(small, (SIZE, SIZE), mode="bicubic", antialias=True)
    torch.testing.assert_close(coarse(x, factor), expected)
    torch.testing.assert_close(coarse(torch.full_like(x, 0.7), factor), torch.full_like(x, 0.7))
    if factor == 1:
        assert torch.equal(coarse(x, 1), x)


def test_it_is_the_cubic_of_the_authors_resizer_away_from_borders():
    """Their `resizer.py`: a cubic kernel with a = -0.5, as wide as the factor when it shrinks."""

    def cubic(u):
        u = u.abs()
        near, far = 1.5 * u**3 - 2.5 * u**2 + 1, -0.5 * u**3 + 2.5 * u**2 - 4 * u + 2
        return torch.where(u <= 1, near, torch.where(u < 2, far, 0 * u))

    side, factor = 64, 4
    fine, small = torch.arange(side, dtype=torch.float64), torch.arange(side // factor, dtype=torch.float64)
    centres = (small + 0.5) * factor - 0.5
    down = cubic((fine[None] - centres[:, None]) / factor)
    enlarged = cubic((fine[:, None] + 0.5) / factor - 0.5 - small[None])
    expected = enlarged / enlarged.sum(1, keepdim=True) @ (down / down.sum(1, keepdim=True))
    torch.testing.assert_close(down_and_up(side, factor)[20:44], expected[20:44], rtol=0, atol=1e-6)


def test_it_keeps_what_is_coarse_and_takes_away_what_is_fine():
    rows = torch.arange(64, dtype=torch.float64)
    wave = torch.cos(2 * torch.pi * rows / 64).expand(1, 1, 64, 64)
    checks = ((-1) ** (rows[:, None] + rows)).expand(1, 1, 64, 64)
    assert float((coarse(wave, 4) - wave).abs().max()) < 0.03
    assert float(coarse(checks, 4).abs().max()) < 0.02


# The hook


@pytest.mark.parametrize("until", [-1, 0, 100, 900])
@pytest.mark.parametrize("level", ["code", "paper"])
def test_ilvr_is_a_plain_loop_of_its_formula(level, until):
    found = steps_of(keep_coarse(DATA, ORIGINAL, 4, until, level, seed=5))
    x, rule = START, DDPM(LINEAR)
    drawn, known = (torch.Generator().manual_seed(seed) for seed in (8, 5))
    for step, (t, to) in zip(found, pairwise([*TIMES, -1]), strict=False):
        torch.testing.assert_close(step.x_t, x)
        x0 = LINEAR.cleaned(x, DATA.estimate(x, t).noise, t)
        x = rule(x, x0, None, t, to, lambda like: torch.randn(like.shape, generator=drawn).double())
        if t > until:
            z = torch.randn(x.shape, generator=known).double()
            noised = LINEAR.noised(ORIGINAL, z, t if level == "code" else to)
            x = x - coarse(x, 4) + coarse(noised, 4)
    torch.testing.assert_close(found[-1].x_t, x)


def test_ilvr_that_is_over_before_it_begins_is_the_denoiser_itself():
    assert torch.equal(steps_of(keep_coarse(DATA, ORIGINAL, 4, 900))[-1].x_t, steps_of(DATA)[-1].x_t)


def test_with_factor_1_the_whole_picture_is_kept():
    result = steps_of(keep_coarse(DATA, ORIGINAL, 1, -1, "paper"))[-1].x_t
    torch.testing.assert_close(result, ORIGINAL.expand_as(result))


@pytest.mark.parametrize("factor", [2, 4])
def test_where_the_data_is_one_picture_only_its_coarse_structure_is_changed(factor):
    """The closed form: the denoiser knows nothing but `mean`, so held to the end it is `mean + F (y - mean)`."""
    single = ExactGaussian(noise(40), 0.0, LINEAR)
    result = steps_of(keep_coarse(single, ORIGINAL, factor, -1, "paper"))[-1].x_t
    expected = single.mean + coarse(ORIGINAL - single.mean, factor)
    torch.testing.assert_close(result, expected.expand_as(result))
    free = steps_of(keep_coarse(single, ORIGINAL, factor, 0, "paper"))[-1].x_t  # the last step is the denoiser's
    torch.testing.assert_close(free, single.mean.expand_as(free))


def test_the_result_is_coarsely_the_picture_and_finely_another():
    """Broad data, for which the denoiser leaves what it is given: 0.06 of the coarse structure is not the picture's."""
    broad = ExactGaussian(torch.zeros(1, 1, 1, 1), 0.5, LINEAR)
    result = steps_of(keep_coarse(broad, ORIGINAL, 4, 0, "paper"), timesteps=(), steps=100)[-1].x_t
    wanted = coarse(ORIGINAL, 4).expand_as(result)
    off = float((coarse(result, 4) - wanted).norm() / wanted.norm())
    alone = steps_of(broad, timesteps=(), steps=100)[-1].x_t
    assert off < 0.15 < 0.5 < float((coarse(alone, 4) - wanted).norm() / wanted.norm())
    fine = result - coarse(result, 4)
    assert float((fine - (ORIGINAL - coarse(ORIGINAL, 4))).norm() / fine.norm()) > 0.5


@pytest.mark.parametrize("name", VIEWS)
def test_inside_a_view_it_acts_through_the_view(name):
    view = named_view(name, 3)
    single = ExactGaussian(noise(40), 0.0, LINEAR)
    seen = ExactGaussian(view.undo(single.mean), 0.0, LINEAR)
    result = steps_of(FlipAverage(seen, keep_coarse(single, ORIGINAL, 4, -1, "paper"), view))[-1].x_t
    expected = single.mean + coarse(ORIGINAL - single.mean, 4)
    torch.testing.assert_close(view.apply(result), expected.expand_as(result))


def test_equal_hooks_act_once():
    a, b = (keep_coarse(gaussian(seed), ORIGINAL.clone()) for seed in (1, 2))
    assert a.hook.key == b.hook.key
    for change in ({"factor": 2}, {"until": 1}, {"level": "paper"}, {"seed": 6}):
        assert keep_coarse(DATA, ORIGINAL, **change).hook.key != a.hook.key
    assert keep_coarse(DATA, -ORIGINAL).hook.key != a.hook.key


# The node


def test_the_node_makes_a_picture_that_is_coarsely_another():
    image = Image(ORIGINAL.float())
    held = inpainting.ilvr(DATA, image, factor=3, until=-1, level="paper", seed=5)
    made = sampling.iterative_sampler(Context(), held, Noisy(START.float()), steps=20, clip="none").image.pixels
    expected = steps_of(keep_coarse(DATA, ORIGINAL, 3, -1, "paper"), timesteps=(), steps=20, seed=1)[-1].x_t
    torch.testing.assert_close(made, expected.float(), rtol=0, atol=1e-4)


def test_what_does_not_fit_is_refused_before_any_call():
    net = ToyNetwork()
    for image, settings, told in (
        (Image(ORIGINAL), {"factor": 5}, "factor is 5, must divide width and height of the pictures, 12 x 12"),
        (Image(ORIGINAL), {"factor": 24}, "factor is 24, must divide"),
        (Image(ORIGINAL), {"factor": 0}, "factor is 0, must divide"),
        (Image(ORIGINAL), {"level": "both"}, "level is 'both', must be one of code, paper"),
        (Image(ORIGINAL, "latent:sd"), {}, "the image is in the space latent:sd, the denoiser works in pixels"),
        (Image(noise(1, size=24)), {}, "the image is 24 x 24 with 1 channel, must be 12 x 12"),
        (Image(noise(1, 3)), {}, "the image has 3 rows, one for each picture, and the batch has 2"),
    ):
        with pytest.raises(ValueError, match=told):
            steps_of(inpainting.ilvr(leaf(4, net), image, **settings))
    assert not net.calls
    sized = ExactGaussian(DATA.mean, 0.3, LINEAR, (1, SIZE, SIZE))
    with pytest.raises(ValueError, match="the image is 24 x 24 with 1 channel, the denoiser takes 12 x 12"):
        inpainting.ilvr(sized, Image(noise(1, size=24)))
