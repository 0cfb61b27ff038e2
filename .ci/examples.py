"""Run every graph in examples/ as a user would, and fail when one fails or makes no picture.

With the name of a folder, the pictures of those that ran unchanged are kept there: `docs` for the README's gallery.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT / "tests" / "data" / "mnist"

# What is changed here, so that each takes seconds: training learns for one epoch from the tests' few hundred pictures.
OVERRIDES: dict[str, list[str]] = {
    "train_mnist": ["train.epochs=1", f"mnist.folder={DIGITS}"],
}


def run(example: Path, out: Path) -> list[str]:
    """The complaints about one example; none when it ran and left files."""
    settings = [part for setting in OVERRIDES.get(example.stem, []) for part in ("--set", setting)]
    command = [sys.executable, "-m", "nodegraph", "run", str(example), "--out", str(out), *settings]
    status = subprocess.run(command, cwd=ROOT).returncode
    if status:
        return [f"{example.name}: exit status {status}"]
    if not any(path.is_file() and path.stat().st_size for path in out.rglob("*")):
        return [f"{example.name}: nothing was written"]
    return []


def keep(out: Path, folder: Path) -> None:
    for picture in out.glob("*.png"):
        shutil.copy(picture, folder / picture.name)


def main() -> int:
    gallery = [Path(name) for name in sys.argv[1:]]
    examples = sorted((ROOT / "examples").glob("*.json"))
    complaints = [] if examples else ["examples/ holds no graph"]
    absent = OVERRIDES.keys() - {example.stem for example in examples}
    complaints += [f"OVERRIDES names an example that is not there: {name}" for name in sorted(absent)]
    for example in examples:
        print(f"-- {example.name}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "output"
            complaints += run(example, out)
            for kept in gallery if example.stem not in OVERRIDES else ():
                keep(out, kept)
        print(f"-- {example.name}: {time.monotonic() - began:.1f} s", flush=True)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
