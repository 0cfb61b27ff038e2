"""The runs of a worker, one at a time, and the values that they leave."""

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nodegraph.control import Control
from nodegraph.errors import Cancelled, CheckFailed, GraphWarning, Problem, RunFailed, UsageError
from nodegraph.events import Event, NodeProgress, NodeStarted
from nodegraph.graphs import Graph
from nodegraph.outputs import OutputFolder
from nodegraph.results import Result
from nodegraph.sessions import Session

from .inspections import problem_json
from .requests import Request

__all__ = ["Runs"]

SECONDS_BETWEEN = 0.02  # of what one node reports


class Runs:
    """Runs graphs in one session.

    What can be looked at afterwards: the values of the targets of the last run, and what the cache of the session
    holds of any run. Nothing is kept for this beyond that.
    """

    def __init__(self, session: Session, device: str, tell: Callable[[Event], None]) -> None:
        self.session = session
        self.device = device
        self._tell = tell
        self._keys: dict[str, bytes] = {}  # of earlier runs
        self._present: Mapping[str, bytes] = {}  # of the last run; grows while it goes on
        self._result: Result | None = None
        self._why: dict[str, str] = {}  # nodes without a value, and why

    def run(self, request: Request, graph: Graph, out: OutputFolder, control: Control) -> dict[str, Any]:
        """Run what the request says, and return the answer to it; UsageError when it cannot be begun."""
        self._refuse_device(request["device"])
        began = time.monotonic()
        status, problems, result = "done", tuple[Problem, ...](), None
        try:
            with warnings.catch_warnings(action="ignore", category=GraphWarning):  # `check` tells it
                result = self.session.run(
                    graph,
                    request["targets"],
                    emit=Thinned(self._tell),
                    out=out,
                    device=request["device"] or self.device,
                    keep="targets",
                    control=control,
                    use_cache=request["cache"],
                    metadata=request["metadata"],
                    tell_keys=self._take_keys,
                )
        except CheckFailed as error:
            status, problems = "refused", error.problems
        except RunFailed as error:
            status, result = "failed", error.result
        except (Cancelled, KeyboardInterrupt):
            status = "cancelled"
        self._keep(result)
        files = out.files
        root = out.path.resolve()
        return {
            "status": status,
            "problems": [problem_json(problem) for problem in problems],
            "run": result.run if result is not None else None,
            "seconds": result.seconds if result is not None else time.monotonic() - began,
            "files": [str(path) for path in files],
            "names": [path.relative_to(root).as_posix() for path in files],
            "out": str(root),
            "failed": dict(result.failed) if result is not None else {},
            "skipped": dict(result.skipped) if result is not None else {},
            "cached": list(result.cached) if result is not None else [],
        }

    def value(self, node: str, output: str | None) -> Any:
        """A value that is held; UsageError says why there is none."""
        kept = self._result.kept.get(node) if self._result is not None else None
        if kept is None:
            key = self._present.get(node) or self._keys.get(node)
            entry = self.session.cache.get(key) if key is not None else None
            if entry is None:
                raise UsageError(self._why.get(node) or why_gone(node, key))
            kept = entry.outputs
        if output is None and len(kept) == 1:
            return next(iter(kept.values()))
        if output is None or output not in kept:
            known = ", ".join(kept) or "none"
            said = f"{node} has {len(kept)} outputs" if output is None else f"{node} has no output {output!r}"
            raise UsageError(f"{said}; its outputs: {known}")
        return kept[output]

    def free(self) -> None:
        """Let go of all values and networks."""
        self._result = None
        self._keys = {}
        self._present = {}
        self.session.close()

    def _take_keys(self, keys: Mapping[str, bytes]) -> None:
        self._result = None  # its memory may be needed now
        self._why = {}
        self._keys = {**self._keys, **dict(self._present)}
        self._present = keys

    def _keep(self, result: Result | None) -> None:
        if result is not None:
            self._result = result
            self._why = {node: f"{node} has no value, since it failed: {why}" for node, why in result.failed.items()}
            self._why |= {node: f"{node} has no value, since {why}" for node, why in result.skipped.items()}

    def _refuse_device(self, device: str | None) -> None:
        """UsageError when a device that was named is not here."""
        if device not in (None, "auto", "cpu"):
            try:
                self.session.registry.device(device)
            except ValueError as error:
                raise UsageError(str(error)) from None


class Thinned:
    """Hands events on, but of what a node reports many times in a moment only some, and all pictures."""

    def __init__(self, tell: Callable[[Event], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._at = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, NodeStarted):
            self._at = 0.0
        elif isinstance(event, NodeProgress):
            now = self._clock()
            if event.preview is None and event.step < event.total and 0 <= now - self._at < SECONDS_BETWEEN:
                return
            self._at = now
        self._tell(event)


def why_gone(node: str, key: bytes | None) -> str:
    if key is not None:
        return f"the value of {node} is no longer held; run again"
    return f"{node} has no value at hand; run the graph, or run to this node"


def folder_of(text: str | None, store: Path) -> Path:
    """Where the relative paths of a graph start; UsageError when that is no folder here."""
    if text is None:
        return store
    folder = Path(text).absolute()
    if not folder.is_dir():
        raise UsageError(f"folder is {text!r}, which is no folder on this machine")
    return folder
