"""Values: one for several nodes, checked like one that was typed where it arrives."""

import pytest

import nodegraph
from nodegraph_nodes import values

NODES = [(values.text, "a pencil"), (values.integer, -7), (values.number, 2.5), (values.seed, 2**63 - 1)]


@pytest.mark.parametrize("function, value", NODES)
def test_a_value_is_passed_on(function, value):
    assert function(value) == value and type(function(value)) is type(value)


def test_one_seed_for_two_nodes():
    graph = (
        nodegraph.Graph()
        .add("seed", "Seed", value=5)
        .add("one", "PureNoise", size=4, seed=1)
        .add("two", "PureNoise", size=4, seed=2)
        .connect("seed.value -> one.seed")
        .connect("seed.value -> two.seed")
    )
    result = nodegraph.run(graph)
    assert result["one", "noisy"].x.equal(result["two", "noisy"].x)


def test_a_linked_value_is_checked_like_a_typed_one():
    graph = (
        nodegraph.Graph()
        .add("sigma", "Float", value=-3.0)
        .add("mask", "RectangleMask")
        .connect("sigma.value -> mask.feather")
    )
    with pytest.raises(nodegraph.NodegraphError, match="feather"):
        nodegraph.run(graph)


def test_whole_numbers_serve_as_decimal_ones():
    graph = (
        nodegraph.Graph()
        .add("four", "Integer", value=4)
        .add("mask", "RectangleMask", left=8, width=8)
        .connect("four.value -> mask.feather")
    )
    assert nodegraph.run(graph)["mask", "mask"].values[0, 0, 5, 7] == 0.375
