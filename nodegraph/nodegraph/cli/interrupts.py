"""Ctrl+C during a run: the first asks it to stop after the present step, the second ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nodegraph.control import Control

__all__ = ["cancelled_by_interrupt", "terminated_as_interrupted"]


@contextmanager
def cancelled_by_interrupt(control: Control, tell: Callable[[], None]) -> Iterator[None]:
    """Within this, an interrupt (or SIGTERM) cancels; then the system's own answer to the next one is restored.

    That second one works even while a node is inside a library that lets no Python run. `tell` runs inside the signal
    handler, so it must not use buffered streams.
    """

    def cancel(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        control.cancel()
        tell()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, cancel)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Within this, SIGTERM raises KeyboardInterrupt, as Ctrl+C does: for work that may be left at any point."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
