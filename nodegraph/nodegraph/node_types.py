"""Node types: what can be put on the canvas, with the inputs and outputs it has and what may be typed into them.

A node type is declared by putting `@node` on a function. The decorator only marks the function, which stays callable;
`signatures.read_spec` makes the `NodeSpec` of it, when the registry is first asked for that type.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_origin

from .annotations import Hint, Range, type_label
from .validation import article, described, make_validator, parse_text

if TYPE_CHECKING:
    from .foresight import Foresight

__all__ = ["MARK", "Declaration", "InputSpec", "NodeSpec", "OutputSpec", "node"]

MARK = "__nodegraph__"

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Declaration:
    """What `@node` was told; nothing of it is checked before the node type is read."""

    id: str
    category: str
    outputs: str | None = None
    version: int = 1
    pure: bool = True
    cache: Literal["memory", "disk", "none"] = "memory"
    echoes: bool = False
    foresee: "Callable[[Foresight], None] | None" = None


def node(
    id: str,
    *,
    category: str = "",
    outputs: str | None = None,
    version: int = 1,
    pure: bool = True,
    cache: Literal["memory", "disk", "none"] = "memory",
    echoes: bool = False,
    foresee: "Callable[[Foresight], None] | None" = None,
) -> Callable[[Function], Function]:
    """Declare a function to be a node type.

    Args:
        id: the name that saved files use, never to be changed.
        category: the group in the palette.
        outputs: the name of the one output; left out where the function returns a NamedTuple or None.
        version: of the node type; raised, with a migration, when its inputs change their meaning, or when it makes
            other values of them while some are kept on disks.
        pure: False where equal inputs may give different outputs; the node then runs each time.
        cache: where outputs are remembered: "memory" for as long as the session lasts, "disk" for later ones too,
            which is for what takes long to make and is small.
        echoes: every output is the input of the same name, unchanged; so what it gives is known without running it.
        foresee: a function that is given a `Foresight` before a run and by `check`: what is known of the inputs without
            running anything. It tells what they make wrong (`known.wrong`) or odd (`known.odd`), and says what is known
            of the outputs (`known.gives`). It is called often, so that it imports nothing heavy; what it raises is told
            as a mistake of the plugin, and refuses no graph.

            def foresee_blend(known: Foresight) -> None:
                if known.knows("weights") and known.count("parts") != len(known.value("weights")):
                    known.wrong("weights", f"are {len(known.value('weights'))}, must be one for each part")
    """

    if callable(id):  # @node without parentheses: marked all the same, so that the registry can tell
        return node("")(id)

    def mark(function: Function) -> Function:
        setattr(function, MARK, Declaration(id, category, outputs, version, pure, cache, echoes, foresee))
        return function

    return mark


@dataclass(frozen=True)
class Port:
    """What an input and an output of a node type have in common.

    Attributes:
        type: the class or `Literal`; of a list, that of its elements. `type_name` is its name.
        is_data: plain data, which can be typed as well as linked.
        optional: None is a value of it.
    """

    name: str
    hint: Hint

    @property
    def type(self) -> Any:
        return self.hint.type

    @property
    def type_name(self) -> str:
        return type_label(self.hint.type)

    @property
    def is_data(self) -> bool:
        return self.hint.is_data

    @property
    def optional(self) -> bool:
        return self.hint.optional

    @property
    def help(self) -> str:
        return self.hint.description


@dataclass(frozen=True)
class InputSpec(Port):
    """An input of a node type.

    Attributes:
        is_list: a list of wire values, one link each: `a.denoiser -> sum.parts[0]`.
        indexed: any list; a list of data takes a typed list, one link that gives a list, or indexed links.
        required: there is no default.
        choices: the texts that can be chosen from, else None.
        schema: the type as JSON schema, with what `Field(json_schema_extra=...)` says: unit, multiline, widget.
    """

    annotation: Any
    required: bool
    default: Any = None

    @property
    def is_list(self) -> bool:
        return self.hint.is_list and not self.hint.is_data

    @property
    def indexed(self) -> bool:
        return self.hint.is_list

    @property
    def choices(self) -> tuple[str, ...] | None:
        return self.hint.choices

    @property
    def minimum(self) -> float | None:
        return self.hint.range.minimum

    @property
    def maximum(self) -> float | None:
        return self.hint.range.maximum

    @property
    def range(self) -> Range:
        return self.hint.range

    @cached_property
    def schema(self) -> dict[str, Any]:
        return self.hint.schema()

    @cached_property
    def validate(self) -> Callable[[Any], Any]:
        """`validate(value)` gives the value as the function gets it, or raises ValueError with a short reason.

        It serves values from a file as well as linked ones. Made when first used, since that takes pydantic a while.
        """
        return make_validator(self.hint, self.annotation)

    def parse(self, text: str) -> Any:
        """The JSON value that a text of the command line means here; ValueError has a short reason."""
        value = parse_text(text, self.hint)
        self.validate(value)
        return value

    def describe(self) -> dict[str, Any]:
        """The input as JSON."""
        return {
            "name": self.name,
            "type": self.type_name,
            "list": self.indexed,
            "data": self.is_data,
            "required": self.required,
            "optional": self.optional,
            "default": to_json(self.default),
            "help": self.help,
            "choices": list(self.choices) if self.choices else None,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "schema": self.schema,
        }


@dataclass(frozen=True)
class OutputSpec(Port):
    """An output of a node type; `is_list`: it gives a list, of wire values or of data."""

    @property
    def is_list(self) -> bool:
        return self.hint.is_list

    def checked(self, value: Any) -> Any:
        """The value that a node returned; TypeError when it is not what the signature promises."""
        if value is None and self.optional:
            return None
        if not self.is_list:
            return self.checked_one(value)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"returned {described(value)} as {self.name}, must be a list of {self.type_name}")
        return [self.checked_one(item) for item in value]

    @cached_property
    def kind(self) -> Any:
        """The class of its values."""
        return str if get_origin(self.hint.type) is Literal else self.hint.type

    def checked_one(self, value: Any) -> Any:
        kind = self.kind
        if kind is float and type(value) is int:
            return float(value)
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise TypeError(f"returned {described(value)} as {self.name}, must be {article(self.type_name)}")

    def describe(self) -> dict[str, Any]:
        """The output as JSON."""
        return {
            "name": self.name,
            "type": self.type_name,
            "list": self.is_list,
            "data": self.is_data,
            "optional": self.optional,
            "help": self.help,
        }


@dataclass(frozen=True)
class NodeSpec:
    """A node type, read from the signature of its function.

    Attributes:
        plugin: the pip name of the distribution that brought it; "nodegraph" for the built-in ones.
        returns: the NamedTuple class that the function returns, or None.
        context_name: the parameter that takes the `Context`, or None.
        echoes: every output is the input of the same name, unchanged.
        foresee: tells before a run what the inputs make wrong, and what is known of the outputs.
    """

    id: str
    category: str
    help: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    version: int
    pure: bool
    cache: str
    function: Callable[..., Any] = field(repr=False)
    plugin: str = ""
    context_name: str | None = None
    returns: type | None = None
    echoes: bool = False
    foresee: "Callable[[Foresight], None] | None" = field(default=None, repr=False)

    @property
    def summary(self) -> str:
        """The first line of the help: the tooltip."""
        return self.help.partition("\n")[0]

    @property
    def wants_context(self) -> bool:
        return self.context_name is not None

    @cached_property
    def inputs_by_name(self) -> Mapping[str, InputSpec]:
        return {port.name: port for port in self.inputs}

    @cached_property
    def outputs_by_name(self) -> Mapping[str, OutputSpec]:
        return {port.name: port for port in self.outputs}

    @cached_property
    def passes(self) -> Mapping[str, str]:
        """The input that each output passes on when a node is bypassed: the first of its type, in declared order."""
        found = {}
        for output in self.outputs:
            same = (port.name for port in self.inputs if port.type == output.type and port.indexed == output.is_list)
            name = next(same, None)
            if name is not None:
                found[output.name] = name
        return found

    def input(self, name: str) -> InputSpec | None:
        return self.inputs_by_name.get(name)

    def output(self, name: str) -> OutputSpec | None:
        return self.outputs_by_name.get(name)

    def call(self, inputs: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
        """Run the function on validated inputs and give its outputs by name.

        What the function raises comes through; TypeError says that it returned something other than it declares.
        """
        arguments = dict(inputs)
        if self.context_name is not None:
            arguments[self.context_name] = context
        returned = self.function(**arguments)
        if self.returns is not None:
            if not isinstance(returned, self.returns):
                raise TypeError(f"returned {described(returned)}, must be {article(self.returns.__name__)}")
            return {port.name: port.checked(getattr(returned, port.name)) for port in self.outputs}
        if not self.outputs:
            if returned is not None:
                raise TypeError(f"returned {described(returned)}, but declares no output")
            return {}
        return {self.outputs[0].name: self.outputs[0].checked(returned)}

    def describe(self) -> dict[str, Any]:
        """The node type as JSON: all that an editor, another process or documentation needs."""
        return {
            "id": self.id,
            "category": self.category,
            "summary": self.summary,
            "help": self.help,
            "version": self.version,
            "pure": self.pure,
            "cache": self.cache,
            "echoes": self.echoes,
            "plugin": self.plugin,
            "inputs": [port.describe() for port in self.inputs],
            "outputs": [port.describe() for port in self.outputs],
        }


def to_json(value: Any) -> Any:
    """A default as a graph file would hold it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value
