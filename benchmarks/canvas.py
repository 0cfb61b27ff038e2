"""What the canvas costs: 1,000 nodes and 1,500 links in a window of 1600 x 1000, beside OdenGraphQt 0.7.4.

    pip install --target /tmp/oden --no-deps OdenGraphQt==0.7.4 qtpy packaging
    QT_QPA_PLATFORM=offscreen PYTHONPATH=/tmp/oden python benchmarks/canvas.py

Each round measures both, one after the other, each in a process of its own; a figure is the median of the rounds, each
of which is the median of its steps. OdenGraphQt is measured without its search for circles, which would not end. Where
it is not installed only the goals are looked at. Figures mean something when nothing else runs. The exit status is 1
when a goal is missed.
"""

import argparse
import gc
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from nodegraph import Graph, Link, Node

COLUMNS, ROWS = 40, 25
APART = (260, 180)
SIZE = (1600, 1000)
STEPS = 15
GOALS = {  # milliseconds, but for the first and the last
    "load, s": 0.3,
    "repaint, all": 24,
    "repaint, 100 %": 20,
    "pan step, all": 3,
    "pan step, 100 %": 3,
    "zoom step, all": 25,
    "zoom step, 100 %": 25,
    "drag 1 node": 8,
    "drag 300 nodes": 15,
    "edit": 5,
    "undo": 5,
    "memory, MB": 40,
    "5,000: repaint, all": 60,
}
RATIOS = {"load, s": 5, "repaint, all": 10, "pan step, all": 10, "pan step, 100 %": 10}


def places(count: int) -> list[tuple[int, int]]:
    rows = ROWS if count <= COLUMNS * ROWS else 50
    return [(number // rows * APART[0], number % rows * APART[1]) for number in range(count)]


def pairs(count: int) -> list[tuple[int, int, int, int]]:
    """Links (source, output, target, input): most to the next column, a third farther, as real graphs have them."""
    chance = random.Random(0)
    rows = ROWS if count <= COLUMNS * ROWS else 50
    found = []
    for number in range(count - rows):
        found.append((number, 0, number + rows, 0))
    free = list(range(rows, count))
    chance.shuffle(free)
    for target in free:
        if len(found) == count * 3 // 2:
            break
        source = max(0, target // rows - chance.randint(1, 5)) * rows + chance.randrange(rows)
        if source // rows < target // rows:
            found.append((source, 1, target, 1))
    return found


def timed(call: Callable[[], object]) -> float:
    """Milliseconds until it is done and painted."""
    from PySide6.QtWidgets import QApplication

    QApplication.processEvents()
    start = time.perf_counter()
    call()
    QApplication.processEvents()
    return 1000 * (time.perf_counter() - start)


def steps(call: Callable[[int], object], count: int = STEPS) -> float:
    times = [timed(lambda number=number: call(number)) for number in range(count)]  # type: ignore[misc]
    return median(times[2:])


def memory() -> float:
    """Megabytes that the process has now."""
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def our_graph(count: int) -> Graph:
    nodes = {f"n{number}": Node(type="Mix", inputs={"share": number % 10 / 10}) for number in range(count)}
    links = [
        Link(source=f"n{source}", output="ab"[output], target=f"n{target}", input="ab"[place])
        for source, output, target, place in pairs(count)
    ]
    positions = {f"n{number}": list(at) for number, at in enumerate(places(count))}
    return Graph(nodes=nodes, links=links, canvas={"positions": positions})


def our_catalogue() -> object:
    from nodegraph_gui.catalogues import Catalogue, Kind, Port, WireType

    ports = tuple(Port(name, "Picture", required=True) for name in "ab")
    share = Port("share", "float", is_data=True, default=0.5, minimum=0, maximum=1)
    mix = Kind("Mix", "Benchmark", "Mix.", "Mix.", "benchmark", (*ports, share), ports)
    return Catalogue({"Mix": mix}, {"Picture": WireType("Picture", "Picture", "#4fa3e0")})


def measure_ours(count: int) -> dict[str, float]:
    from PySide6.QtCore import QPointF
    from PySide6.QtWidgets import QApplication

    from nodegraph_gui.canvas import CanvasView
    from nodegraph_gui.documents import Document
    from nodegraph_gui.scene import Scene
    from nodegraph_gui.themes import DARK

    app = QApplication.instance() or QApplication([])
    catalogue = our_catalogue()
    empty = CanvasView(Scene(Document(), catalogue, DARK))  # type: ignore[arg-type]
    empty.resize(*SIZE)
    empty.show()
    QApplication.processEvents()
    empty.hide()
    graph = our_graph(count)
    document = Document(graph)
    before = memory()
    made = []

    def load() -> None:
        scene = Scene(document, catalogue, DARK)  # type: ignore[arg-type]
        made.append(CanvasView(scene))

    start = time.perf_counter()
    load()
    found = {"load, s": time.perf_counter() - start}
    view = made[0]
    scene = view.canvas
    view.resize(*SIZE)
    view.show()
    view.fit()
    QApplication.processEvents()
    port = view.viewport()
    found["repaint, all"] = steps(lambda _: port.repaint())
    found["zoom step, all"] = steps(lambda number: view.zoom_at(1.02 if number % 2 else 1 / 1.02))
    found["pan step, all"] = steps(lambda number: view.pan(7, 4))
    view.look_at(QPointF(COLUMNS / 2 * APART[0], ROWS / 2 * APART[1]), 1.0)
    QApplication.processEvents()
    found["repaint, 100 %"] = steps(lambda _: port.repaint())
    found["zoom step, 100 %"] = steps(lambda number: view.zoom_at(1.02 if number % 2 else 1 / 1.02))
    view.look_at(QPointF(COLUMNS / 2 * APART[0], ROWS / 2 * APART[1]), 1.0)
    found["pan step, 100 %"] = steps(lambda number: view.pan(7, 4))
    found["memory, MB"] = memory() - before
    seen = scene.nodes_in(view.visible_rect())
    middle = seen[len(seen) // 2]
    found["drag 1 node"] = steps(lambda number: scene.shift([middle], QPointF(3 * number, 2 * number)))
    scene.settle()
    near = scene.nodes_in(view.visible_rect().adjusted(-2000, -1200, 2000, 1200))[:300]
    found["drag 300 nodes"] = steps(lambda number: scene.shift(near, QPointF(3 * number, 2 * number)))
    scene.settle()
    graphs = [graph.set(middle, share=number / 50) for number in range(STEPS)]
    found["edit"] = steps(lambda number: document.edit("Edit", graphs[number]))
    found["undo"] = steps(lambda number: document.undo())
    del app
    return found


def measure_oden(count: int) -> dict[str, float]:
    from OdenGraphQt import BaseNode, NodeGraph  # type: ignore[import-not-found]
    from PySide6.QtWidgets import QApplication

    class Mix(BaseNode):  # type: ignore[misc]
        __identifier__ = "benchmark"
        NODE_NAME = "Mix"

        def __init__(self) -> None:
            super().__init__()
            for name in "ab":
                self.add_input(name)
                self.add_output(name, multi_output=True)

    app = QApplication.instance() or QApplication([])
    graph = NodeGraph()
    graph.set_acyclic(False)
    graph.register_node(Mix)
    viewer = graph.viewer()
    viewer.resize(*SIZE)
    viewer.show()
    QApplication.processEvents()
    before = memory()
    start = time.perf_counter()
    at = places(count)
    nodes = [graph.create_node("benchmark.Mix", pos=place, push_undo=False, selected=False) for place in at]
    for source, output, target, place in pairs(count):
        nodes[source].output(output).connect_to(nodes[target].input(place), push_undo=False)
    found = {"load, s": time.perf_counter() - start}
    graph.clear_selection()
    viewer.zoom_to_nodes([node.view for node in nodes])
    QApplication.processEvents()
    port = viewer.viewport()
    found["repaint, all"] = steps(lambda _: port.repaint())
    found["pan step, all"] = steps(lambda number: viewer._set_viewer_pan(7, 4))
    found["zoom step, all"] = steps(lambda number: viewer._set_viewer_zoom(0.02 if number % 2 else -0.02))
    viewer.reset_zoom(nodes[count // 2 + ROWS // 2].view.pos())
    QApplication.processEvents()
    found["repaint, 100 %"] = steps(lambda _: port.repaint())
    found["pan step, 100 %"] = steps(lambda number: viewer._set_viewer_pan(7, 4))
    found["zoom step, 100 %"] = steps(lambda number: viewer._set_viewer_zoom(0.02 if number % 2 else -0.02))
    found["memory, MB"] = memory() - before
    one = nodes[count // 2 + ROWS // 2].view

    def drag(some: list[object], number: int) -> None:
        for view in some:
            x, y = view.xy_pos  # type: ignore[attr-defined]
            view.xy_pos = (x + 3, y + 2)  # type: ignore[attr-defined]

    found["drag 1 node"] = steps(lambda number: drag([one], number))
    many = [node.view for node in nodes[count // 2 - 150 : count // 2 + 150]]
    found["drag 300 nodes"] = steps(lambda number: drag(many, number))
    del app
    return found


def measured(what: str, count: int) -> dict[str, float]:
    call = [sys.executable, __file__, "--measure", what, str(count)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} with {count} nodes cannot be measured: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, count = options.measure
        print(json.dumps({"ours": measure_ours, "oden": measure_oden}[what](int(count))))
        return 0
    with_oden = find_spec("OdenGraphQt") is not None
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, value in measured("ours", COLUMNS * ROWS).items():
            ours.setdefault(name, []).append(value)
        if with_oden:
            for name, value in measured("oden", COLUMNS * ROWS).items():
                theirs.setdefault(name, []).append(value)
        ours.setdefault("5,000: repaint, all", []).append(measured("ours", 5000)["repaint, all"])
    return report(ours, theirs)


def report(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> int:
    """Print a line for each figure; 1 when a goal was missed."""
    missed = 0
    print(f"{'milliseconds, unless said':26} {'ours':>8} {'goal':>7} {'OdenGraphQt':>12} {'times':>7} {'goal':>5}")
    for name, goal in GOALS.items():
        mine = median(ours[name])
        line = f"{name:26} {mine:8.2f} {goal:7g}"
        bad = mine > goal
        if name in theirs:
            other = median(theirs[name])
            wanted = RATIOS.get(name)
            line += f" {other:12.2f} {other / mine:7.1f} {wanted or '':>5}"
            bad = bad or (wanted is not None and other < wanted * mine)
        missed += bad
        print(line + ("  MISSED" if bad else ""))
    if not theirs:
        print("OdenGraphQt is not installed, so that nothing was compared: see the head of this file")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
