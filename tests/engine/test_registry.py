"""The registry: node types read when asked for, wires that fit or not, sizes, migrations, events, all as JSON."""

import json
import subprocess
import sys
from typing import Any, Literal

import pytest
import toys

from nodegraph.annotations import read_hint
from nodegraph.context import Context
from nodegraph.errors import NodeTypeError
from nodegraph.node_types import InputSpec, NodeSpec, OutputSpec, node
from nodegraph.registry import Registry
from nodegraph.signatures import read_spec
from nodegraph.values import Conversion, ValueType


def test_node_types_by_id(registry: Registry) -> None:
    assert list(registry.node_types)[:3] == ["Number", "Integer", "Add"]
    assert len(registry.node_types) == len(toys.NODES)
    assert registry.node_types["Add"] is registry.get("Add")
    assert "Add" in registry.node_types and "Ad" not in registry.node_types and 3 not in registry.node_types
    assert registry.get("Ad") is None
    with pytest.raises(KeyError):
        registry.node_types["Ad"]
    assert registry.why_missing("Ad") == "there is no node type Ad (did you mean 'Add'?)"
    assert registry.why_missing("Add") == ""
    assert registry.problems == ()


def test_a_type_is_read_when_first_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(function: Any, plugin: str) -> NodeSpec:
        read.append(function.__name__)
        return read_spec(function, plugin)

    monkeypatch.setattr("nodegraph.registry.read_spec", watched)
    registry = Registry()
    registry.declare(toys.add)
    registry.declare(toys.multiply)
    assert registry.get("Other") is None and read == []
    assert registry.get("Multiply") is registry.node_types["Multiply"]
    assert read == ["multiply"]


def test_a_mistake_costs_one_type_and_is_told_once() -> None:
    registry = Registry()

    @node("Wrong", category="Toys", outputs="value")
    def wrong(value: int | str) -> float:
        """Wrong."""
        return 1.0

    registry.declare(wrong, "nodegraph-toys")
    registry.declare(toys.add, "nodegraph-toys")
    assert registry.get("Wrong") is None and registry.get("Wrong") is None
    assert list(registry.node_types) == ["Add"]
    (problem,) = registry.problems
    assert problem.startswith("nodegraph-toys: test_registry.py:") and "value is a union of types" in problem
    assert "the declaration of Wrong has a mistake: nodegraph-toys: " in registry.why_missing("Wrong")
    assert "(did you mean" not in registry.why_missing("Wron"), "what cannot be used is not proposed"
    with pytest.raises(NodeTypeError, match="union of types"):
        Registry([wrong])


def test_an_id_that_is_taken_costs_the_later_type(registry: Registry) -> None:
    @node("Add", category="Toys", outputs="value")
    def other() -> float:
        """Take an id that is taken."""
        return 1.0

    before = registry.get("Add")
    with pytest.raises(NodeTypeError, match=r"test_registry.py:\d+ \(Add\): the id Add is taken"):
        registry.add(other)
    assert registry.get("Add") is before


def test_undecorated_functions_are_told() -> None:
    with pytest.raises(NodeTypeError, match="len is not decorated"):
        Registry().declare(len)


# Wires


def out(annotation: Any) -> OutputSpec:
    return OutputSpec("source", read_hint(annotation))


def into(annotation: Any) -> InputSpec:
    return InputSpec("target", read_hint(annotation), annotation, required=True)


AB, ABC = Literal["a", "b"], Literal["a", "b", "c"]
FITS = [
    (float, float, None), (int, float, None), (str, toys.Path, None), (str, AB, None), (str, toys.Method, None),
    (AB, str, None), (AB, ABC, None), (toys.Method, str, None), (toys.Method, toys.Method, None), (bool, bool, None),
    (float, float | None, None), (toys.Box, toys.Box | None, None), (toys.Box | None, toys.Box, None),
    (toys.RedBox, toys.Box, None), (toys.Bag, toys.Box, None),
    (float, list[float], 0), (int, list[float], 3), (list[float], list[float], None), (list[int], list[float], None),
    (toys.Box, list[toys.Box], 0), (toys.RedBox, list[toys.Box], 1), (list[toys.Box], list[toys.Box], None),
    (toys.Bag, list[toys.Box], 0), (list[toys.Bag], list[toys.Box], None),
]  # fmt: skip
FITS_NOT = [
    (float, int, None, "source is a float, target takes an int"),
    (bool, int, None, "source is a bool, target takes an int"),
    (bool, float, None, "source is a bool, target takes a float"),
    (float, str, None, "source is a float, target takes a str"),
    (toys.Path, str, None, "source is a Path, target takes a str"),
    (AB, toys.Path, None, "source is a choice, target takes a Path"),
    (ABC, AB, None, "source is a choice, target takes a choice"),
    (toys.Method, AB, None, "source is a Method, target takes a choice"),
    (toys.Box, toys.RedBox, None, "source is a Box, target takes a RedBox"),
    (toys.Box, toys.Bag, None, "source is a Box, target takes a Bag"),
    (toys.Stone, toys.Box, None, "source is a Stone, target takes a Box (or, converted, Bag)"),
    (float, toys.Box, None, "source is a float, target takes a Box (or, converted, Bag)"),
    (toys.Box, float, None, "source is a Box, target takes a float"),
    (float, list[float], None, "target takes a list of float; link to target[0], target[1], ..."),
    (toys.Box, list[toys.Box], None, "target takes a list of Box; link to target[0], target[1], ..."),
    (float, float, 0, "target takes one float; link to target, without an index"),
    (list[float], float, None, "source is a list of float, target takes one float there"),
    (list[toys.Box], list[toys.Box], 0, "source is a list of Box, target takes one Box there"),
]


@pytest.mark.parametrize(("source", "target", "index"), FITS)
def test_wires_that_fit(registry: Registry, source: Any, target: Any, index: int | None) -> None:
    assert registry.convertible(out(source), into(target), index) is not None
    assert registry.why_not(out(source), into(target), index) == ""


@pytest.mark.parametrize(("source", "target", "index", "reason"), FITS_NOT)
def test_wires_that_do_not(registry: Registry, source: Any, target: Any, index: int | None, reason: str) -> None:
    assert registry.convertible(out(source), into(target), index) is None
    assert registry.convertible(out(source), into(target), index) is None, "also when remembered"
    assert registry.why_not(out(source), into(target), index) == reason


def test_conversions_are_applied_and_shown(registry: Registry) -> None:
    bag, boxes = toys.Bag(3.0), into(list[toys.Box])
    one = registry.convertible(out(toys.Bag), into(toys.Box))
    many = registry.convertible(out(list[toys.Bag]), boxes)
    maybe = registry.convertible(out(toys.Bag | None), into(toys.Box | None))
    assert one is not None and one(bag) == toys.Box(3.0)
    assert many is not None and many([bag, bag]) == [toys.Box(3.0)] * 2
    assert maybe is not None and maybe(None) is None
    shown = registry.conversion(out(toys.Bag), into(toys.Box))
    assert shown is not None and shown.help == "the content of the bag, in a box"
    assert registry.conversion(out(toys.RedBox), into(toys.Box)) is None


def test_the_conversion_of_the_nearest_base_is_taken() -> None:
    class Sack(toys.Bag):
        """A bag of another kind."""

    registry = Registry(conversions=[Conversion(toys.Bag, toys.Box, lambda bag: "bag")])
    before = registry.convertible(out(Sack), into(toys.Box))
    assert before is not None and before(Sack(1.0)) == "bag"
    registry.add_conversion(Conversion(Sack, toys.RedBox, lambda sack: "sack"))
    after = registry.convertible(out(Sack), into(toys.Box))
    assert after is not None and after(Sack(1.0)) == "sack", "the base of its target is wanted"


# Values


def test_the_value_type_of_a_value(registry: Registry) -> None:
    found = registry.value_type_of(toys.RedBox(1.0))
    assert found is not None and found.type is toys.Box and found.name == "Box" and found.colour == "#aa5500"
    assert found.summary is not None and found.summary(toys.Box(2.0)) == "a box with 2"
    assert registry.value_type_of(toys.Stone()) is None
    assert ValueType(toys.Box, name="Crate").name == "Crate"


def test_storage_that_is_shared_has_one_key(registry: Registry) -> None:
    shared = [toys.Box(1.0, "memory"), toys.Box(2.0, "memory"), toys.Box(3.0, "other")]
    sizes = dict(registry.nbytes(shared))
    assert sizes["memory"] == sizes["other"] == 1000
    assert len(sizes) == 3, "two storages and the list"
    stone = toys.Stone()
    assert dict(registry.nbytes(stone)) == {("object", id(stone)): sys.getsizeof(stone)}


def test_a_size_that_cannot_be_told_is_that_of_an_opaque_value() -> None:
    def fails(value: Any) -> Any:
        raise RuntimeError("no size")

    registry = Registry(value_types=[ValueType(toys.Box, nbytes=fails)])
    assert len(list(registry.nbytes(toys.Box(1.0)))) == 1
    assert registry.problems == ("the size of a Box cannot be told: RuntimeError: no size",)


def test_value_types_and_conversions_are_checked(registry: Registry) -> None:
    for add, wrong, reason in [
        (registry.add_value_type, toys.Box, "is no ValueType"),
        (registry.add_value_type, ValueType(list[int]), "a ValueType is of a class"),  # type: ignore[arg-type]
        (registry.add_value_type, ValueType(toys.Box), "the value type Box is there already"),
        (registry.add_conversion, (toys.Bag, toys.Box), "is no Conversion"),
        (registry.add_conversion, Conversion(toys.Bag, toys.Box, None), "has no function"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(NodeTypeError, match=reason):
            add(wrong)  # type: ignore[operator]


# Plugins' functions


def test_migrations_see_what_the_one_before_made() -> None:
    registry = Registry()
    given = {"type": "Old", "inputs": {"size": 3}}

    def rename(node: dict[str, Any]) -> dict[str, Any] | None:
        if node["type"] != "Old":
            return None
        node["inputs"]["width"] = node["inputs"].pop("size")
        return {**node, "type": "Newer"}

    def fails(node: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("oh")

    registry.add_migration("first", rename)
    registry.add_migration("second", fails)
    registry.add_migration("third", lambda node: 3)
    registry.add_migration("fourth", lambda node: {**node, "version": 2} if node["type"] == "Newer" else None)
    assert registry.migrate(given) == {"type": "Newer", "inputs": {"width": 3}, "version": 2}
    assert given == {"type": "Old", "inputs": {"size": 3}}, "what was given is as it was"
    assert registry.problems == (
        "second: Newer cannot be migrated: RuntimeError: oh",
        "third: Newer cannot be migrated: TypeError: nodegraph_migrate returned 3, must be a dict or None",
    )


def test_a_listener_that_fails_is_told_no_more() -> None:
    registry, heard = Registry(), []

    def fails(event: Any) -> None:
        heard.append("fails")
        raise RuntimeError("oh")

    registry.add_listener("bad", fails)
    registry.add_listener("good", heard.append)
    registry.emit(1)
    registry.emit(2)
    assert heard == ["fails", 1, 2]
    assert registry.problems == ("bad: nodegraph_event failed: RuntimeError: oh",)


def test_whether_anyone_listens() -> None:
    registry = Registry()
    assert not registry.listened
    registry.add_listener("one", print)
    assert registry.listened


def test_the_first_plugin_that_knows_a_device_names_it() -> None:
    registry = Registry()
    assert registry.device("auto") == "cpu" and registry.device("cuda:1") == "cuda:1"

    def fails(name: str) -> str | None:
        raise RuntimeError("oh")

    def knows_one(name: str) -> str | None:
        if name == "cuda:9":
            raise ValueError("there is no cuda:9 here")
        return "cuda:0" if name == "auto" else None

    registry.add_device_namer("bad", fails)
    registry.add_device_namer("good", knows_one)
    registry.add_device_namer("later", lambda name: "mps")
    assert registry.device("auto") == "cuda:0" and registry.device("other") == "mps"
    with pytest.raises(ValueError, match="there is no cuda:9 here"):
        registry.device("cuda:9")
    assert registry.problems == ("bad: nodegraph_device failed: RuntimeError: oh",)


def test_the_revision_tells_that_something_was_added() -> None:
    registry = Registry([toys.add])
    before = registry.revision
    registry.get("Add")
    assert registry.revision == before
    registry.add(toys.multiply)
    between = registry.revision
    registry.add_conversion(Conversion(toys.Bag, toys.Box, str))
    assert before < between < registry.revision


# Description


def test_everything_is_json(registry: Registry) -> None:
    described = registry.describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert set(described["node_types"]) == set(registry.node_types)
    assert described["value_types"][0]["type"] == "Box" and described["value_types"][0]["can"] == ["summary", "nbytes"]
    assert described["conversions"] == [
        {"source": "Bag", "target": "Box", "help": "the content of the bag, in a box"},
    ]
    (box,) = described["node_types"]["OpenBox"]["inputs"]
    assert (box["type"], box["data"], box["list"], box["required"]) == ("Box", False, False, True)
    assert described["node_types"]["ReadFile"]["inputs"][0]["schema"]["format"] == "path"
    assert described["node_types"]["Choose"]["inputs"][1]["default"] == "fast"


def test_toys_run_by_their_specs(registry: Registry) -> None:
    slow = registry.node_types["Slow"]
    assert slow.call({"value": 1.0, "steps": 2}, Context()) == {"value": 1.0}
    assert toys.calls == ["Slow"]


def test_the_full_registry_stands_without_torch() -> None:
    """In a fresh interpreter, the palette is read and described, and nothing heavy is imported for it."""
    script = (
        "import json, sys\n"
        "from nodegraph.plugins import load_plugins\n"
        "registry = load_plugins()\n"
        "json.dumps(registry.describe(), allow_nan=False)\n"
        "assert len(registry.node_types) > 30, registry.problems\n"
        "assert not registry.problems, registry.problems\n"
        "heavy = {'torch', 'numpy', 'PIL', 'PySide6', 'diffusers', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
