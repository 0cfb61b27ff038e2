"""Inpainting: new content where a mask says so, while the rest of a picture is kept."""

from typing import Annotated, Literal

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.noise import Seed
from nodegraph_nodes.types import Denoiser, Image, Mask

ToPaint = Annotated[Mask, Field(description="1 (white) where new content is to be painted; the rest is kept.")]
Mode = Annotated[
    Literal["after", "before", "paste"],
    Field(
        description="When the kept part is put back: after each step or before each estimate (RePaint), noised to the "
        "same timestep; or pasted clean all along (DeepFloyd IF)."
    ),
]
Restore = Annotated[bool, Field(description="Put the kept part back exactly at the end, which `before` does not.")]


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
