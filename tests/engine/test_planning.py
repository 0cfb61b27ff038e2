"""Plans: order, mute and bypass, lists, and keys that say how a value was made."""

import os
import time
from pathlib import Path

import pytest
import toys
from toy_graphs import build

from nodegraph.contents import Contents
from nodegraph.errors import CheckFailed
from nodegraph.graphs import Graph
from nodegraph.keys import Files, Keys
from nodegraph.planning import Plan, make_plan, order_of
from nodegraph.registry import Registry


def plan_of(graph: Graph, registry: Registry, *targets: str) -> Plan:
    return make_plan(graph, registry, targets or graph.sinks)


def keys_of(graph: Graph, registry: Registry, folder: Path | None = None, told: dict | None = None) -> dict[str, bytes]:
    plan = plan_of(graph, registry)
    files = Files(Contents(), [folder or Path.cwd()])
    return dict(Keys(plan.steps, plan.keys, plan.moving, files, {} if told is None else told).known)


PAIR = build({"n": ("Number", {"value": 3}), "m": ("Multiply", {})}, "n.value -> m.value")


# Order


def test_order_is_sources_first_and_branch_by_branch() -> None:
    graph = build(
        {"sum": ("StackBoxes", {}), **{f"{kind}{i}": ("PassBox", {}) for i in range(3) for kind in "ba"}},
        *[f"a{i}.box -> b{i}.box" for i in range(3)],
        *[f"b{i}.box -> sum.boxes[{i}]" for i in range(3)],
    )
    assert order_of(graph, ("sum",)) == ("a0", "b0", "a1", "b1", "a2", "b2", "sum")
    assert order_of(graph, ("b1",)) == ("a1", "b1")
    assert order_of(graph, ("b2", "a0")) == ("a2", "b2", "a0")
    assert order_of(graph, ()) == ()


def test_order_of_a_ladder_is_linear_and_names_each_node_once() -> None:
    graph = build({"n0": ("Number", {})} | {f"n{i}": ("Add", {}) for i in range(1, 41)})
    for i in range(40):
        graph = graph.connect(f"n{i}.value -> n{i + 1}.a").connect(f"n{i}.value -> n{i + 1}.b")
    assert order_of(graph, ("n40",)) == tuple(f"n{i}" for i in range(41))


def test_order_outlives_an_edit_of_a_value() -> None:
    assert order_of(PAIR, ("m",)) is order_of(PAIR.set("n", value=4), ("m",))


# Values and wires


def test_values_are_validated_and_defaults_filled_in(registry: Registry) -> None:
    plan = plan_of(PAIR, registry)
    assert plan.steps["n"].values == {"value": 3.0}
    assert type(plan.steps["n"].values["value"]) is float
    assert plan.steps["m"].values == {"scale": 2.0}
    assert [wire.source for wire in plan.steps["m"].wires] == [("n", "value")]


def test_a_link_beside_a_value_wins(registry: Registry) -> None:
    plan = plan_of(PAIR.set("m", value=99), registry)
    assert "value" not in plan.steps["m"].values


def test_a_list_takes_its_links_by_index(registry: Registry) -> None:
    graph = build(
        {"a": ("MakeBox", {}), "b": ("MakeBox", {}), "s": ("StackBoxes", {})},
        "b.box -> s.boxes[1]",
        "a.box -> s.boxes[0]",
    )
    assert [wire.source[0] for wire in plan_of(graph, registry).steps["s"].wires] == ["a", "b"]


def test_only_what_the_targets_need_is_planned(registry: Registry) -> None:
    graph = PAIR.add("other", "Number")
    assert list(plan_of(graph, registry, "m").steps) == ["n", "m"]
    assert list(plan_of(graph, registry).steps) == ["n", "m", "other"]


# Mute and bypass

BOXES = build(
    {"a": ("MakeBox", {}), "b": ("MakeBox", {}), "p": ("PassBox", {}), "q": ("PassBox", {}), "o": ("OpenBox", {})},
    "a.box -> p.box",
    "b.box -> p.lid",
    "p.box -> q.box",
    "q.box -> o.box",
)


def sources(plan: Plan, node: str) -> dict[str, tuple[str, str]]:
    return {wire.input: wire.source for wire in plan.steps[node].wires}


def test_a_muted_node_is_absent_and_an_optional_input_takes_its_default(registry: Registry) -> None:
    plan = plan_of(BOXES.with_mode("b", "mute"), registry)
    assert sources(plan, "p") == {"box": ("a", "box")}
    assert plan.steps["p"].values == {"lid": None}
    assert "b" not in plan.steps
    assert not plan.skipped


def test_a_muted_node_that_is_required_skips_what_follows_and_says_why(registry: Registry) -> None:
    plan = plan_of(BOXES.with_mode("a", "mute"), registry)
    assert plan.skipped == dict.fromkeys("pqo", "it needs a value, but a is muted")
    assert not plan.steps, "b, which nothing reads any more, is not run either"


def test_what_only_leads_to_a_muted_node_is_not_planned(registry: Registry) -> None:
    plan = plan_of(BOXES.with_mode("p", "mute"), registry)
    assert not plan.steps
    assert plan.skipped == dict.fromkeys("qo", "it needs a value, but p is muted")


def test_a_muted_target_says_so(registry: Registry) -> None:
    assert plan_of(BOXES.with_mode("o", "mute"), registry).skipped == {"o": "it is muted"}


def test_a_muted_link_beside_a_value_leaves_the_value(registry: Registry) -> None:
    plan = plan_of(PAIR.set("m", value=7).with_mode("n", "mute"), registry)
    assert plan.steps["m"].values == {"value": 7.0, "scale": 2.0}


def test_a_muted_element_leaves_a_list(registry: Registry) -> None:
    nodes = {"a": ("MakeBox", {}), "b": ("MakeBox", {}), "s": ("StackBoxes", {})}
    graph = build(nodes, "a.box -> s.boxes[0]", "b.box -> s.boxes[1]").with_mode("a", "mute")
    assert sources(plan_of(graph, registry), "s") == {"boxes": ("b", "box")}
    assert plan_of(graph.with_mode("b", "mute"), registry).skipped == {"s": "it needs a value, but a is muted"}


def test_bypass_passes_the_first_input_of_the_type(registry: Registry) -> None:
    plan = plan_of(BOXES.with_mode("p", "bypass"), registry)
    assert plan.steps["p"].passes == {"box": "box"}
    assert sources(plan, "p") == {"box": ("a", "box")}
    assert "b" not in plan.steps


def test_bypass_with_nothing_to_pass_is_like_mute(registry: Registry) -> None:
    plan = plan_of(BOXES.with_mode("o", "bypass"), registry)
    assert plan.skipped == {"o": "it is bypassed and passes nothing"}
    graph = build(
        {"n": ("Number", {}), "b": ("MakeBox", {}), "p": ("PassBox", {})}, "n.value -> b.content", "b.box -> p.box"
    )
    plan = plan_of(graph.with_mode("b", "bypass"), registry)
    assert plan.skipped == {"p": "it needs a value, but b is bypassed and has no Box to pass"}


def test_bypass_passes_a_typed_value_and_a_default(registry: Registry) -> None:
    graph = build({"n": ("Number", {"value": 5}), "s": ("Show", {})}, "n.value -> s.value").with_mode("n", "bypass")
    assert plan_of(graph, registry).steps["n"].values == {"value": 5.0}
    assert plan_of(graph.unset("n", "value"), registry).steps["n"].values == {"value": 1.0}


def test_bypass_of_a_bypass_of_a_mute_is_absent(registry: Registry) -> None:
    graph = BOXES.with_mode("a", "mute").with_mode("p", "bypass").with_mode("q", "bypass")
    assert plan_of(graph, registry).skipped == {"o": "it needs a value, but a is muted"}


def test_a_wrong_value_is_not_passed_on(registry: Registry) -> None:
    graph = build({"n": ("Number", {"value": "x"}), "s": ("Show", {})}, "n.value -> s.value").with_mode("n", "bypass")
    why = "it needs a value, but n is bypassed and its value is 'x', must be a number"
    assert plan_of(graph, registry).skipped == {"s": why}


def test_a_wrong_value_that_only_mute_brings_to_light_is_refused(registry: Registry) -> None:
    graph = PAIR.set("m", value="x").with_mode("n", "mute")
    with pytest.raises(CheckFailed, match=r"m \(Multiply\): value is 'x', must be a number"):
        plan_of(graph, registry)


# Keys


def test_ids_titles_and_order_in_the_file_are_no_part_of_a_key(registry: Registry) -> None:
    other = build({"z": ("Multiply", {}), "y": ("Number", {"value": 3.0})}, "y.value -> z.value")
    one, two = keys_of(PAIR, registry), keys_of(other, registry)
    assert (one["n"], one["m"]) == (two["y"], two["z"])


def test_a_default_that_is_given_has_the_key_of_one_that_is_not(registry: Registry) -> None:
    assert keys_of(PAIR, registry) == keys_of(PAIR.set("m", scale=2), registry)


def test_an_edit_changes_the_keys_after_it_and_no_other(registry: Registry) -> None:
    graph = PAIR.add("last", "Show").add("other", "Number").connect("m.value -> last.value")
    one, two = keys_of(graph, registry), keys_of(graph.set("m", scale=3), registry)
    assert [node for node in one if one[node] != two[node]] == ["m", "last"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a.box -> s.boxes[0]", "b.box -> s.boxes[1]"], ["b.box -> s.boxes[0]", "a.box -> s.boxes[1]"]),
        (["a.box -> p.box", "b.box -> p.lid"], ["b.box -> p.box", "a.box -> p.lid"]),
        (["d.quotient -> m.value"], ["d.remainder -> m.value"]),
    ],
)
def test_order_place_and_output_are_part_of_a_key(registry: Registry, one: list[str], other: list[str]) -> None:
    nodes = {
        "a": ("MakeBox", {"content": 1}), "b": ("MakeBox", {"content": 2}), "s": ("StackBoxes", {}),
        "p": ("PassBox", {}), "d": ("Divide", {"value": 7}), "m": ("Multiply", {"scale": 1}),
    }  # fmt: skip
    end = one[0].split(" -> ")[1].split(".")[0]
    two = [make_plan(build(nodes, *links), registry, (end,)).keys[end] for links in (one, other)]
    assert two[0] != two[1]


def test_version_and_plugin_are_part_of_a_key() -> None:
    def register(version: int, plugin: str) -> Registry:
        from nodegraph.node_types import node

        @node("One", category="Toys", outputs="value", version=version)
        def one() -> int:
            """One."""
            return 1

        registry = Registry()
        registry.add(one, plugin)
        return registry

    graph = Graph().add("n", "One")
    found = {keys_of(graph, register(*args))["n"] for args in [(1, ""), (2, ""), (1, "other"), (1, "")]}
    assert len(found) == 3


def test_an_impure_node_and_what_follows_have_no_key(registry: Registry) -> None:
    graph = build({"t": ("Tick", {}), "m": ("Multiply", {}), "n": ("Number", {})}, "t.value -> m.value")
    assert set(keys_of(graph, registry)) == {"n"}


def settle(path: Path) -> None:
    """Make a file old enough that its time is to be trusted."""
    then = time.time() - 3600
    os.utime(path, (then, then))


def test_a_file_counts_by_content_and_never_by_name(registry: Registry, tmp_path: Path) -> None:
    for name, text in [("a.txt", "one"), ("b.txt", "one"), ("c.txt", "two")]:
        (tmp_path / name).write_text(text)

    def key(name: str) -> bytes:
        return keys_of(Graph().add("r", "ReadFile", path=name), registry, tmp_path)["r"]

    assert key("a.txt") == key("b.txt") == key(str(tmp_path / "a.txt"))
    assert key("a.txt") != key("c.txt")
    assert key("a.txt") != key("absent.txt")


def test_contents_are_read_again_when_the_file_changed(tmp_path: Path) -> None:
    path, contents = tmp_path / "a.txt", Contents()
    path.write_text("one")
    first = contents.digest(path)
    path.write_text("two")  # of the same size, and within the same tick of a coarse clock
    second = contents.digest(path)
    assert first != second
    path.unlink()
    assert contents.digest(path) is None


def test_contents_of_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    contents = Contents()
    assert contents.digest(tmp_path / "pipe") is None
    assert contents.digest("/dev/zero") is None
    assert contents.digest(tmp_path / "a\0b") is None
    empty = contents.digest(tmp_path)
    (tmp_path / "new").write_text("")
    assert contents.digest(tmp_path) not in (None, empty)


def test_a_file_that_a_wire_tells_has_a_key_once_it_is_known(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    graph = build({"t": ("Text", {"text": "a.txt"}), "r": ("ReadFile", {})}, "t.text -> r.path")
    told: dict[bytes, tuple[object, ...]] = {}
    plan = plan_of(graph, registry)
    assert plan.moving == ("r",)
    files = Files(Contents(), [tmp_path])
    keys = Keys(plan.steps, plan.keys, plan.moving, files, told)
    assert set(keys.known) == {"t"}
    settled = keys.settle(plan.steps["r"], {"path": tmp_path / "a.txt"})
    assert settled is not None
    assert keys_of(graph, registry, tmp_path, told)["r"] == settled
    (tmp_path / "a.txt").write_text("other")
    assert keys_of(graph, registry, tmp_path, told)["r"] != settled


def test_the_plan_of_a_long_chain_needs_no_recursion(registry: Registry) -> None:
    from nodegraph.graphs import Link, Node

    size = 5000
    graph = Graph(
        nodes={f"n{i}": Node(type="Multiply", inputs={"value": 1}) for i in range(size)},
        links=[Link(source=f"n{i}", output="value", target=f"n{i + 1}", input="value") for i in range(size - 1)],
    )
    plan = plan_of(graph, registry)
    assert len(plan.steps) == len(plan.keys) == len(set(plan.keys.values())) == size
    assert not toys.calls
