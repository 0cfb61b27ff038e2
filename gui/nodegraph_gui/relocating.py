"""Graphs that move to another folder: relative paths in them still lead to the same files."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from nodegraph import Graph
from nodegraph.portable import REFERENCE

from .catalogues import Catalogue
from .linking import kind_of

__all__ = ["relocated"]

MOST_UP = 2  # folders that a path may climb before it is written in full


def relocated(graph: Graph, catalogue: Catalogue, folder: Path) -> Graph:
    """The graph with its relative paths starting in `folder`, and leading where they led.

    A path is written relative where the file is in the folder or below it, and stays relative, with `../`, where it was
    and the file is near by: so a project may be moved as a whole. Else it is written in full. Only inputs that take a
    path are touched, and the texts that such an input, and nothing else, is fed by.
    """
    old = graph.folder
    if old is not None and same_folder(old, folder):
        return graph if old == folder else graph.with_folder(folder)
    start = Path.cwd() if old is None else old
    new = graph
    for node, name in path_inputs(graph, catalogue):
        value = graph.nodes[node].inputs.get(name)
        moved = moved_path(value, start, folder)
        if moved != value:
            new = new.set(node, **{name: moved})
    return new.with_folder(folder)


def same_folder(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def path_inputs(graph: Graph, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Where paths are written: at the node that reads the file, or at one that only hands the text on."""
    for node in graph.nodes:
        kind = kind_of(graph, catalogue, node)
        if kind is None:
            continue
        for port in kind.inputs:
            if port.type == "Path" or (kind.echoes and port.type == "str" and feeds_paths(graph, catalogue, node)):
                yield node, port.name


def feeds_paths(graph: Graph, catalogue: Catalogue, node: str) -> bool:
    """Whether all wires of a node end in inputs that take a path."""
    links = graph.out_links[node]
    kinds = [(kind_of(graph, catalogue, link.target), link.input) for link in links]
    return bool(links) and all(
        kind is not None and name in kind.inputs_by_name and kind.inputs_by_name[name].type == "Path"
        for kind, name in kinds
    )


def moved_path(value: Any, start: Path, folder: Path) -> Any:
    """A path, or a list of them, as it is written in the new folder; what is no path stays."""
    if isinstance(value, list):
        return [moved_path(item, start, folder) for item in value]
    if not isinstance(value, str) or not value or REFERENCE.fullmatch(value) or value.startswith("~"):
        return value
    full = PurePosixPath(value).is_absolute() or bool(PureWindowsPath(value).drive)
    target = target_of(os.path.join(start, value))
    for base in (folder, Path(os.path.realpath(folder))):
        if target.is_relative_to(base):
            return target.relative_to(base).as_posix()
    return value if full else way_up(target, folder) or target.as_posix()


def target_of(path: str) -> Path:
    """The file that a path leads to; `..` is the folder above the one that a link names, not above the link."""
    if ".." not in Path(path).parts:
        return Path(os.path.normpath(path))
    folder, name = os.path.split(path)
    return Path(os.path.realpath(path)) if name in ("", "..") else Path(os.path.realpath(folder), name)


def way_up(target: Path, folder: Path) -> str:
    """The way to a file above a folder, such as `../cat.png`; "" where it is far, or all that they share is a home."""
    start, place = os.path.realpath(folder), os.path.join(os.path.realpath(target.parent), target.name)
    try:
        shared = Path(os.path.commonpath([start, place]))
    except ValueError:  # they are on different drives
        return ""
    home = Path(os.path.realpath(Path.home()))
    way = Path(os.path.relpath(place, start))
    if shared in (Path(shared.anchor), home, *home.parents) or way.parts.count("..") > MOST_UP:
        return ""
    return way.as_posix()
