"""The exit statuses of the command line; 0 is done."""

from typing import Final

__all__ = ["FAILED", "INTERRUPTED", "WRONG"]

FAILED: Final = 1  # a node failed
WRONG: Final = 2  # the file or the call is wrong
INTERRUPTED: Final = 130
