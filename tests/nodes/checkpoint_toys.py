"""Nodes that need a checkpoint and load nothing, as a plugin: what the command line is tested with."""

from typing import Annotated

from pydantic import Field

from nodegraph import hookimpl, node

Stage = Annotated[str, Field(description="a checkpoint", json_schema_extra={"checkpoint": ["unet", "scheduler"]})]
Encoder = Annotated[
    str, Field(description="a checkpoint", json_schema_extra={"checkpoint": ["text_encoder", "tokenizer"]})
]
Revision = Annotated[str, Field(description="branch, tag or commit")]
Variant = Annotated[str, Field(description="the weights that are preferred")]

IF = "DeepFloyd/IF-I-XL-v1.0"


@node("ToyStage", category="Toys", outputs="identity")
def stage(prompt: str, checkpoint: Stage = IF, revision: Revision = "main", variant: Variant = "fp16") -> str:
    """Say which checkpoint was found."""
    from nodegraph_nodes.ops.checkpoints import locate

    return locate(checkpoint, ["unet", "scheduler"], revision, variant).identity


@node("ToyEncoder", category="Toys", outputs="prompt")
def encoder(checkpoint: Encoder = IF, revision: Revision = "main", variant: Variant = "fp16") -> str:
    """Say which checkpoint was found."""
    from nodegraph_nodes.ops.checkpoints import locate

    return locate(checkpoint, ["text_encoder", "tokenizer"], revision, variant).identity


@hookimpl
def nodegraph_node_types():
    return [stage, encoder]
