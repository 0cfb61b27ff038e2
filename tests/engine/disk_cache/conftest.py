"""Letters for the tests of the disk layer, a folder for them, and what is told meanwhile."""

import logging
from collections.abc import Iterator
from pathlib import Path

import letters
import pytest

from nodegraph.registry import Registry


@pytest.fixture
def registry() -> Registry:
    return letters.make_registry()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "values"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("nodegraph")
    was, logger.propagate = logger.propagate, True
    with caplog.at_level(logging.WARNING, "nodegraph"):
        yield caplog
    logger.propagate = was
