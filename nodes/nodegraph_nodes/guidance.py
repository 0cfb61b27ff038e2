"""Guidance nodes: denoisers made of denoisers, which nest in any order."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.noise import Seed
from nodegraph_nodes.types import Denoiser, Image, Mask, Noisy

Scale = Annotated[
    float, Field(ge=-30, le=30, description="1 leaves the conditional estimate as it is, 0 the unconditional one.")
]
ViewName = Annotated[
    Literal[
        "flip", "mirror", "rotate_90", "rotate_180", "rotate_270", "negate", "inner_circle", "pixel_permutation"
    ],
    Field(
        description="flip: upside down; mirror: left and right exchanged; rotate: counterclockwise; negate: black and "
        "white exchanged; inner_circle: its middle turned by half a turn; pixel_permutation: all pixels shuffled."
    ),
]
Permutation = Annotated[
    int, Field(ge=0, le=2**63 - 1, description="Which shuffling pixel_permutation is; other views ignore it.")
]
Sigma = Annotated[
    float,
    Field(
        gt=0, le=256, description="Of the Gaussian that splits coarse from fine.", json_schema_extra={"unit": "pixels"}
    ),
]
Kernel = Annotated[
    int | None,
    Field(ge=1, le=1025, description="Width of the Gaussian in pixels, odd; empty: as wide as sigma takes."),
]
Inside = Annotated[Mask, Field(description="1 (white) where the inside is, 0 (black) outside.")]
ToPaint = Annotated[Mask, Field(description="1 (white) where new content is to be painted; the rest is kept.")]
Mode = Annotated[
    Literal["after", "before", "paste"],
    Field(
        description="When the kept part is put back: after each step or before each estimate (RePaint), noised to the "
        "same timestep; or pasted clean all along (DeepFloyd IF)."
    ),
]
Restore = Annotated[bool, Field(description="Put the kept part back exactly at the end, which `before` does not.")]
Weights = Annotated[
    list[float], Field(description="One for each part; a negative one is a condition to stay away from.")
]
Undo = Annotated[bool, Field(description="Turn a picture back that was seen through the view.")]


@node("CFGCombine", category="Guidance", outputs="denoiser")
def cfg_combine(conditional: Denoiser, unconditional: Denoiser, scale: Scale = 7.0) -> Denoiser:
    """Push the conditional noise estimate away from the unconditional one.

    Classifier-free guidance; with a prompt for what is not wanted as the unconditional one, a negative prompt.
    """
    from nodegraph_nodes.ops.denoisers import CFGCombine

    return CFGCombine(conditional, unconditional, scale)


@node("FlipAverage", category="Guidance", outputs="denoiser")
def flip_average(
    upright: Denoiser, flipped: Denoiser, view: ViewName = "flip", permutation: Permutation = 0
) -> Denoiser:
    """Make a visual anagram: one thing as it stands, another when it is seen through the view."""
    from nodegraph_nodes.ops.denoisers import FlipAverage
    from nodegraph_nodes.ops.views import named_view

    return FlipAverage(upright, flipped, named_view(view, permutation))


@node("FrequencyMix", category="Guidance", outputs="denoiser")
def frequency_mix(low: Denoiser, high: Denoiser, sigma: Sigma = 2.0, kernel: Kernel = None) -> Denoiser:
    """Make a hybrid image: one thing from afar (its coarse structure), another from close up (its fine detail)."""
    from nodegraph_nodes.ops.denoisers import FrequencyMix

    return FrequencyMix(low, high, sigma, kernel)


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


@node("MaskBlend", category="Guidance", outputs="denoiser")
def mask_blend(
    denoiser: Denoiser, image: Image, mask: ToPaint, mode: Mode = "after", restore: Restore = False, seed: Seed = 2
) -> Denoiser:
    """Inpaint: make new content where the mask is 1 and keep the picture elsewhere.

    The estimate of the noise stays as it is; the sampler puts the kept part back at each step. With `mode` before, let
    the sampler repeat its steps, so that both parts fit together.
    """
    from nodegraph_nodes.ops.hooks import keep_outside

    return keep_outside(denoiser, image.pixels, mask.values, mode, restore, seed, image.space)


class Transformed(NamedTuple):
    """What was given, seen through a view."""

    image: Image | None
    noisy: Noisy | None


@node("Transform", category="Pictures")
def transform(
    image: Image | None = None,
    noisy: Noisy | None = None,
    view: ViewName = "flip",
    permutation: Permutation = 0,
    undo: Undo = False,
) -> Transformed:
    """See a picture, or a noisy one, through a view: what the flipped branch of FlipAverage sees."""
    from nodegraph_nodes.ops.views import named_view

    if image is None and noisy is None:
        raise ValueError("there is nothing to transform; link an image or a noisy picture")
    chosen = named_view(view, permutation)
    turn = chosen.undo if undo else chosen.apply
    return Transformed(
        image and Image(turn(image.pixels), image.space),
        noisy and Noisy(turn(noisy.x), noisy.t, noisy.schedule, noisy.space),
    )
