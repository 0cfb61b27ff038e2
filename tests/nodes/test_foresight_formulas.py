"""What is foreseen of the weights of formulas: what a trial on tensors refuses, told by check without one."""

import re
from random import Random

import pytest
from foretold import combined, told

from nodegraph import RunFailed, Session

LINKS = ("a.denoiser -> mix.a", "b.denoiser -> mix.b")


def refused(graph, blind) -> str:
    """What a run that foresees nothing says of the formula, else nothing."""
    with Session(blind) as session:
        try:
            session.run(graph, keep="targets")
        except RunFailed as error:
            return error.result.failed.get("mix", "")
    return ""


def placeless(text: str) -> str:
    return re.sub(r" at x = \S+, y = [-.\d]+", " somewhere", text.partition("formula ")[2])


@pytest.mark.parametrize(
    "formula",
    [
        "a+b", "s*a", "a/0", "a - b", "a/2 + b", "blur(a, -1)", "blur(a, 2)", "blur(a, 1) + b", "x*a", "a + x*b",
        "a + y*x*b", "(a + b)/(s + 1)", "a if t > 500 else 2*b", "a*t/500", "a*step", "-a", "a/(t - t)",
        "where(x > 0, a, 3*a)", "a*min(x, 0.5)", "blur(a, 1) + blur(b, 0.5)",
    ],
)  # fmt: skip
def test_weights_that_do_not_sum_to_1_are_told(registry, blind, formula):
    graph = combined("Formula", *LINKS, formula=formula, noise={"size": 32})
    (problem,) = told(graph, registry)
    assert problem.startswith("mix (Formula): formula ")
    assert placeless(problem) == placeless(refused(graph, blind))  # of places that are as bad, either may be named
    if "/0" not in formula and "- t" not in formula and "-1" not in formula:
        assert told(graph.set("mix", any_sum=True), registry) == []


@pytest.mark.parametrize(
    "formula",
    [
        "b + s*(a-b)", "a", "(a + b)/2", "blur(a, 2) + b - blur(b, 2)", "a if step % 2 == 0 else b", "a/t*t + 0*b",
        "b + s*(1-x)/2*(a-b)", "a + 100*x*(a-b)", "where(x > y, a, b)", "mean(a) + b - mean(a)", "abs(a)/abs(a)*b",
        "blur(x*a, 1) + blur((1-x)*a, 1) + b - blur(b, 1)", "b + 1000*(a-b)", "a + norm(a-b)*(a-b)",
        "a*norm(a)/norm(b)",
    ],
)  # fmt: skip
def test_weights_that_sum_to_1_are_not(registry, blind, formula):
    graph = combined("Formula", *LINKS, formula=formula, noise={"size": 32})
    assert told(graph, registry) == [] or refused(graph, blind)


def test_of_a_mask_that_is_not_known_nothing_is_told(registry):
    links = (*LINKS, "m.mask -> mix.mask")
    graph = combined("Formula", *links, formula="mask*a + mask*b", more={"m": ("RectangleMask", {"size": 8})})
    assert told(graph, registry) == []


def made(random: Random, depth: int, estimate: bool = True) -> str:
    """A formula at random."""
    if depth == 0:
        return random.choice("aab" if estimate else ["x", "y", "s", "t/1000", "0.5", "2", "1"])
    inner = made(random, depth - 1, estimate)
    match random.randrange(6):
        case 0:
            return f"({made(random, depth - 1, False)})*({inner}) + (1 - ({made(random, depth - 1, False)}))*({inner})"
        case 1:
            return f"({inner} + {made(random, depth - 1, estimate)})/2"
        case 2:
            return f"({inner}) + s*(a - b)" if estimate else f"{inner} + s"
        case 3:
            return f"(({inner}) if t > 500 else {made(random, depth - 1, estimate)})"
        case 4:
            return f"blur({inner}, 1) + b - blur(b, 1)" if estimate else f"abs({inner})"
        case _:
            return f"({inner})*{made(random, 0, False)}" if random.random() < 0.4 else f"({inner})"


def test_nothing_is_told_of_a_formula_that_would_run(registry, blind):
    random, wrong = Random(3), 0
    for _ in range(150):
        graph = combined("Formula", *LINKS, formula=made(random, random.choice([1, 2])), noise={"size": 16})
        problems = told(graph, registry)
        if problems:
            wrong += 1
            assert refused(graph, blind), problems
    assert wrong > 20
