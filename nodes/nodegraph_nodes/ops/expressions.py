"""The language of formulas such as `b + s*(a-b)`: what there is to write, and what its numbers are at a step.

    a to h                  estimates of the noise
    s, t, step, pi          numbers
    x, y, mask              patterns over the picture
    + - * / % ^ (or **)     arithmetic; `-a^2` is `-(a^2)`
    < <= > >= == !=         conditions, which `and`, `or` and `not` join
    p if t > 500 else q     one or the other, also written where(t > 500, p, q)
    blur(a, 2), ...         the functions of OPERATIONS

`parsing` reads a text into a tree of nodes, `formulas` evaluates it. Every node is of a kind that is known once it is
read, and numbers never depend on an estimate, so that a condition on numbers is decided before anything is asked.
Importing this imports no torch.
"""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = [
    "COMPARISONS",
    "DEEPEST",
    "ESTIMATES",
    "FUNCTIONS",
    "LEAVES",
    "LONGEST",
    "OPERATIONS",
    "ROLES",
    "WIDEST",
    "FormulaError",
    "Kind",
    "Moment",
    "Node",
    "nodes_of",
]

ESTIMATES = "abcdefgh"
LONGEST = 1000  # characters of a text
WIDEST = 1000.0  # pixels of a blur's sigma
DEEPEST = 100  # operations in one another, so that recursion ends long before Python's


class Kind(IntEnum):
    """What an operation gives; of several values the largest tells what comes of them."""

    NUMBER = 0
    FIELD = 1  # varies over the picture, or from picture to picture
    ESTIMATE = 2
    TRUTH = 3  # a condition on numbers
    PATTERN = 4  # a condition on each pixel

    @property
    def known(self) -> bool:
        """Whether it is known before anything is asked."""
        return self in (Kind.NUMBER, Kind.TRUTH)

    @property
    def words(self) -> str:
        return ("a number", "a pattern", "an estimate", "a condition", "a condition")[self]


class FormulaError(ValueError):
    """What is wrong with a formula, with the column and, below, a caret under the place; an empty one has none."""

    def __init__(self, said: str, text: str, at: int) -> None:
        super().__init__(f"formula {said}\n{pointed(text, at)}" if text.strip() else f"formula {said}")


def pointed(text: str, at: int) -> str:
    """The text around a column, and below it a caret."""
    flat = re.sub(r"[^\x20-\x7e]", lambda found: found.group() if found.group().isprintable() else " ", text)
    first = max(0, at - 40)
    shown = ("…" if first else "") + flat[first : at + 36] + ("…" if at + 36 < len(flat) else "")
    return f"    {shown}\n    {' ' * (at - first + bool(first))}^"


class Operation(NamedTuple):
    """What an operator or a function takes and gives, in the words of ROLES; "like" is the largest of its values."""

    takes: tuple[str, ...]
    gives: str = "like"


ROLES: Mapping[str, tuple[frozenset[Kind], str]] = MappingProxyType(
    {
        "value": (frozenset({Kind.NUMBER, Kind.FIELD, Kind.ESTIMATE}), "a value"),
        "number": (frozenset({Kind.NUMBER}), "a number"),
        "picture": (frozenset({Kind.FIELD, Kind.ESTIMATE}), "an estimate or a pattern"),
        "condition": (frozenset({Kind.TRUTH, Kind.PATTERN}), "a condition such as t > 500"),
    }
)
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
FUNCTIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **dict.fromkeys(("abs", "sqrt", "exp", "log", "sin", "cos"), Operation(("value",))),
        **dict.fromkeys(("min", "max"), Operation(("value", "value"))),
        **dict.fromkeys(("mean", "std", "norm"), Operation(("picture",), "field")),
        "clamp": Operation(("value", "value", "value")),
        "blur": Operation(("picture", "number")),
        "where": Operation(("condition", "value", "value")),
    }
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        **FUNCTIONS,
        **dict.fromkeys(("+", "-", "*", "/", "%", "^"), Operation(("value", "value"))),
        **dict.fromkeys(COMPARISONS, Operation(("value", "value"), "condition")),
        **dict.fromkeys(("and", "or"), Operation(("condition", "condition"), "condition")),
        "not": Operation(("condition",), "condition"),
        "negate": Operation(("value",)),
    }
)
LEAVES: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(ESTIMATES, Kind.ESTIMATE),
        **dict.fromkeys(("s", "t", "step", "pi"), Kind.NUMBER),
        **dict.fromkeys(("x", "y", "mask"), Kind.FIELD),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operation of a formula, or a leaf of it.

    Attributes:
        op: "number", "name", or a key of OPERATIONS.
        at: its column in the text, from 0.
        value: of a number.
        name: of a name.
        depth: how many operations are in one another, itself among them.
    """

    op: str
    at: int
    kind: Kind
    operands: tuple["Node", ...] = ()
    value: float = 0.0
    name: str = ""
    depth: int = 1

    def __deepcopy__(self, memo: object) -> "Node":
        return self


def nodes_of(root: Node) -> Iterator[Node]:
    """The node and all below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += node.operands
        yield node


PLAIN: Mapping[str, Any] = MappingProxyType(
    {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
        "^": math.pow, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
        "!=": operator.ne, "not": operator.not_, "negate": operator.neg, "abs": abs, "sqrt": math.sqrt,
        "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos, "min": min, "max": max,
        "clamp": lambda value, low, high: min(max(value, low), high),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """When a formula is evaluated: what decides its numbers, and with them which estimates it asks for.

    Attributes:
        text: of the formula, for messages.
        step: how many estimates the sampler asked for before.
    """

    text: str
    t: int
    step: int
    s: float

    def refuse(self, node: Node, said: str) -> FormulaError:
        return FormulaError(f"{said} at {node.at + 1}, in step {self.step} (t = {self.t})", self.text, node.at)

    def number(self, node: Node) -> Any:
        """The value of a number or of a condition on numbers, which is finite."""
        match node.op:
            case "number":
                return node.value
            case "name":
                return {"s": self.s, "t": float(self.t), "step": float(self.step), "pi": math.pi}[node.name]
            case "where":
                return self.number(self.taken(node))
            case "and":
                return all(self.number(operand) for operand in node.operands)
            case "or":
                return any(self.number(operand) for operand in node.operands)
        values = [self.number(operand) for operand in node.operands]
        try:
            result = PLAIN[node.op](*values)
        except ZeroDivisionError:
            raise self.refuse(node, "divides by zero") from None
        except (ValueError, OverflowError):
            result = math.nan
        if not math.isfinite(result):
            shown = ", ".join(f"{value:g}" for value in values)
            raise self.refuse(node, f"has no finite value for {node.op} of {shown}")
        return result

    def check(self, node: Node, value: float) -> None:
        """FormulaError when a number cannot be the second operand of a node, whatever the first one is."""
        if node.op in ("/", "%") and value == 0:
            raise self.refuse(node, "divides by zero")
        if node.op == "blur" and not 0 <= value <= WIDEST:
            raise self.refuse(node, f"blurs by {value:g} pixels, must be from 0 to {WIDEST:g},")

    def settle(self, root: Node) -> None:
        """Work out all the numbers that the value needs now; FormulaError where one of them has none or does not fit.

        That much is known before anything is asked.
        """
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.kind.known:
                self.number(node)
            elif node.op == "where" and node.operands[0].kind is Kind.TRUTH:
                waiting.append(self.taken(node))
            else:
                if len(node.operands) == 2 and node.operands[1].kind is Kind.NUMBER:
                    self.check(node, self.number(node.operands[1]))
                waiting += reversed(node.operands)

    def taken(self, where: Node) -> Node:
        """The side of a `where` that its condition on numbers chooses."""
        condition, first, second = where.operands
        return first if self.number(condition) else second

    def asked(self, root: Node) -> list[str]:
        """The names of the estimates that the value depends on now, in order; the side not taken asks for nothing."""
        found: set[str] = set()
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.op == "name" and node.kind is Kind.ESTIMATE:
                found.add(node.name)
            elif node.op == "where" and node.operands[0].kind is Kind.TRUTH:
                waiting.append(self.taken(node))
            else:
                waiting += node.operands
        return sorted(found)
