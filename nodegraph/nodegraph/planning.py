"""From a graph to the steps of a run: their order, where each input has its value from, what is muted or bypassed.

A plan holds what follows from the graph and the node types alone, and is remembered with the graph. Making one is
linear in the graph and uses no recursion. It runs nothing and reads no file.

Planning meets every fault on its way. It has no words for them: where it is not sure that all is well, the plan says
so, and `checks` is asked.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .checkpoints import CheckpointNeed, components_of
from .errors import CheckFailed, Problem
from .graphs import Graph, Link
from .keys import static_text, steady_keys
from .needs import asks_of
from .node_types import NodeSpec
from .registry import Registry
from .steps import Step, Wire
from .wires import identity

__all__ = ["Plan", "make_plan", "order_of"]

ROOT = ""  # stands for the run, which needs the targets; no node has this id


class Plan(NamedTuple):
    """What a run for some targets may do.

    Attributes:
        steps: by node, each after its sources.
        skipped: nodes that cannot run since something before them is muted, and why.
        keys: those that hold for every run.
        moving: nodes whose keys are worked out for each run, since they depend on what files hold.
        outputs: the names of the outputs of each step.
        sure: whether there is no fault in what the targets need; else `check` has to tell.
        needs: the checkpoints that have to be here.
    """

    targets: tuple[str, ...]
    steps: dict[str, Step]
    skipped: dict[str, str]
    keys: dict[str, bytes]
    moving: tuple[str, ...]
    outputs: dict[str, tuple[str, ...]]
    sure: bool
    needs: tuple[CheckpointNeed, ...] = ()


def order_of(graph: Graph, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The targets and all before them, each after its sources; branch by branch, so that values can leave early."""
    return graph.remember(("order", targets), lambda graph: find_order(graph, targets), shape=True)


def find_order(graph: Graph, targets: tuple[str, ...]) -> tuple[str, ...]:
    import networkx

    inward: networkx.DiGraph[str] = networkx.DiGraph()
    inward.add_node(ROOT)
    inward.add_edges_from((ROOT, target) for target in targets)
    inward.add_edges_from((link.target, link.source) for link in graph.links if link.source in graph.nodes)
    return tuple(networkx.dfs_postorder_nodes(inward, ROOT))[:-1]


def make_plan(graph: Graph, registry: Registry, targets: tuple[str, ...]) -> Plan:
    """Plan what the targets need; CheckFailed where a fault leaves no way to."""
    planner = Planner(graph, registry, targets)
    for node in planner.reached(order_of(graph, targets)):
        planner.add(node)
    steps = planner.needed_steps()
    keys, moving = steady_keys(steps)
    needs = dict.fromkeys(ask.need for step in steps.values() for ask in step.asks if ask.need is not None)
    return Plan(targets, steps, planner.skipped, keys, moving, planner.outputs, planner.sure, tuple(needs))


class Kind:
    """What planning asks of a node type again and again."""

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec
        self.inputs = spec.inputs_by_name
        self.ports = tuple((port.name, port, port.required, port.default) for port in spec.inputs)
        self.outputs = tuple(spec.outputs_by_name)
        self.files = tuple(port.name for port in spec.inputs if port.type is Path)
        self.names_checkpoint = any(components_of(port) for port in spec.inputs)
        self.text = f"{spec.id}\n{spec.plugin}\n{spec.version}"
        self.passes = spec.passes
        self.foreseen = spec.foresee is not None or spec.echoes


class Planner:
    """Goes through the nodes in order and finds the step of each, knowing what is absent before it."""

    def __init__(self, graph: Graph, registry: Registry, targets: tuple[str, ...]) -> None:
        self.targets = frozenset(targets)
        self.steps: dict[str, Step] = {}
        self.skipped: dict[str, str] = {}
        self.outputs: dict[str, tuple[str, ...]] = {}
        self.sure = True
        self._graph = graph
        self._nodes = graph.nodes
        self._links = graph.in_links
        self._registry = registry
        self._absent: dict[tuple[str, str], str] = {}  # outputs without a value, and what is to blame
        self._gone: dict[str, str] = {}  # nodes without any
        self._kinds: dict[str, Kind] = {}
        self._wires: dict[tuple[str, str, str, str, bool], tuple[Callable[[Any], Any] | None, str]] = {}

    def reached(self, order: tuple[str, ...]) -> tuple[str, ...]:
        """The order without what only leads to muted nodes, or to inputs that a bypassed node passes nothing of."""
        nodes = self._nodes
        if all(nodes[node].mode is None for node in order):
            return order
        self.sure = False
        found = set(self.targets)
        for node in reversed(order):
            if node in found and nodes[node].mode != "mute":
                used = None if nodes[node].mode is None else set(self._kind(node).passes.values())
                found.update(link.source for link in self._links[node] if used is None or link.input in used)
        return tuple(node for node in order if node in found)

    def add(self, node: str) -> None:
        placed = self._nodes[node]
        if placed.mode == "mute":
            self._gone[node] = f"{node} is muted"
            if node in self.targets:
                self.skipped[node] = "it is muted"
            return
        kind = self._kind(node)
        links = self._links[node]
        blame = ""
        if self._gone or self._absent:
            links, blame = self._present(links)
        self.outputs[node] = kind.outputs
        if placed.mode == "bypass":
            self._bypass(node, kind, links, blame)
            return
        if kind.foreseen:
            self.sure = False
        values = self._values(node, kind, links)
        if values is not None:
            self.steps[node] = self._step(node, kind, values, links, None)
            return
        if not blame:
            raise CheckFailed([Problem(node, None, "has an input without a value", type=placed.type)])
        self._gone[node] = blame
        self.skipped[node] = f"it needs a value, but {blame}"

    def needed_steps(self) -> dict[str, Step]:
        """The steps found, without those that only lead to nodes that cannot run."""
        if not self._gone and not self._absent:
            return self.steps
        found = set(self.targets)
        for node in reversed(self.steps):
            if node in found:
                found.update(self.steps[node].sources)
        return {node: step for node, step in self.steps.items() if node in found}

    def _bypass(self, node: str, kind: Kind, links: tuple[Link, ...], blame: str) -> None:
        """Each output passes the first input of its type, or is absent."""
        used = set(kind.passes.values())
        links = tuple(link for link in links if link.input in used)
        linked = {link.input for link in links}
        values: dict[str, Any] = {}
        try:
            values = self._values(node, kind, links, used) or {}
        except CheckFailed as refused:
            blame = f"{node} is bypassed and its {refused.problems[0].input} {refused.problems[0].message}"
        passes = {}
        for output in kind.spec.outputs:
            name = kind.passes.get(output.name, "")
            if name in linked or values.get(name) is not None:
                passes[output.name] = name
            else:
                self._absent[node, output.name] = blame or f"{node} is bypassed and has no {output.type_name} to pass"
        if passes:
            self.steps[node] = self._step(node, kind, values, links, passes)
        elif node in self.targets:
            self.skipped[node] = "it is bypassed and passes nothing"

    def _present(self, links: tuple[Link, ...]) -> tuple[tuple[Link, ...], str]:
        """The links that bring a value, and what is to blame for the first other one."""
        kept, blame = [], ""
        for link in links:
            why = self._gone.get(link.source) or self._absent.get((link.source, link.output))
            if why is None:
                kept.append(link)
            else:
                blame = blame or why
        return tuple(kept), blame

    def _values(
        self, node: str, kind: Kind, links: tuple[Link, ...], used: set[str] | None = None
    ) -> dict[str, Any] | None:
        """The validated values of the inputs without a wire, in the order of the signature; None when one is missing.

        `used`: the inputs that a bypassed node passes on; others are of no interest.
        """
        placed = self._nodes[node]
        given = placed.inputs
        linked = {link.input for link in links}
        values: dict[str, Any] = {}
        met = 0
        for name, port, required, default in kind.ports:
            if name in given:
                met += 1
            if name in linked or (used is not None and name not in used):
                continue
            if name in given:
                try:
                    values[name] = port.validate(given[name])
                except ValueError as error:
                    raise CheckFailed([Problem(node, name, str(error), type=placed.type)]) from None
            elif not required:
                values[name] = list(default) if type(default) is list else default
            elif used is None:
                return None
        if met < len(given) or len(linked) < len(links) or placed.version > kind.spec.version:
            self.sure = False
        return values

    def _step(
        self, node: str, kind: Kind, values: dict[str, Any], links: tuple[Link, ...], passes: dict[str, str] | None
    ) -> Step:
        if len(links) > 1:
            links = tuple(sorted(links, key=lambda link: (link.input, link.index or 0)))
        wires, sources, labels = [], [], ""
        for link in links:
            convert, label = self._wire(kind, link)
            wires.append(Wire(link.input, (link.source, link.output), convert, link.index is not None))
            sources.append(link.source)
            labels += label
        files: tuple[str, ...] = ()
        linked_files: tuple[str, ...] = ()
        if kind.files:
            linked = {wire.input for wire in wires}
            files = tuple([name for name in kind.files if values.get(name) is not None])
            linked_files = tuple([name for name in kind.files if name in linked])
            self.sure = self.sure and not files
        asks = tuple(asks_of(self._graph, self._registry, node)) if kind.names_checkpoint and passes is None else ()
        self.sure = self.sure and not asks
        text = kind.text if passes is None else f"passes {passes}"
        static = static_text(text, values, files, labels)
        return Step(node, kind.spec, values, tuple(wires), tuple(sources), files, linked_files, passes, static, asks)

    def _wire(self, kind: Kind, link: Link) -> tuple[Callable[[Any], Any] | None, str]:
        """What a link does to the value, None for nothing, and its word in the key."""
        if link.source not in self.steps or link.index is not None:
            self.sure = False  # a circle; or places of a list, of which one may be missing
            if link.source not in self._nodes:
                raise CheckFailed(
                    [Problem(link.target, link.input, f"is linked from {link.source}, which is not there")]
                )
        source = self._nodes[link.source].type
        known = (source, link.output, kind.spec.id, link.input, link.index is not None)
        found = self._wires.get(known)
        if found is None:
            output, port = self._kind(link.source).spec.output(link.output), kind.inputs.get(link.input)
            convert = None if output is None or port is None else self._registry.convertible(output, port, link.index)
            if output is None or port is None or convert is None:
                raise CheckFailed([Problem(link.target, link.input, f"cannot take {link.source}.{link.output}")])
            label = f"{link.output}>{link.input}{'' if link.index is None else '[]'}\n"
            if convert is not identity:
                label += f"{output.type_name}>{port.type_name}\n"
            found = self._wires[known] = (None if convert is identity else convert, label)
        return found

    def _kind(self, node: str) -> Kind:
        type_id = self._nodes[node].type
        kind = self._kinds.get(type_id)
        if kind is None:
            spec = self._registry.get(type_id)
            if spec is None:
                raise CheckFailed([Problem(node, None, self._registry.why_missing(type_id), type=type_id)])
            kind = self._kinds[type_id] = Kind(spec)
        return kind
