"""What may be typed into an input, judged by the engine's own rules from the description of the port alone.

The type hint that the description was made of is put together again and given to the engine's validator, so that a
value is marked while it is typed with the very words that a check or a run would use; only of a value that is not
there yet it is said what to do. What a node type checks by code of its own, and whether files are there, is not in a
description: that is told by the worker's `check`.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

from pydantic import Field
from pydantic_core import SchemaError

from nodegraph.annotations import Hint, read_hint
from nodegraph.validation import make_validator, parse_text

from .catalogues import Port

__all__ = ["Rule", "Rules", "why_wrong"]

CLASSES: Mapping[str, type] = {"bool": bool, "int": int, "float": float, "str": str, "Path": Path}
REMARKS: Mapping[str, str] = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "pattern": "pattern",
    "minLength": "min_length",
    "maxLength": "max_length",
}
LENGTHS: Mapping[str, str] = {"minItems": "min_length", "maxItems": "max_length"}
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
DIGITS = re.compile(r"\s*[+-]?\d{1,400}\s*", re.ASCII)


class Rule:
    """What one port takes; made once for each port, since the engine's validator takes a moment to make."""

    def __init__(self, port: Port) -> None:
        self.port = port

    @cached_property
    def annotation(self) -> Any:
        return annotation_of(self.port)

    @cached_property
    def hint(self) -> Hint:
        return read_hint(self.annotation)

    @cached_property
    def validate(self) -> Callable[[Any], Any]:
        try:
            return make_validator(self.hint, self.annotation)
        except SchemaError:  # a pattern that this machine's engine cannot read: then the worker's check has to do
            return lambda value: value

    def why(self, value: Any) -> str:
        """Why a value is wrong, such as "is 99, must be at most 30"; "" when it is right.

        Where there is none and one is needed, it is said what to do: a user knows of no null.
        """
        if not self.port.is_data:
            return "" if value is None else f"takes a link from {article(self.port.type)}, not a value"
        try:
            self.validate(value)
        except ValueError as error:
            return str(error) if value is not None else f"has no value; {remedy_of(self.port)}"
        return ""

    def parse(self, text: str) -> Any:
        """What a typed text means here: a number where it is one, the text itself where it is none.

        Nothing is refused or put right: what is wrong is kept as it was typed, and `why` tells what is wrong with it.
        """
        if self.port.optional and not text.strip():
            return None
        whole = self.port.base_type == "int" and not text.lstrip().startswith("[")
        meant = ",".join(map(in_digits, text.split(","))) if whole else text
        try:
            return finite(parse_text(meant, self.hint), text)
        except ValueError:
            return number_or_text(meant) if self.port.base_type in ("int", "float") else text


class Rules:
    """The rules of a catalogue's ports, each made when first asked for."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}

    def of(self, port: Port) -> Rule:
        rule = self._rules.get(id(port))
        if rule is None:
            rule = self._rules[id(port)] = Rule(port)  # the rule holds the port, so that its id stays its own
        return rule

    def why_wrong(self, port: Port, value: Any) -> str:
        return self.of(port).why(value)


def why_wrong(port: Port, value: Any) -> str:
    """Why a value cannot be given to an input, in the engine's words; "" when it can."""
    return Rule(port).why(value)


def remedy_of(port: Port) -> str:
    """What gives an input a value that has none."""
    if port.choices is not None:
        return "choose one"
    if port.type == "Path":
        return "choose a folder" if port.schema.get("exists") == "folder" else "choose a file"
    if port.is_list:
        return "type some values"
    words = {"int": "type a whole number", "float": "type a number", "bool": "turn it on or off"}
    return words.get(port.type, "type a text")


def annotation_of(port: Port) -> Any:
    """The type hint of a port of plain data, as its node type wrote it."""
    bare: Any = CLASSES.get(port.type, str) if port.choices is None else Literal[port.choices]
    outer = port.schema
    inner = outer.get("items", {}) if port.is_list else outer
    said: dict[str, Any] = {}
    if port.choices is None:
        said = {name: inner[key] for key, name in REMARKS.items() if key in inner}
    extra = {"output": outer["output"]} if "output" in outer and not port.is_list else {}
    one = Annotated[bare, Field(**said, json_schema_extra=extra)] if said or extra else bare
    if port.is_list:
        lengths = {name: outer[key] for key, name in LENGTHS.items() if key in outer}
        one = Annotated[list[one], Field(**lengths)] if lengths else list[one]  # type: ignore[valid-type]
    return Optional[one] if port.optional else one  # noqa: UP045 - `|` needs classes, and this may be an Annotated


def finite(value: Any, text: str) -> Any:
    """A number that a file can hold; 1e999 is none."""
    some = value if isinstance(value, list) else [value]
    if any(isinstance(each, float) and not math.isfinite(each) for each in some):
        raise ValueError(text)
    return value


def in_digits(text: str) -> str:
    """1e3 or 20.0, typed where a whole number is wanted, as its digits; anything else as it is."""
    if DIGITS.fullmatch(text) or not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return text
    exact = Decimal(text.strip())
    return str(int(exact)) if exact == exact.to_integral_value() else text


def number_or_text(text: str) -> Any:
    """3.5 where a whole number is wanted is a number that is wrong, and no text."""
    if DIGITS.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def article(word: str) -> str:
    return f"{'an' if word[:1] in 'AEIOUaeio' else 'a'} {word}"
