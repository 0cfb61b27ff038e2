"""Takes the pictures of the editor that README shows: `python .ci/screenshots.py [FOLDER]`, docs/editor when left out.

The real window with a real worker, on a screen of its own size that nobody sees; what is drawn by hand, such as a wire
on its way, is drawn by mouse events.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "gui"))

from driving import begin_drag, send_mouse  # noqa: E402
from PySide6.QtCore import QPointF, QSize  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from nodegraph import Graph, load  # noqa: E402
from nodegraph_gui.app import Editor, make_application  # noqa: E402
from nodegraph_gui.documents import Document  # noqa: E402
from nodegraph_gui.kept_catalogues import KeptCatalogues  # noqa: E402
from nodegraph_gui.shapes import PortRef  # noqa: E402

SIZE = QSize(1600, 1000)
PATIENCE = 300  # seconds


def wait(done, what, patience=PATIENCE):
    """Let events happen until it is so; an error names what never came."""
    until = time.monotonic() + patience
    while not done():
        if time.monotonic() > until:
            raise SystemExit(f"{what} did not happen within {patience} s")
        QApplication.processEvents()
        time.sleep(0.005)


def settle(seconds=0.4):
    until = time.monotonic() + seconds
    wait(lambda: time.monotonic() > until, "time")


class Studio:
    """An editor of its own, with folders that are thrown away, and where its pictures go."""

    def __init__(self, scratch: Path, folder: Path) -> None:
        self.scratch, self.folder = scratch, folder
        self.editor = Editor(scratch / "config", scratch / "state", KeptCatalogues(scratch / "catalogues"))

    def window(self, graph: Graph | None = None):
        """A window with a graph, its worker ready, the whole graph in sight."""
        window = self.editor.new_window(None if graph is None else Document(graph.with_folder(self.scratch)))
        window.resize(SIZE)
        wait(lambda: window.worker.greeting is not None and bool(self.editor.catalogue.kinds), "the worker")
        settle()
        if graph is not None:
            window.show_page(False)
            settle(0.2)
            window.look_at_all()
            settle(0.2)
        return window

    def take(self, window, name: str) -> None:
        settle()
        self.folder.mkdir(parents=True, exist_ok=True)
        shot = window.grab()
        shot.save(str(self.folder / f"{name}.png"))
        print(self.folder / f"{name}.png", flush=True)

    def leave(self, window) -> None:
        window.document.mark_saved(self.scratch / "left.json")
        window.close()
        settle(0.2)


def run(window, targets=None) -> None:
    """Run, and wait for the end."""
    window.running.run(targets) if targets else window.run()
    wait(lambda: window.runs.current is not None, "the start of the run")
    wait(lambda: window.runs.current is None, "the end of the run")


def welcome(studio: Studio) -> None:
    window = studio.window()
    studio.take(window, "welcome")
    studio.leave(window)


def anagram(studio: Studio) -> None:
    window = studio.window(load(ROOT / "examples" / "anagram.json"))
    run(window)
    window.scene.select(["sheet"], "replace")
    settle(1)
    studio.take(window, "anagram")
    studio.editor.change(theme="light")
    studio.take(window, "light")
    studio.editor.change(theme="dark")
    studio.leave(window)


def training(studio: Studio) -> None:
    graph = load(ROOT / "examples" / "train_mnist.json")
    graph = graph.set("mnist", folder=str(ROOT / "tests" / "data" / "mnist")).set("train", epochs=40, batch=32)
    window = studio.window(graph)
    window.scene.select(["train"], "replace")
    window.run()

    def epochs() -> int:
        measured = window.runs.measured("train")
        return 0 if measured is None else len(measured.pictures)

    wait(lambda: epochs() >= 12, "the twelfth epoch")
    studio.take(window, "training")
    window.runs.cancel()
    wait(lambda: window.runs.current is None, "the end of the run")
    studio.leave(window)


def error(studio: Studio) -> None:
    graph = load(ROOT / "examples" / "digits.json")
    guide = next(node for node in graph.nodes if graph.nodes[node].type == "CFGCombine")
    window = studio.window(graph.set(guide, scale=99))
    window.scene.select([guide], "replace")
    settle(1)
    window.run()
    settle(1.5)
    studio.take(window, "error")
    studio.leave(window)


def wire(studio: Studio) -> None:
    window = studio.window(load(ROOT / "examples" / "anagram.json"))
    window.view.fit(["six", "nine", "any", "guide6", "guide9", "both", "sample"])
    settle(0.2)
    start = window.scene.port_pos(PortRef("guide9", "denoiser", False))
    end = window.scene.port_pos(PortRef("both", "upright", True)) + QPointF(-14, 8)
    begin_drag(window.view, start, end)
    studio.take(window, "wire")
    send_mouse(window.view, "release", window.view.mapFromScene(start))
    studio.leave(window)


def thousand(studio: Studio) -> None:
    graph, position = Graph(), {}
    kinds = ("PureNoise", "UNetMNIST", "CFGCombine", "IterativeSampler", "SaveImage")
    wires = (
        "n{0}.noisy -> n{3}.start", "n{1}.denoiser -> n{2}.conditional", "n{1}.denoiser -> n{2}.unconditional",
        "n{2}.denoiser -> n{3}.denoiser", "n{3}.image -> n{4}.image",
    )  # fmt: skip
    for row in range(200):
        ids = [5 * row + at for at in range(5)]
        for at, kind in zip(ids, kinds, strict=True):
            graph = graph.add(f"n{at}", kind)
            position[f"n{at}"] = [(row // 20) * 2200 + (at - ids[0]) * 400, (row % 20) * 480]
    for row in range(200):
        for line in wires:
            graph = graph.connect(line.format(*(5 * row + at for at in range(5))))
    window = studio.window(graph.with_canvas({"positions": position}))
    studio.take(window, "thousand")
    studio.leave(window)


def main(folder: Path) -> None:
    make_application([])
    with tempfile.TemporaryDirectory() as scratch:
        studio = Studio(Path(scratch), folder)
        for scene in (welcome, anagram, training, error, wire, thousand):
            scene(studio)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "editor")
