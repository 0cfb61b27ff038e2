"""What nodes made, kept on the disk by key and bounded by bytes: for what takes a large network to make.

An entry is one file, written whole or not at all, that names its key and the digest of all that it holds. What is
damaged, or was put there by somebody else, is a miss and is taken away. Nothing that a disk does fails a run: it is
told in the log. Values are kept as their ValueType saves them, plain data as JSON; nothing is ever unpickled.
"""

import enum
import json
import logging
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from .aloud import ALOUD
from .annotations import type_label
from .cache import Entry, Outputs
from .node_types import NodeSpec, OutputSpec, to_json
from .registry import Registry
from .writing import remove_stale, write_atomically

__all__ = ["DiskCache", "cache_folder"]

LIMIT_BYTES = 2 * 2**30
MAGIC = b"nodegraph value 1\n"  # another number, another format: what an older one wrote is then a miss
NAME = re.compile(r"[0-9a-f]{64}\.value")
log = logging.getLogger("nodegraph")


def cache_folder() -> Path:
    """Where Nodegraph keeps what it can make again: $NODEGRAPH_CACHE, else ~/.cache/nodegraph or the like."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("NODEGRAPH_CACHE")
    return Path(chosen).absolute() if chosen else user_cache_path("nodegraph")


class DiskCache:
    """The outputs of nodes that are declared with `cache="disk"`; safe to use from several processes and threads.

    Args:
        folder: where the entries are; `values` in the cache folder of the user when None.
        limit_bytes: what they may take; 2 GiB when None. The least recently used leave first. 0 keeps nothing.
    """

    def __init__(
        self, registry: Registry, folder: str | os.PathLike[str] | None = None, limit_bytes: int | None = None
    ) -> None:
        self.folder = cache_folder() / "values" if folder is None else Path(folder).absolute()
        self.limit_bytes = LIMIT_BYTES if limit_bytes is None else limit_bytes
        self._registry = registry

    def get(self, key: bytes, spec: NodeSpec) -> Entry | None:
        """What is kept under a key, which counts as a use of it; None when nothing is, or nothing of use."""
        if self.limit_bytes <= 0:
            return None
        path = self._place(key)
        try:
            data = read_entry(path)
            outputs, summary = self._unpacked(data, key, spec)
        except FileNotFoundError:
            return None
        except (OSError, MemoryError, ImportError) as error:  # no fault of the entry
            log.warning("%s cannot be read: %s", path, error)
            return None
        except Exception as error:  # what a plugin's `load` makes of damaged bytes is up to it
            log.warning("%s is damaged and taken away: %s: %s", path, type(error).__name__, error)
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):  # a folder that can only be read still serves
            os.utime(path)
        return Entry(outputs, summary, 0, ())

    def put(self, key: bytes, spec: NodeSpec, outputs: Outputs, summary: str = "") -> bool:
        """Keep the outputs of a node, and the line about them; whether that was possible."""
        if self.limit_bytes <= 0:
            return False
        why_not = self._registry.why_not_kept(spec)
        if why_not:
            self._registry.add_problem(why_not)
            return False
        path = self._place(key)
        try:
            data = self._packed(key, spec, outputs, summary)
            if len(data) > self.limit_bytes:
                raise ValueError(f"it takes {len(data):,} bytes, and all of the cache may take {self.limit_bytes:,}")
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(len(data), path)
            write_atomically(path, data)
        except Exception as error:  # a full disk, or whatever a plugin's `save` raises
            why = f"{type(error).__name__}: {error}"
            if isinstance(error, OSError) and error.strerror:
                why = f"{self.folder} cannot be written: {error.strerror}"
            log.warning("what %s made is not kept on the disk: %s", spec.id, why, extra=ALOUD)
            return False
        return True

    def _place(self, key: bytes) -> Path:
        return self.folder / f"{key.hex()}.value"

    def _packed(self, key: bytes, spec: NodeSpec, outputs: Outputs, summary: str) -> bytes:
        parts: list[bytes] = []

        def described(value: Any) -> dict[str, Any]:
            """How a value of a wire type is kept: its type, and how many of the bytes that follow are its own."""
            found = self._registry.value_types.get(type(value))
            if found is None or found.save is None or found.load is None:
                raise TypeError(f"the ValueType of {type_label(type(value))} has no save and load")
            parts.append(found.save(value))
            return {"type": found.type_name, "bytes": len(parts[-1])}

        held: dict[str, Any] = {}
        for port in spec.outputs:
            value = outputs[port.name]
            if port.is_data or value is None:
                held[port.name] = {"data": to_json(value)}
            else:
                held[port.name] = [described(one) for one in value] if port.is_list else described(value)
        header = {"key": key.hex(), "node": spec.id, "summary": summary, "outputs": held}
        text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
        body = b"".join([len(text).to_bytes(8, "little"), text, *parts])
        return MAGIC + sha256(body).digest() + body

    def _unpacked(self, data: bytes, key: bytes, spec: NodeSpec) -> tuple[Outputs, str]:
        digest, body = data[len(MAGIC) :][:32], memoryview(data)[len(MAGIC) + 32 :]
        if sha256(body).digest() != digest:
            raise ValueError("it is not what was written there")
        size = int.from_bytes(body[:8], "little")
        header = json.loads(bytes(body[8 : 8 + size]))
        if header["key"] != key.hex() or list(header["outputs"]) != [port.name for port in spec.outputs]:
            raise ValueError("it is the entry of something else")
        rest = BytesIO(body[8 + size :])
        outputs = {}
        for port in spec.outputs:
            found = header["outputs"][port.name]
            if isinstance(found, list):
                value: Any = [self._loaded(one, rest) for one in found]
            else:
                value = restored(port, found["data"]) if "data" in found else self._loaded(found, rest)
            outputs[port.name] = port.checked(value)
        return outputs, header["summary"]

    def _loaded(self, described: Mapping[str, Any], rest: BytesIO) -> Any:
        for found in self._registry.value_types.values():
            if found.type_name == described["type"] and found.load is not None:
                return found.load(rest.read(described["bytes"]))
        raise ValueError(f"nobody here can load a {described['type']}")

    def _make_room(self, wanted: int, spare: Path) -> None:
        """Take away what killed writers left and, from the least recently used on, as much as it takes."""
        remove_stale(self.folder)
        entries = []
        with os.scandir(self.folder) as found:
            for item in found:
                if NAME.fullmatch(item.name) and item.path != str(spare):
                    with suppress(OSError):  # another process has taken it away since
                        seen = item.stat(follow_symlinks=False)
                        entries.append((seen.st_mtime_ns, item.path, seen.st_size))
        total = wanted + sum(size for _, _, size in entries)
        for _, path, size in sorted(entries):
            if total <= self.limit_bytes:
                return
            with suppress(OSError):
                os.unlink(path)
            total -= size


def read_entry(path: Path) -> bytes:
    """The content of a file that begins like an entry; ValueError for any other, and for a link or a pipe."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        begin = file.read(len(MAGIC))
        if begin != MAGIC:
            raise ValueError("it is no entry of this cache, or one in another format")
        return begin + file.read()


def restored(port: OutputSpec, data: Any) -> Any:
    """Plain data as the node gave it: JSON has no enums."""
    if isinstance(data, list):
        return [restored(port, item) for item in data]
    enumerated = isinstance(port.type, type) and issubclass(port.type, enum.Enum)
    return port.type(data) if enumerated and data is not None else data
