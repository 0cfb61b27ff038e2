"""Running a document: what its window does when a run is asked for, goes on, ends, or takes the worker with it.

Seeds that are to be drawn anew are drawn for a run, and written into the document when the worker has taken it, as an
edit like any other: the file holds the numbers that were used, and undo brings back those of the run before. A run that
is refused changes nothing. What is told of a failure holds until something that led to it is edited.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from nodegraph import Problem

from .bars import Bars
from .catalogues import Catalogue
from .differences import content_changed
from .documents import Change, Document
from .edits import draw_seeds, take_seeds
from .preferences import Preferences
from .runs import QueuedRun, Runs
from .scene import Scene
from .states import NodeState

__all__ = ["THUMBNAIL", "Running", "run_title"]

THUMBNAIL = 256  # pixels, of the pictures that nodes show
DIED = "worker died"
ENDED = "run ended"


class Running(QObject):
    """Between a document, its runs, and what is seen of them.

    Signals:
        said: a line for the status bar. stood: one that holds until the next, "" when it is over.
        state_changed: of a node; its id and `NodeState`.
        show_wanted: the user asks to see a node.
    """

    said = Signal(str)
    stood = Signal(str)
    state_changed = Signal(str, object)
    show_wanted = Signal(str)

    def __init__(
        self,
        document: Document,
        scene: Scene,
        runs: Runs,
        bars: Bars,
        preferences: Callable[[], Preferences],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.document, self.scene, self.runs, self.bars = document, scene, runs, bars
        self._preferences = preferences
        self._random = Random()
        self._blamed: str | None = None  # the node that the bar at the end of a run is about
        self.written: list[Path] = []
        runs.state_changed.connect(self._state_changed)
        runs.run_changed.connect(self._run_changed)
        runs.begun.connect(self._begun)
        runs.finished.connect(self._finished)
        runs.refused.connect(self._refused)
        runs.wrote.connect(self._wrote)
        runs.worker_died.connect(self._worker_died)
        runs.trouble.connect(lambda text: bars.show_bar(text, "warning"))
        runs.worker.ready.connect(lambda _: bars.close_bar(DIED))
        self._stop = document.subscribe(self._edited)

    def close(self) -> None:
        self._stop()

    @property
    def busy(self) -> bool:
        """Whether a run goes on or waits."""
        return self.runs.current is not None or bool(self.runs.queue)

    # What is asked for

    def run(self, targets: Iterable[str] | None = None) -> QueuedRun | None:
        """Run everything, or these nodes and what they need; after what runs already."""
        if not self.document.graph.nodes:
            self.said.emit("There is nothing to run yet: Tab adds a node.")
            return None
        self.document.seal()
        drawn = draw_seeds(self.document.graph, self.scene.catalogue, self._random)
        preferences = self._preferences()
        self.runs.out = preferences.output_folder(self.document.path)
        self.runs.device = None if preferences.device == "auto" else preferences.device
        self.runs.metadata = preferences.metadata
        self.bars.close_bar(ENDED)
        return self.runs.run(self.document, targets, graph=drawn)

    def cancel(self) -> None:
        """Cancel the present run; those that wait stay."""
        if self.runs.current is not None:
            self.runs.cancel()
            self.said.emit("The run ends at its next step …")

    def toggle_pause(self) -> None:
        if self.runs.paused:
            self.runs.resume()
        else:
            self.runs.pause()

    def restart(self) -> None:
        """Start the worker, again if it is there: what it holds is forgotten, what was written stays."""
        worker = self.runs.worker
        self.bars.close_bar(DIED)
        if worker.alive:
            worker.stopped.connect(worker.start, type=_once())
            worker.stop()
        else:
            worker.start()

    # What happens

    def _state_changed(self, node: str) -> None:
        state = self.runs.state(node)
        self.scene.set_state(node, state)
        if state.preview is not None and state.phase in ("running", "paused"):
            self.scene.set_preview(node, QImage.fromData(state.preview))
        elif state.phase in ("done", "cached"):
            self._show_made(node, state)
        self.state_changed.emit(node, state)
        if state.phase == "running":
            self.stood.emit(progress_text(node, state))

    def _run_changed(self) -> None:
        if self.runs.paused:
            self.stood.emit("Paused.")

    def _begun(self, run: QueuedRun) -> None:
        """The worker has taken a run: its seeds are those of the document, but where they are not drawn any more."""
        self.document.edit("Draw seeds", take_seeds(self.document.graph, run.graph))

    def _edited(self, change: Change) -> None:
        """Forget the failures that an edit may have mended, and what came of them."""
        if change.kind == "replace":
            return
        touched, blamed = content_changed(change.before, change.after), self._blamed
        self.runs.forget([node for node in touched if self.runs.state(node).phase in ("failed", "skipped")])
        if bool(touched) if blamed is None else blamed in touched or blamed not in change.after.nodes:
            self.bars.close_bar(ENDED)

    def _show_made(self, node: str, state: NodeState) -> None:
        """Show in a node what it made, where that is a picture; of one that gives none, the last that it showed.

        A value that is not held any more is none.
        """
        output = picture_output(self.scene.catalogue, self.document, node)
        if output is None:
            if state.preview is not None:  # it may have come together with the end
                self.scene.set_preview(node, QImage.fromData(state.preview))
            return

        def arrived(answer: dict[str, Any]) -> None:
            if self.runs.state(node) is state or self.runs.state(node).phase in ("done", "cached"):
                from base64 import b64decode

                self.scene.set_preview(node, QImage.fromData(b64decode(answer["png"])))

        worker = self.runs.worker
        worker.ask(
            "value", then=arrived, failed=lambda why: None,
            node=node, output=output, view="thumbnail", options={"size": THUMBNAIL},
        )  # fmt: skip

    def _finished(self, status: str) -> None:
        self.stood.emit("")
        failed = [node for node, state in self.runs.states.items() if state.phase == "failed"]
        if status == "failed" and failed:
            node = failed[0]
            state = self.runs.state(node)
            more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
            remedy = f"; {state.remedy}" if state.remedy else ""
            text = f"{node}: {state.message}{remedy}{more}"
            self.bars.show_bar(text, "error", [("Show", lambda: self.show_wanted.emit(node))], ENDED)
            self._blamed = node
        endings = {"done": "Done.", "failed": "Ended with an error.", "cancelled": "Cancelled.", "refused": "Not run."}
        files = f" Wrote {', '.join(file.name for file in self.written)}." if self.written else ""
        self.said.emit(endings.get(status, "") + files)
        self.written = []

    def _refused(self, problems: list[Problem]) -> None:
        errors = [problem for problem in problems if problem.kind == "error"]
        first = (errors or problems or [Problem(None, None, "it was refused")])[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        node = first.node
        buttons = [] if node is None else [("Show", lambda: self.show_wanted.emit(node))]
        self.bars.show_bar(f"Not run: {first}{more}", "error", buttons, ENDED)
        self._blamed = node

    def _wrote(self, files: list[Path]) -> None:
        self.written = files

    def _worker_died(self, node: str | None, why: str) -> None:
        what = f"The worker died while it ran {node}: {why}" if node else f"{why[:1].upper()}{why[1:]}"
        text = f"{what}. The graph and earlier results stay."
        self.bars.show_bar(text, "error", [("Start it again", self.restart)], DIED)


def _once() -> Any:
    from PySide6.QtCore import Qt

    return Qt.ConnectionType.SingleShotConnection


def picture_output(catalogue: Catalogue, document: Document, node: str) -> str | None:
    """The first output of a node of which there are thumbnails."""
    placed = document.graph.nodes.get(node)
    kind = catalogue.get(placed.type) if placed is not None else None
    for port in kind.outputs if kind is not None else ():
        wire = catalogue.wire_types.get(port.base_type)
        if wire is not None and "thumbnail" in wire.can:
            return port.name
    return None


def progress_text(node: str, state: NodeState) -> str:
    step = f" {state.step:,} of {state.total:,}" if state.total else ""
    left = f", {duration(state.seconds_left)} left" if state.seconds_left is not None else ""
    return f"{node}{step}{left}{f': {state.text}' if state.text else ''}"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def run_title(run: QueuedRun) -> str:
    """A run as the queue lists it."""
    targets = "everything" if run.targets is None else ", ".join(run.targets[:3])
    more = f" and {len(run.targets) - 3} more" if run.targets is not None and len(run.targets) > 3 else ""
    return f"Run {run.number}: {targets}{more}"
