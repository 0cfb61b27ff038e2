"""What the tests of the command line share: calling it inside this process, and small graphs to call it with."""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from nodegraph.cli.program import program

__all__ = ["call", "environment", "graph_file", "with_toys"]

def call(*args: str | Path) -> Result:
    """Call the command line in this process; `.exit_code`, `.stdout`, `.stderr`. Logging is left as it was."""
    logger = logging.getLogger("nodegraph")
    before = logger.handlers[:], logger.propagate, logger.level
    try:
        return CliRunner().invoke(program, [str(arg) for arg in args], prog_name="nodegraph")
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


def graph_file(path: Path, nodes: Mapping[str, Any], links: Sequence[str] = (), **rest: Any) -> Path:
    """Write a graph; a node is its type, or its type and inputs."""
    written = {
        id: {"type": node} if isinstance(node, str) else {"type": node[0], "inputs": node[1]}
        for id, node in nodes.items()
    }
    path.write_text(json.dumps({"nodegraph": 1, "nodes": written, "links": list(links), **rest}))
    return path


def environment(state: Path, **more: str) -> dict[str, str]:
    """The environment of a process of its own, with its log below `state`."""
    return {**os.environ, "XDG_STATE_HOME": str(state), "HOME": str(state), "PYTHONUNBUFFERED": "", **more}


def with_toys(*args: str | Path) -> list[str]:
    """The command line of a process of its own that knows the toy nodes."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import toys, nodegraph.plugins\n"
        "nodegraph.plugins.load_plugins = toys.make_registry\n"
        "from nodegraph.cli import main; main()"
    )
    return [sys.executable, "-c", program, *map(str, args)]
