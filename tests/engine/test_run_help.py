"""`nodegraph run FILE --help`: a graph tells its own inputs, and takes each as a flag."""

import json
from pathlib import Path
from typing import Literal

import pytest
import toys
from cli_calls import call, graph_file

from nodegraph import node
from nodegraph.cli.inputs import own_inputs
from nodegraph.cli.run import split_flags
from nodegraph.files import load
from nodegraph.registry import Registry


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Path:
    """Work in an empty folder, with the toy nodes, on a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setattr("nodegraph.plugins.load_plugins", lambda: registry)
    return tmp_path


@pytest.fixture
def graph(here: Path) -> Path:
    nodes = {
        "two": ("Number", {"value": 2}),
        "product": ("Multiply", {"scale": 3}),
        "pick": ("Choose", {"speed": "exact"}),
        "sum": ("Sum", {"numbers": [1, 2]}),
        "box": "OpenBox",
    }
    notes = {"notes": [{"text": "Multiplies.\x1b[31m", "position": [0, 0]}, {"text": "A second note."}, {"odd": 1}]}
    return graph_file(here / "g.json", nodes, ["two.value -> product.value"], canvas=notes)


def line_of(page: str, flag: str) -> str:
    return next(line for line in page.splitlines() if line.strip().startswith(flag))


def test_each_input_has_its_type_range_value_and_help(graph: Path) -> None:
    result = call("run", graph, "--help")
    assert result.exit_code == 0, result.stderr
    page = result.stdout
    assert page.index("Multiplies.") < page.index("A second note.") < page.index("product (Multiply)")
    assert "\x1b" not in page
    assert line_of(page, "--product.scale FLOAT").endswith("a factor  [now 3, default 2.0, -30 to 30]")
    assert line_of(page, "--two.value FLOAT").endswith("any number  [now 2, default 1.0]")
    assert line_of(page, "--pick.method [ddpm|ddim]").endswith("one of two  [default 'ddpm']")
    assert "[now 'exact', default 'fast']" in line_of(page, "--pick.speed [fast|exact]")
    assert "[now [1, 2], required]" in line_of(page, "--sum.numbers FLOAT...")
    assert "--out" in page and "--device" in page


def test_choices_that_could_be_misread_are_quoted(here: Path, registry: Registry) -> None:
    @node("Split", category="Toys", outputs="name")
    def split(by: Literal["low, high", "grey, colour"] = "low, high", variant: Literal["fp16", ""] = "") -> str:
        """Split."""
        return by + variant

    registry.add(split)
    page = call("run", graph_file(here / "s.json", {"a": "Split"}), "--help").stdout
    assert line_of(page, "--a.by CHOICE").endswith("[default 'low, high', one of 'low, high', 'grey, colour']")
    assert line_of(page, "--a.variant CHOICE").endswith("[default '', one of 'fp16', '']")
    assert "one of 'low, high', 'grey, colour'" in call("nodes", "Split").stdout
    told = call("run", here / "s.json", "--a.by", "low")
    assert told.exit_code == 2 and "is 'low', must be one of 'low, high', 'grey, colour'" in told.stderr


def test_what_is_linked_or_no_data_is_no_flag(graph: Path, registry: Registry) -> None:
    assert "--product.value" not in call("run", graph, "--help").stdout
    places = [own.place for own in own_inputs(load(graph), registry)]
    assert places == ["two.value", "product.scale", "pick.method", "pick.speed", "pick.twice", "sum.numbers"]


def test_every_flag_that_is_listed_is_taken(graph: Path, registry: Registry) -> None:
    values = {"value": "1", "scale": "2", "method": "ddim", "speed": "fast", "twice": "yes", "numbers": "1,2"}
    for own in own_inputs(load(graph), registry):
        assert call("run", graph, f"--{own.place}", values[own.spec.name], "--help").exit_code == 0


def test_help_shows_the_values_of_this_call(graph: Path) -> None:
    page = call("run", graph, "--product.scale", "7", "--set", "two.value=5", "--help").stdout
    assert "[now 7, " in line_of(page, "--product.scale") and "[now 5, " in line_of(page, "--two.value")


def test_help_runs_nothing_and_needs_no_faultless_graph(here: Path) -> None:
    file = graph_file(here / "g.json", {"a": ("Multiply", {"scale": 99}), "b": "Nowhere"})
    result = call("run", file, "-h")
    assert result.exit_code == 0 and toys.calls == []
    assert "[now 99, default 2.0, -30 to 30]" in line_of(result.stdout, "--a.scale")
    assert "Not installed, so that their inputs are unknown: Nowhere" in result.stdout


CANVASES = [{}, {"notes": 5}, {"notes": None}, {"notes": "one"}, {"notes": {"n1": {"text": "x"}}}]


@pytest.mark.parametrize("canvas", CANVASES)
def test_a_canvas_of_any_kind(here: Path, canvas: object) -> None:
    assert call("run", graph_file(here / "g.json", {"a": "Number"}, canvas=canvas), "--help").exit_code == 0


def test_help_without_a_file_tells_how() -> None:
    result = call("run", "--help")
    assert result.exit_code == 0 and "--sample.steps 20" in result.stdout and "--no-metadata" in result.stdout


def test_a_switch_needs_no_value(graph: Path) -> None:
    page = call("run", graph, "--pick.twice", "--product.scale", "1", "--help").stdout
    assert "[now true, default false]" in line_of(page, "--pick.twice")


def test_flags_are_told_from_options() -> None:
    args = ["g.json", "--a.b", "-3", "--out", "x.y", "--c-d.e=f=g", "--h.i", "--only", "n", "--", "--j.k"]
    rest, flags = split_flags(args)
    assert rest == ["g.json", "--out", "x.y", "--only", "n", "--", "--j.k"]
    assert flags == [("a.b", "-3"), ("c-d.e", "f=g"), ("h.i", None)]


def test_a_picture_that_carries_a_graph_is_a_file_like_any(graph: Path, here: Path) -> None:
    from nodegraph.png import embed

    empty = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
    )
    (here / "p.png").write_bytes(embed(empty, graph.read_text()))
    assert "--product.scale" in call("run", "p.png", "--help").stdout
    assert call("check", "p.png").exit_code == 2  # OpenBox has no box
    assert call("run", "p.png", "--only", "product").exit_code == 0
    assert toys.calls == ["Number", "Multiply"]


def test_a_picture_that_carries_none(here: Path) -> None:
    (here / "p.png").write_bytes(bytes.fromhex("89504e470d0a1a0a"))
    result = call("run", "p.png", "--help")
    assert result.exit_code == 2 and "p.png" in result.stderr


def test_the_file_itself_is_not_changed(graph: Path) -> None:
    before = graph.read_text()
    call("run", graph, "--product.scale", "7", "--only", "product")
    assert graph.read_text() == before and json.loads(before)
