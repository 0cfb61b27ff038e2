"""`new_plugin` writes a plugin whose files parse, and refuses what it cannot make."""

import ast
import os
import tomllib
from pathlib import Path

import pytest

from nodegraph.errors import PluginError
from nodegraph.scaffold import new_plugin


def test_what_a_new_plugin_holds(tmp_path: Path) -> None:
    made = new_plugin("Sepia-Tone2", tmp_path)
    assert made == tmp_path / "nodegraph-sepia-tone2"
    assert sorted(str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()) == [
        "README.md",
        "nodegraph_sepia_tone2/__init__.py",
        "nodegraph_sepia_tone2/nodes.py",
        "nodegraph_sepia_tone2/plugin.py",
        "pyproject.toml",
        "tests/test_nodes.py",
    ]
    project = tomllib.loads((made / "pyproject.toml").read_text())
    assert project["project"]["name"] == "nodegraph-sepia-tone2"
    assert project["project"]["entry-points"]["nodegraph"] == {"nodegraph_sepia_tone2": "nodegraph_sepia_tone2.plugin"}
    for file in made.rglob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text())), file
    assert "SepiaTone2Brightness" in (made / "README.md").read_text()
    assert not any("$" in file.read_text() for file in made.rglob("*") if file.is_file())
    assert list(tmp_path.iterdir()) == [made], "nothing else is left"


def test_the_prefix_may_be_given_and_the_parent_is_made(tmp_path: Path) -> None:
    assert new_plugin("nodegraph-sepia", str(tmp_path / "a" / "b")) == tmp_path / "a" / "b" / "nodegraph-sepia"


@pytest.mark.parametrize(
    "name",
    ["", "3d", "a b", "../up", "a/b", "a_b", "-a", "a-", "a--b", "ä", "a\n", "x" * 41, "nodes", "GUI", "nodegraph"],
)
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match=r"the name is .*must start with a letter"):
        new_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling"])
def test_what_is_there_already_is_kept(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "nodegraph-sepia"
    if kind == "folder":
        there.mkdir()
    elif kind == "file":
        there.write_text("mine")
    else:
        there.symlink_to(tmp_path / "nowhere")
    with pytest.raises(PluginError, match="nodegraph-sepia is there already"):
        new_plugin("sepia", tmp_path)
    assert list(tmp_path.iterdir()) == [there]
    assert kind != "file" or there.read_text() == "mine"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write_text = Path.write_text

    def fails_at_the_third(self: Path, text: str, **said: str) -> int:
        written.append(str(self))
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return write_text(self, text, **said)

    monkeypatch.setattr(Path, "write_text", fails_at_the_third)
    with pytest.raises(PluginError, match="nodegraph-sepia cannot be written: No space left on device"):
        new_plugin("sepia", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PluginError, match="cannot be written: Permission denied"):
        new_plugin("sepia", tmp_path)


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PluginError, match="cannot be written: "):
        new_plugin("sepia", tmp_path / "file")
