"""Ways to look at the built-in wire types, as `ValueType.views` has them: pictures, steps, curves, and what they are.

Importing this imports no torch; its functions do, where they need it. Pictures are made as they are, pixel by pixel,
and only shrunk where they are larger than asked for.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from nodegraph_nodes.types import Dataset, Image, Losses, Mask, Noisy, Trajectory

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DATASET_VIEWS", "IMAGE_VIEWS", "LOSSES_VIEWS", "MASK_VIEWS", "NOISY_VIEWS", "TRAJECTORY_VIEWS"]

LARGEST = 16_384
Views = Mapping[str, Callable[..., Any]]


def picture_of(pixels: "Tensor", index: int | None, size: int, space: str = "pixels") -> bytes:
    """A PNG of one picture of a batch (B, C, H, W), or of all in a sheet, at most `size` pixels a side.

    Latents are shown as `ops.latents` has them.
    """
    from nodegraph_nodes.ops import drawing, geometry, latents, pictures

    checked("size", size, 1, LARGEST)
    if index is not None:
        checked("index", index, 0, len(pixels) - 1)
        pixels = pixels[index : index + 1]
    pixels = latents.seen(pixels, space)
    if len(pixels) > 1:
        pixels = drawing.sheet([pixels.clamp(-1, 1)], scale=1, gap=2, background="grey")
    height, width = pixels.shape[-2:]
    room = size / max(height, width)
    if room < 1:
        pixels = geometry.resize(pixels, max(1, int(height * room)), max(1, int(width * room)), "bilinear")
    return pictures.encode_png(pixels)


def checked(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}, must be a whole number from {low} to {high}")


def facts(pixels: "Tensor", space: str = "pixels", **more: Any) -> dict[str, Any]:
    """What is told of a batch of pictures: how many, how large, which values."""
    count, channels, height, width = pixels.shape
    kind = {1: "1, grey", 3: "3, RGB"}.get(channels, str(channels)) if space == "pixels" else str(channels)
    lines = [
        ["pictures", str(count)],
        ["size", f"{width} x {height}"],
        ["channels", kind],
        ["space", space],
        ["values", f"{range_text(pixels)}, mean {float(pixels.mean()):.4g}"],
        ["type", f"{str(pixels.dtype).removeprefix('torch.')} {' x '.join(map(str, pixels.shape))}"],
    ]
    lines += [[label, str(text)] for label, text in more.items()]
    return {"count": count, "lines": lines}


def range_text(values: "Tensor") -> str:
    return f"from {float(values.min()):.4g} to {float(values.max()):.4g}"


def image_picture(image: Image, index: int | None = 0, size: int = 2048) -> bytes:
    return picture_of(image.pixels, index, size, image.space)


def mask_picture(mask: Mask, index: int | None = 0, size: int = 2048) -> bytes:
    return picture_of(mask.values * 2 - 1, index, size)


def mask_info(mask: Mask) -> dict[str, Any]:
    return facts(mask.values, inside=f"{float(mask.values.mean()):.0%}")


def noisy_picture(noisy: Noisy, index: int | None = 0, size: int = 2048) -> bytes:
    return picture_of(noisy.x, index, size, noisy.space)


def noisy_info(noisy: Noisy) -> dict[str, Any]:
    if noisy.t is None or noisy.schedule is None:
        return facts(noisy.x, noisy.space, timestep="pure noise")
    told = {"timestep": noisy.t, "schedule": noisy.schedule.name}
    if noisy.moment is not None:
        told["from"] = f"step {noisy.moment.number} of a sampler"
    return facts(noisy.x, noisy.space, **told)


def dataset_picture(dataset: Dataset, index: int | None = 0, size: int = 2048) -> bytes:
    if index is not None:
        checked("index", index, 0, len(dataset.images) - 1)
    shown = dataset.images[:100] if index is None else dataset.images[index : index + 1]
    return picture_of(shown[:, None].float() / 127.5 - 1, None, size)


def dataset_info(dataset: Dataset) -> dict[str, Any]:
    count, height, width = dataset.images.shape
    classes = sorted(set(dataset.labels.tolist()))
    return {
        "count": count,
        "lines": [
            ["pictures", f"{count:,}"],
            ["size", f"{width} x {height}"],
            ["split", dataset.split],
            ["classes", f"{len(classes)}: {', '.join(map(str, classes[:12]))}{', ...' if len(classes) > 12 else ''}"],
        ],
    }


def trajectory_steps(trajectory: Trajectory) -> list[dict[str, Any]]:
    """The steps that are kept; t = -1 is the result.

    Of each its place among them, its number in the walk, and whether there is a noise estimate, and whose branches'.
    """
    return [
        {
            "step": place,
            "t": step.t,
            "number": step.number,
            "noise": step.noise is not None,
            "branches": list(step.branches),
        }
        for place, step in enumerate(trajectory)
    ]


def trajectory_frame(
    trajectory: Trajectory,
    step: int = 0,
    what: Literal["noisy", "clean", "noise"] = "noisy",
    index: int | None = 0,
    size: int = 2048,
    branch: str = "",
) -> bytes:
    """What the network saw at a step, the clean picture that it made of it, or the noise that it took to be in it.

    Args:
        step: its place among those that are kept.
        branch: whose estimate; empty for that of the whole denoiser.
    """
    from nodegraph_nodes.ops.trajectories import looked_at, shown_as_picture

    checked("step", step, 0, len(trajectory) - 1)
    found = looked_at(trajectory, trajectory.steps[step], what, branch)
    if what == "noise":
        return picture_of(shown_as_picture(found, what), index, size)
    return picture_of(found, index, size, trajectory.space)


def trajectory_info(trajectory: Trajectory) -> dict[str, Any]:
    first, last = trajectory.steps[0], trajectory.steps[-1]
    told = facts(last.x0, trajectory.space)
    kept = f"{len(trajectory)} of {trajectory.taken}, evenly" if trajectory.thinned else str(len(trajectory))
    told["lines"] += [
        ["steps", f"{kept}, from t = {first.t}{' to the result' if last.t < 0 else f' to t = {last.t}'}"],
        ["schedule", trajectory.schedule.name],
    ]
    if trajectory.branches:
        told["lines"] += [["branches", ", ".join(trajectory.branches)]]
    return {**told, "steps": trajectory_steps(trajectory)}


def losses_curve(losses: Losses) -> dict[str, Any]:
    """The loss of each step against the epoch, and where epochs end."""
    per_epoch = losses.per_epoch or 1
    return {
        "x": [round((number + 1) / per_epoch, 6) for number in range(len(losses.values))],
        "y": [float(f"{value:.6g}") for value in losses.values],
        "x_label": "epoch" if losses.per_epoch else "step",
        "y_label": "loss",
        "epochs": list(range(1, losses.epochs + 1)),
    }


def losses_info(losses: Losses) -> dict[str, Any]:
    values = losses.values
    lines = [["steps", f"{len(values):,}"], ["epochs", f"{losses.epochs}, {losses.per_epoch:,} steps each"]]
    if values:
        last = values[-losses.per_epoch :]
        lines += [["values", f"from {min(values):.4g} to {max(values):.4g}"]]
        lines += [["mean of the last epoch", f"{sum(last) / len(last):.4g}"]]
    return {"count": len(values), "lines": lines}


IMAGE_VIEWS: Views = MappingProxyType(
    {"picture": image_picture, "info": lambda image: facts(image.pixels, image.space)}
)
MASK_VIEWS: Views = MappingProxyType({"picture": mask_picture, "info": mask_info})
NOISY_VIEWS: Views = MappingProxyType({"picture": noisy_picture, "info": noisy_info})
DATASET_VIEWS: Views = MappingProxyType({"picture": dataset_picture, "info": dataset_info})
TRAJECTORY_VIEWS: Views = MappingProxyType(
    {"steps": trajectory_steps, "frame": trajectory_frame, "info": trajectory_info}
)
LOSSES_VIEWS: Views = MappingProxyType({"curve": losses_curve, "info": losses_info})
