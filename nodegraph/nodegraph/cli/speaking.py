"""What the command line says, and to whom: results on standard output, everything else on standard error.

A graph comes from anywhere, so its texts are shown without the control characters that could steer a terminal.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import click

from nodegraph.errors import OutputError

__all__ = ["Unwritable", "complain", "duration", "harmless", "say"]


def say(text: str, **style: Any) -> None:
    """Print a result; Unwritable where standard output takes none."""
    try:
        click.echo(click.style(harmless(text), **style) if style else harmless(text))
    except BrokenPipeError:  # whoever read it has gone, which is no failure of the disk
        raise
    except OSError as error:
        raise Unwritable(error) from error


class Unwritable(OutputError):
    """Standard output takes nothing, such as a file on a full disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write to standard output: {error.strerror or error}")


def complain(text: str, **style: Any) -> None:
    """Print a message to standard error, in red unless told otherwise; a pipe gets no colours."""
    click.echo(click.style(harmless(text), **(style or {"fg": "red"})), err=True)


def harmless(text: str) -> str:
    """The text without control characters but for line breaks and tabs."""
    return "".join("�" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in text)


def duration(seconds: float) -> str:
    """A span of time as people say it: `0.04 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.095 else f"{seconds:.2f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
