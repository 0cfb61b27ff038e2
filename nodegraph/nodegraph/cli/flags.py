"""The inputs of a graph as flags of a command, `--node.input value`, where only the graph knows which there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .inputs import Assignment

__all__ = ["FlagsCommand", "assigned", "split_flags"]

FLAG = re.compile(r"--([A-Za-z0-9_-]{1,64}\.[^\W\d]\w*)(?:=(.*))?", re.DOTALL)
Flags = list[tuple[str, str | None]]


class FlagsCommand(click.Command):
    """A command that also takes `--node.input value`, where only the graph knows which of these there are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest, ctx.meta[__name__] = split_flags(args)
        try:
            return super().parse_args(ctx, list(rest))  # click empties the list that it gets
        except click.NoSuchOption as error:
            near = near_flags(error.option_name, rest) or error.possibilities
            raise click.NoSuchOption(error.option_name, possibilities=near, ctx=ctx) from None


def split_flags(args: Iterable[str]) -> tuple[list[str], Flags]:
    """The arguments that click knows, and those of the form `--node.input value` or `--node.input=value`."""
    waiting = list(args)[::-1]
    rest: list[str] = []
    flags: Flags = []
    while waiting:
        arg = waiting.pop()
        if arg == "--":
            rest += [arg, *reversed(waiting)]
            break
        found = FLAG.fullmatch(arg)
        if found is None:
            rest.append(arg)
        elif found[2] is not None or not waiting or waiting[-1].startswith("--"):
            flags.append((found[1], found[2]))
        else:
            flags.append((found[1], waiting.pop()))
    return rest, flags


def near_flags(option: str, args: list[str]) -> list[str]:
    """The graph's own flags that are meant by an unknown option: of like spelling, or with that input name."""
    from nodegraph.files import load
    from nodegraph.migrations import migrated
    from nodegraph.plugins import load_plugins

    from .inputs import own_inputs

    file = next((arg for arg in args if not arg.startswith("-") and Path(arg).is_file()), None)
    if file is None:
        return []
    with suppress(Exception):  # a faulty graph offers nothing; the message about the option is what matters
        registry = load_plugins()
        own = list(own_inputs(migrated(load(file), registry), registry))
        names = get_close_matches(option.lstrip("-"), {one.spec.name for one in own})
        places = get_close_matches(option.lstrip("-"), [one.place for one in own])
        return [f"--{one.place}" for one in own if one.place in places or one.spec.name in names]
    return []


def assigned(ctx: click.Context, settings: Iterable[str]) -> list[Assignment]:
    """The values from `--set` and from the flags, in that order."""
    from .inputs import Assignment

    found = [Assignment.parse(text) for text in settings]
    return found + [Assignment(place, text, True) for place, text in ctx.meta[__name__]]
