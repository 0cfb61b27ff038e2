"""Guidance nodes: denoisers made of denoisers, which nest in any order."""

from typing import Annotated, Literal

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.types import Denoiser, Mask

Scale = Annotated[
    float, Field(ge=-30, le=30, description="1 leaves the conditional estimate as it is, 0 the unconditional one.")
]
Push = Annotated[
    float,
    Field(ge=-30, le=30, description="1 is the positive estimate, less what leads to negatives; 0 the unconditional."),
]
Inside = Annotated[Mask, Field(description="1 (white) where the inside is, 0 (black) outside.")]
Weights = Annotated[
    list[float], Field(description="One for each part; a negative one is a condition to stay away from.")
]
Negatives = Annotated[list[Denoiser], Field(description="What to stay away from.")]
NegativeWeights = Annotated[
    list[float], Field(description="How far from each of the negatives; empty: 1 for each. Negative ones attract.")
]
Share = Annotated[float, Field(ge=0, le=1, description="How much of the estimate is rescaled: 0 none, 1 all of it.")]
First = Annotated[
    int, Field(ge=0, le=999, description="The highest timestep of the inside, where it begins: sampling goes down.")
]
Last = Annotated[int, Field(ge=0, le=999, description="The lowest timestep of the inside.")]
RegionMasks = Annotated[
    list[Mask],
    Field(description="One for each part, 1 in all at each pixel; or one fewer, and the last part has the rest."),
]
TileSize = Annotated[
    int,
    Field(
        ge=1,
        le=4096,
        description="Width and height of a tile, as the denoiser was trained on; on latents, in their pixels.",
        json_schema_extra={"unit": "pixels"},
    ),
]
Stride = Annotated[
    int,
    Field(
        ge=1,
        le=4096,
        description="From one tile to the next, at most the size. The smaller, the better they join, and the more "
        "there are.",
        json_schema_extra={"unit": "pixels"},
    ),
]
Weighting = Annotated[
    Literal["uniform", "gaussian"],
    Field(description="How much a tile counts where several overlap: equally, or less towards its borders."),
]


@node("CFGCombine", category="Guidance", outputs="denoiser")
def cfg_combine(conditional: Denoiser, unconditional: Denoiser, scale: Scale = 7.0) -> Denoiser:
    """Push the conditional noise estimate away from the unconditional one.

    Classifier-free guidance; with a prompt for what is not wanted as the unconditional one, a negative prompt; with a
    weaker network as the unconditional one, told the same, autoguidance. It works on noise; on clean pictures it would
    be the same. A learned variance is the conditional one's.
    """
    from nodegraph_nodes.ops.denoisers import CFGCombine

    return CFGCombine(conditional, unconditional, scale)


@node("CFGRescale", category="Guidance", outputs="denoiser")
def cfg_rescale(guided: Denoiser, conditional: Denoiser, share: Share = 0.7) -> Denoiser:
    """Make a guided estimate as strong as the conditional one, against overexposure at high guidance scales.

    guided is of CFGCombine, conditional what that was given. The standard deviation of each picture's noise is
    compared, as diffusers does; unlike with other nodes, working on clean pictures would give something else.
    """
    from nodegraph_nodes.ops.guidance import CFGRescale

    return CFGRescale(guided, conditional, share)


@node("PerpNeg", category="Guidance", outputs="denoiser")
def perp_neg(
    positive: Denoiser,
    unconditional: Denoiser,
    negatives: Negatives,
    scale: Push = 7.0,
    weights: NegativeWeights = [],  # noqa: B006 - a default of the port, never written to
) -> Denoiser:
    """Stay away from several things, but only so far as that does not weaken what is wanted (Perp-Neg).

    Of each negative push the part along the positive one is left out, picture by picture. It works on noise; on clean
    pictures it would be the same. A learned variance is the positive one's.
    """
    from nodegraph_nodes.ops.guidance import PerpNeg

    return PerpNeg(positive, unconditional, tuple(negatives), tuple(weights or [1.0] * len(negatives)), scale)


@node("When", category="Guidance", outputs="denoiser")
def when(inside: Denoiser, outside: Denoiser, first: First = 999, last: Last = 0) -> Denoiser:
    """Use one denoiser in an interval of timesteps, and another before and after.

    With guidance inside and its conditional one outside, a guidance interval; with two prompts, a prompt schedule. The
    denoiser that is not used at a timestep is not asked. What either keeps of a picture (MaskBlend) is kept throughout.
    In noise and in clean pictures it is the same.
    """
    from nodegraph_nodes.ops.switches import When

    return When(inside, outside, first, last)


@node("RegionBlend", category="Guidance", outputs="denoiser")
def region_blend(inside: Denoiser, outside: Denoiser, mask: Inside) -> Denoiser:
    """Use one denoiser inside a mask and another outside, in one picture.

    It works on noise; on clean pictures it would be the same.
    """
    from nodegraph_nodes.ops.denoisers import RegionBlend

    return RegionBlend(inside, outside, mask.values)


@node("Regions", category="Guidance", outputs="denoiser")
def regions(parts: list[Denoiser], masks: RegionMasks) -> Denoiser:
    """Use several denoisers in one picture, each where its mask says.

    Masks may be soft, but must sum to 1 everywhere; so it is the same in noise, where it works, and in clean pictures.
    """
    from nodegraph_nodes.ops.regions import Regions

    return Regions(tuple(parts), tuple(mask.values for mask in masks))


@node("Tile", category="Guidance", outputs="denoiser")
def tile(denoiser: Denoiser, size: TileSize = 64, stride: Stride = 32, weighting: Weighting = "uniform") -> Denoiser:
    """Make pictures larger than the denoiser knows, such as panoramas, from tiles that overlap (MultiDiffusion).

    Where tiles overlap their estimates are averaged; gaussian is Mixture of Diffusers. It works on noise; on clean
    pictures it would be the same. All tiles of a step are one batch, which is split where memory is short. Start from
    PureNoise with a width. What keeps a picture (MaskBlend, HybridInverse, ILVR) goes around it, as large as the whole.
    """
    from nodegraph_nodes.ops.tiles import Tile

    return Tile(denoiser, size, stride, weighting)


@node("WeightedSum", category="Guidance", outputs="denoiser")
def weighted_sum(parts: list[Denoiser], weights: Weights, base: Denoiser | None = None) -> Denoiser:
    """Combine several conditions: the base, pushed towards each part by its weight.

    Usually the base is unconditional: positive weights say AND, negative ones NOT (Composable Diffusion). Without a
    base the parts themselves are summed, and the weights must sum to 1; so it is the same in noise, where it works, and
    in clean pictures. A learned variance is the first part's.
    """
    from nodegraph_nodes.ops.denoisers import WeightedSum

    return WeightedSum(base, tuple(parts), tuple(weights))
