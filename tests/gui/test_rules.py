"""What the editor finds wrong with a value is what the engine finds wrong with it, word for word."""

import enum
import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from nodegraph.annotations import read_hint
from nodegraph.node_types import InputSpec
from nodegraph_gui.catalogues import read_port
from nodegraph_gui.rules import Rule, Rules, why_wrong

VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 3.0, 0.5, -0.5, 1.5, 28, 29, 30, 99, 999, 1000, 1001, 10**6, 2**63 - 1, 2**63,
    -(2**63), 10**400, 1e308, 1e-9, math.inf, math.nan, "", " ", "a", "3", "RGB", "rgb", "clamp", "clmp", "x" * 201,
    "x" * 1001, "x" * 20001,
    "../up", "/abs", "con", "a/b", "a:b", "name.png", "ü", "\0", "\ud800", "b + s*(a-b)", [], [1], [1, "a"], [0.5, 2],
    ["a", "b"], ["flip"], ["flop"], "red", [None], [[1]], [True], [-1], [10**400], {"a": 1}, {},
]  # fmt: skip
OWN = {"formula", "strength", "checkpoint"}  # have validators of their node types, which no description can hold


def engine(spec, value):
    try:
        spec.validate(value)
    except ValueError as error:
        return str(error)
    return ""


def ports(registry, catalogue):
    for spec in registry.node_types.values():
        for port in spec.inputs:
            yield spec.id, port, catalogue.kinds[spec.id].inputs_by_name[port.name]


def test_every_built_in_input_judges_as_the_engine_does(registry, catalogue):
    found = Counter()
    rules = Rules()
    for kind, spec, port in ports(registry, catalogue):
        if not spec.is_data:
            continue
        for value in [*VALUES, spec.describe()["default"]]:
            why = engine(spec, value)
            if spec.name not in OWN:
                said = rules.why_wrong(port, value)
                same = bool(said) == bool(why) if value is None else said == why
                assert same, (kind, spec.name, value)
                found[bool(why)] += 1
    assert found[True] > 5000 and found[False] > 1000


def test_text_that_is_typed_means_what_the_command_line_makes_of_it(registry, catalogue):
    texts = ["", "3", "3.0", "-2", "1e3", " 7 ", "abc", "1,2", "[1, 2]", "true", "flip, mirror", "none", "1+1", "3,5"]
    for _, spec, port in ports(registry, catalogue):
        if not spec.is_data:
            continue
        for text in texts:
            try:
                parsed = spec.parse(text)
            except ValueError:
                continue
            given = Rule(port).parse(text)
            assert given == parsed and type(given) is type(parsed), (spec.name, text)


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


HINTS = [
    bool, int, float, str, Path, Colour, Literal["a", "b"], list[int], list[Path], list[Literal["a", "b"]], int | None,
    Annotated[int, Field(gt=0, lt=10)], Annotated[int, Field(multiple_of=8)], Annotated[float, Field(gt=0, le=1)],
    Annotated[float, Field(ge=-30, le=30)], Annotated[str, Field(pattern="^[a-z]+$")],
    Annotated[float, Field(multiple_of=0.5)],
    Annotated[str, Field(min_length=2, max_length=4)], Annotated[str, Field(json_schema_extra={"output": ".png"})],
    Annotated[list[int], Field(min_length=1, max_length=2)], list[Annotated[float, Field(ge=0)]],
    Annotated[list[Annotated[int, Field(le=5)]], Field(max_length=3)], Annotated[float | None, Field(ge=0)],
    Annotated[Path | None, Field(description="here")],
]  # fmt: skip


def described(hint):
    spec = InputSpec("it", read_hint(hint), hint, True)
    return spec, read_port(json.loads(json.dumps(spec.describe())))


@pytest.mark.parametrize("hint", HINTS, ids=str)
def test_every_kind_of_remark_survives_the_description(hint):
    spec, port = described(hint)
    wrong = [bool(engine(spec, value)) for value in VALUES]
    assert any(wrong) and not all(wrong)
    assert VALUES[0] is None and bool(why_wrong(port, None)) == wrong[0]  # in words of its own
    assert [why_wrong(port, value) for value in VALUES[1:]] == [engine(spec, value) for value in VALUES[1:]]


@given(st.sampled_from(HINTS), st.one_of(st.integers(), st.floats(), st.text(), st.lists(st.integers() | st.text())))
def test_no_value_is_judged_in_another_way(hint, value):
    spec, port = described(hint)
    assert why_wrong(port, value) == engine(spec, value)


def test_a_wire_takes_no_value(catalogue):
    port = catalogue.kinds["CFGCombine"].inputs_by_name["conditional"]
    assert why_wrong(port, 3) == "takes a link from a Denoiser, not a value"
    assert why_wrong(port, None) == ""


@pytest.mark.parametrize(
    ("kind", "name", "text", "value", "why"),
    [
        ("IterativeSampler", "steps", "3.5", 3.5, "is 3.5, must be a whole number"),
        ("IterativeSampler", "steps", "1e3", 1000, ""),
        ("IterativeSampler", "steps", " 2.0 ", 2, ""),
        ("IterativeSampler", "steps", "1.5", 1.5, "is 1.5, must be a whole number"),
        ("IterativeSampler", "steps", "15e-1", 1.5, "is 1.5, must be a whole number"),
        ("IterativeSampler", "timesteps", "1e2, 5", [100, 5], ""),
        ("PureNoise", "seed", "9007199254740993e0", 9007199254740993, ""),
        ("IterativeSampler", "steps", "10+5", "10+5", "is '10+5', must be a whole number"),
        ("IterativeSampler", "steps", "", "", "is '', must be a whole number"),
        ("CFGCombine", "scale", "3", 3, ""),
        ("CFGCombine", "scale", "3.0", 3.0, ""),
        ("CFGCombine", "scale", "99", 99, "is 99, must be at most 30"),
        ("CFGCombine", "scale", "1e999", "1e999", "is '1e999', must be a number"),
        ("CFGCombine", "scale", "nan", "nan", "is 'nan', must be a number"),
        ("PureNoise", "width", " ", None, ""),
        ("IterativeSampler", "timesteps", "990, 960", [990, 960], ""),
        ("IterativeSampler", "timesteps", "990, x", "990, x", "is '990, x', must be a list, each a whole number"),
    ],
)
def test_what_is_typed_is_kept_and_judged(catalogue, kind, name, text, value, why):
    rule = Rule(catalogue.kinds[kind].inputs_by_name[name])
    parsed = rule.parse(text)
    assert parsed == value and type(parsed) is type(value)
    assert rule.why(parsed) == why


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("LoadImage", "path", "has no value; choose a file"),
        ("PureNoise", "size", "has no value; type a whole number"),
        ("CFGCombine", "scale", "has no value; type a number"),
        ("EncodePrompt", "prompt", "has no value; type a text"),
        ("IterativeSampler", "method", "has no value; choose one"),
    ],
)
def test_of_a_value_that_is_not_there_yet_it_is_said_what_to_do(catalogue, kind, name, words):
    assert why_wrong(catalogue.kinds[kind].inputs_by_name[name], None) == words
