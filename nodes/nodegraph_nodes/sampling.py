"""Sampling nodes: from noise to a picture, and what the way there looked like."""

from collections.abc import Callable, Container, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field

from nodegraph import Context, Foresight, node
from nodegraph_nodes.foresights import TIMESTEPS, chosen, sampled, settings
from nodegraph_nodes.noise import Seed
from nodegraph_nodes.ops.agreements import check_clip, check_method, check_spaces
from nodegraph_nodes.ops.inside import check_branch, check_named_branch, check_shown_space
from nodegraph_nodes.ops.presets import SAMPLING, Preset, settled
from nodegraph_nodes.ops.schedules import Spacing, checked, spaced
from nodegraph_nodes.ops.walks import Place, Route, route
from nodegraph_nodes.ops.words import count
from nodegraph_nodes.types import Denoiser, Image, Noisy, Step, Trajectory
from nodegraph_nodes.value_types import picture_thumbnail

if TYPE_CHECKING:
    from torch import Tensor

Steps = Annotated[int, Field(ge=1, le=1000, description="How many timesteps of the whole schedule are visited.")]
Method = Annotated[
    Literal["ddpm", "ddim", "dpm++", "euler"],
    Field(description="ddpm adds fresh noise at each step; the others add none and need fewer, dpm++ the fewest."),
]
Timesteps = Annotated[
    list[int],
    Field(description="The timesteps to visit, falling, such as 990, 960, ..., 0; empty: as steps and spacing say."),
]
Repeats = Annotated[
    int,
    Field(ge=1, le=100, description="How often each stretch is walked, climbing back with fresh noise (RePaint)."),
]
Jump = Annotated[int, Field(ge=1, le=999, description="How many steps a stretch has that is repeated.")]
Spaced = Annotated[
    Spacing,
    Field(description="leading ends at timestep 0, trailing begins at the last one, linspace does both."),
]
Offset = Annotated[
    int,
    Field(
        ge=0,
        le=999,
        description="Added to each timestep of a leading spacing, so that it ends there; 1 as Stable Diffusion.",
    ),
]
Clip = Annotated[
    Literal["auto", "none", "clamp", "dynamic"],
    Field(
        description="What is done to each estimate of the clean picture: clamp to [-1, 1], or dynamic thresholding; "
        "auto: clamp in pixels, none in latents, which have no bounds."
    ),
]
Variance = Annotated[
    Literal["learned", "fixed_small", "fixed_large"],
    Field(description="How much noise a ddpm step adds; learned is fixed_small where the network does not say."),
]
Eta = Annotated[float, Field(ge=0, le=1, description="Share of fresh noise in a ddim step: 0 none, 1 as ddpm.")]
End = Annotated[
    int, Field(ge=-1, le=998, description="The timestep to stop at, where no network is asked; -1: the clean picture.")
]
SamplerPreset = Annotated[
    Preset,
    Field(
        description="Sample as others' code does; sets several inputs, which then stay as they are. IF pipeline: as "
        "diffusers, steps as given; CS180: 33 steps to t = 0, not clipped; RePaint: 250 steps, each stretch ten times; "
        "SD pipeline: ddim as diffusers, steps as given."
    ),
]
Upto = Annotated[int, Field(ge=0, le=999, description="How far up: the timestep of the noise that comes out.")]
Frames = Annotated[int, Field(ge=1, le=1000, description="At most this many pictures along the way.")]
Shown = Annotated[
    Literal["noisy", "clean", "both", "noise"],
    Field(
        description="noisy: what the network saw; clean: what it took for the picture underneath; both; or noise: what "
        "it took for the noise, 0 as grey, -3 as black and 3 as white."
    ),
]
BranchName = Annotated[
    str,
    Field(
        max_length=500,
        description="Whose estimate: empty for the whole denoiser's, else the path of a part, such as conditional or "
        "upright.conditional.",
    ),
]
FileName = Annotated[
    str,
    Field(
        min_length=1,
        description="File name below the output folder, without ending.",
        json_schema_extra={"output": ".gif"},
    ),
]
Seconds = Annotated[
    float, Field(ge=0.02, le=60, description="How long a frame is shown.", json_schema_extra={"unit": "s"})
]
Hold = Annotated[
    float, Field(ge=0.02, le=600, description="How long the result is shown.", json_schema_extra={"unit": "s"})
]
Format = Annotated[Literal["gif", "webp"], Field(description="WebP is smaller and exact, GIF is shown everywhere.")]


class Sampled(NamedTuple):
    """The pictures, and the way to them."""

    image: Image
    trajectory: Trajectory


SETTINGS = (
    "steps", "method", "timesteps", "repeats", "jump", "spacing", "offset", "clip", "variance", "eta", "end",
)  # fmt: skip


def foresee_sampling(known: Foresight) -> None:
    """Whether the settings go with the preset and with one another, and the start with the denoiser."""
    told = settings(known, SAMPLING, iterative_sampler, SETTINGS)
    if told is not None and told.keys() == set(SETTINGS):
        with known.refusals():
            check_method(told["method"], told["eta"], told["repeats"])
            check_clip(told["clip"], known.of("denoiser").get("space", "pixels"))
            if "schedule" in known.of("denoiser") and "t" in known.of("start"):
                foresee_walk(known, told)
    foresee_idle(known, told or {})
    facts = sampled(known, "start")
    known.gives("image", facts)
    known.gives("trajectory", facts | chosen(known.of("denoiser"), "schedule", "branches"))


def foresee_walk(known: Foresight, told: Mapping[str, Any]) -> None:
    """Which timesteps will be visited; ValueError when there is no such walk."""
    start, timesteps = known.of("start"), told["timesteps"]
    spacing = told["steps"], told["spacing"], told["offset"]
    listed = checked(timesteps, TIMESTEPS) if timesteps else spaced(TIMESTEPS, *spacing)
    place = Place(*start["place"]) if start.get("place") else None
    found = route(listed, start["t"], place, told["end"], told["repeats"], told["jump"])
    visits = dict(enumerate([*found.visits, told["end"]], found.place.number))
    known.gives("trajectory", visits=visits, place=(found.place.start, found.place.first))


def foresee_idle(known: Foresight, told: Mapping[str, Any]) -> None:
    """Which values do nothing beside the others, though they are given and no defaults."""

    def idle(name: str, default: Any) -> bool:
        return known.given(name) and known.knows(name) and known.value(name) != default

    timesteps = told.get("timesteps")
    if timesteps:
        whose = "the timesteps are listed" if known.value("preset") == "none" else "the preset lists the timesteps"
        if idle("spacing", "leading"):
            known.odd("spacing", f"is {known.value('spacing')}, but {whose}", "leave it out")
        if idle("offset", 0):
            known.odd("offset", f"is {known.value('offset')}, but {whose}", "leave it out")
        if known.value("preset") == "none" and idle("steps", 50) and known.value("steps") != len(timesteps):
            known.odd("steps", f"is {known.value('steps')}, but {whose}: {len(timesteps)} of them", "leave it out")
    if told.get("method", "ddpm") != "ddpm" and idle("variance", "learned"):
        known.odd("variance", f"is {known.value('variance')}, but {told['method']} does not use it", "leave it out")


@node("IterativeSampler", category="Sampling", foresee=foresee_sampling)
def iterative_sampler(
    context: Context,
    denoiser: Denoiser,
    start: Noisy,
    steps: Steps = 50,
    method: Method = "ddpm",
    timesteps: Timesteps = [],  # noqa: B006 - a default of the port, never written to
    seed: Seed = 1,
    repeats: Repeats = 1,
    jump: Jump = 10,
    spacing: Spaced = "leading",
    clip: Clip = "auto",
    variance: Variance = "learned",
    eta: Eta = 0.0,
    end: End = -1,
    preset: SamplerPreset = "none",
    offset: Offset = 0,
) -> Sampled:
    """Remove noise step by step until a picture is left.

    From pure noise it visits all the timesteps; from a picture that was noised to t it begins there and goes on with
    those below t; from a step of a trajectory (StartFrom) it goes on as that run did, with the same noise if the seed
    is the same.

    A preset samples as others' code does. It sets some inputs; one of these with a value that is neither that nor
    its default is an error.

    IF pipeline, as diffusers samples DeepFloyd IF: ddpm, leading timesteps, dynamic thresholding once and outermost,
    learned variance. Steps or timesteps are as given (theirs are 100). The network is asked at t = 0, too, and the
    result is what it then takes for the picture, thresholded; no noise is added there.

    CS180, as project 5 of the course: 33 steps of ddpm from 990, 960, ... and 30 to 0, learned variance, no clipping.
    The network is not asked at t = 0 and the last step adds noise like the others, so that a little of it is left.

    RePaint, as its authors' code: 250 timesteps from 999 to 0, where each stretch of 10 is walked 10 times, climbing
    back with fresh noise: 2410 network calls. Estimates are clamped, the variance is learned. Made for MaskBlend's
    preset of the same name.

    SD pipeline, as diffusers samples Stable Diffusion with DDIM: ddim without fresh noise, leading timesteps from 1 on
    (50 steps: 981, 961, ..., 1), not clipped. Steps are as given (theirs are 50). The network is not asked at t = 0,
    and the last step ends there, so that a trace of noise is left, as theirs does.
    """
    from nodegraph_nodes.ops.samplers import Sampler

    given = {
        "steps": steps, "method": method, "timesteps": timesteps, "repeats": repeats, "jump": jump, "spacing": spacing,
        "offset": offset, "clip": clip, "variance": variance, "eta": eta, "end": end,
    }  # fmt: skip
    told = settled(preset, SAMPLING, iterative_sampler, given)
    sampler = Sampler(**(told | {"seed": seed, "timesteps": tuple(told["timesteps"])}))
    begun = replace(start, x=start.x.to(context.device))
    found = sampler.route(denoiser, begun)
    way = partial(sampler.sample, denoiser, begun)
    trajectory = followed(context, denoiser, begun.x, way, found.visits, found)
    return Sampled(Image(trajectory.steps[-1].x0, denoiser.space), trajectory)


class Inverted(NamedTuple):
    """The noise from which a picture would be made again, and the way to it."""

    noisy: Noisy
    trajectory: Trajectory


def foresee_inversion(known: Foresight) -> None:
    if known.of("denoiser").get("keeps"):
        known.wrong("denoiser", "keeps something of a picture, which steps up cannot do", "link it without MaskBlend")
    facts = sampled(known, "image")
    known.gives("trajectory", facts | chosen(known.of("denoiser"), "branches"))
    known.gives("noisy", facts | chosen(known.of("denoiser"), "schedule"))
    if known.knows("t"):
        known.gives("noisy", t=known.value("t"))


@node("DDIMInversion", category="Sampling", foresee=foresee_inversion)
def ddim_inversion(
    context: Context, denoiser: Denoiser, image: Image, steps: Steps = 50, t: Upto = 980, spacing: Spaced = "leading"
) -> Inverted:
    """Find the noise from which the sampler would make a picture, by walking up instead of down.

    An IterativeSampler with method ddim, clip none, the same steps and spacing makes the picture again from it, the
    better, the more steps; with another denoiser, such as one for another prompt, it makes an edited one. The higher
    the guidance scale, the more steps it takes to find back; many invert without guidance.
    """
    from nodegraph_nodes.ops.inversion import asked, invert, levels_up_to

    check_spaces("the image", image.space, denoiser.space)
    levels = levels_up_to(denoiser.schedule, t, steps, spacing)
    x = image.pixels.to(context.device)
    way = partial(invert, denoiser, x, levels)
    trajectory = followed(context, denoiser, x, way, asked(levels))
    return Inverted(Noisy(trajectory.steps[-1].x_t, t, denoiser.schedule, denoiser.space), trajectory)


def followed(
    context: Context,
    denoiser: Denoiser,
    x: "Tensor",
    way: Callable[..., Generator[Step, None, None]],
    timesteps: Sequence[int],
    route: Route | None = None,
) -> Trajectory:
    """Go a way to its end: tell first what it will cost, then each step with a preview, and keep what fits.

    Args:
        x: where it begins.
        way: takes `record`, and yields a step for each estimate, and one for the result.
        timesteps: where the estimates are, in order.
        route: which walk of a sampler it is, if it is one.
    """
    from nodegraph_nodes.ops.draws import hook_name
    from nodegraph_nodes.ops.evaluation import price
    from nodegraph_nodes.ops.trajectories import moved

    place = Place(None, 0) if route is None else route.place
    cost = price(denoiser, x, timesteps, place.number)
    total = len(timesteps)
    told = f"{count(total, 'step')}: {count(cost.forwards, 'network call')}, {count(cost.rows, 'picture')} in them"
    context.progress(0, total, text=told)

    keep = to_keep(context, denoiser, x, timesteps, place.number)
    history: list[Step] = []
    with closing(way(record=keep)) as steps:
        for number, step in enumerate(steps):
            if step.number in keep:
                history.append(step)
            if number < total:
                shown = partial(preview_of, denoiser, step.x0)
                context.progress(number + 1, total, preview=shown, text=f"t = {step.t}")
    hooks = tuple(hook_name(hook) for hook in denoiser.hooks())
    return Trajectory(moved(history), denoiser.schedule, denoiser.space, total + 1, place.start, place.first, hooks)


def to_keep(context: Context, denoiser: Denoiser, x: "Tensor", timesteps: Sequence[int], first: int) -> Container[int]:
    """The numbers of the steps that are kept, and said if these are not all.

    What a step takes is known from what its estimate will be made of: x_t, x_0, the noise, what a rule carries, and the
    noise of each branch.
    """
    from nodegraph_nodes.ops.branches import most_parts
    from nodegraph_nodes.ops.trajectories import MOST_BYTES, kept

    each = (4 + most_parts(denoiser, x, zip(timesteps, range(first, first + len(timesteps)), strict=True))) * x.nbytes
    total = len(timesteps) + 1
    keep = kept(total, each, MOST_BYTES)
    if len(keep) < total:
        context.warn(
            f"of the {count(total, 'step')} of the trajectory {len(keep)} are kept, evenly: all of them, with the "
            f"estimates of all branches, would take {total * each / 2**20:,.0f} MiB, more than {MOST_BYTES >> 20}"
        )
    return frozenset(first + number for number in keep)


def preview_of(denoiser: Denoiser, x0: "Tensor") -> bytes:
    """A PNG of clean pictures as the denoiser shows them; of latents that it cannot, as their space is shown."""
    look = denoiser.preview(x0)
    return picture_thumbnail(x0, 256, denoiser.space) if look is None else picture_thumbnail(look, 256)


def foresee_one_step(known: Foresight) -> None:
    with known.refusals():
        check_noised(known.of("noisy").get("t", 0))
    known.gives("image", sampled(known, "noisy"))


def check_noised(t: int | None) -> None:
    """ValueError for pure noise, which has no timestep."""
    if t is None:
        raise ValueError("noisy is pure noise of no timestep; link a picture from AddNoise, or use IterativeSampler")


@node("OneStepDenoise", category="Sampling", outputs="image", foresee=foresee_one_step)
def one_step_denoise(context: Context, denoiser: Denoiser, noisy: Noisy, clip: Clip = "none") -> Image:
    """Remove all the noise at once: the best guess of a single look, which is blurry where much is unknown."""
    from nodegraph_nodes.ops.samplers import Sampler

    check_noised(noisy.t)
    sampler = Sampler(timesteps=(noisy.t,), method="ddim", clip=clip)
    x = noisy.x.to(context.device)
    *_, result = sampler.sample(denoiser, replace(noisy, x=x))
    return Image(result.x0.cpu(), denoiser.space)


def foresee_branch(known: Foresight) -> None:
    """ValueError when the trajectory will tell of no branch of that name."""
    facts = known.of("trajectory")
    if "branches" in facts and known.knows("branch") and known.value("branch"):
        check_named_branch(known.value("branch"), facts["branches"])


def foresee_showing(known: Foresight) -> None:
    with known.refusals():
        if "space" in known.of("trajectory"):
            check_shown_space(known.of("trajectory")["space"])
        if known.knows("shown", "branch"):
            check_branch(known.value("shown"), known.value("branch"))
        foresee_branch(known)


def foresee_filmstrip(known: Foresight) -> None:
    foresee_showing(known)
    known.gives("image", batch=1, space="pixels")


@node("Filmstrip", category="Sampling", outputs="image", foresee=foresee_filmstrip)
def filmstrip(trajectory: Trajectory, frames: Frames = 8, shown: Shown = "noisy", branch: BranchName = "") -> Image:
    """Lay out the way of a sampler side by side, each picture of the batch in its row, from the start to the result.

    A branch is a part of the denoiser, such as one side of a guidance or of an anagram: its own estimate of the noise,
    or of the clean picture, at the steps at which it was asked. What it saw through a view is turned back.
    """
    from nodegraph_nodes.ops import drawing, trajectories

    rows, captions = trajectories.strip(trajectory, frames, shown, branch)
    below = [""] * len(captions) * (len(rows) - 1) + captions
    return Image(drawing.sheet(rows, columns=len(captions), captions=below))


@node("SaveAnimation", category="Sampling", outputs="path", pure=False, foresee=foresee_showing)
def save_animation(
    context: Context,
    trajectory: Trajectory,
    name: FileName = "animation",
    format: Format = "gif",
    frames: Frames = 100,
    shown: Shown = "noisy",
    seconds: Seconds = 0.08,
    hold: Hold = 1.5,
    branch: BranchName = "",
) -> Path:
    """Save the way of a sampler as a moving picture, with the timestep above."""
    from nodegraph_nodes.ops import animation, drawing, pictures, trajectories

    made = []
    pictures_of, captions = trajectories.frames(trajectory, frames, shown, branch)
    for number, (picture, caption) in enumerate(zip(pictures_of, captions, strict=True)):
        made.append(pictures.to_bytes(drawing.sheet([picture], headings=[caption]))[0])
        context.progress(number + 1, len(captions))
    encode = animation.gif_bytes if format == "gif" else animation.webp_bytes
    return context.output.write(f"{name}.{format}", encode(made, seconds, hold))
