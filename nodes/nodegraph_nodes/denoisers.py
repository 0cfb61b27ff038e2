"""Denoiser nodes: what estimates noise by itself."""

from contextlib import suppress
from typing import Annotated

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.foresights import chosen, shape_of
from nodegraph_nodes.noise import Like, Schedule
from nodegraph_nodes.ops.demands import Rows
from nodegraph_nodes.ops.digits import read_digits
from nodegraph_nodes.types import Denoiser, Image, Model, NoiseSchedule

Digit = Annotated[
    str,
    Field(
        max_length=200,
        description="Which digit: 3, or 6,9, or 0-9, one for each picture in turn; empty: any, which is unconditional.",
    ),
]
TrainedModel = Annotated[
    Model | None, Field(description="A network of TrainUNet or LoadModel; absent: the one that comes along.")
]
Mean = Annotated[
    Image | None, Field(description="The pictures that the data varies around; absent: `value` everywhere.")
]
Value = Annotated[float, Field(ge=-100, le=100, description="The mean of every pixel, where no picture is linked.")]
Deviation = Annotated[float, Field(ge=0, le=100, description="Standard deviation of every pixel around its mean.")]


def foresee_digits(known: Foresight) -> None:
    """Which digits are meant, and of which pictures, where it is the network that comes along."""
    facts = {"schedule": "linear", "space": "pixels", "branches": []}
    shipped = not known.links("model")
    if shipped:
        facts |= {"channels": 1, "height": 28, "width": 28}
    if known.knows("digit"):
        if shipped:
            with known.refusals():
                read_digits(known.value("digit"))
        with suppress(ValueError):  # of a network with more classes
            facts["demands"] = (Rows(len(read_digits(known.value("digit")))),)
    known.gives("denoiser", facts)


@node("UNetMNIST", category="Denoisers", outputs="denoiser", foresee=foresee_digits)
def unet_mnist(context: Context, digit: Digit = "", model: TrainedModel = None) -> Denoiser:
    """A small network that was trained on handwritten digits: 28 x 28 pixels, 1 channel.

    Picture i of a batch becomes digit i, and after the last digit the first again; there must be as many
    pictures for each of them.
    """
    from nodegraph_nodes.ops.networks import digit_denoiser

    return digit_denoiser(digit, context.resources, model)


def foresee_gaussian(known: Foresight) -> None:
    """It takes pictures like its mean; any, where none is linked."""
    facts = chosen(known.of("like"), "schedule")
    if not known.links("like") and known.knows("schedule"):
        facts["schedule"] = known.value("schedule")
    mean = known.of("mean")
    facts |= chosen(mean, "space") if known.links("mean") else {"space": "pixels"}
    if shape_of(mean) is not None:
        facts |= chosen(mean, "channels", "height", "width")
    if "batch" in mean:
        facts["demands"] = (Rows(mean["batch"]),)
    known.gives("denoiser", facts)


@node("ExactGaussian", category="Denoisers", outputs="denoiser", foresee=foresee_gaussian)
def exact_gaussian(
    mean: Mean = None, value: Value = 0.0, sigma: Deviation = 0.25, schedule: Schedule = "linear", like: Like = None
) -> Denoiser:
    """The exact denoiser of pictures whose pixels vary independently around a mean, without any network.

    It shows what guidance, anagrams and masks do where the right answer is known.
    """
    import torch

    from nodegraph_nodes.ops import gaussians

    used = NoiseSchedule.named(schedule) if like is None else like.schedule
    if mean is None:
        return gaussians.ExactGaussian(torch.full((1, 1, 1, 1), value), sigma, used)
    _, channels, height, width = mean.pixels.shape
    return gaussians.ExactGaussian(mean.pixels, sigma, used, (channels, height, width), mean.space)
