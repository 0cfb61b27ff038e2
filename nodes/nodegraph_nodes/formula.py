"""The formula node: a denoiser from a text."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import TIMESTEPS, composed
from nodegraph_nodes.ops.demands import Blurred
from nodegraph_nodes.ops.expressions import ESTIMATES, LONGEST, FormulaError, Kind, Node, nodes_of
from nodegraph_nodes.ops.parsing import parse
from nodegraph_nodes.ops.weight_sums import check_sums
from nodegraph_nodes.types import Denoiser, Mask


def readable(text: str) -> str:
    """The text, if it is a formula; else a ValueError that says why not, so that it is told before a run."""
    try:
        parse(text)
    except FormulaError as error:
        raise ValueError(str(error).removeprefix("formula ")) from None
    return text


Text = Annotated[
    str,
    AfterValidator(readable),
    Field(
        max_length=LONGEST,
        description="Of estimates a to h, numbers s, t, step, pi, patterns x, y, mask; with + - * / % ^, comparisons, "
        "and, or, not, `a if t > 500 else b`, where, blur, mean, std, norm, abs, sqrt, exp, log, sin, cos, min, max, "
        "clamp.",
    ),
]
First = Annotated[Denoiser, Field(description="What the formula calls a; in guidance, the conditional estimate.")]
Further = Annotated[Denoiser | None, Field(description="What the formula calls by this letter.")]
Strength = Annotated[float, Field(ge=-1000, le=1000, description="The number s of the formula, to play with.")]
Pattern = Annotated[Mask | None, Field(description="What the formula calls mask: 1 where white, 0 where black.")]
AnySum = Annotated[
    bool, Field(description="Allow weights that do not sum to 1, which make the noise stronger or weaker.")
]


def foresee_formula(known: Foresight) -> None:
    """Which letters the text names, of those that are linked, and which are asked whatever a condition says."""
    linked, masked = [letter for letter in ESTIMATES if known.links(letter)], known.links("mask") > 0
    if not known.knows("formula"):
        return
    with known.refusals():
        tree = parse(known.value("formula"), "".join(linked), masked)
        names, always = {node.name for node in nodes_of(tree)}, always_asked(tree)
        parts = {letter: known.of(letter) for letter in linked if letter in names}
        asked = [facts for letter, facts in parts.items() if letter in always]
        mask = known.of("mask") if "mask" in names else None
        demands = [Blurred(sigma) for sigma in always_blurred(tree)]
        facts = composed(known, list(parts.values()), asked, mask, demands)
        known.gives("denoiser", facts)
        if "schedule" in facts and known.knows("s", "any_sum"):
            check_sums(known.value("formula"), tree, known.value("s"), TIMESTEPS, known.value("any_sum"))


def always_asked(root: Node) -> set[str]:
    """The names that stand behind no condition on numbers, which decides who is asked."""
    return {node.name for node in unconditional(root) if node.op == "name"}


def always_blurred(root: Node) -> list[float]:
    """The sigmas, as they are typed, of blurs that stand behind no condition on numbers."""
    blurs = [node.operands[1] for node in unconditional(root) if node.op == "blur"]
    return [sigma.value for sigma in blurs if sigma.op == "number"]


def unconditional(root: Node) -> Iterator[Node]:
    """The nodes that are needed at every step, whatever a condition on numbers says."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node.op != "where" or node.operands[0].kind is not Kind.TRUTH:
            waiting += node.operands


@node("Formula", category="Guidance", outputs="denoiser", foresee=foresee_formula)
def formula(
    a: First,
    formula: Text = "b + s*(a-b)",
    b: Further = None,
    c: Further = None,
    d: Further = None,
    e: Further = None,
    f: Further = None,
    g: Further = None,
    h: Further = None,
    s: Strength = 7.0,
    mask: Pattern = None,
    any_sum: AnySum = False,
) -> Denoiser:
    """Combine noise estimates by a formula of your own, such as b + s*(a-b), which is guidance.

    It works on the noise: a to h are what the linked denoisers estimate. t is the timestep, step counts from 0, x and y
    run from -1 (left, top) to 1, pi is a number. A condition on t or step decides who is asked: `a if t > 500 else b`
    asks one of them at each step. A weight of 0 skips nobody. blur(a, 2) blurs by a sigma of 2 pixels; mean, std and
    norm are of each picture; p ^ q is a power, p % q the rest of a division.

    Equal estimates must come back as they are, which is to say that weights sum to 1, as far as trying tells; any_sum
    allows others. The learned variance is that of a or, where it is not asked, of the first that is.

    By turns: `a if step % 2 == 0 else b`, an anagram where b is a MultiView of one part. Hybrid:
    `blur(a, 2) + b - blur(b, 2)`. Regions: `mask*a + (1-mask)*b`. Guidance that fades to the right:
    `b + s*(1-x)/2*(a-b)`.
    """
    from nodegraph_nodes.ops.formulas import Formula

    linked = {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g, "h": h}
    given = {name: denoiser for name, denoiser in linked.items() if denoiser is not None}
    return Formula(formula, given, s, None if mask is None else mask.values, any_sum)
