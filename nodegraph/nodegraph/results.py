"""What a run leaves: values by node and output, and what failed, was skipped or was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import UsageError, count, nearest, with_remedy
from .validation import shown

__all__ = ["Result"]


@dataclass(frozen=True, repr=False)
class Result:
    """The result of a run: `result["sample", "image"]`, or `result["sample"]` where there is one output.

    Attributes:
        run: the id of the run, as in its events.
        outputs: the names of the outputs of each node that the run could have run.
        kept: the values by node and output; those that were to be kept.
        failed: nodes that failed, and why. `skipped`: nodes that could not run, and why.
        cached: nodes whose values were remembered.
        files: what nodes wrote, in order.
        seconds: how long it took.
    """

    run: str
    outputs: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    cached: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    seconds: float = 0.0

    @cached_property
    def values(self) -> Mapping[tuple[str, str], Any]:
        """The values by (node, output)."""
        return {(node, name): value for node, outputs in self.kept.items() for name, value in outputs.items()}

    def __getitem__(self, place: str | tuple[str, str]) -> Any:
        """The value of an output; UsageError says why there is none."""
        node, output = (place, None) if isinstance(place, str) else place
        if node not in self.outputs and node not in self.skipped:
            raise UsageError(with_remedy(f"there is no node {shown(node)} in this run", nearest(node, self.outputs)))
        if node in self.failed:
            raise UsageError(f"{node} has no value, since it failed: {self.failed[node]}")
        if node in self.skipped:
            raise UsageError(f"{node} has no value, since {self.skipped[node]}")
        known = self.outputs[node]
        if output is None:
            if len(known) != 1:
                raise UsageError(
                    f"{node} has {len(known)} outputs; ask for one of {', '.join(known)}"
                    if known
                    else f"{node} has no output"
                )
            output = known[0]
        elif output not in known:
            close = nearest(output, known) or f"its outputs: {', '.join(known) or 'none'}"
            raise UsageError(with_remedy(f"{node} has no output {shown(output)}", close))
        try:
            return self.kept[node][output]
        except KeyError:
            raise UsageError(
                f"the value of {node}.{output} was not kept; name {node} among the targets, or keep all values"
            ) from None

    def __contains__(self, place: object) -> bool:
        return place in self.values or (isinstance(place, str) and bool(self.kept.get(place)))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        parts = [f"{count(len(self.values), 'value')} of {', '.join(filter(self.kept.get, self.kept)) or 'no node'}"]
        for name in ("failed", "skipped"):
            if getattr(self, name):
                parts.append(f"{name}: {', '.join(getattr(self, name))}")
        return f"<Result {self.run}: {'; '.join(parts)}; {self.seconds:.3g} s>"
