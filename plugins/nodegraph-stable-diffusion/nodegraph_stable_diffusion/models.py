"""Which checkpoints are of Stable Diffusion 1.x, and what their configurations say: no weight is read, and no torch.

Others are refused with a word about what they are: by their name before anything is downloaded, where it is that of a
published one, and by their configurations, whatever their name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nodegraph_nodes.checkpoints import (
    Checkpoint,
    check_weights,
    number_in,
    prediction_of,
    schedule_of,
    tensors_in,
    traits,
)
from nodegraph_nodes.types import NoiseSchedule

COMPONENTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
PREDICTIONS = ("epsilon", "v_prediction")
CHANNELS = 4
"""Of latents."""
FACTOR = 8
"""How many pixels a side a latent stands for."""
SCALING = 0.18215
"""What latents of the VAE are multiplied by, so that their deviation is about 1."""
SPACE = "latent:sd1"
"""Where the latents of all of Stable Diffusion 1.x live: what one of them encoded, any of them can decode."""
PUBLISHED = frozenset(
    {
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "runwayml/stable-diffusion-v1-5",
        *(f"CompVis/stable-diffusion-v1-{number}" for number in range(1, 5)),
    }
)
"""Hub ids of which everything is known while they are still to be fetched."""
PUBLISHED_WIDTH = 768
ONE = "LoadSD reads Stable Diffusion 1.x, such as stable-diffusion-v1-5/stable-diffusion-v1-5"

OTHERS: Mapping[str, str] = MappingProxyType(
    {
        r".*/stable-diffusion-.*inpainting": "an inpainting model; MaskBlend inpaints with the ordinary one",
        r"(stabilityai|sd2-community)/stable-diffusion-2.*": "Stable Diffusion 2.x",
        r"stabilityai/(sd-turbo|stable-diffusion-x4-upscaler)": "Stable Diffusion 2.x",
        r"stabilityai/(stable-diffusion-xl|sdxl).*": "Stable Diffusion XL",
        r"stabilityai/stable-diffusion-3.*": "Stable Diffusion 3",
        r"timbrooks/instruct-pix2pix": "a model that edits pictures after an instruction",
    }
)
"""What published ids are that are known not to be read."""
SINGLE_FILE = (".safetensors", ".ckpt")


@dataclass(frozen=True)
class StableDiffusion:
    """A checkpoint of Stable Diffusion 1.x on this machine: it names the weights, which are read when they are needed.

    Attributes:
        checkpoint: has `COMPONENTS`.
        name: as its user gave it.
        dtype: the type that U-Net and text encoder compute in, or "auto".
        width: how many numbers a token of a prompt has.
        schedule: what a timestep means.
        prediction: what the U-Net tells of noisy latents: "epsilon", the noise, or "v_prediction", the velocity.
        scaling: what latents of its VAE are multiplied by.
        space: where its latents live.
    """

    checkpoint: Checkpoint
    name: str
    dtype: str
    width: int
    schedule: NoiseSchedule
    prediction: str
    scaling: float
    space: str

    @property
    def summary(self) -> str:
        """`stable-diffusion-v1-5: predicts noise, fp16`."""
        name = self.name if len(self.name) <= 60 else f"...{self.name[-57:]}"
        said = "noise" if self.prediction == "epsilon" else "velocity"
        variant = f", {self.checkpoint.variant}" if self.checkpoint.variant else ""
        return f"{name}: predicts {said}{variant}" + ("" if self.dtype == "auto" else f", in {self.dtype}")


def check_name(checkpoint: str) -> None:
    """ValueError when a name is that of something else than Stable Diffusion 1.x, as far as a name tells."""
    if Path(checkpoint).expanduser().is_dir():
        return
    if Path(checkpoint).suffix.lower() in SINGLE_FILE:
        raise ValueError(
            f"checkpoint is {checkpoint}, a single file, which LoadSD does not read yet; must be a folder with unet/, "
            "vae/ and so on, as diffusers' save_pretrained writes it, or an id of the hub"
        )
    for pattern, what in OTHERS.items():
        if re.fullmatch(pattern, checkpoint):
            raise ValueError(f"checkpoint is {checkpoint}, {what}, which is not read yet; {ONE}")


def described(checkpoint: Checkpoint, name: str, dtype: str = "auto") -> StableDiffusion:
    """What its configurations make of a checkpoint; ValueError when that is not Stable Diffusion 1.x."""
    check_unet(checkpoint)
    unet = traits(checkpoint)
    if unet.given != CHANNELS:
        raise ValueError(f"unet/ in {checkpoint.folder} gives {unet.given} channels, must give {CHANNELS}; {ONE}")
    check_text_encoder(checkpoint, unet.width)
    scaling = scaling_of(checkpoint)
    return StableDiffusion(
        checkpoint,
        name,
        dtype,
        unet.width,
        schedule_of(checkpoint, predictions=PREDICTIONS),
        prediction_of(checkpoint),
        scaling,
        SPACE if scaling == SCALING else f"{SPACE}, scaled by {scaling:g}",
    )


def check_unet(checkpoint: Checkpoint) -> None:
    """ValueError that says what a U-Net is for, where it is one of the others that are known."""
    config = checkpoint.config("unet")
    taken, width = config.get("in_channels"), config.get("cross_attention_dim")
    what = ""
    if config.get("addition_embed_type") == "text_time" or width == 2048:
        what = "is of Stable Diffusion XL"
    elif width == 1024:
        what = "is of Stable Diffusion 2.x"
    elif taken == 9:
        what = "is for inpainting (9 channels: latents, a mask and what it hides; MaskBlend inpaints with others)"
    elif taken == 8:
        what = "edits pictures after an instruction (8 channels)"
    elif config.get("time_cond_proj_dim") is not None:
        what = "is distilled, so that guidance is one of its inputs"
    elif config.get("class_embed_type") is not None or config.get("num_class_embeds") is not None:
        what = "is told more than a text (class_embed_type)"
    elif taken != CHANNELS:
        what = f"takes {taken} channels"
    if what:
        raise ValueError(f"unet/ in {checkpoint.folder} {what}, which is not read yet; {ONE}")


def check_text_encoder(checkpoint: Checkpoint, width: int) -> None:
    """ValueError when prompts are not encoded by CLIP, or not for this U-Net."""
    config, folder = checkpoint.config("text_encoder"), checkpoint.folder / "text_encoder"
    kind = config.get("model_type")
    if kind not in ("clip_text_model", "clip"):
        raise ValueError(f"{folder} holds a text encoder of the type {kind}, must be clip_text_model; {ONE}")
    found = config.get("hidden_size")
    if found != width:
        raise ValueError(
            f"{folder} makes {found} numbers of a token, its U-Net reads {width}; must be of one checkpoint"
        )
    names = tensors_in(checkpoint.folder, "text_encoder", checkpoint.variant_of("text_encoder"))
    if not names.intersection({"text_model.final_layer_norm.weight", "final_layer_norm.weight"}):
        raise ValueError(f"{folder} holds the weights of something else than CLIP; get the checkpoint again")


def scaling_of(checkpoint: Checkpoint) -> float:
    """What latents are multiplied by; ValueError when the VAE makes other latents than those of 1.x."""
    config, place = checkpoint.config("vae"), f"vae/config.json in {checkpoint.folder}"
    wanted: dict[str, Any] = {"_class_name": "AutoencoderKL", "in_channels": 3, "out_channels": 3}
    wanted["latent_channels"] = CHANNELS
    for name, value in wanted.items():
        if config.get(name, value) != value:
            raise ValueError(f"{place} has the {name} {config[name]}, must be {value}; {ONE}")
    blocks = config.get("block_out_channels")
    factor = 2 ** (len(blocks) - 1) if isinstance(blocks, list) else None
    if factor != FACTOR:
        raise ValueError(f"{place} makes latents {factor} times as small as pictures, must be {FACTOR} times; {ONE}")
    if config.get("shift_factor") or config.get("latents_mean"):
        raise ValueError(f"{place} shifts its latents, as later models do; {ONE}")
    check_weights(checkpoint, "vae", "decoder.conv_in.weight", "an autoencoder")
    scaling = number_in(config, "scaling_factor", SCALING, place)
    if not scaling > 0:
        raise ValueError(f"{place} has the scaling_factor {scaling:g}, must be above 0, such as {SCALING}")
    return scaling
