"""What the user prefers, in a JSON file in the user's folder for settings. No Qt here.

A setting that is wrong is left at its default and told; a file that cannot be read is put aside, never written over.
"""

import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nodegraph.errors import OutputError
from nodegraph.writing import write_atomically

__all__ = ["Preferences", "config_folder", "read_preferences", "write_preferences"]

FILE = "preferences.json"
THEMES = ("dark", "light")
SOONEST, LATEST = 0.1, 60.0


def config_folder() -> Path:
    """Where settings are kept: ~/.config/nodegraph on Linux; $NODEGRAPH_CONFIG names another folder."""
    from platformdirs import user_config_path

    named = os.environ.get("NODEGRAPH_CONFIG")
    return Path(named) if named else user_config_path("nodegraph", appauthor=False)


@dataclass(frozen=True)
class Preferences:
    """The settings of the editor.

    Attributes:
        worker: the command that starts a worker, as a shell would take it, such as "ssh gpu-box nodegraph worker";
            "" is the Nodegraph that the editor belongs to.
        shares_files: whether the worker sees the files of this machine under the same names.
        device: where networks run: auto, cpu, cuda:0 or mps.
        output: the folder for what a run writes, relative to the graph's file.
        metadata: whether pictures carry the graph that made them.
        theme: "dark" or "light".
        snap: whether what is moved snaps to the grid.
        autosave: seconds from an edit to its recovery file.
        others: settings that this version does not know; they are kept.
    """

    worker: str = ""
    shares_files: bool = True
    device: str = "auto"
    output: str = "output"
    metadata: bool = True
    theme: str = "dark"
    snap: bool = True
    autosave: float = 0.5
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """The worker's command, word by word."""
        if not self.worker.strip():
            return [sys.executable, "-m", "nodegraph", "worker"]
        return split_command(self.worker)

    def changed(self, **settings: Any) -> "Preferences":
        """These with some settings changed; ValueError names the one that may not be so."""
        for name, value in settings.items():
            why = why_wrong(name, value)
            if why:
                raise ValueError(f"{name} {why}")
        return replace(self, **settings)

    def output_folder(self, file: Path | None) -> Path:
        """Where a run of the graph in `file` writes; beside it, or below the working directory when it has none."""
        return (Path.cwd() if file is None else file.parent) / Path(self.output).expanduser()


def split_command(text: str) -> list[str]:
    """The words of a command as the system's shell would see them; ValueError when a quote is not closed."""
    if os.name == "posix":
        return shlex.split(text)
    return [word[1:-1] if word[:1] == word[-1:] == '"' and len(word) > 1 else word for word in shlex.split(text, False)]


def read_preferences(folder: Path) -> tuple[Preferences, list[str]]:
    """The settings in a folder, and what was wrong with them, a line each."""
    file = folder / FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it holds no object in { }")
    except FileNotFoundError:
        return Preferences(), []
    except OSError as error:
        return Preferences(), [f"{file} cannot be read: {error.strerror or error}; the defaults hold"]
    except (ValueError, RecursionError) as error:
        return Preferences(), [f"{file} is broken: {error}; the defaults hold{put_aside(file)}"]
    told: list[str] = []
    settings: dict[str, Any] = {}
    for name in names():
        if name in found:
            why = why_wrong(name, found[name])
            if why:
                told.append(f"{file}: {name} {why}; {getattr(Preferences(), name)!r} holds")
            else:
                settings[name] = float(found[name]) if name == "autosave" else found[name]
    others = {key: value for key, value in found.items() if key not in names()}
    return Preferences(**settings, others=others), told


def put_aside(file: Path) -> str:
    """Rename a broken file, so that saving does not write over it; what to tell of that."""
    aside = file.with_name(f"{file.stem}.broken{file.suffix}")
    try:
        os.replace(file, aside)
    except OSError:
        return ""
    return f", and it was put aside as {aside.name}"


def write_preferences(preferences: Preferences, folder: Path) -> None:
    """Keep the settings, whole or not at all; OutputError says why that cannot be done."""
    values = asdict(preferences)
    others = values.pop("others")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder / FILE} was not written: {error.strerror or error}") from None
    write_atomically(folder / FILE, (json.dumps({**others, **values}, indent=2, ensure_ascii=False) + "\n").encode())


def names() -> list[str]:
    return [each.name for each in fields(Preferences) if each.name != "others"]


def why_wrong(name: str, value: Any) -> str:
    """Why a setting cannot have a value, as words to put behind its name; "" when it can."""
    checks: Mapping[str, Callable[[Any], str]] = {
        "worker": why_no_command,
        "device": lambda value: "" if is_device(value) else f"is {value!r}, must be auto, cpu, cuda:0 or mps",
        "output": why_no_folder,
        "theme": lambda value: "" if value in THEMES else f"is {value!r}, must be one of {', '.join(THEMES)}",
        "autosave": why_no_delay,
    }
    if name not in names():
        return "is no setting"
    if name in checks:
        return checks[name](value)
    return "" if isinstance(value, bool) else f"is {value!r}, must be true or false"


def why_no_command(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        return f"is {value!r}, must be a command"
    try:
        split_command(value)
    except ValueError:
        return f"is {value!r}, which has a quote that is not closed"
    return ""


def is_device(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    kind, colon, number = value.partition(":")
    return value in ("auto", "cpu", "mps", "cuda") or (kind == "cuda" and bool(colon) and number.isdecimal())


def why_no_folder(value: Any) -> str:
    usable = isinstance(value, str) and bool(value.strip()) and "\0" not in value
    return "" if usable else f"is {value!r}, must be a folder, such as 'output'"


def why_no_delay(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if number and SOONEST <= value <= LATEST:
        return ""
    return f"is {value!r}, must be {SOONEST:g} to {LATEST:g} seconds"
