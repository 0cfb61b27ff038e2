"""Sessions and results: what a call may ask for, what comes back, and what outlives it."""

import copy
import json
import random
import subprocess
import sys
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import toys

import nodegraph
from nodegraph.checks import check
from nodegraph.context import Context
from nodegraph.cycles import cycles
from nodegraph.errors import CheckFailed, GraphWarning, RunFailed, UsageError
from nodegraph.events import Event, NodeProgress
from nodegraph.files import loads
from nodegraph.graphs import Graph, Link, Node
from nodegraph.node_types import node
from nodegraph.outputs import OutputFolder
from nodegraph.planning import order_of
from nodegraph.registry import Registry
from nodegraph.resources import Resources
from nodegraph.results import Result
from nodegraph.sessions import Session

CHAIN = Graph().add("n", "Number", value=3).add("m", "Multiply").connect("n.value -> m.value")


def asking(ask: Any) -> Registry:
    """A registry with the one node Ask, which returns what `ask` says of the context, as text."""

    @node("Ask", category="Toys", outputs="text", cache="none")
    def ask_context(context: Context, path: Path | None = None) -> str:
        """Ask the context."""
        return str(ask(context))

    return Registry([ask_context])


ASK = Graph().add("a", "Ask")


# Results


def test_a_result_gives_values_by_node_and_output(registry: Registry) -> None:
    result = Session(registry).run(Graph().add("d", "Divide", value=7).add("s", "Show", value=1))
    assert result["d", "quotient"] == 3
    assert dict(result.values) == {("d", "quotient"): 3, ("d", "remainder"): 1}
    assert ("d", "quotient") in result
    assert "d" in result
    assert "s" not in result
    assert len(result) == 2
    assert list(result) == [("d", "quotient"), ("d", "remainder")]
    assert "2 values of d" in repr(result)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nunber", r"there is no node 'nunber' in this run; did you mean 'number'\?"),
        (("number", "valu"), r"number has no output 'valu'; did you mean 'value'\?"),
        (("number", "zzz"), r"number has no output 'zzz'; its outputs: value"),
        ("divide", r"divide has 2 outputs; ask for one of quotient, remainder"),
        ("show", r"show has no output"),
    ],
)
def test_a_wrong_place_in_a_result_is_told_with_the_nearest(registry: Registry, place: Any, message: str) -> None:
    graph = Graph().add("number", "Number").add("divide", "Divide", value=1).add("show", "Show", value=1)
    with pytest.raises(UsageError, match=message):
        Session(registry).run(graph)[place]


def test_targets_alone_are_kept_when_asked_so(registry: Registry) -> None:
    session = Session(registry)
    assert list(session.run(CHAIN, keep="targets")) == [("m", "value")]
    assert list(session.run(CHAIN, ["n", "m"], keep="targets")) == [("n", "value"), ("m", "value")]
    assert list(session.run(CHAIN)) == [("n", "value"), ("m", "value")]


# Calls


@pytest.mark.parametrize("targets", ["mm", ["m", "mm"]])
def test_a_target_that_is_not_there_is_told_with_the_nearest(registry: Registry, targets: Any) -> None:
    with pytest.raises(UsageError, match=r"there is no node 'mm'; did you mean 'm'\?"):
        Session(registry).run(CHAIN, targets)


def test_keep_takes_two_words(registry: Registry) -> None:
    with pytest.raises(UsageError, match="keep is 'some', must be 'all' or 'targets'"):
        Session(registry).run(CHAIN, keep="some")  # type: ignore[arg-type]


def test_a_faulty_graph_is_refused_with_every_problem_and_no_event(registry: Registry) -> None:
    events: list[Event] = []
    graph = CHAIN.set("m", scale=99).set("n", value="x").connect("m.value -> m.value")
    with pytest.raises(CheckFailed) as caught:
        Session(registry).run(graph, emit=events.append)
    assert {(problem.node, problem.input) for problem in caught.value.problems} >= {("n", "value"), ("m", "scale")}
    assert not events
    assert not toys.calls


def test_a_circle_is_refused_with_its_path(registry: Registry) -> None:
    graph = (
        Graph().add("a", "Multiply").add("b", "Multiply").connect("a.value -> b.value").connect("b.value -> a.value")
    )
    with pytest.raises(CheckFailed, match="a -> b -> a"):
        Session(registry).run(graph)
    with pytest.raises(CheckFailed, match="a -> b -> a"):
        Session(registry).run(graph, ["b"])


def test_a_circle_of_a_thousand_is_refused(registry: Registry) -> None:
    size = 1000
    graph = Graph(
        nodes={f"n{i}": Node(type="Multiply") for i in range(size)},
        links=[Link(source=f"n{i}", output="value", target=f"n{(i + 1) % size}", input="value") for i in range(size)],
    )
    with pytest.raises(CheckFailed, match="circle"):
        Session(registry).run(graph)


def test_a_node_type_that_is_added_later_is_seen(registry: Registry) -> None:
    session, graph = Session(registry), CHAIN.add("late", "Late")
    with pytest.raises(CheckFailed):
        session.run(graph)

    @node("Late", category="Toys", outputs="value")
    def late() -> int:
        """Come late."""
        return 1

    registry.add(late)
    assert session.run(graph)["late"] == 1


def test_an_old_node_is_migrated_before_it_runs(registry: Registry) -> None:
    def rename(old: dict[str, Any]) -> dict[str, Any] | None:
        return {**old, "type": "Multiply"} if old["type"] == "Times" else None

    registry.add_migration("toys", rename)
    graph = Graph(nodes={"n": Node(type="Times", inputs={"value": 2})})
    assert Session(registry).run(graph)["n"] == 4.0


def test_one_graph_in_two_registries(registry: Registry) -> None:
    @node("Number", category="Toys", outputs="value")
    def other_number(value: float = 0.0) -> float:
        """Another number."""
        return -value

    graph = CHAIN.remove("m")
    assert Session(registry).run(graph)["n"] == 3.0
    assert Session(Registry([other_number])).run(graph)["n"] == -3.0
    assert Session(registry).run(graph)["n"] == 3.0


def test_nodes_write_below_the_output_folder(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = Graph().add("w", "WriteFile", text="x", name="sub/a.txt")
    result = Session(registry).run(graph)
    assert result.files == (tmp_path / "output" / "sub" / "a.txt",)
    assert result["w"] == result.files[0]
    assert Session(registry).run(graph, out="other").files == (tmp_path / "other" / "sub" / "a.txt",)
    folder = OutputFolder(tmp_path / "third")
    assert Session(registry).run(graph, out=folder).files == folder.files != ()


def test_an_output_name_that_climbs_fails_its_node(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"w: the output name '\.\./a' leads out of the output folder"):
        Session(registry).run(Graph().add("w", "WriteFile", text="x", name="../a"), out=tmp_path / "out")
    assert not (tmp_path / "a").exists()


def test_files_of_a_failed_run_are_told(registry: Registry, tmp_path: Path) -> None:
    graph = Graph().add("w", "WriteFile", text="x").add("f", "Fail")
    with pytest.raises(RunFailed) as caught:
        Session(registry).run(graph, out=tmp_path)
    assert [path.name for path in caught.value.result.files] == ["toy.txt"]


def test_the_device_is_asked_for_only_by_nodes_that_read_it() -> None:
    asked: list[str] = []
    registry = asking(lambda context: context.device)
    registry.add_device_namer("toys", lambda name: asked.append(name) or {"auto": "cuda:0", "mps": "mps"}.get(name))
    session = Session(registry)
    assert session.run(ASK)["a"] == "cuda:0"
    assert session.run(ASK, device="mps")["a"] == "mps"
    assert session.run(ASK, device="odd")["a"] == "odd"
    assert asked == ["auto", "mps", "odd"]
    assert Session(asking(lambda context: context.device)).run(ASK)["a"] == "cpu"


def test_a_device_that_is_not_here_fails_the_node() -> None:
    def name(wanted: str) -> str:
        raise ValueError(f"the device {wanted} is not here")

    registry = asking(lambda context: context.device)
    registry.add_device_namer("toys", name)
    with pytest.raises(RunFailed, match="a: the device cuda:7 is not here"):
        Session(registry).run(ASK, device="cuda:7")


def test_a_node_sees_the_graph_as_run(tmp_path: Path) -> None:
    session = Session(asking(lambda context: context.graph_text()))
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "cat.txt").write_text("cat")
    graph = ASK.set("a", path=str(tmp_path / "secret" / "cat.txt")).with_folder(tmp_path)
    text = session.run(graph)["a"]
    carried = loads(text)
    assert carried.nodes["a"].inputs["path"].startswith("cat.txt@sha256:")
    assert str(tmp_path) not in text
    assert session.run(carried.with_folder(tmp_path / "secret"))["a"] == text, "it runs again beside the file"
    assert session.run(graph, metadata=False)["a"] == "None"
    assert json.loads(text)["nodegraph"] == 1


def test_a_node_sees_its_id_its_folder_and_the_resources(tmp_path: Path) -> None:
    store = Resources()
    session = Session(
        asking(lambda c: (c.node, c.folder, c.resources is store, c.graph == ASK, c.metadata)), resources=store
    )
    assert session.run(ASK.with_folder(tmp_path))["a"] == str(("a", tmp_path, True, True, True))


def test_previews_can_be_left_out() -> None:
    session, events = Session(asking(lambda c: c.progress(1, 1, preview=lambda: b"png"))), list[NodeProgress]()
    for wanted in (True, False):
        session.run(
            ASK, previews=wanted, emit=lambda event: events.append(event) if isinstance(event, NodeProgress) else 0
        )
    assert [event.preview for event in events] == [b"png", None]


# What outlives a run


def test_leaving_a_session_lets_values_and_networks_go(registry: Registry) -> None:
    with Session(registry) as session:
        session.run(CHAIN)
        session.resources.get("network", lambda: 1)
        assert len(session.cache) == 2
    assert (len(session.cache), len(session.resources)) == (0, 0)
    assert session.run(CHAIN)["m"] == 6.0


def test_the_cache_is_bounded_by_bytes(registry: Registry) -> None:
    session = Session(registry, cache_bytes=5000)
    for number in range(20):
        session.run(Graph().add("b", "MakeBox", content=number))
    assert 0 < len(session.cache) < 20
    assert session.cache.held_bytes <= 5000
    session.run(Graph().add("b", "MakeBox", content=19))
    assert toys.calls == ["MakeBox"] * 20, "the newest is still there"


def test_values_that_share_storage_count_once(registry: Registry) -> None:
    session = Session(registry)
    graph = Graph().add("b", "MakeBox", storage="shared").add("p", "PassBox").connect("b.box -> p.box")
    session.run(graph)
    assert session.cache.held_bytes < 2 * 1000 + 2 * 500


def test_one_session_serves_several_threads(registry: Registry) -> None:
    session, found = Session(registry), dict[int, float]()

    def work(number: int) -> None:
        for _ in range(20):
            found[number] = session.run(CHAIN.set("n", value=number))["m"]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))  # raises what one of them raised
    assert found == {number: 2.0 * number for number in range(4)}


def test_a_run_leaves_the_graph_as_it_was(registry: Registry) -> None:
    graph = CHAIN.add("s", "Sum", numbers=[1, 2])
    before = copy.deepcopy(graph)
    Session(registry).run(graph)
    assert graph == before
    assert nodegraph.dumps(graph) == nodegraph.dumps(before)


# The package


def test_a_plain_call_keeps_every_value(registry: Registry) -> None:
    result = nodegraph.run(CHAIN, registry=registry)
    assert isinstance(result, Result)
    assert (result["n"], result["m"]) == (3.0, 6.0)
    assert nodegraph.run(CHAIN, "n", registry=registry, keep="targets")["n"] == 3.0


def test_public_names_are_sorted_and_there() -> None:
    assert sorted(nodegraph.__all__) == nodegraph.__all__
    for name in nodegraph.__all__:
        assert getattr(nodegraph, name).__module__.startswith("nodegraph.") or name == "hookimpl"
    assert set(nodegraph.__all__) <= set(dir(nodegraph))
    assert nodegraph.__version__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nodegraph.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, nodegraph; nodegraph.run; nodegraph.Graph; "
        "print(*{'torch', 'numpy', 'PIL', 'PySide6', 'networkx', 'nodegraph_nodes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# Planning is its own judge where it is sure; it must never be sure of what the check refuses.

KINDS = (
    "Number",
    "Integer",
    "Multiply",
    "Sum",
    "Numbers",
    "Divide",
    "MakeBox",
    "PassBox",
    "StackBoxes",
    "Text",
    "Choose",
)
VALUES = (1, 2.5, 99, -1, True, None, "x", "ddim", [1, 2], [], {"a": 1})


def random_graph(chance: random.Random, registry: Registry) -> Graph:
    """A graph that is right, or nearly."""
    nodes, links = {}, list[Link]()
    ids = [f"n{number}" for number in range(chance.randrange(1, 7))]
    for place, id in enumerate(ids):
        kind = chance.choice(KINDS) if chance.random() < 0.97 else "Nonsense"
        spec = registry.get(kind)
        inputs = {}
        for port in spec.inputs if spec else ():
            sources = [
                (source, output.name)
                for source in (ids[:place] if chance.random() < 0.95 else ids)
                for output in getattr(registry.get(nodes[source].type) if source in nodes else None, "outputs", ())
            ]
            listed = port.indexed and chance.random() < 0.9
            fitting = [
                (source, output)
                for source, output in sources
                if registry.convertible(
                    registry.node_types[nodes[source].type].outputs_by_name[output], port, 0 if listed else None
                )
            ]
            if fitting and chance.random() < 0.7:
                for index in range(chance.randrange(1, 3) if listed else 1):
                    source, output = chance.choice(fitting if chance.random() < 0.95 else sources)
                    links.append(
                        Link(source=source, output=output, target=id, input=port.name, index=index if listed else None)
                    )
            if port.is_data and (port.required or chance.random() < 0.2):
                inputs[port.name] = (
                    port.default if not port.required and chance.random() < 0.8 else chance.choice(VALUES)
                )
        if chance.random() < 0.03:
            inputs["nonsense"] = 1
        mode = chance.choice(["mute", "bypass"]) if chance.random() < 0.1 else None
        nodes[id] = Node(type=kind, inputs=inputs, mode=mode, version=2 if chance.random() < 0.02 else 1)
    if links and chance.random() < 0.1:
        links.append(chance.choice(links))
    if links and chance.random() < 0.1:
        old = links.pop(chance.randrange(len(links)))
        links.append(
            old.model_copy(update={chance.choice(["source", "output", "target", "input"]): chance.choice([*ids, "zz"])})
        )
    if chance.random() < 0.1:
        links = [link for link in links if link.index != 0]
    return Graph(nodes=nodes, links=tuple(links))


def test_a_run_refuses_just_what_the_check_refuses(registry: Registry) -> None:
    chance, session = random.Random(1), Session(registry)
    outcomes: Counter[str] = Counter()
    for _ in range(1500):
        graph = random_graph(chance, registry)
        targets = chance.sample(list(graph.nodes), 1) if chance.random() < 0.5 else None
        wanted = targets or list(graph.sinks)
        if targets is None and len(order_of(graph, graph.sinks)) < len(graph.nodes):
            wanted += [circle[0] for circle in cycles(graph)]
        errors = [problem for problem in check(graph, registry, targets=wanted) if problem.kind == "error"]
        try:
            session.run(graph, targets)
            outcome = "done"
        except CheckFailed as refused:
            if not errors:  # a value beside a link, which counts only since the source of the link is muted
                (problem,) = refused.problems
                assert problem.node is not None
                assert any(link.input == problem.input for link in graph.in_links[problem.node])
                assert any(node.mode for node in graph.nodes.values())
                continue
            outcome = "refused"
            assert list(refused.problems) == errors
        except RunFailed:
            outcome = "failed"
        outcomes[outcome] += 1
        assert (outcome == "refused") == bool(errors), (nodegraph.dumps(graph), targets, list(map(str, errors)))
    assert min(outcomes["done"], outcomes["refused"]) > 200, outcomes


def test_equal_seeds_are_warned_of_where_the_call_stands(registry: Registry) -> None:
    graph = Graph().add("one", "Drawn", seed=3).add("two", "Drawn", seed=3).connect("one.value -> two.value")
    with Session(registry) as session:
        with pytest.warns(GraphWarning, match=r"two \(Drawn\): seed is 3, like that of one") as told:
            session.run(graph)
        with pytest.warns(GraphWarning) as told_too:
            nodegraph.run(graph.set("one", seed=3), registry=registry)
        with warnings.catch_warnings(action="error"):
            session.run(graph)  # which was told
            session.run(graph.set("one", seed=4))
            session.run(graph, targets=["one"])
    assert [warned.filename for warned in (*told, *told_too)] == [__file__] * 2
