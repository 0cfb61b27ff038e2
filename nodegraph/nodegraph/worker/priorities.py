"""Stepping back: a worker that computes for hours leaves the processor to whoever moves a mouse."""

import os
import sys
from contextlib import suppress

__all__ = ["step_back"]

NICENESS = 10
BELOW_NORMAL = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS of the Windows API


def step_back() -> None:
    """Lower the priority of this process, where the system lets it."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.SetPriorityClass(ctypes.c_void_p(kernel.GetCurrentProcess()), BELOW_NORMAL)
    else:
        with suppress(OSError):
            os.nice(NICENESS)
