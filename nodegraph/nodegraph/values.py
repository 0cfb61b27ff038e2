"""Wire types: what the engine and the editor may know of a value that is theirs only to hand on.

A wire type is a torch-free class of a plugin plus a `ValueType`, whose functions may import what they like when they
are called. A class without one is opaque: it is passed on and kept, and shows as its name.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from .annotations import type_label

__all__ = ["Conversion", "ValueType"]


@dataclass(frozen=True)
class ValueType:
    """What can be done with the values of a class.

    Args:
        type: the class.
        name: what users read, by default the name of the class.
        colour: of its wires, as `#rrggbb`.
        summary: one line about a value: `64 x 64, 10 pictures`.
        thumbnail: `thumbnail(value, size)` gives a PNG of at most `size` pixels a side.
        nbytes: yields (storage, bytes) pairs; storage that two values share has the same key and counts once.
        copy: an independent copy.
        save: a value as bytes. `load`: the value of such bytes, or an error. Neither may use pickle. A node with
            `cache="disk"` needs both, of the very class that it gives.
        views: ways to look at a value, by name: `view(value, **options)` gives a PNG as bytes, a text, or what JSON
            can say; ValueError says what is wrong with an option. Each option has a default. The one called "info"
            gives a dict that is added to what is told of any value: "lines", "count", "steps".
    """

    type: type
    _: KW_ONLY
    name: str = ""
    colour: str = "#888888"
    summary: Callable[[Any], str] | None = None
    thumbnail: Callable[[Any, int], bytes] | None = None
    nbytes: Callable[[Any], Iterable[tuple[Hashable, int]]] | None = None
    copy: Callable[[Any], Any] | None = None
    save: Callable[[Any], bytes] | None = None
    load: Callable[[bytes], Any] | None = None
    views: Mapping[str, Callable[..., Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or type_label(self.type))

    @property
    def type_name(self) -> str:
        """The name of the class, by which ports name their type."""
        return type_label(self.type)

    def describe(self) -> dict[str, Any]:
        """The value type as JSON; `bases` are the classes whose inputs take its values too."""
        return {
            "type": self.type_name,
            "name": self.name,
            "colour": self.colour,
            "bases": [base.__name__ for base in self.type.__mro__[1:-1]],
            "can": [verb for verb in ("summary", "thumbnail", "nbytes", "copy", "save", "load") if getattr(self, verb)],
            "views": [name for name in self.views if name != "info"],
        }


@dataclass(frozen=True)
class Conversion:
    """A function that a link applies where its two ends have different types; the editor shows it on the wire."""

    source: type
    target: type
    convert: Callable[[Any], Any]
    help: str = ""

    def describe(self) -> dict[str, Any]:
        return {"source": type_label(self.source), "target": type_label(self.target), "help": self.help}
