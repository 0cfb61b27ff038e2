"""What nodes made, kept in memory by key and bounded by bytes; the least recently used leaves first.

Storage that several values share is counted once. The cache knows keys and sizes; what a value is, it does not ask.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeAlias

from .resources import memory_bytes

__all__ = ["MemoryCache"]

ENTRY_BYTES = 500  # what the bookkeeping of one entry takes
PLAIN = (int, float, bool, str, type(None))

Outputs: TypeAlias = Mapping[str, Any]
Sizes: TypeAlias = Callable[[Any], Iterable[tuple[Hashable, int]]]


def plain_sizes(value: Any) -> Iterable[tuple[Hashable, int]]:
    yield id(value), sys.getsizeof(value)


class MemoryCache:
    """The outputs of nodes by name, under their keys; safe to use from several threads.

    Args:
        limit_bytes: what it may hold; 2 GiB or a quarter of the machine's memory, whichever is less, when None.
        sizes: yields the (storage, bytes) pairs of a value, as `Registry.nbytes` does.
    """

    def __init__(self, limit_bytes: int | None = None, sizes: Sizes = plain_sizes) -> None:
        self.limit_bytes = min(2 * 2**30, memory_bytes() // 4) if limit_bytes is None else limit_bytes
        self._sizes = sizes
        self._entries: OrderedDict[bytes, tuple[Outputs, tuple[tuple[Hashable, int], ...]]] = OrderedDict()
        self._storages: dict[Hashable, tuple[int, int]] = {}  # in how many entries it is, and its bytes
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        return self._held

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def get(self, key: bytes) -> Outputs | None:
        """What is kept under a key, which counts as a use of it."""
        try:
            found = self._entries[key]
            self._entries.move_to_end(key)
        except KeyError:  # not there, or dropped by another thread between the two lines
            return None
        return found[0]

    def put(self, key: bytes, outputs: Outputs) -> bool:
        """Keep the outputs of a node; False when they alone are larger than the cache may be."""
        storages = self._measure(outputs)
        if ENTRY_BYTES + sum([size for _, size in storages]) > self.limit_bytes:
            return False
        with self._lock:
            if key in self._entries:
                self._drop(key)
            held = self._held + ENTRY_BYTES
            for storage, size in storages:
                readers, known = self._storages.get(storage, (0, 0))
                if size < known:
                    size = known
                self._storages[storage] = (readers + 1, size)
                held += size - known
            self._entries[key] = (outputs, storages)
            self._held = held
            while self._held > self.limit_bytes:
                self._drop(next(iter(self._entries)))
            return key in self._entries

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._storages.clear()
            self._held = 0

    def _measure(self, outputs: Outputs) -> tuple[tuple[Hashable, int], ...]:
        found: dict[Hashable, int] = {}
        for value in outputs.values():
            if type(value) in PLAIN:
                found[id(value)] = sys.getsizeof(value)
                continue
            for storage, size in self._sizes(value):
                found[storage] = max(size, found.get(storage, 0))
        return tuple(found.items())

    def _drop(self, key: bytes) -> None:
        _, storages = self._entries.pop(key)
        self._held -= ENTRY_BYTES
        for storage, _ in storages:
            readers, size = self._storages[storage]
            if readers > 1:
                self._storages[storage] = (readers - 1, size)
            else:
                del self._storages[storage]
                self._held -= size
