"""The node types as a worker described them: what the palette lists, what ports take, which wires fit.

Read from JSON only, so that the editor meets the built-in nodes as it meets a stranger's, on this machine or another.
The rules of fitting are the engine's (`nodegraph.wires`), applied to names of types instead of classes; a test holds
the two against each other over all pairs of ports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

__all__ = ["Catalogue", "Kind", "Port", "WireType"]

DATA = ("bool", "int", "float", "str", "Path")


@dataclass(frozen=True)
class Port:
    """An input or output of a kind of node.

    Attributes:
        type: the name of its type; for a list, of its elements.
        is_data: plain data, which can be typed as well as linked.
        choices: the texts that can be chosen from, else None.
        schema: unit, multiline, widget and what else the annotation says.
    """

    name: str
    type: str
    is_list: bool = False
    is_data: bool = False
    required: bool = False
    optional: bool = False
    default: Any = None
    help: str = ""
    choices: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def base_type(self) -> str:
        """What its JSON value is: "str" of a choice, else its type."""
        return "str" if self.choices is not None else self.type


@dataclass(frozen=True)
class Kind:
    """What can be put on the canvas: a node type, as it was described."""

    id: str
    category: str
    summary: str
    help: str
    plugin: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    version: int = 1
    echoes: bool = False

    @cached_property
    def inputs_by_name(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.inputs}

    @cached_property
    def outputs_by_name(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.outputs}


@dataclass(frozen=True)
class WireType:
    """How values of a type look and what can be asked of them."""

    type: str
    name: str
    colour: str
    bases: tuple[str, ...] = ()
    can: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


class Catalogue:
    """All that can be placed and wired; equal when they were read from the same description."""

    def __init__(
        self,
        kinds: Mapping[str, Kind] = MappingProxyType({}),
        wire_types: Mapping[str, WireType] = MappingProxyType({}),
        conversions: Mapping[tuple[str, str], str] = MappingProxyType({}),
        document: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.kinds = kinds
        self.wire_types = wire_types
        self.conversions = conversions
        self.document = document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Catalogue":
        """Read what a worker's `describe` answered; ValueError when it is no catalogue."""
        try:
            kinds = {each["id"]: read_kind(each) for each in document["node_types"]}
            wires = {each["type"]: read_wire_type(each) for each in document["value_types"]}
            conversions = {(each["source"], each["target"]): each["help"] for each in document["conversions"]}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"is no catalogue of node types: {type(error).__name__}: {error}") from None
        return cls(kinds, wires, conversions, document)

    def to_json(self) -> Mapping[str, Any]:
        return self.document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and self.document == other.document

    __hash__ = None  # type: ignore[assignment]

    @property
    def plugins(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.document.get("plugins", {})
        return found

    @cached_property
    def categories(self) -> Mapping[str, tuple[Kind, ...]]:
        """The kinds of each category, in the order of the catalogue."""
        found: dict[str, list[Kind]] = {}
        for kind in self.kinds.values():
            found.setdefault(kind.category or "Other", []).append(kind)
        return {category: tuple(some) for category, some in found.items()}

    def get(self, kind: str) -> Kind | None:
        return self.kinds.get(kind)

    def colour(self, type: str) -> str:
        """The colour of a wire of that type, as #rrggbb."""
        found = self.wire_types.get(type)
        return found.colour if found else "#8f98a8" if type in DATA or type not in self.wire_types else "#888888"

    def type_name(self, type: str) -> str:
        found = self.wire_types.get(type)
        return found.name if found else type

    def is_same(self, source: Port, target: Port) -> bool:
        """Whether values of the one are values of the other, or are converted when they are validated."""
        if target.choices is not None:
            if source.choices is not None:
                return source.type == target.type or set(source.choices) <= set(target.choices)
            return source.type == "str"
        if source.type == target.type and source.choices is None:
            return True
        if target.is_data:
            if source.choices is not None:
                return target.type == "str"
            return (source.type, target.type) in (("int", "float"), ("str", "Path"))
        return target.type in self.bases(source.type)

    def bases(self, type: str) -> tuple[str, ...]:
        found = self.wire_types.get(type)
        return found.bases if found else ()

    def conversion(self, source: Port, target: Port) -> str | None:
        """The help of the conversion that a link between the two would apply; None when there is none."""
        if self.is_same(source, target):
            return None
        for type in (source.base_type, *self.bases(source.type)):
            if (type, target.type) in self.conversions:
                return self.conversions[type, target.type]
        return None

    def why_not(self, source: Port, target: Port, indexed: bool = False) -> str:
        """Why an output cannot be linked to an input, in words for a user; "" when it can."""
        if indexed and not target.is_list:
            return f"{target.name} takes one {target.type}; link to {target.name}, without an index"
        wants_list = target.is_list and not indexed
        if wants_list and not source.is_list:
            return f"{target.name} takes a list of {target.type}; link to {target.name}[0], {target.name}[1], ..."
        if source.is_list and not wants_list:
            return f"{source.name} is a list of {source.type}, {target.name} takes one {target.type} there"
        if self.is_same(source, target) or self.conversion(source, target) is not None:
            return ""
        known = sorted(given for given, wanted in self.conversions if wanted == target.type)
        also = f" (or, converted, {', '.join(known)})" if known else ""
        return f"{source.name} is {article(source.type)}, {target.name} takes {article(target.type)}{also}"

    def fits(self, source: Port, target: Port) -> bool:
        """Whether an output can be linked to an input, to one place of it where it takes a list."""
        return not self.why_not(source, target, target.is_list and not source.is_list)


def article(word: str) -> str:
    return f"{'an' if word[:1] in 'AEIOUaeio' else 'a'} {word}"


def read_kind(described: Mapping[str, Any]) -> Kind:
    return Kind(
        id=described["id"],
        category=described["category"],
        summary=described["summary"],
        help=described["help"],
        plugin=described["plugin"],
        inputs=tuple(map(read_port, described["inputs"])),
        outputs=tuple(map(read_port, described["outputs"])),
        version=described["version"],
        echoes=described.get("echoes", False),
    )


def read_port(described: Mapping[str, Any]) -> Port:
    choices = described.get("choices")
    return Port(
        name=described["name"],
        type=described["type"],
        is_list=described["list"],
        is_data=described["data"],
        required=described.get("required", False),
        optional=described.get("optional", False),
        default=described.get("default"),
        help=described.get("help", ""),
        choices=tuple(choices) if choices else None,
        minimum=described.get("minimum"),
        maximum=described.get("maximum"),
        schema=described.get("schema") or {},
    )


def read_wire_type(described: Mapping[str, Any]) -> WireType:
    return WireType(
        type=described["type"],
        name=described["name"],
        colour=described["colour"],
        bases=tuple(described.get("bases", ())),
        can=tuple(described.get("can", ())),
        views=tuple(described.get("views", ())),
    )
