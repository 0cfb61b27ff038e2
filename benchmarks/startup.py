"""How long it takes from `nodegraph edit` to the first picture of the window, beside `python -c pass` in the same run.

    QT_QPA_PLATFORM=offscreen python benchmarks/startup.py

The start is that of the process, as its parent sees it; the end is the first paint of the whole window, with every node
type in the palette: the catalogue is the one that was kept at the last start, which one start beforehand sees to. Both
the first page and an example are opened. The exit status is 1 when a goal is missed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

RUNS = 9
GOAL = 0.8  # seconds
HEAVY = ("torch", "numpy", "PIL", "nodegraph_nodes", "pyqtgraph", "networkx", "rich", "click", "diffusers")
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "anagram.json"

PROGRAM = """
import json, sys, time
from nodegraph.cli.editor import why_no_editor
assert not why_no_editor()
from PySide6.QtCore import QTimer
from nodegraph_gui import app
ends = {keep!r}

def told(editor):
    window = editor.windows[0]
    kinds = sum(len(some) for some in window.palette_dock.shown.values())
    heavy = sorted(set(sys.modules) & set({heavy!r}))
    print(json.dumps([editor.first_paint, kinds, heavy, len(editor.catalogue.kinds)]), flush=True)

def painted(self):
    if self.first_paint is None:
        self.first_paint = time.monotonic()
        QTimer.singleShot(0, lambda: look(self))

def look(editor):
    if ends and not editor.catalogue.kinds:
        QTimer.singleShot(50, lambda: look(editor))
        return
    told(editor)
    for window in editor.windows:
        window.worker.close()
    import os
    os._exit(0)

app.Editor.painted = painted
sys.exit(app.main(sys.argv[1:]))
"""


def start(folder: Path, *arguments: str, keep: bool = False) -> tuple[float, int, list[str], int]:
    """Seconds to the first paint, kinds in the palette, heavy modules that were imported, kinds that there are."""
    environment = {
        **os.environ,
        "NODEGRAPH_STATE": str(folder / "state"),
        "NODEGRAPH_CONFIG": str(folder / "config"),
        "NODEGRAPH_CACHE": str(folder / "cache"),
    }
    code = PROGRAM.format(heavy=HEAVY, keep=keep)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )
    if done.returncode:
        sys.exit(done.stderr)
    painted, kinds, heavy, known = json.loads(done.stdout.splitlines()[-1])
    return painted - began, kinds, heavy, known


def bare() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


def main() -> int:
    missed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        *_, known = start(folder, keep=True)
        pairs = {"nodegraph edit": (), "nodegraph edit anagram.json": (str(EXAMPLE),)}
        figures: dict[str, list[float]] = {what: [] for what in pairs}
        nothing = []
        for _ in range(RUNS):
            nothing.append(bare())
            for what, arguments in pairs.items():
                seconds, kinds, heavy, _ = start(folder, *arguments)
                figures[what].append(seconds)
                if heavy or kinds != known or not kinds:
                    print(f"{what}: {kinds} of {known} node types in the palette, imported {heavy}")
                    missed = True
        print(f"{'python -c pass':32} {median(nothing):6.3f} s")
        for what, seconds in figures.items():
            took = median(seconds)
            verdict = "ok" if took <= GOAL else "MISSED"
            missed |= took > GOAL
            ratio = took / median(nothing)
            print(
                f"{what:32} {took:6.3f} s  at most {GOAL:g}  {verdict}  ({ratio:.0f} times nothing; {known} node types)"
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
