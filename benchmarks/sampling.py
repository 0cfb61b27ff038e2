"""What the sampler costs beside its network, and what asking a composition in one batch saves.

The node IterativeSampler and the barest hand-written loop draw the same digits with the same network, 50 ddpm steps,
in turns; the loop does what no sampler can do without. Then a guided anagram, four estimates a step, is sampled as
the composition that it is, and with each of its estimates asked on its own.

    python benchmarks/sampling.py [--runs 21]

Run it with nothing else going on.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from nodegraph import Context
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.networks import digit_denoiser, load_shipped, moved
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.schedules import spaced
from nodegraph_nodes.ops.views import named_view
from nodegraph_nodes.sampling import iterative_sampler
from nodegraph_nodes.types import Denoiser, NoiseSchedule, Noisy

STEPS = 50
GOAL = 1.05
SCHEDULE = NoiseSchedule.named("linear")

Estimator = Callable[[Tensor, int], Tensor]


def bare_loop(noise_of: Estimator, x: Tensor) -> Tensor:
    """DDPM with the small variance, clamped, as few lines as it takes."""
    generator = torch.Generator().manual_seed(1)
    timesteps = spaced(SCHEDULE.steps, STEPS)
    with torch.no_grad():
        for t, s in zip(timesteps, [*timesteps[1:], -1], strict=True):
            ab_t, ab_s = SCHEDULE.alpha_bar(t), SCHEDULE.alpha_bar(s)
            a = ab_t / ab_s
            x_0 = ((x - sqrt(1 - ab_t) * noise_of(x, t)) / sqrt(ab_t)).clamp(-1, 1)
            x = sqrt(ab_s) * (1 - a) / (1 - ab_t) * x_0 + sqrt(a) * (1 - ab_s) / (1 - ab_t) * x
            if s >= 0:
                x = x + sqrt((1 - ab_s) / (1 - ab_t) * (1 - a)) * torch.randn(x.shape, generator=generator)
    return x


def compared(ours: Callable[[], Tensor], other: Callable[[], Tensor], runs: int) -> tuple[float, float]:
    """Median seconds of both, taken in turns after one run of each that must agree."""
    difference = (ours() - other()).abs().max().item()
    assert difference < 1e-3, f"the two draw different pictures: {difference:g}"
    times = [(seconds(ours), seconds(other)) for _ in range(runs)]
    return statistics.median(first for first, _ in times), statistics.median(second for _, second in times)


def seconds(call: Callable[[], Tensor]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def against_a_bare_loop(batch: int, runs: int) -> None:
    net = moved(load_shipped(), "cpu")  # its weights in the same order, so that only the loops differ
    context = Context()
    denoiser = digit_denoiser("3", context.resources)
    x = torch.randn((batch, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    label = torch.full((batch,), 3)
    ours, bare = compared(
        lambda: iterative_sampler(context, denoiser, Noisy(x), steps=STEPS).image.pixels,
        lambda: bare_loop(lambda x_t, t: net(x_t, t, label), x),
        runs,
    )
    verdict = "reached" if ours / bare <= GOAL else "MISSED"
    print(f"{STEPS} ddpm steps, batch {batch:2}: IterativeSampler {ours:.3f} s, bare loop {bare:.3f} s, "
          f"ratio {ours / bare:.3f}   goal: at most {GOAL}, {verdict}")  # fmt: skip


def anagram_in_one_batch(batch: int, runs: int) -> None:
    resources = Context().resources
    six, nine, both = (digit_denoiser(digit, resources) for digit in ("6", "9", ""))
    view = named_view("rotate_180")
    whole = FlipAverage(CFGCombine(six, both, 3.0), CFGCombine(nine, both, 3.0), view)
    x = torch.randn((batch, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    evaluator = Evaluator()

    def composed() -> Tensor:
        *_, last = Sampler(steps=STEPS, clip="clamp").sample(whole, Noisy(x), evaluator)
        return last.x0

    def guided(denoiser: Denoiser, x_t: Tensor, t: int) -> Tensor:
        u = both.estimate(x_t, t).noise
        return u + 3.0 * (denoiser.estimate(x_t, t).noise - u)

    def call_by_call(x_t: Tensor, t: int) -> Tensor:
        return 0.5 * (guided(six, x_t, t) + view.undo(guided(nine, view.apply(x_t), t)))

    ours, single = compared(composed, lambda: bare_loop(call_by_call, x), runs)
    forwards = evaluator.forwards / (runs + 1) / STEPS
    print(f"guided anagram, batch {batch:2}: {forwards:g} network call a step {ours:.3f} s, "
          f"4 calls a step {single:.3f} s, ratio {ours / single:.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, help="of each of the two, in turns")
    runs = parser.parse_args().runs
    for batch in (1, 64):
        against_a_bare_loop(batch, runs)
    for batch in (1, 16):
        anagram_in_one_batch(batch, runs)


if __name__ == "__main__":
    main()
