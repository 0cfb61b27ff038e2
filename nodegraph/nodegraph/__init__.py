"""Nodegraph: graphs of nodes that the editor, the command line and a script run alike.

    graph = nodegraph.load("examples/digits.json").set("guide", scale=3.0)
    result = nodegraph.run(graph)
    result["sample", "image"]

Names are imported when they are first used, so that starting costs nothing.
"""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoints import CheckpointNeed, CheckpointRest, CheckpointState
    from .checks import check
    from .context import Context
    from .control import Control
    from .errors import (
        Cancelled,
        CheckFailed,
        GraphFileError,
        GraphWarning,
        NodegraphError,
        NodeTypeError,
        OutputError,
        PluginError,
        Problem,
        RunFailed,
        UsageError,
    )
    from .files import dumps, load, loads, save
    from .foresight import Foresight
    from .graphs import Graph, Link, Node
    from .hookspecs import hookimpl
    from .memory import DeviceMemory
    from .node_types import NodeSpec, node
    from .outputs import OutputFolder
    from .plugins import load_plugins
    from .registry import Registry
    from .resources import Resources
    from .results import Result
    from .sessions import Session, run
    from .values import Conversion, ValueType

__all__ = [
    "Cancelled",
    "CheckFailed",
    "CheckpointNeed",
    "CheckpointRest",
    "CheckpointState",
    "Context",
    "Control",
    "Conversion",
    "DeviceMemory",
    "Foresight",
    "Graph",
    "GraphFileError",
    "GraphWarning",
    "Link",
    "Node",
    "NodeSpec",
    "NodeTypeError",
    "NodegraphError",
    "OutOfMemory",
    "OutputError",
    "OutputFolder",
    "PluginError",
    "Problem",
    "Registry",
    "Resources",
    "Result",
    "RunFailed",
    "Session",
    "UsageError",
    "ValueType",
    "check",
    "dumps",
    "hookimpl",
    "load",
    "load_plugins",
    "loads",
    "node",
    "run",
    "save",
]

logging.getLogger("nodegraph").addHandler(logging.NullHandler())  # who wants tracebacks adds a handler

if not TYPE_CHECKING:
    HOMES = {
        "checkpoints": "CheckpointNeed CheckpointRest CheckpointState",
        "checks": "check",
        "context": "Context",
        "control": "Control",
        "errors": "Cancelled CheckFailed GraphFileError GraphWarning NodegraphError NodeTypeError OutOfMemory "
        "OutputError PluginError Problem RunFailed UsageError",
        "files": "dumps load loads save",
        "foresight": "Foresight",
        "graphs": "Graph Link Node",
        "hookspecs": "hookimpl",
        "memory": "DeviceMemory",
        "node_types": "NodeSpec node",
        "outputs": "OutputFolder",
        "plugins": "load_plugins",
        "registry": "Registry",
        "resources": "Resources",
        "results": "Result",
        "sessions": "Session run",
        "values": "Conversion ValueType",
    }

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("nodegraph")
        for module, names in HOMES.items():
            if name in names.split():
                from importlib import import_module

                value = globals()[name] = getattr(import_module(f"nodegraph.{module}"), name)
                return value
        raise AttributeError(f"module 'nodegraph' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
