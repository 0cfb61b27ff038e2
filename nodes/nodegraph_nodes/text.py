"""Text nodes: what turns prompts into what networks are told by, and keeps it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.foresights import told_one
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


def named(checkpoint: str) -> str:
    """The name, if there is one; else a ValueError that says what it would be."""
    if not checkpoint.strip():
        raise ValueError("is empty, must be an id of the hub, such as DeepFloyd/IF-I-XL-v1.0, or a folder")
    return checkpoint


CheckpointName = Annotated[str, AfterValidator(named), Field(max_length=1000)]
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
Revision = Annotated[
    str, Field(min_length=1, max_length=200, description="Branch, tag or commit on the hub; means nothing for folders.")
]
Variant = Annotated[
    Literal["fp16", ""],
    Field(description="fp16 prefers weights that were stored in half the size; empty: the plain ones."),
]
Dtype = Annotated[
    Literal["auto", "float32", "float16", "bfloat16"],
    Field(description="The type it computes in; auto: float32 on the processor, half of that on a GPU."),
]
EmbeddingFile = Annotated[
    Path,
    Field(
        description="A file of SaveEmbedding, or any safetensors with one tensor of 77 tokens.",
        json_schema_extra={"exists": True},
    ),
]


@node(
    "EncodePrompt", category="Text", outputs="conditioning", cache="disk", foresee=told_one("conditioning", prompts=1)
)
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
    prompts = [part.get("prompts") for part in known.of("parts")]
    if prompts and None not in prompts:
        known.gives("conditioning", prompts=sum(prompts))


@node("JoinConditioning", category="Text", outputs="conditioning", foresee=foresee_joined)
def join_conditioning(parts: list[Conditioning]) -> Conditioning:
    """Put several prompts into one: each picture of a batch takes the next one.

    Picture i takes prompt i, and after the last prompt the first again.
    """
    from nodegraph_nodes.ops import embeddings

    return embeddings.joined(parts)


@node("LoadEmbedding", category="Text", outputs="conditioning")
def load_embedding(path: EmbeddingFile) -> Conditioning:
    """Load an encoded prompt from a file, so that no text encoder is needed. Only safetensors are read."""
    from nodegraph_nodes.ops import embeddings

    return embeddings.read_embedding(path)


@node("SaveEmbedding", category="Text", outputs="path", pure=False)
def save_embedding(context: Context, conditioning: Conditioning, name: FileName = "prompt") -> Path:
    """Save an encoded prompt as safetensors, with its text in the file."""
    from nodegraph_nodes.ops import embeddings

    return context.output.write(f"{name}.safetensors", embeddings.to_bytes(conditioning))
