"""Tracebacks: into a log file always, onto standard error with `--verbose`, and nowhere else.

The engine, the nodes and the plugins log to the logger "nodegraph"; this module only says where that goes.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from nodegraph.errors import CheckFailed, GraphFileError, UsageError

__all__ = ["log_file", "note", "verbose_option"]

LIMIT_BYTES = 1_000_000
F = TypeVar("F", bound=Callable[..., Any])


def log_file() -> Path:
    """Where tracebacks go: ~/.local/state/nodegraph/log.txt on Linux, the log folder of the user elsewhere."""
    from platformdirs import user_log_path, user_state_path

    folder = user_state_path if sys.platform.startswith("linux") else user_log_path
    return folder("nodegraph", appauthor=False) / "log.txt"


def note(error: BaseException) -> None:
    """Log an error, with its traceback unless it only tells what is wrong with a graph, a file or a call."""
    plain = isinstance(error, (CheckFailed, GraphFileError, UsageError))
    logging.getLogger("nodegraph").error("%s", error, exc_info=None if plain else error)


def set_up(verbose: bool) -> None:
    """Send the log to the file, and to standard error too when `verbose`."""
    logger = logging.getLogger("nodegraph")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(LogFile())
    if verbose:
        shown = logging.StreamHandler()
        shown.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(shown)


class LogFile(logging.Handler):
    """Appends to the log file, made when the first thing is logged; a large one is put aside, and one that cannot be
    written disturbs nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            path = log_file()
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > LIMIT_BYTES:
                path.replace(path.with_name("log.old.txt"))
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(self.format(record) + "\n")


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
        help="Show tracebacks, which otherwise only the log file of the user holds.",
    )
    return option(command)
