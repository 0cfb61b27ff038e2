"""Showing a download on a terminal with rich: one bar for all files of a checkpoint."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from .bars import Bars
from .fetch import Downloads
from .speaking import harmless

__all__ = ["DownloadBar"]


class DownloadBar(Bars, Downloads):
    """How far a download is, for a person."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        super().__init__(name)
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True, highlight=False),
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
        )
        self.task = self.bars.add_task(harmless(name), total=None)

    def __call__(self, done: int, total: int, file: str) -> None:
        self.bars.update(self.task, completed=done, total=total, description=harmless(file))
