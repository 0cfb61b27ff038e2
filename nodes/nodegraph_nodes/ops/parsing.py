"""The parser of formulas: a text becomes a tree of nodes, or an error that says what is wrong with it and where.

It is written by hand, so that nothing in a text can ever be run. Importing this imports no torch.
"""

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from nodegraph_nodes.ops.expressions import (
    COMPARISONS,
    DEEPEST,
    ESTIMATES,
    FUNCTIONS,
    LEAVES,
    LONGEST,
    OPERATIONS,
    ROLES,
    FormulaError,
    Kind,
    Node,
)

__all__ = ["parse"]

SPACE = re.compile(r"\s*", re.ASCII)
TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>\*\*|[<>=!]=|[-+*/%^<>(),])",
    re.ASCII,
)
SLIPS: Mapping[str, str] = MappingProxyType(
    {"=": "to compare, write ==", "!": "write not", "&": "write and", "|": "write or", "×": "write *", "−": "write -"}
)
IF, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER = range(1, 10)
BINDING: Mapping[str, int] = MappingProxyType(
    {
        "if": IF, "or": OR, "and": AND, **dict.fromkeys(COMPARISONS, COMPARE), "+": SUM, "-": SUM,
        "*": PRODUCT, "/": PRODUCT, "%": PRODUCT, "^": POWER,
    }
)  # fmt: skip
KEYWORDS = ("if", "else", "and", "or", "not")


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
        raise FormulaError("is empty; write one such as b + s*(a-b)", "", 0)
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
