"""`nodegraph run`: a saved graph, or a picture that carries one, with values from the command line."""

from __future__ import annotations

import os
import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nodegraph.errors import count

from .flags import FlagsCommand, assigned
from .logs import log_file, verbose_option
from .speaking import complain, duration, say
from .statuses import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from nodegraph.graphs import Graph
    from nodegraph.registry import Registry

__all__ = ["run_command"]

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


MEMORY = re.compile(r"(?:(?P<device>[a-z]+(?::\d+)?)=)?(?P<size>.+)")


def read_memory(
    ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> int | dict[str, int | str] | None:
    """What `Session` takes as its memory, of `--memory 6GB` or `--memory cuda=20GB --memory cpu=32GB`."""
    from nodegraph.errors import UsageError
    from nodegraph.memory import budgets, read_bytes

    parts = [MEMORY.fullmatch(text) for text in given]
    try:
        if len(given) == 1 and parts[0] is not None and parts[0]["device"] is None:
            return read_bytes(given[0])
        found: dict[str, int | str] = {}
        for text, part in zip(given, parts, strict=True):
            if part is None or part["device"] is None:
                raise UsageError(f"memory has {text!r} among others, each must be DEVICE=SIZE, such as cuda=20GB")
            if part["device"] == "auto" or not DEVICE.fullmatch(part["device"]):
                raise UsageError(f"memory has {part['device']!r}, must be a device: cpu, mps, cuda, cuda:0, ...")
            if part["device"] in found:
                raise UsageError(f"memory has {part['device']} twice, leave one out")
            found[part["device"]] = part["size"]
        budgets(found)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None
    return found or None


def check_device(ctx: click.Context, parameter: click.Parameter, device: str) -> str:
    if not DEVICE.fullmatch(device):
        raise click.BadParameter(f"{device!r} is no device, must be auto, cpu, cuda:0 or mps")
    return device


@click.command("run", cls=FlagsCommand, add_help_option=False)
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
@click.option(
    "--memory", multiple=True, callback=read_memory, metavar="[DEVICE=]SIZE",
    help="What networks may take on each device, or on one: 6GB, cuda=20GB; what is free when not said. Repeatable.",
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
    memory: int | dict[str, int | str] | None,
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

    from .inputs import with_assignments
    from .reading import read_graph

    graph, registry = read_graph(file), load_plugins()
    graph = migrated(graph, registry)
    graph = with_assignments(graph, registry, assigned(ctx, settings))
    if wants_help:
        show_help(ctx, file, graph, registry)
        return 0
    refuse_out(out)
    refuse_device(registry, device)
    warn(graph, registry, targets)
    return run_graph(
        file, graph, registry, targets, out, device, events,
        use_cache=not no_cache, metadata=not no_metadata, memory=memory,
    )  # fmt: skip


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
    memory: int | dict[str, int | str] | None = None,
) -> int:
    """Run, showing how it goes, and name the files; the exit status."""
    from nodegraph.aloud import overheard
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
    warned: dict[str, None] = {}
    try:
        with (
            overheard() as warned,
            Session(registry, memory=memory) as session,
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
    for line in warned:
        complain(f"warning {line}", fg="yellow")
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
