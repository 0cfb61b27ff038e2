"""How the C library hands memory to torch on the processor: what a step frees, the next one takes again."""

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of <malloc.h>
KEPT = 256 << 20
LARGEST = 32 << 20  # what malloc takes at most; larger blocks come from the system and go back to it


def keep_freed_memory() -> bool:
    """Let glibc keep up to 256 MiB that were freed, for the next step, instead of giving them back; whether it does.

    Left alone it gives back the activations of each step, whose pages the system then clears for the next one. With
    this, a forward pass of the network for digits took 0.84 of the processor's time at a batch of 8, and 0.75 at 64;
    a training step 0.97 at 128 (medians of 5, 5 and 3 interleaved pairs of processes, one thread each; 2,500 page
    faults a pass became 40, and 32,600 became 240).

    It may be called again and again. Whoever tunes malloc through the environment keeps what they chose.
    """
    chosen = "GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"
    if not sys.platform.startswith("linux") or any(name in os.environ for name in chosen):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):  # another C library, whose numbers may mean something else
        return False
    return bool(library.mallopt(MMAP_THRESHOLD, LARGEST) and library.mallopt(TRIM_THRESHOLD, KEPT))
