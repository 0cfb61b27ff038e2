"""A GPU is never waited for inside the loop of a sampler: nothing is read from it, and only noise is sent to it.

There need be no GPU for that. Torch's device "meta" stands for one: its tensors, too, are elsewhere than those of the
host, and since they have no content, nobody can read a number of theirs. What crosses between the two is noted.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from diffusers import UNet2DConditionModel
from if_pipelines import COSINE, WIDTH, prompt, random
from tiny_if import COMMON, STAGES
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nodegraph import Context
from nodegraph_nodes.ops import copies
from nodegraph_nodes.ops.components import Factorize, LowHigh
from nodegraph_nodes.ops.deepfloyd import IFDenoiser
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend
from nodegraph_nodes.ops.formulas import Formula
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.guidance import CFGRescale
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.networks import StoredNetwork
from nodegraph_nodes.ops.references import keep_coarse
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.tiles import Tile
from nodegraph_nodes.ops.unets import ToldUNet
from nodegraph_nodes.ops.views import named_view
from nodegraph_nodes.sampling import iterative_sampler
from nodegraph_nodes.types import Noisy

GPU = "meta"
SIDE = 16


@dataclass(frozen=True)
class Crossing:
    """A copy from one device to another."""

    source: str
    target: str
    shape: tuple[int, ...]
    waits: bool


@dataclass
class Watched(TorchDispatchMode):
    """Notes what crosses, by the step in which it did."""

    steps: list[list[Crossing]] = field(default_factory=lambda: [[]])

    def __post_init__(self):
        super().__init__()

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        reads = function is torch.ops.aten._to_copy.default and keywords.get("device") == torch.device("cpu")
        if reads and arguments[0].device.type == GPU:
            result = torch.zeros(arguments[0].shape)  # in place of the content that there is none of
        else:
            result = function(*arguments, **keywords)
        given = [value for value in tree_leaves((arguments, keywords)) if isinstance(value, torch.Tensor)]
        made = [value for value in tree_leaves(result) if isinstance(value, torch.Tensor)]
        places = {value.device.type for value in (*given, *made) if value.ndim > 0}
        if len(places) > 1:
            waits = not keywords.get("non_blocking", False)
            self.steps[-1].append(Crossing(given[0].device.type, made[0].device.type, tuple(made[0].shape), waits))
        return result

    def next_step(self, event=None):
        self.steps.append([])


@dataclass
class Making(TorchFunctionMode):
    """Notes tensors of a GPU that are made of numbers of the host, which dispatch does not show."""

    watched: Watched

    def __post_init__(self):
        super().__init__()

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if function in (torch.tensor, torch.as_tensor) and result.device.type == GPU:
            self.watched.steps[-1].append(Crossing("cpu", GPU, tuple(result.shape), waits=True))
        return result


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """Takes "meta" for a GPU; memory is not pinned for it, which takes a real one."""
    monkeypatch.setattr(copies, "pins", lambda x: x.device.type == GPU)


class Convolution(torch.nn.Module):
    """The least that answers as the first stage's network, for what is around it to be watched."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, x, t, prompts):
        return self.layer(x) + prompts.mean((1, 2))[:, None, None, None]


def unet(dtype=torch.float32):
    """The first stage's own network."""
    made = UNet2DConditionModel(sample_size=SIDE, encoder_hid_dim=WIDTH, **COMMON, **STAGES[1])
    return ToldUNet(made.to(dtype), dtype)


def leaf(seed, context, build=Convolution):
    """A network on the GPU, told a prompt that lies on the host."""

    def make():
        with torch.device(GPU):
            return build().requires_grad_(False).eval()

    network = StoredNetwork("tiny", make, context.resources)
    made = IFDenoiser(network, {"prompts": prompt(seed).embedding}, COSINE, multiple=8, largest=1.5)
    assert made.fingerprint  # of the content, which is read before the loop
    return made


def guided(seed, context, build=Convolution):
    return CFGCombine(leaf(seed, context, build), leaf(0, context, build), 7.0)


def mask():
    values = torch.zeros(1, 1, SIDE, SIDE)
    values[..., :7] = 1
    return values


def original():
    return random((1, 3, SIDE, SIDE), 5).clamp(-1, 1)


COMPOSITIONS = {
    "one prompt": lambda c: leaf(1, c),
    "guidance": lambda c: guided(1, c, unet),
    "rescaled guidance": lambda c: CFGRescale(guided(1, c), leaf(1, c), 0.7),
    "region": lambda c: RegionBlend(guided(1, c), guided(2, c), mask()),
    "regions": lambda c: Regions((guided(1, c), guided(2, c)), (mask(),)),
    "hybrid": lambda c: FrequencyMix(guided(1, c), guided(2, c), 1.0),
    "components": lambda c: Factorize((guided(1, c), guided(2, c)), LowHigh(1.0, 5, 0)),
    "formula": lambda c: Formula(
        "b + s * mask * (a - b) + 0 * blur(x * a, 1)", {"a": leaf(1, c), "b": leaf(0, c)}, 7.0, mask()
    ),
    "tiles": lambda c: Tile(guided(1, c), 8, 4, "gaussian"),
    "kept outside a mask": lambda c: keep_outside(guided(1, c), original(), mask(), "after"),
    "kept before": lambda c: keep_outside(guided(1, c), original(), mask(), "before"),
    "kept with the noise of the step": lambda c: keep_outside(guided(1, c), original(), mask(), "shared"),
    "coarse structure kept": lambda c: keep_coarse(guided(1, c), original(), 4),
    "component kept": lambda c: keep_component(guided(1, c), original(), LowHigh(1.0, 5, 0), "low"),
    "region inside a mask": lambda c: keep_outside(
        RegionBlend(guided(1, c), guided(2, c), mask()), original(), mask(), "after"
    ),
    **{
        f"anagram by {name}": lambda c, name=name: FlipAverage(guided(1, c), guided(2, c), named_view(name))
        for name in ("flip", "rotate_90", "negate", "pixel_permutation", "skew", "jigsaw")
    },
}


def crossings(denoiser, **settings):
    """What crossed between the second estimate and the last one, and the number of steps between them.

    Before, all that is bound is copied, some of it after the first step; after the last one the result is read.
    """
    watched, steps = Watched(), 4
    context = Context(device=GPU, previews=False, emit=watched.next_step)
    for hook in denoiser.hooks():
        assert hook.key  # of the content, too
    with watched, Making(watched):
        start = Noisy(torch.randn(1, 3, SIDE, SIDE))
        iterative_sampler(context, denoiser, start, steps=steps, clip="dynamic", **settings)
    *before, last = watched.steps
    assert len(before) == steps + 1 and last, "the result was not read from the GPU"
    return [crossing for step in before[3:] for crossing in step], len(before) - 3


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_nothing_but_noise_crosses_and_nobody_waits_for_it(name):
    denoiser = COMPOSITIONS[name](Context())
    crossed, steps = crossings(denoiser)
    hooks = sum(not hook.shares_noise for hook in denoiser.hooks())
    assert set(crossed) == {Crossing("cpu", GPU, (1, 3, SIDE, SIDE), waits=False)}
    assert len(crossed) <= (1 + hooks) * steps


@pytest.mark.parametrize("variance", ["learned", "fixed_small", "fixed_large"])
def test_nor_for_the_noise_of_any_variance(variance):
    denoiser = guided(1, Context())
    crossed, steps = crossings(denoiser, variance=variance)
    assert len(crossed) == steps and not any(crossing.waits for crossing in crossed)


@pytest.mark.parametrize("method", ["ddim", "dpm++", "euler"])
def test_a_method_without_noise_sends_nothing(method):
    denoiser = guided(1, Context())
    assert crossings(denoiser, method=method) == ([], 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_nor_in_half_precision(dtype):
    """The network computes in half precision, what is sampled stays in float32."""
    context = Context()
    denoiser = guided(1, context, lambda: unet(dtype))
    x = torch.randn(1, 3, SIDE, SIDE, device=GPU)
    *_, last = Sampler(steps=3, clip="dynamic").sample(denoiser, Noisy(x))
    assert last.x0.dtype == torch.float32 and last.x0.device.type == GPU


def test_the_watch_sees_what_it_is_for():
    watched = Watched()
    with watched, Making(watched):
        x = torch.zeros(3, device=GPU)
        x.cpu()
        torch.zeros(3).to(x)
        torch.zeros(3).to(x, non_blocking=True)
        torch.tensor([1.0, 2.0], device=GPU)
        with pytest.raises(RuntimeError):
            float(x.max())
        with pytest.raises(RuntimeError):
            bool((x > 0).all())
    assert [(crossing.source, crossing.waits) for crossing in watched.steps[-1]] == [
        (GPU, True), ("cpu", True), ("cpu", False), ("cpu", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("seconds", "most"), [(0.001, 1), (0.03, 16), (0.2, 50)])
def test_previews_are_asked_for_at_most_ten_times_a_second(seconds, most, monkeypatch):
    """A preview reads the picture, so that a GPU is waited for; steps that are slow have one each."""
    now, shown = [0.0], []
    monkeypatch.setattr("nodegraph.context.time.monotonic", lambda: now[0])
    monkeypatch.setattr("nodegraph_nodes.ops.pictures.thumbnail", lambda pixels, size: shown.append(now[0]) or b"png")

    class Slow(ExactGaussian):
        def ask(self, p):
            now[0] += seconds
            return (yield from super().ask(p))

    denoiser = Slow(torch.zeros(1, 1, 1, 1), 1.0, COSINE)
    iterative_sampler(Context(emit=lambda event: None), denoiser, Noisy(random((1, 1, 4, 4), 1)), steps=50)
    assert 1 <= len(shown) <= most
    assert all(later - before >= 0.1 for before, later in pairwise(shown))
