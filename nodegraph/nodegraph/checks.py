"""What is wrong with a graph, told the node types: every problem, each with its node, its input and the way out.

Nothing is run, and the network is never asked: that a checkpoint is still to be fetched is no problem. What only a node
type can tell, such as weights that do not fit its parts, it tells by its foresight. A muted or bypassed node takes part
in nothing that its inputs could spoil, so they are not looked at.
"""

import stat
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import TypeAlias

from .checkpoints import CheckpointNeed, in_full
from .cycles import cycles, named_path
from .echoes import way_back
from .errors import Problem, UsageError, listed, nearest, with_remedy
from .foreseeing import foreseen
from .frozen import Json
from .graphs import Graph, Link
from .migrations import migrated
from .needs import asks_of
from .node_types import InputSpec, NodeSpec
from .portable import resolve_path
from .registry import Registry
from .seeds import equal_seeds
from .structure import show_key
from .validation import article, shown

__all__ = ["check", "needed"]

Finding: TypeAlias = tuple[str | None, str, str]  # input, message, remedy


def check(graph: Graph, registry: Registry, *, targets: Iterable[str] | None = None) -> list[Problem]:
    """Every problem in the graph or, with `targets`, in what these nodes need.

    Warnings (`kind` is "warning") refuse nothing. UsageError: a target is not there.
    """
    graph = migrated(graph, registry)
    wanted = graph.sinks if targets is None else tuple(targets)
    nodes = list(graph.nodes) if targets is None else needed(graph, wanted)
    inspection = Inspection(graph, registry)
    own = {node: list(inspection.problems_of(node)) for node in nodes}
    ahead = foreseen(graph, registry, nodes, wanted, [node for node, found in own.items() if found])
    problems = told_once(graph, registry, [found for node in nodes for found in (*own[node], *ahead.get(node, ()))])
    if targets is None:
        problems += inspection.loose_links()
    circles = [circle for circle in cycles(graph) if circle[0] in own]
    problems += [
        Problem(
            circle[0],
            None,
            f"the links run in a circle: {named_path(circle)}",
            "take one of these links away",
            type=graph.nodes[circle[0]].type,
        )
        for circle in circles
    ]
    return problems if cycles(graph) else [*problems, *equal_seeds(graph, registry, nodes)]


def needed(graph: Graph, targets: Iterable[str]) -> list[str]:
    """The targets and what their values can depend on, in the order of the file: a muted node needs nothing."""
    found: set[str] = set()
    waiting = list(targets)
    for target in waiting:
        if target not in graph.nodes:
            raise UsageError(with_remedy(f"there is no node {shown(target)}", nearest(target, graph.nodes)))
    while waiting:
        node = waiting.pop()
        if node in found or node not in graph.nodes:
            continue
        found.add(node)
        if graph.nodes[node].mode != "mute":
            waiting += [link.source for link in graph.in_links[node]]
    return [node for node in graph.nodes if node in found]


def told_once(graph: Graph, registry: Registry, problems: Iterable[Problem]) -> list[Problem]:
    """The problems; what a value node hands on to several inputs that cannot take it is told at the first of them."""
    groups: dict[Hashable, list[Problem]] = {}
    origins: dict[Hashable, str] = {}
    for problem in problems:
        way = way_back(graph, registry, problem.node, problem.input) if problem.node and problem.input else []
        place, port = way[-1] if len(way) > 1 else (problem, None)
        key = (place, port and port.name, problem.message, problem.remedy)
        origins[key] = f"{place}.{port.name}" if port else ""
        groups.setdefault(key, []).append(problem)
    return [told_of(group, origins[key]) for key, group in groups.items()]


def told_of(problems: list[Problem], origin: str) -> Problem:
    """One for several that differ in their places only."""
    first, others = problems[0], list(dict.fromkeys(str(problem.node) for problem in problems[1:]))
    remedy = first.remedy or (origin and f"it comes from {origin}")
    return replace(first, remedy=f"{remedy}; the same at {listed(others)}" if others and origin else remedy)


class Suggestions:
    """The nearest known names, looked for a hundred times at most: a graph may hold a hundred thousand mistakes."""

    def __init__(self) -> None:
        self.left = 100

    def __call__(self, word: str, known: Collection[str]) -> str:
        self.left -= 1
        if self.left < 0 or len(known) > 2000:
            return ""
        return nearest(word, known)


class Inspection:
    """A look at one graph, node by node."""

    def __init__(self, graph: Graph, registry: Registry) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.in_links = graph.in_links
        self.links = graph.links
        self.registry = registry
        self.suggest = Suggestions()
        here = Path.cwd()
        self.folders = (graph.folder or here, here)
        self.wrong: dict[CheckpointNeed, str] = {}

    def problems_of(self, node: str) -> Iterator[Problem]:
        placed = self.nodes[node]
        if placed.mode == "mute":
            return
        spec = self.registry.get(placed.type)
        links: dict[str, list[Link]] = {}
        for link in self.in_links[node]:
            links.setdefault(link.input, []).append(link)
        findings = [self.of_type(node, spec), *(self.of_links(spec, name, some) for name, some in links.items())]
        if spec is not None and placed.mode is None:
            findings += [self.of_value(spec, name, value) for name, value in placed.inputs.items() if name not in links]
            findings.append(self.of_checkpoints(node))
            findings.append(
                missing(port for port in spec.inputs if not (port.name in links or port.name in placed.inputs))
            )
        for name, message, remedy in chain.from_iterable(findings):
            yield Problem(node, name and show_key(name), message, remedy, type=placed.type)

    def of_type(self, node: str, spec: NodeSpec | None) -> Iterator[Finding]:
        placed = self.nodes[node]
        if spec is None:
            missing = placed.plugin if placed.plugin not in self.registry.plugins else None
            if missing:
                yield None, f"there is no node type {placed.type} here", f"it comes with: pip install {missing}"
            else:
                yield None, self.why_missing(placed.type), ""
        elif placed.version > spec.version:
            message = f"was saved by version {placed.version} of {spec.id}, here is version {spec.version}"
            yield None, message, f"update {placed.plugin or 'nodegraph'}"

    def why_missing(self, kind: str) -> str:
        self.suggest.left -= 1
        return self.registry.why_missing(kind) if self.suggest.left >= 0 else f"there is no node type {kind}"

    def of_links(self, spec: NodeSpec | None, name: str, links: list[Link]) -> Iterator[Finding]:
        port = None if spec is None else spec.input(name)
        if spec is not None and port is None:
            yield name, f"is linked, but {spec.id} has no such input", self.suggest(name, spec.inputs_by_name)
            return
        for link in links:
            yield from self.of_link(port, link)
        if port is not None:
            yield from of_indexes(port, links)

    def of_link(self, port: InputSpec | None, link: Link) -> Iterator[Finding]:
        end = f"{link.source}.{link.output}"
        placed = self.nodes.get(link.source)
        if placed is None:
            remedy = self.suggest(link.source, self.nodes)
            yield link.input, f"is linked from {end}, but there is no node {link.source!r}", remedy
            return
        spec = self.registry.get(placed.type)
        if spec is None:
            return
        output = spec.output(link.output)
        if output is None:
            close = self.suggest(link.output, spec.outputs_by_name)
            known = ", ".join(spec.outputs_by_name) or "none"
            message = f"is linked from {end}, but {spec.id} has no such output"
            yield link.input, message, close or f"its outputs: {known}"
        elif port is not None and self.registry.convertible(output, port, link.index) is None:
            yield link.input, f"cannot take {end}: {self.registry.why_not(output, port, link.index)}", ""

    def of_value(self, spec: NodeSpec, name: str, value: Json) -> Iterator[Finding]:
        port = spec.input(name)
        if port is None:
            yield name, f"is no input of {spec.id}", self.suggest(name, spec.inputs_by_name)
        elif not port.is_data and not (value is None and port.optional):
            yield name, f"is {shown(value)}, but takes {article(port.type_name)}", "link one to it"
        else:
            try:
                port.validate(value)
            except ValueError as error:
                yield name, str(error), ""
            else:
                yield from self.of_files(port, value)

    def of_files(self, port: InputSpec, value: Json) -> Iterator[Finding]:
        """Files that a node reads are declared by `Field(json_schema_extra={"exists": True})`; "folder" for folders."""
        wish = port.hint.extra.get("exists")
        if port.type is not Path or not wish or value is None:
            return
        for text in value if isinstance(value, list) else [value]:
            why = absent(text, self.folders, folder=wish == "folder")
            if why:
                yield port.name, f"is {shown(text)}, {why}", ""

    def of_checkpoints(self, node: str) -> Iterator[Finding]:
        """Folders that are no checkpoint, or damaged ones."""
        for ask in asks_of(self.graph, self.registry, node):
            if ask.need is None:
                continue
            if ask.need not in self.wrong:
                full = replace(ask.need, checkpoint=in_full(ask.need.checkpoint, self.folders))
                state = self.registry.checkpoint_state(full)
                self.wrong[ask.need] = state.message if state.status == "wrong" else ""
            if self.wrong[ask.need]:
                yield ask.input, self.wrong[ask.need], ""

    def loose_links(self) -> Iterator[Problem]:
        """Links that lead to no node."""
        for link in self.links:
            if link.target not in self.nodes:
                remedy = self.suggest(link.target, self.nodes)
                yield Problem(None, None, f"the link {link} leads to {link.target!r}, which is not there", remedy)


def missing(ports: Iterable[InputSpec]) -> Iterator[Finding]:
    for port in ports:
        if port.required and port.is_data:
            yield port.name, "has no value", "give it one, or a link"
        elif port.required:
            end = f"{port.name}[0]" if port.is_list else "it"
            yield port.name, "has no link", f"link {article(port.type_name)} to {end}"


def of_indexes(port: InputSpec, links: list[Link]) -> Iterator[Finding]:
    """One link to an input, or to each place of one that takes a list: 0, 1, 2, ..."""
    if len(links) == 1 and not links[0].index:
        return
    places = sorted(-1 if link.index is None else link.index for link in links)
    if len(links) > 1 and places[0] < 0:
        yield port.name, f"has {len(links)} links, but takes one", f"keep one of {sources(links)}"
        return
    twice = next((one for one, other in pairwise(places) if one == other), None)
    if twice is not None:
        some = [link for link in links if link.index == twice]
        yield port.name, f"has {len(some)} links at [{twice}], but takes one", f"keep one of {sources(some)}"
    elif places[0] >= 0 and places != list(range(len(places))):
        gap = next(number for number, place in enumerate(places) if number != place)
        yield port.name, f"has a link at [{places[gap]}], but none at [{gap}]", "number them 0, 1, 2, ..."


def sources(links: list[Link]) -> str:
    return ", ".join(f"{link.source}.{link.output}" for link in links[:4]) + (", ..." if len(links) > 4 else "")


def absent(text: str, folders: Sequence[Path], *, folder: bool) -> str:
    """Why there is nothing to be read by that name; "" when there is."""
    path = resolve_path(text, folders)
    where = " or ".join(dict.fromkeys(map(str, folders)))
    if path is None:
        return f"and no file with that content is in {where}"
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return f"which is not there: {path}"
    if folder:
        return "" if stat.S_ISDIR(mode) else f"which is no folder: {path}"
    return "" if stat.S_ISREG(mode) else f"which is no regular file: {path}"
