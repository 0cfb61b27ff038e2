"""What the engine itself costs: runs of trivial nodes, load and save, and the start of the command line.

    python benchmarks/engine.py

Figures are medians of whole calls, each with events listened to and with a check of the graph where it is new. They
mean something when nothing else runs. The exit status is 1 when a goal is missed.
"""

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from nodegraph.events import Event
from nodegraph.files import dumps, load, loads, save
from nodegraph.graphs import Graph, Link, Node
from nodegraph.node_types import node
from nodegraph.registry import Registry
from nodegraph.sessions import Session

RUNS = 15
STARTS = 11
EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.json"
HEAVY = ("torch", "numpy", "PIL", "PySide6")


@node("Add", category="Benchmark", outputs="value")
def add(a: float = 0.0, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.value > self.goal

    def __str__(self) -> str:
        told = "" if self.goal is None else f"  at most {self.goal:g}  {'MISSED' if self.missed else 'ok'}"
        return f"{self.what:46} {self.value:10.3f} {self.unit:9}{told}".rstrip()


def link(source: int, target: int, input: str = "a") -> Link:
    return Link(source=f"n{source}", output="value", target=f"n{target}", input=input)


def nodes(size: int) -> dict[str, Node]:
    return {f"n{number}": Node(type="Add", inputs={"b": number + 0.5}) for number in range(size)}


def chain(size: int) -> Graph:
    return Graph(nodes=nodes(size), links=tuple(link(number, number + 1) for number in range(size - 1)))


def fan_out(size: int) -> Graph:
    return Graph(nodes=nodes(size), links=tuple(link(0, number) for number in range(1, size)))


def ladder(size: int) -> Graph:
    rungs = [link(number, number + 1, input) for number in range(size - 1) for input in "ab"]
    return Graph(nodes=nodes(size), links=tuple(rungs)).disconnect(str(rungs[-1]))  # leaves a value to be edited


def milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)


def medians(measure: Callable[[], dict[str, float]], runs: int) -> dict[str, float]:
    """Each figure's median over so many runs, which take turns; the first, which warms up, does not count."""
    measure()
    found = [measure() for _ in range(runs)]
    return {name: median(each[name] for each in found) for name in found[0]}


def run_figures() -> Iterator[Figure]:
    registry = Registry([add])
    shapes = {f"chain of {size:,}": (chain, size) for size in (100, 500, 1000, 5000)}
    shapes |= {"fan-out of 1,001": (fan_out, 1001), "ladder of 40": (ladder, 40)}
    events: list[Event] = []

    def measure(shape: Callable[[int], Graph], size: int) -> dict[str, float]:
        session, graph = Session(registry), loads(dumps(shape(size)))
        edited = graph.set(f"n{size - 1}", b=-1.0)
        events.clear()
        gc.collect()  # what earlier calls left is not to be cleared away in this one
        found = {
            "cold": milliseconds(lambda: session.run(graph, emit=events.append)),
            "all cached": milliseconds(lambda: session.run(graph, emit=events.append)),
            "all cached, targets only": milliseconds(lambda: session.run(graph, emit=events.append, keep="targets")),
            "last node edited": milliseconds(lambda: session.run(edited, emit=events.append, keep="targets")),
        }
        assert sum(event.event == "NodeStarted" for event in events) == size + 1
        return found

    def measure_all() -> dict[str, float]:
        return {f"{name}, {what}": ms for name, way in shapes.items() for what, ms in measure(*way).items()}

    found = medians(measure_all, RUNS)
    goals = {"chain of 1,000, all cached": 3.0}
    for name, ms in found.items():
        yield Figure(name, ms, "ms", goals.get(name))
    for size in (500, 1000, 5000):
        name = f"chain of {size:,}, cold"
        yield Figure(f"{name}, a node", found[name] / size, "ms", 0.03)
    yield Figure("chain cold, 5,000 over 500", found["chain of 5,000, cold"] / found["chain of 500, cold"], "times", 15)


def file_figures() -> Iterator[Figure]:
    graph = chain(1000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"

        def measure() -> dict[str, float]:
            return {
                "save of 1,000 nodes, with flush to disk": milliseconds(lambda: save(graph, path)),
                "load of 1,000 nodes": milliseconds(lambda: load(path)),
                "text of 1,000 nodes": milliseconds(lambda: dumps(graph)),
            }

        for name, ms in medians(measure, RUNS).items():
            yield Figure(name, ms, "ms")


def start_figures() -> Iterator[Figure]:
    """`nodegraph check` of a small file beside `python -c pass`, in turns."""

    def seconds(*arguments: str) -> float:
        return (
            milliseconds(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)) / 1000
        )

    def measure() -> dict[str, float]:
        return {
            "python -c pass": seconds("-c", "pass"),
            "nodegraph check": seconds("-m", "nodegraph", "check", str(EXAMPLE)),
        }

    found = medians(measure, STARTS)
    for name, each in found.items():
        yield Figure(name, each, "s")
    yield Figure(
        "nodegraph check, more than python -c pass", found["nodegraph check"] - found["python -c pass"], "s", 0.4
    )
    code = (
        "import contextlib, sys\n"
        "from nodegraph.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):\n"
        "    main()\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    command = [sys.executable, "-c", code, "check", str(EXAMPLE)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    yield Figure(f"heavy modules that it imports {' '.join(told)}".rstrip(), len(told), "modules", 0)


def main() -> int:
    missed = 0
    for figures in (run_figures, file_figures, start_figures):
        for figure in figures():
            print(figure, flush=True)
            missed += figure.missed
    print(f"\n{missed} goals missed" if missed else "\nall goals reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
