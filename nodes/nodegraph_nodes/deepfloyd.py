"""DeepFloyd IF: its two networks as denoisers, for every composition and sampler that there is."""

from typing import Annotated

from pydantic import Field

from nodegraph import Context, node
from nodegraph_nodes.text import CheckpointName, Dtype, Revision, Variant
from nodegraph_nodes.types import Conditioning, Denoiser, Image

FirstStage = Annotated[
    CheckpointName,
    Field(
        description="An id of the hub, or a folder as diffusers writes it, with unet/ and scheduler/.",
        json_schema_extra={"checkpoint": ["unet", "scheduler"]},
    ),
]
SecondStage = Annotated[
    CheckpointName,
    Field(
        description="An id of the hub, or a folder with unet/, scheduler/ and image_noising_scheduler/.",
        json_schema_extra={"checkpoint": ["unet", "scheduler", "image_noising_scheduler"]},
    ),
]
Prompt = Annotated[Conditioning, Field(description="What to draw; picture i of a batch takes prompt i, in turn.")]
Small = Annotated[Image, Field(description="The pictures to enlarge, in [-1, 1]; within a view, as seen through it.")]
Level = Annotated[
    int,
    Field(
        ge=0,
        le=999,
        description="The timestep up to which the enlarged picture is noised: low keeps to it, high invents more.",
    ),
]
Side = Annotated[
    int,
    Field(
        ge=0,
        le=4096,
        description="The shorter side of what is drawn; 0: the checkpoint's own, 256 for IF-II.",
        json_schema_extra={"unit": "pixels"},
    ),
]
PictureSeed = Annotated[
    int,
    Field(
        ge=0,
        le=2**63 - 1,
        description="Of the noise on the enlarged picture; the same for all prompts that are composed.",
        json_schema_extra={"seed_of": "condition"},
    ),
]
CheckRange = Annotated[
    bool,
    Field(description="Refuse a picture without a value below 0, which is what one in [0, 1] looks like."),
]


@node("IFStage1", category="Denoisers", outputs="denoiser")
def if_stage_1(
    context: Context,
    conditioning: Prompt,
    checkpoint: FirstStage = "DeepFloyd/IF-I-XL-v1.0",
    revision: Revision = "main",
    variant: Variant = "fp16",
    dtype: Dtype = "auto",
) -> Denoiser:
    """The first network of DeepFloyd IF: draws pictures of 64 x 64 pixels in RGB after a prompt.

    It takes other sizes, too, if both sides are divisible by 8. Its own way of sampling is the sampler's preset IF
    pipeline, and guidance of about 7 away from the empty prompt.
    """
    from nodegraph_nodes.ops import deepfloyd
    from nodegraph_nodes.ops.checkpoints import locate
    from nodegraph_nodes.ops.devices import find_dtype

    found = locate(checkpoint, deepfloyd.FIRST, revision, variant)
    return deepfloyd.first_stage(conditioning, found, context.resources, find_dtype(dtype, context.device))


@node("IFStage2", category="Denoisers", outputs="denoiser")
def if_stage_2(
    context: Context,
    conditioning: Prompt,
    image: Small,
    checkpoint: SecondStage = "DeepFloyd/IF-II-L-v1.0",
    noise_level: Level = 250,
    size: Side = 0,
    seed: PictureSeed = 3,
    revision: Revision = "main",
    variant: Variant = "fp16",
    dtype: Dtype = "auto",
    check_range: CheckRange = True,
) -> Denoiser:
    """The second network of DeepFloyd IF: draws a picture of 64 x 64 pixels again with 256 x 256.

    The start has to be as large as what is drawn. Its own way of sampling is the sampler's preset IF pipeline, and
    guidance of about 4 away from the empty prompt; that one has to see the same picture, with the same seed.
    """
    from nodegraph_nodes.ops import deepfloyd
    from nodegraph_nodes.ops.checkpoints import locate
    from nodegraph_nodes.ops.devices import find_dtype
    from nodegraph_nodes.ops.draws import drawing

    found = locate(checkpoint, deepfloyd.SECOND, revision, variant)
    return deepfloyd.second_stage(
        conditioning, image, found, context.resources, drawing(seed), find_dtype(dtype, context.device),
        noise_level=noise_level, size=size, check_range=check_range,
    )  # fmt: skip
