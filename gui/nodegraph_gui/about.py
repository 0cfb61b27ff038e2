"""About: which versions are at work here, which plugins the worker knows, and where the log is."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PySide6 import __version__ as pyside
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QWidget

from .questions import Question, ask

__all__ = ["about_text", "show_about"]


def installed() -> str:
    try:
        return version("nodegraph")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "of a checkout"


def about_text(worker: Mapping[str, Any] | None, plugins: Mapping[str, str], log: Path) -> str:
    """The versions, a line each; `worker` is its greeting, or None while there is none."""
    lines = [f"Python {platform.python_version()}, Qt {qVersion()}, PySide6 {pyside}"]
    if worker is None:
        lines.append("The worker is not running.")
    else:
        lines.append(f"Worker: Nodegraph {worker.get('version', '?')}, Python {worker.get('python', '?')}")
    lines.append(f"Nodes: {', '.join(f'{name} {number}' for name, number in plugins.items()) or 'none known yet'}")
    lines.append(f"Log: {log}")
    return "\n".join(lines)


def show_about(parent: QWidget, worker: Mapping[str, Any] | None, plugins: Mapping[str, str], log: Path) -> Question:
    """Show it in a box."""
    more = about_text(worker, plugins, log)
    return ask(parent, "About Nodegraph", f"Nodegraph {installed()}", [("Close", None)], more)
