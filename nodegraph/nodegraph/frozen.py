"""JSON values that a graph holds: copied in, compared as they are written, and never changed."""

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NoReturn, TypeAlias, TypeVar

from .validation import shown

__all__ = ["MAX_DEPTH", "FrozenDict", "Json", "frozen_after", "frozen_json", "json_value", "same"]

Json: TypeAlias = Any  # None, bool, int, float, str, lists of these, dicts from str to these: see `json_value`
T = TypeVar("T")

MAX_DEPTH = 64


class FrozenDict(dict[str, T]):
    """A dict that cannot be changed once made, since the history of a graph's edits shares it."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a graph is frozen; edit it with set, add, remove, connect, ..., which return another graph")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def frozen_json(value: Any, levels: int) -> FrozenDict[Json]:
    """A frozen copy of an object of JSON; ValueError when it is none."""
    if not isinstance(value, Mapping):
        raise ValueError(f"is {shown(value)}, must be an object in {{ }}")
    return FrozenDict(json_value(dict(value), levels))


def json_value(value: Any, levels: int = MAX_DEPTH - 4) -> Json:
    """A copy of `value` in the types of JSON; a path becomes text with `/`, a tuple a list.

    Raises ValueError for what a file cannot hold: NaN, half a surrogate pair, a class, more than `levels` levels.
    """
    if value is None or type(value) in (bool, int):
        return value
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"is {value}, must be a finite number")
        return float(value)
    if isinstance(value, PurePath):
        return whole_text(value.as_posix())
    if not isinstance(value, (list, tuple, dict)):
        raise ValueError(f"is a {type(value).__name__}, which a file cannot hold")
    if levels < 1:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {whole_text(key): json_value(item, levels - 1) for key, item in value.items()}
    return [json_value(item, levels - 1) for item in value]


def frozen_after(value: Any, before: Mapping[str, Json], levels: int) -> FrozenDict[Json]:
    """As `frozen_json`, of what was made from a frozen object: what is of that object is not looked at again."""
    if not isinstance(value, Mapping):
        return frozen_json(value, levels)
    found = {}
    for key, part in value.items():
        old = before.get(key)
        if part is old and part is not None:
            found[key] = part
        elif isinstance(part, dict) and isinstance(old, dict):
            found[whole_text(key)] = {
                (inner if inner in old else whole_text(inner)): (
                    item if item is old.get(inner, found) else json_value(item, levels - 2)
                )
                for inner, item in part.items()
            }
        else:
            found[whole_text(key)] = json_value(part, levels - 1)
    return FrozenDict(found)


def whole_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"has the key {shown(value)}, must be text")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"is {ascii(value)[:60]}, which holds half of a surrogate pair and is no text")
    return str(value)


def same(one: Json, other: Json) -> bool:
    """Whether two JSON values are written alike: unlike for `==`, 1, 1.0 and true are three values."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (one != 0 or str(one) == str(other))
