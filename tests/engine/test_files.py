"""Graph files: one canonical text, and an error with its place for whatever is no graph."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodegraph import files, png
from nodegraph.errors import GraphFileError, OutputError
from nodegraph.files import dumps, load, loads, save
from nodegraph.graphs import Graph, Link, Node

TEXT = """{
  "nodegraph": 1,
  "nodes": {
    "noise": {"type": "PureNoise", "inputs": {"seed": 7}},
    "three": {"type": "UNetMNIST", "inputs": {"digit": "3"}, "title": "die Drei: ③ \\"3\\""},
    "guide": {"type": "CFGCombine", "inputs": {"scale": 3.0, "limits": [0, -0.0, 1e-07], "old": null}},
    "sum": {"type": "Mix", "mode": "bypass", "plugin": "nodegraph-mix", "version": 3}
  },
  "links": [
    "three.denoiser -> guide.conditional",
    "guide.denoiser -> sum.parts[0]"
  ],
  "canvas": {"positions": {"noise": [0, 0]}, "notes": [{"text": "a line\\nand another"}]},
  "made_with": {"nodegraph": "0.1.0"}
}
"""

EXAMPLES = Path(__file__).parents[2] / "examples"

labels = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, labels),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(labels, inner, max_size=4)),
    max_leaves=6,
)
ids = st.text("aZ09_-", min_size=1, max_size=64)
ports = st.sampled_from(["a", "denoiser", "_x1"])
nodes = st.builds(
    Node,
    type=st.sampled_from(["X", "a type, of others"]),
    inputs=st.dictionaries(labels, values, max_size=4),
    mode=st.sampled_from([None, "mute", "bypass"]),
    title=st.one_of(st.none(), labels),
    plugin=st.sampled_from([None, "nodegraph-text", "a"]),
    version=st.integers(1, 1_000_000),
)
links = st.builds(
    Link, source=ids, output=ports, target=ids, input=ports, index=st.one_of(st.none(), st.integers(0, 99_999))
)
graphs = st.builds(
    Graph,
    nodes=st.dictionaries(ids, nodes, max_size=3),
    links=st.lists(links, max_size=5),
    canvas=st.dictionaries(labels, values, max_size=3),
    made_with=st.dictionaries(labels, labels, max_size=2),
)


def test_the_text_of_a_graph():
    assert dumps(loads(TEXT)) == TEXT
    assert loads(TEXT.encode()) == loads("\ufeff" + TEXT.replace("\n", "\r\n")) == loads(TEXT)
    assert dumps(Graph()) == '{\n  "nodegraph": 1,\n  "nodes": {},\n  "links": []\n}\n'


@settings(max_examples=100, deadline=None)
@given(graphs)
def test_what_was_written_is_read_again(graph):
    text = dumps(graph)
    assert loads(text) == graph
    assert dumps(loads(text)) == text


def test_a_large_canvas_takes_a_line_for_each_entry():
    positions = {f"node_{number}": [number, number] for number in range(20)}
    text = dumps(Graph().with_canvas({"zoom": 1.5, "positions": positions}))
    assert '\n  "canvas": {\n    "zoom": 1.5,\n    "positions": {\n      "node_0": [0, 0],\n' in text
    assert '\n      "node_19": [19, 19]\n    }\n  }\n}\n' in text
    assert dumps(loads(text)) == text


def test_values_are_kept_as_they_were_written():
    graph = loads('{"nodegraph": 1, "nodes": {"a": {"type": "X", "inputs": {"a": 3, "b": 3.0, "c": true}}}}')
    assert '"inputs": {"a": 3, "b": 3.0, "c": true}' in dumps(graph)


def test_a_file_that_was_not_edited_is_saved_without_a_changed_byte(tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(TEXT.encode())
    save(load(path), path)
    assert path.read_bytes() == TEXT.encode()
    assert load(path).folder == tmp_path


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_are_as_they_would_be_saved(path):
    assert dumps(load(path)) == path.read_text()


def test_a_picture_is_loaded_as_the_graph_that_it_carries(tmp_path, pixel):
    path = tmp_path / "picture.png"
    path.write_bytes(png.embed(pixel, TEXT))
    assert load(path) == loads(TEXT)
    path.write_bytes(pixel)
    with pytest.raises(GraphFileError, match="carries no graph"):
        load(path)
    path.write_bytes(pixel[:20])
    with pytest.raises(GraphFileError, match="cut short"):
        load(path)
    with pytest.raises(OutputError, match="is the name of a picture"):
        save(Graph(), path)


def test_what_is_no_file_to_load(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path / "absent.json", "is not there"),
        (tmp_path, "is no regular file"),
        (tmp_path / "pipe", "is no regular file"),
        (Path("/dev/zero"), "is no regular file"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(GraphFileError, match=message):
            load(path)


def node(text: str) -> str:
    return f'{{"nodegraph": 1, "nodes": {{"guide": {text}}}}}'


def inputs(text: str) -> str:
    return node(f'{{"type": "X", "inputs": {text}}}')


def top(text: str) -> str:
    return f'{{"nodegraph": 1, "nodes": {{}}, {text}}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (b"\xff\xfe{", "byte 0: the file is no UTF-8 text"),
        ("\ud800", "the file is no UTF-8 text"),
        ("{\n  nodes", "line 2, column 3: is no JSON: expecting property name enclosed in double quotes"),
        ("[]", "the file is [], must be an object in { }"),
        ("{}", 'nodegraph: is missing; a graph is like {"nodegraph": 1, "nodes": {}}'),
        ('{"nodegraph": true}', "nodegraph: is true, must be the version of the file, 1"),
        ('{"nodegraph": 2}', "nodegraph: is 2, known is 1; the file needs a newer Nodegraph"),
        ('{"nodegraph": 1}', "nodes: is missing"),
        ('{"nodegraph": 1, "nodes": []}', "nodes: is [], must be an object in { }"),
        (top('"groups": {}'), "groups: is there; the file needs a newer Nodegraph"),
        (top('"link": []'), "link: is no known key; did you mean 'links'?"),
        (top('"links": ["a.b -> c"]'), "links[0]: is 'a.b -> c', must be like 'node.output -> node.input'"),
        (top('"links": [3]'), "links[0]: is 3, must be like 'node.output -> node.input'"),
        (top('"links": {}'), "links: is {}, must be a list in [ ]"),
        (top('"canvas": 3'), "canvas: is 3, must be an object in { }"),
        (top('"made_with": {"nodegraph": 1}'), "made_with: has a version that is no text"),
        ('{"nodegraph": 1, "nodes": {"a.b": {"type": "X"}}}', "nodes: has the id 'a.b', must be 1 to 64 of"),
        (node("3"), "nodes.guide: is 3, must be an object in { }"),
        (node("{}"), "nodes.guide.type: is missing"),
        (node('{"typ": "X"}'), "nodes.guide.typ: is no known key; did you mean 'type'?"),
        (node('{"type": "X", "zzz": 1}'), "nodes.guide.zzz: is no known key; known are type, inputs, mode"),
        (node('{"type": ""}'), "nodes.guide.type: is '', must be a name of 1 to 200 letters"),
        (node('{"type": "group:faces"}'), "nodes.guide.type: is 'group:faces', which needs a newer Nodegraph"),
        (node('{"type": "X", "mode": "off"}'), "nodes.guide.mode: is 'off', must be 'mute' or 'bypass'"),
        (node('{"type": "X", "title": 3}'), "nodes.guide.title: is 3, must be text"),
        (node('{"type": "X", "plugin": "a b"}'), "nodes.guide.plugin: is 'a b', must be the name of a pip package"),
        (node('{"type": "X", "version": 0}'), "nodes.guide.version: is 0, must be at least 1"),
        (node('{"type": "X", "version": true}'), "nodes.guide.version: is true, must be a whole number"),
        (inputs("[]"), "nodes.guide.inputs: is [], must be an object in { }"),
        (inputs('{"a": [1, NaN]}'), "nodes.guide.inputs.a[1]: is NaN, must be a finite number"),
        (inputs('{"a": -Infinity}'), "nodes.guide.inputs.a: is -Infinity, must be a finite number"),
        (inputs('{"a": 1e999}'), "nodes.guide.inputs.a: is '1e999', which is too large a number"),
        (inputs('{"a": {"b": 1, "b": 2}}'), "nodes.guide.inputs.a: has the key 'b' twice"),
        (inputs('{"a": 1, "a": 1}'), "nodes.guide.inputs: has the key 'a' twice"),
        (inputs('{"a": "x\\ud800"}'), "nodes.guide.inputs: is 'x\\ud800', which holds half of a surrogate pair"),
        (inputs('{"\\udc00": 1}'), "nodes.guide.inputs: is '\\udc00', which holds half of a surrogate pair"),
        (inputs(f'{{"a": {"9" * 5000}}}'), "the file holds a whole number of thousands of digits"),
        ("[" * 65 + "]" * 65, "the file is nested deeper than 64 levels"),
        ('{"a":' * 100_000, "the file is nested deeper than 64 levels"),
        ("[" + "[]," * 1_000_001 + "[]]", "the file holds more than 1,000,000 lists and objects"),
        (" " * (16 * 1024 * 1024 + 1), "the file is larger than 16 MB"),
        (top('"links": [' + '"a.b->c.d",' * 400_000 + '"a.b->c.d"]'), "links: has 400,001 links, must have at most"),
    ],
    ids=lambda part: None if not isinstance(part, str) or len(part) > 100 else part,
)
def test_a_wrong_structure_is_named_with_its_place(text, message):
    with pytest.raises(GraphFileError) as caught:
        loads(text)
    assert message in str(caught.value)


def test_as_deep_and_as_many_as_allowed():
    deep = inputs('{"a": ' + "[" * 60 + "]" * 60 + "}")
    assert loads(dumps(loads(deep))) == loads(deep)
    assert loads(inputs('{"a": "' + "[" * 100 + '\\""}')).nodes["guide"].inputs["a"] == "[" * 100 + '"'
    many = {"nodegraph": 1, "nodes": {f"n{number}": {"type": "X"} for number in range(100_001)}}
    with pytest.raises(GraphFileError, match="has 100,001 nodes, must have at most 100,000"):
        loads(json.dumps(many))
    del many["nodes"]["n0"]
    assert len(loads(json.dumps(many)).nodes) == 100_000


def test_what_could_not_be_read_again_is_not_written(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    with pytest.raises(GraphFileError, match="could not be read again"):
        dumps(Graph().add("a", "Text", text="é" * 600))
