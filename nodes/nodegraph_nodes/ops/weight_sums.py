"""What the weights of a formula sum to, found from its text where it is linear in its estimates: no tensor, no torch.

`formulas` tries every formula on tensors before it asks a network. Of most formulas that people write, sums of
estimates with weights, the same can be told without: a formula is followed here as far as it is such a sum.
"""

import math
from collections.abc import Iterator
from itertools import product
from random import Random

from nodegraph_nodes.ops.expressions import PLAIN, FormulaError, Kind, Moment, Node, nodes_of

PROBE_SIDE = 16
MOST_MOMENTS = 100
MOST_OPERATIONS = 60_000
"""How many operations are followed at most, by leaving out moments, so that a check takes no time."""

CLEARLY = 1e-4
"""How far from 1 a sum must be to be told here, well beyond what rounding does to a trial."""

Weights = dict[float, float]
"""How much of the estimates there is, by the sigma that it is blurred by."""


class Unfollowed(Exception):
    """The formula is no sum of estimates that could be followed."""


def moments(tree: Node, steps: int) -> list[tuple[int, int]]:
    """Timesteps and steps at which a formula may differ: spread out, and around the numbers that it compares with."""
    named = {node.name for node in nodes_of(tree)}
    numbers = {int(node.value) for node in nodes_of(tree) if node.op == "number" and node.value <= steps}
    near = {number + offset for number in numbers for offset in (-1, 0, 1) if number + offset >= 0}
    timesteps = {0, *range(0, steps, max(1, steps // 8)), steps - 1, *(t for t in near if t < steps)}
    places = {0, 1, 2, 5, 10, 20, 50, 100, *near}
    pairs = list(product(sorted(timesteps) if "t" in named else [0], sorted(places) if "step" in named else [0]))
    return pairs if len(pairs) <= MOST_MOMENTS else sorted(Random(0).sample(pairs, MOST_MOMENTS))


def check_sums(text: str, tree: Node, s: float, steps: int, any_sum: bool) -> None:
    """ValueError when equal estimates surely do not come back as they are, or the formula never has a value.

    Args:
        steps: timesteps of the schedule.
        any_sum: whether they need not come back.
    """
    names = {node.name for node in nodes_of(tree)}
    refused: FormulaError | None = None
    passed = False
    tried = moments(tree, steps)
    every = 1 + len(tried) * len(list(places(names))) * sum(1 for _ in nodes_of(tree)) // MOST_OPERATIONS
    for number, (t, step) in enumerate(tried):
        moment = Moment(text, t, step, s)
        try:
            moment.settle(tree)
        except FormulaError as error:
            refused = refused or error
            continue
        passed = True
        when = f" at t = {t}, step {step}" if {"t", "step"} & names else ""
        if not any_sum and number % every == 0:
            check_moment(tree, moment, names, when)
    if refused is not None and not passed:
        raise refused


def check_moment(tree: Node, moment: Moment, names: set[str], when: str) -> None:
    """ValueError when the weights do not sum to 1 at some place of the picture, the worst of which is named."""
    sums = []
    for x, y in places(names):
        try:
            weights = followed(tree, moment, {"x": x, "y": y})
        except (Unfollowed, ArithmeticError, ValueError):
            return
        if any(sigma and abs(weight) > CLEARLY for sigma, weight in weights.items()):
            if {"x", "y"} & names:
                return
            raise ValueError(changed(when))
        sums.append((sum(weights.values()), x, y))
    total, x, y = max(sums, key=lambda each: abs(each[0] - 1))
    if abs(total - 1) > CLEARLY * max(1.0, abs(total)):
        varies = max(each[0] for each in sums) - min(each[0] for each in sums) > CLEARLY
        raise ValueError(summed(total, f" at x = {x:.2g}, y = {y:.2g}" if varies else "", when))


def places(names: set[str]) -> Iterator[tuple[float, float]]:
    """Some places of a picture, its corners among them, row by row."""
    across, down = ([0, 5, 10, 15] if name in names else [0] for name in "xy")
    for row, column in product(down, across):
        yield -1 + 2 * column / (PROBE_SIDE - 1), -1 + 2 * row / (PROBE_SIDE - 1)


def followed(node: Node, moment: Moment, place: dict[str, float]) -> Weights:
    """What an estimate is made of at a place; Unfollowed when it is no sum of estimates."""
    if node.op == "name":
        return {0.0: 1.0}
    if node.op == "where":
        condition = node.operands[0]
        if condition.kind is Kind.TRUTH:
            chosen = moment.taken(node)
        else:
            chosen = node.operands[1] if pattern(condition, moment, place) else node.operands[2]
        return followed(of_estimate(chosen), moment, place)
    if node.op == "negate":
        return times(followed(node.operands[0], moment, place), -1.0)
    if node.op in ("+", "-"):
        first, second = (followed(of_estimate(operand), moment, place) for operand in node.operands)
        return added(first, times(second, 1.0 if node.op == "+" else -1.0))
    if node.op in ("*", "/"):
        first, second = node.operands
        if node.op == "*" and first.kind is not Kind.ESTIMATE:
            first, second = second, first
        share = pattern(second, moment, place)
        return times(followed(first, moment, place), share if node.op == "*" else 1 / share)
    if node.op == "blur":
        picture = followed(of_estimate(node.operands[0]), moment, place)
        if set(picture) != {0.0} or any(each.name in ("x", "y") for each in nodes_of(node.operands[0])):
            raise Unfollowed
        return {float(moment.number(node.operands[1])): picture[0.0]}
    raise Unfollowed


def of_estimate(node: Node) -> Node:
    """The node; Unfollowed when no estimate is in it."""
    if node.kind is not Kind.ESTIMATE:
        raise Unfollowed
    return node


def pattern(node: Node, moment: Moment, place: dict[str, float]) -> float:
    """The value of a number or a pattern at a place; Unfollowed when it depends on a mask, or on the whole picture."""
    if node.kind.known:
        return float(moment.number(node))
    if node.op == "name" and node.name in place:
        return place[node.name]
    if node.kind is Kind.ESTIMATE or node.op not in PLAIN:
        raise Unfollowed
    value = float(PLAIN[node.op](*(pattern(operand, moment, place) for operand in node.operands)))
    if not math.isfinite(value):
        raise Unfollowed
    return value


def times(weights: Weights, share: float) -> Weights:
    return {sigma: weight * share for sigma, weight in weights.items()}


def added(first: Weights, second: Weights) -> Weights:
    return {sigma: first.get(sigma, 0.0) + second.get(sigma, 0.0) for sigma in (*first, *second)}


def changed(when: str) -> str:
    return (
        f"formula changes equal estimates{when}, must give them back as they are; what one estimate loses, another "
        "has to give, as in blur(a, 2) + b - blur(b, 2); or allow it with any_sum"
    )


def summed(total: float, where: str, when: str) -> str:
    return (
        f"formula has weights that sum to {round(total, 6) + 0.0:.6g}{where}{when}, must sum to 1, or the noise is "
        "rescaled; mend them, or allow it with any_sum"
    )
