"""What the tests of the editor stand on: Qt without a screen, and the built-in nodes as a worker describes them."""

import json
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

from nodegraph import load_plugins
from nodegraph_gui.catalogues import Catalogue


@pytest.fixture(scope="session")
def registry():
    return load_plugins(only=["nodegraph"])


@pytest.fixture(scope="session")
def catalogue(registry):
    """The catalogue of the built-in nodes, through JSON as it comes from a worker."""
    described = {
        "plugins": dict(registry.plugins),
        "problems": list(registry.problems),
        "node_types": [spec.describe() for spec in registry.node_types.values()],
        "value_types": [value_type.describe() for value_type in registry.value_types.values()],
        "conversions": [conversion.describe() for conversion in registry.conversions],
    }
    return Catalogue.from_json(json.loads(json.dumps(described)))


@pytest.fixture
def desk(qtbot, catalogue, tmp_path):
    """The guided digit graph on a desk that is shown."""
    from desks import guided, open_desk

    return open_desk(qtbot, catalogue, guided(), tmp_path)


@pytest.fixture
def framed(qtbot, catalogue, tmp_path):
    """The same, with a frame around the noise and a note."""
    from desks import FRAME, NOTE, guided, open_desk

    return open_desk(qtbot, catalogue, guided(frames=[FRAME], notes=[NOTE]), tmp_path)


@pytest.fixture
def desktop(qtbot, tmp_path, catalogue, monkeypatch):
    """Makes editors with folders of their own, which know the built-in nodes and start no worker unless asked."""
    from windows import Desktop

    monkeypatch.chdir(tmp_path)
    made = Desktop(qtbot, tmp_path, catalogue)
    yield made
    made.close()
