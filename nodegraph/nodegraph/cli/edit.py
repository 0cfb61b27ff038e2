"""`nodegraph edit`: the editor, in a window."""

from __future__ import annotations

import click

from .editor import start
from .logs import verbose_option

__all__ = ["edit_command"]


@click.command("edit")
@click.argument("file", required=False)
@verbose_option
def edit_command(file: str | None) -> int:
    """Open the editor.

    FILE is a saved graph, or a picture that carries one; without it, the editor shows recent files and the examples.
    `nodegraph` alone does the same.
    """
    return start(file)
