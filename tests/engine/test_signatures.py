"""A node type is what its function's signature says; each kind of mistake is told with its place and reason."""

import enum
import json
from collections import namedtuple
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Protocol, TypeVar

import pytest
import toys
from pydantic import Field

from nodegraph.context import Context
from nodegraph.errors import NodeTypeError
from nodegraph.node_types import NodeSpec, node
from nodegraph.registry import Registry
from nodegraph.signatures import read_spec

if TYPE_CHECKING:
    from decimal import Decimal


def test_a_function_says_all_about_its_node_type() -> None:
    Scale = Annotated[float, Field(ge=-30, le=30, description="how much")]

    @node("CFGCombine", category="Guidance", outputs="box", version=3, pure=False, cache="none")
    def cfg_combine(conditional: toys.Box, unconditional: toys.Box | None = None, scale: Scale = 7) -> toys.Box:
        """Push one away from the other.

        More help.
        """
        return conditional

    spec = read_spec(cfg_combine, "nodegraph-toys")
    assert (spec.id, spec.category, spec.version, spec.pure, spec.cache) == ("CFGCombine", "Guidance", 3, False, "none")
    assert spec.plugin == "nodegraph-toys"
    assert spec.help == "Push one away from the other.\n\nMore help."
    assert spec.summary == "Push one away from the other."
    assert [port.name for port in spec.inputs] == ["conditional", "unconditional", "scale"]
    conditional, unconditional, scale = spec.inputs
    assert (conditional.type, conditional.type_name, conditional.is_data) == (toys.Box, "Box", False)
    assert conditional.required and not conditional.optional
    assert not unconditional.required and unconditional.optional and unconditional.default is None
    assert (scale.type, scale.is_data, scale.help, scale.minimum, scale.maximum) == (float, True, "how much", -30, 30)
    assert scale.default == 7.0 and isinstance(scale.default, float)
    assert [(port.name, port.type) for port in spec.outputs] == [("box", toys.Box)]
    assert not spec.wants_context
    assert cfg_combine(toys.Box(1.0)) == toys.Box(1.0), "the function stays callable"
    assert spec.input("scale") is scale and spec.input("scal") is None
    assert spec.output("box") is spec.outputs[0] and spec.output("boxes") is None


def test_all_types_of_data(registry: Registry) -> None:
    @node("All", category="Toys", outputs="out")
    def everything(
        a: bool,
        b: int,
        c: float,
        d: str,
        e: Path,
        f: toys.Method,
        g: Literal["x", "y"],
        h: list[float],
        i: int | None = None,
        j: list[Path] | None = None,
        k: list[Literal["x", "y"]] = ["x"],  # noqa: B006
        m: Annotated[list[int], Field(min_length=1)] = [3],  # noqa: B006
    ) -> list[str]:
        """Everything."""
        return []

    spec = registry.add(everything)
    assert all(port.is_data and not port.is_list for port in spec.inputs)
    assert [port.type_name for port in spec.inputs[:8]] == [
        "bool", "int", "float", "str", "Path", "Method", "choice", "float",
    ]  # fmt: skip
    assert [port.name for port in spec.inputs if port.indexed] == ["h", "j", "k", "m"]
    assert spec.inputs_by_name["f"].choices == ("fast", "exact")
    assert spec.inputs_by_name["g"].choices == spec.inputs_by_name["k"].choices == ("x", "y")
    assert spec.outputs[0].is_list
    assert json.loads(json.dumps(spec.describe())) == spec.describe()


def test_outputs_are_the_fields_of_a_named_tuple() -> None:
    spec = read_spec(toys.divide)
    assert [(port.name, port.type, port.help) for port in spec.outputs] == [
        ("quotient", int, "how often it fits"),
        ("remainder", int, ""),
    ]
    assert spec.call({"value": 7, "by": 2}) == {"quotient": 3, "remainder": 1}


def test_a_sink_has_no_outputs() -> None:
    spec = read_spec(toys.show)
    assert spec.outputs == ()
    assert spec.call({"value": 1.0}) == {}


def test_the_context_is_no_input() -> None:
    spec = read_spec(toys.slow)
    assert spec.context_name == "context" and spec.input("context") is None
    assert spec.call({"value": 2.0, "steps": 1}, Context()) == {"value": 2.0}

    @node("Maybe", category="Toys", outputs="value")
    def maybe(value: float, told: Context | None = None) -> float:
        """Reports to a context if there is one."""
        return value

    assert read_spec(maybe).context_name == "told"


def test_annotations_may_be_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_toys.py").write_text(
        "from __future__ import annotations\n"
        "from typing import NamedTuple\n"
        "from nodegraph.context import Context\n"
        "from nodegraph.node_types import node\n"
        "import toys\n"
        "class Pair(NamedTuple):\n    box: toys.Box | None\n    number: float\n"
        "@node('Late', category='Toys')\n"
        "def late(context: Context, box: toys.Box | None = None, number: float = 2) -> Pair:\n"
        "    '''Late.'''\n    return Pair(box, number)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import late_toys  # type: ignore[import-not-found]

    spec = read_spec(late_toys.late)
    assert [port.type for port in spec.inputs] == [toys.Box, float]
    assert spec.context_name == "context"
    assert spec.call({}, Context()) == {"box": None, "number": 2.0}


def test_hints_of_widgets_reach_the_description() -> None:
    @node("Hinted", category="Toys", outputs="text")
    def hinted(
        text: Annotated[str, Field(max_length=9, json_schema_extra={"multiline": True})] = "",
        part: Annotated[float, Field(gt=0, lt=1, multiple_of=0.1, json_schema_extra={"unit": "pixels"})] = 0.5,
        sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=3, description="sizes")] = [1],  # noqa: B006
    ) -> str:
        """Hinted."""
        return text

    text, part, sizes = (port["schema"] for port in read_spec(hinted).describe()["inputs"])
    assert text == {"type": "string", "maxLength": 9, "multiline": True}
    assert part == {
        "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.1, "unit": "pixels",
    }  # fmt: skip
    assert sizes["maxItems"] == 3 and sizes["description"] == "sizes" and sizes["items"]["minimum"] == 1


# What a node returns


def call_of(annotation: Any, returned: Any) -> Any:
    def function() -> Any:
        """Return what the test wants."""
        return returned

    function.__annotations__["return"] = annotation
    return read_spec(node("Return", category="Toys", outputs="out")(function)).call({})["out"]


@pytest.mark.parametrize(
    ("annotation", "returned", "made"),
    [
        (float, 3, 3.0),
        (float, float("inf"), float("inf")),
        (toys.Box | None, None, None),
        (list[float], (1, 2.5), [1.0, 2.5]),
        (Literal["a", "b"], "a", "a"),
        (toys.Box, toys.RedBox(1.0), toys.RedBox(1.0)),
    ],
)
def test_what_a_node_may_return(annotation: Any, returned: Any, made: Any) -> None:
    assert call_of(annotation, returned) == made
    assert type(call_of(annotation, returned)) is type(made)


@pytest.mark.parametrize(
    ("annotation", "returned", "message"),
    [
        (float, "a text", "returned 'a text' as out, must be a float"),
        (int, True, "returned true as out, must be an int"),
        (toys.Box, None, "returned null as out, must be a Box"),
        (list[toys.Box], toys.Box(1.0), "returned a Box as out, must be a list of Box"),
        (list[toys.Box], [toys.Stone()], "returned a Stone as out, must be a Box"),
    ],
)
def test_what_a_node_may_not_return(annotation: Any, returned: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call_of(annotation, returned)
    assert str(caught.value) == message


def test_a_tuple_or_a_value_too_many_is_told() -> None:
    @node("Tuple", category="Toys")
    def pair() -> toys.Divided:
        """Return a plain tuple."""
        return (1, 2)  # type: ignore[return-value]

    @node("Sink", category="Toys")
    def sink() -> None:
        """Return something."""
        return 3  # type: ignore[return-value]

    with pytest.raises(TypeError, match="returned a tuple, must be a Divided"):
        read_spec(pair).call({})
    with pytest.raises(TypeError, match="returned 3, but declares no output"):
        read_spec(sink).call({})


# Mistakes


class Colour(enum.Enum):
    RED = 1


class Untyped(NamedTuple):
    value: Any


class Unknown(NamedTuple):
    value: "Decimal"


Bare = namedtuple("Bare", "value")


class Shape(Protocol):
    area: float


T = TypeVar("T")


class NodeClass:
    """A class."""


async def waits() -> float:
    """A coroutine."""
    return 1.0


def yields() -> Any:
    """A generator."""
    yield 1.0


def undocumented() -> float:
    return 1.0


def no_hint(value) -> float:  # type: ignore[no-untyped-def]
    """A parameter without annotation."""
    return 1.0


def no_result(value: float):  # type: ignore[no-untyped-def]
    """No result."""


def only_when_checked(value: "Decimal") -> float:
    """A name that exists only under TYPE_CHECKING."""
    return 1.0


def result_only_when_checked() -> "Decimal":
    """A name that exists only under TYPE_CHECKING."""
    raise AssertionError


def broken_hint(value: "float +") -> float:  # type: ignore[syntax]  # noqa: F722
    """An annotation that is no expression."""
    return 1.0


def stars(*values: float) -> float:
    """Any number of inputs."""
    return 1.0


def keywords(**values: float) -> float:
    """Any inputs."""
    return 1.0


def by_position(value: float, /) -> float:
    """An input without a name."""
    return 1.0


def two_contexts(a: Context, b: Context) -> float:
    """Two contexts."""
    return 1.0


def returns_tuple() -> tuple[float, float]:
    """Outputs without names."""
    return 1.0, 1.0


def returns_untyped() -> Untyped:
    """A field of any type."""
    return Untyped(1)


def returns_unknown() -> Unknown:
    """A field whose type exists only under TYPE_CHECKING."""
    raise AssertionError


def returns_bare() -> Bare:
    """A field without a type."""
    return Bare(1)


def fine() -> float:
    """Nothing wrong."""
    return 1.0


def nothing() -> None:
    """Nothing returned."""


def takes(annotation: Any, *default: Any) -> Any:
    def function(value: Any) -> float:
        """Take one input."""
        return 1.0

    function.__annotations__["value"] = annotation
    function.__defaults__ = default or None
    return function


def named(function: Any, id: Any = "Wrong", **said: Any) -> Any:
    """The function, or a copy of it, decorated."""
    if isinstance(function, FunctionType):
        copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
        copy.__doc__, copy.__annotations__ = function.__doc__, function.__annotations__
        function = copy
    return node(id, **{"category": "Toys", "outputs": "out", **said})(function)


MISTAKES = {
    "class": (named(NodeClass), "a node type is a function"),
    "coroutine": (named(waits), "neither awaits nor yields"),
    "generator": (named(yields), "neither awaits nor yields"),
    "no parentheses": (node(lambda: 1), "@node needs an id in parentheses"),  # type: ignore[call-overload, arg-type]
    "id": (named(fine, "a.b"), "the id is 'a.b', must be a letter and up to 63"),
    "category": (named(fine, category=""), "the category is ''"),
    "version": (named(fine, version=True), "the version is true, must be a whole number"),
    "pure": (named(fine, pure=1), "pure is 1, must be True or False"),
    "cache": (named(fine, cache="ram"), "cache is 'ram', must be one of memory, disk, none"),
    "docstring": (named(undocumented), "there is no docstring"),
    "no annotation": (named(no_hint), "value has no annotation"),
    "no result": (named(no_result), "the result has no annotation"),
    "TYPE_CHECKING": (named(only_when_checked), "value is annotated with Decimal, which does not exist when"),
    "TYPE_CHECKING result": (named(result_only_when_checked), "the result is annotated with Decimal"),
    "syntax": (named(broken_hint), "an annotation cannot be evaluated: SyntaxError"),
    "*args": (named(stars), "*values: float has no fixed number of inputs"),
    "**kwargs": (named(keywords), "**values: float has no fixed number of inputs"),
    "by position": (named(by_position), "value can only be given by position"),
    "two contexts": (named(two_contexts), "a and b both take the context"),
    "union": (named(takes(toys.Box | toys.Stone)), "value is a union of types (Box | Stone)"),
    "union of data": (named(takes(int | str | None)), "value is a union of types (int | str)"),
    "Any": (named(takes(Any)), "value is Any"),
    "object": (named(takes(object)), "value is object"),
    "only None": (named(takes(None)), "value can only be None"),
    "type variable": (named(takes(T)), "value is the type variable ~T"),
    "list of anything": (named(takes(list)), "value is a list of anything"),
    "list of lists": (named(takes(list[list[float]])), "value is a list of lists"),
    "list of maybe": (named(takes(list[toys.Box | None])), "value is a list of lists or of values that may be None"),
    "generic": (named(takes(dict[str, float])), "which is no class"),
    "protocol": (named(takes(Shape)), "value is Shape, whose values cannot be told from others"),
    "enum of numbers": (named(takes(Colour)), "value is the enum Colour, whose values are not texts"),
    "literal of numbers": (named(takes(Literal[1, 2])), "value is a Literal of something other than text"),
    "empty range": (named(takes(Annotated[int, Field(ge=3, le=1)])), "value has an empty range: from 3 to 1"),
    "range of text": (named(takes(Annotated[str, Field(ge=3)])), "value has a range (ge), but is no number"),
    "range of wire": (named(takes(Annotated[toys.Box, Field(ge=3)])), "value has a range (ge), but is no number"),
    "length of number": (named(takes(Annotated[int, Field(max_length=3)])), "value has a length or a pattern"),
    "default in Field": (named(takes(Annotated[int, Field(default=3)])), "value has a default inside Field"),
    "default of other type": (named(takes(float, "3")), "value has a default that is '3', must be a number"),
    "default out of range": (named(takes(Annotated[int, Field(le=1)], 3)), "value has a default that is 3, must be at"),
    "default None": (named(takes(int, None)), "value has a default that is null, must be a whole number"),
    "default no choice": (named(takes(Literal["a"], "b")), "has a default that is 'b', must be one of a"),
    "default of a wire": (named(takes(toys.Box, toys.Box(1.0))), "the only default of a wire is None"),
    "default of a maybe wire": (named(takes(toys.Box | None, 3)), "value has the default 3; the only default"),
    "output without name": (named(fine, outputs=None), "the output has no name"),
    "bad name of output": (named(fine, outputs="a.b"), "outputs is 'a.b', must be one name"),
    "names for fields": (named(toys.divide, outputs="a"), "the fields of Divided are the outputs"),
    "name for nothing": (named(nothing, outputs="a"), "names an output, but nothing is returned"),
    "tuple": (named(returns_tuple), "the result is a tuple, whose outputs have no names"),
    "field only when checked": (named(returns_unknown, outputs=None), "the fields of Unknown cannot be evaluated"),
    "bare field": (named(returns_bare, outputs=None), "the field value of Bare has no annotation"),
    "untyped field": (named(returns_untyped, outputs=None), "value is Any"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_told_with_its_place(kind: str) -> None:
    function, reason = MISTAKES[kind]
    with pytest.raises(NodeTypeError) as caught:
        read_spec(function)
    assert reason in str(caught.value)
    if kind != "class":
        assert str(caught.value).startswith(("test_signatures.py:", "toys.py:"))


def test_an_undecorated_function_is_told() -> None:
    def fine_too() -> float:
        """Nothing wrong, but no node type."""
        return 1.0

    with pytest.raises(NodeTypeError, match="fine_too is not decorated with @node"):
        read_spec(fine_too)


def test_specs_are_equal_when_read_twice() -> None:
    first, second = read_spec(toys.multiply), read_spec(toys.multiply)
    assert isinstance(first, NodeSpec) and first.describe() == second.describe()
