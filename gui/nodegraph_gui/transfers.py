"""Files for a worker on another machine: pictures go there by content, what was written comes back.

Nothing here knows of paths over there: a graph that is sent names its files `cat.png@sha256:...`, and what comes back
is written below the output folder here, under a name that is free.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from nodegraph import Graph
from nodegraph.contents import Contents
from nodegraph.errors import OutputError
from nodegraph.outputs import OutputFolder, why_unusable
from nodegraph.portable import resolve_path

from .catalogues import Catalogue
from .workers import Worker

__all__ = ["Download", "Upload"]

MOST_BYTES = 44 * 2**20  # so that it fits in a line, in base64

Failed = Callable[[str], Any]


class Upload:
    """Sends the files that a graph reads, and then tells the graph as it is to be run there.

    Args:
        folder: where the relative paths of the graph start.
        then: called with the graph, whose files are all there.
    """

    def __init__(
        self,
        worker: Worker,
        graph: Graph,
        catalogue: Catalogue,
        folder: Path,
        contents: Contents,
        then: Callable[[Graph], Any],
        failed: Failed,
    ) -> None:
        self._worker = worker
        self._then = then
        self._failed = failed
        self._graph, self._files = carried(graph, catalogue, folder, contents)

    def start(self) -> None:
        if not self._files:
            self._then(self._graph)
            return
        self._worker.ask("have", digests=list(self._files), then=self._put_missing, failed=self._failed)

    def _put_missing(self, answer: Mapping[str, Any]) -> None:
        self._waiting = [digest for digest in answer["missing"] if digest in self._files]
        self._put_next()

    def _put_next(self, answer: Mapping[str, Any] | None = None) -> None:
        if not self._waiting:
            self._then(self._graph)
            return
        digest = self._waiting.pop()
        path, name = self._files[digest]
        try:
            with path.open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except OSError as error:
            self._failed(f"{path} cannot be read: {error.strerror or error}")
            return
        if len(data) > MOST_BYTES:
            self._failed(f"{path} is larger than {MOST_BYTES >> 20} MiB, too large to be sent to the worker")
            return
        text = base64.b64encode(data).decode("ascii")
        self._worker.ask("put", digest=digest, name=name, data=text, then=self._put_next, failed=self._failed)


def carried(
    graph: Graph, catalogue: Catalogue, folder: Path, contents: Contents
) -> tuple[Graph, dict[str, tuple[Path, str]]]:
    """The graph with each file that is here named by content, and these files with their names, by digest."""
    files: dict[str, tuple[Path, str]] = {}

    def carry(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [carry(item) for item in value]
        if not isinstance(value, str) or not value:
            return value
        path = resolve_path(value, (folder, Path.cwd()), contents.digest)
        digest = contents.digest(path) if path is not None and path.is_file() else None
        if path is None or digest is None:
            return value  # the worker says that it is not there
        name = PureWindowsPath(path.name).name
        if why_unusable(name) or "@sha256:" in name:
            name = f"{digest[:12]}{path.suffix}"
        files[digest] = (path, name)
        return f"{name}@sha256:{digest}"

    changed = {}
    for id, node in graph.nodes.items():
        kind = catalogue.get(node.type)
        ports = [] if kind is None else [port.name for port in kind.inputs if port.type == "Path"]
        inputs = {name: carry(node.inputs[name]) for name in ports if name in node.inputs}
        if any(inputs[name] != node.inputs[name] for name in inputs):
            changed[id] = node.edited(inputs={**node.inputs, **inputs})
    return graph.replace_nodes(changed) if changed else graph, files


class Download:
    """Brings files that a run wrote into a folder here, one after the other.

    Args:
        paths: where they are over there. `names`: what they are to be called below the folder.
        then: called with the files that are here now, and what went wrong with others.
    """

    def __init__(
        self,
        worker: Worker,
        paths: Sequence[str],
        names: Sequence[str],
        folder: Path,
        then: Callable[[list[Path], list[str]], Any],
    ) -> None:
        self._worker = worker
        self._waiting = list(zip(paths, names, strict=True))[::-1]
        self._folder = folder
        self._then = then
        self._brought: list[Path] = []
        self._troubles: list[str] = []

    def start(self) -> None:
        self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._then(self._brought, self._troubles)
            return
        self._path, self._name = self._waiting.pop()
        self._pieces: list[bytes] = []
        self._have = 0
        self._get()

    def _get(self) -> None:
        self._worker.ask("get", path=self._path, offset=self._have, then=self._got, failed=self._skip)

    def _got(self, answer: Mapping[str, Any]) -> None:
        try:
            piece = base64.b64decode(answer["data"], validate=True)
            size = int(answer["size"])
        except (KeyError, TypeError, ValueError):
            self._skip("the worker did not send it whole")
            return
        self._pieces.append(piece)
        self._have += len(piece)
        if self._have < size and piece:
            self._get()
        elif self._have == size:
            self._write(b"".join(self._pieces))
        else:
            self._skip("it changed while it was fetched")

    def _write(self, data: bytes) -> None:
        try:
            self._brought.append(written(self._folder, self._name, data))
        except OutputError as error:
            self._skip(str(error))
            return
        self._next()

    def _skip(self, why: str) -> None:
        self._troubles.append(f"{self._name} stays with the worker: {why}")
        self._next()


def written(folder: Path, name: str, data: bytes) -> Path:
    """Write a file under that name, or a numbered one; one that holds the same already is left as it is."""
    there = folder / name
    if not why_unusable(name) and there.is_file() and there.stat().st_size == len(data):
        try:
            if hashlib.sha256(there.read_bytes()).digest() == hashlib.sha256(data).digest():
                return there
        except OSError:
            pass
    return OutputFolder(folder).write(name, data)
