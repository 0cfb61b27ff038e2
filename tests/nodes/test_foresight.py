"""What the built-in nodes foresee is right or not told: never of a graph that would run, nor where nothing is known."""

import json
import warnings
from collections import Counter

import pytest
from foretold import ROOT, told
from random_graphs import Maker

from nodegraph import Foresight, Link, RunFailed, Session, check, load
from nodegraph.foresight import UNKNOWN, Known
from nodegraph.plugins import load_plugins

EXAMPLES = sorted([*ROOT.glob("examples/*.json"), *ROOT.glob("examples/if/*.json")])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_nothing_is_foreseen_to_be_wrong_with_an_example(registry, path):
    assert told(load(path), registry) == []
    assert registry.problems == ()


def test_every_folder_of_examples_is_looked_at():
    assert len(EXAMPLES) > 30 and any("if" in path.parts for path in EXAMPLES)


class Unknown:
    """Stands for inputs that are all linked, from what only a run can tell."""

    def value(self, port):
        return UNKNOWN

    def links(self, port):
        return [Link(source="a", output="b", target="c", input=port.name, index=0 if port.is_list else None)]

    def given(self, port):
        return True

    def brought(self, port):
        return [Known()]


@pytest.mark.parametrize(
    "name", [name for name, spec in load_plugins(only=["nodegraph"]).node_types.items() if spec.foresee]
)
def test_where_nothing_is_known_nothing_is_said_and_nothing_breaks(registry, name):
    spec = registry.get(name)
    foresight = Foresight(spec, Unknown())
    spec.foresee(foresight)
    assert foresight._said == []


@pytest.mark.parametrize("seed", range(8))
def test_what_is_foreseen_to_be_wrong_fails_in_a_run(registry, blind, seed):
    outcomes = Counter()
    with Session(blind) as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(60):
            graph = Maker(1000 * seed + number).whole()
            wrong = [problem for problem in check(graph, registry) if problem.kind == "error"]
            if check(graph, blind):  # what has always been told
                continue
            try:
                session.run(graph, keep="targets")
                failed, skipped = {}, {}
            except RunFailed as error:
                failed, skipped = error.result.failed, error.result.skipped
            outcomes[bool(wrong), bool(failed)] += 1
            for problem in wrong:  # what fails before a node hides whether it would have failed
                place = json.dumps(graph.model_dump(mode="json"))
                assert problem.node in failed or problem.node in skipped, f"{problem} of {place}"
    assert registry.problems == ()
    assert outcomes[True, True] > 5 and outcomes[False, False] > 3
    assert outcomes[False, True] < outcomes[True, True], outcomes  # most of what fails has been told
