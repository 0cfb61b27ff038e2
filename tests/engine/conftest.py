"""A small registry for the tests of the engine."""

import pytest
import toys
from worker_calls import pixel_png

from nodegraph.registry import Registry


@pytest.fixture
def registry() -> Registry:
    """All toy nodes, freshly read, with `toys.calls` empty."""
    return toys.make_registry()


@pytest.fixture
def pixel() -> bytes:
    """A PNG of one red pixel, made without an image library."""
    return pixel_png()
