"""Memory of devices in bytes: what this machine has, how users say and read it, and whether it ran out.

What is free on a GPU is told by a plugin (the hook `nodegraph_memory`); the engine itself knows the processor's only.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol, TypeAlias

from .errors import UsageError
from .validation import shown

__all__ = [
    "Budgets",
    "DeviceMemory",
    "DeviceMemoryTeller",
    "asked_bytes",
    "budgets",
    "bytes_shown",
    "host_memory",
    "is_out_of_memory",
    "memory_bytes",
    "read_bytes",
]

UNITS = {"": 1, "B": 1} | {
    f"{letter}{infix}B": base**power
    for power, letter in enumerate("KMGT", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}
SIZE = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*((?:[KMGT]i?)?B?)", re.IGNORECASE)
ASKED = re.compile(r"tried to allocate ([\d.]+) ?(bytes|[KMGT]?iB)", re.IGNORECASE)
DEVICE = re.compile(r"cpu|mps|[a-z]+(:\d+)?")
WORDS = ("out of memory", "can't allocate memory")

Budgets: TypeAlias = int | Mapping[str, int] | None
"""Bytes for each device, or for those that are named (by kind, "cuda", or one by one, "cuda:0"); None: what is free."""


class DeviceMemory(NamedTuple):
    """The bytes of a device: all that it has, and what can be taken of them now."""

    free: int
    total: int


class DeviceMemoryTeller(Protocol):
    """Tells of the memory of a device; None where nothing is known of it.

    With `tidy`, memory that is kept for later use, though nothing is in it, is given back first.
    """

    def __call__(self, device: str, tidy: bool = False) -> DeviceMemory | None: ...


def memory_bytes() -> int:
    """The memory of this machine in bytes; 8 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def host_memory() -> DeviceMemory:
    """The memory of this machine, or of the container that this process is in; half of it where none tells more."""
    total = memory_bytes()
    free = available_bytes()
    free = total // 2 if free is None else free
    for limit, used in container_limits():
        if limit < total:
            total = limit
        free = min(free, max(0, limit - used))
    return DeviceMemory(free, total)


def available_bytes(table: Path = Path("/proc/meminfo")) -> int | None:
    """What Linux could hand out without swapping; None elsewhere."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", table.read_text(), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024


def container_limits(
    proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> list[tuple[int, int]]:
    """Limit and use of the control groups that hold this process; pages of files, which can be let go, do not count."""
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, kinds, path = (*line.split(":", 2), "", "")[:3]
        if kinds and "memory" not in kinds.split(","):
            continue
        top = root / "memory" if kinds else root
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max", "memory.current")
        groups = [PurePosixPath(path), *PurePosixPath(path).parents] if path else []
        for group in groups:
            limit, used, idle = read_group(top / str(group).lstrip("/"), *names)
            if limit is not None and used is not None:
                found.append((limit, max(0, used - idle)))
    return found


def read_group(folder: Path, limit: str, used: str) -> tuple[int | None, int | None, int]:
    """Limit and use of one group, and what of that are pages of files; None where it has none."""
    try:
        numbers = [(folder / name).read_text().strip() for name in (limit, used)]
        stat = dict(line.split(" ", 1) for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None, None, 0
    most, now = (int(number) if number.isdigit() else None for number in numbers)
    prefix = "total_" if "total_inactive_file" in stat else ""
    idle = sum(int(stat.get(f"{prefix}{name}_file", "0")) for name in ("inactive", "active"))
    return most, now, idle


# In words


def read_bytes(text: str | int) -> int:
    """A number of bytes, or a text such as "6GB", "6 GiB" or "500 MB"; UsageError when it is neither."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    found = SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise UsageError(f"memory is {shown(text)}, must be bytes, or a text such as '6GB', '6 GiB' or '500 MB'")
    unit = found[2].upper().replace("I", "i")
    return int(float(found[1]) * UNITS[unit if unit.endswith("B") or not unit else f"{unit}B"])


def budgets(memory: int | str | Mapping[str, int | str] | None) -> Budgets:
    """The budgets that a user means by one size, or by one for each device; UsageError when they are none."""
    if not isinstance(memory, Mapping):
        return None if memory is None else read_bytes(memory)
    for device in memory:
        if not isinstance(device, str) or not DEVICE.fullmatch(device):
            raise UsageError(f"memory has {shown(device)}, must be a device: cpu, mps, cuda, cuda:0, cuda:1, ...")
    return {device: read_bytes(size) for device, size in memory.items()}


def bytes_shown(number: int) -> str:
    """`310 MiB`, `8.4 GiB`."""
    if number < 1024:
        return f"{number} bytes" if number != 1 else "1 byte"
    size, unit = number / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if size < 1000:  # and not 1024: 0.98 GiB is shorter than 1,003 MiB
            break
        size, unit = size / 1024, larger
    return f"{size:.1f} {unit}" if size < 10 or unit in ("GiB", "TiB") else f"{size:.0f} {unit}"


# Running out


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the host or on a device; some tell it only in words."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(word in str(error).lower() for word in WORDS))
    )


def asked_bytes(reason: str) -> int | None:
    """How much was asked for when memory ran out, as torch says it; None where it does not."""
    found = ASKED.search(reason)
    if found is None:
        return None
    number = found[1].rstrip(".")
    return int(float(number) * (1 if found[2] == "bytes" else UNITS[found[2].upper().replace("I", "i")]))
