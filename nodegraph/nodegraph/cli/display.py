"""Showing a run while it goes: JSON lines for a program, plain lines for a log; `terminal` draws for a person.

A display is a callable that takes every event of the run. Runs are told about on standard error, so that standard
output holds results only: the files that were written or, with `--events json`, the events.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from nodegraph.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    to_json,
)
from nodegraph.graphs import Graph

from .speaking import complain, duration

__all__ = ["Display", "JsonLines", "PlainLines", "choose_display", "failure_text", "progress_text"]

SECONDS_BETWEEN_LINES = 5.0
STOPPING = "Stopping after this step; Ctrl+C again ends at once."


class Display:
    """Base of the displays: a context manager, open while the run goes on, that takes its events."""

    previews = False

    def __init__(self, graph: Graph) -> None:
        self.labels: Mapping[str, str] = {id: f"{id} ({node.type})" for id, node in graph.nodes.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def __call__(self, event: Event) -> None:
        raise NotImplementedError

    def interrupted(self) -> None:
        """Say that the run stops soon. Runs inside a signal handler."""
        with suppress(OSError):
            os.write(2, f"\n{STOPPING}\n".encode())


class JsonLines(Display):
    """Each event as one line of JSON on standard output, whole lines even from several threads."""

    previews = True

    def __init__(self, graph: Graph, stop: Callable[[], None]) -> None:
        super().__init__(graph)
        self.stop = stop
        self.reader_gone = False
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if isinstance(event, NodeFailed):
            complain(failure_text(self.labels, event))
        if self.reader_gone:
            return
        try:
            with self.lock:
                sys.stdout.write(json.dumps(to_json(event), separators=(",", ":")) + "\n")
                sys.stdout.flush()
        except OSError as error:
            self.reader_gone = True
            if not isinstance(error, BrokenPipeError):
                complain(f"cannot write the events to standard output: {error.strerror or error}; the run is stopped")
            self.stop()


class PlainLines(Display):
    """A line when a node starts, ends, fails or is skipped, and now and then one about how far it is."""

    def __init__(self, graph: Graph, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(graph)
        self.clock = clock
        self.last_line = clock()

    def __call__(self, event: Event) -> None:
        match event:
            case NodeStarted():
                self.line("start", self.labels[event.node])
            case NodeProgress() if self.clock() - self.last_line >= SECONDS_BETWEEN_LINES:
                self.line("", f"{event.node}  {progress_text(event)}")
            case NodeFinished():
                self.line(*finish_words(event, self.labels))
            case NodeFailed():
                self.line("failed", failure_text(self.labels, event), fg="red")
            case NodeSkipped():
                self.line("skipped", f"{self.labels[event.node]}: {event.why}", fg="yellow")

    def line(self, word: str, text: str, fg: str | None = None) -> None:
        complain(f"{word:<8}{text}", fg=fg)
        self.last_line = self.clock()


def choose_display(graph: Graph, *, events: str | None, stop: Callable[[], None]) -> Display:
    """The display for where the output goes; `stop` is called when the reader of JSON lines has gone."""
    if events == "json":
        return JsonLines(graph, stop)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from .terminal import Terminal  # rich takes a while to import

        return Terminal(graph)
    return PlainLines(graph)


def finish_words(event: NodeFinished, labels: Mapping[str, str]) -> tuple[str, str]:
    """`done` or `cached`, and the rest of the line."""
    summary = f"  {event.summary}" if isinstance(event.summary, str) and event.summary else ""
    if event.cached:
        return "cached", f"{labels[event.node]}{summary}"
    return "done", f"{labels[event.node]}  {duration(event.seconds)}{summary}"


def progress_text(event: NodeProgress) -> str:
    """`12/50, 8.2 s left, loss 0.031`."""
    left = [f"{duration(event.seconds_left)} left"] if event.seconds_left else []
    return ", ".join([f"{event.step}/{event.total}", *left, *([event.text] if event.text else [])])


def failure_text(labels: Mapping[str, str], event: NodeFailed) -> str:
    """`guide (CFGCombine): scale is 99, must be at most 30; use a smaller one`."""
    return f"{labels[event.node]}: {event.message}" + (f"; {event.remedy}" if event.remedy else "")
