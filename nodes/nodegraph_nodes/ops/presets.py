"""Presets: how others' code samples and inpaints, by its name, as data.

A preset sets several inputs of a node at once. It never overrides what was given: an input with another value than its
default, and than the preset's, is an error.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Literal

from nodegraph_nodes.ops.words import listed

Preset = Literal["none", "IF pipeline", "CS180", "RePaint", "SD pipeline"]
InpaintingPreset = Literal["none", "IF pipeline", "CS180", "RePaint"]

Presets = Mapping[str, Mapping[str, Any]]
"""What each preset sets, by the names of a node's inputs."""

SAMPLING: Presets = {
    # diffusers' DDPMScheduler with the configuration of DeepFloyd IF (`scripts/convert_if.py`)
    "IF pipeline": {"method": "ddpm", "spacing": "leading", "clip": "dynamic", "variance": "learned", "end": -1},
    # project 5 of Berkeley's CS180, part A; `steps` is told only so that another number is noticed
    "CS180": {
        "method": "ddpm",
        "steps": 33,
        "timesteps": [*range(990, 0, -30)],
        "clip": "none",
        "variance": "learned",
        "end": 0,
    },
    # the authors' code for faces: `timestep_respacing` 250 with `schedule_jump_params` 250, 10, 10
    "RePaint": {
        "method": "ddpm",
        "steps": 250,
        "timesteps": [],
        "spacing": "linspace",
        "repeats": 10,
        "jump": 10,
        "clip": "clamp",
        "variance": "learned",
        "end": -1,
    },
    # diffusers' DDIMScheduler with the scheduler_config.json of Stable Diffusion 1.5: `steps_offset` 1, and
    # `set_alpha_to_one` false, so that the last step leads to t = 0
    "SD pipeline": {
        "method": "ddim",
        "spacing": "leading",
        "offset": 1,
        "clip": "none",
        "eta": 0.0,
        "end": 0,
    },
}

INPAINTING: Presets = {
    "IF pipeline": {"mode": "paste", "restore": False},
    "CS180": {"mode": "after", "restore": False},
    "RePaint": {"mode": "before", "restore": False},
}


def settled(preset: str, presets: Presets, function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a node, those that a preset sets in the place of their defaults.

    Args:
        preset: one of `presets`, or "none".
        function: of the node; its defaults are what counts as not given.
        given: all the inputs that presets may set, by name.

    Raises:
        ValueError: there is no such preset, or an input that it sets was given another value.
    """
    if preset == "none":
        return dict(given)
    if preset not in presets:
        raise ValueError(f"preset is {preset!r}, must be one of {listed(['none', *presets])}")
    parameters = signature(function).parameters
    for name, value in presets[preset].items():
        if given[name] != parameters[name].default and given[name] != value:
            raise ValueError(
                f"{name} is {told(given[name])}, the preset {preset} sets {told(value)}; leave one of them out"
            )
    return {**given, **presets[preset]}


def overridden(preset: str, presets: Presets, given: Mapping[str, Any]) -> dict[str, str]:
    """Why inputs do not count that were given another value than the preset's, by name.

    Args:
        given: what was given on purpose, though it may be the default: `settled` cannot tell that apart.
    """
    return {
        name: f"is {told(given[name])}, but the preset {preset} sets {told(value)}"
        for name, value in presets.get(preset, {}).items()
        if name in given and given[name] != value
    }


def told(value: Any) -> str:
    """A value in a message; of a long list, its ends."""
    if not isinstance(value, (list, tuple)):
        return str(value)
    items = [str(item) for item in value]
    return f"[{', '.join(items if len(items) <= 4 else [*items[:2], '...', items[-1]])}]"
