"""What a node measures while it runs, such as the loss of a training, as curves that grow."""

from collections.abc import Mapping

__all__ = ["Measurements"]

MOST = 20_000


class Measurements:
    """The numbers of one node in one run, by step, and the picture of each epoch.

    Attributes:
        steps: where something was measured, rising. `series`: the numbers by name, one for each step; None where a
            number was not told.
        pictures: the last picture of each epoch, as PNG; of a node that tells no epoch, of each step with a new one.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.series: dict[str, list[float | None]] = {}
        self.pictures: dict[int, bytes] = {}
        self._last: bytes | None = None

    def add(self, step: int, numbers: Mapping[str, float], preview: bytes | None) -> None:
        if numbers:
            self.steps.append(step)
            for name in numbers:
                self.series.setdefault(name, [None] * (len(self.steps) - 1))
            for name, values in self.series.items():
                values.append(numbers.get(name))
            if len(self.steps) > MOST:  # a curve of half as many points looks the same
                self.steps = self.steps[::2]
                self.series = {name: values[::2] for name, values in self.series.items()}
        if preview is not None and preview != self._last and numbers:
            self._last = preview
            self.pictures[int(numbers.get("epoch", step))] = preview
