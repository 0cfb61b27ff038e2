"""The nodes of DeepFloyd IF: what their denoisers hold, ask and cost, and what they refuse before a weight is read."""

import copy
import json
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from if_pipelines import COSINE, WIDTH, largest, picture, random
from safetensors.torch import load_file, save_file
from tiny_if import tiny_unet, write_if_checkpoint

from nodegraph import Context, Graph, RunFailed, Session, node
from nodegraph.plugins import load_plugins
from nodegraph_nodes import deepfloyd as nodes
from nodegraph_nodes.ops import unets
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix
from nodegraph_nodes.ops.devices import find_dtype
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import Flip, Negation
from nodegraph_nodes.types import Conditioning, Image, NoiseSchedule, Noisy


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return write_if_checkpoint(tmp_path_factory.mktemp("first"), 1, 16, variants=("", "fp16"))


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    return write_if_checkpoint(tmp_path_factory.mktemp("second"), 2, 16)


@pytest.fixture
def context():
    return Context()


@pytest.fixture
def unread(monkeypatch):
    """Weights must not be read in this test."""

    def refuse(*arguments):
        raise AssertionError("weights are read")

    monkeypatch.setattr("nodegraph_nodes.ops.deepfloyd.load_unet", refuse)


def prompt(seed, rows=1, width=WIDTH, tokens=77, said=()):
    return Conditioning(random((rows, tokens, width), seed), tuple(said))


def small(rows=1, seed=3, size=4):
    return Image(picture(rows, size, seed))


def draws(denoiser, context, folder):
    """The stage 1 and stage 2 nodes with a checkpoint."""
    return partial(denoiser, context, checkpoint=str(folder))


# What a leaf is


def test_making_a_denoiser_reads_configurations_only(first, second, context, unread):
    one = nodes.if_stage_1(context, prompt(1, said=["a cat"]), str(first))
    two = nodes.if_stage_2(context, prompt(1), small(), str(second))
    assert one.schedule is two.schedule is NoiseSchedule.named("cosine")
    assert (one.shape, two.shape) == (None, (3, 16, 16))
    assert (one.space, two.space) == ("pixels", "pixels")
    assert context.resources.held_bytes == 0
    assert price(CFGCombine(one, one, 2.0), random((1, 3, 16, 16), 1), [980, 0]) == (2, 2)
    with pytest.raises(AssertionError, match="weights are read"):
        one.estimate(random((1, 3, 16, 16), 1), 500)


def test_a_denoiser_holds_data_and_its_copy_shares_the_network(first, context):
    made = nodes.if_stage_1(context, prompt(1), str(first))
    x = random((1, 3, 16, 16), 2)
    expected = made.estimate(x, 500)
    held = context.resources.held_bytes
    assert held == sum(value.nbytes for value in tiny_unet().state_dict().values())
    copied = copy.deepcopy(made)
    assert torch.equal(copied.estimate(x, 500).noise, expected.noise)
    assert context.resources.held_bytes == held


def test_it_is_the_network_split_into_noise_and_variance(first, second, context):
    x, rows = random((2, 3, 16, 16), 2), prompt(1, 2)
    for folder, made, given in (
        (first, nodes.if_stage_1(context, rows, str(first)), {}),
        (second, nodes.if_stage_2(context, rows, small(2), str(second)), {"class_labels": torch.tensor([250, 250])}),
    ):
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        seen = x if not given else torch.cat([x, made.inputs["picture"]], dim=1)
        expected = unet(seen, 321, encoder_hidden_states=rows.embedding, return_dict=False, **given)[0]
        found = made.estimate(x, 321)
        assert largest(torch.cat(found, dim=1), expected.detach()) < 1e-6
        assert found.noise.shape == found.variance.shape == x.shape


def test_the_network_is_ready_to_be_asked_only(first, context):
    made = nodes.if_stage_1(context, prompt(1), str(first))
    made.estimate(random((1, 3, 16, 16), 2), 0)
    network = context.resources.get(made.network.key, lambda: None)
    assert not any(module.training for module in network.modules())
    assert not any(weight.requires_grad for weight in network.parameters())


def test_names_are_prompts(first, context):
    named = [nodes.if_stage_1(context, prompt(1, len(said) or 1, said=said), str(first)).name
             for said in ([], ["a cat"], ["a cat", "a dog"], ["x" * 60])]  # fmt: skip
    assert named == ["IF", 'IF "a cat"', 'IF "a cat"...', f'IF "{"x" * 40}..."']


# What it costs


@pytest.fixture(params=[1, 2])
def told(request, first, second, context):
    """A denoiser of a stage for a prompt."""
    if request.param == 1:
        return lambda seed, view=None: nodes.if_stage_1(context, prompt(seed), str(first))
    return lambda seed, view=None: nodes.if_stage_2(
        context, prompt(seed), small() if view is None else Image(view.apply(small().pixels)), str(second)
    )


def cost(denoiser, batch=1):
    """Calls and rows of a step, as they are counted and as they are told before."""
    x, evaluator = random((batch, 3, 16, 16), 4), Evaluator()
    evaluator.estimate(denoiser, x, 500)
    assert price(denoiser, x, [500]) == (evaluator.forwards, evaluator.rows)
    return evaluator.forwards, evaluator.rows


def test_guidance_is_one_forward_of_two(told):
    assert cost(CFGCombine(told(1), told(0), 7.0)) == (1, 2)
    assert cost(CFGCombine(told(1), told(0), 7.0), batch=3) == (1, 6)
    assert cost(CFGCombine(told(1), told(0), 1.0)) == (1, 1)


def test_a_guided_anagram_is_one_forward_of_four(told):
    flipped = partial(told, view=Flip())
    guided = FlipAverage(CFGCombine(told(1), told(0), 7.0), CFGCombine(flipped(2), flipped(0), 7.0), Flip())
    assert cost(guided) == (1, 4)


def test_a_guided_hybrid_is_one_forward_of_three(told):
    guided = FrequencyMix(CFGCombine(told(1), told(0), 7.0), CFGCombine(told(2), told(0), 7.0), 1.5)
    assert cost(guided) == (1, 3)


def test_a_run_of_fifty_steps_is_fifty_calls(told):
    evaluator = Evaluator()
    way = Sampler(steps=50).sample(CFGCombine(told(1), told(0), 7.0), Noisy(random((1, 3, 16, 16), 5)), evaluator)
    assert len(list(way)) == 51 and (evaluator.forwards, evaluator.rows) == (50, 100)


# Batches


@pytest.mark.parametrize("stage", [1, 2])
def test_a_batch_is_its_pictures_one_by_one(stage, first, second, context):
    x = random((4, 3, 16, 16), 6)

    def made(rows):
        conditioning = Conditioning(prompt(1, 2).embedding[rows])
        if stage == 1:
            return nodes.if_stage_1(context, conditioning, str(first))
        return nodes.if_stage_2(context, conditioning, small(), str(second))

    together = made([0, 1]).estimate(x, 600)
    for i in range(4):
        alone = made([i % 2]).estimate(x[i : i + 1], 600)
        assert largest(together.noise[i : i + 1], alone.noise) < 1e-5
        assert largest(together.variance[i : i + 1], alone.variance) < 1e-5
    assert largest(together.noise[:1], together.noise[1:2]) > 0.1


def test_pictures_and_prompts_go_round_by_themselves(second, context):
    """Two pictures and four prompts: picture i of the batch takes prompt i and picture i mod 2."""
    x, rows, pictures = random((4, 3, 16, 16), 6), prompt(1, 4), small(2)
    together = nodes.if_stage_2(context, rows, pictures, str(second))
    noised = together.inputs["picture"]
    answer = together.estimate(x, 600).noise
    unet = UNet2DConditionModel.from_pretrained(second, subfolder="unet").requires_grad_(False)
    for i in range(4):
        seen = torch.cat([x[i : i + 1], noised[i % 2 : i % 2 + 1]], dim=1)
        level = torch.tensor([250])
        expected = unet(seen, 600, encoder_hidden_states=rows.embedding[i : i + 1], class_labels=level)[0][:, :3]
        assert largest(answer[i : i + 1], expected) < 1e-5


def test_fewer_pictures_than_prompts_are_refused(first, context, unread):
    made = nodes.if_stage_1(context, prompt(1, 3), str(first))
    with pytest.raises(ValueError, match=r"prompts has 3 rows, one for each picture, and the batch has 2"):
        Sampler(steps=5).sample(made, Noisy(random((2, 3, 16, 16), 1))).__next__()


# What stage 2 sees


@pytest.mark.parametrize("noise_level", [0, 250, 999])
def test_the_picture_is_enlarged_and_noised_once(second, context, noise_level):
    image = small(2)
    made = nodes.if_stage_2(context, prompt(1), image, str(second), noise_level=noise_level, seed=11)
    large = F.interpolate(image.pixels, (16, 16), mode="bilinear", align_corners=True)
    noise = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(11))
    expected = COSINE.alpha(noise_level) * large + COSINE.sigma(noise_level) * noise
    torch.testing.assert_close(made.inputs["picture"], expected)
    assert made.inputs["level"].tolist() == [noise_level]
    x = random((2, 3, 16, 16), 7)
    assert torch.equal(made.estimate(x, 500).noise, made.estimate(x, 500).noise)  # not drawn anew


def test_the_halves_of_guidance_see_the_same_noise_whatever_prompts_they_have(second, context):
    one = nodes.if_stage_2(context, prompt(1, 2), small(2), str(second))
    other = nodes.if_stage_2(context, prompt(2), small(2), str(second))
    assert torch.equal(one.inputs["picture"], other.inputs["picture"])
    elsewhere = nodes.if_stage_2(context, prompt(2), small(2), str(second), seed=4)
    assert largest(one.inputs["picture"], elsewhere.inputs["picture"]) > 0.1


def test_a_picture_is_enlarged_to_the_size_of_the_checkpoint_or_to_another(second, context, unread):
    made = partial(nodes.if_stage_2, context, prompt(1), checkpoint=str(second))
    assert made(small()).shape == (3, 16, 16)
    assert made(small(), size=64).shape == (3, 64, 64)
    assert made(small(size=16)).shape == (3, 16, 16)  # as large as it is: drawn again
    wide = Image(picture(1, 6, 1)[..., :4, :])
    assert made(wide).shape == (3, 16, 24)


def test_pictures_need_not_be_square(first, second, context):
    one = nodes.if_stage_1(context, prompt(1), str(first))
    assert one.estimate(random((1, 3, 16, 24), 1), 500).noise.shape == (1, 3, 16, 24)
    two = nodes.if_stage_2(context, prompt(1), Image(picture(1, 6, 1)[..., :4, :]), str(second))
    assert two.estimate(random((1, 3, 16, 24), 1), 500).noise.shape == (1, 3, 16, 24)


@pytest.mark.parametrize("view", [Flip(), Negation()], ids=["flip", "negate"])
def test_within_a_view_the_bound_picture_is_what_is_seen_through_it(second, context, view):
    """All six channels are in the frame of the branch; the variance is moved back and never negated."""
    seen = Image(view.apply(small().pixels))
    upright = nodes.if_stage_2(context, prompt(1), small(), str(second))
    turned = nodes.if_stage_2(context, prompt(2), seen, str(second))
    x = random((1, 3, 16, 16), 8)
    found = FlipAverage(upright, turned, view).estimate(x, 400)

    unet = UNet2DConditionModel.from_pretrained(second, subfolder="unet").requires_grad_(False)
    level = torch.tensor([250])

    def raw(six, seed):
        return unet(six, 400, encoder_hidden_states=prompt(seed).embedding, class_labels=level, return_dict=False)[0]

    a = raw(torch.cat([x, upright.inputs["picture"]], dim=1), 1)
    b = raw(torch.cat([view.apply(x), turned.inputs["picture"]], dim=1), 2)
    assert largest(found.noise, (a[:, :3] + view.undo(b[:, :3])) / 2) < 1e-5
    assert largest(found.variance, (a[:, 3:] + view.move_back(b[:, 3:])) / 2) < 1e-5


# Types


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_it_computes_in_the_type_that_is_asked_for_and_speaks_float32(first, context, name):
    exact = nodes.if_stage_1(context, prompt(1), str(first), dtype="float32", variant="")
    made = nodes.if_stage_1(context, prompt(1), str(first), dtype=name, variant="")
    x = random((1, 3, 16, 16), 9)
    estimate = made.estimate(x, 500)
    network = context.resources.get(made.network.key, lambda: None)
    assert {str(weight.dtype) for weight in network.parameters()} == {f"torch.{name}"}
    assert estimate.noise.dtype == estimate.variance.dtype == torch.float32
    assert largest(estimate.noise, exact.estimate(x, 500).noise) < 0.1
    assert (made.network.key == exact.network.key) == (name == "float32")


def test_the_halved_weights_are_used_where_there_are_such(first, second, context):
    """What is stored as float16 computes in float32 on the processor: the file does not decide."""
    halved = nodes.if_stage_1(context, prompt(1), str(first))
    plain = nodes.if_stage_1(context, prompt(1), str(first), variant="")
    assert halved.network.key != plain.network.key
    x = random((1, 3, 16, 16), 9)
    assert 0 < largest(halved.estimate(x, 500).noise, plain.estimate(x, 500).noise) < 0.01
    network = context.resources.get(halved.network.key, lambda: None)
    halves = load_file(first / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    for name, weight in network.unet.state_dict().items():
        assert weight.dtype == torch.float32 and torch.equal(weight, halves[name].float())
    nodes.if_stage_2(context, prompt(1), small(), str(second), variant="fp16")  # it has none: the plain ones


def test_types_by_device(monkeypatch):
    assert find_dtype("auto", "cpu") is torch.float32
    assert find_dtype("auto", "mps") is torch.float16
    for there, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, there=there: there)
        assert find_dtype("auto", "cuda:0") is expected
        assert find_dtype("float32", "cuda:0") is torch.float32
    with pytest.raises(ValueError, match="dtype is 'half', must be one of auto, float32, float16, bfloat16"):
        find_dtype("half", "cpu")


# Bad checkpoints


def edited(folder, target, component, **changed):
    """A copy of a checkpoint with a changed configuration; None takes a value away."""
    import shutil

    shutil.copytree(folder, target)
    path = next((target / component).glob("*config.json"))
    config = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({name: value for name, value in config.items() if value != "absent"}))
    return str(target)


def test_the_stages_are_told_apart(first, second, context, unread):
    with pytest.raises(ValueError, match="enlarges pictures and is for IFStage2; IFStage1 needs a first stage"):
        nodes.if_stage_1(context, prompt(1), str(second))
    shutil_like = partial(nodes.if_stage_2, context, prompt(1), small())
    with pytest.raises(ValueError, match="image_noising_scheduler"):
        shutil_like(str(first))


def test_a_first_stage_with_a_noising_scheduler_is_none_that_enlarges(first, second, tmp_path, context, unread):
    import shutil

    folder = edited(first, tmp_path / "first", "scheduler")
    shutil.copytree(second / "image_noising_scheduler", tmp_path / "first" / "image_noising_scheduler")
    with pytest.raises(ValueError, match="does not enlarge pictures; IFStage2 needs a second stage"):
        nodes.if_stage_2(context, prompt(1), small(), folder)


@pytest.mark.parametrize(
    ("component", "changed", "message"),
    [
        ("unet", {"_class_name": "T5EncoderModel"}, "describes a T5EncoderModel, must be a UNet2DConditionModel"),
        ("unet", {"out_channels": 9}, "gives 9 channels for pictures of 3, must be 6, the noise and its variance, or 3"),
        ("unet", {"in_channels": "absent"}, "lacks 'in_channels'; get the checkpoint again"),
        ("unet", {"in_channels": "three"}, "has numbers that are none; get the checkpoint again"),
        ("unet", {"addition_embed_type": "image"}, "has the addition_embed_type image, must be text"),
        ("unet", {"encoder_hid_dim_type": "image_proj"}, "has the encoder_hid_dim_type image_proj, must be text_proj"),
        ("scheduler", {"prediction_type": "v_prediction"}, "has the prediction_type v_prediction, must be epsilon"),
        ("scheduler", {"rescale_betas_zero_snr": True}, "must leave some of the picture at the last timestep"),
        ("scheduler", {"beta_schedule": "sigmoid"}, "has the beta_schedule sigmoid, must be squaredcos_cap_v2, linear"),
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


def test_a_network_that_lacks_weights_is_refused_when_it_is_loaded(first, tmp_path, context):
    folder = edited(first, tmp_path / "lacking", "unet")
    path = tmp_path / "lacking" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    gone = sorted(weights)[:2]
    save_file({name: value for name, value in weights.items() if name not in gone}, path, {"format": "pt"})
    made = nodes.if_stage_1(context, prompt(1), folder, variant="")
    with pytest.raises(ValueError, match=f"lacks 2 weights, such as {gone[0]}; get the checkpoint again"):
        made.estimate(random((1, 3, 16, 16), 1), 500)


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
        (random((1, 77, 8), 1), "the prompt has 8 numbers a token, this network reads 32; encode it with the text encod"),
        (random((77, 32), 1), r"the embedding has the shape \[77, 32\], must be \(prompts, tokens, 32\)"),
        (random((0, 77, 32), 1), r"the embedding has the shape \[0, 77, 32\]"),
        (random((1, 0, 32), 1), r"the embedding has the shape \[1, 0, 32\]"),
        (torch.full((1, 77, 32), float("nan")), "values that are not finite, must all be numbers; encode the prompt in"),
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
        (Image((small().pixels + 1) / 2), r"none below 0, like one in \[0, 1\]; must be in \[-1, 1\], that is 2 x - 1"),
        (Image(picture(1, 32, 1)), "the picture is 32 x 32, larger than the 16 to be drawn; make it smaller first"),
        (Image(picture(1, 7, 1)[..., :6]), "the picture is 6 x 7, whose longer side would not be a whole number"),
        (Image(picture(1, 5, 1)[..., :4]), "the pictures are 16 x 20, must be divisible by 8, such as 16 x 16"),
        (small(3), "there are 2 prompts and 3 pictures, must be as many, or one a multiple of the other"),
    ],
)
def test_pictures_that_cannot_be_enlarged(second, context, unread, image, message):
    with pytest.raises(ValueError, match=message):
        nodes.if_stage_2(context, prompt(1, 2), image, str(second))


def test_bright_pictures_can_be_insisted_on(second, context, unread):
    bright = Image((small().pixels + 1) / 2)
    made = nodes.if_stage_2(context, prompt(1), bright, str(second), check_range=False)
    assert made.shape == (3, 16, 16)
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
    with pytest.raises(ValueError, match=f"t is {noise_level}, must be from 0 to 999|noise level"):
        nodes.if_stage_2(context, prompt(1), small(), str(second), noise_level=noise_level)


# Graphs


@node("Told", category="Tests", outputs="conditioning")
def told_by_seed(seed_of_words: int = 1) -> Conditioning:
    """A prompt that no text encoder has seen."""
    return prompt(seed_of_words, said=[f"words {seed_of_words}"])


def stages(first, second):
    """Text to image and on to a larger one, guided, in one file."""
    return Graph.from_dict(
        {
            "nodegraph": 1,
            "nodes": {
                "words": {"type": "Told", "inputs": {"seed_of_words": 1}},
                "nothing": {"type": "Told", "inputs": {"seed_of_words": 2}},
                "first": {"type": "Text", "inputs": {"value": str(first)}},
                "c": {"type": "IFStage1"},
                "u": {"type": "IFStage1"},
                "guide": {"type": "CFGCombine", "inputs": {"scale": 7.0}},
                "noise": {"type": "PureNoise", "inputs": {"size": 16, "channels": 3}},
                "small": {"type": "IterativeSampler", "inputs": {"steps": 10, "clip": "dynamic"}},
                "c2": {"type": "IFStage2", "inputs": {"checkpoint": str(second), "size": 32}},
                "u2": {"type": "IFStage2", "inputs": {"checkpoint": str(second), "size": 32}},
                "guide2": {"type": "CFGCombine", "inputs": {"scale": 4.0}},
                "noise2": {"type": "PureNoise", "inputs": {"size": 32, "channels": 3, "seed": 5}},
                "large": {"type": "IterativeSampler", "inputs": {"steps": 10, "clip": "clamp", "seed": 6}},
            },
            "links": [
                "first.text -> c.checkpoint",
                "first.text -> u.checkpoint",
                "words.conditioning -> c.conditioning",
                "nothing.conditioning -> u.conditioning",
                "c.denoiser -> guide.conditional",
                "u.denoiser -> guide.unconditional",
                "guide.denoiser -> small.denoiser",
                "noise.noisy -> small.start",
                "words.conditioning -> c2.conditioning",
                "nothing.conditioning -> u2.conditioning",
                "small.image -> c2.image",
                "small.image -> u2.image",
                "c2.denoiser -> guide2.conditional",
                "u2.denoiser -> guide2.unconditional",
                "guide2.denoiser -> large.denoiser",
                "noise2.noisy -> large.start",
            ],
        }
    )
