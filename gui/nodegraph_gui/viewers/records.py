"""What nodes told while they ran, kept so that it can be drawn: numbers by step, and the last picture of each epoch."""

from collections.abc import Mapping

from ..states import NodeState

__all__ = ["Record", "Records"]

MOST_POINTS = 4000
MOST_SHEETS = 200


class Record:
    """What one node told in one run.

    Of very long ones every second point is dropped, again and again; the curve keeps its form.
    """

    def __init__(self) -> None:
        self.curves: dict[str, list[tuple[float, float]]] = {}
        self.sheets: dict[int, bytes] = {}
        self.preview: bytes | None = None
        self.total = 0
        self._last_step = -1

    def add(self, state: NodeState) -> None:
        """Note a state of the node."""
        if state.step < self._last_step:  # it began again
            self.__init__()  # type: ignore[misc]
        self.total = state.total or self.total
        epoch = state.numbers.get("epoch")
        if state.preview is not None:
            self.preview = state.preview
            if epoch is not None:
                self.sheets[int(epoch)] = state.preview
                while len(self.sheets) > MOST_SHEETS:
                    del self.sheets[next(iter(self.sheets))]
        if state.step == self._last_step:
            return
        self._last_step = state.step
        for name, value in state.numbers.items():
            if name != "epoch":
                self._add_point(name, state.step, value)

    def _add_point(self, name: str, step: int, value: float) -> None:
        points = self.curves.setdefault(name, [])
        points.append((float(step), float(value)))
        if len(points) > MOST_POINTS:
            del points[1:-1:2]


class Records:
    """The records of all nodes in the present run."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def add(self, node: str, state: NodeState) -> None:
        if state.phase in ("waiting", "idle"):
            self._records.pop(node, None)
        elif state.phase == "running" or node in self._records:
            self._records.setdefault(node, Record()).add(state)

    def get(self, node: str) -> Record | None:
        return self._records.get(node)

    @property
    def by_node(self) -> Mapping[str, Record]:
        return self._records
