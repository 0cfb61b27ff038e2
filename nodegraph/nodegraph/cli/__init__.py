"""The command line: `nodegraph edit`, `run`, `check`, `fetch`, `nodes`, `plugins`, `new-plugin`, `worker`.

It refuses to know what a node does: it reads the call, hands the graph to the engine and tells what happens.
Exit status: 0 done, 1 a node failed, 2 the file or the call is wrong, 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line with the arguments of this process, and end the process with its exit status."""
    try:
        from .editor import is_plain, start, why_no_editor

        if is_plain(sys.argv[1:]) and not why_no_editor():  # at once, before anything is read that it does not need
            sys.exit(start(*sys.argv[2:]))
        from .program import program

        program.main(prog_name="nodegraph")
    except KeyboardInterrupt:  # so early that no command was there to answer it
        sys.exit(130)
