"""`nodegraph check`: what is wrong with a graph, told without running it and without importing torch."""

from __future__ import annotations

import click

from .logs import verbose_option
from .speaking import complain, count, say
from .statuses import WRONG

__all__ = ["check_command"]


@click.command("check")
@click.argument("file")
@verbose_option
def check_command(file: str) -> int:
    """Say what is wrong with a graph.

    FILE is a saved graph, or a picture that carries one. The exit status is 2 when something has to be mended before
    it runs, else 0.
    """
    from nodegraph.checks import check
    from nodegraph.plugins import load_plugins

    from .reading import plugin_troubles, read_graph

    graph, registry = read_graph(file), load_plugins()
    problems = check(graph, registry)
    errors = sum(problem.kind == "error" for problem in problems)
    for problem in problems:
        if problem.kind == "error":
            say(str(problem), fg="red")
        else:
            say(f"warning {problem}", fg="yellow")
    for trouble in plugin_troubles(graph, registry):
        complain(f"left out {trouble}")
    size = f"{file}: {count(len(graph.nodes), 'node')}, {count(len(graph.links), 'link')}"
    if errors:
        say(f"{size}, {count(errors, 'problem')}")
        return WRONG
    say(f"{size}, nothing that keeps it from running")
    return 0
