"""What nodes made, kept in memory by key and bounded by bytes; the least recently used leaves first.

Storage that several values share is counted once. The cache knows keys and sizes; what a value is, it does not ask.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from sys import getsizeof
from typing import Any, NamedTuple, TypeAlias

from .memory import memory_bytes

__all__ = ["Entry", "MemoryCache"]

ENTRY_BYTES = 500  # what the bookkeeping of one entry takes
PLAIN = (int, float, bool, str, type(None))

Outputs: TypeAlias = Mapping[str, Any]
Sizes: TypeAlias = Callable[[Any], Iterable[tuple[Hashable, int]]]


def plain_sizes(value: Any) -> Iterable[tuple[Hashable, int]]:
    yield id(value), getsizeof(value)


class Entry(NamedTuple):
    """The outputs of one node by name; `own_bytes` are those that they share with no others."""

    outputs: Outputs
    summary: str
    own_bytes: int
    storages: tuple[tuple[Hashable, int], ...]


class MemoryCache:
    """The outputs of nodes by name, under their keys; safe to use from several threads.

    Args:
        limit_bytes: what it may hold; 2 GiB or a quarter of the machine's memory, whichever is less, when None.
        sizes: yields the (storage, bytes) pairs of a value, as `Registry.nbytes` does.
    """

    def __init__(self, limit_bytes: int | None = None, sizes: Sizes = plain_sizes) -> None:
        self.limit_bytes = min(2 * 2**30, memory_bytes() // 4) if limit_bytes is None else limit_bytes
        self._sizes = sizes
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
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

    def get(self, key: bytes) -> Entry | None:
        """What is kept under a key, which counts as a use of it."""
        found = self._entries.get(key)
        if found is None:
            return None
        with self._lock, suppress(KeyError):  # another thread has dropped it since
            self._entries.move_to_end(key)
        return found

    def put(self, key: bytes, outputs: Outputs, summary: str = "") -> bool:
        """Keep the outputs of a node, and the line about them; False when they alone are larger than it may be."""
        entry = self._measure(outputs, summary)
        if entry.own_bytes + sum([size for _, size in entry.storages]) > self.limit_bytes:
            return False
        with self._lock:
            try:
                self._enter(key, entry)
            except BaseException:  # Ctrl+C may come at any point, and a wrong account would last
                self._forget()
                raise
            return key in self._entries

    def _enter(self, key: bytes, entry: Entry) -> None:
        if key in self._entries:
            self._drop(key)
        held = self._held + entry.own_bytes
        for storage, size in entry.storages:
            readers, known = self._storages.get(storage, (0, 0))
            if size < known:
                size = known
            self._storages[storage] = (readers + 1, size)
            held += size - known
        self._entries[key] = entry
        self._held = held
        while self._held > self.limit_bytes:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._entries.clear()
        self._storages.clear()
        self._held = 0

    def _measure(self, outputs: Outputs, summary: str) -> Entry:
        own = ENTRY_BYTES
        found: dict[Hashable, int] = {}
        for value in outputs.values():
            if type(value) in PLAIN:
                own += getsizeof(value)
                continue
            for storage, size in self._sizes(value):
                found[storage] = max(size, found.get(storage, 0))
        return Entry(outputs, summary, own, tuple(found.items()) if found else ())

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key)
        self._held -= entry.own_bytes
        for storage, _ in entry.storages:
            readers, size = self._storages[storage]
            if readers > 1:
                self._storages[storage] = (readers - 1, size)
            else:
                del self._storages[storage]
                self._held -= size
