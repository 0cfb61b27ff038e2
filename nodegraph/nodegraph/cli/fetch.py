"""`nodegraph fetch`: downloads the checkpoints that a graph needs, what is missing of them and nothing else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from nodegraph.errors import count

from .logs import verbose_option
from .speaking import complain, duration, say
from .statuses import FAILED, INTERRUPTED, WRONG

if TYPE_CHECKING:
    from nodegraph.needs import NeededCheckpoint
    from nodegraph.registry import Registry

__all__ = ["Downloads", "fetch_command", "progress_text"]

SECONDS_BETWEEN_LINES = 5.0


@click.command("fetch")
@click.argument("file")
@click.option(
    "--set", "settings", multiple=True, metavar="NODE.INPUT=VALUE",
    help="Fetch for the graph with another value for an input; can be repeated.",
)
@verbose_option
def fetch_command(file: str, settings: tuple[str, ...]) -> int:
    """Download the checkpoints that a graph needs.

    FILE is a saved graph, or a picture that carries one. Only the components that its nodes need are downloaded, as
    safetensors, into the cache that other programs share (HF_HUB_CACHE says where). What is here already is left as it
    is, and no network is used when all is. Ctrl+C stops; the next call goes on from there. For a gated model, accept
    its licence on its page and log in with `hf auth login`, or set HF_TOKEN.

    The exit status is 1 when something could not be downloaded, 2 when the file is wrong.
    """
    from nodegraph.migrations import migrated
    from nodegraph.needs import needed_checkpoints
    from nodegraph.plugins import load_plugins

    from .checkpoints import here_text
    from .inputs import Assignment, with_assignments
    from .interrupts import terminated_as_interrupted
    from .reading import plugin_troubles, read_graph

    registry = load_plugins()
    graph = migrated(read_graph(file), registry)
    graph = with_assignments(graph, registry, map(Assignment.parse, settings))
    for trouble in plugin_troubles(graph, registry):
        complain(f"left out {trouble}")
    needs = needed_checkpoints(graph, registry)
    for place in needs.unknown:
        complain(f"checkpoint of {place}: only a run can tell which, so it is not fetched", fg="yellow")
    for reason, inputs in needs.wrong.items():
        complain(f"{', '.join(inputs)}: {reason}")
    statuses = [WRONG] * len(needs.wrong)
    try:
        with terminated_as_interrupted():
            for needed in needs.checkpoints:
                if needed.state.status == "wrong":
                    complain(f"{', '.join(needed.nodes)}: {needed.state.message}")
                    statuses.append(WRONG)
                elif needed.state.status == "missing":
                    statuses.append(fetch(needed, registry))
                else:
                    for line in here_text(needed):
                        say(line)
    except KeyboardInterrupt:
        complain(f"stopped; what came stays, and `nodegraph fetch {file}` goes on from there", fg="yellow")
        return INTERRUPTED
    failed = sum(status != 0 for status in statuses)
    if failed:
        complain(f"{file}: {count(failed, 'checkpoint')} could not be fetched")
    elif needs.checkpoints:
        say(f"{file}: all checkpoints that it needs are here")
    else:
        say(f"{file}: it needs no checkpoint")
    return max(statuses, default=0)


def fetch(needed: NeededCheckpoint, registry: Registry) -> int:
    """Download one checkpoint, showing how it goes; the exit status."""
    from .checkpoints import here_text, missing_text, name_text

    for line in missing_text(needed):
        complain(line, fg="yellow")
    try:
        with choose_downloads(name_text(needed)) as downloads:
            registry.fetch_checkpoint(needed.need, downloads)
    except ValueError as error:
        complain(str(error))
        return FAILED
    state = registry.checkpoint_state(needed.need)
    for line in here_text(type(needed)(needed.need, needed.nodes, state)):
        say(line)
    if state.status != "here":
        complain(state.message)
        return FAILED
    return 0


class Downloads:
    """How far a download is, as a line now and then; a context manager that is told of every piece."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.clock = clock
        self.began: tuple[float, int] | None = None
        self.last_line = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def __call__(self, done: int, total: int, file: str) -> None:
        """Bytes that are here, bytes of all files, and the file that is on its way."""
        now = self.clock()
        if self.began is None:
            self.began = (now, done)
        if now - self.last_line >= SECONDS_BETWEEN_LINES:
            complain(f"        {progress_text(done, total, now - self.began[0], self.began[1])}  {file}", fg=None)
            self.last_line = now


def progress_text(done: int, total: int, seconds: float, begun: int = 0) -> str:
    """`1.2 of 8.6 GB, 3 min 20 s left`; `begun` bytes were here before these seconds began."""
    from .checkpoints import size_text

    left = f", {duration((total - done) * seconds / (done - begun))} left" if done > begun and done < total else ""
    return f"{size_text(done)} of {size_text(total)}{left}"


def choose_downloads(name: str) -> Downloads:
    """Bars for a person at a terminal, lines for a log."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from .download_bar import DownloadBar  # rich takes a while to import

        return DownloadBar(name)
    return Downloads(name)
