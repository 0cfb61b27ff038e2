"""Killed at random moments of scripted editing and saving: is the file whole, and how much is lost?

    python benchmarks/recovery.py [rounds]

Each round forks a child that edits a document, writes its recovery file a moment after each edit as the editor does,
and saves now and then; it is killed with SIGKILL. Then the file must be a graph that the child saved, and what can be
recovered no older than a second. Prints the oldest loss, and fails where one is older or a file is not whole.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import nodegraph
from nodegraph import Graph, Node
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.documents import Document
from nodegraph_gui.recovery import RecoveryFile, recoverable
from nodegraph_gui.saving import DocumentFile

MOMENT = 0.05  # seconds after an edit
NODES = 200


def first_graph() -> Graph:
    nodes = {f"n{number}": Node(type="Float", inputs={"value": 0.5}) for number in range(NODES)}
    return Graph(nodes={**nodes, "count": Node(type="Integer", inputs={"value": 0})})


def count_of(graph: Graph) -> int:
    """How many edits had been made."""
    value = graph.nodes["count"].inputs["value"]
    assert isinstance(value, int)
    return value


def edit_until_killed(path: Path, state: Path, told: int, seed: int) -> None:
    """Edit, write the recovery file and save; tells the number and the time of each edit before it goes on."""
    rng = random.Random(seed)
    document = Document(nodegraph.load(path), path)
    file, recovery = DocumentFile(document, folder=state), RecoveryFile(document, state)
    catalogue, due = Catalogue(), None
    for number in range(1, 1_000_000):
        document.edit("Count", document.graph.set("count", value=number).set(f"n{rng.randrange(NODES)}", value=number))
        os.write(told, f"{number} {time.monotonic()}\n".encode())
        due = time.monotonic() + MOMENT if due is None else due
        if rng.random() < 0.1:
            assert file.save(catalogue).fine
        if time.monotonic() >= due:
            assert recovery.write(file.digest) == ""
            due = None
        time.sleep(rng.random() * 0.01)


def round_of_killing(folder: Path, seed: int) -> float:
    """Kill one child; returns how old the oldest edit is that is lost, in seconds, 0 where none is."""
    path, state = folder / "graph.json", folder / "state"
    nodegraph.save(first_graph(), path)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            edit_until_killed(path, state, writing, seed)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(0.02 + random.Random(~seed).random() * 0.4)
    assert os.waitpid(child, os.WNOHANG) == (0, 0), "the child ended by itself"
    killed = time.monotonic()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as lines:
        times = {int(line.split()[0]): float(line.split()[1]) for line in lines if line.endswith("\n")}
    best = count_of(nodegraph.load(path))  # whole, whatever happened
    for found in recoverable(state):
        assert not found.problem and found.graph is not None, found.problem
        assert found.path is not None and os.path.samefile(found.path, path)
        best = max(best, count_of(found.graph))
        found.discard()
    assert recoverable(state) == []
    lost = [moment for number, moment in times.items() if number > best]
    return killed - min(lost) if lost else 0.0


def storm(rounds: int, seed: int = 0) -> list[float]:
    """The oldest loss of each round, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        losses = []
        for number in range(rounds):
            place = Path(folder) / str(number)
            place.mkdir()
            losses.append(round_of_killing(place, seed + number))
        return losses


if __name__ == "__main__":
    losses = storm(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print(f"{len(losses)} kills: every file whole, {sum(loss > 0 for loss in losses)} lost an edit,")
    print(f"the oldest lost edit was {1000 * max(losses):.0f} ms old (at most 1,000 ms are allowed)")
    sys.exit(max(losses) > 1)
