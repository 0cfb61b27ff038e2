"""Latents: how they look, roughly and at once, as the plugins tell that bring the VAEs.

A distribution tells by an entry point in the group `nodegraph.latents`, whose name is that of the space behind
"latent:", and whose value is a function from latents (B, C, h, w) to pictures (B, 1 or 3, h, w) in [-1, 1]:

    [project.entry-points."nodegraph.latents"]
    mine = "nodegraph_mine.looks:colours"   # of the space latent:mine
"""

import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from torch import Tensor

GROUP = "nodegraph.latents"
Look = Callable[[Tensor], Tensor]
log = logging.getLogger("nodegraph")


def seen(values: Tensor, space: str) -> Tensor:
    """What lives in a space, (B, C, h, w), as pictures (B, 1 or 3, h, w); of latents that nobody shows, their mean."""
    look = look_of(space) if space != "pixels" else None
    if look is not None:
        return look(values)
    return values if values.shape[1] in (1, 3) else values.mean(dim=1, keepdim=True)


@cache
def look_of(space: str) -> Look | None:
    """What shows the latents of a space; None where no installed plugin does."""
    for entry in entry_points(group=GROUP, name=space.removeprefix("latent:")):
        try:
            look: Look = entry.load()
        except Exception as error:  # a plugin is a stranger's code; how latents look is no reason to fail
            log.warning("%s: how its latents look cannot be loaded: %s", space, error)
            continue
        return look
    return None
