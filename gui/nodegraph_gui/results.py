"""What nodes made, kept on this side as far as it can be looked at: it outlives the worker that made it.

The values themselves stay in the worker. What a viewer asks for goes through here, and what comes back is kept; of a
node that has ended, what its viewer would ask first is fetched at once. Both stay within a number of bytes; what was
not looked at for the longest time goes first.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from PySide6.QtCore import QObject

from .documents import Change, Document
from .runs import Runs

__all__ = ["KEPT", "Results"]

KEPT = "kept"  # in an answer that the worker could not give any more
MOST_BYTES = 96 * 2**20  # some hundred pictures of 256 x 256, or six of 2048 x 2048, which is the largest that is asked
MOST_ITEMS = 16  # pictures of a batch that are fetched one by one, besides all in one sheet

Answer = Mapping[str, Any]


class Place(NamedTuple):
    """What was asked."""

    node: str
    output: str | None
    view: str
    options: str


class Results(QObject):
    """Asks the worker for values, and answers in its place when it cannot.

    Args:
        most_bytes: how much is kept.
    """

    def __init__(
        self, document: Document, runs: Runs, parent: QObject | None = None, *, most_bytes: int = MOST_BYTES
    ) -> None:
        super().__init__(parent)
        self._document, self._runs, self._worker = document, runs, runs.worker
        self._most = most_bytes
        self._kept: OrderedDict[Place, Answer] = OrderedDict()
        self._bytes = 0
        self._made: dict[str, int] = {}  # how often each node made values
        self._seen: dict[str, int] = {}  # of which time what is kept of it is
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._fetching = False
        document.subscribe(self._changed)
        runs.state_changed.connect(self._state_changed)

    @property
    def bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    def ask(
        self, do: str, *, then: Callable[[dict[str, Any]], Any], failed: Callable[[str], Any], **fields: Any
    ) -> None:
        """Ask the worker, like `Worker.ask`; an answer that comes from here says so under `KEPT`."""
        if do != "value":
            self._worker.ask(do, then=then, failed=failed, **fields)
            return
        place = place_of(fields)
        made = self._made.get(place.node, 0)

        def arrived(answer: dict[str, Any]) -> None:
            self._keep(place, made, answer)
            then(answer)

        def refused(why: str) -> None:
            known = self._known(place)
            if known is None:
                failed(why)
            else:
                then({**known, KEPT: why})

        self._worker.ask(do, then=arrived, failed=refused, **fields)

    def clear(self) -> None:
        """Let go of all that is kept."""
        self._kept.clear()
        self._wanted.clear()
        self._seen.clear()
        self._bytes = 0

    # What is kept

    def _known(self, place: Place) -> Answer | None:
        answer = self._kept.get(place)
        if answer is not None:
            self._kept.move_to_end(place)
        return answer

    def _keep(self, place: Place, made: int, answer: Answer) -> None:
        if made < self._made.get(place.node, 0):
            return  # the node has made another value since this was asked
        if self._seen.get(place.node) != made:
            self._drop(place.node)
            self._seen[place.node] = made
        size = size_of(answer)
        if size > self._most // 4:
            return
        self._forget(place)
        self._kept[place] = dict(answer)
        self._bytes += size
        while self._bytes > self._most:
            self._forget(next(iter(self._kept)))

    def _forget(self, place: Place) -> None:
        answer = self._kept.pop(place, None)
        if answer is not None:
            self._bytes -= size_of(answer)

    def _drop(self, node: str) -> None:
        for place in [place for place in self._kept if place.node == node]:
            self._forget(place)

    # What is fetched

    def _changed(self, change: Change) -> None:
        if change.kind == "replace":
            self.clear()

    def _state_changed(self, node: str) -> None:
        phase = self._runs.state(node).phase
        if phase in ("done", "cached"):
            self._made[node] = self._made.get(node, 0) + 1
            self._wanted[node] = None
            self._fetch_next()
        elif phase in ("failed", "skipped") and self._worker.alive:  # not what the death of the worker took along
            self._drop(node)

    def _fetch_next(self) -> None:
        if self._fetching or not self._wanted:
            return
        node, _ = self._wanted.popitem(last=False)
        self._fetching = True
        self._fetch(node, iter(self._outputs(node)), iter(()))

    def _outputs(self, node: str) -> list[str]:
        placed = self._document.graph.nodes.get(node)
        kind = self._runs.catalogue.get(placed.type) if placed is not None else None
        return [port.name for port in kind.outputs] if kind is not None else []

    def _fetch(self, node: str, outputs: Iterator[str], views: Iterator[tuple[str, str, dict[str, Any]]]) -> None:
        """Ask for one view after the other, so that what the user wants to see never waits for more than one."""
        asked = next(views, None)
        if asked is None:
            output = next(outputs, None)
            if output is None:
                self._fetching = False
                self._fetch_next()
                return
            asked = output, "info", {}
        output, view, options = asked

        def arrived(answer: dict[str, Any]) -> None:
            told = answer.get("json") if view == "info" and KEPT not in answer else None
            self._fetch(node, outputs, first_views(output, told) if isinstance(told, dict) else views)

        def failed(why: str) -> None:
            self._fetch(node, outputs, views)

        self.ask("value", then=arrived, failed=failed, node=node, output=output, view=view, options=options)


def first_views(output: str, info: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What the viewer of a value asks for when it is shown, and each picture of a small batch."""
    views, count = info.get("views", ()), info.get("count", 1)
    if "frame" in views:  # too many to be fetched; what was looked at stays
        return
    if "picture" in views:
        if count != 1:
            yield output, "picture", {"index": None}
        for index in range(count if count <= MOST_ITEMS else 0):
            yield output, "picture", {"index": index}
    else:
        yield output, "curve" if "curve" in views else "text", {}


def place_of(fields: Mapping[str, Any]) -> Place:
    options = json.dumps(fields.get("options") or {}, sort_keys=True, default=str)
    return Place(fields["node"], fields.get("output"), fields.get("view", "info"), options)


def size_of(answer: Answer) -> int:
    """About how many bytes an answer takes: nearly all of it is one text."""
    return sum(len(value) if isinstance(value, str) else len(json.dumps(value)) for value in answer.values())
