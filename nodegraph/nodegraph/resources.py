"""Networks and other heavy things that nodes load once and share, in a store with a budget of bytes for each device.

A value stays until room is needed on its device; the least recently used one leaves first (`rooms`). What is in use
(`use`) stays where it is. Whoever holds a value that was dropped may go on using it: the store only lets go of its own
reference. It knows nothing of what it stores.
"""

import threading
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any, TypeVar

from .memory import Budgets, DeviceMemoryTeller, is_out_of_memory
from .rooms import HOST, Entry, Rooms, name_of, nothing_known

__all__ = ["Resources"]

T = TypeVar("T")


class Resources(Rooms):
    """The store; safe to use from several threads, which make one value once.

    Args:
        limit_bytes: what it may hold on each device, or by device ("cuda" for all of that kind, "cuda:0" for one).
            Where it is not said: what is free on the device, less an eighth of it. One value alone may be larger.
        memory: tells what is free on a device and gives back what is kept there for nothing. The processor's memory is
            known without it; another device that nobody knows has no limit.
    """

    def __init__(self, limit_bytes: Budgets = None, memory: DeviceMemoryTeller = nothing_known) -> None:
        super().__init__(limit_bytes, memory)
        self._sizes: dict[Hashable, int] = {}  # of all that were ever here
        self._making: dict[Hashable, tuple[threading.RLock, list[int]]] = {}

    # Asking for values

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None = None,
        move: Callable[[T, str], T] | None = None,
        device: str = HOST,
        need: Callable[[], int] | None = None,
    ) -> T:
        """Return the value of `key`, made or moved first where needed. It may leave as soon as another needs room.

        Args:
            make: makes the value, on the CPU where it can also be moved; `move` then brings it to `device`.
            nbytes: its size in bytes; without it the value counts as nothing.
            move: returns the value on another device; without it the value stays where it was made, which is `device`.
            device: where the value is wanted.
            need: the bytes that making it takes, where that can be told before.

        Raises:
            OutOfMemory: there is no room for it, though all that is not in use has left.
        """
        return self._take(key, make, nbytes, move, device, need, pin=False).value  # type: ignore[no-any-return]

    @contextmanager
    def use(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None = None,
        move: Callable[[T, str], T] | None = None,
        device: str = HOST,
        need: Callable[[], int] | None = None,
    ) -> Generator[T, None, None]:
        """As `get`, with a value that stays on `device` until the block ends.

        Another thread that wants it elsewhere waits. Within the block this thread may ask for it on this device only.
        """
        entry = self._take(key, make, nbytes, move, device, need, pin=True)
        try:
            yield entry.value
        finally:
            self._done_with(entry)

    def _done_with(self, entry: Entry) -> None:
        with self._changed:
            self._let_be(entry)
        if self.limit(entry.device) is not None:  # while it was in use, more may have come than there is room for
            self._let_go(entry.device, self._lacking(entry.device), spare=self._newest(entry.device))

    def _let_be(self, entry: Entry) -> None:
        me = threading.get_ident()
        entry.users[me] -= 1
        if not entry.users[me]:
            del entry.users[me]
        self._changed.notify_all()

    def _take(
        self,
        key: Hashable,
        make: Callable[[], Any],
        nbytes: Callable[[Any], int] | None,
        move: Callable[[Any, str], Any] | None,
        device: str,
        need: Callable[[], int] | None,
        pin: bool,
    ) -> Entry:
        with self._changed:
            entry = self._entries.get(key)
            if entry is not None and threading.get_ident() in entry.users:  # waiting for oneself would never end
                if move is not None and entry.device != device:
                    raise RuntimeError(f"{name_of(key)} is in use on {entry.device}, so it cannot go to {device}")
                return self._touched(entry, pin)
            lock, waiting = self._making.setdefault(key, (threading.RLock(), []))
            waiting.append(1)
        try:
            with lock:
                return self._provide(key, make, nbytes, move, device, need, pin)
        finally:
            with self._changed:
                waiting.pop()
                if not waiting:
                    self._making.pop(key, None)

    def _provide(
        self,
        key: Hashable,
        make: Callable[[], Any],
        nbytes: Callable[[Any], int] | None,
        move: Callable[[Any, str], Any] | None,
        device: str,
        need: Callable[[], int] | None,
        pin: bool,
    ) -> Entry:
        with self._changed:
            entry = self._at_rest(key, device, move is not None)
            if entry is not None:
                if move is None or entry.device == device:
                    return self._touched(entry, pin)
                entry.move = move
                entry.busy = True
        made = entry is None
        if entry is None:
            entry = self._made(key, make, nbytes, move, device if move is None else HOST, need)
        arrived = False
        try:
            if entry.device != device or (made and move is not None):
                self._bring(entry, device)
                if nbytes is not None:
                    entry.size = self._sizes[key] = int(nbytes(entry.value))
            arrived = True
        finally:  # also where it found no room: then it is where it was
            with self._changed:
                entry.busy = False
                self._changed.notify_all()
                self._touched(entry, pin=True)
            if made or self.limit(entry.device) is not None:  # its size was not known before, or two came at once
                self._let_go(entry.device, self._lacking(entry.device))
            if not (arrived and pin):
                with self._changed:
                    self._let_be(entry)
        return entry

    def _made(
        self,
        key: Hashable,
        make: Callable[[], Any],
        nbytes: Callable[[Any], int] | None,
        move: Callable[[Any, str], Any] | None,
        place: str,
        need: Callable[[], int] | None,
    ) -> Entry:
        """A new entry, busy until it is where it is wanted."""
        expected = self._sizes.get(key) or (need() if need is not None else 0)
        value = self._with_room(make, key, place, expected, making=True)
        entry = Entry(key, value, place, 0 if nbytes is None else int(nbytes(value)), move)
        entry.busy = True
        with self._changed:
            self._sizes[key] = entry.size
            self._entries[key] = entry
        return entry

    def _touched(self, entry: Entry, pin: bool) -> Entry:
        if entry.key in self._entries:
            self._entries.move_to_end(entry.key)
        if pin:
            entry.users[threading.get_ident()] += 1
        return entry

    def _at_rest(self, key: Hashable, device: str, movable: bool) -> Entry | None:
        """The entry as soon as it can be had on `device`: not while it is under way, nor in use elsewhere."""
        while True:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if not entry.busy and (entry.device == device or not movable or not entry.users):
                return entry
            self._changed.wait()

    def _bring(self, entry: Entry, device: str) -> None:
        """Move a value; if there is no room for it, it stays where it was."""
        move = entry.move
        assert move is not None

        def arrive() -> Any:
            try:
                return move(entry.value, device)
            except BaseException:
                self._return(entry)  # a part of it may be there already
                raise

        entry.value = self._with_room(arrive, entry.key, device, 0 if entry.device == device else entry.size)
        with self._changed:
            entry.device = device

    def _return(self, entry: Entry) -> None:
        assert entry.move is not None
        try:
            entry.value = entry.move(entry.value, entry.device)
        except BaseException:
            with self._changed:
                self._forget(entry)  # half here and half there, it is of no use to anyone
            raise

    def _with_room(self, bring: Callable[[], T], key: Hashable, device: str, size: int, making: bool = False) -> T:
        """Make room for `size` bytes, then bring a value there; if memory runs out, let all others go and try again."""
        devices = (HOST, device) if making and device != HOST else (device,)  # what is made may need both
        with self._on_its_way(device, size):
            self._let_go(device, self._lacking(device), spare=key)
            tried = attempt(bring)
            if isinstance(tried, str) and self._emptied(devices, spare=key):
                tried = attempt(bring)
        if isinstance(tried, str):
            raise self.shortage(name_of(key), device, tried, size)
        return tried[0]


def attempt(bring: Callable[[], T]) -> tuple[T] | str:
    """What was brought, or in words how memory ran out.

    The error itself ends here: its traceback would keep alive what had been allocated until then.
    """
    try:
        return (bring(),)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return str(error)
