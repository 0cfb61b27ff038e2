"""The command `nodegraph` with its menu, and the one place where errors become a message and an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from nodegraph import errors

from . import logs
from .check import check_command
from .edit import edit_command
from .fetch import fetch_command
from .nodes import nodes_command
from .plugins import new_plugin_command, plugins_command
from .run import run_command
from .speaking import Unwritable, complain
from .statuses import FAILED, INTERRUPTED, WRONG
from .worker import worker_command

__all__ = ["Program", "program"]


class Program(click.Group):
    """A click group that ends with an exit status, and never with a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run and exit; a command returns its status, or raises an error of which the status is known."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError):  # a letter that the terminal cannot show is no reason to fail
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        try:
            status = super().main(
                args=args, prog_name=prog_name, complete_var=complete_var, standalone_mode=False,
                windows_expand_args=windows_expand_args, **extra,
            )  # fmt: skip
            sys.stdout.flush()
        except click.exceptions.Abort:
            status = INTERRUPTED
        except click.ClickException as error:
            error.show()
            status = WRONG
        except BrokenPipeError:  # whoever read the output has gone
            sys.stdout = silence(sys.stdout)
            status = FAILED
        except OSError as error:  # outside of a command nothing else is written or read
            complain(str(Unwritable(error)))
            sys.stdout = silence(sys.stdout)
            status = FAILED
        sys.exit(int(status or 0))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes its message and its status, any other is told without traceback."""
        try:
            return super().invoke(ctx)
        except Unwritable as error:
            complain(str(error))
            sys.stdout = silence(sys.stdout)
            return FAILED
        except errors.NodegraphError as error:
            logs.note(error)
            complain(str(error))
            return WRONG
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            logs.note(error)
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            complain(f"nodegraph went wrong, which is a mistake in it or in a plugin: {what}")
            complain(f"The details are in {logs.log_file()}; --verbose shows them here.")
            return FAILED


def silence(stream: Any) -> Any:
    """A stream that swallows all, for one that nobody reads any more, which would complain when it is closed."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(nowhere.fileno(), stream.fileno())
    return nowhere


@click.group(
    cls=Program,
    name="nodegraph",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="nodegraph", message="nodegraph %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Wire denoisers into diffusion workflows, and run them.

    `nodegraph` alone opens the editor, where there is a display. `nodegraph run FILE` runs a saved graph, or a picture
    that carries one; `nodegraph run FILE --help` lists what can be changed in it from here.
    """
    if ctx.invoked_subcommand is None:
        from .editor import start, why_no_editor

        why = why_no_editor()
        if not why:
            ctx.exit(start())
        click.echo(ctx.get_help())
        complain(f"\nThe editor was not opened: {why}", fg=None)


COMMANDS = (
    edit_command, run_command, check_command, fetch_command, nodes_command, plugins_command, new_plugin_command,
    worker_command,
)  # fmt: skip
for command in COMMANDS:
    program.add_command(command)
