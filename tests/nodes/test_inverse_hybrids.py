"""Inverse hybrids: which component is kept, when, with which noise, and how much of it is left at the end."""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, Recording, ToyNetwork, ddim_step, drawn, leaf, noise

from nodegraph_nodes.ops.components import GreyColour, LowHigh, LowMiddleHigh, MotionRest
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.evaluation import price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.switches import When
from nodegraph_nodes.ops.views import VIEWS, Flip, named_view
from nodegraph_nodes.types import Noisy

ORIGINAL = noise(31, channels=3).clamp(-1, 1)
START = noise(32, 2, channels=3)
MADE = ExactGaussian(noise(33, channels=3), 0.3, LINEAR)
TIMES = (900, 500, 100)
GREY, BLUR, BANDS, MOTION = GreyColour(), LowHigh(1.5, 9, 0), LowMiddleHigh(2.0, 1.0, 9, 0), MotionRest(7, 0)
KEPT = [(split, name) for split in (GREY, BLUR, BANDS, MOTION) for name in split.names]

every_component = pytest.mark.parametrize(("split", "keep"), KEPT, ids=[name for _, name in KEPT])


def run(denoiser, start=START, **settings):
    sampler = Sampler(**({"timesteps": TIMES, "method": "ddim"} | settings))
    *_, last = sampler.sample(denoiser, Noisy(start))
    return last.x_t


@every_component
def test_before_each_estimate_the_component_is_the_picture_s_noised_afresh(split, keep):
    found = Recording(MADE)
    result = run(keep_component(found, ORIGINAL, split, keep, seed=5))
    kept = split.names.index(keep)
    x = START
    for (t, seen), z, to in zip(found.seen, drawn(5, 3, START), (500, 100, -1), strict=True):
        mine, others = split.component(kept, LINEAR.noised(ORIGINAL, z, t)), x - split.component(kept, x)
        torch.testing.assert_close(seen, mine + others)
        x = ddim_step(MADE, seen, t, to)
    torch.testing.assert_close(result, x)  # nothing is done after the last step


@every_component
def test_projected_the_result_has_the_component_once_more(split, keep):
    plain = run(keep_component(MADE, ORIGINAL, split, keep))
    found = run(keep_component(MADE, ORIGINAL, split, keep, project=True))
    kept = split.names.index(keep)
    expected = split.component(kept, ORIGINAL) + plain - split.component(kept, plain)
    torch.testing.assert_close(found, expected)


def left(split, keep, **settings):
    """How far the component of a result is from that of the picture, on average."""
    kept = split.names.index(keep)
    result = run(keep_component(MADE, ORIGINAL, split, keep, **settings), method="ddpm", timesteps=(), steps=30)
    return float((split.component(kept, result) - split.component(kept, ORIGINAL)).abs().mean())


def test_the_last_projection_makes_grey_exact_and_a_blur_closer():
    grey, blur = left(GREY, "grey"), left(BLUR, "low")
    assert 1e-4 < grey < 0.02 and 0.005 < blur < 0.1 and grey < blur  # measured elsewhere on a network: 0.006, 0.024
    assert left(GREY, "grey", project=True) < 1e-14
    assert 1e-4 < left(BLUR, "low", project=True) < 0.9 * blur


def test_all_of_the_picture_is_kept_if_both_components_are():
    both = keep_component(keep_component(MADE, ORIGINAL, GREY, "grey"), ORIGINAL, GREY, "colour", project=True)
    result = run(keep_component(both, ORIGINAL, GREY, "grey", project=True))
    torch.testing.assert_close(result, ORIGINAL.expand_as(result))


def test_the_sampler_s_own_noise_does_not_depend_on_it():
    flat = keep_component(MADE, ORIGINAL, GREY, "grey", seed=8)
    colour = GREY.component(1, run(MADE, method="ddpm", seed=8))
    torch.testing.assert_close(GREY.component(1, run(flat, method="ddpm", seed=8)), colour)


def test_it_acts_at_every_call_of_a_walk_that_climbs():
    found = Recording(MADE)
    run(keep_component(found, ORIGINAL, GREY, "grey", seed=5), method="ddpm", repeats=2, jump=1)
    assert [t for t, _ in found.seen] == [900, 900, 500, 500, 100]
    for (t, seen), z in zip(found.seen, drawn(5, 5, START), strict=True):
        expected = GREY.component(0, LINEAR.noised(ORIGINAL, z, t))
        torch.testing.assert_close(GREY.component(0, seen), expected)


def test_the_estimate_and_its_price_are_those_of_the_denoiser():
    net = ToyNetwork(channels=6)
    kept, bare = keep_component(leaf(3, net), ORIGINAL, GREY, "grey"), leaf(3, net)
    assert price(kept, START, TIMES) == price(bare, START, TIMES) == (3, 6)
    found, expected = kept.estimate(START, 500), bare.estimate(START, 500)
    assert torch.equal(found.noise, expected.noise) and torch.equal(found.variance, expected.variance)


@pytest.mark.parametrize("name", VIEWS)
def test_inside_a_view_it_acts_through_the_view(name):
    view = named_view(name, 3)
    kept = keep_component(MADE, ORIGINAL, GREY, "grey", project=True)
    (hook,) = FlipAverage(MADE, kept, view).hooks()
    assert hook.seed == 4
    seen = view.apply(run(FlipAverage(MADE, kept, view)))
    torch.testing.assert_close(GREY.component(0, seen), GREY.component(0, ORIGINAL).expand_as(seen))


def test_it_goes_with_what_else_is_kept_and_equal_ones_act_once():
    one, same = (keep_component(MADE, ORIGINAL.clone(), GREY, "grey") for _ in range(2))
    masked = keep_outside(one, ORIGINAL, torch.ones(1, 1, SIZE, SIZE, dtype=torch.float64))
    assert CFGCombine(one, same, 2.0).hooks() == (same.hook,)
    assert masked.hooks() == (one.hook, masked.hook)
    assert When(masked, same, 900, 500).hooks() == (same.hook, masked.hook)
    assert len(FlipAverage(one, one, Flip()).hooks()) == 2
    others = [
        keep_component(MADE, ORIGINAL, GREY, "colour"),
        keep_component(MADE, ORIGINAL, BLUR, "low"),
        keep_component(MADE, ORIGINAL, LowHigh(1.6, 9, 0), "low"),
        keep_component(MADE, ORIGINAL, GREY, "grey", project=True),
        keep_component(MADE, ORIGINAL, GREY, "grey", seed=5),
        keep_component(MADE, -ORIGINAL, GREY, "grey"),
    ]
    assert len({each.hook.key for each in (one, *others)}) == 7


def test_a_batch_of_pictures_goes_with_what_is_sampled_in_turn():
    originals = noise(50, 2, channels=3)
    result = run(keep_component(MADE, originals, GREY, "grey", project=True), noise(1, 4, channels=3))
    expected = GREY.component(0, torch.cat([originals, originals]))
    torch.testing.assert_close(GREY.component(0, result), expected)


# What is refused


def test_what_does_not_fit_is_refused_when_it_is_made():
    known = ExactGaussian(noise(1, channels=3), 0.3, LINEAR, (3, SIZE, SIZE))
    for make, message in (
        (lambda: keep_component(known, ORIGINAL, GREY, "low"), "keep is 'low', must be one of grey, colour"),
        (
            lambda: keep_component(known, noise(1, size=28, channels=3), GREY, "grey"),
            "the image is 28 x 28 with 3 channels, the denoiser takes 12 x 12",
        ),
        (lambda: keep_component(MADE, noise(1), GREY, "grey"), "12 x 12 with 1 channel, must have 3 channels, to be"),
        (lambda: keep_component(MADE, ORIGINAL, LowHigh(), "low"), "is 12, below base 64.*set base to 0"),
        (lambda: keep_component(MADE, ORIGINAL, LowHigh(base=0), "low"), "kernel is 33 pixels wide, must be at most 2"),
        (
            lambda: keep_component(known, ORIGINAL, GREY, "grey", space="latent:sd"),
            "the image is in the space latent:sd, the denoiser works in pixels",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make()


def test_what_is_known_to_be_wrong_only_with_the_start_is_refused_then():
    net = ToyNetwork()
    kept = keep_component(leaf(1, net), noise(1, size=28, channels=3), GREY, "grey")
    with pytest.raises(ValueError, match="the image is 28 x 28 with 3 channels, must be 12 x 12"):
        run(kept)
    with pytest.raises(ValueError, match="the image has 3 rows"):
        run(keep_component(leaf(1, net), noise(1, 3, channels=3), GREY, "grey"))
    assert not net.calls
