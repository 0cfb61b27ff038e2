"""The words of messages: one thing or several, and choices that cannot be misread."""

import ast
import re
from pathlib import Path

import nodegraph_nodes
from nodegraph_nodes.ops.words import count, listed

NEVER_ONE = (" characters long", " pictures cannot be one", " rows, must be 1 or")
PACKAGE = Path(nodegraph_nodes.__file__).parent


def test_one_is_singular():
    assert ", ".join(count(number, "weight") for number in (0, 1, 1234)) == "0 weights, 1 weight, 1,234 weights"
    assert [count(number, "batch") for number in (1, 2)] == ["1 batch", "2 batches"]
    assert count(2, "epoch") == "2 epochs"


def test_choices_are_quoted_where_one_could_be_taken_for_several():
    assert listed(["ddpm", "ddim"]) == "ddpm, ddim"
    assert listed(["none", "IF pipeline"]) == "'none', 'IF pipeline'"
    assert listed(["low, high", "all"]) == "'low, high', 'all'"


def test_no_message_puts_a_length_before_a_plural():
    """`{len(parts)} parts` says "1 parts"; `count` does not. Where there is never one, the number stands elsewhere."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(text, ast.JoinedStr):
                for before, after in zip(text.values, text.values[1:], strict=False):
                    length = isinstance(before, ast.FormattedValue) and ast.unparse(before.value).startswith("len(")
                    words = str(after.value) if isinstance(after, ast.Constant) else ""
                    if length and re.match(r" [a-z]+s\b", words) and not words.startswith(NEVER_ONE):
                        found.append(f"{path.name}: {ast.unparse(text)}")
    assert found == []
