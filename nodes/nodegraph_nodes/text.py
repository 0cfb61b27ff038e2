"""Text nodes: what turns prompts into what networks are told by, and keeps it."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.checkpoints import CheckpointName, Dtype, Revision, Variant, located
from nodegraph_nodes.ops.checkpoint_files import Damaged, read_header
from nodegraph_nodes.ops.prompt_shapes import TOKENS, check_alike, check_stored
from nodegraph_nodes.ops.traits import ENCODER, encoder_width
from nodegraph_nodes.training import FileName
from nodegraph_nodes.types import Conditioning

Prompt = Annotated[
    str,
    Field(
        max_length=20_000,
        description="What the picture is to show; empty: no text, which guidance pushes away from.",
        json_schema_extra={"multiline": True},
    ),
]
TextCheckpoint = Annotated[
    CheckpointName,
    Field(
        description="Hub id or folder that holds text_encoder and tokenizer; all of DeepFloyd IF's have the same ones.",
        json_schema_extra={"checkpoint": ["text_encoder", "tokenizer"]},
    ),
]
Cleaning = Annotated[
    Literal["clean caption", "lower and strip"],
    Field(
        description="clean caption takes out addresses, HTML, brackets, sizes and the like, as IF's pipeline does; "
        "lower and strip leaves all words, as encode_prompt and published embeddings do."
    ),
]
EmbeddingFile = Annotated[
    Path,
    Field(
        description="A file of SaveEmbedding, or any safetensors with one tensor of 77 tokens.",
        json_schema_extra={"exists": True},
    ),
]


WIDTH = 4096
"""Numbers a token of the text encoder of all of DeepFloyd's own checkpoints, and which their networks read."""
PUBLISHED = re.compile(r"DeepFloyd/IF-I+-(M|L|XL)-v1\.0")


def foresee_encoding(known: Foresight) -> None:
    """How wide the encoder makes the prompt."""
    found, facts = located(known, ENCODER), {"prompts": 1, "tokens": TOKENS}
    if found is not None:
        with known.refusals("checkpoint"):
            width = encoder_width(found)
            facts |= {} if width is None else {"width": width}
    elif known.knows("checkpoint", "revision") and known.value("revision") == "main":
        facts |= {"width": WIDTH} if PUBLISHED.fullmatch(known.value("checkpoint")) else {}
    known.gives("conditioning", facts)


@node("EncodePrompt", category="Text", outputs="conditioning", cache="disk", foresee=foresee_encoding)
def encode_prompt(
    context: Context,
    prompt: Prompt = "",
    checkpoint: TextCheckpoint = "DeepFloyd/IF-I-XL-v1.0",
    cleaning: Cleaning = "clean caption",
    revision: Revision = "main",
    variant: Variant = "fp16",
    dtype: Dtype = "auto",
) -> Conditioning:
    """Turn a prompt into what a network is told to draw, with the T5 text encoder.

    The encoder is large, so what it makes is kept on the disk: each prompt is encoded once. It reads 77 tokens, about
    60 words; what is behind them is cut off, and said so. The line about the result shows the text as it was encoded.
    """
    from nodegraph_nodes.ops import captions, checkpoints, devices, embeddings, t5, words

    found = checkpoints.locate(checkpoint, ["text_encoder", "tokenizer"], revision, variant)
    text = captions.cleaned(prompt, cleaning)
    if prompt.strip() and not text:
        context.warn(f"nothing of the prompt {prompt.strip()[:40]!r} is left by cleaning: it is encoded as no text")
    encoded = t5.encode(
        text,
        found,
        context.resources,
        dtype=devices.find_dtype(dtype, context.device),
        device=context.device,
        tell=lambda step, what: context.progress(step, 2, text=what),
    )
    said = f'encoded "{text}"'
    if encoded.cut:
        lost = words.count(encoded.cut, "token")
        said += f", but for its last {lost}: T5 reads {embeddings.TOKENS} of them, the rest was cut off"
    context.log(said)
    context.progress(2, 2, text=said)
    return Conditioning(encoded.embedding, (text,), (encoded.cut,))


def foresee_joined(known: Foresight) -> None:
    parts = known.of("parts")
    prompts = [part.get("prompts") for part in parts]
    if prompts and None not in prompts:
        known.gives("conditioning", prompts=sum(prompts))
    shapes = [(part["tokens"], part["width"]) if {"tokens", "width"} <= part.keys() else None for part in parts]
    with known.refusals():
        check_alike(shapes)
        for tokens, width in [shape for shape in shapes if shape is not None][:1]:
            known.gives("conditioning", tokens=tokens, width=width)


@node("JoinConditioning", category="Text", outputs="conditioning", foresee=foresee_joined)
def join_conditioning(parts: list[Conditioning]) -> Conditioning:
    """Put several prompts into one: each picture of a batch takes the next one.

    Picture i takes prompt i, and after the last prompt the first again.
    """
    from nodegraph_nodes.ops import embeddings

    return embeddings.joined(parts)


def foresee_embedding(known: Foresight) -> None:
    """What the header of the file says."""
    path = known.value("path")
    if known.knows("path") and path.is_file():
        with known.refusals("path"):
            try:
                shapes, metadata = read_header(path)
                prompts, tokens, width = check_stored(shapes, "prompts" in metadata)
            except Damaged:
                raise
            except ValueError as error:
                raise ValueError(f"{path} {error}") from None
            known.gives("conditioning", prompts=prompts, tokens=tokens, width=width)


@node("LoadEmbedding", category="Text", outputs="conditioning", foresee=foresee_embedding)
def load_embedding(path: EmbeddingFile) -> Conditioning:
    """Load an encoded prompt from a file, so that no text encoder is needed. Only safetensors are read."""
    from nodegraph_nodes.ops import embeddings

    return embeddings.read_embedding(path)


@node("SaveEmbedding", category="Text", outputs="path", pure=False)
def save_embedding(context: Context, conditioning: Conditioning, name: FileName = "prompt") -> Path:
    """Save an encoded prompt as safetensors, with its text in the file."""
    from nodegraph_nodes.ops import embeddings

    return context.output.write(f"{name}.safetensors", embeddings.to_bytes(conditioning))
