"""When to tell of changes: so often that it looks alive, so seldom that the event loop stays free."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Throttle"]


class Throttle:
    """Names that changed, given out at most `each` times a second and name, and `all` times a second together.

    What is urgent, such as that a node failed, does not wait for the others, but still for its own turn.
    """

    def __init__(self, each: float = 10, all: int = 30, clock: Callable[[], float] = time.monotonic) -> None:
        self._apart = 1 / each
        self._tick = 1 / all
        self._most = all
        self._clock = clock
        self._waiting: dict[str, bool] = {}  # in the order of their first change; whether it is urgent
        self._told: dict[str, float] = {}
        self._times: deque[float] = deque()
        self._last = -1.0

    def add(self, name: str, *, urgent: bool = False) -> None:
        self._waiting[name] = urgent or self._waiting.get(name, False)

    def due(self) -> list[str]:
        """The names whose turn it is; they are not waiting any more."""
        now = self._clock()
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        found = []
        for name, urgent in self._waiting.items():
            own = now - self._told.get(name, -1.0) >= self._apart - 1e-9
            if own and (urgent or len(self._times) < self._most):
                found.append(name)
                self._told[name] = now
                self._times.append(now)
        for name in found:
            del self._waiting[name]
        if found:
            self._last = now
        return found

    def wait(self) -> float | None:
        """Seconds until there may be something due; None when nothing waits."""
        if not self._waiting:
            return None
        now = self._clock()
        first = min(self._told.get(name, -1.0) + self._apart for name in self._waiting)
        if len(self._times) >= self._most and not any(self._waiting.values()):
            first = max(first, self._times[0] + 1)
        return max(0.0, first - now, self._last + self._tick - now)

    def drain(self) -> list[str]:
        """All that wait, at once."""
        found, self._waiting = list(self._waiting), {}
        now = self._clock()
        self._told |= dict.fromkeys(found, now)
        return found
