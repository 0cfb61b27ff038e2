"""The nodes of Stable Diffusion: a model, its prompts, its denoiser, and the way between pixels and latents.

All else is what there is for pixels: guidance, regions, masks and the sampler do not mind what they work on.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.checkpoints import CheckpointName, Dtype, Revision, Variant, locate, located
from nodegraph_nodes.foresights import (
    Rows,
    check_channel_count,
    check_picture_channels,
    check_pixels,
    check_sides,
    check_width,
    chosen,
    shape_of,
)
from nodegraph_nodes.types import Conditioning, Denoiser, Image, Noisy
from nodegraph_stable_diffusion.models import (
    CHANNELS,
    COMPONENTS,
    FACTOR,
    PUBLISHED,
    PUBLISHED_WIDTH,
    SPACE,
    StableDiffusion,
    check_name,
    described,
)

TOKENS = 77
Model = Annotated[StableDiffusion, Field(description="What LoadSD found.")]
SDCheckpoint = Annotated[
    CheckpointName,
    Field(
        description="An id of the hub, or a folder as diffusers writes it, of Stable Diffusion 1.x.",
        json_schema_extra={"checkpoint": list(COMPONENTS)},
    ),
]
Prompt = Annotated[
    str,
    Field(
        max_length=20_000,
        description="What the picture is to show; empty: no text. As a negative prompt, what it is not to show.",
        json_schema_extra={"multiline": True},
    ),
]
Prompts = Annotated[
    Conditioning,
    Field(description="What to draw; picture i of a batch takes prompt i, in turn, each prompt as often."),
]
Pixels = Annotated[Image, Field(description="RGB pictures whose sides are divisible by 8.")]
Latents = Annotated[Image, Field(description="Latents, as the sampler makes them of an SDDenoiser.")]
Take = Annotated[
    Literal["mean", "sample"],
    Field(
        description="The encoder tells a normal distribution of each latent. mean takes its middle, always the same; "
        "sample draws from it by the seed, as diffusers' image to image does."
    ),
]
EncoderSeed = Annotated[int, Field(ge=0, le=2**63 - 1, description="Of what sample draws; mean ignores it.")]
Width = Annotated[
    int, Field(ge=8, le=8192, multiple_of=FACTOR, description="Divisible by 8.", json_schema_extra={"unit": "pixels"})
]
Batch = Annotated[int, Field(ge=1, le=4096, description="How many pictures are made at once.")]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1, description="Equal seeds give equal noise.")]


def foresee_model(known: Foresight) -> None:
    """Whether it is of Stable Diffusion 1.x, and what follows for prompts and latents."""
    if known.knows("checkpoint"):
        with known.refusals("checkpoint"):
            check_name(known.value("checkpoint"))
    found = located(known, COMPONENTS)
    if found is not None:
        with known.refusals("checkpoint"):
            model = described(found, known.value("checkpoint"))
            known.gives("model", space=model.space, width=model.width)
            if model.schedule.name in ("scaled_linear", "linear", "cosine"):
                known.gives("model", schedule=model.schedule.name)
    elif known.value("checkpoint") in PUBLISHED and known.value("revision") == "main":
        known.gives("model", space=SPACE, width=PUBLISHED_WIDTH, schedule="scaled_linear")


@node("LoadSD", category="Stable Diffusion", outputs="model", foresee=foresee_model)
def load_sd(
    checkpoint: SDCheckpoint = "stable-diffusion-v1-5/stable-diffusion-v1-5",
    revision: Revision = "main",
    variant: Variant = "fp16",
    dtype: Dtype = "auto",
) -> StableDiffusion:
    """Find a checkpoint of Stable Diffusion 1.x on this machine; its weights are read when they are needed.

    `nodegraph fetch` downloads an id of the hub. Stable Diffusion 2.x, XL and later, inpainting models and single files
    are not read yet. The licence of the weights, CreativeML OpenRAIL-M, asks that its restrictions of use are kept to.
    """
    check_name(checkpoint)
    return described(locate(checkpoint, COMPONENTS, revision, variant), checkpoint, dtype)


def foresee_prompt(known: Foresight) -> None:
    known.gives("conditioning", prompts=1, tokens=TOKENS, **chosen(known.of("model"), "width"))


@node("EncodeSDPrompt", category="Stable Diffusion", outputs="conditioning", cache="disk", foresee=foresee_prompt)
def encode_sd_prompt(context: Context, model: Model, prompt: Prompt = "") -> Conditioning:
    """Turn a prompt into what Stable Diffusion is told to draw, with its text encoder, CLIP.

    It reads 75 tokens between a mark of the beginning and one of the end, about 55 words; what is behind them is cut
    off, and said so. What it makes is kept on the disk. JoinConditioning puts several prompts into one.
    """
    from nodegraph_nodes.networks import find_dtype
    from nodegraph_stable_diffusion import text_encoders

    encoded = text_encoders.encode(
        prompt,
        model,
        context.resources,
        dtype=find_dtype(model.dtype, context.device),
        device=context.device,
        tell=lambda step, what: context.progress(step, 2, text=what),
    )
    said = f'encoded "{prompt}"'
    if encoded.cut:
        lost = f"{encoded.cut} token{'' if encoded.cut == 1 else 's'}"
        said += f", but for its last {lost}: CLIP reads {TOKENS} of them, the rest was cut off"
    context.log(said)
    context.progress(2, 2, text=said)
    return Conditioning(encoded.embedding, (prompt,), (encoded.cut,))


def foresee_denoiser(known: Foresight) -> None:
    """What latents it takes, and for how many there are prompts."""
    model, told = known.of("model"), known.of("conditioning")
    facts: dict[str, Any] = {"channels": CHANNELS, **chosen(model, "space", "schedule")}
    if "prompts" in told:
        facts["demands"] = (Rows(told["prompts"]),)
    if "width" in model and "width" in told:
        with known.refusals():
            check_width(told["width"], model["width"])
    known.gives("denoiser", facts)


@node("SDDenoiser", category="Stable Diffusion", outputs="denoiser", foresee=foresee_denoiser)
def sd_denoiser(context: Context, model: Model, conditioning: Prompts) -> Denoiser:
    """The network of Stable Diffusion: draws latents after a prompt.

    Begin with LatentNoise, or with a picture through VAEEncode and AddNoise, and let VAEDecode make pixels of what is
    sampled. Its own way of sampling is the sampler's preset SD pipeline, and guidance of about 7.5 away from the empty
    prompt, or from a negative one.
    """
    from nodegraph_nodes.networks import find_dtype
    from nodegraph_stable_diffusion.denoisers import denoiser_of

    return denoiser_of(model, conditioning, context.resources, find_dtype(model.dtype, context.device))


def foresee_noise(known: Foresight) -> None:
    known.gives("noisy", t=None, space=SPACE, channels=CHANNELS)
    if known.knows("batch"):
        known.gives("noisy", batch=known.value("batch"))
    for name in ("width", "height"):
        if known.knows(name):
            known.gives("noisy", {name: known.value(name) // FACTOR})


@node("LatentNoise", category="Stable Diffusion", outputs="noisy", foresee=foresee_noise)
def latent_noise(width: Width = 512, height: Width = 512, batch: Batch = 1, seed: Seed = 0) -> Noisy:
    """Pure noise to start from, for pictures of that size: 4 channels, an eighth as wide and high.

    Stable Diffusion 1.x was trained on 512 x 512 pixels. PureNoise with 4 channels and an eighth of the size is the
    same.
    """
    import torch

    shape = (batch, CHANNELS, height // FACTOR, width // FACTOR)
    return Noisy(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), space=SPACE)


def foresee_latents(known: Foresight) -> None:
    """Pictures it can encode, and how large their latents are."""
    picture = known.of("image")
    with known.refusals("image"):
        check_pixels(picture.get("space", "pixels"), "image")
        if picture.get("channels", 3) != 3:
            told = f"{picture['channels']} channel{'' if picture['channels'] == 1 else 's'}"
            raise ValueError(f"image has {told}, must have 3; load it in RGB")
        if {"height", "width"} <= picture.keys():
            check_sides(picture["height"], picture["width"], FACTOR, "image is")
    known.gives("latents", channels=CHANNELS, **chosen(known.of("model"), "space"), **chosen(picture, "batch"))
    for name in ("height", "width"):
        if name in picture:
            known.gives("latents", {name: picture[name] // FACTOR})


@node("VAEEncode", category="Stable Diffusion", outputs="latents", foresee=foresee_latents)
def vae_encode(context: Context, model: Model, image: Pixels, take: Take = "mean", seed: EncoderSeed = 6) -> Image:
    """Turn pictures into latents: 4 channels, an eighth as wide and high, which Stable Diffusion works on."""
    import torch

    from nodegraph_stable_diffusion import autoencoders

    check_pixels(image.space, "image")
    batch, _, height, width = image.pixels.shape
    check_picture_channels(image.pixels.shape[1:], 3)
    check_sides(height, width, FACTOR, "image is")
    noise = None
    if take == "sample":
        shape = (batch, CHANNELS, height // FACTOR, width // FACTOR)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    pixels = image.pixels.to(context.device)
    return Image(autoencoders.encode(model, pixels, context.resources, noise).cpu(), model.space)


def check_latents(space: str, wanted: str) -> None:
    """ValueError for what is no latents, or those of another VAE."""
    if space != wanted:
        what = "is in pixels already" if space == "pixels" else f"is in the space {space}"
        raise ValueError(f"latents {what}, this VAE decodes {wanted}")


def foresee_pixels(known: Foresight) -> None:
    """Latents it can decode, and how large the pictures become."""
    latents, model = known.of("latents"), known.of("model")
    with known.refusals("latents"):
        if "space" in latents and "space" in model:
            check_latents(latents["space"], model["space"])
        if shape_of(latents) is not None:
            check_channel_count(shape_of(latents) or (), CHANNELS, "the VAE", "latents is")
    known.gives("image", chosen(latents, "batch"), channels=3, space="pixels")
    for name in ("height", "width"):
        if name in latents:
            known.gives("image", {name: latents[name] * FACTOR})


@node("VAEDecode", category="Stable Diffusion", outputs="image", foresee=foresee_pixels)
def vae_decode(context: Context, model: Model, latents: Latents) -> Image:
    """Turn latents into pictures, 8 times as wide and high; one after the other, since each takes much memory."""
    import torch

    from nodegraph_stable_diffusion import autoencoders

    check_latents(latents.space, model.space)
    check_channel_count(latents.pixels.shape[1:], CHANNELS, "the VAE", "latents is")
    rows = []
    for number, row in enumerate(latents.pixels.split(1)):
        context.progress(number, len(latents.pixels))
        rows.append(autoencoders.decode(model, row.to(context.device), context.resources).cpu())
    context.progress(len(rows), len(rows))
    return Image(torch.cat(rows))
