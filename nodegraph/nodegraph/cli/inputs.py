"""The inputs of a graph that the command line can give: as `--set node.input=value` and as `--node.input value`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nodegraph.errors import UsageError, with_remedy
from nodegraph.graphs import Graph
from nodegraph.node_types import InputSpec
from nodegraph.registry import Registry

__all__ = ["Assignment", "OwnInput", "own_inputs", "with_assignments"]


@dataclass(frozen=True)
class OwnInput:
    """An input that no link feeds, so that a value can be given; `given` says whether the file has one."""

    node: str
    spec: InputSpec
    given: bool
    value: Any

    @property
    def place(self) -> str:
        return f"{self.node}.{self.spec.name}"


@dataclass(frozen=True)
class Assignment:
    """A value from the command line; text None is a flag without a value, which switches on."""

    place: str
    text: str | None
    is_flag: bool

    @classmethod
    def parse(cls, text: str) -> Assignment:
        """Read what follows `--set`."""
        place, equals, value = text.partition("=")
        if not equals or place.count(".") != 1 or not all(place.split(".")):
            raise UsageError(f"--set {text}: must be like --set node.input=value")
        return cls(place.strip(), value, False)

    def __str__(self) -> str:
        return f"--{self.place}" if self.is_flag else f"--set {self.place}"


def own_inputs(graph: Graph, registry: Registry) -> Iterator[OwnInput]:
    """Every input of every node that takes a value and is not linked, in the order of the file."""
    for node_id, node in graph.nodes.items():
        spec = registry.get(node.type)
        linked = {link.input for link in graph.in_links[node_id]}
        for port in spec.inputs if spec else ():
            if port.is_data and port.name not in linked:
                given = port.name in node.inputs
                yield OwnInput(node_id, port, given, node.inputs[port.name] if given else port.default)


def with_assignments(graph: Graph, registry: Registry, assignments: Iterable[Assignment]) -> Graph:
    """The graph with values from the command line, each parsed by the type of its input; UsageError for a wrong one."""
    for assignment in assignments:
        node_id, _, name = assignment.place.partition(".")
        spec = input_spec(graph, registry, assignment)
        try:
            if assignment.text is None and spec.type is not bool:
                raise ValueError("needs a value")
            value = spec.parse("true" if assignment.text is None else assignment.text)
        except ValueError as error:
            raise UsageError(f"{assignment}: {name} {error}") from None
        if spec.type is Path:
            value = [from_here(path, graph) for path in value] if isinstance(value, list) else from_here(value, graph)
        graph = graph.set(node_id, **{name: value})
    return graph


def input_spec(graph: Graph, registry: Registry, assignment: Assignment) -> InputSpec:
    """What the assignment is for; UsageError when there is no such input, or a link feeds it."""
    node_id, _, name = assignment.place.partition(".")
    node = graph.nodes.get(node_id)
    spec = registry.get(node.type) if node else None
    if node is not None and spec is None:
        raise UsageError(f"{assignment}: the type of {node_id}, {node.type}, is not installed")
    port = spec.input(name) if spec else None
    if node is None or spec is None or port is None:
        absent = f"there is no node {node_id!r}" if node is None else f"{node_id} ({node.type}) has no input {name!r}"
        raise UsageError(with_remedy(f"{assignment}: {absent}", meant(graph, registry, node_id, name)))
    for link in graph.in_links[node_id]:
        if link.input == name:
            raise UsageError(f"{assignment}: a value would do nothing, since the link {link} is there")
    return port


def meant(graph: Graph, registry: Registry, node_id: str, name: str) -> str:
    """What was probably meant by an input that is not there: one of that node, or of one with a name like it."""
    near = [node_id] if node_id in graph.nodes else get_close_matches(node_id, graph.nodes)
    names = {node: [own.spec.name for own in own_inputs(graph, registry) if own.node == node] for node in near}
    for node in near:
        found = get_close_matches(name, names[node], n=1)
        if found:
            return f"did you mean {f'{node}.{found[0]}'!r}?"
    if node_id in graph.nodes:
        return f"what can be given: {', '.join(names[node_id]) or 'nothing'}"
    if near:
        return f"did you mean {near[0]!r}?"
    if not graph.nodes:
        return ""
    return f"there are {', '.join(list(graph.nodes)[:8])}" + (", ..." if len(graph.nodes) > 8 else "")


def from_here(path: str | None, graph: Graph) -> str | None:
    """A path that was typed in a shell, so from the working directory, as the graph has it: from its own folder."""
    if path is None:
        return None
    typed = Path(path).expanduser()
    here = Path.cwd() / typed
    if not here.exists():
        return typed.as_posix()
    if graph.folder is not None and here.is_relative_to(graph.folder.absolute()):
        return here.relative_to(graph.folder.absolute()).as_posix()
    return here.as_posix()
