"""A network that needs no training and remembers what it was asked, and denoisers made of it for the tests."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.types import Asking, Denoiser, Estimate, NoiseSchedule, Point

LINEAR = NoiseSchedule.named("linear")
SIZE = 12


@dataclass
class ToyNetwork:
    """Answers differently for each place, timestep and label, and never linearly; row by row, as networks must.

    With twice the `channels` of its pictures it tells a variance, too. An input `image` is another picture that it
    sees, as networks of a second stage do. `calls` are the numbers of rows it was asked for. `room` is how many rows
    fit into its memory.
    """

    key: str = "toy"
    channels: int = 1
    room: int = 1_000_000
    calls: list[int] = field(default_factory=list)

    def __call__(self, x: Tensor, t: int, **inputs: Tensor) -> Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(x)} rows")
        self.calls.append(len(x))
        label = inputs.get("label", torch.zeros(len(x))).to(x)
        assert len(label) == len(x)
        ramp = torch.linspace(-1, 1, x[0].numel()).to(x).reshape(x.shape[1:])
        seen = 0.7 * x + 0.4 * inputs["image"].to(x) if "image" in inputs else 0.7 * x
        answer = torch.tanh(seen + ramp * (1 + label[:, None, None, None])) + 0.1 * x + t / 3000
        return torch.cat([answer, torch.sin(3 * answer)], dim=1) if self.channels == 2 * x.shape[1] else answer


def leaf(label: int | list[int], network: ToyNetwork) -> NetworkDenoiser:
    """The network, asked for one or several labels."""
    labels = torch.tensor([label] if isinstance(label, int) else label)
    return NetworkDenoiser(network, {"label": labels}, LINEAR)  # type: ignore[arg-type]


def gaussian(seed: int, sigma: float = 0.3, size: int = SIZE) -> ExactGaussian:
    """The exact denoiser around a random picture, in float64."""
    return ExactGaussian(noise(seed, size=size), sigma, LINEAR)


class Telling(Denoiser):
    """Always the same noise and variance, which is none where it is not `told`; remembers when it was asked."""

    schedule = LINEAR

    def __init__(self, seed: int, told: bool = True, channels: int = 1, size: int = SIZE) -> None:
        variance = noise(seed + 100, channels=channels, size=size) if told else None
        self.fixed = Estimate(noise(seed, channels=channels, size=size), variance)
        self.asked: list[tuple[int, int]] = []

    def ask(self, p: Point) -> Asking:
        yield from ()
        self.asked.append((p.step, p.t))
        return self.fixed


class Recording(Denoiser):
    """Another denoiser, of which it is remembered where it was asked."""

    schedule = LINEAR

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser
        self.seen: list[tuple[int, Tensor]] = []
        self.steps: list[int] = []

    def ask(self, p: Point) -> Asking:
        self.seen.append((p.t, p.x))
        self.steps.append(p.step)
        return (yield from self.denoiser.ask(p))


def ddim_step(denoiser: Denoiser, x: Tensor, t: int, to: int) -> Tensor:
    """One step down as its formula has it, with no fresh noise."""
    eps = denoiser.estimate(x, t).noise
    return LINEAR.alpha(to) * LINEAR.cleaned(x, eps, t) + LINEAR.sigma(to) * eps


def drawn(seed: int, count: int, like: Tensor) -> list[Tensor]:
    """What a seed draws, one after another, in float32 as for pictures, then in double precision."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(like.shape, generator=generator).double() for _ in range(count)]


def in_double(scheduler: Any, schedule: NoiseSchedule = LINEAR) -> Any:
    """The scheduler with its own arithmetic in double precision.

    In float32, `1 - ab_t / ab_s` of neighbouring timesteps is off by 1e-3, and pictures after many steps by 4e-5.
    """
    scheduler.alphas_cumprod = torch.tensor(schedule.alphas_cumprod, dtype=torch.float64)
    scheduler.one = scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    return scheduler


def noise(seed: int, batch: int = 1, channels: int = 1, size: int = SIZE, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((batch, channels, size, size), generator=generator, dtype=dtype)
