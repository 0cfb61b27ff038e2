"""What may import what: the contracts of import-linter, and a start without torch, numpy, Pillow or Qt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "numpy", "PIL", "PySide6", "diffusers", "transformers")

REGISTRY = """
import json, sys
from nodegraph.plugins import load_plugins
registry = load_plugins()
described = registry.describe()
heavy = sorted(set(sys.modules) & set({heavy!r}))
print(json.dumps([heavy, sorted(described["node_types"]), described["problems"]]))
"""

ENGINE = """
import sys, pkgutil, importlib, json
import nodegraph
for module in pkgutil.walk_packages(nodegraph.__path__, "nodegraph."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted(set(sys.modules) & set({heavy!r}))))
"""


def fresh(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def test_import_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter), "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_registry_is_built_without_torch() -> None:
    done = fresh(REGISTRY.format(heavy=HEAVY))
    assert done.returncode == 0, done.stderr
    heavy, node_types, problems = json.loads(done.stdout)
    assert heavy == []
    assert problems == []
    assert {"LoadImage", "AddNoise", "UNetMNIST", "CFGCombine", "FlipAverage", "MaskBlend"} <= set(node_types)


def test_the_engine_needs_none_of_them() -> None:
    done = fresh(ENGINE.format(heavy=HEAVY))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


CHECK = """
import sys, json
from nodegraph.cli.program import program
try:
    program.main(["check", {file!r}], prog_name="nodegraph")
except SystemExit as end:
    print(json.dumps([end.code, sorted(set(sys.modules) & set({heavy!r}))]))
"""


def test_check_imports_only_what_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "g.json"
    file.write_text(
        '{"nodegraph": 1, "nodes": {"a": {"type": "PureNoise"}, "b": {"type": "UNetMNIST"},'
        ' "c": {"type": "IterativeSampler"}}, "links": ["a.noisy -> c.start", "b.denoiser -> c.denoiser"]}'
    )
    done = fresh(CHECK.format(file=str(file), heavy=(*HEAVY, "networkx", "rich.console")))
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []], done.stdout + done.stderr


SOURCES = (
    "nodegraph/nodegraph",
    "nodes/nodegraph_nodes",
    "gui/nodegraph_gui",
    "plugins/nodegraph-stable-diffusion/nodegraph_stable_diffusion",
)


@pytest.mark.parametrize("source", SOURCES)
def test_source_roots_hold_one_package_of_a_name_of_its_own(source: str) -> None:
    package = ROOT / source
    assert (package / "__init__.py").is_file()
    assert [path.name for path in package.parent.iterdir() if (path / "__init__.py").is_file()] == [package.name]
