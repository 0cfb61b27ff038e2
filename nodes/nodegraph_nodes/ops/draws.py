"""Draws: standard normal noise from seeds, the same on every device, counted, so that it can be gone on with."""

import hashlib

import torch
from torch import Tensor

from nodegraph_nodes.ops.copies import pins, sent
from nodegraph_nodes.types import Draw, StateHook


def drawing(seed: int) -> Draw:
    """Draws noise from its own generator, float32 on the CPU, so that every device gets the same."""
    generator = torch.Generator().manual_seed(seed)
    return lambda x: sent(torch.randn(x.shape, generator=generator, pin_memory=pins(x)), x)


class Counted:
    """The same draw, counted, so that it can be gone on with.

    Attributes:
        count: how many noises have been drawn.
    """

    def __init__(self, draw: Draw) -> None:
        self.count = 0
        self._draw = draw

    def __call__(self, x: Tensor) -> Tensor:
        self.count += 1
        return self._draw(x)

    def skip(self, count: int, x: Tensor) -> None:
        """Go on as if that many noises like `x` had been drawn."""
        like = torch.empty(x.shape)
        for _ in range(count):
            self(like)


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


def hook_name(hook: StateHook) -> str:
    """Names a hook, equal for equal keys, in a word that can be saved."""
    digest = hashlib.blake2b(repr(hook.key).encode(), digest_size=8).hexdigest()
    return f"{type(hook).__name__} {digest}"
