"""Search finds what a user types in a hurry, and puts what is used often first."""

import json
import time

import pytest

import nodegraph
from nodegraph_gui import edits
from nodegraph_gui.searching import find_kinds, score, search_graph
from nodegraph_gui.usage import Usage


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("unet", "UNetMNIST"),
        ("mnist", "UNetMNIST"),
        ("cfg", "CFGCombine"),
        ("cfgc", "CFGCombine"),
        ("iter", "IterativeSampler"),
        ("is", "IterativeSampler"),
        ("load image", "LoadImage"),
        ("image load", "LoadImage"),
        ("li", "LoadImage"),
        ("si", "SaveImage"),
        ("fa", "FlipAverage"),
        ("ifs2", "IFStage2"),
        ("seed", "Seed"),
        ("blur", "GaussianBlur"),
        ("anagram", "FlipAverage"),
    ],
)
def test_kinds_are_found_by_a_few_letters(catalogue, query, kind):
    found = [each.id for each in find_kinds(catalogue, query)]
    assert kind in found[: 1 if query not in ("mnist", "is", "anagram", "si", "li", "fa") else 4]


def test_no_letters_find_all_and_nonsense_finds_none(catalogue):
    assert [kind.id for kind in find_kinds(catalogue, " ")] == list(catalogue.kinds)
    assert find_kinds(catalogue, "qqxyz") == []
    assert len(find_kinds(catalogue, "", most=5)) == 5


def test_letters_come_in_order_and_starts_of_words_count_most():
    assert score("abc", "cba") is None and score("", "x") == 0
    assert score("cc", "CFGCombine") > score("cc", "Accident")
    assert score("im", "ImageGrid") > score("im", "Dim")
    assert score("ABC", "a-b-c") == score("abc", "a-b-c")
    assert score("aab", "ab") is None
    assert score("ß", "straße") is not None


def test_a_search_takes_no_time(catalogue):
    start = time.perf_counter()
    for query in ("i", "im", "ima", "imag", "image"):
        find_kinds(catalogue, query)
    assert time.perf_counter() - start < 0.25


def test_what_is_used_often_and_lately_comes_first(catalogue, tmp_path):
    usage = Usage(tmp_path / "deep" / "usage.json")
    assert [kind.id for kind in find_kinds(catalogue, "", usage.weight)] == list(catalogue.kinds)
    for kind in ("Crop", "Pad", "Pad", "Resize"):
        usage.add(kind)
    assert usage.counts == {"Crop": 1, "Pad": 2, "Resize": 1} and usage.recent == ["Resize", "Pad", "Crop"]
    found = [kind.id for kind in find_kinds(catalogue, "", Usage(usage.path).weight)]
    assert set(found[:3]) == {"Pad", "Resize", "Crop"} and found[2] == "Crop"
    assert next(kind.id for kind in find_kinds(catalogue, "cfgc", usage.weight)) == "CFGCombine"


def test_windows_count_together(tmp_path):
    one, two = Usage(tmp_path / "u.json"), Usage(tmp_path / "u.json")
    one.add("A")
    two.add("A")
    assert Usage(tmp_path / "u.json").counts == {"A": 2}


@pytest.mark.parametrize(
    "text", ["", "[", "[]", '{"counts": 3, "recent": []}', '{"counts": {"A": "x"}, "recent": [3]}']
)
def test_a_corrupt_file_counts_for_nothing(tmp_path, text):
    path = tmp_path / "u.json"
    path.write_text(text)
    usage = Usage(path)
    assert usage.counts == {} and usage.recent == []
    usage.add("B")
    assert json.loads(path.read_text())["counts"] == {"B": 1}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    usage = Usage(tmp_path / "file" / "u.json")
    usage.add("A")
    usage.add("A")
    assert usage.counts == {"A": 2}


def test_a_graph_is_searched_by_id_title_type_value_and_note(catalogue):
    graph = edits.arrange(nodegraph.load("examples/anagram.json"), catalogue)
    graph = edits.set_title(edits.add_frame(graph, ["six"], title="Upright half"), "both", "The anagram")
    first = [(hit.kind, hit.key, hit.where) for hit in search_graph(graph, "ANAGRAM")]
    assert first == [("node", "both", "title"), ("node", "save", "name"), ("note", 0, "text")]
    assert [hit.key for hit in search_graph(graph, "cfg")] == ["guide6", "guide9"]
    assert search_graph(graph, "rotate_180")[0][1:] == ("both", "view", "rotate_180")
    assert [hit.kind for hit in search_graph(graph, "half")] == ["frame"]
    assert [hit.key for hit in search_graph(graph, "unet 9")] == ["nine"]
    assert search_graph(graph, " ") == [] and search_graph(graph, "zebra") == []
    assert len(search_graph(graph, "e", most=3)) == 3
