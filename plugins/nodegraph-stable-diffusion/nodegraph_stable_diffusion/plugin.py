"""What this plugin brings. The entry point in pyproject.toml names this module."""

import copy

from nodegraph import ValueType, hookimpl
from nodegraph_stable_diffusion.models import StableDiffusion


@hookimpl
def nodegraph_node_types() -> list[str]:
    return ["nodegraph_stable_diffusion.nodes"]


@hookimpl
def nodegraph_value_types() -> list[ValueType]:
    """A model names files and holds none of what is in them, so that it takes next to nothing."""
    return [
        ValueType(
            StableDiffusion,
            colour="#c9a24b",
            summary=lambda model: model.summary,
            nbytes=lambda model: iter(()),
            copy=copy.copy,
        )
    ]
