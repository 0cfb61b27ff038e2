"""The runs of an editor: a queue, what became of each node, and what was written.

It survives the death of its worker: the graph is the document's, the states of nodes and the queue stay as they were.
Everything is told on the thread of the event loop, and no more often than it can bear.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from nodegraph import Graph, Problem, dumps
from nodegraph.contents import Contents
from nodegraph.errors import NodegraphError
from nodegraph.events import Event, RunStarted

from .catalogues import Catalogue
from .measurements import Measurements
from .node_states import NodeStates
from .states import NodeState
from .throttles import Throttle
from .workers import Failed, Then, Worker

__all__ = ["QueuedRun", "Runs", "problems_of"]


class HasGraph(Protocol):
    """What is run: a document."""

    @property
    def graph(self) -> Graph: ...
    @property
    def path(self) -> Path | None: ...


@dataclass(frozen=True)
class QueuedRun:
    """A run that goes on or waits: the graph as it was when it was asked for, and the nodes that are wanted."""

    number: int
    graph: Graph = field(repr=False)
    folder: Path
    targets: tuple[str, ...] | None = None


class Runs(QObject):
    """Runs graphs in a worker, one after the other.

    Signals:
        state_changed: of this node; at most 10 times a second each, and progress of all at most 30 times.
        run_changed: a run begins, ends, is queued, taken back, paused or goes on.
        begun: the worker has taken a run, as a `QueuedRun`; one that it refuses never begins.
        finished: a run has ended: "done", "failed", "cancelled", "refused" or "died". All states are told by then.
        refused: why a run was not begun, as a list of `Problem`.
        wrote: the files that a run wrote, as a list of paths on this machine.
        worker_died: the node that was running or None, and why.
        trouble: one line for the user about what else went wrong.

    Attributes:
        states: where each node stands that was ever run; look with `state`.
        current: the run that goes on, or None. `queue`: those that wait. `paused`: whether the present one is.
        out: the folder for what nodes write; "output" beside the graph when None.
        device: where networks run; as the worker likes when None. `metadata`: whether pictures carry the graph.
    """

    state_changed = Signal(str)
    run_changed = Signal()
    begun = Signal(object)
    finished = Signal(str)
    refused = Signal(list)
    wrote = Signal(list)
    worker_died = Signal(object, str)
    trouble = Signal(str)

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worker = worker
        self.out: Path | None = None
        self.device: str | None = None
        self.metadata = True
        self.catalogue = Catalogue()
        self.current: QueuedRun | None = None
        self.paused = False
        self._nodes = NodeStates(self._changed)
        self._queue: list[QueuedRun] = []
        self._number = 0
        self._cancelled = False
        self._ready = False
        self._checks: list[tuple[HasGraph, Then, Failed]] = []  # that wait for a worker
        self._contents = Contents()
        self._throttle = Throttle()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tell)
        worker.ready.connect(self._worker_ready)
        worker.event_came.connect(self._take)
        worker.died.connect(self._worker_gone)
        worker.stopped.connect(lambda: self._worker_gone(""))

    # What is known

    @property
    def states(self) -> Mapping[str, NodeState]:
        return self._nodes.states

    def state(self, node: str) -> NodeState:
        return self._nodes.state(node)

    def measured(self, node: str) -> Measurements | None:
        """What a node measured in its last run, such as its loss; None for one that measured nothing."""
        return self._nodes.measured.get(node)

    @property
    def queue(self) -> tuple[QueuedRun, ...]:
        return tuple(self._queue)

    @property
    def running(self) -> str | None:
        """The node that is at work."""
        return self._nodes.running

    # What is asked for

    def run(
        self, document: HasGraph, targets: Iterable[str] | None = None, *, graph: Graph | None = None
    ) -> QueuedRun:
        """Run the graph of a document as it is now, after those that wait; a worker that is gone is started again.

        Args:
            graph: what is run instead, in the document's folder: with seeds drawn.
        """
        self._number += 1
        wanted = None if targets is None else tuple(targets)
        queued = QueuedRun(self._number, document.graph if graph is None else graph, folder_of(document), wanted)
        self._queue.append(queued)
        if not self.worker.alive:
            self.worker.start()
        self.run_changed.emit()
        self._next()
        return queued

    def take_back(self, queued: QueuedRun) -> None:
        """Take a run out of the queue; one that goes on is cancelled."""
        if queued == self.current:
            self.cancel()
        elif queued in self._queue:
            self._queue.remove(queued)
            self.run_changed.emit()

    def clear(self) -> None:
        """Let none of those that wait be run."""
        if self._queue:
            self._queue.clear()
            self.run_changed.emit()

    def cancel(self) -> None:
        """End the present run at its next step."""
        if self.current is not None:
            self._cancelled = True
            self.worker.ask("cancel")

    def forget(self, nodes: Iterable[str]) -> None:
        """What became of these nodes holds no longer; those that are in the present run are still waited for."""
        self._nodes.forget(nodes)

    def pause(self) -> None:
        """Halt the present run at its next step."""
        self._switch("pause", True)

    def resume(self) -> None:
        self._switch("resume", False)

    def _switch(self, do: str, paused: bool) -> None:
        run = self.current
        if run is None or self.paused == paused:
            return

        def switched(answer: Mapping[str, Any]) -> None:
            if self.current is run and answer.get("going"):
                self.paused = paused
                self._nodes.pause(paused)
                self.run_changed.emit()

        self.worker.ask(do, then=switched)

    def check(self, document: HasGraph, then: Then, failed: Failed | None = None) -> None:
        """Ask the worker what is wrong with a graph and what is known of its cost; `problems_of` reads the answer.

        A worker elsewhere is asked once it is ready: its node types tell which inputs are files, which go there first.
        """
        folder = folder_of(document)
        refuse = failed or self.trouble.emit
        if not self._ready and not self.worker.shares_files:
            if self.worker.alive:
                self._checks.append((document, then, refuse))
            else:
                refuse("the worker is not running")
            return

        def ask(graph: Graph) -> None:
            try:
                text = dumps(graph)
            except NodegraphError as error:  # larger than a file may be
                refuse(str(error))
                return
            self.worker.ask("check", graph=text, folder=self._folder_there(folder), then=then, failed=refuse)

        self._carry(document.graph, folder, ask, refuse)

    # The way of a run

    def _next(self) -> None:
        if self.current is not None or not self._queue or not self._ready:
            return
        run = self.current = self._queue.pop(0)
        self.paused = self._cancelled = False
        self.run_changed.emit()
        self._carry(run.graph, run.folder, lambda graph: self._send(run, graph), lambda why: self._refuse(run, why))

    def _carry(self, graph: Graph, folder: Path, then: Any, failed: Failed) -> None:
        """Have the files of the graph where the worker is, then hand on the graph that is to be run there."""
        if self.worker.shares_files:
            then(graph)
        else:
            from .transfers import Upload  # for another machine only

            Upload(self.worker, graph, self.catalogue, folder, self._contents, then, failed).start()

    def _folder_there(self, folder: Path) -> str | None:
        return str(folder) if self.worker.shares_files else None

    def _send(self, run: QueuedRun, graph: Graph) -> None:
        if self.current is not run:
            return
        if self._cancelled:
            self._end(run, "cancelled")
            return
        try:
            text = dumps(graph)
        except NodegraphError as error:  # larger than a file may be
            self._refuse(run, str(error))
            return
        self.worker.ask(
            "run",
            graph=text,
            folder=self._folder_there(run.folder),
            targets=None if run.targets is None else list(run.targets),
            out=str(self.out.absolute()) if self.out is not None and self.worker.shares_files else None,
            device=self.device,
            metadata=self.metadata,
            then=lambda answer: self._answered(run, answer),
            failed=lambda why: self._refuse(run, why),
        )

    def _answered(self, run: QueuedRun, answer: Mapping[str, Any]) -> None:
        if self.current is not run:
            return
        status, files = str(answer["status"]), list(answer.get("files", ()))
        if status == "refused":
            self.refused.emit(problems_of(answer))
        if not files:
            self._end(run, status)
        elif self.worker.shares_files:
            self.wrote.emit([Path(file) for file in files])
            self._end(run, status)
        else:
            from .transfers import Download  # for another machine only

            out = run.folder / "output" if self.out is None else self.out

            def brought(paths: list[Path], troubles: list[str]) -> None:
                if self.current is run:
                    for trouble in troubles:
                        self.trouble.emit(trouble)
                    self.wrote.emit(paths)
                    self._end(run, status)

            Download(self.worker, files, list(answer["names"]), out, brought).start()

    def _refuse(self, run: QueuedRun, why: str) -> None:
        """The worker would not take it; when it has died, that is told elsewhere."""
        if self.current is run and self.worker.alive:
            self.trouble.emit(why)
            self._end(run, "refused")

    def _end(self, run: QueuedRun, status: str) -> None:
        self._nodes.close("")
        self.current = None
        self.paused = False
        self._tell_all()
        self.run_changed.emit()
        self.finished.emit(status)
        self._next()

    # The worker

    def _worker_ready(self, described: Mapping[str, Any]) -> None:
        try:
            self.catalogue = Catalogue.from_json(described)
        except ValueError as error:
            self.trouble.emit(f"what the worker tells {error}")
        self._ready = True
        checks, self._checks = self._checks, []
        for document, then, refuse in checks:
            self.check(document, then, refuse)
        self._next()

    def _worker_gone(self, why: str) -> None:
        self._ready = False
        checks, self._checks = self._checks, []
        for _, _, refuse in checks:
            refuse(why or "the worker was stopped")
        run = self.current
        if run is None:
            if why:
                self.worker_died.emit(None, why)
            return
        node = self._nodes.close("the worker ended while this node ran" if why else "")
        self.current = None
        self.paused = False
        self._tell_all()
        self.run_changed.emit()
        if why:
            self.worker_died.emit(node, why)
        self.finished.emit("died" if why else "cancelled")

    # How often it is told

    def _take(self, event: Event) -> None:
        if self.current is not None:
            self._nodes.take(event, paused=self.paused)
            if isinstance(event, RunStarted):
                self.begun.emit(self.current)

    def _changed(self, node: str, urgent: bool) -> None:
        self._throttle.add(node, urgent=urgent)
        self._wait()

    def _wait(self) -> None:
        """Come back when the next change may be told; a timer that runs is only ever made to ring earlier."""
        seconds = self._throttle.wait()
        if seconds is not None:
            wait = int(seconds * 1000) + 1
            if not self._timer.isActive() or self._timer.remainingTime() > wait + 1:
                self._timer.start(wait)

    def _tell(self) -> None:
        for node in self._throttle.due():
            self.state_changed.emit(node)
        self._wait()

    def _tell_all(self) -> None:
        self._timer.stop()
        for node in self._throttle.drain():
            self.state_changed.emit(node)


def folder_of(document: HasGraph) -> Path:
    """Where the relative paths of a document start."""
    found = document.path.parent if document.path is not None else document.graph.folder or Path.cwd()
    return found.absolute()


def problems_of(answer: Mapping[str, Any]) -> list[Problem]:
    """The problems in the answer to `check`, or to a run that was refused."""
    return [
        Problem(
            each["node"], each["input"], each["message"], each.get("remedy", ""), each.get("kind", "error"),
            each.get("type"),
        )
        for each in answer.get("problems", ())
    ]  # fmt: skip
