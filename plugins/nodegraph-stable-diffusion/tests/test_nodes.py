"""The nodes of Stable Diffusion: what they hold, make, tell and cost."""

import copy
import json
import logging

import pytest
import torch
from diffusers import AutoencoderKL
from sd_graphs import largest, pipeline, run, text_to_image
from tiny_sd import write_sd_checkpoint
from transformers import CLIPTextModel, CLIPTokenizer

from nodegraph import Context, Session
from nodegraph.events import NodeProgress
from nodegraph_nodes import guidance
from nodegraph_nodes.noise import pure_noise
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.types import Conditioning, Image
from nodegraph_stable_diffusion import autoencoders, nodes, text_encoders
from nodegraph_stable_diffusion.looks import COLOURS


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def prompt(rows=1, width=32, seed=2):
    return Conditioning(drawn(rows, 77, width, seed=seed))


@pytest.fixture
def unread(monkeypatch):
    """Weights must not be read in this test."""

    def refuse(*arguments, **told):
        raise AssertionError("weights are read")

    for place in ("denoisers.load_unet", "autoencoders.load_half", "text_encoders.load_encoder"):
        monkeypatch.setattr(f"nodegraph_stable_diffusion.{place}", refuse)


# The model


def test_a_model_names_the_checkpoint_and_reads_no_weight(folder, registry, context, unread):
    model = nodes.load_sd(str(folder))
    told = registry.value_types[type(model)]
    assert told.summary(model) == model.summary
    assert model.summary.endswith(f"{folder.name}: predicts noise") and list(told.nbytes(model)) == []
    assert (model.space, model.scaling, model.width) == ("latent:sd1", 0.18215, 32)
    denoiser = nodes.sd_denoiser(context, model, prompt())
    assert (denoiser.space, denoiser.shape, denoiser.largest) == ("latent:sd1", None, None)
    assert price(guidance.cfg_combine(denoiser, denoiser, 2.0), drawn(1, 4, 8, 8), [981, 1]) == (2, 2)
    assert context.resources.held_bytes == 0
    with pytest.raises(AssertionError, match="weights are read"):
        denoiser.estimate(drawn(1, 4, 8, 8), 500)


def test_halved_weights_are_used_where_there_are_such(tmp_path, context):
    both = write_sd_checkpoint(tmp_path / "sd", variants=("", "fp16"))
    halved, plain = nodes.load_sd(str(both)), nodes.load_sd(str(both), variant="")
    assert "fp16" in halved.summary and "fp16" not in plain.summary
    x = drawn(1, 4, 8, 8)
    a, b = (nodes.sd_denoiser(context, model, prompt()).estimate(x, 500).noise for model in (halved, plain))
    assert 0 < largest(a, b) < 0.01
    a, b = (nodes.vae_decode(context, model, Image(x, "latent:sd1")).pixels for model in (halved, plain))
    assert 0 < largest(a, b) < 0.02


# Prompts


def test_a_prompt_is_what_clip_makes_of_it(folder, model, context):
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    network = CLIPTextModel.from_pretrained(folder / "text_encoder").eval()
    for text in ("", "the photo of a cat", "The PHOTO, of a Cat!"):
        ids = tokenizer(text, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        with torch.no_grad():
            expected = network(ids)[0]
        found = nodes.encode_sd_prompt(context, model, text)
        assert largest(found.embedding, expected) < 1e-6
        assert (found.prompts, found.cut) == ((text,), (0,))
    pipe = pipeline(folder)
    expected, _ = pipe.encode_prompt("the moon", "cpu", 1, False)
    assert largest(nodes.encode_sd_prompt(context, model, "the moon").embedding, expected.detach()) < 1e-6


def test_what_does_not_fit_is_told(model, caplog):
    """75 tokens fit between the marks; here each word is one."""

    class Listening(Context):
        said: tuple[str, ...] = ()

        def progress(self, step, total, preview=None, text="", numbers=None):
            self.said = (*self.said, text)

    context = Listening()
    with caplog.at_level(logging.INFO, "nodegraph"):
        fitting = nodes.encode_sd_prompt(context, model, "cat " * 75)
        longer = nodes.encode_sd_prompt(context, model, "cat " * 80)
    assert (fitting.cut, longer.cut) == ((0,), (5,))
    assert torch.equal(fitting.embedding, longer.embedding)
    assert "but for its last 5 tokens: CLIP reads 77 of them, the rest was cut off" in context.said[-1]
    assert "but for its last 5 tokens" in caplog.text and "but" not in context.said[2]


def test_the_encoder_is_shared_and_off_the_device_between_prompts(model, context):
    for text in ("a", "b"):
        nodes.encode_sd_prompt(context, model, text)
    assert len(context.resources) == 1


def test_a_prompt_is_encoded_once_for_all_runs(folder, registry, tmp_path, monkeypatch):
    """What was made is on the disk, so that a second session loads no encoder."""
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "cache"))
    graph = text_to_image(folder)
    first = run(graph, registry, "wanted", "conditioning")

    def refuse(*arguments):
        raise AssertionError("the encoder is loaded")

    monkeypatch.setattr(text_encoders, "load_encoder", refuse)
    again = run(graph, registry, "wanted", "conditioning")
    assert torch.equal(first.embedding, again.embedding) and again.prompts == ("the photo of a cat",)


def test_another_checkpoint_in_the_same_folder_encodes_anew(registry, tmp_path, monkeypatch):
    """Neither the memory nor the disk takes it for the one before."""
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "cache"))
    folder = write_sd_checkpoint(tmp_path / "sd")
    graph = text_to_image(folder, steps=1)
    with Session(registry) as session:
        first = session.run(graph, targets=["wanted", "sample"])
        write_sd_checkpoint(folder, seed=1)
        second = session.run(graph, targets=["wanted", "sample"])
    a, b = (result["wanted", "conditioning"].embedding for result in (first, second))
    assert largest(a, b) > 0.01
    fresh = write_sd_checkpoint(tmp_path / "fresh", seed=1)
    expected = run(text_to_image(fresh, steps=1), registry, "sample").pixels
    assert largest(second["sample", "image"].pixels, expected) < 1e-5


# The denoiser


def test_it_is_the_network(folder, model, context):
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").requires_grad_(False)
    x, rows = drawn(2, 4, 8, 8), prompt(2)
    found = nodes.sd_denoiser(context, model, rows).estimate(x, 321)
    assert largest(found.noise, unet(x, 321, encoder_hidden_states=rows.embedding)[0]) < 1e-6
    assert found.variance is None


def test_velocity_becomes_noise(tmp_path, folder, context):
    """`v = alpha noise - sigma x_0`, so that `x_t = alpha x_0 + sigma noise` gives the noise back."""
    other = write_sd_checkpoint(tmp_path / "v", prediction_type="v_prediction")
    x, rows = drawn(1, 4, 8, 8), prompt()
    v = nodes.sd_denoiser(context, nodes.load_sd(str(folder)), rows).estimate(x, 321).noise
    model = nodes.load_sd(str(other))
    noise = nodes.sd_denoiser(context, model, rows).estimate(x, 321).noise
    x_0 = model.schedule.cleaned(x, noise, 321)
    alpha, sigma = model.schedule.alpha(321), model.schedule.sigma(321)
    assert largest(alpha * noise - sigma * x_0, v) < 1e-5
    assert "velocity" in model.summary


def test_guidance_is_one_forward_of_two(model, context):
    evaluator = Evaluator()
    guided = guidance.cfg_combine(*(nodes.sd_denoiser(context, model, prompt(seed=seed)) for seed in (2, 3)), 7.5)
    evaluator.estimate(guided, drawn(3, 4, 8, 8), 500)
    assert (evaluator.forwards, evaluator.rows) == (1, 6)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_it_computes_in_the_type_that_is_asked_for_and_speaks_float32(folder, context, name):
    exact, model = nodes.load_sd(str(folder)), nodes.load_sd(str(folder), dtype=name)
    x = drawn(1, 4, 8, 8)
    made = nodes.sd_denoiser(context, model, prompt())
    found = made.estimate(x, 500).noise
    network = context.resources.get(made.network.key, lambda: None)
    assert {str(weight.dtype) for weight in network.parameters()} == {f"torch.{name}"}
    assert found.dtype == torch.float32
    assert largest(found, nodes.sd_denoiser(context, exact, prompt()).estimate(x, 500).noise) < 0.1
    assert torch.equal(*(nodes.vae_decode(context, each, Image(x, "latent:sd1")).pixels for each in (exact, model)))
    kept = context.resources.get(autoencoders.half_of(model, "decoder", context.resources).key, lambda: None)
    assert {weight.dtype for weight in kept.parameters()} == {torch.float32}  # whatever the U-Net computes in


def test_a_copy_shares_the_network(model, context):
    made = nodes.sd_denoiser(context, model, prompt())
    x = drawn(1, 4, 8, 8)
    expected, held = made.estimate(x, 500).noise, context.resources.held_bytes
    assert torch.equal(copy.deepcopy(made).estimate(x, 500).noise, expected)
    assert context.resources.held_bytes == held


# Pixels and latents


@pytest.fixture(scope="module")
def vae(folder):
    return AutoencoderKL.from_pretrained(folder, subfolder="vae").requires_grad_(False)


def test_encoding_is_the_mean_or_a_draw_of_the_vae_scaled(model, context, vae):
    image = Image(drawn(2, 3, 24, 40).clamp(-1, 1))
    before = image.pixels.clone()
    dist = vae.encode(image.pixels).latent_dist
    for take, expected in (
        ("mean", dist.mode()),
        ("sample", dist.sample(torch.Generator().manual_seed(6))),
    ):
        found = nodes.vae_encode(context, model, image, take)
        assert (found.space, found.pixels.shape) == ("latent:sd1", (2, 4, 3, 5))
        assert largest(found.pixels, 0.18215 * expected) < 1e-6
    assert largest(dist.sample(torch.Generator().manual_seed(7)), nodes.vae_encode(context, model, image, "sample", 7)
                   .pixels / 0.18215) < 1e-5  # fmt: skip
    assert torch.equal(image.pixels, before)


def test_decoding_is_the_vae_unscaled_within_the_bounds_of_pixels(model, context, vae):
    latents = Image(drawn(2, 4, 3, 5) * 3, "latent:sd1")
    expected = vae.decode(latents.pixels / 0.18215).sample
    found = nodes.vae_decode(context, model, latents)
    assert (found.space, found.pixels.shape, found.pixels.dtype) == ("pixels", (2, 3, 24, 40), torch.float32)
    assert largest(found.pixels, expected.clamp(-1, 1)) < 1e-5


def test_each_half_is_loaded_when_it_is_needed(model, context):
    nodes.vae_decode(context, model, Image(drawn(1, 4, 2, 2), "latent:sd1"))
    held = context.resources.held_bytes
    nodes.vae_encode(context, model, Image(drawn(1, 3, 16, 16).clamp(-1, 1)))
    assert len(context.resources) == 2 and context.resources.held_bytes > held


def test_encoding_halves_its_batch_when_memory_is_short(model, context, monkeypatch):
    image = Image(drawn(3, 3, 16, 16).clamp(-1, 1))
    expected = nodes.vae_encode(context, model, image).pixels
    forward, sizes = autoencoders.Half.forward, []

    def short(self, x, t):
        sizes.append(len(x))
        if len(x) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, x, t)

    monkeypatch.setattr(autoencoders.Half, "forward", short)
    assert largest(nodes.vae_encode(context, model, image).pixels, expected) < 1e-6
    assert sizes[0] == 3 and sizes[-1] == 1


def test_another_scaling_is_another_space(tmp_path, context):
    folder = write_sd_checkpoint(tmp_path / "sd")
    config = folder / "vae" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "scaling_factor": 0.13025}))
    model = nodes.load_sd(str(folder))
    assert (model.scaling, model.space) == (0.13025, "latent:sd1, scaled by 0.13025")
    found = nodes.vae_encode(context, model, Image(drawn(1, 3, 16, 16).clamp(-1, 1)))
    assert found.space == model.space
    with pytest.raises(ValueError, match=r"latents is in the space latent:sd1, this VAE decodes latent:sd1, scaled by"):
        nodes.vae_decode(context, model, Image(found.pixels, "latent:sd1"))


def test_noise_is_that_of_pure_noise(context):
    made = nodes.latent_noise(88, 56, batch=2, seed=5)
    assert (made.t, made.space, made.x.shape) == (None, "latent:sd1", (2, 4, 7, 11))
    assert torch.equal(made.x, pure_noise(8, 4, 2, 5, width=11, height=7).x)


# Previews


def test_a_preview_is_the_linear_map(model, context):
    latents = drawn(2, 4, 3, 5)
    shown = nodes.sd_denoiser(context, model, prompt()).preview(latents)
    assert shown.shape == (2, 3, 3, 5)
    for colour in range(3):
        expected = sum(COLOURS[latent][colour] * latents[:, latent] for latent in range(4)).clamp(-1, 1)
        assert largest(shown[:, colour], expected) < 1e-6


def test_previews_come_while_it_samples(folder, registry):
    seen = []
    with Session(registry) as session:
        session.run(text_to_image(folder, steps=4), targets=["sample"], emit=seen.append)
    previews = [event.preview for event in seen if isinstance(event, NodeProgress) and event.node == "sample"]
    assert any(preview and preview.startswith(b"\x89PNG") for preview in previews)
