"""Whether the shipped network draws the digits that it is asked for.

A small classifier, trained here on MNIST, reads 400 samples of each digit, made with 50 ddpm steps, once
without guidance and once with guidance scale 2. Beside the share that is read as asked stands the
samples' variety: their pixel variance within a digit over that of MNIST, since guidance could buy
the first with the second.

    python benchmarks/digits.py [--mnist FOLDER] [--weights FILE] [--samples 400] [--clip clamp]

It takes about half an hour on two cores.
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nodegraph import Resources
from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.mnist import download_mnist, load_mnist
from nodegraph_nodes.ops.networks import digit_denoiser
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.unet import load_unet
from nodegraph_nodes.types import Model, Noisy

BATCH = 200
GOALS = {1.0: 0.97, 2.0: 0.995}
VARIETY_GOAL = 0.75


class Classifier(nn.Sequential):
    """Three convolutions and a line: enough for 99 % of MNIST."""

    def __init__(self) -> None:
        def layer(before: int, after: int, stride: int) -> list[nn.Module]:
            return [nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after), nn.ReLU()]

        super().__init__(
            *layer(1, 32, 1), *layer(32, 64, 2), *layer(64, 128, 2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(6272, 10)
        )


def signal(images: Tensor) -> Tensor:
    """Bytes as pictures in [-1, 1], (N, 1, 28, 28)."""
    return images[:, None].float() / 127.5 - 1


def shaken(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture turned by up to 10 degrees, scaled by up to 10 %, moved by up to 2 pixels."""
    angle, scale, right, down = (torch.rand(4, len(x), generator=generator) * 2 - 1).unbind()
    angle, scale = angle * math.radians(10), 1 + 0.1 * scale
    rows = [
        torch.stack([scale * angle.cos(), -scale * angle.sin(), right * 2 / 14], dim=1),
        torch.stack([scale * angle.sin(), scale * angle.cos(), down * 2 / 14], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x + 1, grid, align_corners=False) - 1  # paper is -1, and what comes in from outside is 0


def train_classifier(folder: Path, epochs: int = 5, batch: int = 128) -> tuple[Classifier, float]:
    """The classifier, and the share of the test pictures that it reads rightly."""
    images, labels, _ = load_mnist(folder)
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    net = Classifier()
    steps = epochs * (len(images) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(images), generator=generator).split(batch)[: len(images) // batch]:
            x = shaken(signal(images[chosen]), generator)
            loss = F.cross_entropy(net(x), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    images, labels, _ = load_mnist(folder, "test")
    return net, (read(net, signal(images)) == labels).float().mean().item()


@torch.no_grad()
def read(classifier: Classifier, x: Tensor) -> Tensor:
    return torch.cat([classifier(part).argmax(dim=1) for part in x.split(500)])


def variety(x: Tensor, digits: Tensor) -> Tensor:
    """The pixel variance within each digit, averaged over the pixels, (10,)."""
    return torch.stack([x[digits == digit].var(dim=0).mean() for digit in range(10)])


def draw(store: Resources, model: Model | None, scale: float, samples: int, clip: str) -> Iterator[Tensor]:
    """Samples of each digit in turn, (samples, 1, 28, 28); each is drawn from a noise of its own."""
    anything = digit_denoiser("", store, model)
    for digit in range(10):
        denoiser = CFGCombine(digit_denoiser(str(digit), store, model), anything, scale)
        generator = torch.Generator().manual_seed(digit)
        parts = []
        for part in torch.randn((samples, 1, 28, 28), generator=generator).split(BATCH):
            seed = 1000 + 100 * digit + len(parts)
            *_, last = Sampler(steps=50, method="ddpm", clip=clip, seed=seed).sample(denoiser, Noisy(part))
            parts.append(last.x0.clamp(-1, 1))
        yield torch.cat(parts)


def verdict(value: float, goal: float) -> str:
    return f"goal: at least {goal:.1%}, {'reached' if value >= goal else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of the IDX files; downloaded when absent")
    parser.add_argument("--weights", type=Path, help="a file of SaveModel; the shipped one when absent")
    parser.add_argument("--samples", type=int, default=400, help="of each digit")
    parser.add_argument("--clip", choices=("none", "clamp"), default="clamp", help="of the sampler")
    parser.add_argument("--scales", type=float, nargs="+", default=list(GOALS), help="guidance scales")
    options = parser.parse_args()

    folder = options.mnist or download_mnist()
    model = None
    if options.weights is not None:
        config, weights, metadata = load_unet(options.weights)
        model = Model(config.describe(), weights, metadata)

    start = time.perf_counter()
    classifier, accuracy = train_classifier(folder)
    print(f"classifier: {accuracy:.2%} of MNIST's test pictures   {verdict(accuracy, 0.99)}", flush=True)
    images, labels, _ = load_mnist(folder)
    own = variety(signal(images), labels)

    store = Resources()
    for scale in options.scales:
        x = torch.cat(list(draw(store, model, scale, options.samples, options.clip)))
        digits = torch.arange(10).repeat_interleave(options.samples)
        right = (read(classifier, x) == digits).float().reshape(10, -1).mean(dim=1)
        ratio = variety(x, digits) / own
        print(f"\nguidance scale {scale:g}, {len(x)} samples, clip {options.clip}, {time.perf_counter() - start:.0f} s")
        print("digit        " + "".join(f"{digit:8d}" for digit in range(10)))
        print("read rightly " + "".join(f"{share:8.1%}" for share in right.tolist()))
        print("variety      " + "".join(f"{share:8.1%}" for share in ratio.tolist()))
        share, varied = right.mean().item(), ratio.mean().item()
        print(f"read rightly {share:.2%}   {verdict(share, GOALS[scale]) if scale in GOALS else ''}")
        print(f"variety {varied:.1%}, least {ratio.min().item():.1%}   {verdict(varied, VARIETY_GOAL)}", flush=True)


if __name__ == "__main__":
    main()
