"""What the built-in nodes know of pictures and denoisers before a run: the facts that they hand on, and who fits whom.

Facts are right or absent. Of a picture, a mask or a noisy picture: `batch`, `channels`, `height`, `width`, `space`; of
a noisy one also `t`, None for pure noise, and `schedule`, by name; of a mask that is a rectangle, `rectangle`. Of a
trajectory, beside those of its pictures and the `schedule`: `visits`, the timestep of each step by its number, the
result's among them; `place`, where its walk began and the number of the first estimate then; `branches`, as of its
denoiser. Of a noisy picture that comes from a step, `place`: the same with the number of that step between. Of a
conditioning: `prompts`, how many, each of so many `tokens` of so many numbers, its `width`. Of a denoiser:

    schedule, space         as of a noisy picture
    channels, height, width what it takes; channels alone, or nothing, where it takes other sizes
    demands                 what else it asks of pictures and of how many there are, as `ops.demands`
    multiple                what their sides must be divisible by
    sides                   height and width that pictures must have, since a mask in it does
    keeps                   the pictures that are kept while it is sampled, as facts
    branches                by name, those that tell of each step; none of a network
    sees                    the picture that a second stage enlarges, and with which noise

A public module: plugins rely on the names in `__all__`. Importing it imports no torch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from math import lcm
from typing import Any

from nodegraph import Foresight
from nodegraph_nodes.ops.agreements import agreed, check_pixels, check_schedules, check_spaces, space_of_start
from nodegraph_nodes.ops.demands import Demand, Pictures, Rows, check_all
from nodegraph_nodes.ops.picture_headers import check_is_picture, size_in
from nodegraph_nodes.ops.presets import Presets, overridden, settled
from nodegraph_nodes.ops.prompt_shapes import check_width
from nodegraph_nodes.ops.sizes import (
    check_channel_count,
    check_image,
    check_like_sampled,
    check_picture_channels,
    check_rows,
    check_shape,
    check_sides,
    check_size,
)
from nodegraph_nodes.types import Shape

__all__ = [
    "PICTURE",
    "Rows",
    "branching",
    "check_channel_count",
    "check_picture_channels",
    "check_pixels",
    "check_sides",
    "check_width",
    "chosen",
    "composed",
    "composes",
    "kept",
    "passes",
    "sampled",
    "shape_of",
    "size_of",
    "told_one",
]

Facts = Mapping[str, Any]

PICTURE = ("batch", "channels", "height", "width", "space")
TIMESTEPS = 1000
"""Of all schedules that are known by name."""


def chosen(facts: Facts, *names: str) -> dict[str, Any]:
    """Those facts of these that are known."""
    return {name: facts[name] for name in names if name in facts}


def shape_of(facts: Facts) -> Shape | None:
    """Channels, height and width, where all are known."""
    return (
        (facts["channels"], facts["height"], facts["width"])
        if {"channels", "height", "width"} <= facts.keys()
        else None
    )


def size_of(facts: Facts) -> tuple[int, int] | None:
    """Height and width, where both are known."""
    return (facts["height"], facts["width"]) if {"height", "width"} <= facts.keys() else None


def passes(source: str, output: str, *names: str) -> Callable[[Foresight], None]:
    """The foresight of a node whose output is like an input, in these facts."""

    def foresee(known: Foresight) -> None:
        known.gives(output, chosen(known.of(source), *names))

    return foresee


def told_one(output: str, **facts: Any) -> Callable[[Foresight], None]:
    """The foresight of a node of whose output the same is always known."""

    def foresee(known: Foresight) -> None:
        known.gives(output, facts)

    return foresee


def foresee_file_size(known: Foresight, output: str) -> None:
    """How large the picture in the file at `path` becomes, and said if it is none."""
    path, size = known.value("path"), known.value("size")
    here = known.knows("path") and path.is_file()
    if here:
        with known.refusals("path"):
            check_is_picture(path)
    if known.knows("size") and size:
        known.gives(output, height=size, width=size)
    elif here and known.knows("size"):
        found = size_in(path)
        if found is not None:
            known.gives(output, height=found[0], width=found[1])


# Denoisers made of denoisers


def composed(
    known: Foresight,
    parts: Sequence[Facts],
    asked: Iterable[Facts] | None = None,
    mask: Facts | None = None,
    demands: Iterable[Demand] = (),
) -> dict[str, Any]:
    """What is known of a denoiser made of denoisers, and said of it if they do not go together.

    Args:
        parts: those that are known.
        asked: those that are asked at every step; all, when left out.
        mask: one that must have the size of the pictures.
        demands: what the composition itself asks of pictures, told at once where it is known what they are like.
    """
    facts: dict[str, Any] = {}
    with known.refusals():
        common = agreed([{**part, "shape": shape_of(part)} for part in parts])
        facts = {name: common[name] for name in ("schedule", "space", "largest") if common[name] is not None}
        if common["shape"] is not None:
            facts["channels"], facts["height"], facts["width"] = common["shape"]
    asked = list(parts if asked is None else asked)
    values = [part["multiple"] for part in asked if "multiple" in part]
    if values:
        facts["multiple"] = lcm(*values)
    for name in ("channels", "sides"):
        values = [part[name] for part in asked if name in part]
        if values:
            facts.setdefault(name, values[0])
    demands = tuple(demands)
    if shape_of(facts) is not None:
        with known.refusals():
            check_all(demands, Pictures(None, *shape_of(facts)))
        demands = ()
    demands = unique((*demands, *(demand for part in asked for demand in part.get("demands", ()))))
    if demands:
        facts["demands"] = demands
    keeps = [kept for part in parts for kept in part.get("keeps", ())]
    if keeps:
        facts["keeps"] = keeps
    if parts and "sees" in parts[0] and all(part.get("sees") == parts[0]["sees"] for part in parts):
        facts["sees"] = parts[0]["sees"]
    if mask is not None and size_of(mask) is not None and facts.get("space") == "pixels":
        facts["sides"] = size_of(mask)
        if "height" in facts:
            with known.refusals():
                check_size(facts["sides"], "the mask", (facts["height"], facts["width"]))
    return facts


def branching(known: Foresight, *parts: str) -> dict[str, Any]:
    """The branches of a composition whose parts, by the names of its inputs, are all asked; nothing if one is unknown.

    In the order in which steps record them: a part, then what that is made of.
    """
    if not all("branches" in known.of(part) for part in parts):
        return {}
    inner = {part: [f"{part}.{name}" for name in known.of(part)["branches"]] for part in parts}
    return {"branches": [name for part in parts for name in (part, *inner[part])]}


def unique(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """Each demand once, so that compositions of compositions do not pile them up."""
    return tuple(dict.fromkeys(demands))


def pictures_of(facts: Facts) -> Pictures:
    """What is known of pictures, for demands."""
    return Pictures(**chosen(facts, "batch", "channels", "height", "width"))


def composes(*names: str) -> Callable[[Foresight], None]:
    """The foresight of a node that makes a denoiser of those linked to these inputs, which it asks at every step."""

    def foresee(known: Foresight) -> None:
        known.gives("denoiser", composed(known, [known.of(name) for name in names]))

    return foresee


def compare_pictures(known: Foresight, one: str, other: str) -> None:
    """Tell when the halves of guidance enlarge different pictures, or with different noise."""
    theirs, ours = known.of(one).get("sees", {}), known.of(other).get("sees", {})
    for name in ("image", "noise_level", "seed"):
        if name in theirs and name in ours and theirs[name] != ours[name]:
            known.odd(
                other,
                f"enlarges a picture with {name} {ours[name]}, {one} with {name} {theirs[name]}, so that they see "
                "different pictures and guidance enhances the difference",
                f"give both the same {name}",
            )


def kept(known: Foresight, image: str = "image", mask: str = "") -> dict[str, Any]:
    """What is known of a denoiser while a picture is kept, and said if the picture is none that it could make."""
    facts, picture = dict(known.of("denoiser")), known.of(image)
    shape, size = shape_of(picture), size_of(picture)
    with known.refusals():
        if "space" in facts:
            check_spaces("the image", picture.get("space"), facts["space"])
        if shape is not None:
            check_image(shape, shape_of(facts))
        masked = size_of(known.of(mask)) if mask else None
        if masked is not None and size is not None and facts.get("space") == "pixels":
            check_size(masked, "the mask", size)
    return {**facts, "keeps": [*facts.get("keeps", ()), chosen(picture, *PICTURE)]}


# Samplers


def sampled(known: Foresight, start: str, denoiser: str = "denoiser") -> dict[str, Any]:
    """What is known of pictures that are made from `start`, and said if the denoiser cannot go on from there."""
    begun, asks = known.of(start), known.of(denoiser)
    shape, batch = shape_of(begun), begun.get("batch")
    with known.refusals():
        if "space" in asks:
            space = space_of_start(begun.get("t"), begun.get("space"), asks["space"])
            check_spaces(f"the {start}", space, asks["space"])
        if "schedule" in asks:
            check_schedules(begun.get("schedule"), asks["schedule"])
        if shape is not None:
            what = f"{start} is"
            check_shape(shape, shape_of(asks), what)
            if "channels" in asks:
                check_channel_count(shape, asks["channels"], "the denoiser", what)
            check_sides(shape[1], shape[2], asks.get("multiple", 1), what)
            if "sides" in asks:
                check_size(shape[1:], start, asks["sides"], "a mask in the denoiser")
        for picture in asks.get("keeps", ()):
            original = shape_of(picture)
            if shape is not None and original is not None:
                check_like_sampled(original, shape)
            if batch is not None and picture.get("batch", 1) > 1:
                check_rows(picture["batch"], batch, "the image")
        check_all(asks.get("demands", ()), pictures_of(begun), f"{start} is")
    facts = {**chosen(asks, "space"), **(chosen(asks, *PICTURE) if shape_of(asks) else {})}
    return {**facts, **chosen(begun, "batch", "channels", "height", "width")}


# Presets


def settings(
    known: Foresight, presets: Presets, function: Callable[..., Any], names: Iterable[str]
) -> dict[str, Any] | None:
    """The inputs that presets may set, as far as they are known, and said what contradicts the preset.

    None where it is not known which preset, or where it is refused.
    """
    preset = known.value("preset")
    if not known.knows("preset"):
        return None
    parameters = signature(function).parameters
    values = {name: known.value(name) for name in names if known.knows(name)}
    found = None
    with known.refusals():
        found = settled(preset, presets, function, {name: parameters[name].default for name in names} | values)
        given = {name: value for name, value in values.items() if known.given(name)}
        for name, why in overridden(preset, presets, given).items():
            known.odd(name, why, "leave it out, or the preset")
    if found is None:
        return None
    return {name: value for name, value in found.items() if name in values or name in presets.get(preset, {})}
