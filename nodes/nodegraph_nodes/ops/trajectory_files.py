"""Trajectories as files: safetensors, exact to the bit, from which a run goes on as from the trajectory itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from nodegraph_nodes.ops.trajectory_headers import (
    HELD,
    KEY,
    StepHeader,
    TrajectoryHeader,
    header_of,
    header_text,
)
from nodegraph_nodes.ops.weights import read_safetensors, safetensors_bytes
from nodegraph_nodes.types import Step, Trajectory


def to_bytes(trajectory: Trajectory) -> bytes:
    """The content of a file that `read_trajectory` reads."""
    names: dict[int, str] = {}
    tensors: dict[str, Tensor] = {}

    def named(x: Tensor) -> str:
        """The name of a tensor in the file, where it is stored once."""
        if id(x) not in names:
            names[id(x)] = str(len(names))
            tensors[names[id(x)]] = x.clone()  # a storage may be shared by several, which safetensors refuses
        return names[id(x)]

    steps = []
    for step in trajectory:
        held = {name: getattr(step, name) for name in HELD}
        holds = {name: named(x) for name, x in held.items() if x is not None}
        branches = {name: named(noise) for name, noise in step.branches.items()}
        steps.append(StepHeader(step.t, step.number, step.drawn, holds, branches))
    header = TrajectoryHeader(
        tuple(steps),
        trajectory.schedule,
        trajectory.space,
        trajectory.taken,
        trajectory.start,
        trajectory.first,
        trajectory.hooks,
        tuple(trajectory.steps[0].x_t.shape),
    )
    return safetensors_bytes(tensors, {KEY: header_text(header)})


def from_bytes(data: bytes) -> Trajectory:
    """The inverse of `to_bytes`."""
    from safetensors.torch import load

    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return trajectory_of(load(data), header.get("__metadata__", {}))


def read_trajectory(path: Path) -> Trajectory:
    """Read a file of `to_bytes`.

    Raises:
        ValueError: it is any other file, which the message names; a pickle is named as such and never opened.
    """
    tensors, metadata = read_safetensors(path)
    try:
        return trajectory_of(tensors, metadata)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def trajectory_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> Trajectory:
    header = header_of(metadata, {name: tuple(x.shape) for name, x in tensors.items()})
    for name, x in tensors.items():
        if not x.is_floating_point():
            raise ValueError(f"is a trajectory with {name} as {x.dtype}, must be floating-point numbers; save it again")
    steps = tuple(
        Step(
            step.t,
            number=step.number,
            drawn=step.drawn,
            branches={name: tensors[tensor] for name, tensor in step.branches.items()},
            **{name: tensors[tensor] for name, tensor in step.holds.items()},
        )
        for step in header.steps
    )
    return Trajectory(steps, header.schedule, header.space, header.taken, header.start, header.first, header.hooks)
