"""The built-in nodes as a plugin: what the engine asks for through its hooks, and nothing else."""

from collections.abc import Callable

from nodegraph import CheckpointNeed, CheckpointRest, CheckpointState, Conversion, DeviceMemory, ValueType, hookimpl
from nodegraph_nodes import value_types

MODULES = (
    "pictures",
    "masks",
    "noise",
    "text",
    "denoisers",
    "deepfloyd",
    "guidance",
    "formula",
    "views",
    "components",
    "inpainting",
    "sampling",
    "trajectories",
    "safety",
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
    from nodegraph_nodes.ops.allocation import keep_freed_memory
    from nodegraph_nodes.ops.devices import find_device

    found = find_device(name)
    if found == "cpu":
        keep_freed_memory()
    return found


@hookimpl
def nodegraph_memory(device: str, tidy: bool) -> DeviceMemory | None:
    """What torch tells of GPUs; of the processor's memory the engine knows more."""
    from nodegraph_nodes.ops.devices import device_memory

    told = device_memory(device, tidy)
    return None if told is None else DeviceMemory(*told)


@hookimpl
def nodegraph_checkpoint(need: CheckpointNeed) -> CheckpointState:
    """A folder, or what the local cache of the hub has: never the network, and no torch."""
    from nodegraph_nodes.ops.checkpoints import MissingCheckpoint, locate

    try:
        found = locate(need.checkpoint, need.components, need.revision, need.variant)
    except MissingCheckpoint as error:
        return CheckpointState(
            "missing", str(error.folder), found=error.found, missing=error.components, message=str(error)
        )
    except ValueError as error:
        return CheckpointState("wrong", message=str(error))
    return CheckpointState("here", str(found.folder), found.identity, tuple(name for name, _ in found.found))


@hookimpl
def nodegraph_checkpoint_rest(need: CheckpointNeed) -> CheckpointRest:
    from nodegraph_nodes.ops.hub import remaining

    files = remaining(need.checkpoint, need.components, need.revision, need.variant).files
    return CheckpointRest(len(files), sum(file.left for file in files))


@hookimpl
def nodegraph_fetch_checkpoint(need: CheckpointNeed, progress: Callable[[int, int, str], None]) -> bool:
    from nodegraph_nodes.ops.downloads import download
    from nodegraph_nodes.ops.hub import remaining

    download(remaining(need.checkpoint, need.components, need.revision, need.variant), progress)
    return True
