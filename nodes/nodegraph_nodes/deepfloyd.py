"""DeepFloyd IF: its two networks as denoisers, for every composition and sampler that there is."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.checkpoints import CheckpointName, Dtype, Revision, Variant, located
from nodegraph_nodes.foresights import shape_of, size_of
from nodegraph_nodes.ops.agreements import check_prompts
from nodegraph_nodes.ops.checkpoints import Checkpoint, locate
from nodegraph_nodes.ops.demands import Rows
from nodegraph_nodes.ops.prompt_shapes import check_width
from nodegraph_nodes.ops.schedulers import largest_of, schedule_of, tells_variance
from nodegraph_nodes.ops.sizes import check_picture_channels, enlarged
from nodegraph_nodes.ops.traits import FIRST, SECOND, first_traits, second_traits
from nodegraph_nodes.ops.words import count
from nodegraph_nodes.text import WIDTH
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
Prompt = Annotated[
    Conditioning,
    Field(description="What to draw; picture i of a batch takes prompt i, in turn, each prompt as often."),
]
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
    Field(description="Refuse a picture whose darkest value is 0, the black of one in [0, 1]; else it is only said."),
]


def published(known: Foresight, sizes: Iterable[str], stage: str) -> bool:
    """Whether the checkpoint is one of DeepFloyd's own, of which enough is known while it is still to be fetched."""
    names = {f"DeepFloyd/IF-{stage}-{size}-v1.0" for size in sizes}
    return (
        known.knows("checkpoint", "revision")
        and known.value("checkpoint") in names
        and known.value("revision") == "main"
    )


def foresee_reading(known: Foresight, width: int | None) -> None:
    """Whether a network that reads `width` numbers a token can read the prompt."""
    told = known.of("conditioning").get("width")
    if width is not None and told is not None:
        with known.refusals():
            check_width(told, width)


def scheduled(found: Checkpoint) -> dict[str, Any]:
    """What its scheduler says of the denoiser."""
    tells_variance(found)
    largest, schedule = largest_of(found), schedule_of(found)
    return (
        {"schedule": "cosine"} | ({} if largest is None else {"largest": largest}) if schedule.name == "cosine" else {}
    )


def foresee_first(known: Foresight) -> None:
    """Which pictures the network takes, and for how many there are prompts."""
    found, facts = located(known, FIRST), {"space": "pixels"}
    told = known.of("conditioning")
    if "prompts" in told:
        facts["demands"] = (Rows(told["prompts"]),)
    width = None
    if found is not None:
        with known.refusals("checkpoint"):
            unet = first_traits(found)
            width = unet.width
            facts |= {"channels": unet.taken, "multiple": unet.multiple} | scheduled(found)
    elif published(known, ("M", "L", "XL"), "I"):
        facts |= {"channels": 3, "multiple": 8, "schedule": "cosine"}
        width = WIDTH
    foresee_reading(known, width)
    known.gives("denoiser", facts)


@node("IFStage1", category="Denoisers", outputs="denoiser", foresee=foresee_first)
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
    from nodegraph_nodes.ops.devices import find_dtype

    found = locate(checkpoint, FIRST, revision, variant)
    return deepfloyd.first_stage(conditioning, found, context.resources, find_dtype(dtype, context.device))


def foresee_second(known: Foresight) -> None:
    """How large the picture becomes, what it is made of, and whether there is a picture for each prompt."""
    found, facts, picture = located(known, SECOND), {"space": "pixels"}, known.of("image")
    prompts, batch = known.of("conditioning").get("prompts"), picture.get("batch")
    if prompts is not None and batch is not None:
        with known.refusals("image"):
            check_prompts(prompts, batch)
    if prompts is not None or batch is not None:
        facts["demands"] = tuple(Rows(rows) for rows in (prompts, batch) if rows)
    seen = {name: known.value(name) for name in ("noise_level", "seed") if known.knows(name)}
    facts["sees"] = seen | ({"image": known.origin("image")} if known.origin("image") else {})
    channels = multiple = size = 0
    width = None
    if found is not None:
        with known.refusals("checkpoint"):
            unet = second_traits(found)
            width = unet.width
            facts |= {"multiple": unet.multiple} | scheduled(found)
            channels, multiple, size = unet.taken // 2, unet.multiple, unet.size
    elif published(known, ("M", "L"), "II"):
        facts |= {"schedule": "cosine"}
        channels, multiple, size = 3, 1, 256
        width = WIDTH
    foresee_reading(known, width)
    if channels:
        with known.refusals("image"):
            if shape_of(picture) is not None:
                check_picture_channels(shape_of(picture), channels)
            elif picture.get("channels", channels) != channels:
                has = count(picture["channels"], "channel")
                known.wrong("image", f"has {has}, must have {channels}", "load it in RGB")
            if size_of(picture) is not None and known.knows("size"):
                height, width = enlarged(*size_of(picture), known.value("size") or size, multiple)
                facts |= {"channels": channels, "height": height, "width": width}
    known.gives("denoiser", facts)


@node("IFStage2", category="Denoisers", outputs="denoiser", foresee=foresee_second)
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
    from nodegraph_nodes.ops.devices import find_dtype
    from nodegraph_nodes.ops.draws import drawing

    found = locate(checkpoint, SECOND, revision, variant)
    made = deepfloyd.second_stage(
        conditioning, image, found, context.resources, drawing(seed), find_dtype(dtype, context.device),
        noise_level=noise_level, size=size, check_range=check_range,
    )  # fmt: skip
    doubts = deepfloyd.doubt(image)
    if doubts:
        context.warn(f"the image {doubts}")
    return made
