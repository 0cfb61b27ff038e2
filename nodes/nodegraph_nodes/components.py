"""Components: parts of a picture, such as coarse structure and fine detail, each made by a denoiser of its own."""

from typing import Annotated, Literal

from pydantic import Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import branching, composed, kept, pictures_of
from nodegraph_nodes.noise import Seed
from nodegraph_nodes.ops.agreements import check_components, check_kept
from nodegraph_nodes.ops.demands import Blurred, Demand, Pictures, Split, check_all
from nodegraph_nodes.ops.sizes import check_odd
from nodegraph_nodes.types import Denoiser, Image

PIXELS = {"unit": "pixels"}
Sigma = Annotated[
    float, Field(gt=0, le=256, description="Of the Gaussian that splits coarse from fine.", json_schema_extra=PIXELS)
]
Kernel = Annotated[
    int | None,
    Field(ge=1, le=1025, description="Width of the Gaussian in pixels, odd; empty: as wide as sigma takes."),
]
Parts = Annotated[list[Denoiser], Field(description="One for each component, in the order of `by`.")]
By = Annotated[
    Literal["low, high", "low, middle, high", "grey, colour", "motion, rest"],
    Field(
        description="The components, in order: what a Gaussian blur leaves, and the rest; three bands of two blurs; "
        "the mean of the channels, and the rest; what a blur along the falling diagonal leaves, and the rest."
    ),
]
FixedKernel = Annotated[
    int | None,
    Field(
        ge=1,
        le=1025,
        description="Width of the Gaussians, odd; empty: 33, of the three bands 25.",
        json_schema_extra=PIXELS,
    ),
]
Fine = Annotated[
    float,
    Field(gt=0, le=256, description="Of the Gaussian that splits middle from high.", json_schema_extra=PIXELS),
]
Length = Annotated[
    int,
    Field(ge=1, le=1025, description="Over how many pixels motion is blurred, odd.", json_schema_extra=PIXELS),
]
Base = Annotated[
    int,
    Field(
        ge=0,
        le=8192,
        description="The side of the pictures for which sigmas, kernel and length are given; they grow with larger "
        "pictures, by whole factors. 0: pixels of any picture, as typed.",
        json_schema_extra=PIXELS,
    ),
]
Keep = Annotated[
    Literal["low", "middle", "high", "grey", "colour", "motion", "rest"],
    Field(description="Which component comes from the picture: one of those in `by`."),
]
Project = Annotated[
    bool,
    Field(
        description="Take the component from the clean picture once more at the end: grey is then exactly the "
        "picture's, a blur closer."
    ),
]


def foresee_mix(known: Foresight) -> None:
    demands: tuple[Demand, ...] = ()
    if known.knows("kernel"):
        with known.refusals():
            check_odd(known.value("kernel"))
            if known.knows("sigma"):
                demands = (Blurred(known.value("sigma"), known.value("kernel")),)
    facts = composed(known, [known.of("low"), known.of("high")], demands=demands)
    known.gives("denoiser", facts | branching(known, "low", "high"))


@node("FrequencyMix", category="Guidance", outputs="denoiser", foresee=foresee_mix)
def frequency_mix(low: Denoiser, high: Denoiser, sigma: Sigma = 2.0, kernel: Kernel = None) -> Denoiser:
    """Make a hybrid image: one thing from afar (its coarse structure), another from close up (its fine detail).

    It works on noise; on clean pictures it would be the same. Factorize has further components, and a kernel that grows
    with the pictures.
    """
    from nodegraph_nodes.ops.denoisers import FrequencyMix

    return FrequencyMix(low, high, sigma, kernel)


def foresee_factors(known: Foresight) -> None:
    """A part for each component, and pictures that can be split."""
    count = known.count("parts")
    demands: tuple[Demand, ...] = ()
    with known.refusals():
        if count is not None and known.knows("by"):
            check_components(count, known.value("by").split(", "))
        check_all(split(known), Pictures())
        demands = split(known)
    known.gives("denoiser", composed(known, known.of("parts"), demands=demands))


def split(known: Foresight) -> tuple[Demand, ...]:
    """That pictures can be split `by` what is typed, where that is known."""
    names = ("by", "kernel", "length", "base")
    return (Split(*map(known.value, names)),) if known.knows(*names) else ()


@node("Factorize", category="Guidance", outputs="denoiser", foresee=foresee_factors)
def factorize(
    parts: Parts,
    by: By = "low, high",
    sigma: Sigma = 2.0,
    kernel: FixedKernel = None,
    fine: Fine = 1.0,
    length: Length = 7,
    base: Base = 64,
) -> Denoiser:
    """Make each component of a picture by a denoiser of its own: coarse and fine, grey and colour, motion and rest.

    All see the same noisy picture; of each estimate its component is taken. The components sum to the identity, so it
    is the same in noise, where it works, and in clean pictures. A learned variance is the mean of all, unfiltered.
    Settings are Factorized Diffusion's, for 64 x 64 pixels and multiples; for smaller ones set base to 0.
    What its code calls scale, components that are shares of the whole picture, is WeightedSum.
    """
    from nodegraph_nodes.ops.components import Factorize, named_components

    return Factorize(tuple(parts), named_components(by, sigma, kernel, fine, length, base))


def foresee_inverse(known: Foresight) -> None:
    """One of the components is kept of a picture that can be split."""
    with known.refusals():
        if known.knows("by", "keep"):
            check_kept(known.value("keep"), known.value("by").split(", "))
        check_all(split(known), pictures_of(known.of("image")))
    known.gives("denoiser", kept(known))


@node("HybridInverse", category="Guidance", outputs="denoiser", foresee=foresee_inverse)
def hybrid_inverse(
    denoiser: Denoiser,
    image: Image,
    by: By = "low, high",
    keep: Keep = "low",
    project: Project = False,
    seed: Seed = 4,
    sigma: Sigma = 2.0,
    kernel: FixedKernel = None,
    fine: Fine = 1.0,
    length: Length = 7,
    base: Base = 64,
) -> Denoiser:
    """Keep one component of a picture, such as its coarse structure or its grey, and make the others to it.

    The estimate of the noise stays as it is. Before each estimate the sampler replaces that component by the picture's,
    noised to the same timestep with fresh noise; so at the end it is near the picture's, and with `project` nearest.
    """
    from nodegraph_nodes.ops.components import named_components
    from nodegraph_nodes.ops.inverse_hybrids import keep_component

    components = named_components(by, sigma, kernel, fine, length, base)
    return keep_component(denoiser, image.pixels, components, keep, project, seed, image.space)
