"""The plugin as one that was installed: what it imports, what it says of itself, and that graphs find it."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from hub_server import Hub, Model
from sd_graphs import text_to_image
from tiny_sd import write_sd_checkpoint

import nodegraph
import nodegraph_nodes
from nodegraph import load, save
from nodegraph.checks import check
from nodegraph_stable_diffusion import plugin

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "nodegraph_stable_diffusion").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))
OUR_NODES = {"LoadSD", "EncodeSDPrompt", "SDDenoiser", "LatentNoise", "VAEEncode", "VAEDecode"}


def imported(path):
    """Module and name of everything that a file imports, wherever in it."""
    for part in ast.walk(ast.parse(path.read_text())):
        if isinstance(part, ast.Import):
            yield from ((alias.name, "") for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            assert part.level == 0, "by full names, so that this test sees them"
            yield from ((part.module, alias.name) for alias in part.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_imports_public_names_only(path):
    public = {f"nodegraph_nodes.{name}" for name in nodegraph_nodes.PUBLIC}
    for module, name in imported(path):
        package = module.partition(".")[0]
        if package == "nodegraph":
            assert module == "nodegraph" and name in nodegraph.__all__, f"{module}.{name}"
        elif package == "nodegraph_nodes":
            assert module in public and name in import_module(module).__all__, f"{module}.{name}"
        else:
            assert package != "nodegraph_gui"


def test_that_test_sees_what_is_not_public(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("def f():\n    from nodegraph_nodes.ops.t5 import Encoder\nimport nodegraph.graphs\n")
    assert sorted(imported(file)) == [("nodegraph.graphs", ""), ("nodegraph_nodes.ops.t5", "Encoder")]


def test_what_it_brings(registry):
    assert registry.problems == ()
    ours = {name: spec for name, spec in registry.node_types.items() if spec.plugin == plugin.__name__}
    assert set(ours) == OUR_NODES
    for spec in ours.values():
        assert spec.category == "Stable Diffusion" and spec.summary.endswith(".") and len(spec.summary) <= 120
        assert all(port.help and len(port.help) <= 300 for port in spec.inputs if port.is_data)
        assert all(port.is_data or port.type in registry.value_types for port in (*spec.inputs, *spec.outputs))
        assert json.loads(json.dumps(spec.describe(), allow_nan=False)) == spec.describe()


def test_the_core_does_not_know_it():
    for package in (nodegraph, nodegraph_nodes):
        for path in Path(package.__file__).parent.rglob("*.py"):
            assert "nodegraph_stable_diffusion" not in path.read_text(), path


# Examples


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_lacks_its_checkpoint_and_nothing_else(registry, path):
    assert check(load(path), registry) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_with_the_checkpoint_of_a_test(registry, path, folder, tmp_path):
    """Small, and with few steps."""
    graph = load(path)
    for name, placed in graph.nodes.items():
        changes = {
            "LoadSD": {"checkpoint": str(folder)},
            "LatentNoise": {"width": 64, "height": 64},
            "LoadImage": {"size": 64},
            "IterativeSampler": {"steps": 5},
        }.get(placed.type)
        graph = graph if changes is None else graph.set(name, **changes)
    with nodegraph.Session(registry) as session:
        result = session.run(graph, out=tmp_path)
    assert list(tmp_path.glob("*.png")) and result is not None


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} >= {"text_to_image", "image_to_image", "anagram"}


# Installed


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment in which pip installed the plugin, in a folder of its own."""
    place = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    done = subprocess.run([*pip, "--no-build-isolation", "--target", place, ROOT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]),
        "HF_HUB_CACHE": str(tmp_path_factory.mktemp("hub")),
    }


def called(environment, *arguments, cwd=None):
    command = [sys.executable, "-m", "nodegraph", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)


def test_the_entry_point_is_the_plugin():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told["name"] == ROOT.name
    ((_, module),) = told["entry-points"]["nodegraph"].items()
    assert import_module(module) is plugin


def test_the_command_line_finds_it_without_torch(installed):
    assert "nodegraph-stable-diffusion 0.1.0" in called(installed, "plugins").stdout
    assert "checkpoint" in called(installed, "nodes", "LoadSD").stdout
    code = (
        "import sys; from nodegraph import load_plugins; found = load_plugins()\n"
        "found.describe(); assert found.problems == (), found.problems\n"
        "print(sorted({'torch', 'numpy', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=installed)
    assert done.stdout == "[]\n", done.stderr


def test_its_latents_are_shown_in_colour_on_every_wire(installed):
    code = (
        "import torch; from nodegraph_nodes.ops.latents import seen\n"
        "from nodegraph_stable_diffusion.looks import colours\n"
        "x = torch.randn(1, 4, 3, 5); print(torch.equal(seen(x, 'latent:sd1'), colours(x)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=installed)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_check_names_the_checkpoint_that_is_missing(installed, path):
    done = called(installed, "check", path)
    assert "stable-diffusion-v1-5/stable-diffusion-v1-5" in done.stdout + done.stderr
    for component in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        assert component in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_runs_it(installed, folder, tmp_path):
    graph = text_to_image(folder, steps=2).add("save", "SaveImage", name="cat").connect("decode.image -> save.image")
    save(graph, tmp_path / "cat.json")
    done = called(installed, "run", tmp_path / "cat.json", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cat.png"]


def test_fetch_brings_what_it_needs_and_no_more(installed, tmp_path):
    """Of all that is in the folder of the hub, also other variants, a checker and single files."""
    source = write_sd_checkpoint(tmp_path / "source", variants=("", "fp16"))
    files = {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    weights = files["unet/diffusion_pytorch_model.fp16.safetensors"]
    others = ["v1-5-pruned.safetensors", "safety_checker/model.fp16.safetensors"]
    others += ["unet/diffusion_pytorch_model.non_ema.safetensors", "text_encoder/pytorch_model.bin"]
    name = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    model = Model({**files, **dict.fromkeys(others, weights)})
    graph = text_to_image(name, steps=2)
    save(graph.add("save", "SaveImage").connect("decode.image -> save.image"), tmp_path / "cat.json")
    with Hub(**{name.replace("/", "__"): model}) as hub:
        kept = {key: value for key, value in installed.items() if not key.startswith("HF_")}
        online = {**kept, "HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
        online |= {"NO_PROXY": "*", "HF_HUB_DISABLE_TELEMETRY": "1"}
        done = called(online, "fetch", tmp_path / "cat.json")
        assert done.returncode == 0, done.stdout + done.stderr
        asked = {request.partition("/resolve/")[2].partition("/")[2].split()[0] for request in hub.requests
                 if "/resolve/" in request}  # fmt: skip
    assert asked >= {"text_encoder/model.fp16.safetensors", "tokenizer/merges.txt", "vae/config.json"}
    assert not asked & set(others) and "unet/diffusion_pytorch_model.safetensors" not in asked
    offline = {**online, "HF_HUB_OFFLINE": "1"}
    done = called(offline, "run", tmp_path / "cat.json", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1
