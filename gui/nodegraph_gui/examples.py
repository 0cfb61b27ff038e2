"""The examples that come along, with their pictures: beside the package when it is installed, else in the checkout.

A wheel carries them (see `sources` in pyproject.toml). No Qt here, and no graph is checked before it is opened.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["Example", "course", "find_examples"]

HERE = Path(__file__).resolve().parent
TITLES: Mapping[str, str] = MappingProxyType(
    {  # in the order in which they are shown; others follow by name
        "digits": "Digits",
        "anagram": "Visual anagram",
        "hybrid": "Hybrid image",
        "guidance": "Guidance",
        "denoising": "Denoising",
        "forward": "The forward process",
        "trajectory": "The way of a sampler",
        "inside": "Inside the step",
        "sdedit": "From a scribble",
        "inpainting": "Inpainting",
        "region": "Two digits in one",
        "panorama": "Panorama",
        "train_mnist": "Train the network",
        "methods": "Sampling methods",
        "composing": "And, not",
        "limits": "Taming guidance",
        "inversion": "Inversion",
        "references": "Keeping the structure",
        "inpainting_modes": "Five ways to inpaint",
        "views": "Views of an anagram",
        "schedules": "Noise schedules",
        "exact_gaussian": "Without a network",
    }
)


@dataclass(frozen=True)
class Example:
    """A graph that comes along.

    Attributes:
        text: what it shows, from its first note.
        picture: what it draws; None where that takes weights that do not come along.
    """

    file: Path
    title: str
    text: str
    picture: Path | None = None


def home() -> Path:
    """What holds `examples` and `docs`: a folder of this package in a wheel, else the checkout."""
    shipped = HERE / "shipped"
    return shipped if shipped.is_dir() else HERE.parent.parent


def find_examples() -> tuple[list[Example], list[Example]]:
    """The examples that run at once, and those that need the weights of DeepFloyd IF."""
    folder, pictures = home() / "examples", home() / "docs"
    order = list(TITLES)
    files = sorted(
        folder.glob("*.json"), key=lambda file: order.index(file.stem) if file.stem in TITLES else len(order)
    )
    at_once = [read_example(file, pictures) for file in files]
    return at_once, [read_example(file, None) for file in sorted((folder / "if").glob("*.json"))]


def course() -> Path | None:
    """The course to the nodes, in Markdown."""
    found = home() / "docs" / "diffusion.md"
    return found if found.is_file() else None


def read_example(file: Path, pictures: Path | None) -> Example:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    title = TITLES.get(file.stem) or file.stem.replace("_", " ").capitalize()
    names = [file.stem, *reversed(saved_names(document))]
    drawn = [] if pictures is None else [pictures / f"{name}.png" for name in names]
    return Example(file, title, first_note(document), next((path for path in drawn if path.is_file()), None))


def saved_names(document: Any) -> list[str]:
    """The names under which a graph saves pictures; of a file that anyone may have edited."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    inputs = (
        [node.get("inputs") for node in nodes.values() if isinstance(node, dict)] if isinstance(nodes, dict) else []
    )
    found = [each.get("name") for each in inputs if isinstance(each, dict)]
    return [name for name in found if isinstance(name, str) and re.fullmatch(r"[\w-]+", name)]


def first_note(document: Any) -> str:
    canvas = document.get("canvas") if isinstance(document, dict) else None
    notes = canvas.get("notes") if isinstance(canvas, dict) else None
    for note in notes if isinstance(notes, list) else ():
        if isinstance(note, dict) and isinstance(note.get("text"), str):
            return str(note["text"])
    return ""
