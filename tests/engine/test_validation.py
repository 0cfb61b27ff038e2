"""What an input takes, what it becomes, and the words in which the rest is refused."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import AfterValidator, Field

from nodegraph.annotations import read_hint
from nodegraph.node_types import InputSpec
from nodegraph.validation import shown

Choice = Literal["ddpm", "ddim"]
Part = Annotated[float, Field(gt=0, lt=1)]


def in_order(text: str) -> str:
    """The text, if a validator of a plugin takes it."""
    if list(text) != sorted(text):
        raise ValueError("is not sorted")
    return text


Sorted = Annotated[str, AfterValidator(in_order)]
FileName = Annotated[str, Field(json_schema_extra={"output": ".png"})]
Written = Annotated[str, Field(json_schema_extra={"output": True})]
Word = Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]*$")]
Even = Annotated[int, Field(ge=0, le=20, multiple_of=2)]
Few = Annotated[list[float], Field(min_length=1, max_length=2)]
ELEMENTWISE = Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=3)]


def port(annotation: Any) -> InputSpec:
    return InputSpec("value", read_hint(annotation), annotation, required=True)


@pytest.mark.parametrize(
    ("annotation", "value", "made"),
    [
        (bool, True, True),
        (int, -(10**30), -(10**30)),
        (float, 3, 3.0),
        (float, 2.5, 2.5),
        (float | None, None, None),
        (str, "", ""),
        (str, toys.Method.FAST, "fast"),
        (Path, "a/b.png", Path("a/b.png")),
        (Path, Path("a"), Path("a")),
        (Choice, "ddim", "ddim"),
        (toys.Method, "exact", toys.Method.EXACT),
        (toys.Method, toys.Method.EXACT, toys.Method.EXACT),
        (Literal["fast", "slow"], toys.Method.FAST, "fast"),
        (list[float], [1, 2.5], [1.0, 2.5]),
        (list[float] | None, None, None),
        (list[float], [], []),
        (list[Path], ["a"], [Path("a")]),
        (list[toys.Method], ["fast"], [toys.Method.FAST]),
        (Even, 20, 20),
        (Part, 0.5, 0.5),
        (Word, "abc", "abc"),
    ],
)
def test_what_is_taken(annotation: Any, value: Any, made: Any) -> None:
    got = port(annotation).validate(value)
    assert got == made and type(got) is type(made)
    if isinstance(made, list):
        assert [type(item) for item in got] == [type(item) for item in made]
        assert got is not value, "a node gets a list of its own"


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (bool, 1, "is 1, must be true or false"),
        (bool, "true", "is 'true', must be true or false"),
        (int, True, "is true, must be a whole number"),
        (int, 3.0, "is 3.0, must be a whole number"),
        (int, "3", "is '3', must be a whole number"),
        (int, None, "is null, must be a whole number"),
        (float, True, "is true, must be a number"),
        (float, "three", "is 'three', must be a number"),
        (float, math.nan, "is nan, must be a finite number"),
        (float, -math.inf, "is -inf, must be a finite number"),
        (float, 10**400, "is too large a number"),
        (float, [1.0], "is [1.0], must be a number"),
        (str, 3, "is 3, must be text"),
        (Path, 3, "is 3, must be a path"),
        (Path, "", "is '', must be a path"),
        (Path, "a\0b", r"is 'a\x00b', must be a path"),
        (list[Path], ["a", ""], "[1] is '', must be a path"),
        (Choice, "ddmp", "is 'ddmp', must be one of ddpm, ddim (did you mean 'ddpm'?)"),
        (Choice, "euler", "is 'euler', must be one of ddpm, ddim"),
        (Choice, 3, "is 3, must be one of ddpm, ddim"),
        (Literal["low, high", "all"], "mid", "is 'mid', must be one of 'low, high', 'all'"),
        (Literal["lower and strip", ""], "x", "is 'x', must be one of 'lower and strip', ''"),
        (toys.Method, "fsat", "is 'fsat', must be one of fast, exact (did you mean 'fast'?)"),
        (list[Choice], ["ddpm", "x"], "[1] is 'x', must be one of ddpm, ddim"),
        (list[float], 3, "is 3, must be a list, each a number"),
        (list[float], (1.0,), "is (1.0,), must be a list, each a number"),
        (list[Choice], "ddpm", "is 'ddpm', must be a list, each text"),
        (list[float], [1, "x"], "[1] is 'x', must be a number"),
        (list[float], [None], "[0] is null, must be a number"),
        (ELEMENTWISE, [1, -1], "[1] is -1, must be at least 0"),
        (ELEMENTWISE, [1, 2, 3, 4], "has 4 values, must have at most 3"),
        (Annotated[list[int], Field(min_length=2)], [1], "has 1 value, must have at least 2"),
        (Annotated[str, Field(min_length=1)], "", "is '', must be at least 1 character long"),
        (Few, [], "has 0 values, must have at least 1"),
        (Annotated[float, Field(ge=-30, le=30)], 99, "is 99, must be at most 30"),
        (Annotated[float, Field(ge=-30, le=30)], -30.5, "is -30.5, must be at least -30"),
        (Part, 0, "is 0, must be more than 0"),
        (Part, 1.0, "is 1.0, must be less than 1"),
        (Even, 3, "is 3, must be a multiple of 2"),
        (Even, 22, "is 22, must be at most 20"),
        (Word, "a", "is 'a', must be at least 2 characters long"),
        (Word, "abcde", "is 'abcde', must be at most 4 characters long"),
        (Word, "ABC", "is 'ABC', must match ^[a-z]*$"),
        (float | None, "x", "is 'x', must be a number"),
        (str, "x" * 5000 + "\ud800", "is '" + "x" * 58 + "…, must be text that UTF-8 can hold"),
        (Sorted, "ba", "is not sorted"),
        (FileName, "../x", "is '../x', which leads out of the output folder; leave out '..'"),
        (FileName, "nul", "is 'nul', which has the part 'nul.png', which no file should be called"),
        (FileName, 3, "is 3, must be text"),
        (Written, "x.", "is 'x.', which has the part 'x.', which no file should be called"),
        (list[Sorted], ["ab", "ba"], "[1] is not sorted"),
        (Path, "\udcff", r"is '\udcff', must be text that UTF-8 can hold"),
    ],
)  # fmt: skip
def test_what_is_refused(annotation: Any, value: Any, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        port(annotation).validate(value)
    assert str(caught.value) == reason


def test_a_number_of_five_thousand_digits_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="is a huge int, must be at most 20"):
        port(Even).validate(10**5000)


def test_wires() -> None:
    box, red = toys.Box(1.0), toys.RedBox(2.0)
    assert port(toys.Box).validate(red) is red
    assert port(toys.Box | None).validate(None) is None
    assert port(list[toys.Box]).validate([box, red]) == [box, red]
    for annotation, value, reason in [
        (toys.RedBox, box, "is a Box, must be a RedBox"),
        (toys.Box, None, "is null, must be a Box"),
        (list[toys.Box], box, "is a Box, must be a list of Box"),
        (list[toys.Box], [box, "x"], "[1] is 'x', must be a Box"),
    ]:
        with pytest.raises(ValueError) as caught:
            port(annotation).validate(value)
        assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("annotation", "text", "made"),
    [
        (bool, "yes", True),
        (bool, "False", False),
        (int, " -3 ", -3),
        (float, "3", 3),
        (float, "1e-3", 0.001),
        (float, ".5", 0.5),
        (float | None, "null", None),
        (str, "null", "null"),
        (str, "3", "3"),
        (str | None, "none", None),
        (Path, "a/b", "a/b"),
        (Choice, "ddim", "ddim"),
        (toys.Method, "fast", "fast"),
        (list[float], "1, 2.5", [1, 2.5]),
        (list[float], "[1, 2.5]", [1, 2.5]),
        (list[str], "a,b", ["a", "b"]),
        (list[int], "", []),
    ],
)
def test_texts_of_the_command_line(annotation: Any, text: str, made: Any) -> None:
    got = port(annotation).parse(text)
    assert got == made and type(got) is type(made)


@pytest.mark.parametrize(
    ("annotation", "text", "reason"),
    [
        (bool, "perhaps", "is 'perhaps', must be true or false"),
        (int, "3.0", "is '3.0', must be a whole number"),
        (int, "9" * 5000, "is '" + "9" * 58 + "…, must be a whole number"),
        (float, "nan", "is 'nan', must be a number"),
        (float, "1e999", "is inf, must be a finite number"),
        (float, "three", "is 'three', must be a number"),
        (Choice, "ddmp", "is 'ddmp', must be one of ddpm, ddim (did you mean 'ddpm'?)"),
        (list[float], "1,x", "is 'x', must be a number"),
        (list[float], "[1,", "is '[1,', which is no list: Expecting value: line 1 column 4 (char 3)"),
        (list[float], "[" * 100_000, "is '" + "[" * 58 + "…, which is no list: it is nested too deep"),
        (toys.Box, "x", "takes a link from a Box, not a value"),
    ],
)
def test_texts_that_are_refused(annotation: Any, text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        port(annotation).parse(text)
    assert str(caught.value) == reason


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
PORTS = [
    port(hint)
    for hint in (bool, int, float, str, Path, Choice, toys.Method, list[float], Few, Part, Word, Even, toys.Box)
]


@settings(deadline=None)
@given(json_values)
def test_any_value_is_taken_or_refused_shortly(value: Any) -> None:
    for each in PORTS:
        try:
            each.validate(value)
        except ValueError as error:
            assert type(error) is ValueError and len(str(error)) < 160 and "\n" not in str(error)


@settings(deadline=None)
@given(some.text())
def test_any_text_is_taken_or_refused_shortly(text: str) -> None:
    for each in PORTS:
        try:
            each.parse(text)
        except ValueError as error:
            assert type(error) is ValueError and len(str(error)) < 260


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError


def test_any_value_can_be_shown() -> None:
    assert shown(Unspeakable()) == "a Unspeakable"
    assert shown(10**5000) == "a huge int"
    assert shown(Path("a")) == "'a'"
    assert len(shown("x" * 1000)) == 60
