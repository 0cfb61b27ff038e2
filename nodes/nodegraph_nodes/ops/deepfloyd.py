"""DeepFloyd IF: its networks as denoisers, bound to a prompt, and the second to the picture that it enlarges.

All that can be wrong is found here from configurations and shapes, before any weight is read. What makes a loop of the
estimates (timesteps, dynamic thresholding, the learned variance) is a sampler's, and guidance is a denoiser's.

Source: Saharia et al. 2022 (Imagen), sections 2.3 and 2.4; the checkpoints as diffusers' `convert_if.py` writes them.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.agreements import check_prompts
from nodegraph_nodes.ops.checkpoints import Checkpoint
from nodegraph_nodes.ops.networks import NetworkDenoiser, Store, StoredNetwork
from nodegraph_nodes.ops.prompt_shapes import check_width
from nodegraph_nodes.ops.schedulers import largest_of, schedule_of, tells_variance
from nodegraph_nodes.ops.sizes import check_channel_count, check_picture_channels, check_sides, enlarged
from nodegraph_nodes.ops.traits import first_traits, second_traits
from nodegraph_nodes.ops.unets import load_unet
from nodegraph_nodes.types import Asking, Conditioning, Draw, Estimate, Image, Point

FAR = 2.0  # no picture in [-1, 1] reaches this, also when its sampler did not clip


@dataclass(frozen=True, eq=False)
class IFDenoiser(NetworkDenoiser):
    """A network of DeepFloyd IF, bound to its inputs.

    Args:
        channels: of the pictures.
        multiple: what their sides must be divisible by.
        learned: whether the network tells the variance.
    """

    channels: int = 3
    multiple: int = 1
    learned: bool = True

    def ask(self, p: Point) -> Asking:
        check_channel_count(p.x.shape[1:], self.channels, self.name)
        check_sides(p.x.shape[-2], p.x.shape[-1], self.multiple)
        estimate = yield from super().ask(p)
        return estimate if self.learned else Estimate(estimate.noise)


def first_stage(
    conditioning: Conditioning, checkpoint: Checkpoint, store: Store, dtype: torch.dtype = torch.float32
) -> IFDenoiser:
    """The network that draws small pictures.

    Args:
        conditioning: picture i of a batch takes prompt i mod n.
        checkpoint: with the components `FIRST`.
        store: where the network is kept; it is loaded when it is first called.
    """
    unet = first_traits(checkpoint)
    return IFDenoiser(
        stored(checkpoint, store, dtype),
        {"prompts": checked_prompts(conditioning, unet.width)},
        schedule_of(checkpoint),
        name=name_of("IF", conditioning),
        channels=unet.taken,
        multiple=unet.multiple,
        learned=tells_variance(checkpoint),
        largest=largest_of(checkpoint),
    )


def second_stage(
    conditioning: Conditioning,
    image: Image,
    checkpoint: Checkpoint,
    store: Store,
    draw: Draw,
    dtype: torch.dtype = torch.float32,
    *,
    noise_level: int = 250,
    size: int = 0,
    check_range: bool = True,
) -> IFDenoiser:
    """The network that draws a small picture again, larger.

    It sees the picture enlarged and noised once. Two of these with the same picture and noise, such as the halves of
    guidance, differ in their prompts alone.

    Args:
        conditioning: picture i of a batch takes prompt i mod n.
        image: picture i of a batch enlarges picture i mod m of these. Within a view, what is seen through it.
        checkpoint: with the components `SECOND`.
        draw: the noise of the enlarged pictures, all at once.
        noise_level: the timestep up to which they are noised: 0 keeps them most, and 999 leaves nothing of them.
        size: the shorter side of what is drawn; 0 for that of the pictures that the network was trained on.
        check_range: refuse pictures whose darkest value is the black of [0, 1].
    """
    unet = second_traits(checkpoint)
    channels = unet.taken // 2
    prompts = checked_prompts(conditioning, unet.width)
    noising = schedule_of(checkpoint, "image_noising_scheduler")
    if not 0 <= noise_level < noising.steps:
        raise ValueError(f"noise_level is {noise_level}, must be a timestep from 0 to {noising.steps - 1}")
    check_picture(image, channels, check_range)
    small = image.pixels
    height, width = enlarged(small.shape[-2], small.shape[-1], size or unet.size, unet.multiple)
    rows, pictures = len(prompts), len(small)
    check_prompts(rows, pictures)
    large = F.interpolate(small, (height, width), mode="bilinear", align_corners=True)
    inputs = {
        "prompts": prompts,
        "picture": noising.noised(large, draw(large), noise_level),
        "level": torch.tensor([noise_level]),
    }
    return IFDenoiser(
        stored(checkpoint, store, dtype),
        inputs,
        schedule_of(checkpoint),
        shape=(channels, height, width),
        name=name_of("IF II", conditioning),
        channels=channels,
        multiple=unet.multiple,
        learned=tells_variance(checkpoint),
        largest=largest_of(checkpoint),
    )


def stored(checkpoint: Checkpoint, store: Store, dtype: torch.dtype) -> StoredNetwork:
    """The network of a checkpoint in a type; the same one for all denoisers that name it."""
    key = ("UNet", str(checkpoint.folder.absolute()), checkpoint.identity, checkpoint.variant_of("unet"), str(dtype))
    need = partial(checkpoint.loaded_bytes, "unet", dtype.itemsize)
    return StoredNetwork(key, partial(load_unet, checkpoint, dtype), store, need=need)


def name_of(stage: str, conditioning: Conditioning) -> str:
    """How users know the denoiser: by its stage and its first prompt."""
    if not conditioning.prompts:
        return stage
    first, more = conditioning.prompts[0], "..." if len(conditioning.prompts) > 1 else ""
    return f'{stage} "{first if len(first) <= 40 else first[:40] + "..."}"{more}'


# What can be known before a weight is read


def checked_prompts(conditioning: Conditioning, width: int) -> Tensor:
    """The embedding, if the network can read it."""
    embedding = conditioning.embedding
    if embedding.ndim != 3 or 0 in embedding.shape:
        raise ValueError(f"the embedding has the shape {list(embedding.shape)}, must be (prompts, tokens, {width})")
    check_width(embedding.shape[-1], width)
    if not bool(embedding.isfinite().all()):
        raise ValueError(
            "the embedding holds values that are not finite, must all be numbers; "
            "encode the prompt in float32 or bfloat16, since the text encoder leaves the range of float16"
        )
    return embedding


NEARLY_BLACK = 0.02  # of [0, 1]; hardly any picture in [-1, 1] is darkest just there, at mid-grey


def check_picture(image: Image, channels: int, check_range: bool) -> None:
    """ValueError when it is no picture in [-1, 1].

    Whether one in [0, 1] was meant cannot be proved: one that has black where [0, 1] has it, and nothing darker, is
    refused if `check_range`.
    """
    pixels = image.pixels
    if image.space != "pixels":
        raise ValueError(f"the image is in the space {image.space}, must be pixels; decode it first")
    if pixels.ndim != 4 or 0 in pixels.shape:
        raise ValueError(f"the image has the shape {list(pixels.shape)}, must be (B, {channels}, H, W)")
    check_picture_channels(pixels.shape[1:], channels)
    low, high = float(pixels.min()), float(pixels.max())
    if not -FAR <= low <= high <= FAR:
        raise ValueError(f"the image has values from {low:g} to {high:g}, must be from -1 to 1, without noise")
    doubts = doubt(image)
    if check_range and doubts and low < NEARLY_BLACK:
        raise ValueError(
            f"the image {doubts}; if it is one that is nowhere darker than mid-grey, switch check_range off"
        )


def doubt(image: Image) -> str:
    """Why pictures may be meant in [0, 1], as whole ones hardly are that are nowhere darker than mid-grey; else ""."""
    low, high = float(image.pixels.min()), float(image.pixels.max())
    if not 0 <= low < high <= 1:
        return ""
    return (
        f"has values from {low:g} to {high:g} and none below 0, like one in [0, 1]; must be in [-1, 1], that is 2 x - 1"
    )
