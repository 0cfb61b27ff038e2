"""Ten thousand broken graph files, in one process: each is a graph or gets an error of our own, in under a second."""

import json
import random
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nodegraph.checks import check
from nodegraph.errors import NodegraphError
from nodegraph.files import dumps, loads
from nodegraph.registry import Registry

TEXT = """{
  "nodegraph": 1,
  "nodes": {
    "one": {"type": "MakeBox", "inputs": {"content": 3.5, "storage": "③"}},
    "stack": {"type": "StackBoxes", "title": "a stack"},
    "open": {"type": "OpenBox"},
    "times": {"type": "Multiply", "inputs": {"scale": 3, "value": 1e-3}, "mode": "bypass"},
    "sum": {"type": "Sum", "inputs": {"numbers": [1, 2.5]}},
    "divide": {"type": "Divide", "inputs": {"value": 7, "by": 2}, "version": 1},
    "choose": {"type": "Choose", "inputs": {"method": "ddim", "twice": true}},
    "read": {"type": "ReadFile", "inputs": {"path": "pictures/cat.png"}},
    "join": {"type": "Join", "inputs": {"texts": ["a", "b"], "by": null}},
    "other": {"type": "Swirl", "plugin": "nodegraph-swirl", "version": 2}
  },
  "links": [
    "one.box -> stack.boxes[0]",
    "one.box -> stack.boxes[1]",
    "stack.box -> open.box",
    "open.content -> times.value",
    "times.value -> other.angle"
  ],
  "canvas": {"positions": {"one": [0, 0]}},
  "made_with": {"nodegraph": "0.1.0"}
}
"""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, -1e-320, 2**63, 10**400, "", "a", "mute", "\0", "\ud800", "é" * 300,
    "../../etc", "/dev/zero", "a.png@sha256:" + "0" * 64, "group:x", "one.box -> open.box",
    "open.content -> one.content", "ReadFile", [], {}, [[]], [None], ["a"] * 50, {"a": {}}, {"type": "MakeBox"},
    {"type": "Number", "inputs": {"value": 1}},
)  # fmt: skip
WHOLE = tuple(value for value in ODD if value != "\ud800")
TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"NaN", b"-Infinity", b"1e999", b"-", b"0x1",
    b"null", b"true", b"\0", b"\xff", b"\xef\xbb\xbf", b"9" * 400, b"[" * 70, b'{"a":' * 70, b'"nodes"',
    b'"nodegraph": 7', b" -> ", b"groups", b"//", b"\n", b"\xe2\x80\xa8", b"'", b'"links": []', b'"nodegraph": 0',
)  # fmt: skip


def broken_bytes(chance: random.Random) -> bytes:
    """Cut, doubled, swapped, and with odd pieces in it."""
    data = bytearray(TEXT.encode())
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 3, 30, 300)))
        kind = chance.randrange(5)
        if kind == 0:
            del data[at:end]
        elif kind == 1:
            data[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            data[at:end] = chance.choice(TOKENS)
        elif kind == 3:
            data[at:at] = data[chance.randrange(len(data) + 1) :][:50]
        else:
            data[at:end] = chance.randbytes(end - at)
    return bytes(data)


def broken_structure(chance: random.Random) -> str:
    """JSON, with values, keys and types changed somewhere."""
    document = json.loads(TEXT)
    for _ in range(chance.choice((1, 1, 2, 5))):
        holder, key = chance.choice(places(document))
        if isinstance(holder, dict) and chance.random() < 0.4:
            new = chance.choice(
                ("", "typ", "input", "node s", "\ud800", "a" * 70, "groups", "value", "one", "boxes[0]")
            )
            holder[new] = holder.pop(key) if chance.random() < 0.5 else odd(chance)
        elif chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = odd(chance)
    return json.dumps(document, ensure_ascii=chance.random() < 0.9)


def odd(chance: random.Random) -> Any:
    return deepcopy(chance.choice(ODD))


def places(document: Any) -> list[tuple[Any, Any]]:
    """Each place in a document, as what holds it and its key there."""
    found, waiting = [], [document]
    while waiting:
        holder = waiting.pop()
        pairs = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
        found += [(holder, key) for key, _ in pairs]
        waiting += [value for _, value in pairs if isinstance(value, (dict, list))]
    return found or [({"": 0}, "")]


def wrong_graph(chance: random.Random) -> str:
    """Right in its structure: types, links and values by chance, circles among them."""
    kinds = [*(function.__nodegraph__.id for function in toys.NODES), "Nope"]
    nodes = {}
    for number in range(chance.randrange(1, 30)):
        names = ("value", "scale", "path", "method", "numbers", "box", "seed", "name", "steps", "x")
        inputs = {chance.choice(names): chance.choice(WHOLE) for _ in range(chance.randrange(3))}
        nodes[f"n{number}"] = {"type": chance.choice(kinds), "inputs": inputs}
        if chance.random() < 0.1:
            nodes[f"n{number}"]["mode"] = chance.choice(("mute", "bypass"))
    ends = ("value", "box", "boxes", "numbers", "path", "content", "chosen", "a", "quotient")
    links = [
        f"n{chance.randrange(31)}.{chance.choice(ends)} -> n{chance.randrange(31)}.{chance.choice(ends)}"
        + chance.choice(("", "", "[0]", "[1]", "[99999]"))
        for _ in range(chance.randrange(60))
    ]
    return json.dumps({"nodegraph": 1, "nodes": nodes, "links": links})


def huge(chance: random.Random) -> str:
    """Large, or deep, or long in one direction."""
    many = chance.choice((1000, 5000))
    nodes = ",".join(f'"n{number}": {{"type": "Multiply"}}' for number in range(many))
    row = ",".join(f'"n{number}.value -> n{(number + 1) % many}.value"' for number in range(many))
    return chance.choice(
        (
            f'{{"nodegraph": 1, "nodes": {{{nodes}}}, "links": [{row}]}}',
            f'{{"nodegraph": 1, "nodes": {{{nodes}}}, "links": [{row.replace("n", "x")}]}}',
            '{"nodegraph": 1, "nodes": {"a": {"type": "Sum", "inputs": {"numbers": ' + "[" * 100_000,
            '{"nodegraph": 1, "nodes": {"a": {"type": "Sum", "inputs": {"numbers": [' + "1," * 100_000 + "1]}}}}",
            '{"nodegraph": 1, "nodes": {"a": {"type": "Text", "inputs": {"text": "' + "x" * 5_000_000 + '"}}}}',
            '{"nodegraph": 1, "nodes": {"a": {"type": "Text", "inputs": {"' + "x" * 1_000_000 + '": 1}}}}',
            '{"nodegraph": 1, "nodes": {"a": {"type": "' + "x" * 1_000_000 + '"}}}',
            '{"nodegraph": 1, "nodes": {"a": {"type": "Integer", "inputs": {"value": ' + "9" * 1_000_000 + "}}}}",
            '"' + '\\"' * 2_000_000,
            "[" + '"\\u0041",' * 200_000 + "[" * 40,
            '{"nodegraph":1,"nodes":{"a":{"type":"X"' + ',"b":1' * 200_000 + "}}}",
        )
    )


def judge(text: str | bytes, registry: Registry) -> str:
    """Load and check, as the command line does; whatever is no error of our own comes through."""
    start = time.thread_time()
    try:
        graph = loads(text)
    except NodegraphError as error:
        outcome = "refused"
        assert len(str(error)) < 1000
    else:
        problems = check(graph, registry)
        outcome = "faulty" if problems else "right"
        assert all(len(str(problem)) < 1500 and "\n" not in str(problem) for problem in problems)
        assert loads(dumps(graph)) == graph
    assert time.thread_time() - start < 5  # what grows with the square of the size takes minutes
    return outcome


def outcomes(make: Callable[[random.Random], str | bytes], count: int, registry: Registry) -> dict[str, int]:
    chance = random.Random(make.__name__)
    found = {"right": 0, "faulty": 0, "refused": 0}
    for _ in range(count):
        found[judge(make(chance), registry)] += 1
    return found


def test_the_whole_file_is_judged(registry):
    assert judge(TEXT, registry) == "faulty"
    assert [str(problem) for problem in check(loads(TEXT), registry)] == [
        "other (Swirl): there is no node type Swirl here; it comes with: pip install nodegraph-swirl"
    ]


def test_broken_bytes(registry):
    found = outcomes(broken_bytes, 4000, registry)
    assert found["refused"] > 1000
    assert found["faulty"] > 100


def test_broken_structures(registry):
    found = outcomes(broken_structure, 4000, registry)
    assert found["refused"] > 1000
    assert found["faulty"] > 500


def test_wrong_graphs(registry):
    found = outcomes(wrong_graph, 1960, registry)
    assert found["refused"] == 0
    assert found["faulty"] > 1500


def test_huge_files(registry):
    assert sum(outcomes(huge, 40, registry).values()) == 40


anything = st.recursive(
    st.one_of(st.sampled_from(ODD), st.text(max_size=5), st.floats(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
keys = st.one_of(st.sampled_from(["type", "inputs", "mode", "title", "plugin", "version"]), st.text(max_size=5))
nodes = st.one_of(
    anything,
    st.dictionaries(keys, anything, max_size=4),
    st.fixed_dictionaries({"type": st.sampled_from(["Number", "Sum", "Choose", "Join", "ReadFile", "X"])}, optional={
        "inputs": st.dictionaries(st.sampled_from(["value", "numbers", "method", "path"]), anything, max_size=3),
        "mode": st.sampled_from(["mute", "bypass", "off"]),
    }),
)  # fmt: skip
documents = st.fixed_dictionaries(
    {
        "nodegraph": st.sampled_from([0, 1, 1, 1, 2, "1"]),
        "nodes": st.dictionaries(st.text("ab_.", max_size=3), nodes, max_size=3),
    },
    optional={"links": st.lists(st.one_of(st.just("a.value -> b.value"), anything), max_size=3), "canvas": anything},
)


@settings(max_examples=300, deadline=None)
@given(documents)
def test_any_document(document):
    judge(json.dumps(document), REGISTRY)


REGISTRY = toys.make_registry()
