"""Which lines of the log are for the user of a run, too, and no mere trace of what went on.

They are logged with `extra=ALOUD`; who shows the run decides where, and shows a line that comes again once.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

__all__ = ["ALOUD", "overheard"]

ALOUD = MappingProxyType({"aloud": True})


class Listener(logging.Handler):
    """Keeps what is said aloud, each line once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "aloud", False):
            self.lines[record.getMessage()] = None


@contextmanager
def overheard() -> Iterator[dict[str, None]]:
    """What is said aloud meanwhile, as the keys of a mapping, in order."""
    listener, logger = Listener(), logging.getLogger("nodegraph")
    logger.addHandler(listener)
    try:
        yield listener.lines
    finally:
        logger.removeHandler(listener)
