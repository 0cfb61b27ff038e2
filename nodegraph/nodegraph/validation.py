"""Checking a value against the type of an input, with short reasons that a user can act on.

Strict: `true` is no number, 3.0 is no whole number. Only int -> float, str -> Path and str -> choice are converted.
pydantic checks types and ranges; this module converts before it and rephrases after it.
"""

import enum
import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from .annotations import Hint, type_label
from .errors import count, nearest
from .outputs import why_unusable

__all__ = ["is_word", "listed", "make_validator", "parse_text", "shown"]

CONFIG = ConfigDict(strict=True, allow_inf_nan=False)
WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
}
LIMITS: Mapping[str, str] = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must be at least {length} long",
    "string_too_long": "must be at most {length} long",
    "int_parsing_size": "must be a smaller number",
}
COUNTS: Mapping[str, str] = {
    "too_short": "has {count}, must have at least {min_length}",
    "too_long": "has {count}, must have at most {max_length}",
}


def make_validator(hint: Hint, annotation: Any) -> Callable[[Any], Any]:
    """A function that returns the value as the node gets it, or raises ValueError with the reason."""
    if hint.is_data:
        return data_validator(hint, TypeAdapter(annotation, config=CONFIG))
    return wire_validator(hint)


def data_validator(hint: Hint, adapter: TypeAdapter[Any]) -> Callable[[Any], Any]:
    convert = converter(hint)
    check = adapter.validator.validate_python

    def validate(value: Any) -> Any:
        try:
            if value is None:
                return check(None)
            if not hint.is_list:
                return check(convert(value))
            return check(converted(value, convert) if isinstance(value, list) else value)
        except ValidationError as error:
            raise ValueError(reason(error, hint, value)) from None

    return validate


def converted(values: list[Any], convert: Callable[[Any], Any]) -> list[Any]:
    done: list[Any] = []
    for value in values:
        try:
            done.append(convert(value))
        except ValueError as error:
            raise ValueError(f"[{len(done)}] {error}") from None
    return done


def converter(hint: Hint) -> Callable[[Any], Any]:
    """The conversions that data is allowed, for one value; what cannot be converted is left for the check."""
    kind, choices = hint.type, hint.choices
    if choices is not None:
        members = {text: kind(text) for text in choices} if isinstance(kind, type) else {}

        def choose(value: Any) -> Any:
            if members:
                return members.get(value, value) if type(value) is str else value
            return value.value if isinstance(value, enum.Enum) else value

        return choose
    if kind is Path:

        def to_path(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            if not value or "\0" in value:
                raise ValueError(f"is {shown(value)}, must be a path")
            return Path(encodable(value))

        return to_path
    if kind is float:

        def to_float(value: Any) -> Any:
            try:
                return float(value) if type(value) is int else value
            except OverflowError:
                raise ValueError("is too large a number") from None

        return to_float
    if kind is str:
        output = hint.extra.get("output")  # whether it names a file that the node writes, and with which ending
        ending = output if isinstance(output, str) else ""

        def to_text(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            text = encodable(value.value if isinstance(value, enum.Enum) else value)
            why = why_unusable(text, ending) if output else ""
            if why:
                raise ValueError(f"is {shown(text)}, which {why}")
            return text

        return to_text
    return lambda value: value


def encodable(text: str) -> str:
    """The text itself; what bytes of a command line left in it that are no characters cannot be saved."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"is {shown(text)}, must be text that UTF-8 can hold") from None
    return text


def wire_validator(hint: Hint) -> Callable[[Any], Any]:
    kind, word = hint.type, type_label(hint.type)

    def validate(value: Any) -> Any:
        if value is None and hint.optional:
            return None
        if not hint.is_list:
            if isinstance(value, kind):
                return value
            raise ValueError(f"is {described(value)}, must be {article(word)}")
        if not isinstance(value, list):
            raise ValueError(f"is {described(value)}, must be a list of {word}")
        for index, item in enumerate(value):
            if not isinstance(item, kind):
                raise ValueError(f"[{index}] is {described(item)}, must be {article(word)}")
        return list(value)

    return validate


def reason(error: ValidationError, hint: Hint, value: Any) -> str:
    """The first thing that is wrong, in the words of this program, with the value as it was given."""
    first = error.errors(include_url=False)[0]
    kind, said = first["type"], first.get("ctx", {})
    if first["loc"]:
        value = value[first["loc"][0]]
    if kind in COUNTS:
        return COUNTS[kind].format(**{**said, "count": count(said.get("actual_length", len(value)), "value")})
    place = f"[{first['loc'][0]}] " if first["loc"] else ""
    if kind == "value_error":  # of a validator that the node brings, which knows best what to say
        return f"{place}{said['error']}"
    in_list = hint.is_list and not first["loc"]
    if kind in LIMITS:
        ends = {key: f"{end:g}" if isinstance(end, float) else end for key, end in said.items()}
        ends["length"] = count(said.get("min_length", said.get("max_length", 0)), "character")
        return f"{place}is {shown(value)}, {LIMITS[kind].format(**ends)}"
    if hint.choices is not None and not in_list:
        known = nearest(value, hint.choices) if isinstance(value, str) else ""
        wish = f"must be one of {listed(hint.choices)}" + (f" ({known})" if known else "")
    elif kind in ("string_unicode", "is_instance_of") or kind.endswith("_type"):
        word = "text" if hint.choices is not None else WORDS[hint.type]
        wish = f"must be a list, each {word}" if in_list else f"must be {word}"
    else:
        wish = first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}is {shown(value)}, {wish}"


def shown(value: Any, limit: int = 60) -> str:
    """A value in a message: as JSON writes it where it can, short, on one line, and never failing."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, enum.Enum):
        value = value.value
    try:
        text = repr(str(value) if isinstance(value, Path) else value)
    except Exception:  # a repr of its own may raise anything, and an int of 5,000 digits has none
        text = f"a huge {type(value).__name__}" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def listed(choices: Collection[str]) -> str:
    """Choices in a sentence, in quotes where one of them could be misread."""
    return ", ".join(choices if all(map(is_word, choices)) else map(repr, choices))


def is_word(text: str) -> bool:
    """Whether it is told apart from the words around it: no comma or space, and not empty."""
    return re.fullmatch(r"[^\s,'\"|]+", text) is not None


def described(value: Any) -> str:
    """A value in a message about a wire: by its type, since its content can be long."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return shown(value)
    return article(type(value).__name__)


def article(word: str) -> str:
    return f"{'an' if word[:1] in 'AEIOUaeio' else 'a'} {word}"


def parse_text(text: str, hint: Hint) -> Any:
    """The JSON value that a text of the command line means for an input of this type."""
    if not hint.is_data:
        raise ValueError(f"takes a link from {article(type_label(hint.type))}, not a value")
    if hint.optional and text in ("null", "none", "None"):
        return None
    if not hint.is_list:
        return parse_one(text, hint)
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"is {shown(text)}, which is no list: {error}") from None
        except RecursionError:
            raise ValueError(f"is {shown(text)}, which is no list: it is nested too deep") from None
    return [parse_one(part.strip(), hint) for part in text.split(",")] if text.strip() else []


def parse_one(text: str, hint: Hint) -> Any:
    kind = hint.type
    if kind is bool:
        word = text.strip().lower()
        if word in ("true", "yes", "on", "1"):
            return True
        if word in ("false", "no", "off", "0"):
            return False
    elif kind is int and re.fullmatch(r"\s*[+-]?\d{1,400}\s*", text, re.ASCII):
        return int(text)
    elif kind is float and re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", text, re.ASCII | re.IGNORECASE):
        return int(text) if text.strip().lstrip("+-").isdigit() and len(text) < 16 else float(text)
    elif kind not in (bool, int, float):
        return text
    raise ValueError(f"is {shown(text)}, must be {WORDS[kind]}")
