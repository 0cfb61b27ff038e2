"""Memory in words and numbers: what users write and read, and what Linux tells."""

from pathlib import Path
from typing import Any

import pytest

from nodegraph import memory
from nodegraph.errors import UsageError
from nodegraph.memory import (
    asked_bytes,
    available_bytes,
    budgets,
    bytes_shown,
    container_limits,
    host_memory,
    is_out_of_memory,
    memory_bytes,
    read_bytes,
)

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (7, 7), ("7", 7), ("7B", 7), ("6GB", 6 * 10**9), ("6 GiB", 6 * GIB), ("6g", 6 * 10**9), ("6 gi", 6 * GIB),
        ("1.5GiB", 3 * GIB // 2), ("500 MB", 5 * 10**8), ("2kib", 2048), (" 1 TB ", 10**12), (0, 0),
    ],
)  # fmt: skip
def test_sizes_are_read(text: str | int, number: int) -> None:
    assert read_bytes(text) == number


@pytest.mark.parametrize("text", ["", "much", "6 GX", "-1", -1, "1e9", "6 i", "GB", "9" * 400, "٣GB", True, 1.5, None])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(UsageError, match=r"memory is .*, must be bytes, or a text such as '6GB', '6 GiB' or '500 MB'"):
        read_bytes(text)


def test_budgets_are_one_for_all_or_one_for_each() -> None:
    assert budgets(None) is None
    assert budgets("1 KiB") == 1024
    assert budgets({"cuda": "2KB", "cuda:1": 5, "cpu": "1 MiB"}) == {"cuda": 2000, "cuda:1": 5, "cpu": 2**20}
    with pytest.raises(UsageError, match="memory has 'GPU 1', must be a device: cpu, mps, cuda, cuda:0"):
        budgets({"GPU 1": 5})
    with pytest.raises(UsageError, match="memory has 0, must be a device"):
        budgets({0: 5})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (310 * 2**20, "310 MiB"),
        (1003 * 2**20, "1.0 GiB"), (int(8.44 * GIB), "8.4 GiB"), (80 * GIB, "80.0 GiB"), (2**41, "2.0 TiB"),
    ],
)  # fmt: skip
def test_sizes_are_written(number: int, text: str) -> None:
    assert bytes_shown(number) == text


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 7.79 GiB of", 5 * GIB // 2),
        ("CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 4 GiB total capacity", 20 * 2**20),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1234 bytes. Error code 12", 1234),
        ("MPS backend out of memory (MPS allocated: 5 GB). Tried to allocate 256 bytes on shared pool.", 256),
        ("CUDA out of memory", None),
    ],
)
def test_what_was_asked_for_is_found_in_what_torch_says(said: str, number: int | None) -> None:
    assert asked_bytes(said) == number
    assert is_out_of_memory(RuntimeError(said))


def test_other_errors_are_not_about_memory() -> None:
    assert is_out_of_memory(MemoryError()) and is_out_of_memory(type("OutOfMemoryError", (RuntimeError,), {})())
    assert not is_out_of_memory(ValueError("out of memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 must have the same dtype"))


# What this machine has


def test_this_machine_has_memory() -> None:
    free, total = host_memory()
    assert 2**26 < free <= total <= memory_bytes() and memory_bytes() > 2**28


def test_what_linux_could_hand_out(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    table.write_text("MemTotal:  100 kB\nMemFree:  10 kB\nMemAvailable:   42 kB\n")
    assert available_bytes(table) == 42 * 1024
    table.write_text("MemTotal:  100 kB\n")
    assert available_bytes(table) is None
    assert available_bytes(tmp_path / "none") is None


def group(folder: Path, first: bool, limit: object, used: int, **stat: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if first else ("memory.max", "memory.current")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text("".join(f"{name} {size}\n" for name, size in stat.items()))


def test_limits_of_containers_of_both_kinds(tmp_path: Path) -> None:
    proc, root = tmp_path / "cgroup", tmp_path / "fs"
    assert container_limits(proc, root) == []
    proc.write_text("0::/a/b\n")
    group(root / "a/b", False, "max", 50, anon=40)
    group(root / "a", False, 1000, 600, inactive_file=100, active_file=50)
    assert container_limits(proc, root) == [(1000, 450)]
    proc.write_text("5:cpu,memory:/c\n4:devices:/d\n")
    group(root / "memory/c", True, 300, 200, inactive_file=1, total_inactive_file=20, total_active_file=30)
    assert container_limits(proc, root) == [(300, 150)]


def test_a_container_has_what_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_bytes", lambda: 1000)
    monkeypatch.setattr(memory, "available_bytes", lambda: 800)
    monkeypatch.setattr(memory, "container_limits", lambda: [(500, 100), (9**20, 300)])
    assert host_memory() == (400, 500)
    monkeypatch.setattr(memory, "container_limits", lambda: [(500, 600)])
    assert host_memory() == (0, 500)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    monkeypatch.setattr(memory, "container_limits", list)
    assert host_memory() == (500, 1000)
