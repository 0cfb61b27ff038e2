"""Words for the checkpoints of a graph: which it needs, and what is here of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nodegraph.checkpoints import CheckpointNeed
from nodegraph.errors import count
from nodegraph.needs import NeededCheckpoint, Needs

from .speaking import complain, say

__all__ = ["here_text", "missing_text", "name_text", "say_needs", "size_text"]


def say_needs(needs: Needs, rest: dict[CheckpointNeed, str]) -> None:
    """List the checkpoints; `rest` says how large what is missing of them is, where that was asked. Those that are
    wrong are told of as problems of the nodes that need them.
    """
    for needed in needs.checkpoints:
        for line in here_text(needed):
            say(line)
        for line in missing_text(needed):
            say(f"{line}{rest.get(needed.need, '')}", fg="yellow")
    for place in needs.unknown:
        complain(f"checkpoint of {place}: only a run can tell which", fg="yellow")


def here_text(needed: NeededCheckpoint) -> Iterator[str]:
    """One line about the components that are here, if there are any."""
    state = needed.state
    if state.found:
        place = f", in {state.place}" if state.place != needed.need.checkpoint else ""
        yield f"checkpoint {name_text(needed)}: {listed(state.found)} here{place}"


def missing_text(needed: NeededCheckpoint) -> Iterator[str]:
    """One line about the components that are not here, if there are any."""
    if needed.state.missing:
        yield f"checkpoint {name_text(needed)}: {listed(needed.state.missing)} missing"


def name_text(needed: NeededCheckpoint) -> str:
    """`DeepFloyd/IF-I-XL-v1.0 (revision main, variant fp16)`; of a folder, its path."""
    need = needed.need
    if needed.state.place == need.checkpoint:
        return need.checkpoint
    return f"{need.checkpoint} (revision {need.revision}{f', variant {need.variant}' if need.variant else ''})"


def listed(words: Sequence[str]) -> str:
    """`unet is`, `unet and scheduler are`."""
    return f"{', '.join(words[:-1])} and {words[-1]} are" if len(words) > 1 else f"{words[0]} is"


def size_text(number: int, files: int | None = None) -> str:
    """`340 kB`, `8.6 GB`, `8.6 GB in 5 files`."""
    amount = f"{number} bytes"
    for unit, factor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if number >= 0.9995 * factor:
            amount = f"{number / factor:.3g} {unit}" if number < 999.5 * factor else amount
    return amount if files is None else f"{amount} in {count(files, 'file')}"
