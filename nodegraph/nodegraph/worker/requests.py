"""Requests: what a line asks for, read strictly, so that a misspelt field is told rather than passed over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nodegraph.errors import UsageError, nearest, with_remedy
from nodegraph.validation import shown

from . import MOST_BYTES
from .streams import TooLong

__all__ = ["Request", "RequestError", "read_request"]


@dataclass(frozen=True)
class Field:
    """A field of a request: of what type, and what it is when it is left out."""

    type: type | tuple[type, ...]
    words: str
    default: Any = None
    required: bool = False


GRAPH = Field(str, "the text of a graph", required=True)
TEXT = Field(str, "a text", required=True)
MAYBE_TEXT = Field(str, "a text or null")
TEXTS = Field(list, "a list of texts", required=True)
YES = Field(bool, "true or false", True)
NUMBER = Field(int, "a whole number", 0)

FIELDS: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "describe": {},
        "device": {"name": Field(str, "a text", "auto")},
        "check": {"graph": GRAPH, "folder": MAYBE_TEXT},
        "run": {
            "graph": GRAPH,
            "folder": MAYBE_TEXT,
            "targets": Field(list, "a list of nodes or null"),
            "out": MAYBE_TEXT,
            "device": MAYBE_TEXT,
            "metadata": YES,
            "cache": YES,
        },
        "cancel": {},
        "pause": {},
        "resume": {},
        "value": {
            "node": TEXT,
            "output": MAYBE_TEXT,
            "view": Field(str, "a text", "info"),
            "options": Field(dict, "an object", MappingProxyType({})),
        },
        "have": {"digests": TEXTS},
        "put": {"digest": TEXT, "name": TEXT, "data": TEXT},
        "get": {"path": TEXT, "offset": NUMBER, "size": Field(int, "a whole number", 4 * 2**20)},
        "free": {},
    }
)


@dataclass(frozen=True)
class Request:
    """What is asked, with every field of it; `id` is what the answer is to be marked with."""

    id: int | str
    do: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


class RequestError(UsageError):
    """A line is no request, or asks for what there is not; `id` is that of the request, where it has one."""

    def __init__(self, message: str, id: int | str | None = None) -> None:
        super().__init__(message)
        self.id = id


def read_request(line: bytes | TooLong) -> Request:
    """The request on a line; RequestError says what is wrong with it."""
    if isinstance(line, TooLong):
        raise RequestError(f"the request is longer than {MOST_BYTES >> 20} MiB")
    document = read_object(line)
    id = document.pop("id", None)
    if isinstance(id, bool) or not isinstance(id, (int, str)):
        raise RequestError(f"id is {shown(id)}, must be a whole number or a text")
    do = document.pop("do", None)
    if not isinstance(do, str) or do not in FIELDS:
        remedy = nearest(str(do), FIELDS) or f"must be one of {', '.join(FIELDS)}"
        raise RequestError(with_remedy(f"do is {shown(do)}", remedy), id)
    known = FIELDS[do]
    for name in document:
        if name not in known:
            remedy = nearest(name, known) or f"it takes {', '.join(known) or 'nothing'}"
            raise RequestError(with_remedy(f"{do} takes no {shown(name)}", remedy), id)
    return Request(id, do, {name: read_field(id, do, name, field, document) for name, field in known.items()})


def read_object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except RecursionError:
        raise RequestError("the request is nested too deep") from None
    except ValueError as error:  # also of bytes that are no UTF-8, and of numbers with thousands of digits
        raise RequestError(f"the request is no JSON: {str(error)[:200]}") from None
    if not isinstance(document, dict):
        raise RequestError(f"the request is {shown(document)}, must be an object in {{ }}")
    return document


def read_field(id: int | str, do: str, name: str, field: Field, document: Mapping[str, Any]) -> Any:
    value = document.get(name)
    if value is None:
        if field.required:
            raise RequestError(f"{do}: {name} is missing, must be {field.words}", id)
        return field.default
    if not isinstance(value, field.type) or (field.type is int and isinstance(value, bool)):
        raise RequestError(f"{do}: {name} is {shown(value)}, must be {field.words}", id)
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise RequestError(f"{do}: {name} is {shown(value)}, must be {field.words}", id)
    return value
