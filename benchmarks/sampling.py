"""What a composition costs over the barest loop, and what asking all at once saves.

    python benchmarks/sampling.py [--threads N] [--runs 21] [--batches 1 64]

The bare loop is 50 ddpm steps written by hand around the same network: no denoiser, no sampler, no trajectory. Runs are
interleaved, so that both see the same machine, and figures are medians. They mean something when nothing else runs. The
exit status is 1 when a goal is missed.
"""

import argparse
import time
from collections.abc import Callable
from math import sqrt
from statistics import median

import torch
from torch import Tensor, nn

from nodegraph import Context
from nodegraph_nodes.denoisers import unet_mnist
from nodegraph_nodes.guidance import cfg_combine, flip_average
from nodegraph_nodes.ops.networks import load_shipped
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.schedules import spaced
from nodegraph_nodes.sampling import iterative_sampler
from nodegraph_nodes.types import NoiseSchedule, Noisy

STEPS = 50
GOAL = 1.05
SCALE = 3.0


def bare_loop(estimate: Callable[[Tensor, int], Tensor], x: Tensor) -> Tensor:
    """Ho et al. 2020, algorithm 2, with everything that does not depend on `x` computed on the host."""
    kept = NoiseSchedule.named("linear").alphas_cumprod
    timesteps = spaced(1000, STEPS)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for t, earlier in zip(timesteps, [*timesteps[1:], -1], strict=True):
            ab_t, ab_s = kept[t], kept[earlier] if earlier >= 0 else 1.0
            a = ab_t / ab_s
            x0 = ((x - sqrt(1 - ab_t) * estimate(x, t)) / sqrt(ab_t)).clamp(-1, 1)
            x = sqrt(ab_s) * (1 - a) / (1 - ab_t) * x0 + sqrt(a) * (1 - ab_s) / (1 - ab_t) * x
            if earlier >= 0:
                x = x + sqrt((1 - a) * (1 - ab_s) / (1 - ab_t)) * torch.randn(x.shape, generator=generator)
    return x


def medians(runs: int, *ways: Callable[[], Tensor]) -> list[float]:
    """Seconds that each way takes, of interleaved runs after one to warm up; all must give the same pictures."""
    first, *others = [way() for way in ways]
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-3, atol=1e-3)
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(runs):
        for way, times in zip(ways, seconds, strict=True):
            began = time.perf_counter()
            way()
            times.append(time.perf_counter() - began)
    return [median(times) for times in seconds]


def against_bare(net: nn.Module, batch: int, runs: int) -> bool:
    """Whether the sampler and its node keep to the goal, one digit at a time."""
    context = Context()
    three = unet_mnist(context, "3")
    x = torch.randn((batch, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    labels = torch.full((batch,), 3)

    def sampled() -> Tensor:
        *_, last = Sampler(steps=STEPS, clip="clamp").sample(three, Noisy(x))
        return last.x_t

    bare, ours, node = medians(
        runs,
        lambda: bare_loop(lambda x, t: net(x, t, labels), x),
        sampled,
        lambda: iterative_sampler(context, three, Noisy(x), steps=STEPS).image.pixels,
    )
    print(f"{STEPS} ddpm steps, batch {batch:2}, bare loop       {bare * 1000:9.1f} ms")
    missed = False
    for name, seconds in (("Sampler", ours), ("IterativeSampler", node)):
        ratio = seconds / bare
        missed |= ratio > GOAL
        verdict = "MISSED" if ratio > GOAL else "ok"
        print(f"{'':23} {name:16} {seconds * 1000:9.1f} ms   ratio {ratio:.3f}, at most {GOAL}  {verdict}")
    return not missed


def anagram(net: nn.Module, batch: int, runs: int) -> None:
    """An anagram of two guided digits: one forward pass of four, against four of one."""
    context = Context()
    any_ = unet_mnist(context)
    six, nine = (cfg_combine(unet_mnist(context, digit), any_, SCALE) for digit in ("6", "9"))
    both = flip_average(six, nine, "rotate_180")
    x = torch.randn((batch, 1, 28, 28), generator=torch.Generator().manual_seed(0))

    def guided(x: Tensor, t: int, digit: int) -> Tensor:
        c, u = (net(x, t, torch.full((batch,), label)) for label in (digit, 10))
        return u + SCALE * (c - u)

    def call_by_call(x: Tensor, t: int) -> Tensor:
        return 0.5 * (guided(x, t, 6) + guided(x.rot90(2, (-2, -1)), t, 9).rot90(2, (-2, -1)))

    def at_once() -> Tensor:
        *_, last = Sampler(steps=STEPS, clip="clamp").sample(both, Noisy(x))
        return last.x_t

    by_hand, ours = medians(runs, lambda: bare_loop(call_by_call, x), at_once)
    print(f"anagram of two guided digits, batch {batch:2}, call by call {by_hand * 1000:9.1f} ms")
    print(f"{'':38} at once      {ours * 1000:9.1f} ms   ratio {ours / by_hand:.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64])
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    net = load_shipped()
    kept = [against_bare(net, batch, asked.runs) for batch in asked.batches]
    for batch in asked.batches:
        anagram(net, batch, asked.runs)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
