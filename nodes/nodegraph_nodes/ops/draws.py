"""Draws: standard normal noise from seeds, the same on every device."""

import torch
from torch import Tensor

from nodegraph_nodes.ops.copies import pins, sent
from nodegraph_nodes.types import Draw


def drawing(seed: int) -> Draw:
    """Draws noise from its own generator, float32 on the CPU, so that every device gets the same."""
    generator = torch.Generator().manual_seed(seed)
    return lambda x: sent(torch.randn(x.shape, generator=generator, pin_memory=pins(x)), x)


def remembered(draw: Draw) -> tuple[Draw, list[Tensor]]:
    """The same draw, and a list of what it has drawn."""
    drawn: list[Tensor] = []

    def remembering(x: Tensor) -> Tensor:
        drawn.append(draw(x))
        return drawn[-1]

    return remembering, drawn


def again(noise: Tensor) -> Draw:
    """Draws what was drawn before."""
    return lambda x: noise.to(x)
