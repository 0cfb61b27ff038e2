"""`nodegraph run`: a saved graph, or a picture that carries one, with values from the command line."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nodegraph.errors import count

from .logs import log_file, verbose_option
from .speaking import complain, duration, say
from .statuses import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from nodegraph.graphs import Graph
    from nodegraph.registry import Registry

__all__ = ["run_command"]

FLAG = re.compile(r"--([A-Za-z0-9_-]{1,64}\.[^\W\d]\w*)(?:=(.*))?", re.DOTALL)
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
Flags = list[tuple[str, str | None]]


class RunCommand(click.Command):
    """A command that also takes `--node.input value`, where only the graph knows which of these there are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest, ctx.meta[__name__] = split_flags(args)
        try:
            return super().parse_args(ctx, list(rest))  # click empties the list that it gets
        except click.NoSuchOption as error:
            near = near_flags(error.option_name, rest) or error.possibilities
            raise click.NoSuchOption(error.option_name, possibilities=near, ctx=ctx) from None


def split_flags(args: Iterable[str]) -> tuple[list[str], Flags]:
    """The arguments that click knows, and those of the form `--node.input value` or `--node.input=value`."""
    waiting = list(args)[::-1]
    rest: list[str] = []
    flags: Flags = []
    while waiting:
        arg = waiting.pop()
        if arg == "--":
            rest += [arg, *reversed(waiting)]
            break
        found = FLAG.fullmatch(arg)
        if found is None:
            rest.append(arg)
        elif found[2] is not None or not waiting or waiting[-1].startswith("--"):
            flags.append((found[1], found[2]))
        else:
            flags.append((found[1], waiting.pop()))
    return rest, flags


def near_flags(option: str, args: list[str]) -> list[str]:
    """The graph's own flags that are meant by an unknown option: of like spelling, or with that input name."""
    from nodegraph.files import load
    from nodegraph.migrations import migrated
    from nodegraph.plugins import load_plugins

    from .inputs import own_inputs

    file = next((arg for arg in args if not arg.startswith("-") and Path(arg).is_file()), None)
    if file is None:
        return []
    with suppress(Exception):  # a faulty graph offers nothing; the message about the option is what matters
        registry = load_plugins()
        own = list(own_inputs(migrated(load(file), registry), registry))
        names = get_close_matches(option.lstrip("-"), {one.spec.name for one in own})
        places = get_close_matches(option.lstrip("-"), [one.place for one in own])
        return [f"--{one.place}" for one in own if one.place in places or one.spec.name in names]
    return []


def check_device(ctx: click.Context, parameter: click.Parameter, device: str) -> str:
    if not DEVICE.fullmatch(device):
        raise click.BadParameter(f"{device!r} is no device, must be auto, cpu, cuda:0 or mps")
    return device


@click.command("run", cls=RunCommand, add_help_option=False)
@click.argument("file", required=False)
@click.option(
    "--set", "settings", multiple=True, metavar="NODE.INPUT=VALUE",
    help="Give an input another value; can be repeated.",
)
@click.option(
    "--only", "targets", multiple=True, metavar="NODE",
    help="Run this node and what it needs; can be repeated.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("output"), show_default=True, metavar="DIR",
    help="Folder for what the nodes write.",
)
@click.option(
    "--device", default="auto", show_default=True, callback=check_device, metavar="DEVICE",
    help="Where networks run: auto, cpu, cuda:0, mps.",
)
@click.option("--events", type=click.Choice(["json"]), help="Print every event as a line of JSON on standard output.")
@click.option("--no-cache", is_flag=True, help="Run every node, whatever is remembered of it.")
@click.option("--no-metadata", is_flag=True, help="Leave the graph out of the pictures.")
@verbose_option
@click.option(
    "-h", "--help", "wants_help", is_flag=True,
    help="Show this page; with FILE, the inputs of that graph too.",
)
@click.pass_context
def run_command(
    ctx: click.Context,
    file: str | None,
    settings: tuple[str, ...],
    targets: tuple[str, ...],
    out: Path,
    device: str,
    events: str | None,
    no_cache: bool,
    no_metadata: bool,
    wants_help: bool,
) -> int:
    """Run a graph.

    FILE is a saved graph, or a picture that carries one. Each of its inputs is a flag here, such as --sample.steps 20;
    `nodegraph run FILE --help` lists them.
    """
    if file is None:
        if not wants_help:
            raise click.UsageError("FILE is missing: which graph, or which picture that carries one?", ctx)
        say(ctx.get_help())
        return 0
    from nodegraph.migrations import migrated
    from nodegraph.plugins import load_plugins

    from .inputs import Assignment, with_assignments
    from .reading import read_graph

    graph, registry = read_graph(file), load_plugins()
    graph = migrated(graph, registry)
    assignments = [Assignment.parse(text) for text in settings]
    assignments += [Assignment(place, text, True) for place, text in ctx.meta[__name__]]
    graph = with_assignments(graph, registry, assignments)
    if wants_help:
        show_help(ctx, file, graph, registry)
        return 0
    refuse_out(out)
    refuse_device(registry, device)
    warn(graph, registry, targets)
    return run_graph(
        file, graph, registry, targets, out, device, events, use_cache=not no_cache, metadata=not no_metadata
    )


def show_help(ctx: click.Context, file: str, graph: Graph, registry: Registry) -> None:
    from .graph_help import graph_help

    parameters = ctx.command.get_params(ctx)
    records = [parameter.get_help_record(ctx) for parameter in parameters if isinstance(parameter, click.Option)]
    options = [record for record in records if record is not None]
    width = ctx.make_formatter().width
    say(graph_help(file, graph, registry, options, width))


def refuse_out(out: Path) -> None:
    """UsageError now rather than after an hour of work, when the output folder cannot be one."""
    from nodegraph.errors import UsageError

    there = next((path for path in (out, *out.absolute().parents) if path.exists()), out)
    if not there.is_dir():
        raise UsageError(f"--out {out}: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise UsageError(f"--out {out}: {there} cannot be written to")


def refuse_device(registry: Registry, device: str) -> None:
    """UsageError when a device that was named is not here; the others are asked for by the nodes that need one."""
    from nodegraph.errors import UsageError

    if device not in ("auto", "cpu"):
        try:
            registry.device(device)
        except ValueError as error:
            raise UsageError(f"--device {device}: {error}") from None


def warn(graph: Graph, registry: Registry, targets: tuple[str, ...]) -> None:
    """Print what is odd; what is wrong is told by the run, which refuses then."""
    from nodegraph.checks import check

    for problem in check(graph, registry, targets=targets or None):
        if problem.kind == "warning":
            complain(f"warning {problem}", fg="yellow")


def run_graph(
    file: str,
    graph: Graph,
    registry: Registry,
    targets: tuple[str, ...],
    out: Path,
    device: str,
    events: str | None,
    *,
    use_cache: bool,
    metadata: bool,
) -> int:
    """Run, showing how it goes, and name the files; the exit status."""
    from nodegraph.control import Control
    from nodegraph.errors import Cancelled, CheckFailed, GraphWarning, RunFailed
    from nodegraph.outputs import OutputFolder
    from nodegraph.sessions import Session

    from .display import choose_display
    from .interrupts import cancelled_by_interrupt
    from .reading import plugin_troubles

    control = Control()
    folder = OutputFolder(out)
    began = time.monotonic()
    display = choose_display(graph, events=events, stop=control.cancel)
    status, ending = 0, "done in"
    try:
        with (
            Session(registry) as session,
            cancelled_by_interrupt(control, display.interrupted),
            display,
            warnings.catch_warnings(action="ignore", category=GraphWarning),  # `warn` has told it
        ):
            session.run(
                graph, targets or None, emit=display, out=folder, device=device, keep="targets", control=control,
                use_cache=use_cache, metadata=metadata, previews=display.previews,
            )  # fmt: skip
    except CheckFailed:
        for trouble in plugin_troubles(graph, registry):
            complain(f"left out {trouble}")
        raise
    except RunFailed as error:
        failed = count(len(error.result.failed), "node")
        status, ending = FAILED, f"{failed} failed, as {log_file()} tells in full; ended after"
    except Cancelled:
        status, ending = INTERRUPTED, "cancelled after"
    took = duration(time.monotonic() - began)
    written = f", {count(len(folder.files), 'file')}:" if folder.files else ""
    complain(f"{file}: {ending} {took}{written}", fg="red" if status else "green")
    for path in folder.files:
        name = from_here(path)
        if events == "json":
            complain(name, fg=None)
        else:
            say(name)
    return status


def from_here(path: Path) -> str:
    """A path as one would type it in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
