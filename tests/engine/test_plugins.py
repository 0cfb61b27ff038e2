"""Plugins are loaded one by one; what is wrong with one is told by its name and costs it, or less."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import toys

from nodegraph import plugins
from nodegraph.checkpoints import CheckpointNeed, CheckpointRest, CheckpointState
from nodegraph.node_types import node
from nodegraph.plugins import hookimpl, load_plugins
from nodegraph.values import Conversion, ValueType


def plugin(name: str = "toy-plugin", **hooks: Any) -> ModuleType:
    made = ModuleType(name)
    for hook, answer in hooks.items():
        setattr(made, hook, hookimpl(answer))
    return made


def nothing() -> list[Any]:
    return []


def raises(*_: Any) -> Any:
    raise RuntimeError("oh\nno")


def test_a_plugin_brings_node_types_values_and_conversions() -> None:
    registry = load_plugins(
        only=(),
        extra=[
            plugin(
                nodegraph_node_types=lambda: [toys.add, toys.make_box],
                nodegraph_value_types=lambda: [ValueType(toys.Box)],
                nodegraph_conversions=lambda: [Conversion(toys.Bag, toys.Box, str)],
            )
        ],
    )
    assert list(registry.node_types) == ["Add", "MakeBox"]
    assert registry.node_types["Add"].plugin == "toy-plugin"
    assert list(registry.value_types) == [toys.Box]
    assert len(registry.conversions) == 1
    assert list(registry.plugins) == ["toy-plugin"] and registry.problems == ()


def test_modules_by_name_or_object_bring_their_own_functions_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_nodes.py").write_text(
        "from nodegraph.node_types import node\n"
        "from toys import add\n"
        "@node('Second', category='Toys', outputs='out')\n"
        "def z() -> float:\n    '''Second.'''\n    return 1.0\n"
        "@node('First', category='Toys', outputs='out')\n"
        "def a() -> float:\n    '''First.'''\n    return 1.0\n"
        "alias = a\n"
    )
    (tmp_path / "toy_broken.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = load_plugins(
        only=(),
        extra=[plugin(nodegraph_node_types=lambda: ["toy_broken", "toy_nodes", ModuleType("empty"), toys.add])],
    )
    assert list(registry.node_types) == ["Second", "First", "Add"]
    assert registry.problems == (
        "toy-plugin: module toy_broken cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        "toy-plugin: module empty declares no node type",
    )


@pytest.mark.parametrize("hook", ["nodegraph_node_types", "nodegraph_value_types", "nodegraph_conversions"])
def test_a_plugin_whose_hook_fails_is_left_out_whole(hook: str) -> None:
    hooks = {"nodegraph_node_types": lambda: [toys.multiply], hook: lambda: raises()}
    registry = load_plugins(
        only=(), extra=[plugin("bad", **hooks), plugin("good", nodegraph_node_types=lambda: [toys.add])]
    )
    assert list(registry.node_types) == ["Add"] and list(registry.plugins) == ["good"]
    assert registry.problems == ("bad: cannot be loaded: RuntimeError: oh no",)


@pytest.mark.parametrize(
    ("hooks", "problem"),
    [
        ({"nodegraph_node_types": lambda: None}, ""),
        ({"nodegraph_node_types": lambda: 3}, "bad: cannot be loaded: nodegraph_node_types returned 3, must be a list"),
        ({"nodegraph_node_types": lambda: "module"}, "nodegraph_node_types returned 'module', must be a list"),
        ({"nodegraph_node_types": lambda wrong: []}, "bad: cannot be loaded: PluginValidationError: "),
        ({"nodegraph_event": lambda happened: None}, "bad: cannot be loaded: PluginValidationError: "),
        (
            {"nodegraph_node_type": nothing},
            "bad: nodegraph_node_type is no hook (did you mean 'nodegraph_node_types'?)",
        ),
        ({"nodegraph_gui_editor": nothing}, ""),
        ({"nodegraph_node_types": lambda: [len]}, "bad: builtins (len): len is not decorated with @node"),
        ({"nodegraph_node_types": lambda: [3]}, "3 is not decorated with @node"),
        ({"nodegraph_value_types": lambda: [toys.Box]}, "bad: <class 'toys.Box'> is no ValueType"),
        ({"nodegraph_conversions": lambda: [3]}, "bad: 3 is no Conversion"),
        ({"nodegraph_node_types": lambda: sys.exit(3)}, "bad: cannot be loaded: SystemExit: 3"),
        ({"nodegraph_node_types": lambda: pytest.skip("no screen")}, "bad: cannot be loaded: Skipped: no screen"),
    ],
)
def test_wrong_answers_are_told(hooks: dict[str, Any], problem: str) -> None:
    registry = load_plugins(
        only=(), extra=[plugin("bad", **hooks), plugin("good", nodegraph_node_types=lambda: [toys.add])]
    )
    assert list(registry.node_types) == ["Add"]
    assert [problem in found for found in registry.problems] == [True] * bool(problem)


def test_an_id_that_is_taken_costs_the_later_type_only() -> None:
    @node("Add", category="Toys", outputs="out")
    def other() -> float:
        """Another Add."""
        return 1.0

    registry = load_plugins(
        only=(),
        extra=[
            plugin("a", nodegraph_node_types=lambda: [toys.add]),
            plugin("b", nodegraph_node_types=lambda: [other, toys.multiply]),
        ],
    )
    assert {type_id: spec.plugin for type_id, spec in registry.node_types.items()} == {"Add": "a", "Multiply": "b"}
    (problem,) = registry.problems
    assert problem.startswith("b: test_plugins.py:") and problem.endswith("(Add): the id Add is taken by a")


def test_migrations_and_events_reach_the_plugins() -> None:
    heard: list[Any] = []
    registry = load_plugins(
        only=(),
        extra=[
            plugin("a", nodegraph_migrate=lambda node: {**node, "version": 2}, nodegraph_event=lambda: heard.append(0)),
            plugin("b", nodegraph_migrate=lambda node: None, nodegraph_event=lambda event: heard.append(event)),
        ],
    )
    assert registry.migrate({"type": "Add"}) == {"type": "Add", "version": 2}
    registry.emit("event")
    assert heard == [0, "event"]


def test_what_plugins_know_of_checkpoints_is_asked_in_turn() -> None:
    need = CheckpointNeed("home/model", ("unet",))
    state, rest = CheckpointState("here", "/shelf", "one"), CheckpointRest(1, 10)
    told: list[Any] = []
    registry = load_plugins(
        only=(),
        extra=[
            plugin("a", nodegraph_checkpoint=lambda need: None, nodegraph_fetch_checkpoint=lambda progress: None),
            plugin(
                "b",
                nodegraph_checkpoint=lambda need: state,
                nodegraph_checkpoint_rest=lambda: rest,
                nodegraph_fetch_checkpoint=lambda need, progress: progress(1, 2, need.checkpoint) or True,
            ),
            plugin("c", nodegraph_checkpoint=raises),
        ],
    )
    assert registry.checkpoint_state(need) is state
    assert registry.checkpoint_rest(need) is rest
    registry.fetch_checkpoint(need, lambda *progress: told.append(progress))
    assert told == [(1, 2, "home/model")] and registry.problems == ()


# Entry points


class FakeEntry:
    """An installed plugin."""

    group = "nodegraph"

    def __init__(self, name: str, distribution: str, module: Any) -> None:
        self.name = name
        self.dist = SimpleNamespace(name=distribution, version="1.2")
        self.module = module

    def load(self) -> Any:
        return raises() if self.module is None else self.module


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeEntry]]:
    entries: list[FakeEntry] = []
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    yield entries


def test_the_built_in_nodes_come_first_then_by_name(installed: list[FakeEntry]) -> None:
    installed += [
        FakeEntry("b", "nodegraph-b", plugin("b", nodegraph_node_types=lambda: [toys.multiply])),
        FakeEntry("a", "nodegraph-a", None),
        FakeEntry("nodegraph_nodes", "an-impostor", plugin("i", nodegraph_node_types=lambda: [toys.choose])),
        FakeEntry("nodegraph_nodes", "nodegraph", plugin("n", nodegraph_node_types=lambda: [toys.add])),
    ]
    registry = load_plugins()
    assert dict(registry.plugins) == {"nodegraph": "1.2", "an-impostor": "1.2", "nodegraph-b": "1.2"}
    assert next(iter(registry.plugins)) == "nodegraph"
    assert [(type_id, spec.plugin) for type_id, spec in registry.node_types.items()] == [
        ("Add", "nodegraph"),
        ("Choose", "an-impostor"),
        ("Multiply", "nodegraph-b"),
    ]
    assert registry.problems == ("nodegraph-a: cannot be loaded: RuntimeError: oh no",)
    assert list(load_plugins(only=["nodegraph-b"]).node_types) == ["Multiply"]
    assert list(load_plugins(only=["b"]).node_types) == ["Multiply"]


def test_a_distribution_with_two_entries_counts_once(installed: list[FakeEntry]) -> None:
    installed += [
        FakeEntry("one", "nodegraph-a", plugin("1", nodegraph_node_types=lambda: [toys.add])),
        FakeEntry("two", "nodegraph-a", plugin("2", nodegraph_node_types=lambda: [toys.multiply])),
    ]
    registry = load_plugins()
    assert registry.problems == ()
    assert {spec.plugin for spec in registry.node_types.values()} == {"nodegraph-a"} and len(registry.node_types) == 2


def test_the_entry_point_group_is_read() -> None:
    from importlib.metadata import entry_points

    (entry,) = (entry for entry in entry_points(group=plugins.GROUP) if entry.name == "nodegraph_nodes")
    assert isinstance(entry, EntryPoint) and entry.dist is not None and entry.dist.name == plugins.BUILT_IN
