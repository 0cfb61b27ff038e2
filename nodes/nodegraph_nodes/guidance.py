"""Guidance nodes: denoisers made of denoisers, which nest in any order."""

from typing import Annotated, Literal

from pydantic import Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import branching, chosen, compare_pictures, composed, shape_of, size_of
from nodegraph_nodes.ops.agreements import check_interval, check_negatives, check_regions, check_stride, check_sum
from nodegraph_nodes.ops.demands import Either, Tiled
from nodegraph_nodes.ops.rectangles import check_rectangles
from nodegraph_nodes.ops.sizes import check_size, check_tile
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


def foresee_guidance(known: Foresight) -> None:
    """The unconditional half is asked unless the scale is 1; both should see the same picture."""
    conditional, unconditional = known.of("conditional"), known.of("unconditional")
    both = known.knows("scale") and known.value("scale") != 1
    asked = [conditional, unconditional] if both else [conditional]
    known.gives("denoiser", composed(known, [conditional, unconditional], asked))
    if known.knows("scale"):
        known.gives("denoiser", branching(known, *["conditional", "unconditional"][: len(asked)]))
    if both:
        compare_pictures(known, "conditional", "unconditional")


@node("CFGCombine", category="Guidance", outputs="denoiser", foresee=foresee_guidance)
def cfg_combine(conditional: Denoiser, unconditional: Denoiser, scale: Scale = 7.0) -> Denoiser:
    """Push the conditional noise estimate away from the unconditional one.

    Classifier-free guidance; with a prompt for what is not wanted as the unconditional one, a negative prompt; with a
    weaker network as the unconditional one, told the same, autoguidance. It works on noise; on clean pictures it would
    be the same. A learned variance is the conditional one's.
    """
    from nodegraph_nodes.ops.denoisers import CFGCombine

    return CFGCombine(conditional, unconditional, scale)


def foresee_rescaling(known: Foresight) -> None:
    guided, conditional = known.of("guided"), known.of("conditional")
    both = known.knows("share") and known.value("share") != 0
    known.gives("denoiser", composed(known, [guided, conditional], [guided, conditional] if both else [guided]))


@node("CFGRescale", category="Guidance", outputs="denoiser", foresee=foresee_rescaling)
def cfg_rescale(guided: Denoiser, conditional: Denoiser, share: Share = 0.7) -> Denoiser:
    """Make a guided estimate as strong as the conditional one, against overexposure at high guidance scales.

    guided is of CFGCombine, conditional what that was given. The standard deviation of each picture's noise is
    compared, as diffusers does; unlike with other nodes, working on clean pictures would give something else.
    """
    from nodegraph_nodes.ops.guidance import CFGRescale

    return CFGRescale(guided, conditional, share)


def foresee_perp_neg(known: Foresight) -> None:
    """A weight for each negative; those of weight 0 are not asked."""
    always, negatives = [known.of("positive"), known.of("unconditional")], known.of("negatives")
    count, asked = known.count("negatives"), list(always)
    if known.knows("weights") and count is not None:
        weights = known.value("weights") or [1.0] * count
        with known.refusals():
            check_negatives(count, weights)
        asked += [negative for negative, weight in zip(negatives, weights, strict=False) if weight != 0]
    known.gives("denoiser", composed(known, [*always, *negatives], asked))
    compare_pictures(known, "positive", "unconditional")


@node("PerpNeg", category="Guidance", outputs="denoiser", foresee=foresee_perp_neg)
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


def foresee_when(known: Foresight) -> None:
    """One of the two is asked at a step, so that only what both need is needed."""
    inside, outside = known.of("inside"), known.of("outside")
    if known.knows("first", "last"):
        with known.refusals():
            check_interval(known.value("first"), known.value("last"))
    facts = composed(known, [inside, outside], ())
    if inside.get("demands") and outside.get("demands"):
        facts["demands"] = (Either(inside["demands"], outside["demands"]),)
    known.gives("denoiser", facts)


@node("When", category="Guidance", outputs="denoiser", foresee=foresee_when)
def when(inside: Denoiser, outside: Denoiser, first: First = 999, last: Last = 0) -> Denoiser:
    """Use one denoiser in an interval of timesteps, and another before and after.

    With guidance inside and its conditional one outside, a guidance interval; with two prompts, a prompt schedule. The
    denoiser that is not used at a timestep is not asked. What either keeps of a picture (MaskBlend) is kept throughout.
    In noise and in clean pictures it is the same.
    """
    from nodegraph_nodes.ops.switches import When

    return When(inside, outside, first, last)


def foresee_region(known: Foresight) -> None:
    facts = composed(known, [known.of("inside"), known.of("outside")], mask=known.of("mask"))
    known.gives("denoiser", facts | branching(known, "inside", "outside"))


@node("RegionBlend", category="Guidance", outputs="denoiser", foresee=foresee_region)
def region_blend(inside: Denoiser, outside: Denoiser, mask: Inside) -> Denoiser:
    """Use one denoiser inside a mask and another outside, in one picture.

    It works on noise; on clean pictures it would be the same.
    """
    from nodegraph_nodes.ops.denoisers import RegionBlend

    return RegionBlend(inside, outside, mask.values)


def foresee_regions(known: Foresight) -> None:
    """A mask for each part, or for each but the last, all of one size."""
    parts, masks = known.count("parts"), known.count("masks")
    if parts is not None and masks is not None:
        with known.refusals():
            check_regions(parts, masks)
    sizes = [size_of(mask) for mask in known.of("masks")]
    for number, size in enumerate(sizes):
        if size is not None and sizes[0] is not None:
            with known.refusals("masks"):
                check_size(size, f"masks[{number}]", sizes[0], "masks[0]")
    rectangles = [mask["rectangle"] for mask in known.of("masks") if "rectangle" in mask]
    whole = masks is not None and masks == len(rectangles) == len(sizes) and len(set(sizes)) == 1
    if whole and parts is not None and 0 <= parts - len(rectangles) <= 1:
        with known.refusals():
            check_rectangles(rectangles, rest=len(rectangles) < parts)
    known.gives("denoiser", composed(known, known.of("parts"), mask=next(iter(known.of("masks")), None)))


@node("Regions", category="Guidance", outputs="denoiser", foresee=foresee_regions)
def regions(parts: list[Denoiser], masks: RegionMasks) -> Denoiser:
    """Use several denoisers in one picture, each where its mask says.

    Masks may be soft, but must sum to 1 everywhere; so it is the same in noise, where it works, and in clean pictures.
    """
    from nodegraph_nodes.ops.regions import Regions

    return Regions(tuple(parts), tuple(mask.values for mask in masks))


def foresee_tiles(known: Foresight) -> None:
    """What the denoiser takes is a tile; it keeps no picture, and the whole may have any size."""
    inner = known.of("denoiser")
    if known.knows("size"):
        with known.refusals():
            check_tile(known.value("size"), shape_of(inner))
            if known.knows("stride"):
                check_stride(known.value("size"), known.value("stride"))
    if inner.get("keeps"):
        known.wrong(
            "denoiser", "keeps a picture between steps, which tiles that overlap cannot do", "keep it around Tile"
        )
    known.gives("denoiser", chosen(inner, "schedule", "space"))
    if known.knows("size"):
        tiles = Tiled(
            known.value("size"), inner.get("multiple", 1), inner.get("sides"), tuple(inner.get("demands", ()))
        )
        known.gives("denoiser", demands=(tiles,))


@node("Tile", category="Guidance", outputs="denoiser", foresee=foresee_tiles)
def tile(denoiser: Denoiser, size: TileSize = 64, stride: Stride = 32, weighting: Weighting = "uniform") -> Denoiser:
    """Make pictures larger than the denoiser knows, such as panoramas, from tiles that overlap (MultiDiffusion).

    Where tiles overlap their estimates are averaged; gaussian is Mixture of Diffusers. It works on noise; on clean
    pictures it would be the same. All tiles of a step are one batch, which is split where memory is short. Start from
    PureNoise with a width. What keeps a picture (MaskBlend, HybridInverse, ILVR) goes around it, as large as the whole.
    """
    from nodegraph_nodes.ops.tiles import Tile

    return Tile(denoiser, size, stride, weighting)


def foresee_sum(known: Foresight) -> None:
    """A weight for each part; without a base they sum to 1."""
    parts, based = known.of("parts"), known.links("base") > 0
    count = known.count("parts")
    if count is not None and known.knows("weights"):
        with known.refusals():
            check_sum(count, known.value("weights"), based)
    known.gives("denoiser", composed(known, [*([known.of("base")] if based else []), *parts]))


@node("WeightedSum", category="Guidance", outputs="denoiser", foresee=foresee_sum)
def weighted_sum(parts: list[Denoiser], weights: Weights, base: Denoiser | None = None) -> Denoiser:
    """Combine several conditions: the base, pushed towards each part by its weight.

    Usually the base is unconditional: positive weights say AND, negative ones NOT (Composable Diffusion). Without a
    base the parts themselves are summed, and the weights must sum to 1; so it is the same in noise, where it works, and
    in clean pictures. A learned variance is the first part's.
    """
    from nodegraph_nodes.ops.denoisers import WeightedSum

    return WeightedSum(base, tuple(parts), tuple(weights))
