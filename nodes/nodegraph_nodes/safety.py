"""What the licence of DeepFloyd IF asks of finished pictures."""

from typing import Annotated, NamedTuple

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.checkpoints import CheckpointName, Revision, Variant
from nodegraph_nodes.foresights import PICTURE, chosen
from nodegraph_nodes.ops.sizes import check_rgb
from nodegraph_nodes.types import Image

SafetyCheckpoint = Annotated[
    CheckpointName,
    Field(
        description="A folder, or an id of the hub, that holds the safety checker of DeepFloyd IF.",
        json_schema_extra={"checkpoint": ["safety_checker", "feature_extractor", "watermarker?"]},
    ),
]
Watermark = Annotated[
    bool, Field(description="Apply IF's watermark where the checkpoint has it and pictures have 64 pixels or more.")
]


class CheckedPictures(NamedTuple):
    """Pictures as they may be shown, which of them were flagged, and what was done in words."""

    image: Image
    flagged: list[bool]
    told: str


def foresee_checked(known: Foresight) -> None:
    """It looks at RGB pictures and leaves their size as it is."""
    picture = known.of("image")
    with known.refusals():
        check_rgb(picture.get("channels", 3))
    known.gives("image", chosen(picture, *PICTURE))


@node("IFSafetyChecker", category="Pictures", foresee=foresee_checked)
def if_safety_checker(
    context: Context,
    image: Annotated[Image, Field(description="Finished pictures, RGB.")],
    checkpoint: SafetyCheckpoint = "DeepFloyd/IF-I-XL-v1.0",
    watermark: Watermark = True,
    revision: Revision = "main",
    variant: Variant = "fp16",
) -> CheckedPictures:
    """Check finished pictures with DeepFloyd IF's own safety checker, as the licence of its weights asks.

    Put it behind the last sampler of an IF graph. Pictures that the checker flags become black, and `flagged` tells
    which; all get IF's watermark, which rounds them to 8 bits. `told` says what was done, and why there is no
    watermark where there is none. It does what diffusers' pipeline does, always in float32.
    """
    from nodegraph_nodes.ops.checkpoints import locate
    from nodegraph_nodes.ops.safety import check_pictures

    if image.space != "pixels":
        raise ValueError(f"image is in the space {image.space}, must be pixels; decode it first")
    found = locate(checkpoint, ["safety_checker", "feature_extractor", "watermarker?"], revision, variant)
    pixels, flagged, told = check_pictures(
        image.pixels, found, context.resources, context.device, watermark, context.progress
    )
    return CheckedPictures(Image(pixels), flagged, told)
