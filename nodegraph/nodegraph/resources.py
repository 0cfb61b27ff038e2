"""Networks and other heavy things that nodes load once and share, in a store bounded by bytes.

A value stays until room is needed; the least recently used one leaves first. Whoever holds a value may go on using
it: the store only lets go of its own reference. It knows nothing of what it stores.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Resources", "is_out_of_memory", "memory_bytes"]

T = TypeVar("T")


def memory_bytes() -> int:
    """The memory of this machine in bytes; 8 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the host or, by the name torch gives it, on a device."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )


class Entry:
    """One stored value: where it is, and its size."""

    __slots__ = ("device", "size", "value")

    def __init__(self, value: Any, device: str, size: int) -> None:
        self.value = value
        self.device = device
        self.size = size


class Resources:
    """The store; safe to use from several threads, which make one value once.

    Args:
        limit_bytes: what it may hold; half of the machine's memory when None. One value alone may be larger.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self.limit_bytes = memory_bytes() // 2 if limit_bytes is None else limit_bytes
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._making: dict[Hashable, tuple[threading.RLock, list[int]]] = {}
        self._lock = threading.RLock()

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None = None,
        move: Callable[[T, str], T] | None = None,
        device: str = "cpu",
    ) -> T:
        """Return the value of `key`, made or moved first where needed.

        Args:
            make: makes the value, on whatever device it likes; `move` then brings it to `device`.
            nbytes: its size in bytes; without it the value counts as nothing.
            move: returns the value on another device; without it the value stays where it was made.
            device: where the value is wanted.
        """
        with self._lock:
            lock, waiting = self._making.setdefault(key, (threading.RLock(), []))
            waiting.append(1)
        try:
            with lock:
                return self._provide(key, make, nbytes, move, device)
        finally:
            with self._lock:
                waiting.pop()
                if not waiting:
                    self._making.pop(key, None)

    def _provide(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None,
        move: Callable[[T, str], T] | None,
        device: str,
    ) -> T:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                if entry.device == device or move is None:
                    return entry.value  # type: ignore[no-any-return]
        stored: T = self._with_room(make, key) if entry is None else entry.value
        if move is not None:
            arrive = move
            value = self._with_room(lambda: arrive(stored, device), key)
        else:
            value = stored
        size = 0 if nbytes is None else int(nbytes(value))
        with self._lock:
            self._entries[key] = Entry(value, device, size)
            self._entries.move_to_end(key)
            self._shrink(self.limit_bytes, spare=key)
        return value

    def _with_room(self, make: Callable[[], T], spare: Hashable) -> T:
        """Make a value; when memory runs out, let go of all others and try once more."""
        try:
            return make()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or not self._drop_others(spare):
                raise
        return make()

    def _drop_others(self, spare: Hashable) -> bool:
        with self._lock:
            before = len(self._entries)
            self._shrink(-1, spare)
            return len(self._entries) < before

    def _shrink(self, limit: int, spare: Hashable = None) -> None:
        total = self.held_bytes
        for key in [key for key in self._entries if key != spare]:
            if total <= limit:
                return
            total -= self._entries.pop(key).size

    @property
    def held_bytes(self) -> int:
        """What the stored values take."""
        with self._lock:
            return sum(entry.size for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def release(self, key: Hashable) -> bool:
        """Let go of one value; whether it was there."""
        with self._lock:
            return self._entries.pop(key, None) is not None

    def make_room(self, wanted: int) -> int:
        """Let go of the least recently used values until `wanted` bytes are free; return how many were."""
        with self._lock:
            before = self.held_bytes
            self._shrink(before - wanted)
            return before - self.held_bytes

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
