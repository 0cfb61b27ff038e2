"""How much of a bare training loop's speed `train` keeps.

Both train the same network with the same batch size and precision. Their steps take turns in blocks, so
that what else the machine does falls on both. The bare loop does what no training can do without:
forward, backward, AdamW. What `train` does beside that is drawing examples so that each step can be
repeated, clipping, averaging, and at each epoch's end a sheet and a checkpoint, which is spread over the
469 steps that an epoch of MNIST has.

    python benchmarks/training.py [--mnist FOLDER] [--blocks 21]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.mnist import download_mnist, load_mnist
from nodegraph_nodes.ops.training import TrainingSettings, has_bf16, train
from nodegraph_nodes.ops.unet import UNet, UNetConfig
from nodegraph_nodes.types import NoiseSchedule

GOAL = 0.95
BLOCK = 3  # steps
EPOCH = 469  # steps, of MNIST's 60,000 pictures in batches of 128


def bare_loop(images: Tensor, labels: Tensor, batch: int) -> Iterator[None]:
    """The least that a training can be; yields after each step."""
    net = UNet(UNetConfig())
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, fused=True)
    kept = torch.tensor(NoiseSchedule.named("linear").alphas_cumprod)
    while True:
        for chosen in torch.randperm(len(images)).split(batch):
            x, label = images[chosen, None].float() / 127.5 - 1, labels[chosen]
            t, noise = torch.randint(1000, (len(x),)), torch.randn_like(x)
            ab_t = kept[t][:, None, None, None]
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16(torch.device("cpu"))):
                estimate = net(ab_t.sqrt() * x + (1 - ab_t).sqrt() * noise, t, label)
            loss = F.mse_loss(estimate.float(), noise)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of the IDX files; downloaded when absent")
    parser.add_argument("--blocks", type=int, default=21, help=f"blocks of {BLOCK} steps for each of the two")
    options = parser.parse_args()

    images, labels, _ = load_mnist(options.mnist or download_mnist())
    settings = TrainingSettings(epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        ours = train(images, labels, settings, Path(folder) / "checkpoint.safetensors")
        bare = bare_loop(images, labels, settings.batch)
        for loop in (ours, bare):
            seconds(loop, BLOCK)
        pairs = [(seconds(ours, BLOCK), seconds(bare, BLOCK)) for _ in range(options.blocks)]
        ours.close()

        few = images[: settings.batch], labels[: settings.batch]
        checkpoint = Path(folder) / "few.safetensors"
        end_of_epoch = (
            seconds(train(*few, settings, checkpoint), 1) - statistics.median(pair[0] for pair in pairs) / BLOCK
        )

    step, bare_step = (statistics.median(times) / BLOCK for times in zip(*pairs, strict=True))
    whole = step + end_of_epoch / EPOCH
    print(f"step of train    {step:8.3f} s   (median of {options.blocks} blocks of {BLOCK})")
    print(f"step of bare loop{bare_step:8.3f} s")
    print(f"end of an epoch  {end_of_epoch:8.3f} s   (sheet and checkpoint)")
    print(f"an epoch         {whole * EPOCH:8.1f} s")
    print(f"ratio            {bare_step / whole:8.3f}   goal: at least {GOAL}")


def seconds(loop: Iterator[object], steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        next(loop)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
