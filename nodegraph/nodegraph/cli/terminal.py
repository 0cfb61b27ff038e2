"""Showing a run on a terminal with rich: what is done scrolls up, what runs has a line with a bar below it."""

from __future__ import annotations

import os
from contextlib import suppress

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from nodegraph.events import Event, NodeFailed, NodeFinished, NodeProgress, NodeSkipped, NodeStarted
from nodegraph.graphs import Graph

from .bars import Bars
from .display import STOPPING, Display, failure_text, finish_words, progress_text
from .speaking import harmless

__all__ = ["Terminal"]

SHOW_CURSOR = b"\x1b[?25h"
STYLES = {"done": "green", "cached": "cyan", "failed": "bold red", "skipped": "yellow"}


class Terminal(Bars, Display):
    """A display for a person."""

    def __init__(self, graph: Graph, console: Console | None = None) -> None:
        super().__init__(graph)
        self.console = console or Console(stderr=True, highlight=False)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=2, no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(ratio=3, no_wrap=True)),
            console=self.console,
            transient=True,
            refresh_per_second=8,
            expand=True,
            redirect_stdout=False,
        )
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case NodeStarted():
                self.tasks[event.node] = self.bars.add_task(harmless(self.labels[event.node]), total=None, note="")
            case NodeProgress() if event.node in self.tasks:
                note = harmless(progress_text(event)).replace("\n", " ")
                self.bars.update(self.tasks[event.node], completed=event.step, total=event.total, note=note)
            case NodeFinished():
                self.ended(event.node, *finish_words(event, self.labels))
            case NodeFailed():
                self.ended(event.node, "failed", failure_text(self.labels, event))
            case NodeSkipped():
                self.ended(event.node, "skipped", f"{self.labels[event.node]}: {event.why}")

    def ended(self, node: str, word: str, text: str) -> None:
        """Take the node's bar away and print how it ended."""
        if node in self.tasks:
            self.bars.remove_task(self.tasks.pop(node))
        self.console.print(Text.assemble((f"{word:<8}", STYLES[word]), harmless(text)))

    def interrupted(self) -> None:
        """Say so, and bring the cursor back for the case that the next interrupt ends the process."""
        with suppress(OSError):
            os.write(2, SHOW_CURSOR + f"\r\n{STOPPING}\r\n".encode())
