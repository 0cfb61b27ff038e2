"""What a node may know of the run that it is part of, and how it reports.

A node function that declares `context: Context` gets one; `Context()` alone serves a call without an engine.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .aloud import ALOUD
from .control import Control
from .errors import Cancelled
from .events import NodeProgress
from .outputs import OutputFolder
from .resources import Resources

if TYPE_CHECKING:
    from .graphs import Graph

__all__ = ["Context"]

PREVIEW_SECONDS = 0.1  # at most ten previews a second and node
SMOOTHING = 0.2  # least weight of the newest step in the seconds that a step takes
log = logging.getLogger("nodegraph")


class Context:
    """The run as one node sees it.

    Attributes:
        node: the id of the node; "" in a bare call.
        graph: the graph as run, or None.
        folder: where the graph's file is; relative paths start there.
        output: where the node may write.
        resources: networks and other heavy things, shared by runs.
        metadata: whether pictures may carry the graph that made them.
        stopped: whether the node was told that the run is cancelled.
    """

    def __init__(
        self,
        *,
        node: str = "",
        run: str = "",
        graph: "Graph | None" = None,
        output: OutputFolder | None = None,
        device: str | Callable[[], str] = "cpu",
        resources: Resources | None = None,
        folder: Path | None = None,
        metadata: bool = True,
        previews: bool = True,
        control: Control | None = None,
        emit: Callable[[NodeProgress], None] | None = None,
        graph_text: Callable[[], str | None] | None = None,
    ) -> None:
        self.node = node
        self.graph = graph
        self.output = OutputFolder() if output is None else output
        self.resources = Resources() if resources is None else resources
        self.folder = Path.cwd() if folder is None else folder
        self.metadata = metadata
        self._previews = previews
        self._run = run
        self._device = device
        self._control = control
        self._emit = emit
        self._graph_text = graph_text
        self.stopped = False
        self._preview_at = -1.0
        self._preview_failed = False
        self._last: tuple[float, int] | None = None
        self._pace: float | None = None
        self._paces = 0

    @property
    def device(self) -> str:
        """The device to compute on: "cpu", "cuda:0", "mps"."""
        if not isinstance(self._device, str):
            self._device = self._device()
        return self._device

    @property
    def used_device(self) -> str:
        """The device that the node asked for; "cpu" when it asked for none."""
        return self._device if isinstance(self._device, str) else "cpu"

    @property
    def cancelled(self) -> bool:
        return self._control is not None and self._control.cancelled

    def checkpoint(self) -> None:
        """Wait while the run is paused; raise `Cancelled` when it is cancelled."""
        if self._control is None:
            return
        try:
            waited = self._control.checkpoint()
        except Cancelled:
            self.stopped = True
            raise
        if waited and self._last is not None:
            self._last = (self._last[0] + waited, self._last[1])

    def progress(
        self,
        step: int,
        total: int,
        preview: Callable[[], bytes] | None = None,
        text: str = "",
        numbers: Mapping[str, float] | None = None,
    ) -> None:
        """Say that `step` of `total` is done; also the place where the run can be paused and cancelled.

        Args:
            preview: makes a PNG of at most 256 pixels; called at most ten times a second, and only if someone listens.
            text: what else there is to say, such as a loss.
            numbers: what was measured at this step and makes a curve, such as {"loss": 0.031, "epoch": 2}.
        """
        self.checkpoint()
        emit = self._emit
        if emit is None:
            return
        now = time.monotonic()
        seconds_left = self._estimate(now, step, total)
        picture = None
        if (
            preview is not None
            and self._previews
            and (self._preview_at < 0 or now - self._preview_at >= PREVIEW_SECONDS)
        ):
            picture = self._make_preview(preview)
            self._preview_at = time.monotonic()
        emit(NodeProgress(self._run, self.node, step, total, seconds_left, picture, text, dict(numbers or {})))

    def graph_text(self) -> str | None:
        """The text of the graph as run, to be kept in a picture; None when pictures are not to carry it."""
        return self._graph_text() if self.metadata and self._graph_text is not None else None

    def close(self) -> None:
        """The node is done: what a thread that it left behind still reports is not told any more."""
        self._emit = None

    def log(self, message: str) -> None:
        """Write a line to the log, under the name of the node."""
        log.info("%s: %s", self.node or "node", message)

    def warn(self, message: str) -> None:
        """Say what is odd about what the node got or made: a line in the log that its user gets to see, too."""
        log.warning("%s: %s", self.node or "node", message, extra=ALOUD)

    def _estimate(self, now: float, step: int, total: int) -> float | None:
        """Seconds until `total`, from a running mean of what a step takes; None until a step was seen whole."""
        if self._last is None or step <= self._last[1]:
            self._last = (now, step)
            return None if self._pace is None else max(0.0, self._pace * (total - step))
        began, before = self._last
        pace = (now - began) / (step - before)
        self._paces += 1
        weight = max(SMOOTHING, 1 / self._paces)  # a mean at first: the first step of all is often a slow one
        self._pace = pace if self._pace is None else (1 - weight) * self._pace + weight * pace
        self._last = (now, step)
        return max(0.0, self._pace * (total - step))

    def _make_preview(self, preview: Callable[[], bytes]) -> bytes | None:
        """The picture, or None: a preview is a courtesy and never the reason why a node fails."""
        try:
            picture = preview()
            if not isinstance(picture, bytes):
                raise TypeError(f"a preview must be the bytes of a PNG, not {type(picture).__name__}")
            return picture
        except Exception as error:
            level = logging.DEBUG if self._preview_failed else logging.WARNING
            log.log(level, "%s: its preview failed: %s", self.node, error, exc_info=error)
            self._preview_failed = True
            return None
