"""Foresight: what node types tell of a graph before it runs, from typed values and the wiring alone."""

import json
import subprocess
import sys
from time import process_time
from typing import Annotated

import pytest
from pydantic import Field

from nodegraph import CheckFailed, Foresight, GraphWarning, Session, loads
from nodegraph.checks import check
from nodegraph.errors import NodeTypeError
from nodegraph.foresight import UNKNOWN
from nodegraph.graphs import Graph
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.signatures import read_spec
from nodegraph.values import Conversion


class Rope:
    """A wire that has a length."""


class RedRope(Rope):
    """A wire with a base."""


class String:
    """A wire that a link makes a rope of."""


seen: dict[str, object] = {}
ran: list[str] = []


def foresee_make(known: Foresight) -> None:
    if known.knows("length"):
        known.gives("rope", length=known.value("length"))


@node("Make", category="Toys", outputs="rope", foresee=foresee_make)
def make(length: Annotated[int, Field(ge=0, le=100)] = 5) -> RedRope:
    """Make a rope."""
    ran.append("Make")
    return RedRope()


@node("Spin", category="Toys", outputs="string", foresee=lambda known: known.gives("string", length=1))
def spin() -> String:
    """Make a string."""
    return String()


@node("Dye", category="Toys", outputs="rope", foresee=lambda known: known.gives("rope", known.of("rope")))
def dye(rope: Rope, colour: str = "red") -> Rope:
    """A rope as long as the one that is given."""
    return rope


def check_lengths(parts: int, weights: list[float]) -> None:
    if len(weights) != parts:
        raise ValueError(f"weights are {len(weights)}, must be {parts}; one for each part")


def foresee_tie(known: Foresight) -> None:
    seen["weights"] = known.value("weights"), known.given("weights"), known.links("weights"), known.count("weights")
    seen["parts"] = known.value("parts"), known.given("parts"), known.links("parts"), known.count("parts")
    seen["of"] = [dict(facts) for facts in known.of("parts")]
    seen["knot"] = known.value("knot"), known.given("knot")
    parts, weights = known.count("parts"), known.value("weights")
    if parts is not None and weights is not UNKNOWN:
        with known.refusals():
            check_lengths(parts, weights)
    lengths = [facts.get("length") for facts in known.of("parts")]
    if lengths and None not in lengths:
        known.gives("rope", length=sum(lengths))
    if known.value("knot") == "slip":
        known.odd("knot", "is slip, which comes loose", "take reef")


@node("Tie", category="Toys", outputs="rope", foresee=foresee_tie)
def tie(parts: list[Rope], weights: list[float] = [1.0], knot: str = "reef") -> Rope:  # noqa: B006
    """Tie ropes together."""
    ran.append("Tie")
    check_lengths(len(parts), weights)
    return Rope()


def foresee_use(known: Foresight) -> None:
    seen["use"] = dict(known.of("rope"))
    seen["origin"] = known.origin("rope")
    if known.of("rope").get("length") == 13:
        known.wrong("rope", "is 13 long", "take another")


@node("Use", category="Toys", outputs="done", foresee=foresee_use)
def use(rope: Rope, other: Rope | None = None) -> bool:
    """Use a rope."""
    ran.append("Use")
    return True


@node("Echo", category="Toys", outputs="value", echoes=True)
def echo(value: int = 3) -> int:
    """Hand on a number."""
    return value


@node("EchoRope", category="Toys", outputs="rope", echoes=True)
def echo_rope(rope: Rope) -> Rope:
    """Hand on a rope."""
    return rope


@node("Real", category="Toys", outputs="value", echoes=True)
def real(value: float = 0.5) -> float:
    """Hand on a decimal number."""
    return value


@node("Guess", category="Toys", outputs="value")
def guess() -> int:
    """A number that only a run tells."""
    return 7


@node("Coil", category="Toys", outputs="ropes")
def coil(count: int = 2) -> list[Rope]:
    """Several ropes at once."""
    return [Rope()] * count


TYPES = [make, spin, dye, tie, use, echo, echo_rope, real, guess, coil]


@pytest.fixture
def registry() -> Registry:
    seen.clear()
    ran.clear()
    return Registry(TYPES, conversions=[Conversion(String, Rope, lambda string: Rope(), "Twisted.")])


def wired(*links: str, **nodes: object) -> Graph:
    graph = Graph()
    for name, kind in nodes.items():
        kind, inputs = kind if isinstance(kind, tuple) else (kind, {})
        graph = graph.add(name, kind, **inputs)
    for link in links:
        graph = graph.connect(link)
    return graph


def found(graph: Graph, registry: Registry, **options) -> list[str]:
    return [f"{'warning ' if each.kind == 'warning' else ''}{each}" for each in check(graph, registry, **options)]


TIED = wired(
    "a.rope -> tie.parts[0]", "b.rope -> tie.parts[1]", "tie.rope -> use.rope",
    a=("Make", {"length": 4}), b="Make", tie=("Tie", {"weights": [1, 2]}), use="Use",
)  # fmt: skip


def test_what_is_known_of_typed_values_defaults_and_links(registry):
    assert found(TIED, registry) == []
    assert seen["weights"] == ([1.0, 2.0], True, 0, 2)
    assert seen["parts"] == (UNKNOWN, True, 2, 2)
    assert seen["of"] == [{"length": 4}, {"length": 5}]
    assert seen["knot"] == ("reef", False)
    assert seen["use"] == {"length": 9}
    assert ran == []


def test_what_is_foreseen_is_told_with_node_input_and_remedy_and_refuses_the_run(registry):
    graph = TIED.set("tie", weights=[1, 2, 3])
    problem = "tie (Tie): weights are 3, must be 2; one for each part"
    (told,) = check(graph, registry)
    assert (str(told), told.node, told.input, told.remedy) == (problem, "tie", "weights", "one for each part")
    with Session(registry) as session, pytest.raises(CheckFailed, match="weights are 3, must be 2; one for each part"):
        session.run(graph)
    assert ran == []
    with Session(registry) as session:
        assert session.run(TIED)["use", "done"] is True


def test_an_edit_is_looked_at_anew(registry):
    with Session(registry) as session:
        session.run(TIED)
        with pytest.raises(CheckFailed, match="rope is 13 long; take another"):
            session.run(TIED.set("a", length=8))


def test_what_is_odd_is_a_warning_that_refuses_nothing(registry):
    graph = TIED.set("tie", knot="slip")
    assert found(graph, registry) == ["warning tie (Tie): knot is slip, which comes loose; take reef"]
    with Session(registry) as session, pytest.warns(GraphWarning, match="knot is slip, which comes loose"):
        assert session.run(graph)["use", "done"] is True


def test_value_nodes_bring_values_and_facts(registry):
    graph = TIED.add("n", "Echo", value=6).add("m", "Echo").add("r", "EchoRope")
    for link in ("n.value -> m.value", "m.value -> a.length", "tie.rope -> r.rope", "r.rope -> use.rope"):
        graph = graph.connect(link)
    assert found(graph, registry) == []
    assert seen["of"] == [{"length": 6}, {"length": 5}]
    assert seen["use"] == {"length": 11}
    graph = graph.connect("n.value -> tie.weights[0]").connect("m.value -> tie.weights[1]")
    check(graph, registry)
    assert seen["weights"] == ([6.0, 6.0], True, 2, 2)


def test_a_value_that_a_value_node_brings_and_the_input_cannot_take_is_told(registry):
    graph = TIED.add("n", "Echo", value=101).connect("n.value -> a.length")
    assert found(graph, registry) == ["a (Make): length is 101, must be at most 100; it comes from n.value"]
    assert seen["of"] == [{}, {"length": 5}]


def test_what_a_run_has_to_tell_is_not_known(registry):
    graph = TIED.add("n", "Guess").connect("n.value -> a.length").connect("n.value -> tie.weights[0]")
    assert found(graph, registry) == []
    assert seen["weights"] == (UNKNOWN, True, 1, 1)
    assert seen["of"] == [{}, {"length": 5}]
    assert seen["use"] == {}


def test_one_link_that_brings_a_whole_list_brings_nobody_knows_how_many(registry):
    graph = wired("c.ropes -> tie.parts", c="Coil", tie=("Tie", {"weights": [1, 2]}))
    assert found(graph, registry) == []
    assert seen["parts"] == (UNKNOWN, True, 1, None)
    assert seen["of"] == []


def test_facts_pass_to_a_base_but_through_no_conversion(registry):
    assert found(wired("a.string -> use.rope", a="Spin", use="Use"), registry) == []
    assert seen["use"] == {}
    assert found(wired("a.rope -> use.rope", a=("Make", {"length": 13}), use="Use"), registry) != []


def test_a_node_with_problems_of_its_own_gets_no_foresight(registry):
    graph = TIED.set("a", length=1000)
    assert found(graph, registry) == ["a (Make): length is 1000, must be at most 100"]
    assert seen["of"] == [{}, {"length": 5}]
    seen.clear()
    assert len(check(TIED.set("tie", weights="x"), registry)) == 1
    assert "parts" not in seen and seen["use"] == {}


def test_a_bypassed_node_passes_facts_on_and_a_muted_one_gives_none(registry):
    graph = wired(
        "a.rope -> d.rope", "d.rope -> tie.parts[0]", "b.rope -> tie.parts[1]", "tie.rope -> use.rope",
        a="Make", b="Make", d="Dye", tie=("Tie", {"weights": [1, 2]}), use="Use",
    )  # fmt: skip
    assert found(graph.with_mode("d", "bypass"), registry) == [] and seen["use"] == {"length": 10}
    assert found(graph.with_mode("tie", "bypass"), registry) == []
    muted = graph.with_mode("d", "mute")
    assert found(muted, registry) == ["tie (Tie): weights are 2, must be 1; one for each part"]
    assert seen["of"] == [{"length": 5}]
    with Session(registry) as session:  # the same says the run
        with pytest.raises(CheckFailed, match="weights are 2, must be 1"):
            session.run(muted)
        assert session.run(muted.set("tie", weights=[1]))["use", "done"] is True


def test_nodes_that_no_run_would_reach_are_not_looked_at(registry):
    graph = wired(
        "bad.rope -> use.rope", "good.rope -> use.other", "bad.rope -> d.rope", "d.rope -> after.rope",
        bad=("Make", {"length": 13}), good="Make", use="Use", d="Dye", after="Use",
    )  # fmt: skip
    assert len(found(graph, registry)) == 2
    assert found(graph.with_mode("use", "mute").with_mode("d", "mute"), registry) == []
    assert len(found(graph.with_mode("use", "mute"), registry)) == 1
    assert len(found(graph, registry, targets=["after"])) == 1
    assert found(graph, registry, targets=["good"]) == []


def test_what_lies_behind_a_muted_node_does_not_run(registry):
    graph = wired(
        "a.rope -> d.rope", "d.rope -> use.rope", "b.rope -> use.other", a="Make", b="Make", d="Dye", use="Use"
    ).with_mode("a", "mute")
    assert found(graph, registry) == [] and "use" not in seen


def test_nothing_is_foreseen_in_or_behind_a_circle(registry):
    graph = wired(
        "d.rope -> e.rope", "e.rope -> d.rope", "e.rope -> tie.parts[0]", "bad.rope -> use.rope",
        d="Dye", e="Dye", tie=("Tie", {"weights": []}), use="Use", bad=("Make", {"length": 13}),
    )  # fmt: skip
    assert found(graph, registry) == [
        "use (Use): rope is 13 long; take another",
        "d (Dye): the links run in a circle: d -> e -> d; take one of these links away",
    ]
    assert "parts" not in seen


def test_nodes_that_are_alike_have_one_origin(registry):
    def origin(**inputs):
        graph = wired(
            "a.rope -> d.rope",
            "b.rope -> e.rope",
            "e.rope -> use.rope",
            a="Make",
            d="Dye",
            b="Make",
            e="Dye",
            use="Use",
        )
        check(graph.set("b", **inputs), registry)
        return seen["origin"]

    assert origin() == "d.rope"
    assert origin(length=7) == "e.rope"


@pytest.mark.parametrize(
    ("foresee", "said"),
    [
        (lambda known: 1 // 0, "ZeroDivisionError"),
        (lambda known: known.value("nothing"), "Blind has no input 'nothing'"),
        (lambda known: known.wrong("nothing", "is wrong"), "Blind has no input 'nothing'"),
        (lambda known: known.gives("nothing", batch=1), "Blind has no output 'nothing'"),
        (lambda: None, "TypeError"),
    ],
)
def test_a_mistake_in_a_foresight_is_the_plugins_and_breaks_no_check(registry, foresee, said):
    @node("Blind", category="Toys", outputs="rope", foresee=foresee)
    def blind(length: int = 1) -> Rope:
        """Cannot foresee."""
        return Rope()

    registry.add(blind, "nodegraph-blind")
    graph = wired("a.rope -> use.rope", a="Blind", use="Use")
    assert found(graph, registry) == []
    (problem,) = registry.problems
    assert problem.startswith("nodegraph-blind: foresee of Blind failed: ") and said in problem
    with Session(registry) as session:
        assert session.run(graph)["use", "done"] is True


def test_what_was_said_before_a_mistake_does_not_count(registry):
    def foresee(known):
        known.wrong("length", "is wrong")
        raise KeyError

    @node("Blind", category="Toys", outputs="rope", foresee=foresee)
    def blind(length: int = 1) -> Rope:
        """Cannot foresee."""
        return Rope()

    registry.add(blind)
    assert found(wired(a="Blind"), registry) == []


def test_foresee_has_to_be_a_function():
    @node("Bad", category="Toys", outputs="rope", foresee="x")
    def bad() -> Rope:
        """Declared wrongly."""
        return Rope()

    with pytest.raises(NodeTypeError, match="foresee is 'x', must be a function that takes a Foresight"):
        read_spec(bad)


def test_5000_nodes_in_a_row_are_foreseen_in_linear_time_without_recursion(registry):
    def row(length):
        nodes = {
            "n0": {"type": "Make", "inputs": {"length": 13}},
            **{f"n{i}": {"type": "Dye"} for i in range(1, length)},
        }
        nodes["use"] = {"type": "Use"}
        links = [f"n{i}.rope -> n{i + 1}.rope" for i in range(length - 1)] + [f"n{length - 1}.rope -> use.rope"]
        return loads(json.dumps({"nodegraph": 1, "nodes": nodes, "links": links}))

    def seconds(graph):
        began = process_time()  # which other programs do not add to
        assert found(graph, registry) == ["use (Use): rope is 13 long; take another"]
        return process_time() - began

    seconds(row(50))
    assert min(seconds(row(5000)) for _ in range(2)) < 50 * min(seconds(row(500)) for _ in range(5))


def test_the_name_is_public_and_light():
    code = "import sys; from nodegraph import Foresight; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
