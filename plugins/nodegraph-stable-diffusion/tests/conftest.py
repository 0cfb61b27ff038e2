"""What the tests of Stable Diffusion stand on: a tiny checkpoint, and the plugin beside the built-in nodes."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from tiny_sd import write_sd_checkpoint

from nodegraph import Context, load_plugins
from nodegraph_stable_diffusion import nodes, plugin


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A checkpoint that is not written to."""
    return write_sd_checkpoint(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="session")
def registry():
    return load_plugins(only=["nodegraph"], extra=[plugin])


@pytest.fixture
def model(folder):
    return nodes.load_sd(str(folder))


@pytest.fixture
def context():
    return Context()
