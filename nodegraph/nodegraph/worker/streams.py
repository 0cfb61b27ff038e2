"""Standard input and output as one stream of lines that nobody else in the process can reach.

The two are moved away before any plugin is loaded. What prints to standard output from then on, in Python, in C or in
a child process, prints to standard error; what reads standard input finds it empty.
"""

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

__all__ = ["Lines", "Streams", "TooLong", "take_streams"]

CHUNK = 1 << 16


class Streams(NamedTuple):
    """File descriptors of this process alone."""

    input: int
    output: int


def take_streams() -> Streams:
    """Move standard input and output away, and put "nothing" and standard error in their places."""
    with suppress(Exception):  # what was printed before belongs to nobody
        sys.stdout.flush()
    streams = Streams(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no standard error
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    os.close(nothing)
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for descriptor in streams:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(descriptor, os.O_BINARY)
        else:
            os.set_blocking(descriptor, True)
    return streams


class TooLong:
    """Stands for a line that was longer than a line may be."""


def read_lines(descriptor: int, most: int) -> Iterator[bytes | TooLong]:
    """The lines of a stream, without their ends; what comes after the last line end is no line."""
    parts: list[bytes] = []
    length = 0
    while chunk := os.read(descriptor, CHUNK):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join([*parts, end])
            yield TooLong() if length + len(end) > most else line
            parts, length = [], 0
        length += len(rest)
        if length <= most:
            parts.append(rest)
        else:
            parts.clear()


class Lines:
    """Reads requests, and writes whole lines from any thread.

    `gone` is called once when nobody reads any more; what is written after that is dropped.
    """

    def __init__(self, streams: Streams, most: int, gone: Callable[[], None]) -> None:
        self._streams = streams
        self._most = most
        self._gone = gone
        self._lock = threading.Lock()
        self._closed = False

    def __iter__(self) -> Iterator[bytes | TooLong]:
        return read_lines(self._streams.input, self._most)

    def write(self, document: dict[str, Any]) -> None:
        data = text_of(document).encode("ascii") + b"\n"
        with self._lock:
            if self._closed:
                return
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._streams.output, rest) :]
            except OSError:
                self._closed = True
        if self._closed:
            self._gone()


def text_of(document: dict[str, Any]) -> str:
    """The document on one line; a number that is not finite, for which JSON has no word, becomes null."""
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(finite(document), separators=(",", ":"), allow_nan=False)


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value
