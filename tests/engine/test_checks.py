"""What `check` finds in a graph, and what it finds nothing wrong with."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import pytest
import toys
from pydantic import Field

from nodegraph import loads
from nodegraph.checks import check
from nodegraph.errors import UsageError
from nodegraph.graphs import Graph, Link
from nodegraph.node_types import node
from nodegraph.registry import Registry

BOX = Graph().add("one", "MakeBox").add("open", "OpenBox").connect("one.box -> open.box")


def found(graph: Graph, registry: Registry, **options) -> list[str]:
    return [str(problem) for problem in check(graph, registry, **options)]


def test_a_graph_without_problems(registry):
    assert found(BOX, registry) == []
    assert found(Graph(), registry) == []
    assert toys.calls == []


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (Graph().add("a", "Multiply", value=1, scale=99), "a (Multiply): scale is 99, must be at most 30"),
        (Graph().add("a", "Multiply", value="1"), "a (Multiply): value is '1', must be a number"),
        (Graph().add("a", "Number", value=None), "a (Number): value is null, must be a number"),
        (Graph().add("a", "Number", value=True), "a (Number): value is true, must be a number"),
        (
            Graph().add("a", "Choose", method="ddmp"),
            "a (Choose): method is 'ddmp', must be one of ddpm, ddim (did you mean 'ddpm'?)",
        ),
        (Graph().add("a", "Number", valu=1), "a (Number): valu is no input of Number; did you mean 'value'?"),
        (Graph().add("a", "Number", **{"x y\n": 1}), "a (Number): 'x y\\n' is no input of Number"),
        (Graph().add("a", "Add"), "a (Add): a has no value; give it one, or a link"),
        (Graph().add("a", "OpenBox"), "a (OpenBox): box has no link; link a Box to it"),
        (Graph().add("a", "StackBoxes"), "a (StackBoxes): boxes has no link; link a Box to boxes[0]"),
        (Graph().add("a", "OpenBox", box=3), "a (OpenBox): box is 3, but takes a Box; link one to it"),
        (Graph().add("a", "Numbr"), "a (Numbr): there is no node type Numbr (did you mean 'Number'?)"),
    ],
    ids=str,
)
def test_a_problem_of_one_node(registry, graph, problem):
    assert found(graph, registry) == [problem]


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("x.value -> a.value", "a (Multiply): value is linked from x.value, but there is no node 'x'"),
        ("n.val -> a.value", "a (Multiply): value is linked from n.val, but Number has no such output; did you mean"),
        (
            "s.value -> a.value",
            "a (Multiply): value is linked from s.value, but Show has no such output; its outputs: none",
        ),
        ("n.value -> a.vale", "a (Multiply): vale is linked, but Multiply has no such input; did you mean 'value'?"),
        ("n.value -> y.value", "the link n.value -> y.value leads to 'y', which is not there"),
        ("t.text -> a.value", "a (Multiply): value cannot take t.text: text is a str, value takes a float"),
        (
            "n.value -> a.value[0]",
            "a (Multiply): value cannot take n.value: value takes one float; link to value, without",
        ),
        ("n.value -> sum.numbers", "sum (Sum): numbers cannot take n.value: numbers takes a list of float"),
        (
            "b.box -> stack.boxes[1]",
            "stack (StackBoxes): boxes has a link at [1], but none at [0]; number them 0, 1, 2",
        ),
    ],
)
def test_a_link_that_leads_nowhere_or_does_not_fit(registry, link, problem):
    nodes = {
        "a": "Multiply",
        "n": "Number",
        "s": "Show",
        "t": "Text",
        "sum": "Sum",
        "b": "MakeBox",
        "stack": "StackBoxes",
    }
    graph = Graph(nodes={id: {"type": kind} for id, kind in nodes.items()}, links=[Link.parse(link)])
    problems = [line for line in found(graph, registry) if "has no value" not in line and "has no link" not in line]
    assert [line.startswith(problem) for line in problems] == [True]


def test_links_that_fit(registry):
    graph = (
        BOX.add("red", "MakeRedBox")
        .add("bag", "MakeBag")
        .add("stack", "StackBoxes")
        .add("text", "Text", text="ddim")
        .add("choose", "Choose")
        .add("int", "Integer")
        .add("add", "Add")
        .connect("red.box -> stack.boxes[0]")
        .connect("bag.bag -> stack.boxes[1]")
        .connect("text.text -> choose.method")
        .connect("int.value -> add.a")
    )
    assert found(graph, registry) == []


def test_two_links_into_one_input(registry):
    graph = Graph(
        nodes={
            "a": {"type": "MakeBox"},
            "b": {"type": "MakeBox"},
            "open": {"type": "OpenBox"},
            "s": {"type": "StackBoxes"},
        },
        links=["a.box -> open.box", "b.box -> open.box", "a.box -> s.boxes[0]", "b.box -> s.boxes[0]"],
    )
    assert found(graph, registry) == [
        "open (OpenBox): box has 2 links, but takes one; keep one of a.box, b.box",
        "s (StackBoxes): boxes has 2 links at [0], but takes one; keep one of a.box, b.box",
    ]


def test_a_link_beside_a_value_wins(registry):
    graph = BOX.add("a", "Multiply", value="no number").connect("open.content -> a.value")
    assert found(graph, registry) == []


def test_all_problems_are_told_and_say_where_they_are(registry):
    graph = BOX.add("a", "Multiply", scale=99, sale=3).add("b", "Nope")
    problems = check(graph, registry)
    assert [(problem.node, problem.input, problem.type, problem.kind) for problem in problems] == [
        ("a", "scale", "Multiply", "error"),
        ("a", "sale", "Multiply", "error"),
        ("a", "value", "Multiply", "error"),
        ("b", None, "Nope", "error"),
    ]


def test_load_takes_what_check_then_refuses(registry):
    node = '{"type": "Nope", "inputs": {"b": [1]}, "title": "a title"}'
    graph = loads(f'{{"nodegraph": 1, "nodes": {{"a": {node}}}, "links": ["a.b -> a.c"]}}')
    assert graph.nodes["a"].inputs == {"b": [1]}
    assert len(check(graph, registry)) == 2


def test_a_missing_plugin_is_named(registry):
    graph = loads('{"nodegraph": 1, "nodes": {"a": {"type": "Swirl", "plugin": "nodegraph-swirl"}}}')
    assert found(graph, registry) == [
        "a (Swirl): there is no node type Swirl here; it comes with: pip install nodegraph-swirl"
    ]


def test_a_node_from_a_newer_plugin(registry):
    graph = loads('{"nodegraph": 1, "nodes": {"a": {"type": "Number", "version": 2}}}')
    assert found(graph, registry) == [
        "a (Number): was saved by version 2 of Number, here is version 1; update nodegraph"
    ]


def chain(length: int, *links: str) -> Graph:
    nodes = {f"n{number}": {"type": "Multiply"} for number in range(length)}
    return Graph(nodes=nodes, links=[*(f"n{a}.value -> n{a + 1}.value" for a in range(length - 1)), *links])


def test_a_circle_is_named(registry):
    assert found(chain(3, "n2.value -> n0.value"), registry) == [
        "n0 (Multiply): the links run in a circle: n0 -> n1 -> n2 -> n0; take one of these links away"
    ]
    assert "a circle: n0 -> n0;" in found(chain(1, "n0.value -> n0.value"), registry)[0]


def test_a_circle_of_a_thousand_nodes_is_named_shortly(registry):
    problems = found(chain(1000, "n999.value -> n0.value"), registry)
    assert problems == [
        "n0 (Multiply): the links run in a circle: n0 -> n1 -> n2 -> n3 -> ... 994 more ... -> n998 -> n999 -> n0; "
        "take one of these links away"
    ]


def test_a_named_circle_is_one(registry):
    """Of a hundred random tangles, each that is reported is a path of links that closes, and each tangle is."""
    random.seed(0)
    for _ in range(100):
        nodes = {f"n{number}": {"type": "Sum"} for number in range(8)}
        pairs = {(random.randrange(8), random.randrange(8)) for _ in range(random.randrange(12))}
        graph = Graph(nodes=nodes, links=[f"n{a}.value -> n{b}.numbers[{a}]" for a, b in pairs])
        reach = {a: {b for c, b in pairs if c == a} for a in range(8)}
        for _ in range(8):
            reach = {a: after.union(*(reach[b] for b in after)) for a, after in reach.items()}
        named = [
            line.split("circle: ")[1].split(";")[0].split(" -> ") for line in found(graph, registry) if "circle" in line
        ]
        for path in named:
            assert path[0] == path[-1]
            assert all((int(a[1:]), int(b[1:])) in pairs for a, b in pairwise(path))
        tangles = {frozenset({a, *(b for b in reach[a] if a in reach[b])}) for a in range(8) if a in reach[a]}
        assert {frozenset(t) for t in tangles} == {next(t for t in tangles if int(path[0][1:]) in t) for path in named}


def test_only_what_the_targets_need_is_checked(registry):
    graph = BOX.add("bad", "Multiply", value=1, scale=99).add("a", "Show").connect("bad.value -> a.value")
    assert found(graph, registry, targets=["open"]) == []
    assert len(found(graph, registry, targets=["open", "a"])) == 1
    circle = chain(3, "n2.value -> n1.value").add("free", "Number")
    assert found(circle, registry, targets=["free"]) == []
    with pytest.raises(UsageError, match=r"there is no node 'opn'; did you mean 'open'\?"):
        check(graph, registry, targets=["opn"])


def test_a_muted_or_bypassed_node_is_not_looked_at(registry):
    graph = BOX.add("bad", "Multiply", scale=99).add("show", "Show").connect("bad.value -> show.value")
    assert found(graph, registry) != []
    assert found(graph.with_mode("bad", "bypass"), registry) == []
    assert found(graph.with_mode("bad", "mute"), registry) == []
    faulty = graph.add("worse", "Nope").connect("worse.x -> bad.value").with_mode("bad", "mute")
    assert found(faulty, registry, targets=["show"]) == []


@node("Read", category="Toys", outputs="text")
def read(
    path: Annotated[Path, Field(description="what to read", json_schema_extra={"exists": True})],
    folder: Annotated[Path | None, Field(description="where", json_schema_extra={"exists": "folder"})] = None,
) -> str:
    """Read a file."""
    return ""


def test_files_that_are_not_there(tmp_path, monkeypatch):
    registry = Registry([read])
    here = tmp_path / "here"
    here.mkdir()
    (here / "a.txt").write_text("a")
    graph = Graph().add("r", "Read", path="a.txt").with_folder(here)
    assert found(graph, registry) == []
    assert found(graph.set("r", path=str(here / "a.txt"), folder="."), registry) == []
    assert found(graph.set("r", path="b.txt"), registry) == [
        f"r (Read): path is 'b.txt', which is not there: {here / 'b.txt'}"
    ]
    assert found(graph.set("r", path="../here"), registry) == [
        f"r (Read): path is '../here', which is no regular file: {here / '../here'}"
    ]
    assert found(graph.set("r", folder="a.txt"), registry) == [
        f"r (Read): folder is 'a.txt', which is no folder: {here / 'a.txt'}"
    ]
    monkeypatch.chdir(tmp_path)
    assert found(graph.set("r", path="a.txt@sha256:" + "0" * 64), registry)[0].endswith(
        f"and no file with that content is in {here} or {tmp_path}"
    )
    assert found(graph.with_folder(None), registry) == [
        f"r (Read): path is 'a.txt', which is not there: {tmp_path / 'a.txt'}"
    ]


@node("Noise", category="Toys", outputs="noise")
def noise(seed: Annotated[int, Field(description="of the noise")] = 0) -> float:
    """Draw noise."""
    return 0.0


@node("Sample", category="Toys", outputs="image")
def sample(
    start: Annotated[float, Field(description="where to start")],
    hook: Annotated[float, Field(description="what else draws noise")] = 0.0,
    seed: Annotated[int, Field(description="of the steps")] = 1,
) -> float:
    """Sample."""
    return 0.0


@node("Grid", category="Toys", outputs="image")
def grid(images: Annotated[list[float], Field(description="pictures")]) -> float:
    """Put side by side."""
    return 0.0


@node("Seed", category="Toys", outputs="seed")
def seed(seed_value: Annotated[int, Field(description="a seed")] = 0) -> int:
    """One seed for several nodes."""
    return seed_value


def test_equal_seeds_are_warned_of():
    registry = Registry([noise, sample, grid, seed])
    graph = Graph().add("noise", "Noise").add("sample", "Sample").connect("noise.noise -> sample.start")
    assert found(graph, registry) == []
    equal = graph.set("noise", seed=1)
    assert [problem.kind for problem in check(equal, registry)] == ["warning"]
    assert found(equal, registry) == [
        "sample (Sample): seed is 1, like that of noise (Noise), so that both draw the same noise; "
        "give one of them another seed"
    ]
    assert found(equal.with_mode("sample", "bypass"), registry) == []
    assert found(equal, registry, targets=["noise"]) == []
    linked = graph.add("one", "Seed").connect("one.seed -> noise.seed").connect("one.seed -> sample.seed")
    assert "seed comes from one.seed, like that of noise" in found(linked, registry)[0]
    beside = graph.add("mask", "Noise").connect("mask.noise -> sample.hook")
    assert "mask (Noise): seed is 0, like that of noise" in found(beside, registry)[0]


@node("Whole", category="Toys", outputs="value", echoes=True)
def whole(value: Annotated[int, Field(description="a number")] = 0) -> int:
    """One number for several nodes."""
    return value


def test_a_seed_from_a_value_node_is_compared_as_a_typed_one_is():
    registry = Registry([noise, sample, whole])
    graph = Graph().add("noise", "Noise").add("sample", "Sample", seed=5).add("one", "Whole").add("two", "Whole")
    graph = graph.connect("noise.noise -> sample.start").connect("one.value -> noise.seed")
    told = "sample (Sample): seed is 5, like that of noise (Noise), so that both draw the same noise; "
    assert found(graph, registry) == []
    assert found(graph.set("one", value=5), registry) == [told + "give one of them another seed"]
    apart = graph.connect("two.value -> sample.seed")
    assert found(apart.set("one", value=4), registry) == []
    assert [text.partition(";")[0] for text in found(apart, registry)] == [told.replace("5", "0").partition(";")[0]]


def test_equal_seeds_that_only_meet_in_a_grid_are_a_comparison():
    registry = Registry([noise, sample, grid])
    graph = Graph().add("noise", "Noise").add("grid", "Grid")
    for number in range(4):
        graph = graph.add(f"s{number}", "Sample").connect(f"noise.noise -> s{number}.start")
        graph = graph.connect(f"s{number}.image -> grid.images[{number}]")
    assert found(graph, registry) == []


@node("Back", category="Toys", outputs="start")
def back(
    way: Annotated[float, Field(description="of a sampler", json_schema_extra={"draws": "counted"})],
    other: Annotated[float, Field(description="what does not count")] = 0.0,
) -> float:
    """Go back to where a sampler was."""
    return 0.0


def test_who_goes_on_with_what_comes_next_may_have_the_seed_that_was_begun_with():
    registry = Registry([noise, sample, back])
    graph = Graph().add("noise", "Noise").add("first", "Sample").add("back", "Back").add("then", "Sample")
    graph = graph.connect("noise.noise -> first.start").connect("back.start -> then.start")
    assert found(graph.connect("first.image -> back.way"), registry) == []
    other = graph.add("before", "Noise").connect("before.noise -> back.way").connect("first.image -> back.other")
    assert "then (Sample): seed is 1, like that of first" in found(other, registry)[0]
    beside = graph.add("mask", "Noise", seed=1).connect("first.image -> back.way").connect("mask.noise -> then.hook")
    assert "then (Sample): seed is 1, like that of mask" in found(beside, registry)[0]


@node("Enlarge", category="Toys", outputs="condition")
def enlarge(
    seed: Annotated[int, Field(description="of the condition", json_schema_extra={"seed_of": "condition"})] = 3,
) -> float:
    """Condition on a noised picture."""
    return 0.0


@node("Guide", category="Toys", outputs="guided")
def guide(a: Annotated[float, Field(description="one")], b: Annotated[float, Field(description="other")]) -> float:
    """Combine two."""
    return 0.0


def test_conditions_are_meant_to_draw_the_same_noise_but_not_that_of_the_picture():
    registry = Registry([noise, sample, enlarge, guide, seed])
    graph = Graph().add("noise", "Noise").add("c", "Enlarge").add("u", "Enlarge").add("guide", "Guide")
    graph = graph.add("sample", "Sample").connect("c.condition -> guide.a").connect("u.condition -> guide.b")
    graph = graph.connect("guide.guided -> sample.hook").connect("noise.noise -> sample.start")
    assert found(graph, registry) == []
    linked = graph.add("three", "Seed").connect("three.seed -> c.seed").connect("three.seed -> u.seed")
    assert found(linked, registry) == []
    assert found(graph.set("noise", seed=3), registry) == [
        "c (Enlarge): seed is 3, like that of noise (Noise), so that both draw the same noise; "
        "give one of them another seed"
    ]
    assert found(graph.set("sample", seed=3), registry) == [
        "sample (Sample): seed is 3, like that of c (Enlarge), so that both draw the same noise; "
        "give one of them another seed"
    ]


def test_a_hundred_thousand_mistakes_take_linear_time(registry):
    nodes = {f"n{number}": {"type": f"Nope{number}"} for number in range(20_000)}
    nodes |= {f"m{number}": {"type": "Multiply", "inputs": {"scal": 1}} for number in range(20_000)}
    links = [f"x{number}.value -> m{number}.value" for number in range(20_000)]
    assert len(check(Graph(nodes=nodes, links=links), registry)) == 60_000
