"""What it costs that a trajectory holds the estimates of every branch at every step.

A sampler with and without recording, in turns, on a guided anagram of digits (six branches) and on a bare network; then
the same with a network that takes no time, so that all that is seen is what recording itself takes. Seconds are those
of the processor.

    python benchmarks/recording.py [--runs 21]

Run it with nothing else going on.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nodegraph import Context
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.networks import NetworkDenoiser, digit_denoiser
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import named_view
from nodegraph_nodes.types import Denoiser, NoiseSchedule, Noisy

GOAL = 1.03
SCHEDULE = NoiseSchedule.named("linear")


@dataclass
class Instant:
    """A network that answers at once."""

    key: str = "instant"
    calls: list[int] = field(default_factory=list)

    def __call__(self, x: Tensor, t: int, **inputs: Tensor) -> Tensor:
        return 0.5 * x


def guided_anagram(leaf: Callable[[str], Denoiser]) -> Denoiser:
    six, nine, anything = leaf("6"), leaf("9"), leaf("")
    return FlipAverage(CFGCombine(six, anything, 3.0), CFGCombine(nine, anything, 3.0), named_view("rotate_180"))


def seconds(denoiser: Denoiser, start: Noisy, steps: int, record: range) -> float:
    began = time.process_time()
    held = list(Sampler(steps=steps, clip="clamp").sample(denoiser, start, record=record))
    taken = time.process_time() - began
    assert len(held) == steps + 1 and bool(held[0].branches) <= bool(record)
    return taken


def compared(title: str, denoiser: Denoiser, batch: int, steps: int, runs: int) -> float:
    """Print what recording takes, and return the ratio of the medians."""
    start = Noisy(torch.randn((batch, 1, 28, 28), generator=torch.Generator().manual_seed(0)))
    times = [
        (seconds(denoiser, start, steps, range(steps)), seconds(denoiser, start, steps, range(0)))
        for _ in range(runs + 1)
    ]
    with_, without = (statistics.median(column) for column in zip(*times[1:], strict=True))
    each = (with_ - without) / steps * 1e6
    print(
        f"{title:28} batch {batch} {with_:8.3f} s  {without:8.3f} s  ratio {with_ / without:.3f}  {each:6.0f} us a step"
    )
    return with_ / without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    store = Context().resources
    anagram = guided_anagram(lambda digit: digit_denoiser(digit, store))
    print(f"{'':35}recorded  not recorded")
    worst = max(
        compared("guided anagram, digits", anagram, 1, 10, runs),
        compared("guided anagram, digits", anagram, 8, 10, runs),
        compared("one network, digits", digit_denoiser("3", store), 8, 10, runs),
    )
    instant = Instant()

    def leaf(digit: str) -> Denoiser:
        label = torch.tensor([int(digit or 10)])
        return NetworkDenoiser(instant, {"label": label}, SCHEDULE, (1, 28, 28))  # type: ignore[arg-type]

    compared("guided anagram, no network", guided_anagram(leaf), 8, 10, runs)
    print(f"worst ratio with a network: {worst:.3f}, at most {GOAL} is the goal")


if __name__ == "__main__":
    main()
