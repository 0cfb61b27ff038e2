"""Presets: each equal to the loop of those whose it is, and none in the way of what was given."""

from itertools import pairwise
from math import log, sqrt
from typing import get_args

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from toy_denoisers import ToyNetwork, in_double, noise

from nodegraph import Context
from nodegraph.plugins import load_plugins
from nodegraph_nodes import guidance, inpainting, sampling
from nodegraph_nodes.noise import add_noise
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.presets import INPAINTING, SAMPLING, InpaintingPreset, Preset
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.schedules import spaced
from nodegraph_nodes.types import Image, Mask, NoiseSchedule, Noisy

COSINE = NoiseSchedule.named("cosine")
SIXFOLD = ToyNetwork(channels=6)  # three of noise, three of variance
START = noise(3, 2, 3, dtype=torch.float32)
PICTURE = Image(noise(4, 2, 3, dtype=torch.float32).clamp(-1, 1))
MASK = Mask(torch.cat([torch.ones(1, 1, 12, 6), torch.zeros(1, 1, 12, 6)], dim=-1))


def prompted(label, largest=None):
    return NetworkDenoiser(SIXFOLD, {"label": torch.tensor([label])}, COSINE, largest=largest)


def sampled(denoiser, start=None, **settings):
    return sampling.iterative_sampler(Context(), denoiser, start or Noisy(START), **settings)


class Told(Context):
    """Remembers what a node says before it starts."""

    def __init__(self):
        super().__init__()
        self.said = []

    def progress(self, step, total, preview=None, text=""):
        self.said.append((step, total, text))


# IF pipeline


def scheduler_of_if(largest, **told):
    """As diffusers' `convert_if.py` writes it, in double precision."""
    scheduler = DDPMScheduler(
        beta_schedule="squaredcos_cap_v2",
        variance_type="learned_range",
        thresholding=True,
        dynamic_thresholding_ratio=0.95,
        sample_max_value=largest,
    )
    scheduler.set_timesteps(**told)
    return in_double(scheduler, COSINE)


def answer(x, t, scale, labels=(4, 10)):
    """The guided noise and the conditional variance, six channels, as the pipelines join them."""
    c, u = (SIXFOLD(x, t, label=torch.full((len(x),), label)) for label in labels)
    return torch.cat([u[:, :3] + scale * (c[:, :3] - u[:, :3]), c[:, 3:]], dim=1)


STEPS = {
    "30": ({"steps": 30}, {"num_inference_steps": 30}),
    "50": ({"steps": 50}, {"num_inference_steps": 50}),
    "listed": ({"timesteps": [999, 800, 500, 100, 0]}, {"timesteps": [999, 800, 500, 100, 0]}),
}


@pytest.mark.parametrize(("largest", "said"), [(1.5, None), (1.5, 1.5), (1.0, 1.0)], ids=["unsaid", "I", "II"])
@pytest.mark.parametrize("steps", STEPS)
def test_if_pipeline_is_diffusers_step_by_step(steps, largest, said):
    ours, theirs = STEPS[steps]
    scheduler, generator = scheduler_of_if(largest, **theirs), torch.Generator().manual_seed(1)
    guided = guidance.cfg_combine(prompted(4, said), prompted(10), 7.0)
    way = sampled(guided, preset="IF pipeline", **ours).trajectory
    assert [step.t for step in way] == [*scheduler.timesteps.tolist(), -1]
    thresholded = 0
    for step, after in pairwise(way):
        made = scheduler.step(answer(step.x_t, step.t, 7.0), step.t, step.x_t, generator=generator)
        torch.testing.assert_close(step.x0, made.pred_original_sample.float(), rtol=0, atol=2e-5)
        torch.testing.assert_close(after.x_t, made.prev_sample.float(), rtol=0, atol=2e-5)
        thresholded += float(step.x0.abs().max()) > 1 - 1e-6
    assert thresholded > 3
    assert torch.equal(way.steps[-1].x_t, way.steps[-2].x0) or steps == "listed"
    assert float(way.steps[-1].x_t.abs().max()) <= 1 + 1e-6


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_if_pipeline_is_diffusers_from_noise_to_picture(scale):
    scheduler, generator, x = scheduler_of_if(1.5, num_inference_steps=50), torch.Generator().manual_seed(1), START
    for t in scheduler.timesteps.tolist():
        x = scheduler.step(answer(x, t, scale), t, x, generator=generator).prev_sample.float()
    found = sampled(guidance.cfg_combine(prompted(4), prompted(10), scale), preset="IF pipeline").image.pixels
    torch.testing.assert_close(found, x, rtol=0, atol=1e-4)


# CS180


def course(x, i_start, scale, seed=1):
    """Part A of project 5: the formulas of iterative denoising with guidance, and what the network saw."""
    strided = list(range(990, -1, -30))
    assert len(strided) == 34
    generator, seen = torch.Generator().manual_seed(seed), []
    for t, to in pairwise(strided[i_start:]):
        seen.append((t, x))
        c, u = (SIXFOLD(x, t, label=torch.full((len(x),), label)) for label in (4, 10))
        eps, v = u[:, :3] + scale * (c[:, :3] - u[:, :3]), c[:, 3:]
        ab, below = COSINE.alphas_cumprod[t], COSINE.alphas_cumprod[to]
        alpha = ab / below
        beta = 1 - alpha
        x0 = (x - sqrt(1 - ab) * eps) / sqrt(ab)
        mean = sqrt(below) * beta / (1 - ab) * x0 + sqrt(alpha) * (1 - below) / (1 - ab) * x
        small, large, share = log((1 - below) / (1 - ab) * beta), log(beta), (v + 1) / 2
        z = torch.randn(x.shape, generator=generator).double()
        x = mean + torch.exp(0.5 * (share * large + (1 - share) * small)) * z
    return seen, x


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_cs180_is_the_course_s_loop(scale):
    start = START.double()
    calls = len(SIXFOLD.calls)
    made = sampled(guidance.cfg_combine(prompted(4), prompted(10), scale), Noisy(start), preset="CS180")
    assert len(SIXFOLD.calls) - calls == 33
    seen, x = course(start, 0, scale)
    assert [step.t for step in made.trajectory] == [*(t for t, _ in seen), 0]
    assert seen[-1][0] == 30  # the network is not asked at 0
    for step, (_, expected) in zip(made.trajectory, seen, strict=False):
        size = float(expected.abs().max())
        torch.testing.assert_close(step.x_t / size, expected / size, rtol=0, atol=1e-10)
    torch.testing.assert_close(made.image.pixels / x.abs().max(), x / x.abs().max(), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("i_start", "t"), [(1, 960), (3, 900), (5, 840), (7, 780), (10, 690), (20, 390)])
def test_cs180_begins_in_the_middle_where_a_picture_is_noised_to(i_start, t):
    start = add_noise(PICTURE, t=t, schedule="cosine").noisy
    start = Noisy(start.x.double(), t, COSINE)
    found = sampled(guidance.cfg_combine(prompted(4), prompted(10), 7.0), start, preset="CS180").image.pixels
    _, x = course(start.x, i_start, 7.0)
    torch.testing.assert_close(found / x.abs().max(), x / x.abs().max(), rtol=0, atol=1e-10)


def test_cs180_leaves_a_little_noise():
    """Data of a single picture: what the result has of noise is what the last step added."""
    picture = ExactGaussian(torch.zeros(1, 1, 1, 1), 0.0, COSINE)
    start = Noisy(torch.randn((1, 1, 1, 20_000), generator=torch.Generator().manual_seed(5)))
    left = float(sampled(picture, start, preset="CS180").image.pixels.std())
    assert left == pytest.approx(0.0064, rel=0.02)
    assert float(sampled(picture, start, preset="IF pipeline").image.pixels.abs().max()) < 1e-6


# RePaint


def test_repaint_takes_2410_calls_and_says_so_before_the_first():
    context, start = Told(), Noisy(noise(1, 1, 1, 2, torch.float32))
    asked = NetworkDenoiser(ToyNetwork(), {"label": torch.tensor([4])}, COSINE)
    sampling.iterative_sampler(context, guidance.cfg_combine(asked, asked, 2.0), start, preset="RePaint")
    assert context.said[0] == (0, 2410, "2,410 steps: 2,410 network calls, 2,410 pictures in them")
    assert context.said[-1][:2] == (2410, 2410)
    assert len(asked.network.calls) == 2410


def test_repaint_visits_the_timesteps_of_its_authors():
    stride, at, respaced = 999 / 249, 0.0, []  # `space_timesteps` of guided-diffusion
    for _ in range(250):
        respaced.append(round(at))
        at += stride
    assert spaced(1000, 250, SAMPLING["RePaint"]["spacing"]) == respaced[::-1]
    legs = Sampler(steps=250, spacing="linspace", repeats=10, jump=10).legs(COSINE)
    assert (legs[0].t, legs[-1]) == (999, (0, -1))
    assert sum(leg.down for leg in legs) == 2410 and sum(not leg.down for leg in legs) == 2160


def test_repaint_equals_its_settings():
    denoiser = inpainting.mask_blend(prompted(4), PICTURE, MASK, preset="RePaint")
    start = add_noise(PICTURE, t=60, schedule="cosine").noisy  # 16 of the timesteps are left
    by_hand = {"steps": 250, "spacing": "linspace", "repeats": 10, "jump": 10, "clip": "clamp"}
    a, b = sampled(denoiser, start, preset="RePaint"), sampled(denoiser, start, **by_hand)
    assert torch.equal(a.image.pixels, b.image.pixels) and len(a.trajectory) == 107


# What presets are


@pytest.mark.parametrize("preset", SAMPLING)
def test_a_preset_is_what_it_sets(preset):
    start = add_noise(PICTURE, t=100, schedule="cosine").noisy
    expected = sampled(prompted(4), start, seed=3, **SAMPLING[preset]).image.pixels
    assert torch.equal(sampled(prompted(4), start, seed=3, preset=preset).image.pixels, expected)


@pytest.mark.parametrize("preset", INPAINTING)
def test_a_preset_of_masks_is_what_it_sets(preset):
    found = inpainting.mask_blend(prompted(4), PICTURE, MASK, preset=preset)
    assert found.hook.key == inpainting.mask_blend(prompted(4), PICTURE, MASK, **INPAINTING[preset]).hook.key
    assert found.hook.mode == {"IF pipeline": "paste", "CS180": "after", "RePaint": "before"}[preset]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "CS180", "clip": "dynamic"}, "clip is dynamic, the preset CS180 sets none; leave one of them out"),
        ({"preset": "CS180", "steps": 30}, "steps is 30, the preset CS180 sets 33"),
        ({"preset": "CS180", "timesteps": [500, 0]}, "is [500, 0], the preset CS180 sets [990, 960, ..., 30]; leave"),
        ({"preset": "CS180", "end": 30}, "end is 30, the preset CS180 sets 0"),
        ({"preset": "IF pipeline", "clip": "none"}, "clip is none, the preset IF pipeline sets dynamic"),
        ({"preset": "IF pipeline", "method": "ddim"}, "method is ddim, the preset IF pipeline sets ddpm"),
        ({"preset": "IF pipeline", "spacing": "trailing"}, "spacing is trailing, the preset IF pipeline sets leading"),
        ({"preset": "IF pipeline", "end": 0}, "end is 0, the preset IF pipeline sets -1"),
        ({"preset": "RePaint", "timesteps": [9, 8, 7, 6, 0]}, "is [9, 8, ..., 0], the preset RePaint sets []"),
        ({"preset": "RePaint", "repeats": 5}, "repeats is 5, the preset RePaint sets 10"),
        ({"preset": "RePaint", "variance": "fixed_large"}, "variance is fixed_large, the preset RePaint sets learned"),
        ({"preset": "repaint"}, "preset is 'repaint', must be one of 'none', 'IF pipeline', 'CS180', 'RePaint'"),
    ],
)
def test_a_preset_overrides_nothing_that_was_given(given, message):
    calls = len(SIXFOLD.calls)
    with pytest.raises(ValueError) as raised:
        sampled(prompted(4), **given)
    assert message in str(raised.value)
    assert len(SIXFOLD.calls) == calls


def test_nor_does_one_of_masks():
    with pytest.raises(ValueError, match="mode is paste, the preset RePaint sets before; leave one of them out"):
        inpainting.mask_blend(prompted(4), PICTURE, MASK, "paste", preset="RePaint")
    with pytest.raises(ValueError, match="restore is True, the preset CS180 sets False"):
        inpainting.mask_blend(prompted(4), PICTURE, MASK, restore=True, preset="CS180")


# SD pipeline

SD = {  # scheduler_config.json of Stable Diffusion 1.5, but for the names of classes and versions
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
    "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1, "trained_betas": None,
}  # fmt: skip


@pytest.mark.parametrize("steps", [1, 4, 30, 50])
def test_sd_pipeline_is_diffusers_step_by_step(steps):
    """Also at the end, which is t = 0 and no clean picture."""
    schedule = NoiseSchedule.named("scaled_linear")
    latent = NetworkDenoiser(ToyNetwork(), {"label": torch.tensor([4])}, schedule, space="latent:sd")
    scheduler = in_double(DDIMScheduler(**SD), schedule)
    scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    scheduler.set_timesteps(steps)
    way = sampled(latent, preset="SD pipeline", steps=steps).trajectory
    assert [step.t for step in way] == [*scheduler.timesteps.tolist(), 0]
    for step, after in pairwise(way):
        made = scheduler.step(latent.estimate(step.x_t, step.t).noise, step.t, step.x_t)
        torch.testing.assert_close(after.x_t, made.prev_sample.float(), rtol=0, atol=2e-5)


def test_sd_pipeline_from_the_middle_goes_on_with_the_same_timesteps():
    """Which diffusers' image to image with strength 0.8 of 50 steps begins at."""
    schedule = NoiseSchedule.named("scaled_linear")
    latent = NetworkDenoiser(ToyNetwork(), {"label": torch.tensor([4])}, schedule, space="latent:sd")
    start = add_noise(Image(PICTURE.pixels, "latent:sd"), t=781, like=latent).noisy
    way = sampled(latent, start, preset="SD pipeline").trajectory
    assert [step.t for step in way] == [*range(781, 0, -20), 0]


def test_what_agrees_with_a_preset_may_be_given():
    start = add_noise(PICTURE, t=100, schedule="cosine").noisy
    same = sampled(prompted(4), start, preset="CS180", clip="none", steps=33, end=0).image.pixels
    assert torch.equal(same, sampled(prompted(4), start, preset="CS180").image.pixels)
    others = sampled(prompted(4), start, preset="IF pipeline", repeats=2, jump=1)  # which it does not set
    assert len(others.trajectory) > len(sampled(prompted(4), start, preset="IF pipeline").trajectory)


def test_presets_set_inputs_of_their_nodes_to_what_these_take():
    registry = load_plugins(only=["nodegraph"])
    for node, choices, presets in (
        ("IterativeSampler", Preset, SAMPLING), ("MaskBlend", InpaintingPreset, INPAINTING)
    ):  # fmt: skip
        spec = registry.get(node)
        assert spec.input("preset").choices == get_args(choices) == ("none", *presets)
        for preset, sets in presets.items():
            assert preset in spec.help
            for name, value in sets.items():
                assert spec.input(name).validate(value) == value


def test_the_noise_that_the_course_names():
    """The picture at t = 0 is not clean, and the step from 30 to it adds noise of 0.0064 to 0.059."""
    assert COSINE.sigma(0) == pytest.approx(0.0064, rel=0.01)
    large = 1 - COSINE.alpha_bar(30) / COSINE.alpha_bar(0)
    small = (1 - COSINE.alpha_bar(0)) / (1 - COSINE.alpha_bar(30)) * large
    assert sqrt(small) == pytest.approx(0.0064, rel=0.02) and sqrt(large) == pytest.approx(0.059, rel=0.02)
