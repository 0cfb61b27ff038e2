"""Keeping something of a picture while the rest is sampled: what lies outside a mask, or its coarse structure."""

from typing import Annotated, Literal

from pydantic import Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import kept, settings, size_of
from nodegraph_nodes.noise import Seed
from nodegraph_nodes.ops.presets import INPAINTING, InpaintingPreset, settled
from nodegraph_nodes.ops.sizes import check_factor
from nodegraph_nodes.types import Denoiser, Image, Mask

ToPaint = Annotated[Mask, Field(description="1 (white) where new content is to be painted; the rest is kept.")]
Mode = Annotated[
    Literal["after", "before", "paste", "shared", "fixed"],
    Field(
        description="When the kept part is put back. after (CS180), shared (diffusers), fixed (SDEdit): noised, after "
        "each step; before (RePaint): noised, before each estimate; paste (DeepFloyd IF): clean all along."
    ),
]
Restore = Annotated[
    bool, Field(description="Put the kept part back exactly at the end, which before and fixed do not.")
]
MaskPreset = Annotated[
    InpaintingPreset,
    Field(description="Inpaint as others' code does; sets mode and restore, which then stay as they are."),
]
Factor = Annotated[
    int,
    Field(
        ge=1,
        le=1024,
        description="How coarse: what is left when the picture is made smaller by this factor. Must divide its sides.",
    ),
]
Until = Annotated[
    int, Field(ge=-1, le=999, description="Steps from timesteps above this one are held to the picture, others free.")
]
Level = Annotated[
    Literal["code", "paper"],
    Field(
        description="How noisy the picture is that a step is held to: as where the step came from (the authors' code), "
        "or as where it led (their paper), which comes closer where steps are few."
    ),
]


def foresee_inpainting(known: Foresight) -> None:
    """The picture has to be one that the denoiser could make, and the mask as large."""
    settings(known, INPAINTING, mask_blend, ("mode", "restore"))
    known.gives("denoiser", kept(known, mask="mask"))


@node("MaskBlend", category="Guidance", outputs="denoiser", foresee=foresee_inpainting)
def mask_blend(
    denoiser: Denoiser,
    image: Image,
    mask: ToPaint,
    mode: Mode = "after",
    restore: Restore = False,
    seed: Seed = 2,
    preset: MaskPreset = "none",
) -> Denoiser:
    """Inpaint: make new content where the mask is 1 and keep the picture elsewhere.

    The estimate of the noise stays as it is; the sampler puts the kept part back at each step. Five ways are in use:

    after, as CS180 project 5: after each step, noised to where the step led, with fresh noise. At the end the kept part
    is exact; where the sampler stops at t = 0 (its preset CS180), it has the noise of t = 0.

    before, as RePaint's own code: before each estimate but the first, noised to its timestep, with fresh noise. At the
    end the kept part is what the network made of it. Let the sampler repeat its steps, so that both parts fit together.

    paste, as the pipeline of DeepFloyd IF: clean from the start on, so that the network sees pixels without noise even
    at t = 990, which it never learned. At the end the kept part is exact. Their pipeline takes hard masks only; a soft
    one mixes in the clean picture.

    shared, as diffusers' RePaintScheduler: as after, with the very noise that the step added to the rest; where a step
    adds none, as ddim with eta 0 (which is their default), with fresh noise. At the end the kept part is exact.

    fixed, as SDEdit's own code: after each step, noised to where the step came from, with one noise for all steps; with
    the seed of AddNoise, it is the noise of the start. At the end the kept part has the noise of the last timestep.

    The presets: IF pipeline is paste, CS180 is after, RePaint is before; all without restore.
    """
    from nodegraph_nodes.ops.hooks import keep_outside

    chosen = settled(preset, INPAINTING, mask_blend, {"mode": mode, "restore": restore})
    return keep_outside(denoiser, image.pixels, mask.values, seed=seed, space=image.space, **chosen)


def foresee_coarse(known: Foresight) -> None:
    size = size_of(known.of("image"))
    if size is not None and known.knows("factor"):
        with known.refusals():
            check_factor(known.value("factor"), *size)
    known.gives("denoiser", kept(known))


@node("ILVR", category="Guidance", outputs="denoiser", foresee=foresee_coarse)
def ilvr(
    denoiser: Denoiser, image: Image, factor: Factor = 4, until: Until = 0, level: Level = "code", seed: Seed = 5
) -> Denoiser:
    """Make a picture with the coarse structure of another, and with details of its own.

    Iterative latent variable refinement: after each step, what is left when pictures are made smaller by the factor and
    larger again is taken from the other picture, noised. The higher the factor and `until`, the freer the result.
    """
    from nodegraph_nodes.ops.references import keep_coarse

    return keep_coarse(denoiser, image.pixels, factor, until, level, seed, image.space)
