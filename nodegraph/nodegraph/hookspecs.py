"""The hooks that a plugin may have; each is a function of that name, marked with `@hookimpl`.

A plugin is a distribution with an entry point in the group `nodegraph` that names the module with its hooks:

    [project.entry-points.nodegraph]
    sepia = "nodegraph_sepia.plugin"
"""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from pluggy import HookimplMarker, HookspecMarker

from .checkpoints import CheckpointNeed, CheckpointRest, CheckpointState
from .memory import DeviceMemory
from .values import Conversion, ValueType

__all__ = ["hookimpl"]

hookimpl = HookimplMarker("nodegraph")
hookspec = HookspecMarker("nodegraph")


@hookspec
def nodegraph_node_types() -> Iterable[Callable[..., Any] | ModuleType | str]:  # type: ignore[empty-body]
    """Functions decorated with `@node`, or modules that hold such, or the names of such modules.

    A module given by name is imported under guard: if that fails, it costs the node types of that module only.
    """


@hookspec
def nodegraph_value_types() -> Iterable[ValueType]:  # type: ignore[empty-body]
    """What is known of the plugin's wire types: colour, summary, thumbnail, size."""


@hookspec
def nodegraph_conversions() -> Iterable[Conversion]:  # type: ignore[empty-body]
    """Functions that a link applies where its ends have different types."""


@hookspec
def nodegraph_migrate(node: dict[str, Any]) -> dict[str, Any] | None:
    """A node of a file, as this version of the plugin would write it; None where it is not the plugin's.

    `node` has the keys of the file: `type`, `inputs`, `version`, ...
    """


@hookspec
def nodegraph_event(event: Any) -> None:
    """Something happened in a run; `event` is one of the classes in `nodegraph.events`."""


@hookspec
def nodegraph_device(name: str) -> str | None:
    """The device that `name` means on this machine: "cuda:0", "mps" or "cpu" for "auto".

    None where the plugin does not know; ValueError, with the reason, when the device is not here.
    """


@hookspec
def nodegraph_memory(device: str, tidy: bool) -> DeviceMemory | None:
    """What can be taken of the memory of a device now, and what it has; None where the plugin does not know it.

    With `tidy`, what is kept there for later use, though nothing is in it, is given back first.
    """


@hookspec
def nodegraph_checkpoint(need: CheckpointNeed) -> CheckpointState | None:
    """What is on this machine of a checkpoint; None where the plugin knows none of that name.

    Called by `nodegraph check` and before each run: it looks at files, never at the network, and imports nothing heavy.
    """


@hookspec
def nodegraph_checkpoint_rest(need: CheckpointNeed) -> CheckpointRest | None:
    """How much would have to be downloaded of a checkpoint, asked over the network; None where it is not the plugin's.

    ValueError, with one line for users, when that cannot be told.
    """


@hookspec
def nodegraph_fetch_checkpoint(need: CheckpointNeed, progress: Callable[[int, int, str], None]) -> bool | None:
    """Download what is not here of a checkpoint; True when it is here now, None where it is not the plugin's.

    `progress(done, total, file)` is told how many bytes there are. An interrupt leaves what came, to go on from later.
    ValueError, with one line for users, when it cannot be done.
    """
