"""`nodegraph worker`: a process that runs graphs for another program, over standard input and output."""

from __future__ import annotations

import faulthandler
import sys

import click

from .logs import verbose_option
from .run import check_device, read_memory

__all__ = ["worker_command"]


@click.command("worker")
@click.option(
    "--device", default="auto", show_default=True, callback=check_device, metavar="DEVICE",
    help="Where networks run, unless a request says: auto, cpu, cuda:0, mps.",
)  # fmt: skip
@click.option(
    "--memory", multiple=True, callback=read_memory, metavar="[DEVICE=]SIZE",
    help="What networks may take on each device, or on one: 6GB, cuda=20GB; what is free when not said. Repeatable.",
)  # fmt: skip
@verbose_option
def worker_command(device: str, memory: int | dict[str, int | str] | None) -> int:
    """Describe, check and run graphs for another program, such as the editor.

    It reads requests from standard input and writes answers and events to standard output, one JSON object a line;
    help(nodegraph.worker) in Python lists them. The editor starts it, here or, with `ssh HOST nodegraph worker`,
    elsewhere. It runs at a lower priority, and ends with its input.
    """
    from nodegraph.worker.priorities import step_back
    from nodegraph.worker.servers import Server
    from nodegraph.worker.streams import take_streams

    streams = take_streams()  # before any plugin is loaded
    faulthandler.enable(sys.__stderr__ or 2)
    step_back()

    from nodegraph.plugins import load_plugins

    return Server(streams, load_plugins, device, memory).serve()
