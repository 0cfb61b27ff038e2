"""Serving requests: read on one thread, answered on a second, while a run goes on on the main one."""

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

from nodegraph.control import Control
from nodegraph.errors import NodegraphError
from nodegraph.events import to_json
from nodegraph.files import loads
from nodegraph.graphs import Graph
from nodegraph.outputs import OutputFolder
from nodegraph.registry import Registry
from nodegraph.sessions import Session

from . import MOST_BYTES, PROTOCOL
from .inspections import inspected
from .requests import Request, RequestError, read_request
from .runs import Runs, folder_of
from .stores import Store
from .streams import Lines, Streams
from .views import viewed

__all__ = ["Server"]

SECONDS_TO_END = 10.0  # for a run that was cancelled since the worker ends; then it ends all the same
INTERRUPTED = 130
log = logging.getLogger("nodegraph")


class Job(NamedTuple):
    request: Request
    control: Control


class Server:
    """Serves the protocol until its input ends.

    Args:
        device: what runs use that name none.
        load: makes the registry, after the greeting.
        memory: what networks may take, as `Session` says it.
    """

    def __init__(
        self,
        streams: Streams,
        load: Callable[[], Registry],
        device: str = "auto",
        memory: int | Mapping[str, int | str] | None = None,
    ) -> None:
        self._lines = Lines(streams, MOST_BYTES, lambda: self.end(0))
        self._load = load
        self._device = device
        self._memory = memory
        self._store = Store()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._control: Control | None = None  # of the run that goes on, or is about to
        self._status: int | None = None  # of the process, when it is to end

    def serve(self) -> int:
        """Greet, then answer until the input ends; the exit status."""
        self._lines.write(greeting(self._device))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupted)
        session = Session(self._load(), memory=self._memory)
        self.runs = Runs(session, self._device, lambda event: self._lines.write(to_json(event)))
        for work in (self._read, self._answer_all):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        try:
            while self._status is None:
                try:
                    job = self._jobs.get(timeout=1)  # on Windows, a wait without an end would hear no Ctrl+C
                except queue.Empty:
                    continue
                if job is not None:
                    self._run(job)
        finally:
            self._store.close()
        return self._status or 0

    def end(self, status: int) -> None:
        """End soon: a run is cancelled, and one that does not listen is left no more than some seconds."""
        with self._lock:
            if self._status is not None:
                return
            self._status = status
            if self._control is not None:
                self._control.cancel()
        self._jobs.put(None)
        last = threading.Timer(SECONDS_TO_END, self._end_now)
        last.daemon = True
        last.start()

    def _end_now(self) -> None:
        self._store.close()
        os._exit(self._status or 0)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Ctrl+C or SIGTERM: end; a second one ends the process at once."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # on a thread of its own, since this one may hold any of the locks
        threading.Thread(target=self.end, args=(INTERRUPTED,), daemon=True).start()

    # The thread that reads

    def _read(self) -> None:
        try:
            for line in self._lines:
                if line.strip() if isinstance(line, bytes) else True:
                    self._take(line)
        except OSError as error:
            log.error("the input cannot be read: %s", error)
        self.end(0)

    def _take(self, line: Any) -> None:
        try:
            request = read_request(line)
        except RequestError as error:
            self._lines.write({"answer": error.id, "error": one_line(error)})
            return
        with self._lock:
            if request.do in SWITCHES:
                if self._control is not None:
                    SWITCHES[request.do](self._control)
                answer: dict[str, Any] | None = {"going": self._control is not None}
            elif request.do == "run" and self._control is not None:
                answer = {"error": "a run goes on; cancel it, or ask again when it has ended"}
            else:
                answer = None
                if request.do == "run":
                    self._control = Control()
        if answer is not None:
            self._lines.write({"answer": request.id, **answer})
        else:
            self._waiting.put(request)

    # The thread that answers

    def _answer_all(self) -> None:
        while True:
            request = self._waiting.get()
            if request.do == "run":  # after what was asked before it, such as `put`
                assert self._control is not None
                self._jobs.put(Job(request, self._control))
            else:
                self._answer(request, lambda request=request: ANSWERS[request.do](self, request))  # type: ignore[misc]

    def _answer(self, request: Request, find: Callable[[], dict[str, Any]]) -> None:
        try:
            answer = find()
        except NodegraphError as error:
            answer = {"error": one_line(error)}
        except Exception as error:
            log.error("%s failed", request.do, exc_info=error)
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            answer = {"error": one_line(f"{request.do} went wrong, a mistake in nodegraph or in a plugin: {what}")}
        self._lines.write({"answer": request.id, **answer})

    def describe(self, request: Request) -> dict[str, Any]:
        described = self.runs.session.registry.describe()
        return {**described, "node_types": list(described["node_types"].values())}

    def device(self, request: Request) -> dict[str, Any]:
        try:
            return {"device": self.runs.session.registry.device(request["name"])}
        except ValueError as error:
            return {"error": one_line(error)}

    def check(self, request: Request) -> dict[str, Any]:
        return inspected(self._graph(request), self.runs.session.registry)

    def value(self, request: Request) -> dict[str, Any]:
        value = self.runs.value(request["node"], request["output"])
        return viewed(self.runs.session.registry, value, request["view"], request["options"])

    def have(self, request: Request) -> dict[str, Any]:
        return {"missing": self._store.missing(request["digests"])}

    def put(self, request: Request) -> dict[str, Any]:
        return {"name": self._store.put(request["digest"], request["name"], request["data"])}

    def get(self, request: Request) -> dict[str, Any]:
        return self._store.get(request["path"], request["offset"], request["size"])

    def free(self, request: Request) -> dict[str, Any]:
        self.runs.free()
        return {}

    def _graph(self, request: Request) -> Graph:
        return loads(request["graph"], folder_of(request["folder"], self._store.folder))

    # The main thread

    def _run(self, job: Job) -> None:
        def find() -> dict[str, Any]:
            try:
                graph = self._graph(job.request)
                below = Path.cwd() if job.request["folder"] is None else graph.folder or Path.cwd()
                out = OutputFolder(below / (job.request["out"] or "output"))
                try:
                    return self.runs.run(job.request, graph, out, job.control)
                finally:
                    self._store.add_written(out.files)
            finally:
                with self._lock:  # before the answer, after which another run may be asked for
                    self._control = None

        self._answer(job.request, find)


SWITCHES: Mapping[str, Callable[[Control], None]] = MappingProxyType(
    {"cancel": Control.cancel, "pause": Control.pause, "resume": Control.resume}
)
ANSWERS: Mapping[str, Callable[[Server, Request], dict[str, Any]]] = MappingProxyType({
    "describe": Server.describe,
    "device": Server.device,
    "check": Server.check,
    "value": Server.value,
    "have": Server.have,
    "put": Server.put,
    "get": Server.get,
    "free": Server.free,
})  # fmt: skip


def greeting(device: str) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "worker": "nodegraph",
        "protocol": PROTOCOL,
        "version": version("nodegraph"),
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "pid": os.getpid(),
        "device": device,
        "folder": str(Path.cwd()),
    }


def one_line(error: Exception | str) -> str:
    return " ".join(str(error).split())
