"""What can be told of a graph before it runs: its problems, its checkpoints, and what is known of its cost."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from nodegraph.checks import check
from nodegraph.echoes import known_input
from nodegraph.errors import Problem
from nodegraph.graphs import Graph
from nodegraph.migrations import migrated
from nodegraph.needs import NeededCheckpoint, needed_checkpoints
from nodegraph.registry import Registry

__all__ = ["inspected", "problem_json"]


def inspected(graph: Graph, registry: Registry) -> dict[str, Any]:
    """The answer to `check`."""
    graph = migrated(graph, registry)
    needs = needed_checkpoints(graph, registry)
    return {
        "problems": [problem_json(problem) for problem in check(graph, registry)],
        "checkpoints": [checkpoint_json(each) for each in needs.checkpoints],
        "unknown": list(needs.unknown),
        "steps": dict(known_steps(graph, registry)),
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    return asdict(problem)


def checkpoint_json(needed: NeededCheckpoint) -> dict[str, Any]:
    need, state = needed.need, needed.state
    return {
        "checkpoint": need.checkpoint,
        "revision": need.revision,
        "variant": need.variant,
        "components": list(need.components),
        "nodes": list(needed.nodes),
        "status": state.status,
        "place": state.place,
        "message": state.message,
        "found": list(state.found),
        "missing": list(state.missing),
    }


def known_steps(graph: Graph, registry: Registry) -> Iterator[tuple[str, int]]:
    """The number that each node with an input `steps` has there, where it is known without a run.

    What a step costs, a sampler says when it starts.
    """
    for node, placed in graph.nodes.items():
        spec = registry.get(placed.type)
        port = None if spec is None or placed.mode is not None else spec.input("steps")
        if port is not None and port.type is int and not port.indexed:
            steps = known_input(graph, registry, node, "steps")
            if isinstance(steps, int):
                yield node, steps
