"""The nodes of DeepFloyd IF: what their denoisers hold, see, ask and cost."""

import copy
import json
import socket
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from if_pipelines import COSINE, largest, picture, prompt, random, small
from safetensors.torch import load_file
from tiny_if import tiny_unet, write_if_checkpoint

from nodegraph import Context
from nodegraph_nodes import deepfloyd as nodes
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import Flip, Negation
from nodegraph_nodes.types import Conditioning, Image, NoiseSchedule, Noisy


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return write_if_checkpoint(tmp_path_factory.mktemp("first"), 1, 16, variants=("", "fp16"))


@pytest.fixture
def context():
    return Context()


@pytest.fixture
def offline(monkeypatch):
    """The network must not be asked in this test."""

    def refuse(*address):
        raise AssertionError(f"the network was asked: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# What a leaf is


def test_making_a_denoiser_reads_configurations_only(first, second, context, unread):
    one = nodes.if_stage_1(context, prompt(1, said=["a cat"]), str(first))
    two = nodes.if_stage_2(context, prompt(1), small(), str(second))
    assert one.schedule == two.schedule == NoiseSchedule.named("cosine")
    assert (one.largest, two.largest) == (1.5, 1.0)
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


def test_it_is_the_network_split_into_noise_and_variance(first, second, context, offline):
    x, rows = random((2, 3, 16, 16), 2), prompt(1, 2)
    for folder, made, given in (
        (first, nodes.if_stage_1(context, rows, str(first), variant=""), {}),
        (second, nodes.if_stage_2(context, rows, small(2), str(second)), {"class_labels": torch.tensor([250, 250])}),
    ):
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").to(memory_format=torch.channels_last)
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


@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++", "euler"])
def test_every_method_samples_it_though_few_of_diffusers_schedulers_take_six_channels(first, context, method):
    made = CFGCombine(*(nodes.if_stage_1(context, prompt(seed), str(first)) for seed in (1, 2)), 3.0)
    *_, last = Sampler(steps=5, method=method, clip="dynamic").sample(made, Noisy(random((1, 3, 16, 16), 2)))
    assert last.x_t.shape == (1, 3, 16, 16) and bool(last.x_t.isfinite().all())


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


# What the tests rest on


@pytest.mark.parametrize("stage", [1, 2])
def test_the_tiny_network_lets_runs_be_compared_and_listens_to_its_prompt(stage, first, second, context):
    """Fifty guided steps of three at once: one, one whose start differs by 1e-6, and one with another prompt."""
    start = random((1, 3, 16, 16), 1).repeat(3, 1, 1, 1)
    start[1] += 1e-6 * random((3, 16, 16), 2)
    same, other, nothing = (prompt(seed).embedding for seed in (1, 3, 2))
    words = Conditioning(torch.cat([same, same, other]))
    if stage == 1:
        c, u = (nodes.if_stage_1(context, told, str(first), variant="") for told in (words, Conditioning(nothing)))
    else:
        c, u = (nodes.if_stage_2(context, told, small(), str(second)) for told in (words, Conditioning(nothing)))

    with pytest.MonkeyPatch.context() as patch:
        left = list(random((50, 1, 3, 16, 16), 4))  # the same noise for all three
        patch.setattr("nodegraph_nodes.ops.samplers.drawing", lambda seed: lambda x: left.pop().expand_as(x))
        steps = list(Sampler(steps=50, clip="dynamic").sample(CFGCombine(c, u, 7.0), Noisy(start)))
    a, b, d = steps[-1].x_t
    assert largest(a, b) < 1e-3
    assert float((a - d).abs().mean()) > 0.05 and float(a.std()) > 0.1
    cut = [step for step in steps[:-1] if float(step.x0[0].abs().max()) == 1]
    assert len(cut) > 10  # thresholds have work to do


def test_the_tiny_checkpoint_is_laid_out_and_configured_as_the_real_one(first, second):
    index = json.loads((second / "model_index.json").read_text())
    assert index["_class_name"] == "IFSuperResolutionPipeline"
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["scheduler"] == index["image_noising_scheduler"] == ["diffusers", "DDPMScheduler"]
    assert (first / "unet" / "diffusion_pytorch_model.fp16.safetensors").is_file()
    one = json.loads((first / "unet" / "config.json").read_text())
    two = json.loads((second / "unet" / "config.json").read_text())
    assert one["down_block_types"][:2] == ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"]
    assert one["cross_attention_norm"] == two["cross_attention_norm"] == "group_norm"
    assert (one["in_channels"], one["out_channels"], two["in_channels"], two["out_channels"]) == (3, 6, 6, 6)
    assert two["class_embed_type"] == "timestep" and two["only_cross_attention"] and two["resnet_skip_time_act"]
    for folder, largest_value in ((first, 1.5), (second, 1.0)):
        told = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
        assert (told["beta_schedule"], told["variance_type"]) == ("squaredcos_cap_v2", "learned_range")
        assert (told["thresholding"], told["dynamic_thresholding_ratio"]) == (True, 0.95)
        assert told["sample_max_value"] == largest_value
