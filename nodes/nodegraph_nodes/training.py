"""Training nodes: the data, the training itself, the file of weights, and the picture of the loss."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from nodegraph import Context, node
from nodegraph_nodes.foresights import told_one
from nodegraph_nodes.types import Dataset, Image, Losses, Model

Epochs = Annotated[int, Field(ge=1, le=1000, description="How often every picture is seen.")]
Batch = Annotated[int, Field(ge=1, le=4096, description="Pictures a step.")]
LearningRate = Annotated[float, Field(gt=0, le=1, description="The highest rate of the one-cycle schedule.")]
ClassConditional = Annotated[bool, Field(description="Whether the network is told which digit a picture shows.")]
ClassDropout = Annotated[
    float, Field(ge=0, le=1, description="Share of examples whose digit is hidden; guidance needs both estimates.")
]
Average = Annotated[
    float, Field(ge=0, lt=1, description="How much of the averaged weights stays at each step; they are what is kept.")
]
TrainingSeed = Annotated[
    int, Field(ge=0, le=2**63 - 1, description="Decides first weights, order, timesteps, noise and hidden digits.")
]
SheetEpochs = Annotated[list[int], Field(description="The epochs after which a sheet of samples is kept.")]
Folder = Annotated[
    Path | None,
    Field(
        description="A folder with the four IDX files, gzipped or not; empty: downloaded once to the user's cache.",
        json_schema_extra={"exists": "folder"},
    ),
]
WeightsFile = Annotated[
    Path, Field(description="A file that SaveModel wrote (safetensors).", json_schema_extra={"exists": True})
]
FileName = Annotated[
    str,
    Field(
        min_length=1,
        description="File name below the output folder, without ending.",
        json_schema_extra={"output": ".safetensors"},
    ),
]


class Trained(NamedTuple):
    """What a training leaves."""

    model: Model
    losses: Losses
    sheets: Image


@node("LoadMNIST", category="Training", outputs="dataset")
def load_mnist(
    context: Context,
    folder: Folder = None,
    split: Annotated[
        Literal["train", "test"], Field(description="60,000 pictures to learn from, or 10,000 to test with.")
    ] = "train",
) -> Dataset:
    """Load the handwritten digits of MNIST: 28 x 28 pixels, and which digit each shows.

    Without a folder the files are downloaded from a public mirror, checked, and kept in the user's cache.
    """
    from nodegraph_nodes.ops import mnist

    if folder is None:
        folder = mnist.download_mnist(
            progress=lambda step, total: context.progress(step, total, text="downloading MNIST"),
        )
    images, labels, digest = mnist.load_mnist(folder, split)
    return Dataset(images=images, labels=labels, digest=digest, split=split)


@node("TrainUNet", category="Training")
def train_unet(
    context: Context,
    dataset: Dataset,
    epochs: Epochs = 20,
    class_conditional: ClassConditional = True,
    class_dropout: ClassDropout = 0.1,
    batch: Batch = 128,
    learning_rate: LearningRate = 2e-3,
    average: Average = 0.999,
    seed: TrainingSeed = 0,
    sheets: SheetEpochs = [1, 5, 10, 20],  # noqa: B006 - a default of the port, never written to
) -> Trained:
    """Train a U-Net from scratch to estimate the noise in pictures.

    Each epoch ends with a sheet of samples as preview and a checkpoint below the output folder. A training
    that was cancelled or killed goes on from there when it is run again with the same settings and data.
    """
    from nodegraph_nodes.ops import drawing, pictures
    from nodegraph_nodes.ops.training import TrainingSettings, train, training_digest

    settings = TrainingSettings(
        epochs=epochs,
        batch=batch,
        lr=learning_rate,
        class_conditional=class_conditional,
        class_dropout=class_dropout,
        ema=average,
        seed=seed,
        sheets=tuple(sorted(set(sheets) | {epochs})),
    )
    checkpoint = context.output.place(f"training/{training_digest(settings, dataset.digest)[:16]}.safetensors")
    make_room = partial(context.resources.make_room, None, context.device)
    preview, result, last = None, None, None

    def drawing_samples() -> None:
        if last is None:
            context.checkpoint()
        else:
            context.progress(last.step, last.total, text="drawing the samples of an epoch")

    steps = train(dataset.images, dataset.labels, settings, checkpoint, context.device, drawing_samples, make_room)
    with closing(steps):
        for step in steps:
            if step.sheet is not None:
                preview = pictures.from_bytes(step.sheet)
            context.progress(
                step.step,
                step.total,
                preview=None if preview is None else lambda shown=preview: pictures.thumbnail(shown),
                text=f"epoch {step.epoch} of {epochs}, loss {step.loss:.4f}",
                numbers={"loss": step.loss, "epoch": step.epoch},
            )
            result, last = step.result, step
    kept = sorted(result.sheets)
    layout = drawing.sheet(
        [pictures.from_bytes(result.sheets[epoch]) for epoch in kept],
        columns=2 if len(kept) > 1 else 1,
        captions=[f"epoch {epoch}" for epoch in kept],
    )
    return Trained(
        model=Model(config=result.config.describe(), weights=result.weights, metadata=result.metadata),
        losses=Losses(values=tuple(result.losses), epochs=epochs, per_epoch=len(result.losses) // epochs),
        sheets=Image(layout),
    )


@node("LoadModel", category="Training", outputs="model")
def load_model(path: WeightsFile) -> Model:
    """Load a trained network from a file of SaveModel. Only safetensors are read, never a pickle."""
    from nodegraph_nodes.ops.unet import build_unet, load_unet

    config, weights, metadata = load_unet(path)
    try:
        build_unet(config, weights)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    broken = [name for name, value in weights.items() if not value.isfinite().all()]
    if broken:
        raise ValueError(f"{path}: the weight {broken[0]} holds NaN or infinity; train the network again")
    return Model(config=config.describe(), weights=weights, metadata=metadata)


@node("SaveModel", category="Training", outputs="path", pure=False)
def save_model(
    context: Context,
    model: Model,
    name: FileName = "model",
    precision: Annotated[
        Literal["float32", "float16"], Field(description="float16 halves the file, at a small loss of precision.")
    ] = "float32",
) -> Path:
    """Save a trained network as safetensors, with its configuration and how it was trained in the file."""
    import torch

    from nodegraph_nodes.ops.unet import UNetConfig, unet_bytes

    dtype = getattr(torch, precision)
    weights = {key: value.to(dtype) for key, value in model.weights.items()}
    content = unet_bytes(weights, UNetConfig.from_description(dict(model.config)), model.metadata)
    return context.output.write(f"{name}.safetensors", content)


@node("PlotLosses", category="Training", outputs="image", foresee=told_one("image", batch=1, space="pixels"))
def plot_losses(
    losses: Losses,
    logarithmic: Annotated[bool, Field(description="Whether the loss is drawn on a logarithmic scale.")] = True,
) -> Image:
    """Draw the loss of each step, and its running average, over the epochs."""
    from nodegraph_nodes.ops import plots

    return Image(plots.plot_losses(losses.values, losses.per_epoch, logarithmic=logarithmic))
