"""The language of formulas: what texts mean, what is refused and where, and that no text whatsoever does harm."""

import math
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_denoisers import noise

from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.expressions import DEEPEST, LONGEST, FormulaError, Kind, Moment, nodes_of
from nodegraph_nodes.ops.formulas import Scene, coordinates
from nodegraph_nodes.ops.parsing import parse

A, B = noise(1, 2, channels=3, size=6), noise(2, 2, channels=3, size=6)
MASK = torch.rand((1, 1, 6, 6), dtype=torch.float64, generator=torch.Generator().manual_seed(3))
NAMES = {"a": A, "b": B, "mask": MASK, **coordinates(A)}
T, STEP, S = 640, 3, 2.5


def value(text, t=T, step=STEP):
    """The value of a text, by the parser and the evaluation that are tested."""
    return Scene(Moment(text, t, step, S), NAMES, A, gaussian_blur).result(parse(text))


def per_picture(picture, compute):
    """A statistic of each picture by itself, as a tensor that goes with the pictures."""
    whole = torch.broadcast_to(picture, torch.broadcast_shapes(picture.shape, (1, 1, 6, 6)))
    return torch.stack([compute(row.flatten()) for row in whole]).view(-1, 1, 1, 1)


PYTHON = {
    "__builtins__": {},
    **NAMES,
    "t": float(T),
    "step": float(STEP),
    "s": S,
    "pi": math.pi,
    "abs": abs,
    "mean": lambda picture: per_picture(picture, torch.mean),
    "std": lambda picture: per_picture(picture, lambda row: (row - row.mean()).square().mean().sqrt()),
    "norm": lambda picture: per_picture(picture, torch.norm),
    "sin": lambda number: torch.as_tensor(number, dtype=torch.float64).sin(),
    "cos": lambda number: torch.as_tensor(number, dtype=torch.float64).cos(),
    "exp": lambda number: torch.as_tensor(number, dtype=torch.float64).exp(),
    "min": lambda one, two: torch.minimum(*pair(one, two)),
    "max": lambda one, two: torch.maximum(*pair(one, two)),
    "clamp": lambda number, low, high: torch.minimum(torch.maximum(*pair(number, low)), torch.as_tensor(high)),
    "where": lambda condition, one, two: torch.where(torch.as_tensor(condition), *pair(one, two)),
    "blur": lambda picture, sigma: gaussian_blur(torch.broadcast_to(picture, (len(picture), *A.shape[1:])), sigma),
}


def pair(one, two):
    return torch.as_tensor(one, dtype=torch.float64), torch.as_tensor(two, dtype=torch.float64)


def by_python(text):
    """The same text read by Python's own grammar, which is the same but for the power."""
    return eval(text.replace("^", "**"), dict(PYTHON))


def check(text):
    """Python and the parser agree: on a value, or on there being none."""
    try:
        expected = by_python(text)
        defined = not isinstance(expected, complex) and bool(torch.isfinite(torch.as_tensor(expected)).all())
    except (ZeroDivisionError, OverflowError):
        defined = False
    if defined:
        torch.testing.assert_close(value(text), torch.broadcast_to(expected, A.shape), rtol=1e-9, atol=1e-9)
    else:
        with pytest.raises(FormulaError):
            value(text)


@pytest.mark.parametrize(
    "text",
    [
        "b + s*(a-b)",
        "a - b - a*2 - b/4/2",
        "-a^2 + (-a)^2 + 2^3^2*b + 2^-1*a",
        "a ** 2 + b**2",
        "a*-2 - -b + +a",
        "a*7 % 3 + -7 % 3 + 2*3 % 4 + a % 2",
        "a*(1e-3 + 1.5E2 + .5 + 2.)",
        "a if t > 500 else b",
        "a if t < 100 else b if step == 3 else a*b",
        "a if not t < 500 and step >= 3 or step != 3 else b",
        "a if not (t > 500 and (step > 5 or step <= 1)) else b",
        "where(x > 0.2, a, b) + where(a > b, a, 0)",
        "where(x + y < mask, a, -1*b)",
        "mean(a)*b + std(a)*a/norm(b) + mean(x)*a + std(mask)*a + norm(y)*b + mean(mean(a))*a",
        "blur(a, 0.5) + b - blur(b, 0.5) + blur(mask, 0.25)*a + blur(x, t/2560)*b",
        "clamp(a, -1, 0.5) + clamp(b, -1*mask, mask) + min(a, b) + max(a, 0) + min(x, t/1000)*a",
        "abs(a) + exp(a) + sin(pi*x)*a + cos(b) + sin(s)*b + max(1, step)*a",
        "a\t*   2",
    ],
)
def test_a_text_means_what_it_means_in_python(text):
    check(text)


def values(smaller):
    """Longer texts from shorter ones; without parentheses, so that it matters what binds more tightly."""
    condition = st.sampled_from(
        ["t > 500", "not t > 500", "step < 2 or t >= 640", "s != 1 and t == 3", "step % 2 == 1"]
    )
    return st.one_of(
        st.builds("{} {} {}".format, smaller, st.sampled_from(["+", "-", "*", "/", "%"]), smaller),
        st.builds("{}^{}".format, smaller, st.sampled_from(["2", "3", "-1", "0", "2^2"])),
        st.builds("({})".format, smaller),
        st.builds("-{}".format, smaller),
        st.builds("abs({})".format, smaller),
        st.builds("cos({})".format, smaller),
        st.builds("min({}, {})".format, smaller, smaller),
        st.builds("mean(x*({}))".format, smaller),
        st.builds("where(y*({}) < 0.1, {}, {})".format, smaller, smaller, smaller),
        st.builds("({} if {} else {})".format, smaller, condition, smaller),
    )


@settings(max_examples=250, deadline=None)
@given(
    st.recursive(st.sampled_from(["a", "b", "x", "y", "mask", "t/1000", "step", "s", "2", "0.5", "0", "pi"]), values)
)
def test_any_formula_means_what_it_means_in_python(text):
    if len(text) < LONGEST - 10:
        check(f"a + {text}")


def test_what_numbers_decide_is_decided_before_anything_is_asked():
    kinds = {
        "where(t > 500, 1, 2)*a": [Kind.TRUTH],
        "where(x > 0, 1, 2)*a": [Kind.PATTERN],
        "where(t > 500 and x > 0, 1, 2)*a": [Kind.PATTERN],
        "where(mean(a) > 0, 1, 2)*a": [Kind.PATTERN],
    }
    for text, expected in kinds.items():
        assert [node.operands[0].kind for node in nodes_of(parse(text)) if node.op == "where"] == expected


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a + b", "ab"),
        ("0*a + b", "ab"),  # a weight of 0 skips nobody
        ("where(t > 500, a, b)", "a"),
        ("where(t <= 500, a, b)", "b"),
        ("a if t < 500 else b if step < 2 else c", "c"),
        ("where(x > 0, a, b)", "ab"),
        ("where(t > 500, a, b) - where(t > 500, b, c)", "ab"),
        ("where(mean(c) > 0 and t < 0, a, b)", "abc"),
        ("where(t > 500, 0, a)", ""),
    ],
)
def test_what_is_asked_at_a_step(text, asked):
    assert "".join(Moment(text, T, STEP, S).asked(parse(text))) == asked


def test_what_is_not_taken_is_not_worked_out():
    torch.testing.assert_close(value("where(t > 0, a, a/(t - 640))"), A)
    torch.testing.assert_close(value("a/step", step=2), A / 2)
    with pytest.raises(FormulaError, match=r"divides by zero at 2, in step 0 \(t = 640\)"):
        value("a/step", step=0)


# What is refused, and where


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("b + q*(a-b)", 5, "has the unknown name q at 5; known are a, b, s, t, step, pi, x, y, mask"),
        ("a + c", 5, "names c at 5, which is not linked; known are a, b, s"),
        ("a + sum(b)", 5, "has the unknown function sum at 5; known are abs, blur, clamp"),
        ("a + blur*b", 5, "has the function blur at 5 without a \\("),
        ("a(b)", 2, "has \\( behind a at 2; write \\* to multiply"),
        ("2a", 2, "has a at 2, where an operator must stand"),
        ("a b", 3, "has b at 3, where an operator must stand"),
        ("a + ", 5, "ends at 5, where a value must follow"),
        ("a + *b", 5, "has \\* at 5, where a value must stand"),
        ("a + if", 5, "has if at 5, where a value must stand"),
        ("(a + b", 1, "has \\( at 1 without a \\)"),
        ("blur(a, 2", 5, "has \\( at 5 without a \\)"),
        ("a + b)", 6, "has \\) at 6 without a \\("),
        ("(a b)", 4, "has b at 4, where an operator or a \\) must stand"),
        ("()", 2, "has \\) at 2, where a value must stand"),
        ("a if t > 5", 3, "has if at 3 without an else"),
        ("a if b else a", 6, "has an estimate at 6, where where\\(\\) needs a condition such as t > 500"),
        ("where(t, a, b)", 7, "has a number at 7, where where\\(\\) needs a condition"),
        ("where(t = 5, a, b)", 9, "has the character '=' at 9, which means nothing here; to compare, write =="),
        ("a @ b", 3, "has the character '@' at 3"),
        ("a\u00a0+ b", 2, "has the character"),
        ("a \u2212 b", 3, "has the character .* at 3, which means nothing here; write -"),
        ("a.real", 2, "has the character '.' at 2"),
        ("a['x']", 2, "has the character '\\[' at 2"),
        ("'a'", 1, "has the character"),
        ("a*(t > 500)", 6, "has a condition at 6, where \\* needs a value; where\\(..., 1, 0\\) makes a number of it"),
        ("not a", 5, "has an estimate at 5, where not needs a condition"),
        ("a if 1 < t < 9 else b", 12, "compares twice at 12; join two comparisons with and"),
        ("blur(a)", 1, "calls blur at 1 with 1 value, it takes 2"),
        ("a + min(a, b, a)", 5, "calls min at 5 with 3 values, it takes 2"),
        ("blur(a, x)", 9, "has a pattern at 9, where blur\\(\\) needs a number"),
        ("blur(t, 2)*a", 6, "has a number at 6, where blur\\(\\) needs an estimate or a pattern"),
        ("mean(7)*a", 6, "has a number at 6, where mean\\(\\) needs"),
        ("7", 1, "gives a number, must give an estimate of the noise; use a or b"),
        ("t > 7", 3, "gives a condition"),
        ("x + mean(a)", 3, "gives a pattern"),
        ("1e999*a", 1, "has a number at 1 that is too large"),
        ("a*9^9^9^9", 6, "has no finite value for \\^ of 9, 3.8742e\\+08 at 6, in step 3"),
        ("a + 1/0", 6, "divides by zero at 6, in step 3 \\(t = 640\\)"),
        ("a/0", 2, "divides by zero at 2"),
        ("a + 3 % 0", 7, "divides by zero at 7"),
        ("a % 0", 3, "divides by zero at 3"),
        ("a*0^-1", 4, "has no finite value for \\^ of 0, -1 at 4"),
        ("a*(-8)^0.5", 7, "has no finite value for \\^ of -8, 0.5 at 7"),
        ("a*sqrt(-1)", 3, "has no finite value for sqrt of -1 at 3"),
        ("a*1e300*1e300 + 1e300*1e300", 22, "has no finite value for \\*"),
        ("a/x/0.0", 4, "divides by zero at 4"),
        ("a/(x - x)", 2, "has values that are not finite at 2"),
        ("b + sqrt(-1*mask)*a", 5, "has values that are not finite at 5, in step 3"),
        ("blur(a, -1)", 1, "blurs by -1 pixels, must be from 0 to 1000, at 1"),
        ("blur(a, 10^9)", 1, "blurs by 1e\\+09 pixels, must be from 0 to 1000"),
        ("blur(a, 20)", 1, "cannot blur \\(kernel is 161"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, column, message):
    with pytest.raises(FormulaError, match=f"^formula {message}") as caught:
        Scene(Moment(text, T, STEP, S), NAMES, A, gaussian_blur).result(parse(text, "ab"))
    _, shown, caret = str(caught.value).split("\n")
    assert shown == "    " + text.replace("\n", " ").replace("\u00a0", " ")[: len(shown) - 4]
    assert caret.index("^") - 4 == column - 1


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_text_has_no_place_to_point_at(text):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert str(caught.value) == "formula is empty; write one such as b + s*(a-b)"


@pytest.mark.parametrize(
    ("text", "step", "message"),
    [
        ("a/step*step", 0, "divides by zero at 2, in step 0"),
        ("b + (a - b)*(1/(step - 5))", 5, "divides by zero at 15, in step 5"),
        ("blur(a, 3 - step)", 5, "blurs by -2 pixels, must be from 0 to 1000, at 1, in step 5"),
        ("a*log(step)", 0, "has no finite value for log of 0 at 3, in step 0"),
        ("where(step > 0, a/step, a % step)", 0, "divides by zero at 27, in step 0"),
        ("a if 1/step > 0 else b", 0, "divides by zero at 7, in step 0"),
        ("mask*(a/step) + b", 0, "divides by zero at 8, in step 0"),
    ],
)
def test_what_numbers_spoil_is_known_before_anything_is_asked(text, step, message):
    with pytest.raises(FormulaError, match=f"^formula {message}"):
        Moment(text, T, step, S).settle(parse(text))
    for other in (1, 2):
        Moment(text, T, other, S).settle(parse(text))


def test_of_a_long_text_the_surroundings_are_shown():
    text = "a + " * 60 + "q" + " + a" * 60
    with pytest.raises(FormulaError) as caught:
        parse(text)
    _, shown, caret = str(caught.value).split("\n")
    assert shown[caret.index("^")] == "q" and len(shown) < 90 and shown.strip()[0] == "…" == shown[-1]


HOSTILE = {
    "(" * 10_000: f"is 10,000 characters long, must be at most {LONGEST:,}",
    "(" * (LONGEST - 1): f"has more than {DEEPEST} operations in one another",
    "-" * (LONGEST - 1) + "a": f"more than {DEEPEST} operations",
    "+" * (LONGEST - 1) + "a": f"more than {DEEPEST} operations",
    "a" + "+a" * 400: f"more than {DEEPEST} operations",
    "a" + "^2" * 400: f"more than {DEEPEST} operations",
    "abs(" * 150 + "a" + ")" * 150: f"more than {DEEPEST} operations",
    "a if t > 1 else " * 60 + "a": None,
    "not " * 200 + "a": f"more than {DEEPEST} operations",
    "a*" + "9^" * 90 + "9": "has no finite value",
    "a" * LONGEST: "unknown name",
    "9" * (LONGEST - 2) + "*a": "too large",
    "a if " * 150 + "a": "without an else",
    "where(" * 150: f"more than {DEEPEST} operations",
    "__import__(1)": "unknown function __import__",
    "a.__class__": "character '.'",
    "\0": "character",
    "\ud800": "character",
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_does_harm(text):
    began = time.perf_counter()
    if HOSTILE[text] is None:
        value(text)
    else:
        with pytest.raises(FormulaError) as caught:
            value(text)
        assert HOSTILE[text] in str(caught.value).split("\n")[0]
    assert time.perf_counter() - began < 2


def test_depth_is_bounded_exactly_and_far_from_the_recursion_limit():
    def nested(levels):
        return "(" * levels + "a" + ")" * levels

    torch.testing.assert_close(value(nested(DEEPEST - 1)), A)
    with pytest.raises(FormulaError, match="more than 100 operations"):
        parse(nested(DEEPEST))
    deep = "".join(f"abs({'mean(' * (i % 2)}a*" for i in range(33))
    torch.testing.assert_close(value("a" + "*1" * (DEEPEST - 1)), A)
    with pytest.raises(FormulaError, match="more than 100 operations"):
        parse("a" + "*1" * DEEPEST)
    with pytest.raises(FormulaError):
        parse(deep)
