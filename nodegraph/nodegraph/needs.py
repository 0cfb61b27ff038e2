"""Which checkpoints a graph needs, told without running it, and what is here of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .checkpoints import CheckpointAsk, CheckpointNeed, CheckpointState, components_of, in_full
from .echoes import UNKNOWN, known_input
from .errors import Problem, listed
from .graphs import Graph
from .registry import Registry

__all__ = ["NeededCheckpoint", "Needs", "asks_of", "folders_of", "missing_checkpoints", "needed_checkpoints"]


@dataclass(frozen=True)
class NeededCheckpoint:
    """A checkpoint, with the components that all these nodes need of it."""

    need: CheckpointNeed
    nodes: tuple[str, ...]
    state: CheckpointState


class Needs(NamedTuple):
    """The checkpoints of a graph, inputs of which only a run can tell which one they name, and those that name none.

    Attributes:
        wrong: by reason, the inputs that have no valid value.
    """

    checkpoints: tuple[NeededCheckpoint, ...]
    unknown: tuple[str, ...] = ()
    wrong: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def asks_of(graph: Graph, registry: Registry, node: str) -> Iterator[CheckpointAsk]:
    """What a node asks of checkpoints; one that is muted or bypassed asks nothing."""
    placed = graph.nodes[node]
    spec = registry.get(placed.type)
    if spec is None or placed.mode is not None:
        return
    for port in spec.inputs:
        components = components_of(port)
        if not components:
            continue
        names = [name for name in (port.name, "revision", "variant") if name in spec.inputs_by_name]
        try:
            known = {name: known_input(graph, registry, node, name) for name in names}
        except ValueError as error:
            yield CheckpointAsk(port.name, components, None, str(error))
            continue
        if UNKNOWN in known.values():
            yield CheckpointAsk(port.name, components, None)
        elif known[port.name] is not None:
            revision, variant = known.get("revision") or "main", known.get("variant") or ""
            yield CheckpointAsk(
                port.name, components, CheckpointNeed(known[port.name], components, str(revision), str(variant))
            )


def folders_of(graph: Graph) -> tuple[Path, Path]:
    """Where a relative path in a graph may start: where its file is, and the working directory."""
    here = Path.cwd()
    return graph.folder or here, here


def needed_checkpoints(graph: Graph, registry: Registry, nodes: Iterable[str] | None = None) -> Needs:
    """The checkpoints that these nodes need, or all; in the order of the graph, each once.

    It looks at files, and never at the network.
    """
    folders = folders_of(graph)
    needs: dict[tuple[str, str, str], CheckpointNeed] = {}
    users: dict[tuple[str, str, str], list[str]] = {}
    wrong: dict[str, list[str]] = {}
    for node in graph.nodes if nodes is None else nodes:
        for ask in asks_of(graph, registry, node):
            if ask.need is None:
                wrong.setdefault(ask.wrong, []).append(f"{node}.{ask.input}")
                continue
            need = replace(ask.need, checkpoint=in_full(ask.need.checkpoint, folders))
            place = (need.checkpoint, need.revision, need.variant)
            before = needs.get(place)
            needs[place] = need if before is None else replace(need, components=merged(before, need))
            if node not in users.setdefault(place, []):
                users[place].append(node)
    found = [
        NeededCheckpoint(need, tuple(users[place]), registry.checkpoint_state(need)) for place, need in needs.items()
    ]
    unknown = wrong.pop("", [])
    return Needs(tuple(found), tuple(unknown), {reason: tuple(inputs) for reason, inputs in wrong.items()})


def merged(one: CheckpointNeed, other: CheckpointNeed) -> tuple[str, ...]:
    """The components of both; what one of them needs is optional no more."""
    all_of_them = dict.fromkeys(name.removesuffix("?") for name in (*one.components, *other.components))
    wanted: set[str] = {*one.components, *other.components}
    return tuple(name if name in wanted else f"{name}?" for name in all_of_them)


def missing_checkpoints(graph: Graph, registry: Registry, nodes: Sequence[str]) -> list[Problem]:
    """A problem for each checkpoint that is not here, at the first node that needs it: no fault, but nothing to run."""
    folders = folders_of(graph)
    users: dict[str, dict[str, str]] = {}  # by what is told of a checkpoint, the nodes and the inputs that name it
    for needed in needed_checkpoints(graph, registry, nodes).checkpoints:
        for node in needed.nodes if needed.state.status == "missing" else ():
            asked = next(ask.input for ask in asks_of(graph, registry, node) if names(ask, needed.need, folders))
            users.setdefault(needed.state.message, {})[node] = asked
    problems = []
    for message, inputs in users.items():
        first, *others = inputs
        too = f"{listed(others)} {'needs' if len(others) == 1 else 'need'} it, too" if others else ""
        problems.append(Problem(first, inputs[first], message, too, type=graph.nodes[first].type))
    return problems


def names(ask: CheckpointAsk, need: CheckpointNeed, folders: Sequence[Path]) -> bool:
    """Whether it is this checkpoint that an input names, whatever it needs of it."""
    if ask.need is None:
        return False
    place = in_full(ask.need.checkpoint, folders), ask.need.revision, ask.need.variant
    return place == (need.checkpoint, need.revision, need.variant)
