"""Ids of nodes, made from the types of the nodes: UNetMNIST is "unet_mnist", the next one "unet_mnist_2"."""

import re
from collections.abc import Container

__all__ = ["check_id", "free_id", "new_id"]

LONGEST = 64
LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")
WORDS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[A-Z][a-z0-9]+|[A-Z0-9]+|[a-z0-9]+")
NUMBERED = re.compile(r"(.*?)_([0-9]{1,9})")


def new_id(kind: str, taken: Container[str]) -> str:
    """A free id for a node of that type."""
    return free_id("_".join(WORDS.findall(kind)).lower()[: LONGEST - 10] or "node", taken)


def free_id(wanted: str, taken: Container[str]) -> str:
    """The id itself, or with the first number behind it, from 2, that makes it a free one."""
    if wanted not in taken:
        return wanted
    found = NUMBERED.fullmatch(wanted)
    start, number = (found[1], int(found[2]) + 1) if found else (wanted, 2)
    while True:
        tried = f"{start[: LONGEST - 1 - len(str(number))]}_{number}"
        if tried not in taken:
            return tried
        number += 1


def check_id(wanted: str, taken: Container[str]) -> None:
    """ValueError when that can be no new id."""
    if LEGAL.fullmatch(wanted) is None:
        raise ValueError(f"the id is {wanted[:80]!r}, must be 1 to 64 of A-Z, a-z, 0-9, _ and -")
    if wanted in taken:
        raise ValueError(f"the id {wanted} is another node's; an id must be the only one of its graph")
