"""A step of a run: one node, and where each of its inputs has its value from. Only data: `execution` runs it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .checkpoints import CheckpointAsk
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
        asks: the checkpoints that it needs.
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
    asks: tuple[CheckpointAsk, ...] = ()

    @property
    def reads(self) -> bool:
        """Whether its outputs depend on what files hold."""
        return bool(self.files or self.linked_files or self.asks)

    @property
    def told(self) -> bool:
        """Whether a wire tells it what to read, so that only a run knows."""
        return bool(self.linked_files) or any(ask.need is None for ask in self.asks)
