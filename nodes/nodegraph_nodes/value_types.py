"""What is told of the built-in wire types: colours, one line about a value, thumbnails, sizes, views.

Importing this imports no torch; its functions do, where they need it.
"""

import copy
import dataclasses
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nodegraph import Conversion, ValueType
from nodegraph_nodes import value_views
from nodegraph_nodes.ops.words import count
from nodegraph_nodes.types import (
    Conditioning,
    Dataset,
    Denoiser,
    Image,
    Losses,
    Mask,
    Model,
    NoiseSchedule,
    Noisy,
    Trajectory,
)

if TYPE_CHECKING:
    from torch import Tensor


def tensors(value: Any) -> "Iterator[Tensor]":
    """The tensors that a value holds, also within what it is made of."""
    from torch import Tensor

    if isinstance(value, NoiseSchedule):
        return
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            if not isinstance(item, (int, float, str)):
                yield from tensors(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from tensors(getattr(value, field.name))


def nbytes(value: Any) -> Iterator[tuple[Hashable, int]]:
    """What a value takes; a storage that several tensors share has one name."""
    for tensor in tensors(value):
        storage = tensor.untyped_storage()
        yield storage.data_ptr(), storage.nbytes()


def losses_nbytes(losses: Losses) -> Iterator[tuple[Hashable, int]]:
    yield id(losses.values), 32 * len(losses.values)


def size_text(pixels: "Tensor", space: str = "pixels") -> str:
    """`10 x 28 x 28, grey`: how many pictures, how wide and high, of what."""
    pictures, channels, height, width = pixels.shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return f"{f'{pictures} x ' if pictures > 1 else ''}{width} x {height}, {kind if space == 'pixels' else space}"


def noisy_text(noisy: Noisy) -> str:
    at = "pure noise" if noisy.t is None or noisy.schedule is None else f"t = {noisy.t}, {noisy.schedule.name}"
    return f"{size_text(noisy.x, noisy.space)}, {at}"


def conditioning_text(conditioning: Conditioning) -> str:
    """`"a skull", no text and 2 more: 77 tokens of 4,096 numbers`, and how many tokens more were cut off."""
    rows, tokens, width = conditioning.embedding.shape
    shown = [f'"{shortened(prompt)}"' if prompt else "no text" for prompt in conditioning.prompts[:3]]
    if not shown:
        said = count(rows, "prompt")
    elif rows > len(shown):
        said = f"{', '.join(shown)} and {rows - len(shown)} more"
    else:
        said = ", ".join(shown)
    cut = sum(conditioning.cut)
    said += f": {count(tokens, 'token')} of {count(width, 'number')}"
    return said + (f", {cut} more {'was' if cut == 1 else 'were'} cut off" if cut else "")


def shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def save_conditioning(conditioning: Conditioning) -> bytes:
    from nodegraph_nodes.ops import embeddings

    return embeddings.to_bytes(conditioning)


def load_conditioning(data: bytes) -> Conditioning:
    from nodegraph_nodes.ops import embeddings

    return embeddings.from_bytes(data)


def denoiser_text(denoiser: Denoiser, depth: int = 4) -> str:
    """How a denoiser is made up: `CFGCombine(digit 3, any digit)`."""
    parts = denoiser.parts()
    name = getattr(denoiser, "name", "") or type(denoiser).__name__
    if not parts:
        return name
    inside = ", ".join(denoiser_text(part, depth - 1) for part in parts) if depth else "..."
    return f"{name}({inside})"


def trajectory_text(trajectory: Trajectory) -> str:
    first, taken = trajectory.steps[0], max(trajectory.taken, len(trajectory))
    steps = f"{len(trajectory):,} of {count(taken, 'step')}" if trajectory.thinned else count(taken, "step")
    told = f"{steps} from t = {first.t}, {size_text(first.x_t, trajectory.space)}"
    branches = len(trajectory.branches)
    return f"{told}, {count(branches, 'branch')}" if branches else told


def save_trajectory(trajectory: Trajectory) -> bytes:
    from nodegraph_nodes.ops import trajectory_files

    return trajectory_files.to_bytes(trajectory)


def load_trajectory(data: bytes) -> Trajectory:
    from nodegraph_nodes.ops import trajectory_files

    return trajectory_files.from_bytes(data)


def model_text(model: Model) -> str:
    parameters = sum(weight.numel() for weight in model.weights.values())
    epochs = model.metadata.get("epochs")
    return count(parameters, "parameter") + (f", {epochs} epoch{'s' * (epochs != '1')}" if epochs else "")


def losses_text(losses: Losses) -> str:
    last = losses.values[-losses.per_epoch :]
    return f"{count(losses.epochs, 'epoch')}, {sum(last) / len(last):.4f} in the last" if last else "none"


def picture_thumbnail(pixels: "Tensor", size: int, space: str = "pixels") -> bytes:
    """A PNG of pictures, and of latents as `ops.latents` shows them."""
    from nodegraph_nodes.ops import latents, pictures

    return pictures.thumbnail(latents.seen(pixels, space), size)


def trajectory_thumbnail(trajectory: Trajectory, size: int) -> bytes:
    import torch

    from nodegraph_nodes.ops.trajectories import evenly

    return picture_thumbnail(torch.cat([step.x_t[:1] for step in evenly(trajectory.steps, 4)]), size, trajectory.space)


def dataset_thumbnail(dataset: Dataset, size: int) -> bytes:
    return picture_thumbnail(dataset.images[:100, None].float() / 127.5 - 1, size)


def losses_thumbnail(losses: Losses, size: int) -> bytes:
    from nodegraph_nodes.ops import plots

    return picture_thumbnail(plots.plot_losses(losses.values, losses.per_epoch), size)


VALUE_TYPES = (
    ValueType(
        Image,
        colour="#4fa3e0",
        summary=lambda image: size_text(image.pixels, image.space),
        thumbnail=lambda image, size: picture_thumbnail(image.pixels, size, image.space),
        nbytes=nbytes,
        copy=copy.deepcopy,
        views=value_views.IMAGE_VIEWS,
    ),
    ValueType(
        Mask,
        colour="#9aa5b1",
        summary=lambda mask: f"{size_text(mask.values)}, {float(mask.values.mean()):.0%} inside",
        thumbnail=lambda mask, size: picture_thumbnail(mask.values * 2 - 1, size),
        nbytes=nbytes,
        copy=copy.deepcopy,
        views=value_views.MASK_VIEWS,
    ),
    ValueType(
        Noisy,
        colour="#b07fe0",
        summary=noisy_text,
        thumbnail=lambda noisy, size: picture_thumbnail(noisy.x, size, noisy.space),
        nbytes=nbytes,
        copy=copy.deepcopy,
        views=value_views.NOISY_VIEWS,
    ),
    ValueType(
        Conditioning,
        colour="#e07fb0",
        summary=conditioning_text,
        nbytes=nbytes,
        copy=copy.deepcopy,
        save=save_conditioning,
        load=load_conditioning,
    ),
    ValueType(Denoiser, colour="#f2a33a", summary=denoiser_text, nbytes=nbytes, copy=copy.deepcopy),
    ValueType(
        Trajectory,
        colour="#3fc6a8",
        summary=trajectory_text,
        thumbnail=trajectory_thumbnail,
        nbytes=nbytes,
        copy=copy.deepcopy,
        save=save_trajectory,
        load=load_trajectory,
        views=value_views.TRAJECTORY_VIEWS,
    ),
    ValueType(
        Dataset,
        colour="#8bbf4d",
        summary=lambda dataset: f"{count(len(dataset.images), 'picture')}, {dataset.split}",
        thumbnail=dataset_thumbnail,
        nbytes=nbytes,
        copy=copy.deepcopy,
        views=value_views.DATASET_VIEWS,
    ),
    ValueType(Model, colour="#e0605a", summary=model_text, nbytes=nbytes, copy=copy.deepcopy),
    ValueType(
        Losses,
        colour="#d9c04a",
        summary=losses_text,
        thumbnail=losses_thumbnail,
        nbytes=losses_nbytes,
        copy=copy.copy,
        views=value_views.LOSSES_VIEWS,
    ),
)  # fmt: skip

CONVERSIONS = (
    Conversion(Noisy, Image, lambda noisy: Image(noisy.x, noisy.space), "The noisy picture as it looks."),
    Conversion(Mask, Image, lambda mask: Image(mask.values * 2 - 1), "White inside, black outside."),
    Conversion(Image, Mask, lambda image: image_to_mask(image), "Bright is inside, dark outside."),
    Conversion(Trajectory, Image, lambda way: Image(way.steps[-1].x0, way.space), "Where it led."),
)


def image_to_mask(image: Image) -> Mask:
    if image.space != "pixels":
        raise ValueError(f"the image is in the space {image.space}, must be pixels to become a mask")
    return Mask(((image.pixels.mean(dim=1, keepdim=True) + 1) / 2).clamp(0, 1))
