"""Devices that count bytes, and networks that live on them: what the store of networks is tested with.

Memory is given back when the last reference to what was allocated is gone, and not before: a traceback that someone
keeps is memory that is never free again.
"""

import weakref
from collections.abc import Callable

from nodegraph.memory import DeviceMemory


class OutOfMemoryError(RuntimeError):
    """Named as torch's own."""


class Machine:
    """Some devices, each of so many bytes.

    Attributes:
        used, most: bytes of each device, now and at most so far.
        log: what happened, in order: "a: cpu -> gpu:0", "a: dropped from cpu", "gpu:0 is full".
        tidied: devices that were asked to give back what is kept for nothing.
    """

    def __init__(self, **capacity: int) -> None:
        self.capacity = {name.replace("_", ":"): size for name, size in capacity.items()}
        self.used = dict.fromkeys(self.capacity, 0)
        self.most = dict.fromkeys(self.capacity, 0)
        self.log: list[str] = []
        self.tidied: list[str] = []

    def memory(self, device: str, tidy: bool = False) -> DeviceMemory | None:
        """As the hook `nodegraph_memory`."""
        if tidy:
            self.tidied.append(device)
        if device not in self.capacity:
            return None
        return DeviceMemory(self.capacity[device] - self.used[device], self.capacity[device])

    def take(self, device: str, size: int) -> None:
        if self.used[device] + size > self.capacity[device]:
            self.log.append(f"{device} is full")
            raise OutOfMemoryError(f"{device} out of memory. Tried to allocate {size} bytes.")
        self.used[device] += size
        self.most[device] = max(self.most[device], self.used[device])

    def give(self, device: str, size: int) -> None:
        self.used[device] -= size

    def events(self) -> list[str]:
        """What happened since this was last asked."""
        events, self.log = self.log, []
        return events

    def maker(self, name: str, size: int = 10) -> Callable[[], "Network"]:
        return lambda: Network(self, name, size)


class Allocation:
    """Bytes on a device, for as long as this object lives."""

    def __init__(self, machine: Machine, device: str, size: int) -> None:
        machine.take(device, size)
        weakref.finalize(self, machine.give, device, size)


class Network:
    """Weights of some size in two layers; made on the CPU, and moved layer by layer in place, as torch does."""

    def __init__(self, machine: Machine, name: str, size: int, device: str = "cpu") -> None:
        self.machine = machine
        self.name = name
        self.size = size
        self.device = device
        self.layers = [Allocation(machine, device, size // 2), Allocation(machine, device, size - size // 2)]
        self.places = [device, device]
        machine.log.append(f"{name}: made")
        weakref.finalize(self, self.dropped, machine, name, self.places)

    @staticmethod
    def dropped(machine: Machine, name: str, places: list[str]) -> None:
        machine.log.append(f"{name}: dropped from {' and '.join(dict.fromkeys(places))}")

    def to(self, device: str) -> "Network":
        before = tuple(self.places)
        for number, size in enumerate((self.size // 2, self.size - self.size // 2)):
            if self.places[number] != device:
                self.layers[number] = Allocation(self.machine, device, size)
                self.places[number] = device
        if device != self.device:
            self.machine.log.append(f"{self.name}: {self.device} -> {device}")
        elif before != tuple(self.places):
            self.machine.log.append(f"{self.name}: back to {device}")
        self.device = device
        return self

    def forward(self, rows: int, each: int, layers: int = 4) -> int:
        """Compute on so many rows, each of which takes bytes in every layer, all of them kept until the last."""
        kept = [Allocation(self.machine, self.device, rows * each) for _ in range(layers)]
        self.machine.log.append(f"{self.name}: {rows} rows")
        assert set(self.places) == {self.device}, "moved away in the midst of a forward"
        return rows * len(kept)


def size_of(network: Network) -> int:
    return network.size
