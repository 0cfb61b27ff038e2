"""The language of formulas: text such as `b + s*(a-b)`, read by a small parser into a tree that only this project runs.

    a to h                  estimates of the noise
    s, t, step, pi          numbers
    x, y, mask              patterns over the picture
    + - * / % ^ (or **)     arithmetic; `-a^2` is `-(a^2)`
    < <= > >= == !=         conditions, which `and`, `or` and `not` join
    p if t > 500 else q     one or the other, also written where(t > 500, p, q)
    blur(a, 2), ...         the functions of OPERATIONS

What a text means is settled when it is read: every operation is of a kind, and numbers never depend on an estimate, so
a condition on numbers can be decided before anything is asked. Importing this imports no torch.
"""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["ESTIMATES", "LONGEST", "FormulaError", "Kind", "Moment", "Node", "nodes_of", "parse"]

ESTIMATES = "abcdefgh"
LONGEST = 1000  # characters of a text
DEEPEST = 100  # operations in one another, so that the recursion here ends long before Python's
SPACE = re.compile(r"\s*", re.ASCII)
TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>\*\*|[<>=!]=|[-+*/%^<>(),])",
    re.ASCII,
)
SLIPS: Mapping[str, str] = MappingProxyType(
    {"=": "to compare, write ==", "!": "write not", "&": "write and", "|": "write or", "×": "write *", "−": "write -"}
)


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
    """What is wrong with a formula, with the column and, below, a caret under the place."""

    def __init__(self, said: str, text: str, at: int) -> None:
        super().__init__(f"formula {said}\n{pointed(text, at)}")


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
IF, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER = range(1, 10)
BINDING: Mapping[str, int] = MappingProxyType(
    {
        "if": IF, "or": OR, "and": AND, **dict.fromkeys(COMPARISONS, COMPARE), "+": SUM, "-": SUM,
        "*": PRODUCT, "/": PRODUCT, "%": PRODUCT, "^": POWER,
    }
)  # fmt: skip
KEYWORDS = ("if", "else", "and", "or", "not")
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


# Reading


class Token(NamedTuple):
    kind: str  # "number", "name", "mark" or "end"
    text: str
    at: int


def parse(text: str, estimates: str = ESTIMATES, mask: bool = True) -> Node:
    """The tree of a text; FormulaError says what is wrong with it and where.

    Args:
        estimates: the names of those that there are.
        mask: whether there is one.
    """
    if not text.strip():
        raise FormulaError("is empty; write one such as b + s*(a-b)", text[:1], 0)
    if len(text) > LONGEST:
        raise FormulaError(f"is {len(text):,} characters long, must be at most {LONGEST:,}", text, LONGEST)
    absent = {name for name in ESTIMATES if name not in estimates} | (set() if mask else {"mask"})
    return Parser(text, [name for name in LEAVES if name not in absent]).whole()


class Parser:
    """Reads one text by the strength with which operators bind (Pratt 1973, Top down operator precedence)."""

    def __init__(self, text: str, known: list[str]) -> None:
        self.text = text
        self.known = known
        self.tokens = list(self.read_tokens())[::-1]
        self.depth = 0

    def refuse(self, said: str, at: int) -> FormulaError:
        return FormulaError(said, self.text, at)

    def read_tokens(self) -> Iterator[Token]:
        at = 0
        while (at := SPACE.match(self.text, at).end()) < len(self.text):  # type: ignore[union-attr]
            found = TOKEN.match(self.text, at)
            if found is None:
                odd = self.text[at]
                remedy = f"; {SLIPS[odd]}" if odd in SLIPS else ""
                raise self.refuse(f"has the character {odd!r} at {at + 1}, which means nothing here{remedy}", at)
            yield Token(str(found.lastgroup), "^" if found[0] == "**" else found[0], at)
            at = found.end()
        yield Token("end", "", at)

    @property
    def token(self) -> Token:
        return self.tokens[-1]

    def whole(self) -> Node:
        root = self.expression()
        token = self.token
        if token.text == ")":
            raise self.refuse(f"has ) at {token.at + 1} without a (", token.at)
        if token.kind != "end":
            raise self.refuse(f"has {token.text} at {token.at + 1}, where an operator must stand", token.at)
        if root.kind is not Kind.ESTIMATE:
            some = [name for name in self.known if name in ESTIMATES]
            raise self.refuse(
                f"gives {root.kind.words}, must give an estimate of the noise; use {' or '.join(some) or 'one'}",
                root.at,
            )
        return root

    def expression(self, strength: int = 0) -> Node:
        """What holds together by operators that bind more tightly than `strength`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.too_deep(self.token.at)
        left = self.operand()
        while BINDING.get(self.token.text, 0) > strength:
            left = self.infix(self.tokens.pop(), left)
        self.depth -= 1
        return left

    def infix(self, token: Token, left: Node) -> Node:
        if token.text == "if":
            condition = self.expression(IF)
            if self.token.text != "else":
                raise self.refuse(f"has if at {token.at + 1} without an else", token.at)
            self.tokens.pop()
            return self.operation("where", token.at, condition, left, self.expression(IF - 1))
        if token.text == "^":
            return self.operation("^", token.at, left, self.expression(POWER - 1))  # a^b^c is a^(b^c)
        right = self.expression(BINDING[token.text])
        if token.text in COMPARISONS and self.token.text in COMPARISONS:
            raise self.refuse(f"compares twice at {self.token.at + 1}; join two comparisons with and", self.token.at)
        return self.operation(token.text, token.at, left, right)

    def operand(self) -> Node:
        token = self.tokens.pop()
        word, at = token.text, token.at
        if token.kind == "number":
            if not math.isfinite(float(word)):
                raise self.refuse(f"has a number at {at + 1} that is too large", at)
            return Node("number", at, Kind.NUMBER, value=float(word))
        if word == "-":
            return self.operation("negate", at, self.expression(SIGN))
        if word == "+":
            return self.expression(SIGN)
        if word == "not":
            return self.operation("not", at, self.expression(NOT))
        if word == "(":
            inside = self.expression()
            self.close(token)
            return inside
        if token.kind == "name" and word not in KEYWORDS:
            return self.call(token) if word in FUNCTIONS or self.token.text == "(" else self.leaf(token)
        if token.kind == "end":
            raise self.refuse(f"ends at {at + 1}, where a value must follow", at)
        raise self.refuse(f"has {word} at {at + 1}, where a value must stand", at)

    def leaf(self, token: Token) -> Node:
        word, at = token.text, token.at
        if word in self.known:
            return Node("name", at, LEAVES[word], name=word)
        known = f"known are {', '.join(self.known)}"
        if word in LEAVES:
            raise self.refuse(f"names {word} at {at + 1}, which is not linked; {known}", at)
        raise self.refuse(f"has the unknown name {word} at {at + 1}; {known}", at)

    def call(self, token: Token) -> Node:
        name, at = token.text, token.at
        if name not in FUNCTIONS:
            if name in LEAVES:
                raise self.refuse(f"has ( behind {name} at {self.token.at + 1}; write * to multiply", self.token.at)
            known = ", ".join(sorted(FUNCTIONS))
            raise self.refuse(f"has the unknown function {name} at {at + 1}; known are {known}", at)
        opening = self.tokens.pop()
        if opening.text != "(":
            raise self.refuse(f"has the function {name} at {at + 1} without a (", at)
        given = [self.expression()]
        while self.token.text == ",":
            self.tokens.pop()
            given.append(self.expression())
        self.close(opening)
        wanted = len(FUNCTIONS[name].takes)
        if len(given) != wanted:
            raise self.refuse(
                f"calls {name} at {at + 1} with {len(given)} value{'s' * (len(given) > 1)}, it takes {wanted}", at
            )
        return self.operation(name, at, *given)

    def close(self, opening: Token) -> None:
        token = self.tokens.pop()
        if token.kind == "end":
            raise self.refuse(f"has ( at {opening.at + 1} without a )", opening.at)
        if token.text != ")":
            raise self.refuse(f"has {token.text} at {token.at + 1}, where an operator or a ) must stand", token.at)

    def operation(self, op: str, at: int, *operands: Node) -> Node:
        """An operation on operands of the kinds that it takes."""
        takes, gives = OPERATIONS[op]
        for operand, role in zip(operands, takes, strict=True):
            kinds, words = ROLES[role]
            if operand.kind not in kinds:
                called = f"{op}()" if op in FUNCTIONS else "-" if op == "negate" else op
                remedy = "; where(..., 1, 0) makes a number of it" if operand.kind in ROLES["condition"][0] else ""
                raise self.refuse(
                    f"has {operand.kind.words} at {operand.at + 1}, where {called} needs {words}{remedy}", operand.at
                )
        depth = 1 + max(operand.depth for operand in operands)
        if depth > DEEPEST:
            raise self.too_deep(at)
        kinds_met = [operand.kind for operand in operands]
        if gives == "field":
            kind = Kind.FIELD
        elif gives == "condition":
            kind = Kind.TRUTH if all(kind.known for kind in kinds_met) else Kind.PATTERN
        else:
            kind = max(
                Kind.FIELD if kind is Kind.PATTERN else Kind.NUMBER if kind is Kind.TRUTH else kind
                for kind in kinds_met
            )
        return Node(op, at, kind, operands, depth=depth)

    def too_deep(self, at: int) -> FormulaError:
        return self.refuse(f"has more than {DEEPEST} operations in one another at {at + 1}; make it simpler", at)


# Numbers


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
