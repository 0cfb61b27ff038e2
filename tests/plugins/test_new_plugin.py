"""A plugin that `nodegraph new-plugin` wrote is installed by pip, found, run headless, and passes its own test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageStat

NAME = "made-by-a-test"


def call(*command: object, cwd: Path | None = None) -> str:
    """The standard output of Python with these arguments; what went wrong is shown when it fails."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a plugin that is installed in the running environment, until the tests here are done."""
    folder = tmp_path_factory.mktemp("plugins")
    call("-m", "nodegraph", "new-plugin", NAME, "--out", folder)
    made = folder / f"nodegraph-{NAME}"
    try:
        call("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", made)
        yield made
    finally:
        call("-m", "pip", "uninstall", "--quiet", "--yes", f"nodegraph-{NAME}")


def test_its_node_runs_headless(plugin: Path, tmp_path: Path) -> None:
    Image.new("L", (8, 8), 100).save(tmp_path / "grey.png")
    graph = {
        "nodegraph": 1,
        "nodes": {
            "load": {"type": "LoadImage", "inputs": {"path": "grey.png"}},
            "bright": {"type": "MadeByATestBrightness", "plugin": f"nodegraph-{NAME}", "inputs": {"amount": 0.5}},
            "save": {"type": "SaveImage", "inputs": {"name": "bright"}},
        },
        "links": ["load.image -> bright.image", "bright.image -> save.image"],
    }
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    call("-m", "nodegraph", "run", tmp_path / "graph.json", "--out", tmp_path / "out", cwd=tmp_path)
    (picture,) = (tmp_path / "out").glob("*.png")
    with Image.open(picture) as made:
        assert made.size == (8, 8)
        assert ImageStat.Stat(made.convert("L")).mean[0] == pytest.approx((100 + 255) / 2, abs=1)


def test_the_command_line_lists_it(plugin: Path) -> None:
    assert f"nodegraph-{NAME} 0.1.0" in call("-m", "nodegraph", "plugins")
    assert "Make a picture brighter or darker." in call("-m", "nodegraph", "nodes", "MadeByATestBrightness")


def test_its_own_test_passes(plugin: Path) -> None:
    assert "2 passed" in call("-m", "pytest", "-p", "no:cacheprovider", plugin, cwd=plugin)
