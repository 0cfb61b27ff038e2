"""Bars on a terminal, drawn by rich for as long as a context lasts."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import Progress

__all__ = ["Bars"]


class Bars:
    """A context manager that shows its `bars`, and takes them away at its end."""

    bars: Progress

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()
