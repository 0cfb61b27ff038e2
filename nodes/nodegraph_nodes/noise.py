"""Noise nodes: pure noise to start from, and pictures with noise added."""

from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import PICTURE, chosen
from nodegraph_nodes.ops.schedules import NO_STRENGTH, Named, check_timestep, strength_to_timestep
from nodegraph_nodes.types import Denoiser, Image, NoiseSchedule, Noisy

Seed = Annotated[int, Field(ge=0, le=2**63 - 1, description="Equal seeds give equal noise.")]
Size = Annotated[int, Field(ge=1, le=4096, description="Width and height.", json_schema_extra={"unit": "pixels"})]
Side = Annotated[
    int | None,
    Field(ge=1, le=16384, description="Where it is not `size`; empty: as size.", json_schema_extra={"unit": "pixels"}),
]
Channels = Annotated[int, Field(ge=1, le=64, description="1 for grey, 3 for RGB.")]
Batch = Annotated[int, Field(ge=1, le=4096, description="How many pictures are made at once.")]
Timestep = Annotated[int, Field(ge=0, le=999, description="How noisy: 0 hardly, 999 nothing but noise.")]


def noticeable(strength: Any) -> Any:
    """The strength, if it is not 0; else a ValueError that says why it may not be."""
    if strength == 0 and not isinstance(strength, bool):
        raise ValueError(NO_STRENGTH)
    return strength


Strength = Annotated[
    float | None,
    Field(gt=0, le=1, description="How noisy as a share of all timesteps, instead of t: 1 is nothing but noise."),
    BeforeValidator(noticeable),
]
Schedule = Annotated[
    Named,
    Field(description="What t means: linear (the digits), scaled_linear (Stable Diffusion), cosine (DeepFloyd IF)."),
]
Like = Annotated[Denoiser | None, Field(description="A denoiser that lends its schedule, whatever `schedule` says.")]


class Noised(NamedTuple):
    """Pictures with noise, for a denoiser and to look at."""

    noisy: Noisy
    image: Image


def foresee_noise(known: Foresight) -> None:
    known.gives("noisy", t=None, space="pixels")
    for name in ("batch", "channels"):
        if known.knows(name):
            known.gives("noisy", {name: known.value(name)})
    for name in ("width", "height"):
        if known.knows(name, "size"):
            side = known.value(name)
            known.gives("noisy", {name: known.value("size") if side is None else side})


@node("PureNoise", category="Noise", outputs="noisy", foresee=foresee_noise)
def pure_noise(
    size: Size = 28,
    channels: Channels = 1,
    batch: Batch = 1,
    seed: Seed = 0,
    width: Side = None,
    height: Side = None,
) -> Noisy:
    """Noise to start from when nothing is given.

    It has no timestep and belongs to any schedule: a sampler takes it as what its first timestep looks like. A width or
    a height of its own makes a panorama, which Tile can denoise.
    """
    import torch

    shape = (batch, channels, size if height is None else height, size if width is None else width)
    return Noisy(torch.randn(shape, generator=torch.Generator().manual_seed(seed)))


def foresee_noised(known: Foresight) -> None:
    picture, schedule = chosen(known.of("image"), *PICTURE), chosen(known.of("like"), "schedule")
    if not known.links("like") and known.knows("schedule"):
        schedule = {"schedule": known.value("schedule")}
    known.gives("noisy", picture, **schedule)
    known.gives("image", picture)
    if known.knows("t", "strength") and known.value("strength") is None:
        known.gives("noisy", t=known.value("t"))


@node("AddNoise", category="Noise", foresee=foresee_noised)
def add_noise(
    image: Image,
    t: Timestep = 500,
    seed: Seed = 0,
    schedule: Schedule = "linear",
    like: Like = None,
    strength: Strength = None,
) -> Noised:
    """Add noise to a picture, as the forward process does up to timestep t.

    What a sampler makes of it keeps the more of the picture, the lower t is (SDEdit). Even t = 0 adds a little noise.
    """
    import torch

    used = NoiseSchedule.named(schedule) if like is None else like.schedule
    at = t if strength is None else strength_to_timestep(strength, used.steps)
    check_timestep(at, used.steps)
    x_0 = image.pixels
    noise = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(seed))
    x_t = used.noised(x_0, noise.to(x_0.dtype), at)
    return Noised(Noisy(x_t, at, used, image.space), Image(x_t, image.space))
