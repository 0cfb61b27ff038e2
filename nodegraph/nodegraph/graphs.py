"""The graph: nodes and links, frozen; an edit is a function that returns another graph.

A graph holds whatever a file can hold, faults included: `checks` judges it against the node types. It knows no node
type, runs nothing and reads no file.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationError,
)

from .errors import UsageError, nearest, with_remedy
from .frozen import MAX_DEPTH, FrozenDict, Json, frozen_after, frozen_json, json_value, same
from .structure import structure_error
from .validation import shown

__all__ = ["MAX_LINKS", "MAX_NODES", "Graph", "Link", "Mode", "Node"]

Mode: TypeAlias = Literal["mute", "bypass"]
T = TypeVar("T")

MAX_NODES = 100_000
MAX_LINKS = 400_000
NODE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
PIP_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
END = r"([A-Za-z0-9_-]{1,64})\.([^\W\d]\w{0,99})"
LINK = re.compile(rf"\s*{END}\s*->\s*{END}(?:\[([0-9]{{1,5}})\])?\s*")


class Frozen(BaseModel):
    """Base of the parts of a graph: nothing is converted, nothing unknown is kept, nothing can be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Link(Frozen):
    """A wire from an output to an input; `index` is its place in an input that takes a list."""

    source: str
    output: str
    target: str
    input: str
    index: int | None = None

    @classmethod
    def parse(cls, line: str) -> "Link":
        """Read `a.out -> b.in` or `a.out -> b.in[0]`; ValueError when it is no link."""
        found = LINK.fullmatch(line) if isinstance(line, str) else None
        if found is None:
            raise ValueError(f"is {shown(line)}, must be like 'node.output -> node.input'")
        source, output, target, name, index = found.groups()
        place = None if index is None else int(index)
        return cls(source=source, output=output, target=target, input=name, index=place)

    @property
    def place(self) -> tuple[str, str, int | None]:
        """Where it ends: node, input, index."""
        return self.target, self.input, self.index

    def __str__(self) -> str:
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.source}.{self.output} -> {self.target}.{self.input}{index}"


class Adjacency(FrozenDict[tuple[Link, ...]]):
    """The links at each node; none at a node that has none."""

    def __missing__(self, node: str) -> tuple[Link, ...]:
        return ()


def read_label(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError(f"is {shown(value)}, must be a name of 1 to 200 letters")
    return value


def read_plugin(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or PIP_NAME.fullmatch(value) is None):
        raise ValueError(f"is {shown(value)}, must be the name of a pip package")
    return value


def read_type(value: Any) -> str:
    if isinstance(value, str) and value.startswith("group:"):
        raise ValueError(f"is {shown(value)}, which needs a newer Nodegraph")
    return read_label(value)


def read_title(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"is {shown(value)}, must be text")
    return json_value(value)  # type: ignore[no-any-return]


class Node(Frozen):
    """One placed node: its type by name, and the input values that it was given, as they were written."""

    type: Annotated[str, PlainValidator(read_type)]
    inputs: Annotated[Mapping[str, Json], PlainValidator(lambda value: frozen_json(value, MAX_DEPTH - 3))] = (
        FrozenDict()
    )
    mode: Mode | None = None
    title: Annotated[str | None, PlainValidator(read_title)] = None
    plugin: Annotated[str | None, PlainValidator(read_plugin)] = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Node):
            return self is other
        return self.__dict__ == other.__dict__ and same(self.inputs, other.inputs)

    def edited(self, **changes: Any) -> "Node":
        """This node with some fields changed; UsageError when one may not be so."""
        return new_node(**{**self.__dict__, **changes})


def new_node(**fields: Any) -> Node:
    try:
        return Node(**fields)
    except ValidationError as error:
        raise UsageError(str(structure_error(error, "", Node.model_fields))) from None


def read_nodes(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"is {shown(value)}, must be an object in {{ }}")
    if len(value) > MAX_NODES:
        raise ValueError(f"has {len(value):,} nodes, must have at most {MAX_NODES:,}")
    for node in value:
        if not isinstance(node, str) or NODE_ID.fullmatch(node) is None:
            raise ValueError(f"has the id {shown(node)}, must be 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return dict(value)


def read_links(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"is {shown(value)}, must be a list in [ ]")
    if len(value) > MAX_LINKS:
        raise ValueError(f"has {len(value):,} links, must have at most {MAX_LINKS:,}")
    return tuple(link if isinstance(link, Link) else Link.parse(link) for link in value)


def read_versions(value: Any) -> FrozenDict[str]:
    known = frozen_json(value, 1)
    if not all(isinstance(version, str) for version in known.values()):
        raise ValueError('has a version that is no text, must be like "0.1.0"')
    return known


class Graph(Frozen):
    """Nodes by id, and the links between them.

    `canvas` belongs to the editor and is kept unchanged. `folder` is where the file was, and where relative paths
    start; it is no part of what is saved or compared.
    """

    nodes: Annotated[Mapping[str, Node], BeforeValidator(read_nodes), AfterValidator(FrozenDict)] = FrozenDict()
    links: Annotated[tuple[Link, ...], BeforeValidator(read_links)] = ()
    canvas: Annotated[Mapping[str, Json], PlainValidator(lambda value: frozen_json(value, MAX_DEPTH - 1))] = (
        FrozenDict()
    )
    made_with: Annotated[Mapping[str, str], PlainValidator(read_versions)] = FrozenDict()
    _folder: Path | None = PrivateAttr(None)
    _of_content: dict[Any, Any] = PrivateAttr(default_factory=dict)
    _of_shape: dict[Any, Any] = PrivateAttr(default_factory=dict)
    _of_canvas: dict[Any, Any] = PrivateAttr(default_factory=dict)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Graph):
            return self is other
        return (
            self.nodes == other.nodes
            and self.links == other.links
            and self.made_with == other.made_with
            and same(self.canvas, other.canvas)
        )

    def __copy__(self) -> "Graph":
        return self._with()

    @property
    def folder(self) -> Path | None:
        """Where the file was, or None for a graph that came from no file."""
        return self._folder

    @cached_property
    def in_links(self) -> Mapping[str, tuple[Link, ...]]:
        """The links that end at each node, in the order of the file."""
        return self.remember("in_links", lambda graph: adjacency(graph.links, "target"), shape=True)

    @cached_property
    def out_links(self) -> Mapping[str, tuple[Link, ...]]:
        """The links that start at each node, in the order of the file."""
        return self.remember("out_links", lambda graph: adjacency(graph.links, "source"), shape=True)

    @property
    def sinks(self) -> tuple[str, ...]:
        """The nodes without an outgoing link."""
        return tuple(node for node in self.nodes if node not in self.out_links)

    def remember(
        self, key: Any, make: Callable[["Graph"], T], *, shape: bool = False, canvas: bool = False
    ) -> T:
        """Return `make(graph)`, worked out once for each key.

        Args:
            shape: it depends on nothing but the ids of the nodes and the links; then it outlives edits of the rest.
            canvas: it depends on nothing but the canvas, likewise.
        """
        known = self._of_shape if shape else self._of_canvas if canvas else self._of_content
        if key not in known:
            known[key] = make(self)
        return known[key]  # type: ignore[no-any-return]

    def set(self, node: str, /, **inputs: Any) -> "Graph":
        """Give inputs of a node new values."""
        old = self._node(node)
        return self.replace_node(node, old.edited(inputs={**old.inputs, **input_values(node, old.type, inputs)}))

    def unset(self, node: str, /, *inputs: str) -> "Graph":
        """Take values from inputs of a node, so that their defaults hold again."""
        old = self._node(node)
        for name in inputs:
            if name not in old.inputs:
                raise UsageError(with_remedy(f"{node} ({old.type}): {name} has no value", nearest(name, old.inputs)))
        kept = {name: value for name, value in old.inputs.items() if name not in inputs}
        return self.replace_node(node, old.edited(inputs=kept))

    def add(self, node: str, kind: str | Node, /, **inputs: Any) -> "Graph":
        """Add a node: a `Node`, or a type by its id, with values for its inputs."""
        if node in self.nodes:
            raise UsageError(f"{node} ({self.nodes[node].type}) is there already; another node needs another id")
        new = kind if isinstance(kind, Node) else new_node(type=kind)
        new = new.edited(inputs={**new.inputs, **input_values(node, new.type, inputs)}) if inputs else new
        nodes = {**self.nodes, node: new}
        try:
            return self._with(nodes=read_nodes(nodes))
        except ValueError as error:
            raise UsageError(f"the graph {error}") from None

    def remove(self, node: str) -> "Graph":
        """Take a node away, with every link at it."""
        self._node(node)
        nodes = {known: value for known, value in self.nodes.items() if known != node}
        return self._with(nodes=nodes, links=[link for link in self.links if node not in (link.source, link.target)])

    def replace_node(self, node: str, new: Node) -> "Graph":
        """Put another node in the place of one; the links stay."""
        return self.replace_nodes({node: new})

    def replace_nodes(self, new: Mapping[str, Node]) -> "Graph":
        """Put other nodes in the places of some; the links stay."""
        for node in new:
            self._node(node)
        return self._with(nodes={**self.nodes, **new})

    def with_mode(self, node: str, mode: Mode | None) -> "Graph":
        """Mute or bypass a node, or, with None, neither."""
        return self.replace_node(node, self._node(node).edited(mode=mode))

    def connect(self, link: str | Link) -> "Graph":
        """Add a link; one that ended in the same place is replaced."""
        new = self._link(link)
        self._node(new.source)
        self._node(new.target)
        taken = [at for at, old in enumerate(self.links) if old.place == new.place]
        if not taken:
            return self._with(links=[*self.links, new])
        kept = [new if at == taken[0] else old for at, old in enumerate(self.links) if at not in taken[1:]]
        return self._with(links=kept)

    def disconnect(self, link: str | Link) -> "Graph":
        """Take a link away."""
        old = self._link(link)
        if old not in self.links:
            raise UsageError(with_remedy(f"there is no link {old}", nearest(str(old), map(str, self.links))))
        return self._with(links=[known for known in self.links if known != old])

    def with_parts(self, nodes: Mapping[str, Node] | None = None, links: Iterable[Link] | None = None) -> "Graph":
        """Other nodes, other links or both at once, for an edit of many; the canvas stays."""
        try:
            parts = {} if nodes is None else {"nodes": read_nodes(nodes)}
            return self._with(**parts if links is None else {**parts, "links": read_links(tuple(links))})
        except ValueError as error:
            raise UsageError(f"the graph {error}") from None

    def with_canvas(self, canvas: Mapping[str, Json]) -> "Graph":
        """Another canvas: positions, notes and what else the editor keeps."""
        return self._with(canvas=frozen_after(canvas, self.canvas, MAX_DEPTH - 1))

    def with_made_with(self, made_with: Mapping[str, str]) -> "Graph":
        """Say what the graph was made with: version by distribution."""
        return self._with(made_with=read_versions(made_with))

    def with_folder(self, folder: Path | None) -> "Graph":
        """The same graph, with its relative paths starting in another folder."""
        return self._with(folder=folder)

    def _node(self, node: str) -> Node:
        found = self.nodes.get(node)
        if found is None:
            raise UsageError(with_remedy(f"there is no node {shown(node)}", nearest(node, self.nodes)))
        return found

    def _link(self, link: str | Link) -> Link:
        try:
            return Link.parse(link) if isinstance(link, str) else link
        except ValueError as error:
            raise UsageError(f"the link {error}") from None

    def _with(self, **changes: Any) -> "Graph":
        """Another graph, of parts that are right already; what is remembered of the shape goes along if it holds."""
        new = Graph.model_construct(
            nodes=FrozenDict(changes["nodes"]) if "nodes" in changes else self.nodes,
            links=tuple(changes["links"]) if "links" in changes else self.links,
            canvas=changes.get("canvas", self.canvas),
            made_with=changes.get("made_with", self.made_with),
        )
        new._folder = changes.get("folder", self._folder)
        if new.links is self.links and (new.nodes is self.nodes or new.nodes.keys() == self.nodes.keys()):
            new._of_shape = self._of_shape
        if new.canvas is self.canvas:
            new._of_canvas = self._of_canvas
        return new


def input_values(node: str, kind: str, inputs: Mapping[str, Any]) -> dict[str, Json]:
    """Values for the inputs of a node, as a file can hold them; UsageError when it cannot."""
    values = {}
    for name, value in inputs.items():
        try:
            values[name] = json_value(value)
        except ValueError as error:
            raise UsageError(f"{node} ({kind}): {name} {error}") from None
    return values


def adjacency(links: Iterable[Link], end: Literal["source", "target"]) -> Adjacency:
    found: defaultdict[str, list[Link]] = defaultdict(list)
    for link in links:
        found[link.source if end == "source" else link.target].append(link)
    return Adjacency({node: tuple(some) for node, some in found.items()})
