"""Files and nodes of the past, as those of today."""

import json
from pathlib import Path

import pytest

from nodegraph import migrations
from nodegraph.checks import check
from nodegraph.errors import GraphFileError
from nodegraph.files import dumps, load, loads
from nodegraph.graphs import Graph
from nodegraph.migrations import VERSION, migrate, migrated
from nodegraph.node_types import node
from nodegraph.registry import Registry

DATA = Path(__file__).parents[1] / "data"


def test_a_file_of_version_0():
    graph = load(DATA / "version_0.json")
    assert list(map(str, graph.links)) == [
        "any.denoiser -> sum.base",
        "three.denoiser -> sum.parts[0]",
        "sum.denoiser -> sample.denoiser",
        "noise.noisy -> sample.start",
        "sample.image -> save.image",
    ]
    assert graph.nodes["save"].mode == "mute"
    assert dumps(graph).startswith(f'{{\n  "nodegraph": {VERSION},\n')


def test_a_migration_leaves_what_it_was_given_as_it_was():
    text = (DATA / "version_0.json").read_text()
    old = json.loads(text)
    migrate(old)
    assert old == json.loads(text)


def test_migrations_run_in_order_from_the_version_of_the_file(monkeypatch):
    steps = tuple(
        lambda document, n=number: {**document, "steps": [*document.get("steps", []), n]} for number in range(3)
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(migrations, "VERSION", 3)
    assert migrate({"nodegraph": 1}) == {"nodegraph": 3, "steps": [1, 2]}
    assert migrate({"nodegraph": 3}) == {"nodegraph": 3}


@pytest.mark.parametrize("link", [3, ["a", "b", "c"], ["a", "b", "c", 4], ["a", "b", "c", "d", True]])
def test_a_wrong_link_in_a_file_of_version_0(link):
    with pytest.raises(GraphFileError, match=r"links\[0\]: is .* must be \[source, output, target, input\]"):
        loads(json.dumps({"nodegraph": 0, "nodes": {}, "links": [link]}))


@node("Swirl", category="Toys", version=3, outputs="angle")
def swirl(turns: float = 1.0) -> float:
    """Turn."""
    return turns


def with_migration(migration) -> Registry:
    registry = Registry([swirl])
    registry.add_migration("nodegraph-swirl", migration)
    return registry


def degrees_to_turns(old):
    """What a plugin would write: version 1 knew degrees, and was called Twist."""
    if old["type"] not in ("Twist", "Swirl") or old.get("version", 1) >= 3:
        return None
    return {**old, "type": "Swirl", "inputs": {"turns": old["inputs"]["degrees"] / 360}, "version": 3}


def test_an_old_node_is_brought_up_to_date_by_its_plugin():
    registry = with_migration(degrees_to_turns)
    graph = Graph().add("a", "Twist", degrees=720).add("b", "Swirl", degrees=360).add("c", "Nope")
    new = migrated(graph, registry)
    assert new.nodes["a"].type == "Swirl"
    assert new.nodes["a"].inputs == {"turns": 2.0}
    assert new.nodes["b"].version == 3
    assert new.nodes["c"] is graph.nodes["c"]
    assert [problem.node for problem in check(graph, registry)] == ["c"]
    assert migrated(graph, registry) is new
    assert migrated(new.remove("c"), registry) == new.remove("c")


@pytest.mark.parametrize("made", [{"type": ""}, {"type": "Swirl", "inputs": {"turns": float("nan")}}, "a text"])
def test_a_migration_that_makes_nonsense_is_reported_and_changes_nothing(made):
    registry = with_migration(lambda old: made)
    graph = Graph().add("a", "Swirl")
    assert migrated(graph, registry) == graph
    assert "Swirl cannot be migrated" in registry.problems[0]
