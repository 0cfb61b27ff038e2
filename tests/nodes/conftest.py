"""Shared: a tiny checkpoint of each stage of DeepFloyd IF, a guard on its weights, and the built-in node types."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_if import write_if_checkpoint

from nodegraph.plugins import load_plugins


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


@pytest.fixture(scope="module")
def registry():
    return load_plugins(only=["nodegraph"])


@pytest.fixture(scope="module")
def blind():
    """The same node types, none of which foresees anything."""
    found = load_plugins(only=["nodegraph"])
    for name, spec in list(found.node_types.items()):
        found.node_types._read[name] = replace(spec, foresee=None)
    return found
