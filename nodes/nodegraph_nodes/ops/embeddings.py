"""What a text encoder made, joined, and as a file: safetensors with one tensor, and the prompts in the metadata."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nodegraph_nodes.ops.weights import read_safetensors, safetensors_bytes
from nodegraph_nodes.ops.words import count
from nodegraph_nodes.types import Conditioning

NAME = "embedding"
TOKENS = 77
"""How many DeepFloyd IF was trained with; T5 itself could take more."""


def joined(parts: Sequence[Conditioning]) -> Conditioning:
    """The rows of all parts, one after the other.

    The prompts are kept if they are known of every row.
    """
    if not parts:
        raise ValueError("parts is empty, must be one conditioning at least")
    shapes = [tuple(part.embedding.shape[1:]) for part in parts]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"parts[{number}] has {count(shape[0], 'token')} of {count(shape[1], 'number')}, "
                f"must have {shapes[0][0]} of {shapes[0][1]} as parts[0] has; encode all prompts with one checkpoint"
            )
    rows = [len(part.embedding) for part in parts]
    told = all(len(part.prompts) == length for part, length in zip(parts, rows, strict=True))
    cut = [part.cut if len(part.cut) == length else (0,) * length for part, length in zip(parts, rows, strict=True)]
    return Conditioning(
        torch.cat([part.embedding for part in parts]),
        tuple(text for part in parts for text in part.prompts) if told else (),
        tuple(number for numbers in cut for number in numbers),
    )


def to_bytes(conditioning: Conditioning) -> bytes:
    """The content of a file that `read_embedding` reads."""
    metadata = {"prompts": json.dumps(conditioning.prompts), "cut": json.dumps(conditioning.cut)}
    return safetensors_bytes({NAME: conditioning.embedding}, metadata)


def from_bytes(data: bytes) -> Conditioning:
    """The inverse of `to_bytes`."""
    from safetensors.torch import load

    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return conditioning_of(load(data), header.get("__metadata__", {}))


def read_embedding(path: Path) -> Conditioning:
    """Read a file of `to_bytes`, or one with a single tensor of anybody: (77, D), or (B, 77, D).

    Raises:
        ValueError: it is neither, or holds NaN; a pickle is named as such and never opened.
    """
    tensors, metadata = read_safetensors(path)
    try:
        return conditioning_of(tensors, metadata)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def conditioning_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Conditioning:
    if len(tensors) != 1:
        some = ", ".join(sorted(tensors)[:3])
        found = count(len(tensors), "tensor") + (f" ({some}, ...)" if some else "")
        raise ValueError(f"holds {found}, must hold one embedding")
    ((name, values),) = tensors.items()
    if not values.is_floating_point():
        raise ValueError(f"holds {name} as {str(values.dtype).removeprefix('torch.')}, must be floating-point numbers")
    shape = tuple(values.shape)
    ours = "prompts" in metadata
    if len(shape) not in ((3,) if ours else (2, 3)) or 0 in shape or (shape[-2] != TOKENS and not ours):
        raise ValueError(f"holds {name} of the shape {shape}, must be (77, D) or (B, 77, D)")
    embedding = values.float().reshape(-1, *shape[-2:])
    if not embedding.isfinite().all():
        raise ValueError(f"holds NaN or infinity in {name}; encode the prompt again")
    rows = len(embedding)
    return Conditioning(embedding, told(metadata, "prompts", rows, str), told(metadata, "cut", rows, int))


def told(metadata: Mapping[str, str], name: str, rows: int, kind: type) -> tuple[Any, ...]:
    """What the metadata say of each row; nothing where they say nothing."""
    try:
        found = json.loads(metadata.get(name, "[]"))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(type(item) is kind for item in found) or len(found) not in (0, rows):
        raise ValueError(f"names {name} in its metadata that do not fit its {count(rows, 'row')}; save it again")
    return tuple(found)
