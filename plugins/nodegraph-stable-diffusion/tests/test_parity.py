"""Text to image and image to image are what diffusers' pipelines draw: same weights, same noise, same steps."""

from functools import partial

import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as img2img
from sd_graphs import NEGATIVE, PROMPT, largest, pipeline, run, text_to_image
from tiny_sd import write_config, write_sd_checkpoint

from nodegraph import Context
from nodegraph_nodes import guidance, sampling
from nodegraph_nodes.noise import add_noise
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.text import join_conditioning
from nodegraph_nodes.types import Image, NoiseSchedule
from nodegraph_stable_diffusion import nodes

LATENTS, PIXELS = 2e-4, 2e-4  # the largest differences allowed


def theirs(pipe, *, output="latent", seed=0, scale=7.5, **told):
    told = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "num_inference_steps": 10, **told}
    generator = torch.Generator().manual_seed(seed)
    return pipe(guidance_scale=scale, generator=generator, output_type=output, **told).images


def sized(side):
    return {"height": side, "width": side}


def guided(model, scale=7.5, prompt=PROMPT, negative=NEGATIVE, context=None):
    context = context or Context()
    told = (nodes.encode_sd_prompt(context, model, text) for text in (prompt, negative))
    return guidance.cfg_combine(*(nodes.sd_denoiser(context, model, each) for each in told), scale)


def picture(side=64, batch=1):
    coarse = torch.rand(batch, 3, 3, 3, generator=torch.Generator().manual_seed(8)) * 1.8 - 0.9
    return Image(torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=True))


# Text to image


@pytest.mark.parametrize("scale", [1.0, 7.5])
@pytest.mark.parametrize("steps", [10, 30])
def test_text_to_image_is_diffusers(folder, registry, steps, scale):
    pipe = pipeline(folder)
    expected = theirs(pipe, num_inference_steps=steps, scale=scale, **sized(64))
    found = run(text_to_image(folder, steps=steps, scale=scale), registry, "sample").pixels
    assert found.shape == (1, 4, 8, 8) and float(found.std()) > 0.3
    assert largest(found, expected) < LATENTS
    decoded = theirs(pipe, output="pt", num_inference_steps=steps, scale=scale, **sized(64))
    pixels = run(text_to_image(folder, steps=steps, scale=scale), registry).pixels
    assert pixels.shape == (1, 3, 64, 64) and largest(pixels, 2 * decoded - 1) < PIXELS


def test_fifty_steps_with_the_defaults_of_the_pipeline(folder, registry):
    expected = theirs(pipeline(folder), output="pt", num_inference_steps=50, **sized(64))
    assert largest(run(text_to_image(folder, steps=50), registry).pixels, 2 * expected - 1) < PIXELS


def test_a_picture_that_is_not_square_and_no_multiple_of_64(folder, registry):
    graph = text_to_image(folder).set("noise", width=88, height=56)
    expected = theirs(pipeline(folder), height=56, width=88)
    found = run(graph, registry, "sample").pixels
    assert found.shape == (1, 4, 7, 11) and largest(found, expected) < LATENTS


def test_several_prompts_each_with_its_negative(folder, model, context):
    wanted, unwanted = ["the photo of a cat", "a dog", "the moon"], ["dog", "", "the photo"]
    expected = theirs(pipeline(folder), prompt=wanted, negative_prompt=unwanted, **sized(64))
    joined = [join_conditioning([nodes.encode_sd_prompt(context, model, each) for each in texts])
              for texts in (wanted, unwanted)]  # fmt: skip
    both = guidance.cfg_combine(*(nodes.sd_denoiser(context, model, each) for each in joined), 7.5)
    start = nodes.latent_noise(64, 64, batch=3)
    found = sampling.iterative_sampler(context, both, start, steps=10, preset="SD pipeline").image.pixels
    assert largest(found, expected) < LATENTS
    assert largest(found[0], found[1]) > 0.1


def test_ddpm_with_the_same_timesteps_is_diffusers(folder, registry, monkeypatch):
    """Its last step leads to the clean picture, and it draws from the generator of the start, here from ours."""
    pipe = pipeline(folder, scheduler="DDPMScheduler")
    assert pipe.scheduler.config.clip_sample is False
    draws = iter([torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), *later(10)])
    for module in ("schedulers.scheduling_ddpm", "pipelines.stable_diffusion.pipeline_stable_diffusion"):
        monkeypatch.setattr(f"diffusers.{module}.randn_tensor", lambda *shape, **told: next(draws))
    expected = theirs(pipe, **sized(64))
    settings = {"preset": "none", "offset": 1, "method": "ddpm", "steps": 10}
    found = run(text_to_image(folder, **settings), registry, "sample").pixels
    assert largest(found, expected) < LATENTS


def later(steps):
    """The noise of the sampler's seed, 1."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, 4, 8, 8, generator=generator) for _ in range(steps)]


def test_a_network_that_predicts_velocity(tmp_path, registry):
    folder = write_sd_checkpoint(tmp_path / "v", prediction_type="v_prediction")
    pipe = pipeline(folder)
    assert pipe.scheduler.config.prediction_type == "v_prediction"
    found = run(text_to_image(folder), registry, "sample").pixels
    assert largest(found, theirs(pipe, **sized(64))) < LATENTS
    write_config(folder, "scheduler/scheduler_config.json", _class_name="DDIMScheduler", **{
        name: value for name, value in pipe.scheduler.config.items()
        if name in ("beta_start", "beta_end", "beta_schedule", "steps_offset", "set_alpha_to_one", "clip_sample")
    })  # fmt: skip
    noise = run(text_to_image(folder), registry, "sample").pixels
    assert largest(noise, found) > 0.1  # the same weights, taken for noise


def test_the_schedule_is_that_of_the_scheduler(folder, model):
    assert model.schedule == NoiseSchedule.named("scaled_linear")
    assert model.schedule.name == "scaled_linear"
    table = pipeline(folder).scheduler.alphas_cumprod.double()
    assert largest(table, torch.tensor(model.schedule.alphas_cumprod, dtype=torch.float64)) < 1e-6


@pytest.mark.parametrize("steps", [1, 4, 30, 50, 100])
def test_timesteps_are_those_of_the_pipeline(folder, model, steps):
    pipe = pipeline(folder)
    pipe.scheduler.set_timesteps(steps)
    start = nodes.latent_noise(64, 64)
    gaussian = nodes.sd_denoiser(Context(), model, nodes.encode_sd_prompt(Context(), model))
    sampler = Sampler(steps=steps, method="ddim", offset=1, end=0)
    assert [leg.t for leg in sampler.legs(gaussian.schedule, start.t)] == pipe.scheduler.timesteps.tolist()


# Image to image


@pytest.mark.parametrize("strength", [0.29, 0.5, 0.8, 1.0])
def test_image_to_image_is_diffusers_from_pixels_to_pixels(folder, model, strength, monkeypatch):
    """With the mean of the latents, after which the start is the first draw of either."""
    monkeypatch.setattr(img2img, "retrieve_latents", partial(img2img.retrieve_latents, sample_mode="argmax"))
    pipe = pipeline(folder, "StableDiffusionImg2ImgPipeline")
    source = picture()
    told = {"image": source.pixels, "strength": strength, "num_inference_steps": 20}
    expected = theirs(pipe, output="pt", seed=3, **told)

    context, both = Context(), guided(model)
    latents = nodes.vae_encode(context, model, source)
    count = min(int(20 * strength), 20)
    noisy = add_noise(latents, t=50 * (count - 1) + 1, seed=3, like=both).noisy
    made = sampling.iterative_sampler(context, both, noisy, steps=20, preset="SD pipeline")
    assert len(made.trajectory) == count + 1
    assert largest(nodes.vae_decode(context, model, made.image).pixels, 2 * expected - 1) < PIXELS


def test_the_noise_of_the_encoder_is_the_first_that_the_pipeline_draws(folder, model):
    """As it samples its latents, and before it noises them."""
    pipe = pipeline(folder, "StableDiffusionImg2ImgPipeline")
    source, generator = picture(batch=2), torch.Generator().manual_seed(9)
    told = {"generator": generator, "dtype": torch.float32, "device": "cpu"}
    pipe.scheduler.set_timesteps(20)
    with torch.no_grad():
        noisy = pipe.prepare_latents(source.pixels, torch.tensor([501]), 2, 1, **told)
    again = torch.Generator().manual_seed(9)
    torch.randn(2, 4, 8, 8, generator=again)
    noise = torch.randn(2, 4, 8, 8, generator=again)
    ours = nodes.vae_encode(Context(), model, source, "sample", 9).pixels
    assert largest(model.schedule.noised(ours, noise, 501), noisy) < LATENTS


def test_the_pipeline_of_the_tests_is_the_one_that_is_meant(folder):
    assert isinstance(pipeline(folder, "StableDiffusionImg2ImgPipeline"), StableDiffusionImg2ImgPipeline)
