"""Values as they are looked at: the views of their types, and a description of any value there is.

What a value is, its type says (`ValueType.views`); of one whose type says nothing, its fields are listed.
"""

import base64
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from nodegraph.annotations import type_label
from nodegraph.errors import UsageError, nearest, with_remedy
from nodegraph.registry import Registry
from nodegraph.reports import summary_of
from nodegraph.validation import shown
from nodegraph.values import ValueType

__all__ = ["viewed"]

PLAIN = (bool, int, float, str, PurePath)
MOST_SHOWN = 8
MOST_TEXT = 100_000
MOST_LINES = 200
LARGEST = 16_384  # pixels a side of a thumbnail


def viewed(registry: Registry, value: Any, view: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `value`: {"png"}, {"text"} or {"json"}; UsageError says why there is none."""
    options = dict(options)
    item = options.pop("item", None)
    if item is not None:
        value = picked(value, item)
    found = registry.value_type_of(value)
    if view == "info":
        refuse_options(view, options)
        return {"json": info(registry, value, found)}
    if view == "text":
        refuse_options(view, options)
        return {"text": text_of(value)}
    make = view_of(found, view)
    if make is None:
        known = views_of(found)
        remedy = nearest(view, known) or f"it has {', '.join(known)}"
        raise UsageError(with_remedy(f"{type_label(type(value))} has no view {shown(view)}", remedy))
    try:
        inspect.signature(make).bind(value, **options)
    except TypeError as error:
        raise UsageError(f"the view {view} of {type_label(type(value))}: {error}") from None
    return answer_of(view, called(view, make, value, options))


def view_of(found: ValueType | None, view: str) -> Callable[..., Any] | None:
    if found is None:
        return None
    if view == "thumbnail" and view not in found.views and found.thumbnail is not None:
        thumbnail = found.thumbnail
        return lambda value, size=256: thumbnail(value, checked_size(size))
    return found.views.get(view)


def views_of(found: ValueType | None) -> list[str]:
    """What can be asked for besides "info"."""
    own = [] if found is None else [name for name in found.views if name != "info"]
    if found is not None and found.thumbnail is not None and "thumbnail" not in own:
        own.append("thumbnail")
    return [*own, "text"]


def checked_size(size: Any) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= LARGEST:
        raise ValueError(f"size is {shown(size)}, must be from 1 to {LARGEST}")
    return size


def called(view: str, make: Callable[..., Any], value: Any, options: Mapping[str, Any]) -> Any:
    try:
        return make(value, **options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    except Exception as error:  # a plugin's function may raise anything
        raise UsageError(f"the view {view} failed: {type(error).__name__}: {error}") from error


def answer_of(view: str, made: Any) -> dict[str, Any]:
    if isinstance(made, bytes):
        return {"png": base64.b64encode(made).decode("ascii")}
    return {"text": made} if isinstance(made, str) else {"json": made}


def refuse_options(view: str, options: Mapping[str, Any]) -> None:
    if options:
        raise UsageError(f"the view {view} takes no option {shown(next(iter(options)))}")


def picked(value: Any, item: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise UsageError(f"item is {shown(item)}, but the value is no list")
    if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < len(value):
        raise UsageError(f"item is {shown(item)}, must be from 0 to {len(value) - 1}")
    return value[item]


def info(registry: Registry, value: Any, found: ValueType | None) -> dict[str, Any]:
    """What any value can be asked; its type may add to it."""
    told: dict[str, Any] = {
        "type": type_label(type(value)),
        "name": found.name if found is not None else type_label(type(value)),
        "summary": summary_of(registry, {"": value}),
        "count": len(value) if isinstance(value, (list, tuple)) else 1,
        "views": views_of(found),
        "lines": [],
    }
    more = found.views.get("info") if found is not None else None
    added = called("info", more, value, {}) if more is not None else {}
    if "lines" not in added:
        told["lines"] = [[label, text] for label, text in lines_of(value)[:MOST_LINES]]
    return told | dict(added)


def lines_of(value: Any) -> list[tuple[str, str]]:
    """The parts of a value with a text about each: type, shape and range where it has them."""
    if isinstance(value, (list, tuple)):
        return [(str(number), about(item)) for number, item in enumerate(value[:MOST_LINES])]
    if isinstance(value, Mapping):
        return [(str(key), about(item)) for key, item in list(value.items())[:MOST_LINES]]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(each.name, about(getattr(value, each.name, None))) for each in dataclasses.fields(value)]
    return [("value", about(value))]


def about(value: Any) -> str:
    """One line: `float32, 1 x 3 x 64 x 64, from -1 to 1` of an array, else the value itself, or how it shows itself."""
    shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, Sequence) and kind is not None:
        sides = " x ".join(map(str, shape)) or "one number"
        return f"{str(kind).rpartition('.')[2]}, {sides}{range_of(value)}"
    if isinstance(value, (list, tuple, set, frozenset, Mapping)):
        plain = not isinstance(value, Mapping) and all(item is None or isinstance(item, PLAIN) for item in value)
        if not plain or len(value) > MOST_SHOWN:
            return f"{len(value):,} {'value' if len(value) == 1 else 'values'}"
    return shown(value, 200)


def range_of(value: Any) -> str:
    """`, from -1 to 1` of an array of numbers; nothing of any other."""
    try:
        return f", from {float(value.min()):.4g} to {float(value.max()):.4g}"
    except Exception:  # an empty array, one of texts, or one that only looks like an array
        return ""


def text_of(value: Any) -> str:
    if isinstance(value, (str, PurePath)):
        text = str(value)
    elif isinstance(value, (list, tuple)):
        text = "\n".join(about(item) if not isinstance(item, str) else item for item in value)
    else:
        lines = lines_of(value)
        text = lines[0][1] if len(lines) == 1 and lines[0][0] == "value" else "\n".join(map(": ".join, lines))
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
