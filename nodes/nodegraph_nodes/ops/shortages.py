"""Running out of memory: noticing it, and trying again when the store of networks has made room."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch

T = TypeVar("T")

SMALLER = "make the picture smaller"


class Shortage(NamedTuple):
    """What a device said when its memory ran out."""

    reason: str


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on a device; some devices tell it only in words."""
    told = str(error).lower()
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or "out of memory" in told
        or "can't allocate memory" in told
    )


def attempt(call: Callable[[], T]) -> T | Shortage:
    """What a call gives, or how memory ran out in it.

    The error ends here, and with it its traceback, which would keep alive all that the call had allocated.
    """
    try:
        return call()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return Shortage(str(error))


def with_room(call: Callable[[], T], make_room: Callable[[], int]) -> T:
    """What a call gives; if memory runs out in it, room is made and it is called once more.

    Args:
        make_room: lets go of what can be missed; how many bytes that were.

    Raises:
        MemoryError: there was no room to be made, or it was not enough.
    """
    found = attempt(call)
    if isinstance(found, Shortage) and make_room() > 0:
        found = attempt(call)
    if isinstance(found, Shortage):
        raise MemoryError(found.reason)
    return found
