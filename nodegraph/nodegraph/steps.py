"""A step of a run: one node, and where each of its inputs has its value from. Only data: `execution` runs it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .node_types import NodeSpec

__all__ = ["Step", "Wire"]


class Wire(NamedTuple):
    """Where an input, or the next place of a list, has its value from; `convert` is what the link does to it."""

    input: str
    source: tuple[str, str]  # node, output
    convert: Callable[[Any], Any] | None = None
    listed: bool = False


class Step(NamedTuple):
    """One node that can run.

    Attributes:
        values: the validated values of the inputs that no wire leads to.
        wires: of all other inputs, those of a list in order.
        sources: the nodes that the wires come from, one for each wire.
        files: the inputs in `values` that name files, as they were written.
        linked_files: the inputs that are told by a wire which file to read.
        passes: for a bypassed node, the input that each output passes on; None for a node that runs.
        static: what the key takes from the node itself.
    """

    node: str
    spec: NodeSpec
    values: dict[str, Any]
    wires: tuple[Wire, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    linked_files: tuple[str, ...]
    passes: dict[str, str] | None
    static: bytes
