"""What sampling DeepFloyd IF costs beside diffusers' IFPipeline, and what asking compositions in one batch saves.

On the processor: guidance with the tiny network of the tests and with one of 50 million parameters, both in IF's
architecture and with random weights. The node IterativeSampler and the pipeline draw the same picture with the same
network, steps and noise, in turns, in the processor's time of one thread. The network lies as ours do, channels last,
also for the pipeline, which by itself leaves it contiguous: that is told beside. Then an anagram, a hybrid and regions,
all guided, are sampled in one forward pass a step, and with each of their questions asked on its own.

With --device cuda: IF-I-XL's full configuration, 4.3 billion parameters of random weights in bfloat16 (it needs about
12 GB of memory): guidance beside the pipeline, and beside two passes a step; and a guided anagram beside four.

    python benchmarks/if_sampling.py [--runs 15] [--device cuda]

Run it with nothing else going on.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import IFPipeline, UNet2DConditionModel
from torch import Tensor

from nodegraph import Context
from nodegraph_nodes.ops.deepfloyd import IFDenoiser
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.networks import StoredNetwork, moved
from nodegraph_nodes.ops.presets import SAMPLING
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.unets import ToldUNet, attend_at_once
from nodegraph_nodes.ops.views import named_view
from nodegraph_nodes.sampling import iterative_sampler
from nodegraph_nodes.types import Denoiser, NoiseSchedule, Noisy, Query

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "nodes"))

from tiny_if import COMMON, STAGES, if_scheduler, tiny_unet

GOAL = 1.03
GUIDANCE = 7.0
SEED = 1
COSINE = NoiseSchedule.named("cosine")

IF_I_XL: dict[str, Any] = {
    **COMMON,
    **STAGES[1],
    "sample_size": 64,
    "block_out_channels": (704, 1408, 2112, 2816),
    "layers_per_block": 3,
    "norm_num_groups": 32,
    "cross_attention_dim": 2816,
    "encoder_hid_dim": 4096,
    "attention_head_dim": 64,
    "addition_embed_type_num_heads": 64,
}
"""As `unet/config.json` of DeepFloyd/IF-I-XL-v1.0 has it."""

MIDDLE: dict[str, Any] = {
    **IF_I_XL,
    "block_out_channels": (64, 128, 256, 384),
    "layers_per_block": 2,
    "cross_attention_dim": 384,
    "encoder_hid_dim": 512,
    "addition_embed_type_num_heads": 8,
}


def untrained(config: dict[str, Any], device: str = "cpu", dtype: torch.dtype = torch.float32) -> UNet2DConditionModel:
    """A network of random weights, made where it is to be."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(), torch.device(device):
            torch.manual_seed(0)
            return UNet2DConditionModel(**config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def parameters(unet: UNet2DConditionModel) -> int:
    return sum(value.numel() for value in unet.parameters())


def random(shape: Iterable[int], seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@dataclass
class Bench:
    """One network, to be sampled by all; it lies as our store would have it."""

    unet: UNet2DConditionModel
    side: int
    steps: int
    device: str = "cpu"

    def __post_init__(self) -> None:
        attend_at_once(self.unet)
        self.unet = moved(self.unet, self.device)
        self.context = Context(device=self.device)
        self.network = StoredNetwork("benchmark", lambda: ToldUNet(self.unet, self.unet.dtype), self.context.resources)
        self.start = random((1, 3, self.side, self.side), 0).to(self.device)

    def prompt(self, seed: int) -> Tensor:
        """What a text encoder might have made of a prompt; 0 for the empty one."""
        return random((1, 77, self.unet.config.encoder_hid_dim), 100 + seed)

    def leaf(self, seed: int) -> IFDenoiser:
        return IFDenoiser(self.network, {"prompts": self.prompt(seed)}, COSINE, multiple=8, largest=1.5)

    def guided(self, seed: int) -> Denoiser:
        return CFGCombine(self.leaf(seed), self.leaf(0), GUIDANCE)

    def ours(self, denoiser: Denoiser) -> Tensor:
        """What the node IterativeSampler draws."""
        told: dict[str, Any] = {"steps": self.steps, "seed": SEED, "preset": "IF pipeline"}
        return iterative_sampler(self.context, denoiser, Noisy(self.start), **told).image.pixels

    def asked(self, denoiser: Denoiser, evaluator: Evaluator) -> Tensor:
        """What is drawn when the evaluator asks the network."""
        sampler = Sampler(**{**SAMPLING["IF pipeline"], "steps": self.steps, "seed": SEED})
        *_, last = sampler.sample(denoiser, Noisy(self.start), evaluator)
        return last.x0

    def pipeline(self, unet: UNet2DConditionModel | None = None) -> Callable[[], Tensor]:
        """What IFPipeline draws of the same start, noise and prompts."""
        absent = dict.fromkeys(("tokenizer", "text_encoder", "safety_checker", "feature_extractor", "watermarker"))
        unet = self.unet if unet is None else unet
        pipe = IFPipeline(unet=unet, scheduler=if_scheduler(), requires_safety_checker=False, **absent)
        pipe.set_progress_bar_config(disable=True)
        pipe.prepare_intermediate_images = lambda *_: self.start.to(unet.dtype)
        wanted, unwanted = (self.prompt(seed).to(self.device, unet.dtype) for seed in (1, 0))

        def draw() -> Tensor:
            drawn: Tensor = pipe(
                prompt_embeds=wanted, negative_prompt_embeds=unwanted, guidance_scale=GUIDANCE, output_type="pt",
                num_inference_steps=self.steps, generator=torch.Generator().manual_seed(SEED),
            ).images  # fmt: skip
            return drawn

        return draw

    def compositions(self) -> dict[str, tuple[Denoiser, int]]:
        """By name, with how many questions each has."""
        a, b, c = (self.guided(seed) for seed in (1, 2, 3))
        left, middle = (torch.zeros(1, 1, self.side, self.side) for _ in range(2))
        left[..., : self.side // 3] = 1
        middle[..., self.side // 3 : self.side // 2] = 1
        return {
            "anagram": (FlipAverage(a, b, named_view("rotate_180")), 4),
            "hybrid": (FrequencyMix(a, b, 1.0), 3),
            "region": (RegionBlend(a, b, left), 3),
            "three regions": (Regions((a, b, c), (left, middle)), 4),
        }


class OneByOne(Evaluator):
    """Asks every question on its own."""

    def answer(self, queries: Iterable[Query], known: dict[Any, Tensor]) -> list[Tensor]:
        return [answer for query in list(queries) for answer in super(OneByOne, self).answer([query], known)]


# Timing


def seconds(call: Callable[[], object], device: str = "cpu") -> float:
    """How long a call takes; on the CPU the processor's time, which others on the machine disturb least."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    wait(device)
    begun = clock()
    call()
    wait(device)
    return clock() - begun


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def medians(calls: dict[str, Callable[[], object]], runs: int, device: str = "cpu") -> dict[str, float]:
    """Median seconds of each, taken in turns; who begins takes turns, too."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(runs):
        for name in order:
            times[name].append(seconds(calls[name], device))
        order.append(order.pop(0))
    return {name: statistics.median(each) for name, each in times.items()}


def check_equal(pictures: Iterable[Tensor]) -> float:
    """The largest difference; an error when they are not one picture."""
    first, *others = (picture.float().cpu() for picture in pictures)
    difference = max(float((first - other).abs().max()) for other in others)
    assert difference < 1e-3, f"they draw different pictures: {difference:g}"
    return difference


@contextmanager
def inside(unet: UNet2DConditionModel, device: str) -> Iterator[Callable[[], float]]:
    """Gives the seconds spent in the network so far."""
    marks: list[Any] = []

    def mark(*_: object) -> None:
        if device == "cpu":
            marks.append(time.process_time())
        else:
            marks.append(torch.cuda.Event(enable_timing=True))
            marks[-1].record()

    def spent() -> float:
        wait(device)
        pairs = zip(marks[::2], marks[1::2], strict=True)
        return sum(b - a if device == "cpu" else a.elapsed_time(b) / 1000 for a, b in pairs)

    hooks = [unet.register_forward_pre_hook(mark), unet.register_forward_hook(mark)]
    try:
        yield spent
    finally:
        for hook in hooks:
            hook.remove()


def network_share(bench: Bench, call: Callable[[], object]) -> float:
    """The part of the time of a call that is the network's."""
    with inside(bench.unet, bench.device) as spent:
        whole = seconds(call, bench.device)
        return spent() / whole


# What is compared


def against_the_pipeline(name: str, bench: Bench, runs: int) -> None:
    denoiser = bench.guided(1)
    contiguous = deepcopy(bench.unet).to(memory_format=torch.contiguous_format)
    calls = {
        "ours": partial(bench.ours, denoiser),
        "theirs": bench.pipeline(),
        "theirs as it comes": bench.pipeline(contiguous),
    }
    difference = check_equal(call() for call in calls.values())
    share = network_share(bench, calls["ours"])
    took = medians(calls, runs)
    ratio, plain = took["ours"] / took["theirs"], took["ours"] / took["theirs as it comes"]
    verdict = "reached" if ratio <= GOAL else "MISSED"
    print(
        f"{name} ({parameters(bench.unet) / 1e6:.1f} million parameters), guidance, {bench.steps} steps at "
        f"{bench.side} x {bench.side}, largest difference {difference:.1e}:\n"
        f"  IterativeSampler {took['ours']:.3f} s ({share:.1%} of it in the network), "
        f"IFPipeline {took['theirs']:.3f} s, ratio {ratio:.3f}   goal: at most {GOAL}, {verdict}\n"
        f"  IFPipeline with its weights contiguous, as it comes: {took['theirs as it comes']:.3f} s, ratio {plain:.3f}",
        flush=True,
    )


def against_single_calls(name: str, bench: Bench, runs: int) -> None:
    for kind, (denoiser, questions) in bench.compositions().items():
        evaluators = Evaluator(), OneByOne()
        check_equal(bench.asked(denoiser, evaluator) for evaluator in evaluators)
        together, single = ((each.forwards / bench.steps, each.rows / bench.steps) for each in evaluators)
        assert together == (1, questions), f"{kind}: {together} forward passes and rows a step, must be 1, {questions}"
        assert single == (questions, questions), f"{kind}: {single} forward passes and rows a step on their own"
        calls = {
            "together": partial(bench.asked, denoiser, Evaluator()),
            "single": partial(bench.asked, denoiser, OneByOne()),
        }
        took = medians(calls, runs)
        print(
            f"{name}, guided {kind}: 1 forward pass of {questions} rows a step {took['together']:.3f} s, "
            f"{questions} of 1 row {took['single']:.3f} s, ratio {took['together'] / took['single']:.3f}",
            flush=True,
        )


def on_a_gpu(device: str, runs: int, steps: int) -> None:
    bench = Bench(untrained(IF_I_XL, device, torch.bfloat16), 64, steps, device)
    print(f"IF-I-XL ({parameters(bench.unet) / 1e9:.2f} billion parameters, random weights, bfloat16), 64 x 64, "
          f"{steps} steps; weights take {torch.cuda.memory_allocated() / 2**30:.1f} GiB")  # fmt: skip
    guided = bench.guided(1)
    print(f"one guided estimate differs from the pipeline's by {estimates_apart(bench, guided):.2%} of its size")
    anagram, _ = bench.compositions()["anagram"]
    reported(
        bench, runs, "guidance",
        {
            "IterativeSampler": partial(bench.ours, guided),
            "IFPipeline": bench.pipeline(),
            "two passes a step": partial(bench.asked, guided, OneByOne()),
        },
    )  # fmt: skip
    reported(
        bench, runs, "guided anagram",
        {
            "IterativeSampler": partial(bench.ours, anagram),
            "four passes a step": partial(bench.asked, anagram, OneByOne()),
        },
    )  # fmt: skip


def estimates_apart(bench: Bench, guided: Denoiser, t: int = 500) -> float:
    """How far a guided estimate is from that of the pipeline's own call; an error when more than rounding explains.

    Whole runs cannot be compared: the pipeline also samples in bfloat16, ours in float32.
    """
    x = bench.start.to(bench.unet.dtype)
    told = torch.cat([bench.prompt(0), bench.prompt(1)]).to(bench.device, x.dtype)
    at = torch.tensor(t, device=bench.device)
    with torch.no_grad():
        found = guided.estimate(x.float(), t).noise
        u, c = bench.unet(torch.cat([x, x]), at, encoder_hidden_states=told, return_dict=False)[0].float().chunk(2)
    expected = u[:, :3] + GUIDANCE * (c[:, :3] - u[:, :3])
    apart = float((found - expected).norm() / expected.norm())
    assert apart < 0.05, f"the estimates differ by {apart:.1%}"
    return apart


def reported(bench: Bench, runs: int, name: str, calls: dict[str, Callable[[], object]]) -> None:
    """Milliseconds a step, peak memory, and the network's share, of each; the first is compared with the others."""
    for call in calls.values():
        call()
    took = medians(calls, runs, bench.device)
    first = next(iter(took.values()))
    for label, call in calls.items():
        torch.cuda.reset_peak_memory_stats()
        share = network_share(bench, call)
        peak = torch.cuda.max_memory_allocated() / 2**30
        ratio = first / took[label]
        verdict = ""
        if label == "IFPipeline":
            verdict = f"   goal: at most {GOAL}, {'reached' if ratio <= GOAL else 'MISSED'}"
        print(
            f"{name}: {label:18} {1000 * took[label] / bench.steps:7.2f} ms a step, peak {peak:.2f} GiB, "
            f"{share:.1%} in the network; ours / this {ratio:.3f}{verdict}",
            flush=True,
        )


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, help="of each, in turns; default 15, and 7 where the network is larger")
    parser.add_argument("--steps", type=int, default=50, help="on a GPU")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:0, ...")
    given = parser.parse_args()
    if given.device != "cpu":
        if not (given.device.startswith("cuda") and torch.cuda.is_available()):
            parser.error(f"the device is {given.device}, must be cpu, or cuda where torch can use a GPU")
        torch.cuda.set_device(torch.device(given.device).index or 0)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
        on_a_gpu(given.device, given.runs or 7, given.steps)
        return
    torch.set_num_threads(1)
    print(f"{processor()}, one thread, torch {torch.__version__}")
    tiny = Bench(tiny_unet(), side=16, steps=50)
    middle = Bench(untrained(MIDDLE), side=64, steps=4)
    against_the_pipeline("tiny network", tiny, given.runs or 15)
    against_the_pipeline("middle network", middle, given.runs or 7)
    against_single_calls("tiny network", Bench(tiny.unet, side=16, steps=10), given.runs or 7)
    against_single_calls("middle network", Bench(middle.unet, side=32, steps=2), min(given.runs or 3, 3))


if __name__ == "__main__":
    main()
