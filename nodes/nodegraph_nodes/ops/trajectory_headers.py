"""What the file of a trajectory says of itself: a JSON text in its metadata, written and judged without torch.

    {"format": 1, "space": ..., "taken": ..., "start": ..., "first": ..., "hooks": [...],
     "schedule": {"name": ..., "alphas_cumprod": [...]},
     "steps": [{"t": ..., "number": ..., "drawn": [...], "holds": {"x_t": tensor, "x0": ...}, "branches": {...}}, ...]}

`holds` and `branches` name the tensors of the file, so that what several steps share is there once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nodegraph_nodes.types import NoiseSchedule

KEY = "nodegraph.trajectory"
FORMAT = 1
HELD = ("x_t", "x0", "noise", "carried")
MOST_DRAWN = 1_000_000
"""How many noises a walk can have drawn; to go on, they are drawn again."""


@dataclass(frozen=True)
class StepHeader:
    """A step without its tensors: those that it holds, and those of its branches, by name, are named."""

    t: int
    number: int
    drawn: tuple[int, ...]
    holds: Mapping[str, str]
    branches: Mapping[str, str]


@dataclass(frozen=True)
class TrajectoryHeader:
    """A trajectory without its tensors; as a `Trajectory`, and the shape of all of them."""

    steps: tuple[StepHeader, ...]
    schedule: NoiseSchedule
    space: str
    taken: int
    start: int | None
    first: int
    hooks: tuple[str, ...]
    shape: tuple[int, ...]


def header_text(header: TrajectoryHeader) -> str:
    """The JSON text of a header; the shape is that of the tensors."""
    schedule = {"name": header.schedule.name, "alphas_cumprod": header.schedule.alphas_cumprod}
    told = {name: getattr(header, name) for name in ("space", "taken", "start", "first", "hooks")}
    steps = [
        {
            "t": step.t,
            "number": step.number,
            "drawn": step.drawn,
            "holds": dict(step.holds),
            "branches": dict(step.branches),
        }
        for step in header.steps
    ]
    return json.dumps({"format": FORMAT, **told, "schedule": schedule, "steps": steps})


def header_of(metadata: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> TrajectoryHeader:
    """The header in the metadata of a safetensors file with tensors of these shapes.

    Raises:
        ValueError: the file is of another kind, newer, or does not hold together.
    """
    if KEY not in metadata:
        some = ", ".join(sorted(shapes)[:3]) + (", ..." if len(shapes) > 3 else "")
        raise ValueError(f"is no trajectory: it holds {some or 'no tensor'}; must be a file of SaveTrajectory")
    try:
        told = json.loads(metadata[KEY])
        if told["format"] != FORMAT:
            raise Newer(f"is a trajectory of format {told['format']!r}, must be {FORMAT}; it needs a newer Nodegraph")
        schedule = NoiseSchedule(text(told["schedule"]["name"]), tuple(told["schedule"]["alphas_cumprod"]))
        found = TrajectoryHeader(
            tuple(step_header(step) for step in told["steps"]),
            schedule,
            text(told["space"]),
            whole(told["taken"]),
            None if told["start"] is None else whole(told["start"]),
            whole(told["first"]),
            tuple(map(text, told["hooks"])),
            tuple(shapes[told["steps"][0]["holds"]["x_t"]]),
        )
        check_whole(found, shapes)
    except Newer:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"is a trajectory that does not hold together ({error}); save it again") from None
    return found


class Newer(ValueError):
    """A file of a format that is not known here."""


def step_header(told: Mapping[str, Any]) -> StepHeader:
    holds = {text(name): text(tensor) for name, tensor in told["holds"].items()}
    if not {"x_t", "x0"} <= holds.keys() <= set(HELD):
        raise ValueError(f"a step holds {', '.join(sorted(holds)) or 'nothing'}, must hold x_t and x0")
    branches = {text(name): text(tensor) for name, tensor in told["branches"].items()}
    return StepHeader(whole(told["t"]), whole(told["number"]), tuple(map(whole, told["drawn"])), holds, branches)


def check_whole(header: TrajectoryHeader, shapes: Mapping[str, Sequence[int]]) -> None:
    """ValueError when steps do not follow one another, or tensors are missing, left over, or of different shapes."""
    if len(header.shape) != 4 or 0 in header.shape:
        raise ValueError(f"its pictures have the shape {list(header.shape)}, must be (B, C, H, W)")
    numbers = [step.number for step in header.steps]
    if numbers != sorted(numbers):
        raise ValueError(f"its steps are numbered {numbers[:8]}, must not fall")
    if not 0 <= header.first <= numbers[0]:
        raise ValueError(f"its walk begins at step {header.first}, must be from 0 to {numbers[0]}, the first kept")
    for step in header.steps:
        if not -1 <= step.t < header.schedule.steps:
            raise ValueError(f"t is {step.t}, must be from -1 to {header.schedule.steps - 1}")
        if step.drawn and len(step.drawn) != 1 + len(header.hooks):
            raise ValueError(f"step {step.number} tells {step.drawn} of {1 + len(header.hooks)} that draw")
        if min(step.drawn, default=0) < 0:
            raise ValueError(f"step {step.number} has drawn {step.drawn}, must be 0 or more")
        if max(step.drawn, default=0) > MOST_DRAWN:
            raise ValueError(f"step {step.number} has drawn {max(step.drawn)} noises, must be at most {MOST_DRAWN}")
    used = {tensor for step in header.steps for tensor in (*step.holds.values(), *step.branches.values())}
    if used != shapes.keys():
        raise ValueError(f"tensors are missing or left over: {', '.join(sorted(used ^ shapes.keys())[:4])}")
    for name, shape in shapes.items():
        if tuple(shape) != header.shape:
            raise ValueError(f"{name} has the shape {list(shape)}, must be {list(header.shape)} as the first")


def whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value


def text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(f"{value!r} is no text")
    return value
