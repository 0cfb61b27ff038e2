"""Which output a link may lead to which input, and what the link does to the value on its way.

Same class or a base of it; data exactly, but for int -> float, str -> Path and str -> choice; else a registered
`Conversion`. A list goes to a list, whole; one value goes to one place of a list, by its index.
"""

import enum
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_origin

from .annotations import type_label
from .node_types import InputSpec, OutputSpec
from .validation import article
from .values import Conversion

__all__ = ["explained", "find_conversion", "is_same", "wire_function"]


def wire_function(
    source: OutputSpec, target: InputSpec, indexed: bool, conversions: Iterable[Conversion]
) -> Callable[[Any], Any] | None:
    """What a link does to the value: `identity` or a conversion; None when there can be no such link."""
    if misplaced(source, target, indexed):
        return None
    if is_same(source.type, target.type):
        return identity
    found = find_conversion(source.type, target.type, conversions)
    if found is None:
        return None
    convert = found.convert
    if source.is_list:
        return lambda values: None if values is None else [convert(value) for value in values]
    return lambda value: None if value is None else convert(value)


def identity(value: Any) -> Any:
    return value


def misplaced(source: OutputSpec, target: InputSpec, indexed: bool) -> str:
    """Why a link fails for being of one value or of many; "" when it does not."""
    if indexed and not target.indexed:
        return f"{target.name} takes one {target.type_name}; link to {target.name}, without an index"
    wants_list = target.indexed and not indexed
    if wants_list and not source.is_list:
        return f"{target.name} takes a list of {target.type_name}; link to {target.name}[0], {target.name}[1], ..."
    if source.is_list and not wants_list:
        return f"{source.name} is a list of {source.type_name}, {target.name} takes one {target.type_name} there"
    return ""


def is_same(source: Any, target: Any) -> bool:
    """Whether values of one type are values of the other, or are converted when they are validated."""
    if source == target:
        return True
    given, wanted = choices_of(source), choices_of(target)
    if wanted is not None:
        return source is str or (get_origin(source) is Literal and given is not None and given <= wanted)
    if target in (bool, int, Path, str, float):
        if given is not None:
            return target is str
        return (source, target) in ((int, float), (str, Path))
    return isinstance(source, type) and issubclass(source, target)


def choices_of(kind: Any) -> set[str] | None:
    if get_origin(kind) is Literal:
        return set(kind.__args__)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {str(member.value) for member in kind}
    return None


def find_conversion(source: Any, target: Any, conversions: Iterable[Conversion]) -> Conversion | None:
    """The registered conversion for the nearest base of the source; among equals the first registered."""
    bases: tuple[Any, ...] = source.__mro__ if isinstance(source, type) else (source, str)
    fitting = [found for found in conversions if found.source in bases and is_same(found.target, target)]
    return min(fitting, key=lambda found: bases.index(found.source), default=None)


def explained(source: OutputSpec, target: InputSpec, indexed: bool, conversions: Iterable[Conversion]) -> str:
    """Why there can be no such link, in words for a user; "" when there can."""
    if wire_function(source, target, indexed, conversions) is not None:
        return ""
    reason = misplaced(source, target, indexed)
    if reason:
        return reason
    known = sorted({type_label(found.source) for found in conversions if is_same(found.target, target.type)})
    also = f" (or, converted, {', '.join(known)})" if known else ""
    return f"{source.name} is {article(source.type_name)}, {target.name} takes {article(target.type_name)}{also}"
