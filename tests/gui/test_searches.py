"""Finding nodes by a few letters, and what was used coming first."""

import pytest

from nodegraph import Graph, Node
from nodegraph_gui.searches import find_kinds, find_nodes, match
from nodegraph_gui.uses import Uses


def found(catalogue, query, weights=None):
    return [kind.id for kind in find_kinds(query, catalogue.kinds.values(), weights)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("cfg", "CFGCombine"),
        ("CFGC", "CFGCombine"),
        ("itsam", "IterativeSampler"),
        ("it sam", "IterativeSampler"),
        ("mnist", "UNetMNIST"),
        ("unet mnist", "UNetMNIST"),
        ("purenoise", "PureNoise"),
        ("pnoise", "PureNoise"),
        ("save im", "SaveImage"),
        ("loadi", "LoadImage"),
    ],
)
def test_a_few_letters_find_what_is_meant(catalogue, query, wanted):
    assert found(catalogue, query)[0] == wanted


def test_the_whole_name_is_first_for_every_kind(catalogue):
    assert {kind: found(catalogue, kind)[0] for kind in catalogue.kinds} == {kind: kind for kind in catalogue.kinds}


def test_each_kind_that_is_found_holds_the_letters_or_the_word(catalogue):
    for query in ("noise", "xyz", "sa"):
        for kind in find_kinds(query, catalogue.kinds.values()):
            aside = f"{kind.category} {kind.summary}".casefold()
            assert match(query, kind.id) is not None or query in aside


def test_letters_must_come_in_order_and_all():
    assert match("abc", "a_b_c") is not None
    assert match("abc", "acb") is None
    assert match("aa", "a") is None
    assert match("", "anything") == 0.0


def test_words_and_runs_count_more_than_scattered_letters():
    assert match("no", "PureNoise") > match("no", "PaintOver")
    assert match("sampler", "Sampler") > match("sampler", "IterativeSampler") > match("sampler", "Sxaxmxpxlxexr")


def test_nothing_typed_lists_all_and_the_most_used_first(catalogue):
    everything = list(catalogue.kinds)
    assert found(catalogue, "") == everything
    uses = Uses()
    for kind in ("SaveImage", "CFGCombine", "CFGCombine"):
        uses.note(kind)
    listed = found(catalogue, "", uses.weights)
    assert listed[:2] == ["CFGCombine", "SaveImage"]
    assert sorted(listed) == sorted(everything)


def test_use_decides_between_equals_but_does_not_bury_what_was_typed(catalogue):
    uses = Uses(["CFGCombine"] * 100)
    assert found(catalogue, "saveimage", uses.weights)[0] == "SaveImage"


def test_uses_fade_are_kept_and_forget_the_oldest():
    uses = Uses(["Old"] * 3 + ["New"] * 2 + [None, 7])
    weights = uses.weights
    assert weights["New"] == pytest.approx(1 + 0.95)
    assert weights["Old"] == pytest.approx(0.95**2 + 0.95**3 + 0.95**4)
    assert Uses(uses.to_json()).weights == weights
    for _ in range(300):
        uses.note("New")
    assert len(uses.to_json()) == 200
    assert "Old" not in uses.weights


def test_a_node_is_found_by_title_id_type_category_or_what_was_typed_into_it(catalogue):
    graph = Graph(
        nodes={
            "a": Node(type="PureNoise"),
            "b": Node(type="SaveImage", inputs={"name": "Seven"}),
            "c": Node(type="CFGCombine", title="Guide the digit"),
        }
    )
    assert find_nodes("noise", graph, catalogue) == ["a"]
    assert find_nodes("SEVEN", graph, catalogue) == ["b"]
    assert find_nodes("guide", graph, catalogue) == ["c"]
    assert find_nodes("  ", graph, catalogue) == []
    assert find_nodes("nothing of the kind", graph, catalogue) == []
