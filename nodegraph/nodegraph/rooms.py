"""What is kept on each device within a budget of bytes, and how room is made there.

The least recently used leaves first: from a GPU to the processor's memory where it fits, or where what was used longer
ago gives way; else for good. What is in use or on its way between devices stays where it is.
"""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .errors import OutOfMemory
from .memory import Budgets, DeviceMemory, DeviceMemoryTeller, asked_bytes, bytes_shown, host_memory

__all__ = ["HOST", "Entry", "Rooms", "name_of", "nothing_known"]

HOST = "cpu"
RESERVE = 8
"""One part in so many of a device is left to what networks compute there, and to other programs."""
log = logging.getLogger("nodegraph")


def nothing_known(device: str, tidy: bool = False) -> DeviceMemory | None:
    return None


class Entry:
    """One stored value: where it is, its size, how it gets elsewhere, and which threads use it."""

    __slots__ = ("busy", "device", "key", "move", "size", "users", "value")

    def __init__(self, key: Hashable, value: Any, device: str, size: int, move: Callable[[Any, str], Any] | None):
        self.key = key
        self.value = value
        self.device = device
        self.size = size
        self.move = move
        self.users: Counter[int] = Counter()
        self.busy = False  # on its way between devices

    @property
    def idle(self) -> bool:
        return not self.busy and not self.users


class Rooms:
    """The kept values by key, those used last at the end, and the budgets of the devices that they are on.

    Args:
        limit_bytes: what it may hold on each device, or by device ("cuda" for all of that kind, "cuda:0" for one).
            Where it is not said: what is free on the device, less an eighth of it. One value alone may be larger.
        memory: tells what is free on a device and gives back what is kept there for nothing. The processor's memory is
            known without it; another device that nobody knows has no limit.
    """

    def __init__(self, limit_bytes: Budgets = None, memory: DeviceMemoryTeller = nothing_known) -> None:
        self.limit_bytes = limit_bytes
        self._tell_memory = memory
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._arriving: dict[object, tuple[str, int]] = {}  # what room is made for and is not there yet
        self._changed = threading.Condition(threading.RLock())

    # Making room

    def _emptied(self, devices: Collection[str], spare: Hashable = None) -> bool:
        """Let go of all that is not in use there, and of what devices keep for nothing; whether that was anything."""

        def state() -> list[tuple[int, int]]:
            return [(self.count_on(device), getattr(self._tell_memory(device), "free", 0)) for device in devices]

        before = state()
        for device in devices:
            self._let_go(device, None, spare)
            self._tell_memory(device, tidy=True)
        return any(n < m or free > was for (m, was), (n, free) in zip(before, state(), strict=True))

    @contextmanager
    def _on_its_way(self, device: str, size: int) -> Iterator[None]:
        mark = object()
        with self._changed:
            self._arriving[mark] = (device, size)
        try:
            yield
        finally:
            with self._changed:
                del self._arriving[mark]

    def _lacking(self, device: str) -> int:
        """How many bytes have to leave a device before what is on its way fits into its budget; at most 0 if none."""
        limit = self.limit(device)
        with self._changed:
            arriving = sum(size for place, size in self._arriving.values() if place == device)
            if limit is not None:
                return self.held_on(device) + arriving - limit
        told = self.told_memory(device)
        return 0 if told is None else arriving - (told.free - told.total // RESERVE)

    def _let_go(self, device: str, wanted: int | None, spare: Hashable = None) -> int:
        """Have the least recently used values leave a device until `wanted` bytes are free there; None: all of them.

        Returns:
            how many bytes have left.
        """
        freed = 0
        while wanted is None or freed < wanted:
            with self._changed:
                entry = self._next_to_leave(device, spare, sized=wanted is not None)
                if entry is None:
                    break
                freed += entry.size
                if device == HOST or entry.move is None:
                    self._forget(entry)
                    continue
                entry.busy = True
            self._send_home(entry)
        return freed

    def _newest(self, device: str) -> Hashable:
        """The key of what was used last on a device."""
        with self._changed:
            return next((entry.key for entry in reversed(self._entries.values()) if entry.device == device), None)

    def _next_to_leave(self, device: str, spare: Hashable, sized: bool) -> Entry | None:
        for key, entry in self._entries.items():
            if entry.device == device and entry.idle and key != spare and (entry.size or not sized):
                return entry
        return None

    def _send_home(self, entry: Entry) -> None:
        """From a device to the CPU, where what was used longer ago gives way if that is enough; else for good."""
        arrived = False
        try:
            with self._on_its_way(HOST, entry.size):
                arrived = self._yield_to(entry) and self._carried(entry)
        finally:  # also when Ctrl+C comes: it would be waited for without end
            with self._changed:
                if arrived:
                    entry.device = HOST
                else:
                    self._forget(entry)
                entry.busy = False
                self._changed.notify_all()

    def _yield_to(self, newer: Entry) -> bool:
        """Drop values on the CPU that were used before another one, if it fits in then; whether it does."""
        lacking = self._lacking(HOST)
        with self._changed:
            older = []
            for entry in self._entries.values():
                if lacking <= 0 or entry is newer:
                    break
                if entry.device == HOST and entry.idle and entry.size:
                    older.append(entry)
                    lacking -= entry.size
            if lacking <= 0:
                for entry in older:
                    self._forget(entry)
        return lacking <= 0

    def _carried(self, entry: Entry) -> bool:
        assert entry.move is not None
        try:
            entry.value = entry.move(entry.value, HOST)
        except Exception as error:  # to whoever needs the room it is no matter why: the value can be made again
            # in words: a record that someone keeps would keep the error, and with it the value
            said = f"{name_of(entry.key)} was dropped, since it could not leave {entry.device}: {error}"
            log.warning("%s", said)
            return False
        return True

    def _forget(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    def make_room(self, wanted: int | None = None, device: str = HOST) -> int:
        """Have the least recently used values leave a device until `wanted` bytes are free there; None: all.

        What is in use stays. Memory that the device keeps for nothing is given back, too.

        Returns:
            how many bytes have left, or are free now that were not, whichever is more.
        """
        before = self._tell_memory(device)
        freed = self._let_go(device, wanted)
        after = self._tell_memory(device, tidy=True)
        return freed if before is None or after is None else max(freed, after.free - before.free)

    def release(self, key: Hashable) -> bool:
        """Let go of one value; whether it was there."""
        with self._changed:
            found = self._entries.pop(key, None) is not None
            self._changed.notify_all()
        return found

    def clear(self) -> None:
        """Let go of all values; what is in use lives on until its user is done."""
        with self._changed:
            devices = {entry.device for entry in self._entries.values()}
            self._entries.clear()
            self._changed.notify_all()
        for device in devices - {HOST}:
            self._tell_memory(device, tidy=True)  # another program may want it

    # What is here

    def limit(self, device: str) -> int | None:
        """The budget of a device as it was given; None where what is free decides."""
        limits = self.limit_bytes
        if isinstance(limits, Mapping):
            return limits.get(device, limits.get(device.partition(":")[0]))
        return limits

    def told_memory(self, device: str) -> DeviceMemory | None:
        """What is free on a device, and what it has; None where nobody knows."""
        told = self._tell_memory(device)
        return host_memory() if told is None and device == HOST else told

    @property
    def held_bytes(self) -> int:
        """What the stored values take, on all devices."""
        with self._changed:
            return sum(entry.size for entry in self._entries.values())

    def held_on(self, device: str) -> int:
        """What the stored values take on one device."""
        with self._changed:
            return sum(entry.size for entry in self._entries.values() if entry.device == device)

    def count_on(self, device: str) -> int:
        """How many values are on one device."""
        with self._changed:
            return sum(1 for entry in self._entries.values() if entry.device == device)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def shortage(
        self, what: str, device: str, reason: str = "", size: int = 0, remedies: Collection[str] = ()
    ) -> OutOfMemory:
        """The error for something that found no room on a device, with what there is and three ways out.

        Args:
            what: that it was for: "one picture of 3 x 64 x 64 in this network".
            reason: what the device said.
            size: of all of it, if that is known.
            remedies: the first ways out; general ones follow.
        """
        asked = asked_bytes(reason)
        needs = [f"which takes {bytes_shown(size)}"] if size else []
        needs += [f"where {bytes_shown(asked)} more were asked for"] if asked is not None else []
        told = self.told_memory(device)
        free = "" if told is None else f"{bytes_shown(told.free)} of {bytes_shown(told.total)} are free, and "
        with self._changed:
            held = [entry for entry in self._entries.values() if entry.device == device and entry.size]
            names = ", ".join(f"{name_of(entry.key)} ({bytes_shown(entry.size)})" for entry in reversed(held))
        error = OutOfMemory(
            f"{device} has no memory for {', '.join([what, *needs])}; {free}of networks it holds {names or 'none'}"
        )
        *ways, last = (*remedies, *general_remedies(device))[:3]
        for remedy in (*ways, f"or {last}"):
            error.add_note(remedy)
        return error


def general_remedies(device: str) -> tuple[str, ...]:
    """Ways out where a device is full, the best first."""
    smaller = "choose a smaller network, or a dtype of half the size"
    if device == HOST:
        return (smaller, "close other programs", "run it on a machine with more memory")
    return (smaller, "run it on the processor, with --device cpu", f"close what else uses {device}")


def name_of(key: Hashable) -> str:
    """How users know a stored value: the first word of its key."""
    return str(key[0] if isinstance(key, tuple) and key else key)[:40]
