"""The nodes of noise, denoisers, guidance and sampling: called as functions, and run in graphs."""

import io
import threading
from typing import get_args

import pytest
import torch
from PIL import Image as Pillow

from nodegraph import Cancelled, CheckFailed, Context, Control, Graph, Session, check
from nodegraph.plugins import load_plugins
from nodegraph_nodes import components, denoisers, guidance, inpainting, noise, sampling, value_types, views
from nodegraph_nodes.ops import networks
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import Mode
from nodegraph_nodes.ops.networks import read_digits
from nodegraph_nodes.ops.pictures import thumbnail
from nodegraph_nodes.ops.references import Level
from nodegraph_nodes.ops.rules import Method, Variance
from nodegraph_nodes.ops.samplers import Clip
from nodegraph_nodes.ops.schedules import BETAS, Spacing
from nodegraph_nodes.ops.trajectories import Shown, evenly, kept
from nodegraph_nodes.ops.unet import UNet, UNetConfig, save_unet
from nodegraph_nodes.ops.views import DISTORTIONS, VIEWS
from nodegraph_nodes.types import Image, Mask, Model, NoiseSchedule, Noisy

LINEAR = NoiseSchedule.named("linear")
SMALL = UNetConfig(widths=(8, 16))


def lively_weights(seed=0):
    """Weights without the zeros of a fresh network, so that everything has an influence."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: 0.3 * torch.randn(value.shape, generator=generator) for name, value in UNet(SMALL).state_dict().items()
    }


MODEL = Model(SMALL.describe(), lively_weights())
PICTURE = Image(torch.rand((2, 1, 28, 28), generator=torch.Generator().manual_seed(3)) * 2 - 1)
HALF = Mask(torch.cat([torch.ones(1, 1, 28, 14), torch.zeros(1, 1, 28, 14)], dim=-1))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    path = tmp_path / "mnist.safetensors"
    save_unet(path, lively_weights(), SMALL)
    monkeypatch.setattr(networks, "SHIPPED", path)
    return path


def digit(text="", context=None, model=MODEL):
    return denoisers.unet_mnist(context or Context(), text, model)


def drawn(shape, seed):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


# Noise


def test_pure_noise_is_what_its_seed_draws():
    made = noise.pure_noise(size=16, channels=3, batch=2, seed=9)
    assert torch.equal(made.x, drawn((2, 3, 16, 16), 9)) and made.x.dtype == torch.float32
    assert (made.t, made.schedule, made.space) == (None, None, "pixels")


@pytest.mark.parametrize("t", [0, 250, 999])
def test_noise_is_added_as_the_forward_process_does(t):
    made = noise.add_noise(PICTURE, t=t, seed=4)
    expected = LINEAR.alpha(t) * PICTURE.pixels + LINEAR.sigma(t) * drawn((2, 1, 28, 28), 4)
    torch.testing.assert_close(made.noisy.x, expected)
    assert (made.noisy.t, made.noisy.schedule) == (t, LINEAR)
    assert made.image.pixels is made.noisy.x
    assert (made.noisy.x - PICTURE.pixels).abs().max() > 0.01  # also at t = 0


def test_the_schedule_can_be_named_or_lent():
    cosine = NoiseSchedule.named("cosine")
    assert noise.add_noise(PICTURE, schedule="cosine").noisy.schedule == cosine
    lender = denoisers.exact_gaussian(schedule="cosine")
    assert noise.add_noise(PICTURE, like=lender).noisy.schedule == cosine
    short = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, NoiseSchedule.named("linear", 300))
    assert noise.add_noise(PICTURE, like=short, strength=1.0).noisy.t == 299
    with pytest.raises(ValueError, match="t is 500, must be from 0 to 299"):
        noise.add_noise(PICTURE, like=short)


@pytest.mark.parametrize(("strength", "t"), [(1.0, 999), (0.29, 289), (0.5, 499), (0.0001, 0)])
def test_strength_is_another_way_to_say_t(strength, t):
    assert noise.add_noise(PICTURE, t=3, strength=strength).noisy.t == t


def test_strength_0_is_refused():
    with pytest.raises(ValueError, match=r"strength is 0, must be above 0 .* without noise nothing is drawn anew"):
        noise.add_noise(PICTURE, strength=0.0)


# The network


@pytest.mark.parametrize(
    ("text", "labels"),
    [("", [10]), (" ", [10]), ("3", [3]), ("6,9", [6, 9]), ("0-9", list(range(10))), (" 1 , 3 - 5,0", [1, 3, 4, 5, 0]),
     ("9-7", [9, 8, 7]), ("7-7", [7])],
)  # fmt: skip
def test_digits_are_read(text, labels):
    assert read_digits(text) == labels


@pytest.mark.parametrize("text", ["x", "10", "-1", "1-", "1,,2", "1-2-3", "3.5", "٣", "0-10", ","])
def test_what_names_no_digits_is_refused(text):
    with pytest.raises(ValueError, match="must be digits from 0 to 9 such as 3, or 6,9, or 0-9; empty for any"):
        read_digits(text)


def test_a_digit_is_the_label_of_the_network():
    x = drawn((4, 1, 28, 28), 1)
    net = networks.load_trained(MODEL)
    for text, labels in (("3", [3] * 4), ("", [10] * 4), ("6,9", [6, 9, 6, 9])):
        expected = net(x, 400, torch.tensor(labels))
        torch.testing.assert_close(digit(text).estimate(x, 400).noise, expected)


def test_pictures_of_another_shape_are_refused():
    for x, told in ((torch.zeros(1, 1, 32, 32), "32 x 32 with 1 channel"), (torch.zeros(1, 3, 28, 28), "3 channels")):
        with pytest.raises(ValueError, match=f"{told}, the denoiser takes 28 x 28 with 1 channel only"):
            digit("3").estimate(x, 400)


def test_more_digits_than_pictures_are_refused_before_the_network_is_loaded():
    context = Context()
    message = r"digit 0-9: label has 10 rows, one for each picture, and the batch has 2; .* `batch` of PureNoise"
    with pytest.raises(ValueError, match=message):
        sampling.iterative_sampler(context, digit("0-9", context), noise.pure_noise(batch=2), steps=2)
    assert len(context.resources) == 0


def test_the_network_is_loaded_when_it_is_called_and_shared(shipped):
    context = Context()
    three, any_ = denoisers.unet_mnist(context, "3"), denoisers.unet_mnist(context, "")
    assert len(context.resources) == 0
    evaluator = Evaluator()
    evaluator.estimate(guidance.cfg_combine(three, any_, 2.0), drawn((1, 1, 28, 28), 1), 400)
    assert len(context.resources) == 1 and context.resources.held_bytes > 1000
    assert (evaluator.forwards, evaluator.rows) == (1, 2)
    context.resources.clear()
    three.estimate(drawn((1, 1, 28, 28), 1), 400)  # it is loaded again
    assert len(context.resources) == 1


def test_the_shipped_network_and_a_model_of_the_same_weights_agree(shipped):
    x = drawn((1, 1, 28, 28), 1)
    torch.testing.assert_close(digit("3", model=None).estimate(x, 9).noise, digit("3").estimate(x, 9).noise)


def test_a_missing_network_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "SHIPPED", tmp_path / "gone.safetensors")
    with pytest.raises(ValueError, match=r"the network that should come along is missing.*train one with TrainUNet"):
        digit("3", model=None)


def test_a_network_without_classes_takes_no_digit():
    plain = Model(MODEL.config, MODEL.weights, {"settings": '{"class_conditional": false}'})
    with pytest.raises(ValueError, match="digit is '3', but the network was trained without classes"):
        digit("3", model=plain)
    digit("", model=plain)


def test_the_weights_of_a_model_count_as_the_denoiser_s():
    (declared,) = (each for each in value_types.VALUE_TYPES if each.type.__name__ == "Denoiser")
    assert dict(declared.nbytes(digit("3"))).keys() >= dict(value_types.nbytes(MODEL)).keys()
    assert declared.summary(digit("3")) == "digit 3" and declared.summary(digit()) == "any digit"


def test_the_network_makes_room_before_the_batch_is_split():
    context = Context()
    context.resources.get("other", lambda: "large", nbytes=lambda _: 10**9)

    class Greedy(torch.nn.Module):
        def forward(self, x, t):
            if "other" in context.resources:
                raise torch.OutOfMemoryError("full")
            return x

    network = networks.StoredNetwork("greedy", Greedy, context.resources)
    leaf = networks.NetworkDenoiser(network, {}, LINEAR)
    evaluator = Evaluator()
    evaluator.estimate(leaf, torch.zeros(4, 1, 2, 2), 5)
    assert evaluator.forwards == 1 and "other" not in context.resources and "greedy" in context.resources


# Combining


def test_exact_denoisers_are_made_of_a_picture_or_a_value():
    x = drawn((2, 1, 28, 28), 5)
    flat = denoisers.exact_gaussian(value=0.5, sigma=0.3)
    torch.testing.assert_close(
        flat.estimate(x, 300).noise,
        ExactGaussian(torch.full((1, 1, 1, 1), 0.5), 0.3, LINEAR).estimate(x, 300).noise,
    )
    assert flat.shape is None
    assert denoisers.exact_gaussian(PICTURE).shape == (1, 28, 28)
    assert denoisers.exact_gaussian(Image(PICTURE.pixels, "latent:sd")).space == "latent:sd"


def test_every_combining_node_runs_and_changes_nothing_that_it_was_given():
    context = Context()
    a, b, any_ = digit("3", context), digit("5", context), digit("", context)
    given = [a, b, any_, PICTURE, HALF]
    before = [value_types.VALUE_TYPES[0].copy(value) for value in given]
    made = [
        guidance.cfg_combine(a, any_, 3.0),
        views.flip_average(a, b, "rotate_180"),
        views.flip_average(a, b, "pixel_permutation", 4),
        components.frequency_mix(a, b),
        components.frequency_mix(a, b, 2.0, 33),
        guidance.region_blend(a, b, HALF),
        guidance.weighted_sum([a, b], [2.0, -1.0], any_),
        guidance.weighted_sum([a, b], [2.0, -1.0]),
        inpainting.mask_blend(a, PICTURE, HALF),
        inpainting.mask_blend(a, PICTURE, HALF, "before", True, 7),
        inpainting.mask_blend(a, PICTURE, HALF, "paste"),
        inpainting.mask_blend(a, PICTURE, HALF, "shared"),
        inpainting.mask_blend(a, PICTURE, HALF, "fixed"),
        inpainting.ilvr(a, PICTURE),
    ]
    for denoiser in made:
        start = noise.pure_noise(batch=2)
        kept_start = start.x.clone()
        sampled = sampling.iterative_sampler(context, denoiser, start, steps=3)
        assert sampled.image.pixels.shape == (2, 1, 28, 28) and sampled.image.pixels.isfinite().all()
        assert torch.equal(start.x, kept_start)
    for value, copied in zip(given, before, strict=True):
        for x, y in zip(value_types.tensors(value), value_types.tensors(copied), strict=True):
            assert torch.equal(x, y)


def test_transform_shows_what_a_view_sees():
    noisy = noise.add_noise(PICTURE, t=100).noisy
    made = views.transform(PICTURE, noisy, "negate")
    assert torch.equal(made.image.pixels, -PICTURE.pixels)
    assert torch.equal(made.noisy.x, -noisy.x) and (made.noisy.t, made.noisy.schedule) == (100, LINEAR)
    there = views.transform(PICTURE, None, "pixel_permutation", 5)
    back = views.transform(there.image, None, "pixel_permutation", 5, undo=True)
    assert torch.equal(back.image.pixels, PICTURE.pixels) and back.noisy is None
    assert views.transform(None, noisy).image is None
    with pytest.raises(ValueError, match="there is nothing to transform"):
        views.transform()


# Sampling


class Listening(Context):
    """Remembers what a node reports."""

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.reports = []

    def progress(self, step, total, preview=None, text=""):
        self.reports.append((step, total, preview and preview(), text))
        super().progress(step, total, preview, text)


def test_the_sampler_says_what_it_costs_and_shows_each_step():
    context = Listening()
    guided = guidance.cfg_combine(digit("3", context), digit("", context), 2.0)
    sampled = sampling.iterative_sampler(context, guided, noise.pure_noise(batch=4), steps=5)
    assert context.reports[0][:3] == (0, 5, None)
    assert context.reports[0][3] == "5 steps: 5 network calls, 40 pictures in them"
    assert [report[:2] for report in context.reports[1:]] == [(i, 5) for i in range(1, 6)]
    assert [report[3] for report in context.reports[1:]] == [f"t = {t}" for t in (800, 600, 400, 200, 0)]
    for _, _, preview, _ in context.reports[1:]:
        picture = Pillow.open(io.BytesIO(preview))
        assert picture.format == "PNG" and max(picture.size) <= 256
    assert [step.t for step in sampled.trajectory] == [800, 600, 400, 200, 0, -1]
    assert torch.equal(sampled.trajectory.steps[-1].x0, sampled.image.pixels)
    assert float(sampled.image.pixels.abs().max()) <= 1


def test_the_cost_of_repeats_is_known():
    context = Listening()
    denoiser = inpainting.mask_blend(digit("3", context), PICTURE, HALF, "before")
    sampling.iterative_sampler(context, denoiser, noise.pure_noise(batch=2), steps=33, repeats=5, jump=5)
    assert context.reports[0][3] == "153 steps: 153 network calls, 306 pictures in them"
    assert context.reports[-1][:2] == (153, 153)


def test_the_sampler_s_settings_reach_it():
    context = Context()
    three, start = digit("3", context), noise.pure_noise()

    def picture(**settings):
        return sampling.iterative_sampler(context, three, start, **({"steps": 4} | settings)).image.pixels

    plain = picture()
    assert torch.equal(plain, picture())
    assert torch.equal(plain, picture(timesteps=[750, 500, 250, 0]))
    different = [
        {"seed": 2}, {"method": "ddim"}, {"method": "dpm++"}, {"method": "euler", "clip": "none"}, {"steps": 5},
        {"repeats": 2, "jump": 1}, {"spacing": "trailing"}, {"clip": "none"}, {"variance": "fixed_large"},
        {"method": "ddim", "eta": 0.5}, {"timesteps": [999, 0]}, {"end": 250},
    ]  # fmt: skip
    pictures = [plain, *(picture(**settings) for settings in different)]
    assert len({each.numpy().tobytes() for each in pictures}) == len(pictures)


def test_sampling_goes_on_from_a_noised_picture():
    context = Listening()
    start = noise.add_noise(PICTURE, t=450, seed=3).noisy
    sampled = sampling.iterative_sampler(context, digit("3", context), start, steps=5)
    assert [step.t for step in sampled.trajectory] == [450, 400, 200, 0, -1]
    with pytest.raises(ValueError, match="noised by the schedule cosine, the denoiser learned linear"):
        wrong = noise.add_noise(PICTURE, t=450, schedule="cosine").noisy
        sampling.iterative_sampler(context, digit("3", context), wrong)


def test_a_walk_that_ends_early_says_so():
    context = Listening()
    sampled = sampling.iterative_sampler(context, digit("3", context), noise.pure_noise(), steps=5, end=200)
    assert [step.t for step in sampled.trajectory] == [800, 600, 400, 200]
    assert [report[:2] for report in context.reports] == [(i, 3) for i in range(4)]
    assert torch.equal(sampled.image.pixels, sampled.trajectory.steps[-1].x_t)


class Untouched:
    """A network that fails the test when it is called."""

    key = "untouched"

    def __call__(self, x, t, **inputs):
        raise AssertionError("the network was called")


def untouched(labels=(3,), shape=None):
    label = torch.tensor(labels)
    return networks.NetworkDenoiser(Untouched(), {"label": label}, LINEAR, shape)


START = noise.pure_noise(batch=2)
MIDDLE = noise.add_noise(PICTURE, t=450).noisy
BAD = {
    "a timestep twice": ({"timesteps": [900, 500, 500]}, START, "timesteps has 500 after 500, must fall"),
    "rising timesteps": ({"timesteps": [500, 900]}, START, "timesteps has 900 after 500, must fall"),
    "no such timestep": ({"timesteps": [1000, 500]}, START, "timesteps holds 1000, must be from 0 to 999"),
    "too many steps": ({"steps": 1001}, START, "steps is 1001, must be from 1 to 1000"),
    "nothing below the start": ({"end": 450}, MIDDLE, "the walk begins at t = .* and ends at 450"),
    "CS180 from its end": ({"preset": "CS180"}, Noisy(PICTURE.pixels, 0, LINEAR), "more noise, or let it end at -1"),
    "another schedule": ({}, noise.add_noise(PICTURE, schedule="cosine").noisy, "by the schedule cosine, .* linear"),
    "latents": ({}, noise.add_noise(Image(PICTURE.pixels, "latent:sd")).noisy, "latent:sd, the denoiser .* pixels"),
    "a jump that is too high": ({"steps": 10, "repeats": 2}, START, "jump is 10, must be below 10, the number of"),
    "RePaint from too low": ({"preset": "RePaint"}, noise.add_noise(PICTURE, t=30).noisy, "begin with more noise"),
    "a preset contradicted": ({"preset": "CS180", "clip": "dynamic"}, START, "clip is dynamic, the preset CS180 sets"),
    "eta for ddpm": ({"eta": 1.0}, START, "eta is 1 with ddpm"),
}


@pytest.mark.parametrize("what", BAD)
def test_the_sampler_refuses_before_any_network_is_called(what):
    settings, start, message = BAD[what]
    with pytest.raises(ValueError, match=message):
        sampling.iterative_sampler(Context(), untouched(), start, **settings)


@pytest.mark.parametrize("mode", get_args(Mode))
def test_so_it_does_when_rows_or_sizes_do_not_agree(mode):
    three = Image(PICTURE.pixels[:1].repeat(3, 1, 1, 1))
    small = Image(PICTURE.pixels[..., :14, :14])
    for made, message in (
        (lambda: untouched((1, 2, 3)), "label has 3 rows, one for each picture, and the batch has 2"),
        (lambda: guidance.cfg_combine(untouched(), untouched((1, 2, 3)), 2.0), "label has 3 rows"),
        (lambda: inpainting.mask_blend(untouched(), three, HALF, mode), "the image has 3 rows"),
        (lambda: inpainting.mask_blend(untouched(), PICTURE, Mask(HALF.values.repeat(3, 1, 1, 1)), mode), "mask has 3"),
        (lambda: inpainting.mask_blend(untouched(), small, HALF, mode), "mask is 28 x 28, must be 14 x 14"),
        (
            lambda: inpainting.mask_blend(untouched(), small, Mask(HALF.values[..., :14, 7:21]), mode),
            "the image is 14 x 14 with 1 channel, must be 28 x 28",
        ),
        (lambda: inpainting.mask_blend(untouched(shape=(1, 28, 28)), small, HALF, mode), "the image is 14 x 14"),
        (lambda: inpainting.mask_blend(untouched(), Image(PICTURE.pixels, "latent:sd"), HALF, mode), "latent:sd"),
        (lambda: untouched(shape=(3, 28, 28)), "takes 28 x 28 with 3 channels only"),
    ):
        with pytest.raises(ValueError, match=message):
            sampling.iterative_sampler(Context(), made(), START)


@pytest.mark.parametrize("given", [{"strength": 0}, {"strength": -0.5}, {"strength": 1.5}, {"t": 1000}, {"t": -1}])
def test_a_graph_with_such_a_noise_is_refused_before_it_runs(given, session):
    ((name, value),) = given.items()
    graph = Graph().add("mask", "RectangleMask", size=28).add("noise", "AddNoise", **given)
    problems = check(graph.connect("mask.mask -> noise.image"), session.registry)
    assert [(problem.node, problem.input) for problem in problems] == [("noise", name)]
    assert f"{name} is {value:g}" in str(problems[0])
    assert ("without noise nothing is drawn anew" in str(problems[0])) == (value == 0)
    with pytest.raises(ValueError, match=f"{name} is {value:g}, must be"):
        noise.add_noise(PICTURE, **given)


@pytest.mark.parametrize("t", [250, 500, 750])
def test_one_step_takes_all_the_estimated_noise_away(t):
    three, noisy = digit("3"), noise.add_noise(PICTURE, t=t, seed=3).noisy
    found = sampling.one_step_denoise(Context(), three, noisy).pixels
    expected = LINEAR.cleaned(noisy.x, three.estimate(noisy.x, t).noise, t)
    torch.testing.assert_close(found, expected)
    clipped = sampling.one_step_denoise(Context(), three, noisy, clip="clamp").pixels
    torch.testing.assert_close(clipped, expected.clamp(-1, 1))


def test_one_step_keeps_what_a_mask_keeps():
    noisy = noise.add_noise(PICTURE, t=500, seed=3).noisy
    found = sampling.one_step_denoise(Context(), inpainting.mask_blend(digit("3"), PICTURE, HALF), noisy).pixels
    assert torch.equal(found[..., 14:], PICTURE.pixels[..., 14:])


def test_one_step_must_know_how_noisy_it_is():
    with pytest.raises(ValueError, match="pure noise of no timestep; link a picture from AddNoise"):
        sampling.one_step_denoise(Context(), digit("3"), noise.pure_noise())


def test_the_device_is_the_context_s():
    meta = Context(device="meta")
    flat = denoisers.exact_gaussian()
    seen = []

    class Watching(ExactGaussian):
        def ask(self, p):
            seen.append(p.x.device.type)
            return (yield from super().ask(p))

    with pytest.raises(NotImplementedError):  # nothing can be brought back from there
        sampling.iterative_sampler(meta, Watching(flat.mean, 0.3, LINEAR), noise.pure_noise(), steps=1)
    assert set(seen) == {"meta"}


# What the way looked like


@pytest.fixture(scope="module")
def way():
    context = Context()
    return sampling.iterative_sampler(context, digit("3", context), noise.pure_noise(batch=2), steps=20).trajectory


@pytest.mark.parametrize(("shown", "rows"), [("noisy", 2), ("clean", 2), ("both", 4)])
def test_a_filmstrip_has_a_row_for_each_picture(way, shown, rows):
    picture = sampling.filmstrip(way, 6, shown).pixels
    one = sampling.filmstrip(way, 1, shown).pixels
    assert picture.shape[0] == 1 and picture.shape[-1] > 5 * one.shape[-1] * 0.8
    assert rows * 112 < picture.shape[-2] < rows * 112 + 120


@pytest.mark.parametrize("shown", ["noisy", "clean", "both"])
@pytest.mark.parametrize("format", ["gif", "webp"])
def test_an_animation_is_saved(way, tmp_path, format, shown):
    from nodegraph import OutputFolder

    context = Listening(output=OutputFolder(tmp_path))
    path = sampling.save_animation(context, way, "my/way", format, 7, shown)
    assert path == tmp_path / "my" / f"way.{format}"
    with Pillow.open(path) as film:
        assert (film.format.lower(), film.n_frames) == (format, 7)
    assert context.reports[-1][:2] == (7, 7)
    again = sampling.save_animation(context, way, "my/way", format, 7, shown)
    assert again != path and again.exists()


def test_latents_are_not_shown_as_pictures():
    latent = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, LINEAR, space="latent:sd")
    start = Noisy(drawn((1, 4, 8, 8), 1), space="latent:sd")
    sampled = sampling.iterative_sampler(Listening(), latent, start, steps=2, clip="none")
    assert sampled.image.space == sampled.trajectory.space == "latent:sd"
    with pytest.raises(ValueError, match="in the space latent:sd, must be pixels to be shown"):
        sampling.filmstrip(sampled.trajectory)


def test_latents_are_previewed_as_their_denoiser_shows_them():
    """Through a composition, too; where nobody can show them, as the mean of their channels."""

    class Shown(ExactGaussian):
        def preview(self, x0):
            return x0[:, 1:]

    x0 = drawn((1, 4, 8, 8), 1)
    shown, plain = (kind(torch.zeros(1, 1, 1, 1), 1.0, LINEAR, space="latent:sd") for kind in (Shown, ExactGaussian))
    guided = guidance.cfg_combine(shown, plain, 2.0)
    assert sampling.preview_of(guided, x0) == sampling.preview_of(shown, x0) == thumbnail(x0[:, 1:])
    assert plain.preview(x0) is None and sampling.preview_of(plain, x0) == thumbnail(x0.mean(dim=1, keepdim=True))
    pixels = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, LINEAR)
    assert sampling.preview_of(pixels, x0[:, :3]) == thumbnail(x0[:, :3])


def test_a_trajectory_is_bounded():
    assert kept(51, 1000) == frozenset(range(51))
    few = kept(1001, 2**20, most=100 * 2**20)
    assert len(few) == 100 and {0, 1000} <= few
    assert kept(10, 10**12) == frozenset({0, 9})
    assert evenly(list("abcdefg"), 3) == ["a", "d", "g"] and evenly(list("abc"), 9) == ["a", "b", "c"]
    assert evenly(list("abc"), 1) == ["a"]


# In graphs


def digits_graph(**sampler):
    graph = (
        Graph()
        .add("noise", "PureNoise", batch=2)
        .add("three", "UNetMNIST", digit="3")
        .add("any", "UNetMNIST")
        .add("guide", "CFGCombine", scale=2.0)
        .add("sample", "IterativeSampler", **({"steps": 4} | sampler))
    )
    for link in (
        "three.denoiser -> guide.conditional",
        "any.denoiser -> guide.unconditional",
        "guide.denoiser -> sample.denoiser",
        "noise.noisy -> sample.start",
    ):
        graph = graph.connect(link)
    return graph


@pytest.fixture
def session(shipped):
    with Session(load_plugins(only=["nodegraph"])) as session:
        yield session


def test_a_graph_gives_what_the_calls_give(session, shipped):
    result = session.run(digits_graph())
    context = Context()
    guided = guidance.cfg_combine(denoisers.unet_mnist(context, "3"), denoisers.unet_mnist(context), 2.0)
    expected = sampling.iterative_sampler(context, guided, noise.pure_noise(batch=2), steps=4)
    assert torch.equal(result["sample", "image"].pixels, expected.image.pixels)
    assert len(session.resources) == 1


def test_a_failed_node_is_named_with_what_is_wrong(session):
    with pytest.raises(CheckFailed, match=r"sample \(IterativeSampler\): denoiser has 10 rows, .* the batch has 2"):
        session.run(digits_graph().set("three", digit="0-9"))


def test_cancelling_stops_the_sampler_within_a_step_and_it_can_run_again(session):
    control = Control()
    seen = []

    def emit(event):
        if type(event).__name__ == "NodeProgress":
            seen.append(event.step)
            if event.step == 3:
                control.cancel()

    with pytest.raises(Cancelled):
        session.run(digits_graph(steps=50), emit=emit, control=control)
    assert max(seen) <= 4
    result = session.run(digits_graph(steps=50))
    assert result["sample", "image"].pixels.shape == (2, 1, 28, 28)


def test_pausing_holds_the_sampler_and_resuming_goes_on(session):
    control, reached, steps = Control(), threading.Event(), []

    def emit(event):
        if type(event).__name__ == "NodeProgress":
            steps.append(event.step)
            if event.step == 3 and not reached.is_set():
                control.pause()
                reached.set()

    results = []

    def run():
        results.append(session.run(digits_graph(steps=10), emit=emit, control=control))

    worker = threading.Thread(target=run)
    worker.start()
    assert reached.wait(30)
    worker.join(0.2)
    held = list(steps)
    assert worker.is_alive() and max(held) <= 4
    control.resume()
    worker.join(30)
    assert not worker.is_alive() and max(steps) == 10
    expected = session.run(digits_graph(steps=10), use_cache=False)["sample", "image"].pixels
    assert torch.equal(results[0]["sample", "image"].pixels, expected)


def test_equal_seeds_would_repeat_the_noise_so_defaults_differ():
    registry = load_plugins(only=["nodegraph"])
    names = ("PureNoise", "IterativeSampler", "MaskBlend", "ILVR")
    assert len({registry.get(name).input("seed").default for name in names}) == len(names)
    assert registry.get("AddNoise").input("seed").default == 0


def test_the_choices_of_the_nodes_are_those_of_the_mathematics():
    registry = load_plugins(only=["nodegraph"])
    for place, offered in {
        "FlipAverage.view": (*VIEWS, *DISTORTIONS),
        "Transform.view": (*VIEWS, *DISTORTIONS),
        "MaskBlend.mode": get_args(Mode),
        "ILVR.level": get_args(Level),
        "IterativeSampler.method": get_args(Method),
        "IterativeSampler.clip": get_args(Clip),
        "IterativeSampler.variance": get_args(Variance),
        "IterativeSampler.spacing": get_args(Spacing),
        "AddNoise.schedule": tuple(BETAS),
        "Filmstrip.shown": get_args(Shown),
    }.items():
        name, _, port = place.partition(".")
        assert registry.get(name).input(port).choices == offered, place


def test_devices_are_named_or_refused():
    from nodegraph_nodes.plugin import nodegraph_device

    assert nodegraph_device("cpu") == "cpu"
    assert nodegraph_device("auto") in ("cpu", "cuda:0", "mps")
    refused = {"cuda:99": "machine has", "gpu": "must be auto, cpu, cuda", "cpu:1": "must be", "": "must be"}
    for name, told in refused.items():
        with pytest.raises(ValueError, match=told):
            nodegraph_device(name)
