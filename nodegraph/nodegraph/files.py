"""Graphs as text: what a file must be to hold a graph at all, and the one way in which a graph is written.

Structure only. Whether node types exist, links fit and values are in range is told by `checks`, since an editor must
open a faulty graph to mend it.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .errors import GraphFileError, OutputError
from .frozen import MAX_DEPTH, Json
from .graphs import MAX_LINKS, MAX_NODES, Graph, Link, Node
from .migrations import VERSION, migrate
from .png import PNG_START, extract
from .structure import show_key, structure_error, unknown_key
from .validation import shown
from .writing import write_atomically

__all__ = ["MAX_BYTES", "dumps", "load", "loads", "save"]

MAX_BYTES = 16 * 1024 * 1024
MAX_OBJECTS = 1_000_000
WIDTH = 120
KEYS = ("nodegraph", "nodes", "links", "canvas", "made_with")
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
OTHERS = bytes(set(range(256)) - set(b"[]{}"))
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def load(path: str | os.PathLike[str]) -> Graph:
    """Read the graph in a file, or the one that a PNG carries; GraphFileError says what is wrong with it."""
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise GraphFileError(str(path), "is no regular file")
        with path.open("rb") as file:
            data = file.read(len(PNG_START))
            text = extract(path) if data == PNG_START else data + file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise GraphFileError(str(path), "is not there") from None
    except (OSError, ValueError) as error:
        raise GraphFileError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if text is None:
        raise GraphFileError(str(path), "is a picture that carries no graph")
    return loads(text, path.resolve().parent)


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph to a file, whole or not at all; OutputError when it cannot be."""
    if Path(path).suffix.lower() in (".png", ".gif", ".webp", ".jpg", ".jpeg"):
        raise OutputError(f"{path} is the name of a picture; a graph is saved as .json")
    write_atomically(Path(path), dumps(graph).encode())


def loads(text: str | bytes, folder: Path | None = None) -> Graph:
    """Read a graph from its text; relative paths in it start in `folder`."""
    document = migrate(read_document(read_text(text)))
    if "groups" in document:
        raise GraphFileError("groups", "is there", "the file needs a newer Nodegraph")
    for key in document:
        if key not in KEYS:
            raise unknown_key("", key, KEYS)
    if "nodes" not in document:
        raise GraphFileError("nodes", "is missing")
    try:
        graph = Graph(
            nodes=read_nodes(document["nodes"]),
            links=read_links(document.get("links", [])),
            canvas=document.get("canvas", {}),
            made_with=document.get("made_with", {}),
        )
    except ValidationError as error:
        raise structure_error(error, "") from None
    return graph if folder is None else graph.with_folder(folder)


def dumps(graph: Graph) -> str:
    """The canonical text of a graph: a line for each node and link, so that a diff reads like a change of mind."""
    parts = [f'"nodegraph": {VERSION}', block("nodes", {id: node_fields(node) for id, node in graph.nodes.items()})]
    parts.append(block("links", [str(link) for link in graph.links]))
    if graph.canvas:
        parts.append(canvas_text(graph.canvas))
    if graph.made_with:
        parts.append(f'"made_with": {encode(graph.made_with)}')
    text = "{\n  " + ",\n  ".join(parts) + "\n}\n"
    if len(text) > MAX_BYTES or (len(text) * 4 > MAX_BYTES and len(text.encode()) > MAX_BYTES):
        raise GraphFileError("", f"the graph is larger than {MAX_BYTES >> 20} MB and could not be read again")
    return text


def node_fields(node: Node) -> dict[str, Json]:
    """What a file says of a node: its type, and what is not as it would be anyway."""
    fields: dict[str, Json] = {"type": node.type}
    if node.inputs:
        fields["inputs"] = node.inputs
    for key, value in (("mode", node.mode), ("title", node.title), ("plugin", node.plugin)):
        if value is not None:
            fields[key] = value
    if node.version != 1:
        fields["version"] = node.version
    return fields


def block(key: str, values: Mapping[str, Json] | list[Json], indent: str = "  ") -> str:
    """A key with its entries, each on a line of its own."""
    start, end = "[]" if isinstance(values, list) else "{}"
    entries = (
        map(encode, values) if isinstance(values, list) else (f"{encode(k)}: {encode(v)}" for k, v in values.items())
    )
    inner = f",\n{indent}  ".join(entries)
    return f"{encode(key)}: {start}\n{indent}  {inner}\n{indent}{end}" if values else f"{encode(key)}: {start}{end}"


def canvas_text(canvas: Mapping[str, Json]) -> str:
    """On one line where that is short, else a line for each key, or for each entry of a key whose line is long."""
    line = f'"canvas": {encode(canvas)}'
    if len(line) + 3 <= WIDTH:
        return line
    lines = []
    for key, value in canvas.items():
        short = f"{encode(key)}: {encode(value)}"
        long = isinstance(value, (dict, list)) and len(short) + 5 > WIDTH
        lines.append(block(key, value, "    ") if long else short)
    return '"canvas": {\n    ' + ",\n    ".join(lines) + "\n  }"


def read_nodes(values: Any) -> Any:
    """The nodes, each with its place in the error; what is no object of nodes is left for `Graph` to refuse."""
    if not isinstance(values, dict) or len(values) > MAX_NODES:
        return values
    nodes = {}
    for id, value in values.items():
        try:
            nodes[id] = Node.model_validate(value)
        except ValidationError as error:
            raise structure_error(error, f"nodes.{show_key(id)}", Node.model_fields) from None
    return nodes


def read_links(values: Any) -> Any:
    """The links, each with its place in the error; what is no list of links is left for `Graph` to refuse."""
    if not isinstance(values, list) or len(values) > MAX_LINKS:
        return values
    links = []
    for number, value in enumerate(values):
        try:
            links.append(Link.parse(value))
        except ValueError as error:
            raise GraphFileError(f"links[{number}]", str(error)) from None
    return links


def read_text(text: str | bytes) -> str:
    """The text, when it is short and flat enough to be parsed at no risk."""
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > MAX_BYTES:
            raise GraphFileError("", f"the file is larger than {MAX_BYTES >> 20} MB")
        text = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise GraphFileError(
            f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "", "the file is no UTF-8 text"
        ) from None
    if not text.strip():
        raise GraphFileError("", "the file is empty")
    brackets = STRING.sub(b"", data).translate(None, OTHERS)
    if len(brackets) > 2 * MAX_OBJECTS:
        raise GraphFileError("", f"the file holds more than {MAX_OBJECTS:,} lists and objects")
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise GraphFileError("", f"the file is nested deeper than {MAX_DEPTH} levels")
    return text


class Fault:
    """Stands in a parsed document where something is that JSON allows, or Python does, and a graph does not."""

    def __init__(self, message: str) -> None:
        self.message = message


def read_document(text: str) -> dict[str, Any]:
    """Parse the text strictly: each key once, each number finite, each text whole."""
    faults: list[Fault] = []

    def fault(message: str) -> Fault:
        faults.append(Fault(message))
        return faults[-1]

    def read_object(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        keys = [key for key, _ in pairs]
        return fault(f"has the key {shown(next(key for key in keys if keys.count(key) > 1))} twice")

    def read_float(digits: str) -> Any:
        number = float(digits)
        return number if abs(number) != float("inf") else fault(f"is {shown(digits)}, which is too large a number")

    try:
        document = json.loads(
            text,
            object_pairs_hook=read_object,
            parse_float=read_float,
            parse_constant=lambda word: fault(f"is {word}, must be a finite number"),
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise GraphFileError(place, f"is no JSON: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except ValueError:
        raise GraphFileError("", "the file holds a whole number of thousands of digits") from None
    if faults:
        place, message = next(find_faults(document))
        raise GraphFileError(place, message)
    if not isinstance(document, dict):
        raise GraphFileError("", f"the file is {shown(document)}, must be an object in {{ }}")
    return document


def find_faults(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Each fault with its place; as deep as `MAX_DEPTH` at most."""
    if isinstance(value, Fault):
        yield place, value.message
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from find_faults(item, f"{place}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_faults(item, f"{place}.{show_key(key)}" if place else show_key(key))
