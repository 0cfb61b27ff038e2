"""`nodegraph new-plugin`: a folder with a plugin that works, as a start for one's own."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType

from .errors import PluginError
from .validation import shown

__all__ = ["new_plugin"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
TAKEN = frozenset({"nodes", "gui", "nodegraph"})  # nodegraph_nodes and nodegraph_gui are packages of ours

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "Nodes for Nodegraph."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["nodegraph[nodes]"]

[project.optional-dependencies]
dev = ["pytest"]

[project.entry-points.nodegraph]
$package = "$package.plugin"

[tool.hatch.build.targets.wheel]
packages = ["$package"]
"""

README = """\
# $distribution

A plugin for Nodegraph with one node, `$node`.

```
pip install -e .          # into the environment that Nodegraph is in
nodegraph nodes $node
python -m pytest
```

A node is a function in `$package/nodes.py`: its parameters are the inputs, its result is the output, its docstring is
the help. To add one, write another function there. `$package/plugin.py` tells Nodegraph which modules hold nodes.

What a node's inputs make wrong is told before a run where it can be: ranges by their types, and the rest, such as two
lists that do not go together, by a function named in `@node(..., foresee=...)`. It also passes on what is known of a
picture that is not made yet, so that the nodes behind it can tell whether it fits them.
"""

INIT = '''\
"""Nodes for Nodegraph."""
'''

PLUGIN = '''\
"""What this plugin brings. The entry point in pyproject.toml names this module."""

from nodegraph import hookimpl


@hookimpl
def nodegraph_node_types() -> list[str]:
    """The modules that hold nodes."""
    return ["$package.nodes"]
'''

NODES = '''\
"""The nodes. What takes long to import, such as torch, is imported inside the functions."""

from dataclasses import replace
from typing import Annotated

from nodegraph import Foresight, node
from nodegraph_nodes.types import Image
from pydantic import Field

Amount = Annotated[float, Field(ge=-1, le=1, description="-1 is black, 0 leaves the picture as it is, 1 is white")]


def foresee_brightness(known: Foresight) -> None:
    """Before a run: the result has the size of the picture, as far as that is known."""
    known.gives("image", known.of("image"))


@node("$node", category="$title", outputs="image", foresee=foresee_brightness)
def brightness(image: Image, amount: Amount = 0.2) -> Image:
    """Make a picture brighter or darker.

    Each pixel moves towards white, or towards black, by that part of its distance.
    """
    if image.space != "pixels":
        raise ValueError(f"the image is {image.space}, must be pixels")
    end = 1.0 if amount > 0 else -1.0  # pixels go from -1 to 1
    return replace(image, pixels=image.pixels + abs(amount) * (end - image.pixels))
'''

TEST = '''\
"""The node does what it says, and Nodegraph finds it."""

import torch
from nodegraph import load_plugins
from nodegraph_nodes.types import Image

from $package.nodes import brightness


def test_the_pixels_move_towards_white_or_black() -> None:
    pixels = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 1, 1, 3)
    for amount, moved in [(0.0, [-1, 0, 1]), (0.5, [0, 0.5, 1]), (-0.5, [-1, -0.5, 0]), (1.0, [1, 1, 1])]:
        assert brightness(Image(pixels), amount).pixels.flatten().tolist() == moved


def test_nodegraph_finds_the_node() -> None:
    registry = load_plugins()
    assert "$distribution" in registry.plugins
    assert registry.get("$node") is not None, registry.why_missing("$node")
    assert not [problem for problem in registry.problems if problem.startswith("$distribution")]
'''

FILES: Mapping[str, str] = MappingProxyType(
    {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        "$package/__init__.py": INIT,
        "$package/plugin.py": PLUGIN,
        "$package/nodes.py": NODES,
        "tests/test_nodes.py": TEST,
    }
)


def new_plugin(name: str, folder: Path | str = ".") -> Path:
    """Write the folder `nodegraph-<name>` with a plugin of one node, its test and what pip needs.

    Raises PluginError, and writes nothing, when the name cannot be one or the folder is there already.

    Returns:
        The new folder.
    """
    name = name.removeprefix("nodegraph-")
    if not NAME.fullmatch(name) or len(name) > 40 or name.lower() in TAKEN:
        raise PluginError(
            f"the name is {shown(name)}, must start with a letter and have at most 40 letters, digits and single "
            f"hyphens, and not be {', '.join(sorted(TAKEN))}"
        )
    words = name.lower().split("-")
    target = Path(folder) / f"nodegraph-{name.lower()}"
    filling = {
        "distribution": target.name,
        "package": "_".join(["nodegraph", *words]),
        "node": "".join(word.capitalize() for word in words) + "Brightness",
        "title": " ".join(words).capitalize(),
    }
    if target.exists() or target.is_symlink():
        raise PluginError(f"{target} is there already; take another name, or move it away")
    try:
        write_whole(target, {fill(path, filling): fill(text, filling) for path, text in FILES.items()})
    except OSError as error:
        raise PluginError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def fill(template: str, filling: Mapping[str, str]) -> str:
    return Template(template).substitute(filling)


def write_whole(target: Path, files: Mapping[str, str]) -> None:
    """Write beside the target and rename, so that a failure leaves nothing that looks like a plugin."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-plugin-", dir=target.parent) as beside:
        made = Path(beside, target.name)
        for path, text in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        made.rename(target)
