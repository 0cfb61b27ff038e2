"""Tracebacks: into a log file always, onto standard error with `--verbose`, and nowhere else.

The engine, the nodes and the plugins log to the logger "nodegraph"; this module only says where that goes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TypeVar

import click
from platformdirs import user_log_path, user_state_path

__all__ = ["log_file", "note", "verbose_option"]

LIMIT_BYTES = 1_000_000
F = TypeVar("F", bound=Callable[..., Any])


def log_file() -> Path:
    """Where tracebacks go: ~/.local/state/nodegraph/log.txt on Linux, the log folder of the user elsewhere."""
    import sys

    folder = user_state_path if sys.platform.startswith("linux") else user_log_path
    return folder("nodegraph", appauthor=False) / "log.txt"


def note(error: BaseException) -> None:
    """Log an error with its traceback."""
    logging.getLogger("nodegraph").error("%s", error, exc_info=error)


def set_up(verbose: bool) -> None:
    """Send the log to the file, and to standard error too when `verbose`."""
    logger = logging.getLogger("nodegraph")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(QuietFile(log_file()))
    if verbose:
        shown = logging.StreamHandler()
        shown.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(shown)


class QuietFile(RotatingFileHandler):
    """A log file made when the first thing is logged; where none can be written, a run goes on without it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LIMIT_BYTES, backupCount=1, encoding="utf-8", errors="replace", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: a log that cannot be written must not disturb what is logged."""


def verbose_option(command: F) -> F:
    """Add `--verbose` to a command, and set the log up before it runs."""

    def chosen(ctx: click.Context, parameter: click.Parameter, verbose: bool) -> None:
        set_up(verbose)

    option = click.option(
        "--verbose",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=chosen,
        help=f"Show tracebacks, which otherwise only {log_file().name} in the user's log folder holds.",
    )
    return option(command)
