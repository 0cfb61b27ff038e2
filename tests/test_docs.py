"""What the course says is there: its links, pictures, examples and nodes exist, and its flags are taken."""

import re
from pathlib import Path

import pytest
from cli_calls import call

from nodegraph.checks import check
from nodegraph.cli.inputs import Assignment, own_inputs, with_assignments
from nodegraph.files import load
from nodegraph.plugins import load_plugins

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COURSE = (ROOT / "docs" / "diffusion.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", COURSE, re.MULTILINE | re.DOTALL))
EXAMPLES = sorted((ROOT / "examples").rglob("*.json"))
REGISTRY = load_plugins(only=["nodegraph"])

LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
FLAG = re.compile(r"--(\w+)\.(\w+)(?: (?!--)([\w.+]+))?")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_section = pytest.mark.parametrize("title", SECTIONS)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes them anchors."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text: str) -> str:
    """A page without what is not prose: code blocks, display formulas, code spans."""
    return re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@every_page
def test_formulas_are_such_as_github_renders(page: Path) -> None:
    """Between dollars a backslash before punctuation is taken by Markdown, and a bar or a `<` by tables and HTML."""
    for paragraph in without_code(page.read_text(encoding="utf-8")).split("\n\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
        for formula in re.findall(r"\$(.*?)\$", paragraph, re.DOTALL):
            assert formula and formula == formula.strip(), formula
            assert not re.search(r"\\[^A-Za-z]|[|<>]", formula), formula
        for before, after in re.findall(r"(\w?)\$[^$]*\$(\w?)", paragraph):
            assert not before and not after, paragraph


every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())


@every_example
def test_what_a_note_proposes_can_be_set_in_the_editor_as_on_the_command_line(example: Path) -> None:
    graph = load(example)
    text = " ".join(note["text"] for note in graph.canvas.get("notes", ()))
    assert "--" not in text
    places = {own.place for own in own_inputs(graph, REGISTRY)}
    branches = {node.inputs["branch"] for node in graph.nodes.values() if "branch" in node.inputs}
    for place in re.findall(r"[a-z]\w+\.[a-z]\w+", text.replace(".json", "")):
        assert place in places | branches, place
    for place, value in re.findall(r"(\w+\.\w+) = (IF pipeline|[\w.]*\w)", text):
        changed = with_assignments(graph, REGISTRY, [Assignment(place, value, False)])
        assert [problem for problem in check(changed, REGISTRY) if problem.kind == "error"] == []


@every_example
def test_every_example_has_its_place(example: Path) -> None:
    assert f"../{example.relative_to(ROOT).as_posix()})" in COURSE


def test_every_picture_is_made_by_an_example() -> None:
    graphs = [load(path) for path in EXAMPLES if path.parent.name == "examples"]
    made = {node.inputs["name"] for graph in graphs for node in graph.nodes.values() if node.type == "SaveImage"}
    assert {path.stem for path in (ROOT / "docs").glob("*.png")} <= made


def test_every_node_type_is_on_the_page() -> None:
    named = set(re.findall(r"`([A-Z]\w+)`", SECTIONS["18. Every node"]))
    assert named == set(REGISTRY.node_types)


def test_the_table_names_nodes() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", SECTIONS["18. Every node"], re.MULTILINE)
    assert len(rows) == len(set(rows)) and set(rows) <= set(REGISTRY.node_types)
    assert {spec.id for spec in REGISTRY.node_types.values() if spec.category == "Guidance"} <= set(rows)


@every_section
def test_the_contents_are_those_of_the_page(title: str) -> None:
    assert re.search(r"^\d+\. ", title), "sections are numbered"
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    assert f"](#{anchor})" in COURSE.partition("\n## ")[0]


def blocks(text: str) -> list[str]:
    """A page as its paragraphs, items of lists and lines of code."""
    return re.split(r"\n(?=\s*\n|\d+\. |- |\| |nodegraph )", text)


@every_page
def test_a_flag_stands_beside_the_graph_that_takes_it(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    own = tmp_path / "three.json"  # the graph that the README shows
    own.write_text("".join(re.findall(r"^```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)), encoding="utf-8")
    told = 0
    for block in blocks(text):
        names = re.findall(r"([\w/]+)\.(?:json|png)", block)
        shown = [name.split("examples/")[-1] for name in names]
        graphs = [own if name.endswith("three") else ROOT / "examples" / f"{name}.json" for name in shown]
        for node, port, value in FLAG.findall(block):
            told += 1
            assert graphs, f"which graph is meant? {block}"
            takers = [graph for graph in graphs if node in load(graph).nodes]
            assert takers, f"no node {node}: {block}"
            for graph in takers:
                result = call("run", graph, f"--{node}.{port}", value or "1", "--help")
                assert result.exit_code == 0, result.stderr
    assert told >= {"README.md": 5, "diffusion.md": 25}.get(page.name, 0)
