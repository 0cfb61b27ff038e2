"""Runs: what is run and what is not, by reference, with failures, cancel, pause and events."""

import copy
import gc
import logging
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import toys
from toy_graphs import build
from toys import Box

from nodegraph.context import Context
from nodegraph.control import Control
from nodegraph.errors import Cancelled, CheckFailed, RunFailed, UsageError
from nodegraph.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    RunCancelled,
    RunFinished,
    RunStarted,
)
from nodegraph.graphs import Graph, Link, Node
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.reports import summary_of
from nodegraph.sessions import Session


@pytest.fixture
def session(registry: Registry) -> Session:
    return Session(registry)


def ran() -> list[str]:
    """The types that ran since this was asked last."""
    found = list(toys.calls)
    toys.calls.clear()
    return found


def of(kind: type, events: Iterable[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


CHAIN = build(
    {"n": ("Number", {"value": 3}), "m": ("Multiply", {}), "a": ("Add", {"b": 1})},
    "n.value -> m.value",
    "m.value -> a.a",
)


# What is run


def test_a_chain_gives_its_values(session: Session) -> None:
    result = session.run(CHAIN)
    assert (result["n"], result["m", "value"], result["a"]) == (3.0, 6.0, 7.0)
    assert ran() == ["Number", "Multiply", "Add"]


def test_a_full_cache_runs_nothing(session: Session) -> None:
    session.run(CHAIN)
    ran()
    again = session.run(CHAIN)
    assert ran() == []
    assert again["a"] == 7.0
    assert again.cached == ("n", "m", "a")


def test_after_one_edit_only_what_follows_it_runs(session: Session) -> None:
    session.run(CHAIN)
    ran()
    assert session.run(CHAIN.set("m", scale=5))["a"] == 16.0
    assert ran() == ["Multiply", "Add"]
    assert session.run(CHAIN)["a"] == 7.0
    assert ran() == []


def test_the_same_graph_with_other_ids_hits_the_cache(session: Session) -> None:
    session.run(CHAIN)
    ran()
    other = build(
        {"z": ("Add", {"b": 1}), "y": ("Multiply", {"scale": 2}), "x": ("Number", {"value": 3.0})},
        "y.value -> z.a",
        "x.value -> y.value",
    )
    assert session.run(other)["z"] == 7.0
    assert ran() == []


def test_without_cache_everything_runs_and_nothing_is_kept(session: Session) -> None:
    session.run(CHAIN)
    ran()
    for _ in range(2):
        session.run(CHAIN.set("n", value=9), use_cache=False)
        assert ran() == ["Number", "Multiply", "Add"]
    session.run(CHAIN.set("n", value=9))
    assert ran() == ["Number", "Multiply", "Add"]


def test_an_impure_node_runs_each_time_with_what_follows(session: Session) -> None:
    graph = build({"t": ("Tick", {}), "m": ("Multiply", {"scale": 1}), "n": ("Number", {})}, "t.value -> m.value")
    assert [session.run(graph)["m"] for _ in range(3)] == [1.0, 2.0, 3.0]
    assert Counter(ran()) == {"Tick": 3, "Multiply": 3, "Number": 1}
    assert len(session.cache) == 1


def test_a_ladder_of_40_computes_each_node_once(session: Session) -> None:
    graph = build({"n0": ("Number", {"value": 1})} | {f"n{i}": ("Add", {}) for i in range(1, 41)})
    for i in range(40):
        graph = graph.connect(f"n{i}.value -> n{i + 1}.a").connect(f"n{i}.value -> n{i + 1}.b")
    assert session.run(graph)["n40"] == 2.0**40
    assert len(ran()) == 41


def test_two_sinks_on_one_source_run_it_once(session: Session) -> None:
    graph = CHAIN.add("s", "Show").add("t", "Show").connect("a.value -> s.value").connect("a.value -> t.value")
    session.run(graph, keep="targets")
    assert Counter(ran()) == {"Number": 1, "Multiply": 1, "Add": 1, "Show": 1}, "two nodes that are alike are one"


def test_only_the_ancestry_of_a_target_runs(session: Session) -> None:
    graph = CHAIN.add("other", "Fail").add("s", "Show").connect("a.value -> s.value")
    result = session.run(graph, ["m"])
    assert ran() == ["Number", "Multiply"]
    assert result["m"] == 6.0
    with pytest.raises(UsageError, match="there is no node 'a' in this run"):
        result["a"]


def test_problems_outside_the_ancestry_do_not_matter(session: Session) -> None:
    graph = CHAIN.add("broken", "Nonsense").add("wrong", "Multiply", scale=99)
    assert session.run(graph, "a")["a"] == 7.0
    with pytest.raises(CheckFailed, match=r"wrong \(Multiply\): scale is 99, must be at most 30"):
        session.run(graph)


def test_nothing_before_a_cached_target_is_touched(session: Session) -> None:
    session.run(CHAIN, keep="targets")
    plan = session._plan(CHAIN, None)
    for name in ("n", "m"):
        session.cache._drop(plan.keys[name])
    ran()
    assert session.run(CHAIN, keep="targets")["a"] == 7.0
    assert ran() == []
    assert session.run(CHAIN)["n"] == 3.0, "asked for every value, it makes those that have left the cache again"
    assert ran() == ["Number", "Multiply"]


def test_a_file_older_than_an_input_gets_the_default(session: Session) -> None:
    graph = build({"d": ("Divide", {"value": 7})})
    result = session.run(graph)
    assert (result["d", "quotient"], result["d", "remainder"]) == (3, 1)


def test_an_empty_graph_runs(session: Session) -> None:
    events: list[Event] = []
    assert len(session.run(Graph(), emit=events.append)) == 0
    assert [event.event for event in events] == ["RunStarted", "RunFinished"]


def test_five_thousand_in_a_row(session: Session) -> None:
    size = 5000
    graph = Graph(
        nodes={f"n{i}": Node(type="Add", inputs={"a": 0, "b": 1}) for i in range(size)},
        links=[Link(source=f"n{i}", output="value", target=f"n{i + 1}", input="a") for i in range(size - 1)],
    )
    assert session.run(graph)[f"n{size - 1}"] == size
    assert len(ran()) == size
    session.run(graph)
    assert ran() == []


def test_a_fan_out_of_a_thousand(session: Session) -> None:
    graph = Graph(
        nodes={"n": Node(type="Number"), **{f"m{i}": Node(type="Add", inputs={"b": i}) for i in range(1000)}},
        links=[Link(source="n", output="value", target=f"m{i}", input="a") for i in range(1000)],
    )
    result = session.run(graph, keep="targets")
    assert result["m999"] == 1000.0
    assert Counter(ran()) == {"Number": 1, "Add": 1000}


# Inputs


def test_a_link_beside_a_value_wins(session: Session) -> None:
    assert session.run(CHAIN.set("m", value=1000))["m"] == 6.0


def test_lists_of_wires_and_of_data(session: Session) -> None:
    graph = build(
        {
            "a": ("Number", {"value": 1}), "b": ("Integer", {"value": 2}), "ns": ("Numbers", {"count": 4}),
            "x": ("Sum", {}), "y": ("Sum", {}), "z": ("Sum", {"numbers": [1, 2.5]}),
            "p": ("MakeBox", {"content": 1}), "q": ("MakeBag", {"content": 2}), "s": ("StackBoxes", {}),
        },
        "a.value -> x.numbers[1]", "b.value -> x.numbers[0]", "ns.values -> y.numbers",
        "p.box -> s.boxes[0]", "q.bag -> s.boxes[1]", "p.box -> s.boxes[2]",
    )  # fmt: skip
    result = session.run(graph)
    assert (result["x"], result["y"], result["z"], result["s"]) == (3.0, 6.0, 3.5, Box(4.0))


def test_conversions_on_the_wire(session: Session) -> None:
    graph = build(
        {"i": ("Integer", {"value": 2}), "m": ("Multiply", {}), "t": ("Text", {"text": "ddim"}), "c": ("Choose", {})},
        "i.value -> m.value",
        "t.text -> c.method",
    )
    result = session.run(graph)
    assert result["m"] == 4.0
    assert type(result["m"]) is float
    assert result["c"] == "ddim fast"


def test_a_linked_value_out_of_range_fails_the_reader_and_names_the_input(session: Session) -> None:
    graph = build({"n": ("Number", {"value": 99}), "m": ("Multiply", {"value": 1})}, "n.value -> m.scale")
    events: list[Event] = []
    with pytest.raises(RunFailed, match=r"m: scale is 99\.0, must be at most 30"):
        session.run(graph, emit=events.append)
    (failure,) = of(NodeFailed, events)
    assert (failure.node, failure.input, failure.message) == ("m", "scale", "scale is 99.0, must be at most 30")


# Mute and bypass


BOXES = build(
    {"a": ("MakeBox", {"content": 1}), "b": ("MakeBox", {"content": 2}), "p": ("PassBox", {}), "o": ("OpenBox", {})},
    "a.box -> p.box",
    "b.box -> p.lid",
    "p.box -> o.box",
)


def test_mute_leaves_an_optional_input_out(session: Session) -> None:
    assert session.run(BOXES)["o"] == 3.0
    assert session.run(BOXES.with_mode("b", "mute"))["o"] == 1.0


def test_mute_of_what_is_required_skips_without_failing(session: Session) -> None:
    events: list[Event] = []
    result = session.run(BOXES.with_mode("a", "mute"), emit=events.append)
    assert result.skipped == {"p": "it needs a value, but a is muted", "o": "it needs a value, but a is muted"}
    assert [event.node for event in of(NodeSkipped, events)] == ["p", "o"]
    assert ran() == []
    with pytest.raises(UsageError, match="o has no value, since it needs a value, but a is muted"):
        result["o"]


def test_bypass_hands_on_the_value_itself(session: Session) -> None:
    events: list[Event] = []
    result = session.run(BOXES.with_mode("p", "bypass"), emit=events.append)
    assert result["o"] == 1.0
    assert result["p"] is result["a"]
    assert ran() == ["MakeBox", "OpenBox"]
    assert "p" not in of(RunStarted, events)[0].order
    again = session.run(BOXES.with_mode("p", "bypass"))
    assert (again["o"], again["p"]) == (1.0, Box(1.0))
    assert ran() == []


def test_bypass_converts_at_both_ends(session: Session) -> None:
    graph = build(
        {"i": ("Integer", {"value": 3}), "n": ("Number", {}), "s": ("Sum", {})},
        "i.value -> n.value",
        "n.value -> s.numbers[0]",
    ).with_mode("n", "bypass")
    result = session.run(graph)
    assert (result["n"], result["s"]) == (3.0, 3.0)
    assert type(result["n"]) is float


# By reference. The collector of circles is off, since a tensor must not have to wait for it.


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@node("Peek", category="Toys", outputs="box")
def peek(box: Box) -> Box:
    """Hand on the very same box."""
    return box


def test_two_readers_of_one_value_get_the_same_object(registry: Registry) -> None:
    registry.add(peek)
    graph = build(
        {"b": ("MakeBox", {}), "p": ("Peek", {}), "q": ("Peek", {}), "r": ("PassBox", {})},
        "b.box -> p.box",
        "b.box -> q.box",
        "p.box -> r.box",
        "q.box -> r.lid",
    )
    result = Session(registry).run(graph)
    assert result["b"] is result["p"] is result["q"]


def unchanged_by(function: Callable[..., Any], **inputs: Any) -> bool:
    """Whether a node leaves what it is given as it is."""
    before = copy.deepcopy(inputs)
    function(**inputs)
    return before == inputs


def test_the_check_for_changed_inputs_sees_a_change() -> None:
    assert unchanged_by(toys.total, numbers=[1.0, 2.0])
    assert not unchanged_by(lambda numbers: numbers.append(1), numbers=[1.0])


def test_a_node_that_changes_its_list_spoils_no_later_run(registry: Registry) -> None:
    @node("Pop", category="Toys", outputs="count", cache="none")
    def pop(numbers: list[float], more: list[float] = [1.0, 2.0]) -> int:  # noqa: B006
        """Empty the lists."""
        count = len(numbers) + len(more)
        numbers.clear()
        more.clear()
        return count

    registry.add(pop)
    session = Session(registry)
    graph = build(
        {"p": ("Pop", {"numbers": [1, 2, 3]}), "n": ("Numbers", {}), "q": ("Pop", {})}, "n.values -> q.numbers"
    )
    for _ in range(2):
        result = session.run(graph)
        assert (result["p"], result["q"], result["n"]) == (5, 5, [0.0, 1.0, 2.0])


class Heavy:
    """A value whose life can be watched."""


def heavy_registry(alive: list[weakref.ref[Heavy]], most: list[int]) -> Registry:
    def count() -> None:
        most.append(sum(ref() is not None for ref in alive))

    @node("MakeHeavy", category="Toys", outputs="heavy")
    def make_heavy(number: int = 0) -> Heavy:
        """Make one."""
        heavy = Heavy()
        alive.append(weakref.ref(heavy))
        return heavy

    @node("NextHeavy", category="Toys", outputs="heavy")
    def next_heavy(heavy: Heavy) -> Heavy:
        """Make another of one."""
        count()
        return make_heavy()

    return Registry([make_heavy, next_heavy])


@pytest.mark.usefixtures("no_collector")
def test_a_value_is_let_go_when_its_last_reader_is_done() -> None:
    alive: list[weakref.ref[Heavy]] = []
    most: list[int] = []
    graph = build({"h0": ("MakeHeavy", {})} | {f"h{i}": ("NextHeavy", {}) for i in range(1, 10)})
    for i in range(9):
        graph = graph.connect(f"h{i}.heavy -> h{i + 1}.heavy")
    result = Session(heavy_registry(alive, most)).run(graph, keep="targets", use_cache=False)
    assert max(most) == 1
    assert [ref() is not None for ref in alive] == [False] * 9 + [True]
    assert list(result) == [("h9", "heavy")]
    with pytest.raises(UsageError, match=r"the value of h3\.heavy was not kept"):
        result["h3"]


@pytest.mark.usefixtures("no_collector")
def test_an_output_that_nobody_reads_is_not_held() -> None:
    alive: list[weakref.ref[Heavy]] = []

    class Two(NamedTuple):
        one: Heavy
        other: Heavy

    @node("MakeTwo", category="Toys")
    def make_two() -> Two:
        """Make two."""
        two = Two(Heavy(), Heavy())
        alive.extend(map(weakref.ref, two))
        return two

    @node("TakeOne", category="Toys", outputs="count")
    def take_one(heavy: Heavy) -> int:
        """Count."""
        return sum(ref() is not None for ref in alive)

    graph = build({"two": ("MakeTwo", {}), "take": ("TakeOne", {})}, "two.other -> take.heavy")
    make_two.__annotations__["return"] = Two
    result = Session(Registry([make_two, take_one])).run(graph, keep="targets", use_cache=False)
    assert result["take"] == 1


def test_a_node_with_cache_none_is_not_kept(registry: Registry) -> None:
    @node("Save", category="Toys", outputs="count", cache="none")
    def save(value: float) -> int:
        """Count the calls."""
        toys.calls.append("Save")
        return toys.calls.count("Save")

    registry.add(save)
    session = Session(registry)
    graph = CHAIN.add("s", "Save").connect("a.value -> s.value")
    assert [session.run(graph, keep="targets")["s"] for _ in range(3)] == [1, 2, 3]
    assert Counter(ran()) == {"Save": 3, "Number": 1, "Multiply": 1, "Add": 1}


# Failures


BRANCHES = build(
    {
        "n": ("Number", {}), "f": ("Fail", {"message": "value is odd"}), "m": ("Multiply", {}), "s": ("Show", {}),
        "ok": ("Multiply", {"scale": 3}), "t": ("Show", {}),
    },
    "n.value -> f.value", "f.value -> m.value", "m.value -> s.value", "n.value -> ok.value", "ok.value -> t.value",
)  # fmt: skip


def test_one_failed_branch_leaves_the_others_running(session: Session) -> None:
    events: list[Event] = []
    with pytest.raises(RunFailed) as caught:
        session.run(BRANCHES, emit=events.append)
    result = caught.value.result
    assert result.failed == {"f": "value is odd"}
    assert result.skipped == {"m": "it needs f, which failed", "s": "it needs f, which failed"}
    assert result["ok"] == 3.0
    assert Counter(ran()) == {"Number": 1, "Fail": 1, "Multiply": 1, "Show": 1}
    assert of(NodeFailed, events) == [NodeFailed(result.run, "f", "value", "value is odd", "")]
    assert [(event.node, event.why) for event in of(NodeSkipped, events)] == list(result.skipped.items())
    assert of(RunFinished, events)[0].failed == ("f",)
    assert str(caught.value) == "f: value is odd"
    with pytest.raises(UsageError, match="f has no value, since it failed: value is odd"):
        result["f"]


def test_a_failure_is_never_cached(session: Session) -> None:
    for _ in range(2):
        with pytest.raises(RunFailed):
            session.run(BRANCHES)
    assert Counter(ran()) == {"Fail": 2, "Number": 1, "Multiply": 1, "Show": 1}


def failing(error: BaseException) -> Registry:
    @node("Bad", category="Toys", outputs="value")
    def bad(scale: float = 1.0, path: str = "") -> float:
        """Raise."""
        raise error

    return Registry([bad])


def noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "input", "message", "remedy"),
    [
        (ValueError("scale is 99"), "scale", "scale is 99", ""),
        (ValueError("the scale is 99"), None, "the scale is 99", ""),
        (ValueError(), None, "ValueError", ""),
        (KeyError("x"), None, "KeyError: 'x'", ""),
        (UsageError("path is wrong"), "path", "path is wrong", ""),
        (RecursionError("deep"), None, "RecursionError: deep", ""),
        (SystemExit(3), None, "SystemExit: 3", ""),
        (noted(ValueError("too big"), "halve the batch"), None, "too big", "halve the batch"),
        (MemoryError(), None, "MemoryError", "make the picture or the batch smaller, or free memory"),
        (Cancelled("not by us"), None, "not by us", ""),
    ],
    ids=repr,
)
def test_what_a_node_raises_is_told_in_words(
    error: BaseException, input: str | None, message: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    session, events = Session(failing(error)), list[Event]()
    with caplog.at_level(logging.ERROR, "nodegraph"), pytest.raises(RunFailed) as caught:
        session.run(Graph().add("b", "Bad"), emit=events.append)
    assert of(NodeFailed, events) == [NodeFailed(caught.value.result.run, "b", input, message, remedy)]
    assert caught.value.result.failed == {"b": f"{message}; {remedy}" if remedy else message}
    assert "b (Bad) failed" in caplog.text
    assert "Traceback" in caplog.text


def test_a_lie_about_the_output_fails_the_node(session: Session) -> None:
    with pytest.raises(RunFailed, match=r"l: .*returned 'a text' as value, must be a float"):
        session.run(Graph().add("l", "Lie"))


@pytest.mark.usefixtures("no_collector")
def test_a_failure_pins_no_values(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("nodegraph"), "disabled", True)  # pytest would keep the traceback
    seen: list[weakref.ref[Heavy]] = []

    @node("Leak", category="Toys", outputs="value")
    def leak(value: float) -> float:
        """Hold something heavy, then fail."""
        heavy = Heavy()
        seen.append(weakref.ref(heavy))
        raise MemoryError

    registry.add(leak)
    session = Session(registry)
    with pytest.raises(RunFailed):
        session.run(CHAIN.add("l", "Leak").connect("a.value -> l.value"))
    assert seen[0]() is None
    assert session.run(CHAIN)["a"] == 7.0


def test_ctrl_c_in_a_node_is_passed_on_and_leaves_the_session_usable(registry: Registry) -> None:
    armed = [True]

    @node("Interrupted", category="Toys", outputs="value")
    def interrupted(value: float) -> float:
        """Be interrupted once."""
        if armed.pop() if armed else False:
            raise KeyboardInterrupt
        return value

    registry.add(interrupted)
    session, events = Session(registry), list[Event]()
    graph = CHAIN.add("i", "Interrupted").connect("a.value -> i.value")
    with pytest.raises(KeyboardInterrupt):
        session.run(graph, emit=events.append)
    assert isinstance(events[-1], RunCancelled)
    ran()
    assert session.run(graph)["i"] == 7.0
    assert ran() == []


# Cancel and pause


LOOP = build(
    {"n": ("Number", {"value": 3}), "m": ("Multiply", {}), "s": ("Slow", {"steps": 1000, "seconds": 0.005}),
     "after": ("Show", {})},
    "n.value -> m.value", "m.value -> s.value", "s.value -> after.value",
)  # fmt: skip


class Running:
    """A run on another thread."""

    def __init__(self, session: Session, graph: Graph, **options: Any) -> None:
        self.control = Control()
        self.events: list[Event] = []
        self.outcome: Any = None
        self.thread = threading.Thread(target=self._work, args=(session, graph, options))
        self.thread.start()

    def _work(self, session: Session, graph: Graph, options: dict[str, Any]) -> None:
        try:
            self.outcome = session.run(graph, emit=self.events.append, control=self.control, **options)
        except Exception as error:
            self.outcome = error

    def wait_for(self, kind: type, count: int = 1) -> None:
        end = time.monotonic() + 20
        while len(of(kind, self.events)) < count:
            assert time.monotonic() < end, f"no {kind.__name__}"
            time.sleep(0.002)

    def join(self) -> Any:
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.outcome


def test_cancel_in_the_middle_then_run_again(session: Session) -> None:
    running = Running(session, LOOP)
    running.wait_for(NodeProgress, 3)
    running.control.cancel()
    steps = len(of(NodeProgress, running.events))
    assert isinstance(running.join(), Cancelled)
    assert len(of(NodeProgress, running.events)) <= steps + 1
    assert isinstance(running.events[-1], RunCancelled)
    assert not of(RunFinished, running.events)
    assert not of(NodeFailed, running.events)
    assert ran() == ["Number", "Multiply", "Slow"]
    result = session.run(LOOP.set("s", steps=3))
    assert result["s"] == 6.0
    assert ran() == ["Slow", "Show"], "what was done by then is cached"


def test_cancel_before_the_run_runs_nothing(session: Session) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        session.run(CHAIN, control=control)
    assert ran() == []


def test_cancel_between_two_nodes_that_never_ask(session: Session) -> None:
    control = Control()

    def emit(event: Event) -> None:
        if isinstance(event, NodeFinished) and event.node == "m":
            control.cancel()

    with pytest.raises(Cancelled):
        session.run(CHAIN, emit=emit, control=control)
    assert ran() == ["Number", "Multiply"]
    session.run(CHAIN)
    assert ran() == ["Add"]


def test_a_node_that_keeps_what_it_learned_when_cancelled_is_not_cached_as_done(registry: Registry) -> None:
    kept: list[int] = []

    @node("Train", category="Toys", outputs="epochs")
    def train(context: Context, epochs: int = 3) -> int:
        """Keep what was learned when cancelled."""
        for epoch in range(1, epochs + 1):
            try:
                context.progress(epoch, epochs)
            except Cancelled:
                kept.append(epoch)
                return epoch
        return epochs

    registry.add(train)
    session, control = Session(registry), Control()
    graph = Graph().add("t", "Train")
    with pytest.raises(Cancelled):
        session.run(
            graph, emit=lambda event: control.cancel() if isinstance(event, NodeProgress) else None, control=control
        )
    assert kept == [2]
    assert session.run(graph)["t"] == 3


def test_a_node_that_trips_over_being_cancelled_has_not_failed(registry: Registry) -> None:
    @node("Trip", category="Toys", outputs="value")
    def trip(context: Context) -> int:
        """Turn being cancelled into an error of its own."""
        try:
            context.checkpoint()
        finally:
            raise RuntimeError("cannot clean up")

    registry.add(trip)
    session, events, control = Session(registry), list[Event](), Control()

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, NodeStarted):
            control.cancel()

    with pytest.raises(Cancelled):
        session.run(Graph().add("t", "Trip"), emit=emit, control=control)
    assert not of(NodeFailed, events)
    with pytest.raises(RunFailed, match="cannot clean up"):
        session.run(Graph().add("t", "Trip"))


def test_pause_and_resume(session: Session) -> None:
    running = Running(session, LOOP.set("s", steps=40))
    running.wait_for(NodeProgress, 3)
    running.control.pause()
    time.sleep(0.1)
    steps = len(of(NodeProgress, running.events))
    time.sleep(0.2)
    assert len(of(NodeProgress, running.events)) == steps
    assert running.thread.is_alive()
    running.control.resume()
    assert running.join()["s"] == 6.0
    assert len(of(NodeProgress, running.events)) == 40


def test_cancel_while_paused(session: Session) -> None:
    running = Running(session, LOOP)
    running.wait_for(NodeProgress)
    running.control.pause()
    time.sleep(0.05)
    running.control.cancel()
    assert isinstance(running.join(), Cancelled)


# Events


def test_nothing_is_called_none_in_a_summary(session: Session) -> None:
    assert summary_of(session.registry, {"image": 3, "noisy": None}) == "image: 3, noisy: none"


def test_events_of_a_run_in_order(session: Session) -> None:
    events: list[Event] = []
    result = session.run(CHAIN, emit=events.append)
    assert {event.run for event in events} == {result.run}
    assert [(event.event, getattr(event, "node", "")) for event in events] == [
        ("RunStarted", ""),
        *[(kind, id) for id in "nma" for kind in ("NodeStarted", "NodeFinished")],
        ("RunFinished", ""),
    ]
    assert of(RunStarted, events) == [RunStarted(result.run, ("n", "m", "a"), ())]
    assert [event.summary for event in of(NodeFinished, events)] == ["3", "6", "7"]
    events.clear()
    session.run(CHAIN, emit=events.append)
    assert of(RunStarted, events)[0].cached == ("n", "m", "a")
    assert [(event.node, event.cached, event.summary) for event in of(NodeFinished, events)] == [
        ("n", True, "3"),
        ("m", True, "6"),
        ("a", True, "7"),
    ]
    assert not of(NodeStarted, events)


def test_what_only_leads_to_cached_values_is_passed_over_and_told_so(session: Session) -> None:
    events: list[Event] = []
    session.run(CHAIN, ["a"], emit=events.append, keep="targets")
    assert of(RunStarted, events)[0].passed_over == ()
    events.clear()
    session.run(CHAIN, ["a"], emit=events.append, keep="targets")
    (started,) = of(RunStarted, events)
    assert (started.order, started.cached, started.passed_over) == ((), ("a",), ("n", "m"))
    assert [event.node for event in of(NodeFinished, events)] == ["a"]
    events.clear()
    session.run(CHAIN, ["m"], emit=events.append, keep="targets")
    assert of(RunStarted, events)[0].passed_over == ("n",)  # a is not before m, so that nothing is told of it



def test_summaries_come_from_the_value_types(session: Session) -> None:
    events: list[Event] = []
    graph = build({"b": ("MakeBox", {}), "d": ("Divide", {"value": 7}), "s": ("MakeStone", {}), "n": ("Numbers", {})})
    session.run(graph, emit=events.append)
    assert {event.node: event.summary for event in of(NodeFinished, events)} == {
        "b": "a box with 1",
        "d": "quotient: 3, remainder: 1",
        "s": "",
        "n": "3 values",
    }


def test_events_go_only_to_the_run_that_caused_them(session: Session) -> None:
    graphs = [LOOP.set("n", value=number).set("s", steps=20) for number in range(4)]
    other = Session(toys.make_registry())
    runs = [Running(session if number < 2 else other, graph) for number, graph in enumerate(graphs)]
    for number, running in enumerate(runs):
        assert running.join()["s"] == 2.0 * number
        assert {event.run for event in running.events} == {running.outcome.run}
        assert len(of(NodeProgress, running.events)) == 20
        assert len(of(RunStarted, running.events)) == len(of(RunFinished, running.events)) == 1
    assert len({running.outcome.run for running in runs}) == 4


def test_a_thread_that_a_node_leaves_behind_is_not_heard(registry: Registry) -> None:
    go, left = threading.Event(), list[threading.Thread]()

    @node("Leave", category="Toys", outputs="value")
    def leave(context: Context) -> int:
        """Leave a thread behind."""

        def later() -> None:
            go.wait(5)
            context.progress(1, 1)

        left.append(threading.Thread(target=later))
        left[0].start()
        return 1

    leave.__annotations__["context"] = Context
    registry.add(leave)
    events: list[Event] = []
    Session(registry).run(Graph().add("l", "Leave"), emit=events.append)
    go.set()
    left[0].join(5)
    assert not of(NodeProgress, events)


def test_an_emit_that_raises_does_not_spoil_the_run_and_is_told_once(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def emit(event: Event) -> None:
        raise RuntimeError("the listener is broken")

    assert session.run(CHAIN, emit=emit)["a"] == 7.0
    assert caplog.text.count("a listener failed at RunStarted: the listener is broken") == 1
    ran()
    session.run(CHAIN)
    assert ran() == []


def test_plugins_hear_events_too(registry: Registry) -> None:
    heard: list[Event] = []
    registry.add_listener("plugin", heard.append)
    events: list[Event] = []
    session = Session(registry)
    session.run(CHAIN, emit=events.append)
    assert heard == events
    heard.clear()
    session.run(CHAIN)
    assert [event.event for event in heard] == ["RunStarted", *["NodeFinished"] * 3, "RunFinished"]


def test_a_plugin_that_fails_at_an_event_is_reported_by_name(registry: Registry) -> None:
    def listen(event: Event) -> None:
        raise RuntimeError("broken")

    registry.add_listener("nodegraph-broken", listen)
    assert Session(registry).run(CHAIN)["a"] == 7.0
    assert registry.problems == ("nodegraph-broken: nodegraph_event failed: RuntimeError: broken",)


def test_progress_reaches_the_listener_with_an_estimate(session: Session) -> None:
    events: list[Event] = []
    session.run(build({"s": ("Slow", {"steps": 4, "seconds": 0.01})}), emit=events.append)
    steps = of(NodeProgress, events)
    assert [(step.step, step.total, step.text) for step in steps] == [(i, 4, f"step {i}") for i in range(1, 5)]
    assert steps[0].seconds_left is None
    assert steps[1].seconds_left > 0
    assert steps[3].seconds_left == 0


# Files


def test_a_changed_file_is_seen(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    graph = build({"r": ("ReadFile", {"path": "a.txt"}), "j": ("Join", {})}, "r.digest -> j.texts[0]").with_folder(
        tmp_path
    )
    first = session.run(graph)["j"]
    session.run(graph)
    assert ran() == ["ReadFile", "Join"]
    path.write_text("two")
    assert session.run(graph)["j"] != first
    assert ran() == ["ReadFile", "Join"]
    path.rename(tmp_path / "b.txt")
    session.run(graph.set("r", path="b.txt"))
    assert ran() == [], "the name of a file is no part of a key"


def test_a_changed_file_that_a_wire_names_is_seen(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    graph = build(
        {"t": ("Text", {"text": "a.txt"}), "r": ("ReadFile", {}), "j": ("Join", {})},
        "t.text -> r.path",
        "r.digest -> j.texts[0]",
    ).with_folder(tmp_path)
    first = session.run(graph)["j"]
    assert ran() == ["Text", "ReadFile", "Join"]
    assert session.run(graph)["j"] == first
    assert ran() == []
    path.write_text("two")
    assert session.run(graph)["j"] != first
    assert ran() == ["ReadFile", "Join"]
    (tmp_path / "b.txt").write_text("one")
    assert session.run(graph.set("t", text="b.txt"))["j"] == first
    assert "Join" not in ran(), "what has the same content is known, though the name was not"


def test_a_path_starts_in_the_folder_of_the_graph(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "a.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    graph = build({"r": ("ReadFile", {"path": "a.txt"})})
    assert session.run(graph.with_folder(tmp_path / "graphs"))["r"]
    with pytest.raises((RunFailed, CheckFailed)):
        session.run(graph)
