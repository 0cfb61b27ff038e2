"""The built-in nodes as a plugin: what the engine asks for through its hooks, and nothing else."""

from nodegraph import Conversion, ValueType, hookimpl
from nodegraph_nodes import value_types

MODULES = (
    "pictures",
    "masks",
    "noise",
    "denoisers",
    "deepfloyd",
    "guidance",
    "views",
    "components",
    "inpainting",
    "sampling",
    "training",
    "values",
)


@hookimpl
def nodegraph_node_types() -> list[str]:
    return [f"nodegraph_nodes.{name}" for name in MODULES]


@hookimpl
def nodegraph_value_types() -> list[ValueType]:
    return list(value_types.VALUE_TYPES)


@hookimpl
def nodegraph_conversions() -> list[Conversion]:
    return list(value_types.CONVERSIONS)


@hookimpl
def nodegraph_device(name: str) -> str:
    """The fastest device there is for "auto"; ValueError when the named one is not here."""
    from nodegraph_nodes.ops.devices import find_device

    return find_device(name)
