"""What the nodes of DeepFloyd IF refuse, and before a weight is read wherever that can be known."""

import json
import shutil

import pytest
import torch
from if_pipelines import picture, prompt, random, small
from safetensors.torch import load_file, save_file

from nodegraph import Context
from nodegraph.aloud import overheard
from nodegraph_nodes import deepfloyd as nodes
from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.evaluation import price
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.types import Conditioning, Image, NoiseSchedule, Noisy


@pytest.fixture
def context():
    return Context()


# Bad checkpoints


def edited(folder, target, component, **changed):
    """A copy of a checkpoint with a changed configuration; None takes a value away."""
    shutil.copytree(folder, target)
    path = next((target / component).glob("*config.json"))
    config = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({name: value for name, value in config.items() if value != "absent"}))
    return str(target)


def test_the_stages_are_told_apart(first, second, context, unread):
    with pytest.raises(ValueError, match="enlarges pictures and is for IFStage2; IFStage1 needs a first stage"):
        nodes.if_stage_1(context, prompt(1), str(second))
    with pytest.raises(ValueError, match="image_noising_scheduler"):
        nodes.if_stage_2(context, prompt(1), small(), str(first))


def test_a_first_stage_with_a_noising_scheduler_is_none_that_enlarges(first, second, tmp_path, context, unread):
    folder = edited(first, tmp_path / "first", "scheduler")
    shutil.copytree(second / "image_noising_scheduler", tmp_path / "first" / "image_noising_scheduler")
    with pytest.raises(ValueError, match="does not enlarge pictures; IFStage2 needs a second stage"):
        nodes.if_stage_2(context, prompt(1), small(), folder)


@pytest.mark.parametrize(
    ("component", "changed", "message"),
    [
        ("unet", {"_class_name": "UNet2DModel"}, "describes a UNet2DModel, must be a UNet2DConditionModel"),
        ("unet", {"out_channels": 9}, "gives 9 channels for pictures of 3, must be 6, the noise and its"),
        ("unet", {"in_channels": "absent"}, "lacks 'in_channels'; get the checkpoint again"),
        ("unet", {"in_channels": "three"}, "has numbers that are none; get the checkpoint again"),
        ("unet", {"addition_embed_type": "image"}, "has the addition_embed_type image, must be text"),
        ("unet", {"encoder_hid_dim_type": "image_proj"}, "has the encoder_hid_dim_type image_proj, must be text_proj"),
        ("scheduler", {"prediction_type": "v_prediction"}, "has the prediction_type v_prediction, must be epsilon"),
        ("scheduler", {"rescale_betas_zero_snr": True}, "must leave some of the picture at the last timestep"),
        ("scheduler", {"beta_schedule": "sigmoid"}, "has the beta_schedule sigmoid, must be squaredcos_cap_v2, linear"),
        ("scheduler", {"sample_max_value": 0.5}, "has the sample_max_value 0.5, must be at least 1"),
        ("scheduler", {"num_train_timesteps": "x"}, "json in .* has the num_train_timesteps 'x', must be a number"),
        ("scheduler", {"num_train_timesteps": 0}, "has the num_train_timesteps 0, must be a whole number"),
        ("scheduler", {"num_train_timesteps": 10**9}, r"num_train_timesteps 1e\+09, must be a whole number up to"),
        ("scheduler", {"beta_schedule": "linear", "beta_end": [1]}, r"has the beta_end \[1\], must be a number"),
        ("scheduler", {"trained_betas": [0.1, None]}, "has the trained_betas None, must be a number"),
        ("scheduler", {"trained_betas": "x"}, "has the trained_betas 'x', must be a list of numbers"),
        ("scheduler", {"sample_max_value": "big"}, "has the sample_max_value 'big', must be a number"),
        ("scheduler", {"variance_type": "learned"}, "has the variance_type learned, must be learned_range or a fixed"),
    ],
)
def test_configurations_that_do_not_fit(first, tmp_path, context, unread, component, changed, message):
    folder = edited(first, tmp_path / "edited", component, **changed)
    with pytest.raises(ValueError, match=message) as raised:
        nodes.if_stage_1(context, prompt(1), folder)
    assert folder in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"beta_schedule": "linear"}, "linear"), ({"beta_schedule": "linear", "beta_start": 1e-4}, "linear"),
     ({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}, "scaled_linear")],
)  # fmt: skip
def test_other_schedules_are_read(first, tmp_path, context, unread, changed, name):
    made = nodes.if_stage_1(context, prompt(1), edited(first, tmp_path / "edited", "scheduler", **changed))
    assert made.schedule == NoiseSchedule.named(name)
    short = edited(first, tmp_path / "short", "scheduler", num_train_timesteps=300)
    assert nodes.if_stage_1(context, prompt(1), short).schedule == NoiseSchedule.named("cosine", 300)
    own = edited(first, tmp_path / "own", "scheduler", trained_betas=[0.1, 0.2, 0.5])
    expected = torch.cumprod(torch.tensor([0.9, 0.8, 0.5], dtype=torch.float64), 0)
    assert nodes.if_stage_1(context, prompt(1), own).schedule.alphas_cumprod == pytest.approx(expected.tolist())


def test_a_network_that_lacks_weights_is_refused_when_it_is_loaded(first, tmp_path, context, capfd):
    folder = edited(first, tmp_path / "lacking", "unet")
    path = tmp_path / "lacking" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    gone = [name for name in sorted(weights) if not name.startswith("conv_in")][:2]
    save_file({name: value for name, value in weights.items() if name not in gone}, path, {"format": "pt"})
    made = nodes.if_stage_1(context, prompt(1), folder, variant="")
    with pytest.raises(ValueError, match=f"lacks 2 weights, such as {gone[0]}; get the checkpoint again"):
        made.estimate(random((1, 3, 16, 16), 1), 500)
    said = capfd.readouterr()
    assert gone[0] not in said.out + said.err


def test_weights_of_another_shape_are_refused(first, tmp_path, context):
    folder = edited(first, tmp_path / "other", "unet", cross_attention_dim=32)
    made = nodes.if_stage_1(context, prompt(1), folder)
    with pytest.raises(ValueError, match=r"unet/ in .* cannot be read: .*; get the checkpoint again") as raised:
        made.estimate(random((1, 3, 16, 16), 1), 500)
    assert "\n" not in str(raised.value)


# Bad input, before any weight is read


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 20, 20), r"the pictures are 20 x 20, must be divisible by 8, such as 16 x 16"),
        ((1, 3, 16, 30), r"the pictures are 30 x 16, must be divisible by 8, such as 32 x 16"),
        ((1, 3, 3, 3), r"the pictures are 3 x 3, must be divisible by 8, such as 8 x 8"),
        ((1, 1, 16, 16), r"the pictures are 16 x 16 with 1 channel, IF takes 3 channels"),
        ((1, 6, 16, 16), r"the pictures are 16 x 16 with 6 channels, IF takes 3 channels"),
    ],
)
def test_pictures_that_the_network_cannot_take(first, context, unread, shape, message):
    made = nodes.if_stage_1(context, prompt(1), str(first))
    with pytest.raises(ValueError, match=message):
        made.estimate(random(shape, 1), 500)
    with pytest.raises(ValueError, match=message):
        price(CFGCombine(made, made, 7.0), random(shape, 1), [500])


def test_a_side_of_24_is_taken(first, context):
    made = nodes.if_stage_1(context, prompt(1), str(first))
    assert made.estimate(random((1, 3, 24, 24), 1), 500).noise.shape == (1, 3, 24, 24)


def test_a_start_of_another_size_than_the_picture_becomes_is_refused(second, context, unread):
    made = nodes.if_stage_2(context, prompt(1), small(), str(second))
    with pytest.raises(ValueError, match="the pictures are 24 x 24 with 3 channels, the denoiser takes 16 x 16 with 3"):
        Sampler().sample(made, Noisy(random((1, 3, 24, 24), 1)))


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        (random((1, 77, 8), 1), "conditioning has 8 numbers a token, this network reads 32; encode the prompt with"),
        (random((77, 32), 1), r"the embedding has the shape \[77, 32\], must be \(prompts, tokens, 32\)"),
        (random((0, 77, 32), 1), r"the embedding has the shape \[0, 77, 32\]"),
        (random((1, 0, 32), 1), r"the embedding has the shape \[1, 0, 32\]"),
        (torch.full((1, 77, 32), float("nan")), "values that are not finite, must all be numbers; encode"),
        (torch.full((1, 77, 32), float("inf")), "values that are not finite"),
    ],
)
def test_embeddings_that_do_not_fit(first, second, context, unread, embedding, message):
    with pytest.raises(ValueError, match=message):
        nodes.if_stage_1(context, Conditioning(embedding), str(first))
    with pytest.raises(ValueError, match=message):
        nodes.if_stage_2(context, Conditioning(embedding), small(), str(second))


@pytest.mark.parametrize("tokens", [1, 5, 200])
def test_prompts_of_any_number_of_tokens_are_taken(first, context, tokens):
    made = nodes.if_stage_1(context, prompt(1, tokens=tokens), str(first))
    assert made.estimate(random((1, 3, 16, 16), 1), 500).noise.isfinite().all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image(small().pixels, "latent:sd"), "the image is in the space latent:sd, must be pixels; decode it first"),
        (Image(small().pixels[:, :1]), "the image is 4 x 4 with 1 channel, must have 3 channels; load it in RGB"),
        (Image(torch.cat([small().pixels] * 2, 1)[:, :4]), "with 4 channels, must have 3 channels"),
        (Image(small().pixels[0]), r"the image has the shape \[3, 4, 4\], must be \(B, 3, H, W\)"),
        (Image(127.5 * (small().pixels + 1)), r"the image has values from .* to .*, must be from -1 to 1"),
        (Image(small().pixels * float("nan")), "the image has values from nan to nan, must be from -1 to 1"),
        (Image(picture(1, 32, 1)), "the picture is 32 x 32, larger than the 16 to be drawn; make it smaller first"),
        (Image(picture(1, 7, 1)[..., :6]), "the picture is 6 x 7, whose longer side would not be a whole number"),
        (Image(picture(1, 5, 1)[..., :4]), "the pictures are 16 x 20, must be divisible by 8, such as 16 x 16"),
        (small(3), "prompts are 2 for 3 pictures, must be as many, or one a multiple of the other"),
    ],
)
def test_pictures_that_cannot_be_enlarged(second, context, unread, image, message):
    with pytest.raises(ValueError, match=message):
        nodes.if_stage_2(context, prompt(1, 2), image, str(second))


def test_pictures_in_0_to_1_are_refused_and_bright_ones_are_doubted(second, context, unread):
    pixels = (small().pixels + 1) / 2
    dark = Image((pixels - pixels.min()) / (1 - pixels.min()))  # with the black of [0, 1]
    with pytest.raises(ValueError, match=r"must be in \[-1, 1\], that is 2 x - 1.* switch check_range off"):
        nodes.if_stage_2(context, prompt(1), dark, str(second))
    with overheard() as said:
        nodes.if_stage_2(context, prompt(1), dark, str(second), check_range=False)
    assert said
    bright = Image(0.1 + 0.9 * dark.pixels)  # a photo without a dark place
    message = "none below 0, like one in [0, 1]; must be in [-1, 1], that is 2 x - 1"
    with overheard() as said:
        made = nodes.if_stage_2(context, prompt(1), bright, str(second))
    (line,) = said
    assert made.shape == (3, 16, 16) and message in line
    with overheard() as said:
        nodes.if_stage_2(context, prompt(1), small(), str(second))
    assert not said
    for value in (-1.0, 0.0, 0.5, 1.0):  # of one colour: nothing is to be said of its range
        nodes.if_stage_2(context, prompt(1), Image(torch.full((1, 3, 4, 4), value)), str(second))
    beyond = small().pixels * 1.3  # as of a sampler that does not clip
    assert beyond.abs().max() > 1
    nodes.if_stage_2(context, prompt(1), Image(beyond), str(second))


@pytest.mark.parametrize(("size", "message"), [(20, "must be divisible by 8"), (3, "larger than the 3 to be drawn")])
def test_sizes_that_cannot_be_drawn(second, context, unread, size, message):
    with pytest.raises(ValueError, match=message):
        nodes.if_stage_2(context, prompt(1), small(), str(second), size=size)


@pytest.mark.parametrize("noise_level", [-1, 1000])
def test_noise_levels_that_there_are_not(second, context, unread, noise_level):
    with pytest.raises(ValueError, match=f"noise_level is {noise_level}, must be a timestep from 0 to 999"):
        nodes.if_stage_2(context, prompt(1), small(), str(second), noise_level=noise_level)
