"""Checkpoints: what an input asks of one, and what is known of it.

An input that names a checkpoint is a text with `Field(json_schema_extra={"checkpoint": ["unet", "scheduler"]})`: the
components that the node needs of it, an optional one with a "?" behind it. Inputs `revision` and `variant` of the same
node belong to it. What a checkpoint is, where it is and how it gets here is known by plugins alone, through hooks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from .node_types import InputSpec

__all__ = ["CheckpointAsk", "CheckpointNeed", "CheckpointRest", "CheckpointState", "components_of", "in_full"]


@dataclass(frozen=True)
class CheckpointNeed:
    """What is needed of a checkpoint; `checkpoint` is a folder, or a name that a plugin knows where to look for."""

    checkpoint: str
    components: tuple[str, ...]
    revision: str = "main"
    variant: str = ""


@dataclass(frozen=True)
class CheckpointState:
    """What is here of a checkpoint.

    Attributes:
        status: "here" in full; "missing", so that a download can mend it; "wrong", so that only its user can.
        place: the folder where it is, or where it would go.
        identity: names the content, so that another one has another; "" unless it is here.
        found: the components that are here; an optional one may be neither here nor missing.
        missing: the components that are not here.
        message: what is missing or wrong, beginning with the name of the checkpoint.
    """

    status: Literal["here", "missing", "wrong"]
    place: str = ""
    identity: str = ""
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class CheckpointRest:
    """What would have to be downloaded of a checkpoint."""

    files: int
    bytes: int


class CheckpointAsk(NamedTuple):
    """An input that names a checkpoint.

    Attributes:
        need: what it names; None where only a run can tell, or where `wrong` says what keeps it from naming one.
    """

    input: str
    components: tuple[str, ...]
    need: CheckpointNeed | None
    wrong: str = ""


def components_of(port: InputSpec) -> tuple[str, ...]:
    """The components that an input asks of the checkpoint it names; none for any other input."""
    said = port.hint.extra.get("checkpoint", ())
    return tuple(said) if isinstance(said, (list, tuple)) else ()


def in_full(checkpoint: Any, folders: Sequence[Path]) -> Any:
    """The folder that is meant, where one of that name is in one of these; else the text, which a plugin may know."""
    if isinstance(checkpoint, str) and checkpoint.strip():
        for folder in folders:
            try:
                if (folder / checkpoint).is_dir():
                    return str(folder / checkpoint)
            except (OSError, ValueError):  # too long a name, a null character
                break
    return checkpoint
