"""What the README shows is true: its graph is faultless, its flags are taken, its node is one, its commands exist."""

import re
from pathlib import Path

import pytest
from cli_calls import call

from nodegraph.checks import check
from nodegraph.cli.program import program
from nodegraph.files import loads
from nodegraph.plugins import load_plugins
from nodegraph.signatures import read_spec

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GRAPH = next(re.finditer(r"```json\n(.*?)```", README, re.DOTALL))[1]


def test_the_first_graph_has_no_problem() -> None:
    assert check(loads(GRAPH), load_plugins()) == []


def test_the_flags_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("three.json").write_text(GRAPH)
    lines = re.findall(r"^nodegraph (run three\.json --.*?)(?:  .*)?$", README, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        result = call(*line.split(), "--help")
        assert result.exit_code == 0, result.stderr


def test_the_commands_exist() -> None:
    assert set(re.findall(r"^nodegraph ([a-z-]+)", README, re.MULTILINE)) <= set(program.commands)


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_node_is_one() -> None:
    code = next(text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "@node" in text)
    scope: dict[str, object] = {}
    exec(code, scope)
    spec = read_spec(scope["invert"], "readme")  # type: ignore[arg-type]
    assert spec.id == "Invert" and [port.name for port in spec.inputs] == ["image", "strength"]


def test_nothing_that_is_named_is_missing() -> None:
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / path).exists(), path
