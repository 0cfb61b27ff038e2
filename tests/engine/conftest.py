"""A small registry for the tests of the engine."""

import struct
import zlib

import pytest
import toys

from nodegraph.registry import Registry


@pytest.fixture
def registry() -> Registry:
    """All toy nodes, freshly read, with `toys.calls` empty."""
    return toys.make_registry()


@pytest.fixture
def pixel() -> bytes:
    """A PNG of one red pixel, made without an image library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head, rows = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
