"""Graphs that travel inside a picture: files by name and content, so that no absolute path goes along.

`cat.png@sha256:<64 hex digits>` stands for a file with that content, whatever it is called by then: beside the graph,
or in the working directory.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeAlias

from .checkpoints import components_of
from .contents import Contents
from .echoes import way_back
from .frozen import Json
from .graphs import Graph
from .registry import Registry

__all__ = ["portable", "resolve_path"]

Digest: TypeAlias = Callable[[str | os.PathLike[str]], str | None]

REFERENCE = re.compile(r"([^/\\\0]{1,255})@sha256:([0-9a-f]{64})")
MOST_FILES = 2000


def portable(graph: Graph, registry: Registry, digest: Digest | None = None) -> Graph:
    """The graph with each file that it reads named by its content, and every other absolute path cut to its name.

    Paths of checkpoints are cut, too: theirs is another machine's.

    Args:
        digest: gives the sha256 of a file in hex, or None; `Contents().digest`, when it is left out.
    """
    known = digest or Contents().digest
    folder = graph.folder or Path.cwd()
    changed = {}
    for id, node in graph.nodes.items():
        spec = registry.get(node.type)
        ports = [] if spec is None else [port for port in spec.inputs if port.type is Path and port.name in node.inputs]
        if ports:
            paths = {port.name: carried(node.inputs[port.name], folder, known) for port in ports}
            changed[id] = node.edited(inputs={**node.inputs, **paths})
    for id, name in checkpoint_places(graph, registry):
        node = changed.get(id, graph.nodes[id])
        changed[id] = node.edited(inputs={**node.inputs, name: relative(node.inputs[name])})
    return graph.replace_nodes(changed) if changed else graph


def checkpoint_places(graph: Graph, registry: Registry) -> Iterator[tuple[str, str]]:
    """Where the names of checkpoints are written: at the node that needs one, or at one that hands it on."""
    for id, node in graph.nodes.items():
        spec = registry.get(node.type)
        for port in () if spec is None else spec.inputs:
            for owner, written in way_back(graph, registry, id, port.name)[-1:] if components_of(port) else ():
                if written.name in graph.nodes[owner].inputs:
                    yield owner, written.name


def relative(value: Json) -> Json:
    """A path as it goes along with a picture: an absolute one would tell about the machine, so its name has to do."""
    if not isinstance(value, str):
        return value
    is_absolute = PurePosixPath(value).is_absolute() or PureWindowsPath(value).drive or value.startswith(("\\", "~"))
    return re.split(r"[\\/]", value.rstrip("\\/"))[-1] if is_absolute else value


def carried(value: Json, folder: Path, digest: Digest) -> Json:
    """A path, or a list of paths, as it goes along with a picture."""
    if isinstance(value, list):
        return [carried(item, folder, digest) for item in value]
    if not isinstance(value, str) or not value or REFERENCE.fullmatch(value):
        return value
    path = resolve_path(value, [folder])
    name = PureWindowsPath(value).name
    found = digest(path) if path is not None and is_file(path) else None
    if found is not None and REFERENCE.fullmatch(f"{name}@sha256:{found}"):
        return f"{name}@sha256:{found}"
    return relative(value)


def resolve_path(text: str, folders: Sequence[Path], digest: Digest | None = None) -> Path | None:
    """The file that a path in a graph means: a relative one starts in the first folder, whether it is there or not.

    One that is named by its content is looked for in each folder, by its name first; None when it is nowhere.
    """
    reference = REFERENCE.fullmatch(text)
    if reference is None:
        return folders[0] / text
    name, wanted = reference.groups()
    known = digest or Contents().digest
    for folder in folders:
        for path in candidates(folder, name):
            if known(path) == wanted:
                return path
    return None


def candidates(folder: Path, name: str) -> Iterator[Path]:
    """The file of that name, then the others of its kind: regular files directly in the folder, so many at most."""
    if is_file(folder / name):
        yield folder / name
    suffix = Path(name).suffix.lower()
    try:
        with os.scandir(folder) as entries:
            others = [entry.name for entry in islice(entries, MOST_FILES) if entry.is_file()]
    except OSError:
        return
    yield from (folder / other for other in sorted(others) if other != name and Path(other).suffix.lower() == suffix)


def is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False
