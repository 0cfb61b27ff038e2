"""`nodegraph check`: what is wrong with a graph and what it needs, told without running it or importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nodegraph.errors import count

from .logs import verbose_option
from .speaking import complain, say
from .statuses import FAILED, WRONG

if TYPE_CHECKING:
    from nodegraph.checkpoints import CheckpointNeed
    from nodegraph.needs import Needs
    from nodegraph.registry import Registry

__all__ = ["check_command"]


@click.command("check")
@click.argument("file")
@click.option(
    "--set", "settings", multiple=True, metavar="NODE.INPUT=VALUE",
    help="Look at the graph with another value for an input; can be repeated.",
)
@click.option("--online", is_flag=True, help="Ask the hub how large the checkpoints are that are missing.")
@verbose_option
def check_command(file: str, settings: tuple[str, ...], online: bool) -> int:
    """Say what is wrong with a graph, and which checkpoints it needs.

    FILE is a saved graph, or a picture that carries one. The exit status is 2 when something has to be mended before
    it runs, else 0: also when checkpoints are missing, which `nodegraph fetch FILE` downloads. The network is used with
    --online only; if that fails, the exit status is 1.
    """
    from nodegraph.checks import check
    from nodegraph.migrations import migrated
    from nodegraph.needs import needed_checkpoints
    from nodegraph.plugins import load_plugins

    from .checkpoints import say_needs
    from .inputs import Assignment, with_assignments
    from .reading import plugin_troubles, read_graph

    graph, registry = read_graph(file), load_plugins()
    if settings:
        graph = with_assignments(migrated(graph, registry), registry, map(Assignment.parse, settings))
    problems = check(graph, registry)
    errors = sum(problem.kind == "error" for problem in problems)
    for problem in problems:
        if problem.kind == "error":
            say(str(problem), fg="red")
        else:
            say(f"warning {problem}", fg="yellow")
    for trouble in plugin_troubles(graph, registry):
        complain(f"left out {trouble}")
    needs = needed_checkpoints(migrated(graph, registry), registry)
    rest, failures = asked(needs, registry) if online else ({}, [])
    say_needs(needs, rest)
    for failure in failures:
        complain(failure)
    size = f"{file}: {count(len(graph.nodes), 'node')}, {count(len(graph.links), 'link')}"
    if errors:
        say(f"{size}, {count(errors, 'problem')}")
        return WRONG
    if any(needed.state.status == "missing" for needed in needs.checkpoints):
        say(f"{size}, nothing wrong; `nodegraph fetch {file}` downloads what is missing")
    else:
        say(f"{size}, nothing that keeps it from running")
    return FAILED if failures else 0


def asked(needs: Needs, registry: Registry) -> tuple[dict[CheckpointNeed, str], list[str]]:
    """How large the rest of each checkpoint is, and why that cannot be told of others."""
    from .checkpoints import size_text

    rest, failures = {}, []
    for needed in needs.checkpoints:
        if needed.state.status == "missing":
            try:
                found = registry.checkpoint_rest(needed.need)
            except ValueError as error:
                failures.append(str(error))
            else:
                rest[needed.need] = f", {size_text(found.bytes, found.files)} to download"
    return rest, failures
