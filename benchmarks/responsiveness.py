"""How soon the window answers while a graph samples or trains in its worker: delays of the event loop, in milliseconds.

    QT_QPA_PLATFORM=offscreen python benchmarks/responsiveness.py

A timer asks every 5 ms and notes how late it came; meanwhile the canvas is panned and a node moved, as a hand would do.
Beside it the same without a run. The exit status is 1 when the 99th percentile is above the goal.
"""

import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

import nodegraph
from nodegraph_gui import edits
from nodegraph_gui.app import Editor, make_application
from nodegraph_gui.kept_catalogues import KeptCatalogues
from nodegraph_gui.window import Window

ROOT = Path(__file__).resolve().parents[1]
EVERY = 5
GOAL = 50.0
IDLE = 5.0  # seconds
LONGEST = 60.0  # of a run that is looked at


class Delays:
    """How late a timer comes, from `start` to `stop`."""

    def __init__(self) -> None:
        self.found: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._note)

    def _note(self) -> None:
        now = time.perf_counter()
        self.found.append(max((now - self._last) * 1000 - EVERY, 0.0))
        self._last = now

    def start(self) -> None:
        self.found, self._last = [], time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        self._timer.stop()
        return sorted(self.found)


def work(window: Window, seconds: float, running: bool) -> list[float]:
    """Pan and edit for so long, or until the run has ended; the delays."""
    delays, began, steps = Delays(), time.monotonic(), 0
    hand = QTimer()

    def move() -> None:
        nonlocal steps
        steps += 1
        window.view.pan(3 if steps % 40 < 20 else -3, 0)
        if steps % 5 == 0:
            node = next(iter(window.document.graph.nodes))
            window.document.edit("Move", edits.move(window.document.graph, {node: (steps, 0)}), merge="move")

    hand.timeout.connect(move)
    hand.start(33)
    delays.start()
    while time.monotonic() - began < seconds and (not running or window.running.busy):
        QApplication.processEvents()
        time.sleep(0.0005)
    hand.stop()
    return delays.stop()


def tell(what: str, delays: list[float], goal: float | None = None) -> bool:
    at = {share: delays[min(int(len(delays) * share), len(delays) - 1)] for share in (0.5, 0.99, 1.0)}
    missed = goal is not None and at[0.99] > goal
    verdict = "" if goal is None else f"  at most {goal:g}  {'MISSED' if missed else 'ok'}"
    print(f"{what:34} median {at[0.5]:6.2f}  99 % {at[0.99]:6.2f}  worst {at[1.0]:6.1f} ms{verdict}")
    return missed


def open_graph(editor: Editor, graph: nodegraph.Graph) -> Window:
    window = editor.new_window()
    window.resize(1600, 1000)
    window.document.replace(graph)
    window.show_page(False)
    window.look_at_all()
    while window.worker.greeting is None or not editor.catalogue.kinds:
        QApplication.processEvents()
    return window


def main() -> int:
    make_application([])
    missed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        editor = Editor(folder / "config", folder / "state", KeptCatalogues(folder / "cache"))
        editor.change(output=str(folder / "output"))
        training = nodegraph.load(ROOT / "examples" / "train_mnist.json")
        training = training.set("mnist", folder=str(ROOT / "tests" / "data" / "mnist")).set("train", epochs=3)
        graphs = {
            "sampling (digits.json)": nodegraph.load(ROOT / "examples" / "digits.json"),
            "training (train_mnist.json)": training,
        }
        for what, graph in graphs.items():
            window = open_graph(editor, graph)
            tell("no run", work(window, IDLE, False))
            window.run()
            missed |= tell(what, work(window, LONGEST, True), GOAL)
            window.running.cancel()
            window.filing.leave_at_once()
        editor.quit()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
