"""The U-Net: a network of about a million parameters that sees noise in a picture.

Read it from the bottom: `UNet` goes from 28 x 28 pixels down to 7 x 7 and back, and every `Block` on
the way is told the time (how noisy the picture is) and the class (which digit it shall become). It
is only the network and its file; what its estimates are used for is elsewhere.

Sources: Ho, Jain and Abbeel 2020 (the network of DDPM), Dhariwal and Nichol 2021 (time and class as
scale and shift after group normalisation), Ho and Salimans 2022 (a class that means "no class").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nodegraph_nodes.ops.weights import read_safetensors, safetensors_bytes, write_atomically
from nodegraph_nodes.ops.words import count

ARCHITECTURE = "nodegraph-unet-2"
"""Marks a weights file as one of ours; a change of the network that old weights do not fit gets a new number."""

GROUPS = 8


@dataclass(frozen=True)
class UNetConfig:
    """What must be known to build the network before its weights are read."""

    size: int = 28
    channels: int = 1
    widths: tuple[int, ...] = (32, 64, 128)
    classes: int = 10

    def __post_init__(self) -> None:
        reduction = 2 ** (len(self.widths) - 1)
        if not self.widths or any(width <= 0 or width % GROUPS for width in self.widths):
            raise ValueError(f"widths are {list(self.widths)}, each must be a positive multiple of {GROUPS}")
        if self.size <= 0 or self.size % reduction:
            widths = count(len(self.widths), "width")
            raise ValueError(f"size is {self.size}, must be a multiple of {reduction} for {widths}")
        if self.channels <= 0 or self.classes < 0:
            raise ValueError(f"channels are {self.channels} and classes {self.classes}, must be at least 1 and 0")

    def describe(self) -> dict[str, int | list[int]]:
        """The configuration as JSON values, as weights files carry it."""
        return {"size": self.size, "channels": self.channels, "widths": list(self.widths), "classes": self.classes}

    @classmethod
    def from_description(cls, description: object) -> "UNetConfig":
        """Read what `describe` gave; ValueError where a field is missing, unknown or of another type."""
        match description:
            case {"size": int(size), "channels": int(channels), "widths": [*widths], "classes": int(classes), **rest}:
                if not rest and all(type(width) is int for width in widths):
                    return cls(size, channels, tuple(widths), classes)
        raise ValueError(f"the configuration is {str(description)[:200]}, must be like {cls().describe()}")


def sinusoids(t: Tensor, width: int) -> Tensor:
    """Describe each timestep by sines and cosines of many wavelengths.

    Args:
        t: (B,), 0 to about 1000.
        width: how many numbers a timestep becomes; even.

    Returns:
        (B, width), float32.

    Source: Vaswani et al. 2017, section 3.5; wavelengths from 2 pi to 10,000 * 2 pi.
    """
    frequencies = torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(10_000) / (width // 2)))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Block(nn.Module):
    """Two convolutions beside a shortcut; the condition scales and shifts what lies between them."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.scale_shift = nn.Linear(condition, 2 * width)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        _zero(self.conv2)  # a block starts as its shortcut, so that depth does no harm

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h: Tensor = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.scale_shift(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift
        h = self.conv2(F.silu(h))
        return x + h


class Attention(nn.Module):
    """Lets every place see every other: strokes that are far apart must fit together."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(GROUPS, width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        _zero(self.out)

    def forward(self, x: Tensor) -> Tensor:
        batch, width, rows, columns = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, 3, self.heads, width // self.heads, rows * columns)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # each (batch, heads, places, width of a head)
        h: Tensor = F.scaled_dot_product_attention(q, k, v)
        h = self.out(h.transpose(-1, -2).reshape(batch, width, rows, columns))
        return x + h


class UNet(nn.Module):
    """Estimates the noise in `x_t`, given the timestep and the class.

    Everything is normalised within one picture (group norm), so a picture's estimate depends neither
    on the other pictures of its batch nor on whether the network is training.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        levels = range(len(widths) - 1)
        condition = 4 * widths[0]

        def blocks(i: int) -> nn.ModuleList:
            # One at full size, where a block costs most and sees least; two below.
            return nn.ModuleList(Block(widths[i], condition) for _ in range(1 if i == 0 else 2))

        self.time = nn.Sequential(nn.Linear(condition, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.label = nn.Embedding(config.classes + 1, condition)  # the last row: no class

        self.enter = nn.Conv2d(config.channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(blocks(i) for i in levels)
        self.shrink = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 2, stride=2) for i in levels)
        self.bottom1 = Block(widths[-1], condition)
        self.attention = Attention(widths[-1])
        self.bottom2 = Block(widths[-1], condition)
        self.grow = nn.ModuleList(nn.Conv2d(widths[i + 1], widths[i], 1) for i in levels)
        self.up = nn.ModuleList(blocks(i) for i in levels)
        self.norm = nn.GroupNorm(GROUPS, widths[0])
        self.leave = nn.Conv2d(widths[0], config.channels, 3, padding=1)
        _zero(self.leave)

    def forward(self, x: Tensor, t: Tensor | int, label: Tensor) -> Tensor:
        """Estimate the noise.

        Args:
            x: noisy pictures, (B, channels, size, size), signal in [-1, 1].
            t: timesteps, (B,) or one for all, 0 to 999.
            label: classes, (B,), long; `config.classes` means "no class".

        Returns:
            The noise, of the shape of `x`.
        """
        t = t.to(x.device).expand(len(x)) if isinstance(t, Tensor) else torch.full((len(x),), t, device=x.device)
        condition = F.silu(self.time(sinusoids(t, self.label.embedding_dim)) + self.label(label))

        h: Tensor = self.enter(x)
        skips = []
        for level, shrink in zip(self.down, self.shrink, strict=True):
            for block in level:
                h = block(h, condition)
            skips.append(h)
            h = shrink(h)

        h = self.bottom1(h, condition)
        h = self.attention(h)
        h = self.bottom2(h, condition)

        for level, grow in reversed(list(zip(self.up, self.grow, strict=True))):
            h = skips.pop() + F.interpolate(grow(h), scale_factor=2.0, mode="nearest")
            for block in level:
                h = block(h, condition)

        noise: Tensor = self.leave(F.silu(self.norm(h)))
        return noise


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def build_unet(config: UNetConfig, weights: Mapping[str, Tensor]) -> UNet:
    """Make the network that the weights were trained as, in eval mode and float32.

    Raises:
        ValueError: a weight is missing, unknown or of another shape than the configuration says.
    """
    with torch.device("meta"):  # neither draws first weights that would be thrown away, nor moves the random state
        net = UNet(config)
    expected = net.state_dict()
    for name in sorted(expected.keys() | weights.keys()):
        if name not in weights:
            raise ValueError(f"the weights lack {name}; they were not made for {config}")
        if name not in expected:
            raise ValueError(f"the weights hold {name}, which no U-Net has with {config}")
        if weights[name].shape != expected[name].shape:
            raise ValueError(
                f"the weight {name} is {list(weights[name].shape)}, must be {list(expected[name].shape)} with {config}"
            )
    net.load_state_dict({name: value.to(torch.float32, copy=True) for name, value in weights.items()}, assign=True)
    return net.requires_grad_(False).eval()


def save_unet(
    path: Path, weights: Mapping[str, Tensor], config: UNetConfig, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights with what must be known to use them; the file appears whole or not at all."""
    write_atomically(path, unet_bytes(weights, config, metadata))


def unet_bytes(weights: Mapping[str, Tensor], config: UNetConfig, metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a weights file: safetensors, with architecture and configuration in its metadata."""
    described = {**(metadata or {}), "architecture": ARCHITECTURE, "config": json.dumps(config.describe())}
    return safetensors_bytes(weights, described)


def load_unet(path: Path) -> tuple[UNetConfig, dict[str, Tensor], dict[str, str]]:
    """Read a weights file: its configuration, its weights, and all of its metadata.

    Raises:
        ValueError: the file is cut short, a pickle, or the weights of another network.
    """
    weights, metadata = read_safetensors(path)
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "no architecture")
        raise ValueError(f"{path} names {found} in its metadata, must be {ARCHITECTURE}: a file of SaveModel")
    try:
        config = UNetConfig.from_description(json.loads(metadata.get("config", "null")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return config, weights, metadata
