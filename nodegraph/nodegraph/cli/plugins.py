"""`nodegraph plugins` and `nodegraph new-plugin`: what is installed, and a start for one of your own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from nodegraph.errors import count

from .logs import verbose_option
from .speaking import complain, say

__all__ = ["new_plugin_command", "plugins_command"]


@click.command("plugins")
@verbose_option
@click.pass_context
def plugins_command(ctx: click.Context) -> int:
    """List the plugins that are installed, and those that could not be loaded."""
    from nodegraph.plugins import load_plugins

    registry = load_plugins()
    brought = Counter(spec.plugin for spec in registry.node_types.values())
    page = ctx.make_formatter()
    if registry.plugins:
        rows = registry.plugins.items()
        page.write_dl([(f"{name} {version}", count(brought[name], "node type")) for name, version in rows])
    say(page.getvalue().rstrip("\n"))
    for trouble in registry.problems:
        complain(f"left out {trouble}")
    return 0


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), metavar="DIR",
    help="Where its folder is made; the working directory unless given.",
)  # fmt: skip
@verbose_option
def new_plugin_command(name: str, out: Path) -> int:
    """Start a plugin: a folder with one node, its test and all that pip needs."""
    from nodegraph.scaffold import new_plugin

    made = new_plugin(name, out)
    complain(f"Made. To install it and run its test: pip install -e {made} && python -m pytest {made}", fg=None)
    say(str(made))
    return 0
