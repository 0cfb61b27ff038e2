"""What the type hint of a port means: data or a wire type, one or a list, its choices, its range.

Only the hint is read here; what it is the hint of, and where, is told by `signatures`.
"""

import enum
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

__all__ = ["Hint", "Range", "is_data_type", "read_hint", "type_label"]

SCALARS: Mapping[type, str] = types.MappingProxyType(
    {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}
)
SCHEMA_WORDS: Mapping[str, str] = types.MappingProxyType(
    {
        "ge": "minimum",
        "le": "maximum",
        "gt": "exclusiveMinimum",
        "lt": "exclusiveMaximum",
        "multiple_of": "multipleOf",
        "pattern": "pattern",
    }
)
LENGTH_WORDS: Mapping[str, str] = types.MappingProxyType({"min_length": "minLength", "max_length": "maxLength"})
REMARKS = (*SCHEMA_WORDS, *LENGTH_WORDS)


class Range(NamedTuple):
    """The numbers that an input takes; the `above` and `below` ends are not among them."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Hint:
    """A type hint, understood.

    Attributes:
        type: the class, or the `Literal`; of a list, that of its elements.
        choices: the texts that a choice can be, else None.
        remarks: `ge`, `le`, `multiple_of`, `min_length` and the like, as given to `Field`.
        extra: what `Field(json_schema_extra={...})` says: `unit`, `multiline`, `widget`, ...
    """

    type: Any
    is_list: bool = False
    optional: bool = False
    is_data: bool = False
    choices: tuple[str, ...] | None = None
    description: str = ""
    remarks: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def range(self) -> Range:
        said = self.remarks
        return Range(said.get("ge"), said.get("le"), said.get("gt"), said.get("lt"))

    def schema(self) -> dict[str, Any]:
        """The hint as JSON schema; of a wire type, only the description and the extras."""
        said = self.remarks
        schema: dict[str, Any] = {}
        if self.is_data:
            one: dict[str, Any] = {"type": "string" if self.choices else SCALARS[self.type]}
            if self.choices:
                one["enum"] = list(self.choices)
            elif self.type is Path:
                one["format"] = "path"
            one.update({name: said[key] for key, name in SCHEMA_WORDS.items() if key in said})
            words = {"min_length": "minItems", "max_length": "maxItems"} if self.is_list else LENGTH_WORDS
            lengths = {name: said[key] for key, name in words.items() if key in said}
            schema = {"type": "array", "items": one, **lengths} if self.is_list else {**one, **lengths}
        if self.description:
            schema["description"] = self.description
        return {**schema, **self.extra}


def is_data_type(kind: Any) -> bool:
    """Whether values of this type are plain data, which a file can hold."""
    return kind in SCALARS or get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, enum.Enum))


def type_label(kind: Any) -> str:
    """How a type is called on a port: `float`, `Image`, `choice` for a Literal."""
    if get_origin(kind) is Literal:
        return "choice"
    return kind.__name__ if isinstance(kind, type) else str(kind)


def read_hint(hint: Any) -> Hint:
    """Understand the evaluated hint of a port; ValueError says what is wrong with it."""
    bare, notes = unwrapped(hint)
    optional = False
    if get_origin(bare) in (Union, types.UnionType):
        others = [arm for arm in get_args(bare) if arm is not types.NoneType]
        if len(others) != 1 or len(get_args(bare)) == len(others):
            shown = " | ".join(type_label(unwrapped(arm)[0]) for arm in others)
            raise ValueError(f"is a union of types ({shown}); a port has one type, or one type or None")
        optional = True
        bare, inner = unwrapped(others[0])
        notes = [*inner, *notes]
    is_list = get_origin(bare) is list
    if is_list:
        bare, inner = unwrapped(get_args(bare)[0])
        notes = [*inner, *notes]
        if get_origin(bare) in (Union, types.UnionType, list):
            raise ValueError("is a list of lists or of values that may be None; a list holds values of one type")
    choices = read_choices(bare)
    refuse_unusable(bare, choices)
    description, remarks, extra = read_notes(notes)
    known = Hint(bare, is_list, optional, is_data_type(bare), choices, description, remarks, extra)
    refuse_bad_range(known)
    return known


def unwrapped(hint: Any) -> tuple[Any, list[Any]]:
    """A hint without its `Annotated`, and what that said."""
    if get_origin(hint) is Annotated:
        bare, *notes = get_args(hint)
        return bare, notes
    return hint, []


def read_choices(kind: Any) -> tuple[str, ...] | None:
    if get_origin(kind) is Literal:
        texts = get_args(kind)
        if not all(isinstance(text, str) and not isinstance(text, enum.Enum) for text in texts):
            raise ValueError("is a Literal of something other than text; choices are texts")
        return tuple(texts)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        if not issubclass(kind, str) or not len(kind):
            raise ValueError(f"is the enum {kind.__name__}, whose values are not texts; derive it from StrEnum")
        return tuple(str(member.value) for member in kind)
    return None


def refuse_unusable(kind: Any, choices: tuple[str, ...] | None) -> None:
    if choices is not None or kind in SCALARS:
        return
    if kind is Any:
        raise ValueError("is Any, which says nothing; a port has one type")
    if isinstance(kind, TypeVar):
        raise ValueError(f"is the type variable {kind}; a port has one type")
    if kind is types.NoneType:
        raise ValueError("can only be None")
    if kind is list:
        raise ValueError("is a list of anything; say of what, as in list[float]")
    if not isinstance(kind, type) or get_origin(kind) is not None:
        raise ValueError(f"is {kind}, which is no class; a port takes plain data, a class, or a list of one")
    if kind is object:
        raise ValueError("is object, which says nothing; a port has one type")
    try:
        isinstance(None, kind) or issubclass(int, kind)
    except TypeError as error:
        raise ValueError(f"is {kind.__name__}, whose values cannot be told from others: {error}") from None


def read_notes(notes: list[Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Description, remarks and extras; what is said further out wins."""
    description = ""
    remarks: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for note in notes:
        if isinstance(note, FieldInfo):
            if not note.is_required():
                raise ValueError("has a default inside Field; write it in the signature, after =")
            description = note.description or description
            if isinstance(note.json_schema_extra, dict):
                extra.update(note.json_schema_extra)
        for part in note.metadata if isinstance(note, FieldInfo) else [note]:
            remarks.update(said_by(part))
    return description, remarks, extra


def said_by(part: Any) -> Iterator[tuple[str, Any]]:
    """The remarks of one constraint, pydantic's or that of annotated_types."""
    for key in REMARKS:
        said = getattr(part, key, None)
        if said is not None:
            yield key, said


def refuse_bad_range(hint: Hint) -> None:
    numeric = {"ge", "gt", "le", "lt", "multiple_of"} & set(hint.remarks)
    if numeric and hint.type not in (int, float):
        raise ValueError(f"has a range ({', '.join(sorted(numeric))}), but is no number")
    given = [hint.remarks[key] for key in numeric]
    if any(isinstance(end, bool) or not isinstance(end, (int, float)) or math.isnan(end) for end in given):
        raise ValueError("has a range with an end that is no number")
    low = [end for end in (hint.range.minimum, hint.range.above) if end is not None]
    high = [end for end in (hint.range.maximum, hint.range.below) if end is not None]
    if low and high and max(low) > min(high):
        raise ValueError(f"has an empty range: from {max(low)} to {min(high)}")
    if {"min_length", "max_length", "pattern"} & set(hint.remarks) and not (hint.is_list or hint.type is str):
        raise ValueError("has a length or a pattern, but is neither text nor a list")
