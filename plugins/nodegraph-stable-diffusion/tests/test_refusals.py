"""What is not Stable Diffusion 1.x, and what does not fit, is refused in clear words, before a run where it can be."""

import json
import re

import pytest
import torch
from sd_graphs import text_to_image
from tiny_sd import write_sd_checkpoint

from nodegraph import Graph, check
from nodegraph_nodes.types import Conditioning, Image
from nodegraph_stable_diffusion import nodes


def told(graph, registry):
    return [str(each) for each in check(graph, registry)]


def changed(folder, component, **values):
    """The folder, whose config of a component says something else."""
    path = folder / component / ("scheduler_config.json" if component == "scheduler" else "config.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


# Checkpoints

OTHERS = {
    "inpainting": ("unet", {"in_channels": 9}, r"is for inpainting \(9 channels: .*MaskBlend inpaints with others"),
    "instructions": ("unet", {"in_channels": 8}, "edits pictures after an instruction"),
    "2.x": ("unet", {"cross_attention_dim": 1024}, "is of Stable Diffusion 2.x, which is not read yet"),
    "XL": ("unet", {"addition_embed_type": "text_time"}, "is of Stable Diffusion XL, which is not read yet"),
    "distilled": ("unet", {"time_cond_proj_dim": 256}, "is distilled, so that guidance is one of its inputs"),
    "classes": ("unet", {"class_embed_type": "timestep"}, "is told more than a text"),
    "other noise": ("unet", {"out_channels": 8}, "gives 8 channels, must give 4"),
    "T5": ("text_encoder", {"model_type": "t5"}, "holds a text encoder of the type t5, must be clip_text_model"),
    "other text": ("text_encoder", {"hidden_size": 64}, "makes 64 numbers of a token, its U-Net reads 32"),
    "16 channels": ("vae", {"latent_channels": 16}, "has the latent_channels 16, must be 4"),
    "other VAE": ("vae", {"_class_name": "AutoencoderTiny"}, "has the _class_name AutoencoderTiny, must be Autoencode"),
    "shifted": ("vae", {"shift_factor": 0.1}, "shifts its latents"),
    "fewer blocks": ("vae", {"block_out_channels": [8, 16]}, "makes latents 2 times as small as pictures, must be 8"),
    "no scaling": ("vae", {"scaling_factor": 0}, "has the scaling_factor 0, must be above 0"),
    "sample": (
        "scheduler",
        {"prediction_type": "sample"},
        "has the prediction_type sample, must be epsilon, the noise or v_prediction, the velocity",
    ),
    "zero SNR": ("scheduler", {"rescale_betas_zero_snr": True}, "has rescale_betas_zero_snr"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_model_is_named_in_a_run_and_before_it(tmp_path, registry, what):
    component, values, message = OTHERS[what]
    folder = changed(write_sd_checkpoint(tmp_path / "sd"), component, **values)
    with pytest.raises(ValueError, match=message):
        nodes.load_sd(str(folder))
    (problem,) = told(Graph().add("sd", "LoadSD", checkpoint=str(folder)), registry)
    assert problem.startswith("sd (LoadSD): checkpoint ") and re.search(message, problem)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("stabilityai/stable-diffusion-2-1", "Stable Diffusion 2.x"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "Stable Diffusion XL"),
        ("stabilityai/sdxl-turbo", "Stable Diffusion XL"),
        ("stabilityai/stable-diffusion-3-medium-diffusers", "Stable Diffusion 3"),
        ("stable-diffusion-v1-5/stable-diffusion-inpainting", "an inpainting model"),
        ("models/v1-5-pruned-emaonly.safetensors", "a single file, which LoadSD does not read yet"),
    ],
)
def test_published_others_are_refused_by_their_names_before_anything_is_fetched(registry, name, what):
    with pytest.raises(ValueError, match=re.escape(f"checkpoint is {name}, {what}")):
        nodes.load_sd(name)
    assert any(f"sd (LoadSD): checkpoint is {name}, {what}" in each
               for each in told(Graph().add("sd", "LoadSD", checkpoint=name), registry))  # fmt: skip


def test_a_file_that_is_there_is_refused(tmp_path, registry):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    problems = told(Graph().add("sd", "LoadSD", checkpoint=str(tmp_path / "model.safetensors")), registry)
    assert problems and all("a single file" in each for each in problems)


def test_a_component_that_is_not_there_is_named(tmp_path):
    folder = write_sd_checkpoint(tmp_path / "sd")
    for file in (folder / "vae").iterdir():
        file.unlink()
    (folder / "vae").rmdir()
    with pytest.raises(ValueError, match=r"holds no vae/, which should be an autoencoder"):
        nodes.load_sd(str(folder))


def test_a_tokenizer_without_its_merges_is_refused(tmp_path, registry):
    folder = write_sd_checkpoint(tmp_path / "sd")
    merges = folder / "tokenizer" / "merges.txt"
    merges.write_bytes(b"")
    (problem,) = told(Graph().add("sd", "LoadSD", checkpoint=str(folder)), registry)
    assert "merges.txt is empty, as a download leaves it that was cut short" in problem
    merges.unlink()
    (problem,) = told(Graph().add("sd", "LoadSD", checkpoint=str(folder)), registry)
    assert "holds no tokenizer/merges.txt, without which vocab.json is not enough" in problem


def test_weights_of_something_else_are_refused(tmp_path):
    folder = write_sd_checkpoint(tmp_path / "sd")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    (folder / "text_encoder" / "model.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(ValueError, match="holds the weights of something else than CLIP"):
        nodes.load_sd(str(folder))


def test_weights_that_are_missing_are_named(tmp_path, context):
    from safetensors.torch import load_file, save_file

    folder = write_sd_checkpoint(tmp_path / "sd")
    for place, name in (
        ("text_encoder/model", "text_model.encoder.layers.1.mlp.fc1.weight"),
        ("vae/diffusion_pytorch_model", "decoder.conv_out.weight"),
    ):
        path = folder / f"{place}.safetensors"
        left = {key: value for key, value in load_file(path).items() if key != name}
        save_file(left, path, {"format": "pt"})
    model = nodes.load_sd(str(folder))
    with pytest.raises(ValueError, match=r"text_encoder lacks weights, .*fc1.weight among them"):
        nodes.encode_sd_prompt(context, model)
    with pytest.raises(ValueError, match=r"vae lacks weights, decoder.conv_out.weight among them"):
        nodes.vae_decode(context, model, Image(torch.zeros(1, 4, 2, 2), "latent:sd1"))


# What does not fit


def test_calls_that_do_not_fit_are_refused(model, context):
    pixels, latents = Image(torch.zeros(1, 3, 20, 24)), Image(torch.zeros(1, 4, 2, 2), "latent:sd1")

    def encode(image):
        return nodes.vae_encode(context, model, image)

    def told_by(embedding):
        return nodes.sd_denoiser(context, model, Conditioning(embedding))

    for call, message in (
        (lambda: encode(pixels), r"image is 24 x 20, must be divisible by 8, such as 24 x 16"),
        (lambda: encode(latents), "image is in the space latent:sd1, must be pixels"),
        (lambda: encode(Image(torch.zeros(1, 1, 8, 8))), "image is 8 x 8 with 1 channel, must have 3 channels"),
        (lambda: nodes.vae_decode(context, model, pixels), "latents is in pixels already, this VAE decodes latent:sd1"),
        (lambda: told_by(torch.zeros(1, 77, 8)), "conditioning has 8 numbers a token, this network reads 32"),
        (lambda: told_by(torch.full((1, 77, 32), torch.nan)), "conditioning holds values that are not finite"),
        (
            lambda: told_by(torch.zeros(1, 77, 32)).estimate(pixels.pixels, 5),
            r"the pictures are 24 x 20 with 3 channels, SD takes 4 channels",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_sheet_of_latents_is_refused_before_they_are_sampled(folder, registry):
    graph = text_to_image(folder).add("sheet", "ImageGrid").connect("sample.image -> sheet.images[0]")
    (problem,) = told(graph, registry)
    assert "images[0] is in the space latent:sd1, must be pixels; decode it first" in problem
    (problem,) = told(
        text_to_image(folder)
        .add("sheet", "ImageGrid")
        .connect("decode.image -> sheet.images[0]")
        .connect("sample.image -> sheet.reference"),
        registry,
    )
    assert "reference is in the space latent:sd1, must be pixels" in problem


def test_a_graph_that_is_whole_has_no_problem(folder, registry):
    assert told(text_to_image(folder), registry) == []


def pixels_graph(folder):
    return (
        text_to_image(folder)
        .add("picture", "ExactGaussian", value=0.0)
        .add("blank", "IterativeSampler", steps=1)
        .add("start", "PureNoise", size=20, channels=3)
        .connect("picture.denoiser -> blank.denoiser")
        .connect("start.noisy -> blank.start")
        .add("encode", "VAEEncode")
        .connect("sd.model -> encode.model")
        .connect("blank.image -> encode.image")
    )


def mismatches(folder):
    whole, blank = text_to_image(folder), pixels_graph(folder)
    yield blank, "encode (VAEEncode): image is 20 x 20, must be divisible by 8"
    yield blank.set("start", size=16, channels=1), "encode (VAEEncode): image has 1 channel, must have 3; load it in RG"
    yield (
        whole.add("show", "ShowImage").connect("sample.image -> show.image"),
        "show (ShowImage): image is in the space latent:sd1, must be pixels; decode it first",
    )
    yield (
        whole.add("again", "VAEDecode").connect("sd.model -> again.model").connect("decode.image -> again.latents"),
        "again (VAEDecode): latents is in pixels already, this VAE decodes latent:sd1",
    )
    yield whole.set("sample", preset="none", clip="clamp"), (
        "sample (IterativeSampler): clip is clamp, must be none in the space latent:sd1, which has no bounds"
    )
    yield (
        blank.set("start", size=64)
        .add("noisy", "AddNoise", schedule="scaled_linear")
        .connect("blank.image -> noisy.image")
        .connect("noisy.noisy -> sample.start"),
        "sample (IterativeSampler): start is in the space pixels, the denoiser works in latent:sd1; encode it first",
    )
    yield (
        blank.set("start", size=64)
        .add("mask", "RectangleMask", size=64)
        .add("keep", "MaskBlend")
        .connect("mask.mask -> keep.mask")
        .connect("blank.image -> keep.image")
        .connect("cat.denoiser -> keep.denoiser")
        .connect("keep.denoiser -> guide.conditional"),
        "keep (MaskBlend): image is in the space pixels, the denoiser works in latent:sd1; encode it first",
    )
    yield (
        whole.add("wide", "PureNoise", size=8, channels=3).connect("wide.noisy -> sample.start"),
        "sample (IterativeSampler): start is 8 x 8 with 3 channels, the denoiser takes 4 channels",
    )
    yield (
        whole.add("more", "JoinConditioning")
        .connect("wanted.conditioning -> more.parts[0]")
        .connect("unwanted.conditioning -> more.parts[1]")
        .connect("more.conditioning -> cat.conditioning"),
        "sample (IterativeSampler): the denoiser has 2 rows, one for each picture, and the batch has 1",
    )


@pytest.mark.parametrize("number", range(9))
def test_what_does_not_fit_is_told_before_a_run(folder, registry, number):
    graph, expected = list(mismatches(folder))[number]
    found = told(graph, registry)
    assert any(each.startswith(expected) or each.replace(": the ", ": ").startswith(expected.replace(": the ", ": "))
               for each in found), found  # fmt: skip


def test_pure_noise_of_four_channels_begins_as_well(folder, registry):
    graph = text_to_image(folder).add("plain", "PureNoise", size=8, channels=4).connect("plain.noisy -> sample.start")
    assert told(graph, registry) == []


@pytest.mark.parametrize("width", [4, 100, 9000])
def test_sizes_are_checked_where_they_are_typed(registry, width):
    (problem,) = told(Graph().add("noise", "LatentNoise", width=width), registry)
    assert problem.startswith(f"noise (LatentNoise): width is {width}")
