"""Reading a node type from the signature of its function, which is the only truth about it.

A mistake is a `NodeTypeError` with its place and reason, and costs that one node type. The mistakes are:

1. not a plain function: a class, a coroutine, a generator, or `@node` without its parentheses;
2. an id, category, version, cache or foresee that cannot be one;
3. no docstring;
4. a parameter or a result without an annotation;
5. an annotation that cannot be evaluated, since its name exists only under TYPE_CHECKING or nowhere;
6. `*args`, `**kwargs` or a positional-only parameter, or two contexts;
7. a type that no port can have: a union of classes, Any, a list of lists, choices that are no texts, an empty range;
8. a default that is no value of its input, or a wire with another default than None;
9. outputs that do not fit what is returned: no name for a single value, a name for none, a bare tuple; or that a node
   declared with `echoes` has no input like.
"""

import inspect
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from .annotations import Hint, read_hint, unwrapped
from .errors import NodeTypeError
from .node_types import MARK, Declaration, InputSpec, NodeSpec, OutputSpec
from .validation import shown

__all__ = ["declaration_of", "place_of", "read_spec"]

ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
PORT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
COMPONENT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\??")


def declaration_of(function: Any) -> Declaration | None:
    """What `@node` was told about this function; None when it was not decorated."""
    try:
        found = vars(function).get(MARK)
    except Exception:  # anything may stand in a module, a proxy that raises among them
        return None
    return found if isinstance(found, Declaration) else None


def read_spec(function: Callable[..., Any], plugin: str = "") -> NodeSpec:
    """Read the node type that a decorated function declares."""
    try:
        return spec_of(function, plugin)
    except ValueError as error:
        raise NodeTypeError(f"{place_of(function)}: {error}") from error


def spec_of(function: Callable[..., Any], plugin: str) -> NodeSpec:
    declared = declaration_of(function)
    if declared is None:
        raise ValueError(f"{getattr(function, '__name__', shown(function))} is not decorated with @node")
    check_declaration(declared)
    check_function(function)
    parameters = inspect.signature(function).parameters
    if inspect.signature(function).return_annotation is inspect.Parameter.empty:
        raise ValueError("the result has no annotation; write -> None where nothing is returned")
    for parameter in parameters.values():
        check_parameter(parameter)
    hints = hints_of(function)
    contexts = [name for name in parameters if is_context(hints[name])]
    if len(contexts) > 1:
        raise ValueError(f"{contexts[0]} and {contexts[1]} both take the context; one is enough")
    inputs = tuple(read_input(parameter, hints[name]) for name, parameter in parameters.items() if name not in contexts)
    returns, outputs = read_outputs(hints["return"], declared.outputs)
    if declared.echoes:
        check_echoes(declared, inputs, outputs)
    return NodeSpec(
        id=declared.id,
        category=declared.category,
        help=inspect.cleandoc(function.__doc__ or ""),
        inputs=inputs,
        outputs=outputs,
        version=declared.version,
        pure=declared.pure,
        cache=declared.cache,
        function=function,
        plugin=plugin,
        context_name=contexts[0] if contexts else None,
        returns=returns,
        echoes=declared.echoes,
        foresee=declared.foresee,
    )


def place_of(function: Any) -> str:
    """Where a declaration stands, as `file:line (id)`."""
    declared = declaration_of(function)
    name = str(declared.id) if declared and declared.id else getattr(function, "__name__", "?")
    bare = inspect.unwrap(function) if callable(function) else function
    code = getattr(bare, "__code__", None)
    if code is not None:
        return f"{Path(code.co_filename).name}:{code.co_firstlineno} ({name})"
    return f"{getattr(bare, '__module__', '?')} ({name})"


def check_declaration(declared: Declaration) -> None:
    if not isinstance(declared.id, str) or not declared.id:
        raise ValueError('@node needs an id in parentheses: @node("Blur", category="Pictures", outputs="image")')
    if not ID.fullmatch(declared.id):
        raise ValueError(
            f"the id is {shown(declared.id)}, must be a letter and up to 63 letters, digits, '_' or '-' after it"
        )
    if not isinstance(declared.category, str) or not declared.category.strip():
        raise ValueError(f"the category is {shown(declared.category)}, must be the name of a group in the palette")
    if type(declared.version) is not int or declared.version < 1:
        raise ValueError(f"the version is {shown(declared.version)}, must be a whole number from 1")
    if not isinstance(declared.pure, bool):
        raise ValueError(f"pure is {shown(declared.pure)}, must be True or False")
    if declared.cache not in ("memory", "disk", "none"):
        raise ValueError(f"cache is {shown(declared.cache)}, must be one of memory, disk, none")
    if not isinstance(declared.echoes, bool):
        raise ValueError(f"echoes is {shown(declared.echoes)}, must be True or False")
    if declared.foresee is not None and not callable(declared.foresee):
        raise ValueError(f"foresee is {shown(declared.foresee)}, must be a function that takes a Foresight")


def check_echoes(declared: Declaration, inputs: tuple[InputSpec, ...], outputs: tuple[OutputSpec, ...]) -> None:
    """An echo hands on each input under its own name; whether it does is for a test, since that takes running it."""
    if not declared.pure:
        raise ValueError("echoes=True says that outputs are inputs, pure=False that they may differ each time")
    known = {port.name: port for port in inputs}
    for output in outputs:
        port = known.get(output.name)
        if port is None or (port.type, port.indexed) != (output.type, output.is_list):
            what = f"list of {output.type_name}" if output.is_list else output.type_name
            raise ValueError(f"echoes=True, but there is no input {output.name} of type {what} to be handed on")
    if not outputs:
        raise ValueError("echoes=True, but there is no output")


def check_function(function: Callable[..., Any]) -> None:
    if not inspect.isfunction(function):
        raise ValueError(f"a node type is a function, not {shown(function)}")
    bare = inspect.unwrap(function)
    for waits in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        if waits(bare):
            raise ValueError("a node type is a plain function: it returns its outputs, and neither awaits nor yields")
    if not (function.__doc__ or "").strip():
        raise ValueError("there is no docstring, which is the help that users of the node read")


def check_parameter(parameter: inspect.Parameter) -> None:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ValueError(f"{parameter} has no fixed number of inputs; name each, or take a list")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ValueError(f"{name} can only be given by position; inputs are given by name")
    if parameter.annotation is parameter.empty:
        raise ValueError(f"{name} has no annotation")
    if not PORT.fullmatch(name):
        raise ValueError(f"{name} is no name for an input, which starts with a letter and has at most 64")


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation is an expression, which may raise anything
        missing = getattr(error, "name", None) if isinstance(error, NameError) else None
        culprit = next(
            (name for name, hint in function.__annotations__.items() if missing and missing in str(hint)), None
        )
        if missing is None:
            raise ValueError(f"an annotation cannot be evaluated: {type(error).__name__}: {error}") from error
        owner = "the result" if culprit == "return" else culprit or "an annotation"
        raise ValueError(
            f"{owner} is annotated with {missing}, which does not exist when the program runs; import it outside "
            "TYPE_CHECKING"
        ) from error


def is_context(hint: Any) -> bool:
    """Whether a parameter takes the context; told by name, since `context` stands on the engine above this module."""
    bare = unwrapped(hint)[0]
    arms = getattr(bare, "__args__", ()) if isinstance(bare, types.UnionType) or not isinstance(bare, type) else ()
    kinds = [arm for arm in arms if arm is not types.NoneType] or [bare]
    kind = kinds[0] if len(kinds) == 1 else None
    return getattr(kind, "__module__", "") == "nodegraph.context" and getattr(kind, "__name__", "") == "Context"


def read_input(parameter: inspect.Parameter, annotation: Any) -> InputSpec:
    name, required = parameter.name, parameter.default is parameter.empty
    try:
        hint = read_hint(annotation)
        check_checkpoint(hint)
        port = InputSpec(name, hint, annotation, required)
        return port if required else InputSpec(name, hint, annotation, required, read_default(port, parameter.default))
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def check_checkpoint(hint: Hint) -> None:
    """An input that names a checkpoint is a text, and says which components it needs."""
    if "checkpoint" not in hint.extra:
        return
    said = hint.extra["checkpoint"]
    if hint.type is not str or hint.is_list:
        raise ValueError("names a checkpoint, which is a text: declare it as str")
    names = said if isinstance(said, (list, tuple)) else []
    if not names or not all(isinstance(name, str) and COMPONENT.fullmatch(name) for name in names):
        raise ValueError(f"has {shown(said)} as components of a checkpoint, must be names, like ['unet', 'vae']")


def read_default(port: InputSpec, default: Any) -> Any:
    if not port.is_data and (default is not None or not port.optional):
        raise ValueError(f"has the default {shown(default)}; the only default of a wire is None, with X | None as type")
    try:
        return port.validate(default)
    except ValueError as error:
        raise ValueError(f"has a default that {error}") from error


def read_outputs(annotation: Any, name: str | None) -> tuple[type | None, tuple[OutputSpec, ...]]:
    """The NamedTuple class, if it is one, and the outputs that the result stands for."""
    bare = unwrapped(annotation)[0]
    if bare is types.NoneType:
        if name is not None:
            raise ValueError(f"outputs={name!r} names an output, but nothing is returned")
        return None, ()
    if isinstance(bare, type) and issubclass(bare, tuple) and hasattr(bare, "_fields"):
        if name is not None:
            raise ValueError(f"outputs={name!r} names one output, but the fields of {bare.__name__} are the outputs")
        fields = named_tuple_hints(bare)
        return bare, tuple(OutputSpec(field, output_hint(field, fields[field])) for field in bare._fields)
    if bare is tuple or getattr(bare, "__origin__", None) is tuple:
        raise ValueError("the result is a tuple, whose outputs have no names; return a NamedTuple")
    if name is None:
        raise ValueError('the output has no name; give it one with outputs="..."')
    if not isinstance(name, str) or not PORT.fullmatch(name):
        raise ValueError(f"outputs is {shown(name)}, must be one name of letters, digits and '_'")
    return None, (OutputSpec(name, output_hint("the result", annotation)),)


def named_tuple_hints(kind: type) -> dict[str, Any]:
    try:
        hints = get_type_hints(kind, include_extras=True)
    except Exception as error:
        raise ValueError(f"the fields of {kind.__name__} cannot be evaluated: {error}") from error
    missing = [name for name in kind._fields if name not in hints]  # type: ignore[attr-defined]
    if missing:
        raise ValueError(f"the field {missing[0]} of {kind.__name__} has no annotation")
    return hints


def output_hint(owner: str, annotation: Any) -> Hint:
    try:
        return read_hint(annotation)
    except ValueError as error:
        raise ValueError(f"{owner} {error}") from error
