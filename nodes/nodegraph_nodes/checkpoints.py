"""Checkpoints, as nodes take them: inputs that name one, and what of it is known before a run.

A public module: plugins rely on the names in `__all__`. Importing it imports no torch, and nothing here asks the
network: `nodegraph fetch` does, for every input whose `json_schema_extra` names the components of a checkpoint.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nodegraph import Foresight
from nodegraph_nodes.ops.checkpoint_files import tensors_in
from nodegraph_nodes.ops.checkpoints import Checkpoint, MissingCheckpoint, locate
from nodegraph_nodes.ops.schedulers import number_in, prediction_of, schedule_of
from nodegraph_nodes.ops.traits import Traits, check_weights, traits

__all__ = [
    "Checkpoint",
    "CheckpointName",
    "Dtype",
    "MissingCheckpoint",
    "Revision",
    "Traits",
    "Variant",
    "check_weights",
    "locate",
    "located",
    "number_in",
    "prediction_of",
    "schedule_of",
    "tensors_in",
    "traits",
]


def named(checkpoint: str) -> str:
    """The name, if there is one; else a ValueError that says what it would be."""
    if not checkpoint.strip():
        raise ValueError("is empty, must be an id of the hub, such as DeepFloyd/IF-I-XL-v1.0, or a folder")
    return checkpoint


CheckpointName = Annotated[str, AfterValidator(named), Field(max_length=1000)]
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


def located(known: Foresight, components: Sequence[str]) -> Checkpoint | None:
    """The checkpoint that the inputs `checkpoint`, `revision` and `variant` name, where all of it is here."""
    if not known.knows("checkpoint", "revision", "variant"):
        return None
    with suppress(ValueError):  # what is wrong with it is told of the checkpoint
        return locate(known.value("checkpoint"), components, known.value("revision"), known.value("variant"))
    return None
