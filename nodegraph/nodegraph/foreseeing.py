"""Asking the node types what they foresee: a walk through a graph, sources first, that keeps what is known.

It is linear in the graph, without recursion. What is muted, bypassed, or reached by no run is treated as a run would.
"""

from collections import deque
from collections.abc import Collection, Iterator
from types import MappingProxyType
from typing import Any

from .checkpoints import components_of, in_full
from .errors import Problem
from .foresight import UNKNOWN, Foresight, Known
from .graphs import Graph, Link
from .needs import folders_of
from .node_types import InputSpec, NodeSpec
from .registry import Registry
from .wires import identity

__all__ = ["Arrivals", "foreseen"]


class Arrivals:
    """What the inputs of one node will get, as far as it is known."""

    def __init__(self, walk: "Walk", node: str, spec: NodeSpec, links: list[Link]) -> None:
        self._walk = walk
        self._given = walk.graph.nodes[node].inputs
        self._spec = spec
        self._links: dict[str, list[Link]] = {}
        for link in sorted(links, key=lambda link: link.index or 0):
            self._links.setdefault(link.input, []).append(link)
        self._values: dict[str, Any] = {}

    def links(self, port: InputSpec) -> list[Link]:
        return self._links.get(port.name, [])

    def given(self, port: InputSpec) -> bool:
        return port.name in self._links or port.name in self._given

    def brought(self, port: InputSpec) -> list[Known]:
        return [self._walk.through(link, port) for link in self.links(port)]

    def value(self, port: InputSpec) -> Any:
        if port.name not in self._values:
            try:
                self._values[port.name] = self.found(port)
            except ValueError:
                self._values[port.name] = UNKNOWN
        return self._values[port.name]

    def found(self, port: InputSpec) -> Any:
        """The value; ValueError when what is brought is none that the input takes."""
        links = self.links(port)
        if links:
            values = [known.value for known in self.brought(port)]
            if any(value is UNKNOWN for value in values):
                return UNKNOWN
            value = port.validate(values if links[0].index is not None else values[0])
        elif port.name in self._given:
            value = port.validate(self._given[port.name])
        elif port.required:
            return UNKNOWN
        else:
            value = list(port.default) if isinstance(port.default, list) else port.default
        return in_full(value, self._walk.folders) if components_of(port) else value

    def refused(self) -> Iterator[tuple[str, str, str]]:
        """What value nodes bring that an input cannot take: input, message, remedy."""
        for name, links in self._links.items():
            port = self._spec.input(name)
            if port is None or not port.is_data:
                continue
            try:
                self.found(port)
            except ValueError as error:
                yield name, str(error), f"it comes from {', '.join(f'{link.source}.{link.output}' for link in links)}"


class Walk:
    """Goes through a graph, sources first, and keeps what is known of each output."""

    def __init__(self, graph: Graph, registry: Registry) -> None:
        self.graph = graph
        self.registry = registry
        self.folders = folders_of(graph)
        self.known: dict[tuple[str, str], Known] = {}
        self.absent: set[tuple[str, str]] = set()
        self.gone: set[str] = set()
        self._origins: dict[Any, str] = {}

    def through(self, link: Link, port: InputSpec) -> Known:
        """What is known of what a link brings: nothing where it is converted on the way."""
        known = self.known.get((link.source, link.output), Known())
        spec = self.registry.get(self.graph.nodes[link.source].type)
        output = None if spec is None else spec.output(link.output)
        if output is None or self.registry.convertible(output, port, link.index) is not identity:
            return Known(origin=known.origin and f"{known.origin} as {port.type_name}")
        return known

    def present(self, node: str) -> list[Link]:
        """The links to a node that bring something."""
        return [
            link
            for link in self.graph.in_links[node]
            if link.source in self.graph.nodes
            and link.source not in self.gone
            and (link.source, link.output) not in self.absent
        ]

    def find_absent(self, order: tuple[str, ...]) -> None:
        """Find which nodes and outputs have no value, since something is muted or passes nothing."""
        for node in order:
            placed = self.graph.nodes[node]
            spec = self.registry.get(placed.type)
            if placed.mode == "mute":
                self.gone.add(node)
            elif spec is not None:
                links = self.present(node)
                linked = {link.input for link in links}
                if placed.mode == "bypass":
                    arrivals = Arrivals(self, node, spec, links)
                    for output in spec.outputs:
                        port = spec.input(spec.passes.get(output.name, ""))
                        nothing = port is None or arrivals.value(port) is None or arrivals.value(port) is UNKNOWN
                        if port is None or (nothing and port.name not in linked):
                            self.absent.add((node, output.name))
                elif len(links) < len(self.graph.in_links[node]) and any(
                    port.required and port.name not in linked and port.name not in placed.inputs for port in spec.inputs
                ):
                    self.gone.add(node)

    def reached(self, order: tuple[str, ...], targets: Collection[str]) -> set[str]:
        """The nodes that a run for these targets would run or pass through; all where links run in a circle."""
        if len(order) < len(self.graph.nodes):
            return set(order) - self.gone
        found = set(targets)
        for node in reversed(order):
            if node not in found or node in self.gone:
                continue
            placed = self.graph.nodes[node]
            spec = self.registry.get(placed.type)
            passed = None if placed.mode is None or spec is None else set(spec.passes.values())
            found.update(link.source for link in self.present(node) if passed is None or link.input in passed)
        return found - self.gone

    def look(self, node: str, spec: NodeSpec) -> list[Problem]:
        """Ask the node type what it foresees of a node."""
        placed = self.graph.nodes[node]
        arrivals = Arrivals(self, node, spec, self.present(node))
        if placed.mode == "bypass":
            for output, name in spec.passes.items():
                self.known[node, output] = self.passed(arrivals, spec.inputs_by_name[name])
            return []
        self.originate(node, spec, arrivals)
        refused = [Problem(node, *told, type=placed.type) for told in arrivals.refused()]
        if refused:
            return refused
        if spec.echoes:
            for name in spec.outputs_by_name:
                self.known[node, name] = self.passed(arrivals, spec.inputs_by_name[name])
        if spec.foresee is None:
            return []
        foresight = Foresight(spec, arrivals)
        try:
            spec.foresee(foresight)
        except Exception as error:  # a plugin's function may raise anything; then nothing is foreseen
            owner = f"{spec.plugin}: " if spec.plugin else ""
            self.registry.add_problem(f"{owner}foresee of {spec.id} failed: {type(error).__name__}: {error}", error)
            return []
        for name, facts in foresight._facts.items():
            known = self.known.get((node, name), Known())
            self.known[node, name] = known._replace(facts=MappingProxyType({**known.facts, **facts}))
        return [
            Problem(node, input, message, remedy, kind="error" if error else "warning", type=placed.type)
            for input, message, remedy, error in foresight._said
        ]

    def passed(self, arrivals: Arrivals, port: InputSpec) -> Known:
        """What is known of an output that is this input."""
        brought = arrivals.brought(port)
        alone = brought[0] if len(brought) == 1 and arrivals.links(port)[0].index is None else Known()
        return alone._replace(value=arrivals.value(port) if port.is_data else UNKNOWN)

    def originate(self, node: str, spec: NodeSpec, arrivals: Arrivals) -> None:
        """Name the outputs of a node by the first one that will be the same."""
        sources = tuple((port.name, known.origin) for port in spec.inputs for known in arrivals.brought(port) or ())
        linked = {name for name, _ in sources}
        typed = tuple(repr((name, value)) for name, value in sorted(arrivals._given.items()) if name not in linked)
        alike = spec.pure and all(origin for _, origin in sources)
        for name in spec.outputs_by_name:
            own = f"{node}.{name}"
            key = (spec.id, spec.plugin, name, typed, sources) if alike else own
            self.known[node, name] = Known(origin=self._origins.setdefault(key, own))


def foreseen(
    graph: Graph, registry: Registry, nodes: Collection[str], targets: Collection[str], faulty: Collection[str]
) -> dict[str, list[Problem]]:
    """What the node types foresee of these nodes, by node.

    Args:
        nodes: what the targets need; of any other node nothing is known.
        faulty: nodes that have problems already, of which nothing can be known.
    """
    specs = {node: registry.get(graph.nodes[node].type) for node in nodes}
    if not any(spec is not None and (spec.foresee is not None or spec.echoes) for spec in specs.values()):
        return {}
    order = sorted_nodes(graph)
    walk = Walk(graph, registry)
    if any(graph.nodes[node].mode is not None for node in nodes):
        walk.find_absent(order)
        reached = walk.reached(order, targets)
        specs = {node: spec for node, spec in specs.items() if node in reached}
    found = {}
    for node in order:
        spec = specs.get(node)
        if spec is not None and node not in faulty:
            problems = walk.look(node, spec)
            if problems:
                found[node] = problems
    return found


def sorted_nodes(graph: Graph) -> tuple[str, ...]:
    """The nodes, each after its sources, without those in or behind a circle; found without recursion."""
    return graph.remember("sorted", sort_nodes, shape=True)


def sort_nodes(graph: Graph) -> tuple[str, ...]:
    waits = {node: sum(link.source in graph.nodes for link in graph.in_links[node]) for node in graph.nodes}
    ready = deque(node for node, count in waits.items() if not count)
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for link in graph.out_links[node]:
            if link.target in waits:
                waits[link.target] -= 1
                if not waits[link.target]:
                    ready.append(link.target)
    return tuple(order)
