"""What pydantic finds wrong with the structure of a graph, in the words of this program."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from .errors import GraphFileError, nearest
from .validation import shown

__all__ = ["show_key", "structure_error", "unknown_key"]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "text",
        "string_unicode": "text",
        "int_type": "a whole number",
        "int_parsing_size": "a smaller whole number",
        "dict_type": "an object in {{ }}",
        "model_type": "an object in {{ }}",
        "model_attributes_type": "an object in {{ }}",
        "tuple_type": "a list in [ ]",
        "literal_error": "{expected}",
        "greater_than_equal": "at least {ge}",
        "less_than_equal": "at most {le}",
    }
)


def structure_error(error: ValidationError, place: str, known: Iterable[str] = ()) -> GraphFileError:
    """The first finding as an error with its place; `known` are the keys that would be right there."""
    found = error.errors(include_url=False)
    first = min(found, key=lambda one: one["type"] == "missing")  # a key that is missing may be there, misspelt
    kind, said, value = first["type"], first.get("ctx", {}), first["input"]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    here = ".".join([place, *path] if place else path)
    if kind == "extra_forbidden":
        return unknown_key(place, path[-1], known)
    if kind == "missing":
        return GraphFileError(here, "is missing")
    if kind == "value_error":
        return GraphFileError(here, str(said["error"]))
    wish = KINDS.get(kind)
    if wish is None:
        return GraphFileError(here, f"is {shown(value)}, {first['msg'][:1].lower()}{first['msg'][1:]}")
    return GraphFileError(here, f"is {shown(value)}, must be {wish.format(**said)}")


def unknown_key(place: str, key: Any, known: Iterable[str]) -> GraphFileError:
    """The error for a key that means nothing here, with the nearest one that does."""
    where = f"{place}.{show_key(key)}" if place else show_key(key)
    return GraphFileError(where, "is no known key", nearest(str(key), known) or f"known are {', '.join(known)}")


def show_key(key: Any) -> str:
    """A key as part of a place: as it is when it is short and plain."""
    return key if isinstance(key, str) and 0 < len(key) <= 64 and key.isprintable() else shown(key)
