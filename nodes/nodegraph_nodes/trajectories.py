"""Nodes for the steps of a sampler: looking into one, going on from one, and keeping them in a file."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.foresights import PICTURE, chosen
from nodegraph_nodes.ops.checkpoint_files import Damaged, read_header
from nodegraph_nodes.ops.inside import (
    check_branch,
    check_inspected,
    check_start_step,
    missing_step,
    nothing_there,
)
from nodegraph_nodes.ops.trajectory_headers import TrajectoryHeader, header_of
from nodegraph_nodes.sampling import BranchName, foresee_branch
from nodegraph_nodes.training import FileName
from nodegraph_nodes.types import Image, NoiseSchedule, Noisy, Trajectory

StepNumber = Annotated[
    int, Field(ge=-1, le=1_000_000, description="Which step: 0 is the first of the run, -1 the last, its result.")
]
StartNumber = Annotated[int, Field(ge=0, le=1_000_000, description="Which step: 0 is the first of the run.")]
Way = Annotated[
    Trajectory,
    Field(description="Of the run to go on from.", json_schema_extra={"draws": "counted"}),
]
What = Annotated[
    Literal["noisy", "clean", "noise"],
    Field(
        description="noisy: what the network saw; clean: what it took for the picture underneath; noise: what it took "
        "for the noise, 0 as grey, -3 as black and 3 as white."
    ),
]
TrajectoryFile = Annotated[Path, Field(description="A file of SaveTrajectory.", json_schema_extra={"exists": True})]


def visited(known: Foresight, to_start: bool = False) -> tuple[int, int] | None:
    """The step that is meant, by its number, and its timestep, where they are known; ValueError when there is none."""
    visits = known.of("trajectory").get("visits")
    if visits is None or not known.knows("step"):
        return None
    number = max(visits) if known.value("step") == -1 else known.value("step")
    if number not in visits:
        raise missing_step(number, sorted(visits), to_start)
    return number, visits[number]


def foresee_inspect(known: Foresight) -> None:
    facts = known.of("trajectory")
    with known.refusals():
        if known.knows("what", "branch"):
            check_branch(known.value("what"), known.value("branch"))
        if known.knows("what") and "space" in facts:
            check_inspected(known.value("what"), facts["space"])
    with known.refusals():
        found = visited(known)
        estimated = found is None or found[0] != max(facts["visits"])
        if (
            not estimated
            and known.knows("what", "branch")
            and (known.value("what") == "noise" or known.value("branch"))
        ):
            raise nothing_there("the result", "", [])
        foresee_branch(known)
    known.gives("image", chosen(facts, *PICTURE))


@node("Inspect", category="Sampling", outputs="image", foresee=foresee_inspect)
def inspect(trajectory: Trajectory, step: StepNumber = 0, what: What = "noise", branch: BranchName = "") -> Image:
    """Look into one step of a sampler: what the network saw, and what it took for the picture and for the noise in it.

    A branch is a part of the denoiser, such as one side of a guidance or of an anagram: its own estimate, which the
    denoiser made its estimate of. What it saw through a view is turned back. Its clean picture is what its noise alone
    amounts to, not clipped.

    Noise is divided by 3 and clamped to [-1, 1]: grey is 0, black -3 or less, white 3 or more, in every picture.
    """
    from nodegraph_nodes.ops.trajectories import looked_at, shown_as_picture, step_numbered

    check_inspected(what, trajectory.space)
    found = looked_at(trajectory, step_numbered(trajectory, step), what, branch)
    return Image(shown_as_picture(found, what) if what == "noise" else found, trajectory.space)


def foresee_start(known: Foresight) -> None:
    facts = known.of("trajectory")
    with known.refusals():
        found = visited(known, to_start=True)
        if found is not None:
            number, t = found
            if t < 0:
                check_start_step(number, number)
            elif "place" in facts:
                start, first = facts["place"]
                known.gives("noisy", t=t, place=(start, number, first))
    known.gives("noisy", chosen(facts, *PICTURE, "schedule"))


@node("StartFrom", category="Sampling", outputs="noisy", foresee=foresee_start)
def start_from(trajectory: Way, step: StartNumber = 0) -> Noisy:
    """Go back to a step of a sampler, to go on from there: what the network saw, and how much noise had been drawn.

    An IterativeSampler with the same settings and the same denoiser makes the same picture from it, to the bit. With
    another prompt the way branches off there, with the same noise as before. Each step but the result will do.
    """
    from nodegraph_nodes.ops import trajectories

    return trajectories.start_from(trajectory, step)


@node("SaveTrajectory", category="Sampling", outputs="path", pure=False)
def save_trajectory(context: Context, trajectory: Trajectory, name: FileName = "trajectory") -> Path:
    """Save the way of a sampler as safetensors, exactly, with the estimates of all branches."""
    from nodegraph_nodes.ops import trajectory_files

    return context.output.write(f"{name}.safetensors", trajectory_files.to_bytes(trajectory))


def foresee_loading(known: Foresight) -> None:
    """What the header of the file says."""
    path = known.value("path")
    if known.knows("path") and path.is_file():
        with known.refusals("path"):
            try:
                shapes, metadata = read_header(path)
                header = header_of(metadata, shapes)
            except Damaged:
                raise
            except ValueError as error:
                raise ValueError(f"{path} {error}") from None
            known.gives("trajectory", facts_of(header))


def facts_of(header: TrajectoryHeader) -> dict[str, Any]:
    """What is known of a trajectory from its file."""
    facts: dict[str, Any] = dict(zip(("batch", "channels", "height", "width"), header.shape, strict=True))
    facts |= {"space": header.space, "visits": {step.number: step.t for step in header.steps}}
    facts["branches"] = list({name: None for step in header.steps for name in step.branches})
    if all(step.drawn for step in header.steps):
        facts["place"] = (header.start, header.first)
    with suppress(ValueError):  # a schedule without a name is compared when the sampler runs
        if NoiseSchedule.named(header.schedule.name) == header.schedule:
            facts["schedule"] = header.schedule.name
    return facts


@node("LoadTrajectory", category="Sampling", outputs="trajectory", foresee=foresee_loading)
def load_trajectory(path: TrajectoryFile) -> Trajectory:
    """Load the way of a sampler from a file of SaveTrajectory, to look into it or to go on from it."""
    from nodegraph_nodes.ops import trajectory_files

    return trajectory_files.read_trajectory(path)
