"""Guidance nodes: denoisers made of denoisers, which nest in any order."""

from typing import Annotated

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.types import Denoiser, Mask

Scale = Annotated[
    float, Field(ge=-30, le=30, description="1 leaves the conditional estimate as it is, 0 the unconditional one.")
]
Inside = Annotated[Mask, Field(description="1 (white) where the inside is, 0 (black) outside.")]
Weights = Annotated[
    list[float], Field(description="One for each part; a negative one is a condition to stay away from.")
]


@node("CFGCombine", category="Guidance", outputs="denoiser")
def cfg_combine(conditional: Denoiser, unconditional: Denoiser, scale: Scale = 7.0) -> Denoiser:
    """Push the conditional noise estimate away from the unconditional one.

    Classifier-free guidance; with a prompt for what is not wanted as the unconditional one, a negative prompt.
    """
    from nodegraph_nodes.ops.denoisers import CFGCombine

    return CFGCombine(conditional, unconditional, scale)


@node("RegionBlend", category="Guidance", outputs="denoiser")
def region_blend(inside: Denoiser, outside: Denoiser, mask: Inside) -> Denoiser:
    """Use one denoiser inside a mask and another outside, in one picture."""
    from nodegraph_nodes.ops.denoisers import RegionBlend

    return RegionBlend(inside, outside, mask.values)


@node("WeightedSum", category="Guidance", outputs="denoiser")
def weighted_sum(parts: list[Denoiser], weights: Weights, base: Denoiser | None = None) -> Denoiser:
    """Combine several conditions: the base, pushed towards each part by its weight.

    Usually the base is unconditional. Without a base the parts themselves are summed, and the weights must sum to 1.
    """
    from nodegraph_nodes.ops.denoisers import WeightedSum

    return WeightedSum(base, tuple(parts), tuple(weights))
