"""Trajectories as files: the same again to the bit, and what is said of files that are none."""

import json
import struct
from dataclasses import fields, replace

import pytest
import torch
from safetensors.torch import save
from toy_denoisers import LINEAR, ToyNetwork, leaf, noise

from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.trajectory_files import from_bytes, read_trajectory, to_bytes
from nodegraph_nodes.ops.trajectory_headers import KEY
from nodegraph_nodes.types import NoiseSchedule, Noisy, Step, Trajectory

NET = ToyNetwork()
STEPS = tuple(
    Sampler(steps=4, method="dpm++").sample(
        CFGCombine(leaf(1, NET), leaf(10, NET), 2.0), Noisy(noise(1, 2)), record=range(9)
    )
)
WAY = Trajectory(STEPS, LINEAR, taken=5, hooks=())
ODD = NoiseSchedule("mine", (0.9, 1 / 3, 0.1))
LATENT = Trajectory(
    (
        Step(2, noise(1, 1, 4), noise(2, 1, 4), noise(3, 1, 4), {"a b.c": noise(4, 1, 4)}, 7, (3, 0, 5)),
        Step(0, noise(5, 1, 4), noise(6, 1, 4), None, {}, 30, (9, 2, 5)),
    ),
    ODD,
    "latent:sd",
    12,
    2,
    7,
    ("KeepOutside 12", "ViewedHook ab"),
)


def bits(value):
    """Everything that a trajectory or a step holds, comparable."""
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, value.contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {name: bits(item) for name, item in value.items()}
    if isinstance(value, (Step, Trajectory)):
        return [bits(getattr(value, field.name)) for field in fields(value)]
    return [bits(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("way", [WAY, LATENT, replace(WAY, steps=STEPS[::2])], ids=["a run", "latents", "thinned"])
def test_it_is_the_same_again(way, tmp_path):
    (tmp_path / "way.safetensors").write_bytes(to_bytes(way))
    for again in (from_bytes(to_bytes(way)), read_trajectory(tmp_path / "way.safetensors")):
        assert bits(again) == bits(way) and again.schedule == way.schedule


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_so_it_is_in_other_precisions(dtype):
    x = noise(1).to(dtype)
    again = from_bytes(to_bytes(Trajectory((Step(3, x, x), Step(-1, x, x)), LINEAR)))
    assert again.steps[0].x_t.dtype == dtype and torch.equal(again.steps[0].x_t, x)


def test_what_is_shared_is_stored_once():
    x = noise(1, 1, 1, 64)
    once = len(to_bytes(Trajectory((Step(3, x, x),), LINEAR)))
    shared = len(to_bytes(Trajectory((Step(3, x, x, x, {"a": x}), Step(-1, x, x)), LINEAR)))
    assert shared < once + 1000 < 2 * x.nbytes
    views = torch.stack([x, x])
    assert from_bytes(to_bytes(Trajectory((Step(3, views[0], views[1]),), LINEAR))).steps[0].x0.shape == x.shape


def other(**changes):
    """The header of WAY, with something else in it."""
    data = to_bytes(WAY)
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    told = json.loads(header["__metadata__"][KEY])
    for path, value in changes.items():
        *way, last = path.split("__")
        inner = told
        for key in way:
            inner = inner[int(key) if key.isdigit() else key]
        inner[last] = value
    header["__metadata__"][KEY] = json.dumps(told)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


BAD = {
    "an embedding": (
        save({"embedding": torch.zeros(1, 77, 8)}),
        "is no trajectory: it holds embedding; must be a file",
    ),
    "weights": (save({f"w{i}": torch.zeros(2) for i in range(9)}), "is no trajectory: it holds w0, w1, w2, ..."),
    "a pickle": (b"\x80\x04\x95" + b"\x00" * 20, "is a pickle .* must be safetensors"),
    "a text": (b"hello, I am no such file at all", "is not a whole safetensors file"),
    "cut short": (to_bytes(WAY)[:-1], "is not a whole safetensors file"),
    "newer": (other(format=2), "is a trajectory of format 2, must be 1; it needs a newer Nodegraph"),
    "no steps": (other(steps=[]), "does not hold together"),
    "a step without pictures": (other(steps__0__holds={}), "a step holds nothing, must hold x_t and x0"),
    "what no step holds": (other(steps__0__holds__y="0"), "a step holds .*y"),
    "a missing tensor": (other(steps__0__holds__noise="99"), "tensors are missing or left over: .*99"),
    "numbers that fall": (other(steps__0__number=3), "its steps are numbered .* must not fall"),
    "no such timestep": (other(steps__0__t=1000), "t is 1000, must be from -1 to 999"),
    "a timestep in words": (other(steps__0__t="9"), "'9' is no whole number"),
    "counts of other hooks": (other(steps__0__drawn=[1, 2]), r"step 0 tells \(1, 2\) of 1 that draw"),
    "less than nothing drawn": (other(steps__0__drawn=[-1]), "must be 0 or more"),
    "more drawn than ever is": (other(steps__0__drawn=[10**12]), "step 0 has drawn 1000000000000 noises, must be at"),
    "a walk that begins later": (other(first=1), "its walk begins at step 1, must be from 0 to 0, the first kept"),
    "a walk that begins before": (other(first=-1), "its walk begins at step -1, must be from 0 to 0"),
    "no schedule": (other(schedule__alphas_cumprod=[0.5, 0.6]), "the schedule linear must fall"),
    "no text": (other(space=3), "3 is no text"),
    "no JSON": (save({"0": torch.zeros(1, 1, 2, 2)}, {KEY: "{"}), "does not hold together"),
    "a list": (save({"0": torch.zeros(1, 1, 2, 2)}, {KEY: "[]"}), "does not hold together"),
}


@pytest.mark.parametrize("what", BAD)
def test_another_file_is_refused_by_name(what, tmp_path):
    data, words = BAD[what]
    path = tmp_path / "other.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{path} .*{words}") as told:
        read_trajectory(path)
    assert "\n" not in str(told.value)


def test_tensors_of_another_shape_or_kind_are_refused(tmp_path):
    path = tmp_path / "way.safetensors"
    way = Trajectory((Step(3, noise(1), noise(1, 2)),), LINEAR)
    path.write_bytes(to_bytes(way))
    with pytest.raises(ValueError, match=r"1 has the shape \[2, 1, 12, 12\], must be \[1, 1, 12, 12\] as the first"):
        read_trajectory(path)
    whole = torch.zeros((1, 1, 2, 2), dtype=torch.int64)
    path.write_bytes(to_bytes(Trajectory((Step(3, whole, whole),), LINEAR)))
    with pytest.raises(ValueError, match=r"with 0 as torch.int64, must be floating-point numbers"):
        read_trajectory(path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_trajectory(tmp_path / "none.safetensors")
