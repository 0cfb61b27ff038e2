"""What is wrong with the graph and what a run of it will cost, asked of the worker a moment after each edit."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from nodegraph import Problem

from .documents import Change, Document
from .runs import Runs, problems_of

__all__ = ["Checking", "cost_text"]

DELAY = 100  # milliseconds after the last edit


class Checking(QObject):
    """Asks while the worker lives; only the answer to the latest question counts.

    Signals:
        told: problems by node (None for those of the whole graph), and what is known of the cost, in words.
        needs: the checkpoints that the graph needs, as the worker tells of them.
        failed: why nothing could be found out.
    """

    told = Signal(dict, str)
    needs = Signal(list)
    failed = Signal(str)

    def __init__(self, document: Document, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._runs = document, runs
        self._question = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self.ask)
        self._stop = document.subscribe(self._changed)
        runs.worker.ready.connect(self.ask)

    def close(self) -> None:
        self._timer.stop()
        self._stop()

    def _changed(self, change: Change) -> None:
        before, after = change.before, change.after
        moved = before.nodes is after.nodes and before.links is after.links and change.kind != "replace"
        if not moved:  # where nodes stand is no matter of the worker's
            self._timer.start()

    def ask(self) -> None:
        """Ask now."""
        self._timer.stop()
        if not self._runs.worker.alive:
            return
        self._question += 1
        question = self._question

        def arrived(answer: dict[str, Any]) -> None:
            if question == self._question:
                self.needs.emit(answer.get("checkpoints", []))
                self.told.emit(by_node(problems_of(answer)), cost_text(answer))

        def failed(why: str) -> None:
            if question == self._question and self._runs.worker.alive:
                self.failed.emit(why)

        self._runs.check(self._document, arrived, failed)


def by_node(problems: Sequence[Problem]) -> dict[str | None, list[Problem]]:
    found: dict[str | None, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.node, []).append(problem)
    return found


def cost_text(answer: Mapping[str, Any]) -> str:
    """What a run will take, as far as it is known: `100 steps · not here: DeepFloyd/IF-I-XL-v1.0`."""
    steps = sum(answer.get("steps", {}).values())
    parts = [f"{steps:,} step{'' if steps == 1 else 's'}"] if steps else []
    absent = dict.fromkeys(need["checkpoint"] for need in answer.get("checkpoints", ()) if need["status"] != "here")
    if absent:
        parts.append(f"not here: {', '.join(absent)}")
    if answer.get("unknown"):
        parts.append("some checkpoints are named by other nodes")
    return " · ".join(parts)
