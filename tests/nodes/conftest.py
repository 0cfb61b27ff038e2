"""Shared by the tests of DeepFloyd IF: a tiny checkpoint of each stage, and a guard on its weights."""

from pathlib import Path

import pytest
from tiny_if import write_if_checkpoint


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first stage for pictures of 16 x 16."""
    return write_if_checkpoint(tmp_path_factory.mktemp("first"), 1, 16)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second stage for pictures of 16 x 16."""
    return write_if_checkpoint(tmp_path_factory.mktemp("second"), 2, 16)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights must not be read in this test."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("weights are read")

    monkeypatch.setattr("nodegraph_nodes.ops.deepfloyd.load_unet", refuse)
