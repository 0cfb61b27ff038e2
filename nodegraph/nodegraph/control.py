"""How another thread stops, pauses and resumes a run.

A control is a request: it takes effect when the node that is running next reports progress, or when it ends.
"""

import threading
import time

from .errors import Cancelled

__all__ = ["Control"]


class Control:
    """The switch of one run; safe to use from any thread. Once cancelled it stays so."""

    def __init__(self) -> None:
        self._cancelled = False
        self._going = threading.Event()
        self._going.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def cancel(self) -> None:
        """End the run at its next step, also when it is paused."""
        self._cancelled = True
        self._going.set()

    def pause(self) -> None:
        """Halt the run at its next step, until `resume` or `cancel`."""
        if not self._cancelled:
            self._going.clear()
            if self._cancelled:  # cancelled from another thread between the two lines above
                self._going.set()

    def resume(self) -> None:
        self._going.set()

    def checkpoint(self) -> float:
        """Wait while paused, raise `Cancelled` when cancelled; return the seconds that were spent paused."""
        waited = 0.0
        if not self._going.is_set():
            began = time.monotonic()
            while not self._going.wait(0.5):  # a wait without an end cannot be interrupted on Windows
                pass
            waited = time.monotonic() - began
        if self._cancelled:
            raise Cancelled("the run was cancelled")
        return waited
