"""The examples for DeepFloyd IF: tidy, filtered, faultless without weights, and run on tiny checkpoints."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest
import torch
from cli_calls import call
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_if import write_if_checkpoint
from tiny_safety import write_safety
from tiny_t5 import write_text_encoder

from nodegraph.files import load
from nodegraph.graphs import Graph
from nodegraph.plugins import load_plugins

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
NAMES = sorted(path.stem for path in (EXAMPLES / "if").glob("*.json"))
SAMPLERS = {"IterativeSampler", "OneStepDenoise"}

# The graph of digits that each is wired like, where it has another name.
TWINS = {"text_to_image": "digits"}
ALONE = {"upscale", "anagram_upscale"}

# What makes a run small: sizes where they are typed, and fewer steps where no preset says how many.
SMALL = {
    "anagram": ["noise.size=16", "noise.batch=1"],
    "anagram_upscale": ["noise.size=16", "noise_large.size=32", "sample.steps=2", "sample_large.steps=2"],
    "denoising": ["house.size=16", *[f"noisy{t}.t={at}" for t, at in ((250, 30), (500, 60), (750, 90))]],
    "forward": [],
    "guidance": ["noise.size=16", "noise.batch=1", *[f"sample{scale}.steps=2" for scale in (0, 1, 3, 7, 15)]],
    "hybrid": ["noise.size=24", "noise.batch=1"],
    "inpainting": [
        "drawing.size=16", "middle.size=16", "middle.left=4", "middle.top=4", "middle.width=8", "middle.height=8",
        "noise.size=16",
    ],
    "inversion": ["drawing.size=16", "invert.steps=3", "again.steps=3", "edited.steps=3"],
    "panorama": ["tiles.size=16", "tiles.stride=8", "noise.size=16", "noise.width=32", "sample.steps=2"],
    "region": ["noise.size=16", "noise.batch=1", "upper.size=16", "upper.height=8", "sample.steps=2"],
    "sdedit": ["drawing.size=16", *[f"noise{t}.t={t // 10}" for t in (390, 690, 780, 840, 900)]],
    "text_to_image": ["noise.size=16", "noise.batch=1", "sample.steps=2"],
    "upscale": ["noise.size=16", "noise_large.size=32", "sample.steps=2", "sample_large.steps=2"],
}  # fmt: skip

every_example = pytest.mark.parametrize("name", NAMES)


def graph(name: str) -> Graph:
    return load(EXAMPLES / "if" / f"{name}.json")


def wires(graph: Graph) -> "nx.DiGraph[str]":
    return nx.DiGraph((link.source, link.target) for link in graph.links)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of both stages, in the layout of the real ones, with a safety checker that flags nothing."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    write_if_checkpoint(first, 1, 16)
    write_text_encoder(first)
    write_safety(first)
    flagging(first, -1e3)
    write_if_checkpoint(second, 2, 32)
    return first, second


def flagging(folder: Path, bias: float) -> None:
    """Let the safety checker of a folder flag everything, with a high bias, or nothing."""
    path = folder / "safety_checker" / "model.safetensors"
    weights = load_file(path)
    save_file({name: torch.full_like(w, bias) if "head.bias" in name else w for name, w in weights.items()}, path)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No cache of the hub, nor of Nodegraph, that something may be found in."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield


@every_example
def test_check_accepts_it_without_weights(name: str, alone: None) -> None:
    told = call("check", EXAMPLES / "if" / f"{name}.json")
    assert told.exit_code == 0, told.stderr
    networks = any(node.type.startswith("IF") for node in graph(name).nodes.values())
    assert ("DeepFloyd/IF-I-XL-v1.0" in told.stdout) == networks


@every_example
def test_it_runs_on_tiny_checkpoints(name: str, alone: None, checkpoints: tuple[Path, Path], tmp_path: Path) -> None:
    values = dict(zip(("checkpoint", "upscaler"), checkpoints, strict=True))
    settings = [f"{node}.value={path}" for node, path in values.items() if node in graph(name).nodes]
    flags = [part for setting in (*settings, *SMALL[name]) for part in ("--set", setting)]
    told = call("run", EXAMPLES / "if" / f"{name}.json", "--out", tmp_path / "out", "--device", "cpu", *flags)
    assert told.exit_code == 0, told.stderr
    (made,) = (tmp_path / "out").glob("*.png")
    with Image.open(made) as picture:
        shades = picture.convert("L").getcolors()
    assert len(shades) > 10, "the pictures are on it"


def test_what_the_filter_flags_is_not_shown(alone: None, checkpoints: tuple[Path, Path], tmp_path: Path) -> None:
    strict = tmp_path / "strict"
    shutil.copytree(checkpoints[0], strict)
    flagging(strict, 1e3)
    flags = [part for setting in SMALL["text_to_image"] for part in ("--set", setting)]
    file = EXAMPLES / "if" / "text_to_image.json"
    told = call("run", file, "--out", tmp_path / "out", "--set", f"checkpoint.value={strict}", *flags)
    assert told.exit_code == 0, told.stderr
    with Image.open(tmp_path / "out" / "if_text_to_image.png") as picture:
        assert {shade for _, shade in picture.convert("L").getcolors()} == {0, 255}, "black on white"


def test_each_is_named_here() -> None:
    assert set(SMALL) == set(NAMES)


@every_example
def test_no_picture_of_a_network_is_saved_unfiltered(name: str) -> None:
    types = {id: node.type for id, node in graph(name).nodes.items()}
    unfiltered = wires(graph(name))
    unfiltered.remove_nodes_from([id for id, type in types.items() if type == "IFSafetyChecker"])
    drawn = [id for id, type in types.items() if type in SAMPLERS]
    shown = [id for id, type in types.items() if type in ("SaveImage", "ShowImage", "SaveAnimation")]
    assert shown
    for sampler in drawn:
        assert not any(nx.has_path(unfiltered, sampler, place) for place in shown)


@every_example
def test_one_value_names_each_checkpoint(name: str) -> None:
    ports = {(link.target, link.input): link.source for link in graph(name).links}
    for id, node in graph(name).nodes.items():
        if node.type in ("EncodePrompt", "IFStage1", "IFStage2", "IFSafetyChecker"):
            second = node.type == "IFStage2"
            assert ports[id, "checkpoint"] == ("upscaler" if second else "checkpoint")
            assert "checkpoint" not in node.inputs


def test_an_empty_name_of_a_checkpoint_is_told_once(alone: None) -> None:
    told = call("check", EXAMPLES / "if" / "anagram.json", "--set", "checkpoint.value=")
    message = "skull_text (EncodePrompt): checkpoint is empty, must be an id of the hub, such as DeepFloyd/IF-I-XL"
    assert (told.exit_code, told.stderr, len(told.stdout.splitlines())) == (2, "", 2)
    assert told.stdout.startswith(f"{message}-v1.0, or a folder; it comes from checkpoint.value; the same at")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALONE])
def test_it_is_wired_like_its_digits(name: str) -> None:
    """Guidance, noise and sampling are the same nodes, but that a prompt may want guidance where no digit was told."""
    registry = load_plugins(only=["nodegraph"])
    twin = load(EXAMPLES / f"{TWINS.get(name, name)}.json")
    kinds = {"Guidance", "Noise", "Sampling"}

    def used(graph: Graph) -> set[str]:
        specs = [registry.node_types[node.type] for node in graph.nodes.values()]
        return {spec.id for spec in specs if spec.category in kinds}

    assert used(twin) <= used(graph(name)) <= used(twin) | {"CFGCombine"}


@every_example
def test_it_is_tidy_in_an_editor(name: str) -> None:
    """Links lead to the right, no node lies on another, and a note says what is shown."""
    places = graph(name).canvas["positions"]
    assert set(places) == set(graph(name).nodes)
    assert graph(name).canvas["notes"][0]["text"]
    for link in graph(name).links:
        assert places[link.target][0] - places[link.source][0] >= 240
    for one in places:
        for other in places:
            if one < other and places[one][0] == places[other][0]:
                assert abs(places[one][1] - places[other][1]) >= 160
