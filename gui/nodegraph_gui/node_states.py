"""Where each node stands, worked out from the events of runs. No Qt here, and no clock.

A node that is in no later run keeps the state of the one that it was in, and its last picture.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from nodegraph.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    RunCancelled,
    RunFinished,
    RunStarted,
)

from .measurements import Measurements
from .states import IDLE, NodeState

__all__ = ["NodeStates"]

AT_WORK = ("running", "paused")
OPEN = ("waiting", *AT_WORK)


class NodeStates:
    """The states of nodes, and what they measure.

    Args:
        changed: called with each node whose state changed, and whether that is more than progress.
    """

    def __init__(self, changed: Callable[[str, bool], None]) -> None:
        self.measured: dict[str, Measurements] = {}
        self._changed = changed
        self._states: dict[str, NodeState] = {}

    @property
    def states(self) -> Mapping[str, NodeState]:
        return MappingProxyType(self._states)

    def state(self, node: str) -> NodeState:
        return self._states.get(node, IDLE)

    @property
    def running(self) -> str | None:
        """The node that is at work."""
        return next((node for node, state in self._states.items() if state.phase in AT_WORK), None)

    def take(self, event: Event, *, paused: bool = False) -> None:
        """What an event of the present run says."""
        match event:
            case RunStarted():
                for node in event.passed_over:
                    self._pass_over(node)
                for node in event.order:
                    self.measured.pop(node, None)
                    self._set(node, NodeState("waiting", preview=self.state(node).preview))
            case NodeStarted():
                self._set(event.node, NodeState("running", preview=self.state(event.node).preview))
            case NodeProgress():
                self._progress(event, paused)
            case NodeFinished():
                state = NodeState("cached" if event.cached else "done", seconds=event.seconds, summary=event.summary)
                self._set(event.node, self._with_last(event.node, state))
            case NodeFailed():
                state = NodeState("failed", message=event.message, input=event.input, remedy=event.remedy)
                self._set(event.node, self._with_last(event.node, state))
            case NodeSkipped():
                self._set(event.node, NodeState("skipped", message=event.why))
            case RunCancelled() | RunFinished():
                self.close()

    def pause(self, paused: bool) -> None:
        """The run was halted, or goes on."""
        node = self.running
        if node is not None:
            self._set(node, replace(self._states[node], phase="paused" if paused else "running"))

    def forget(self, nodes: Iterable[str]) -> None:
        """What became of these nodes holds no longer; their last picture stays."""
        for node in nodes:
            if self.state(node).phase not in OPEN:
                self._set(node, NodeState(preview=self.state(node).preview))

    def close(self, why: str = "") -> str | None:
        """No node runs any more: what was at work failed, if there is a reason, and the others wait no longer.

        The node that was at work is returned.
        """
        node = self.running
        for id, state in list(self._states.items()):
            if state.phase in OPEN:
                ended = replace(state, phase="failed", message=why, seconds_left=None)
                self._set(id, ended if why and id == node else NodeState(preview=state.preview))
        return node

    def _pass_over(self, node: str) -> None:
        """A node was not run since what it leads to is known: so is its value, which nobody looked at again."""
        before = self.state(node)
        ended = before if before.phase in ("done", "cached") else NodeState(preview=before.preview)
        self._set(node, replace(ended, phase="cached", seconds=0.0))

    def _progress(self, event: NodeProgress, paused: bool) -> None:
        before = self.state(event.node)
        if event.numbers:
            measured = self.measured.setdefault(event.node, Measurements())
            measured.add(event.step, event.numbers, event.preview)
        state = replace(
            before,
            phase="paused" if paused else "running",
            step=event.step,
            total=event.total,
            seconds_left=event.seconds_left,
            text=event.text,
            numbers=event.numbers,
            preview=event.preview or before.preview,
        )
        self._set(event.node, state, urgent=before.phase != state.phase)

    def _with_last(self, node: str, state: NodeState) -> NodeState:
        """An ended node keeps how far it came, and its last picture."""
        before = self.state(node)
        return replace(
            state, step=before.step, total=before.total, text=before.text, numbers=before.numbers,
            preview=before.preview,
        )  # fmt: skip

    def _set(self, node: str, state: NodeState, *, urgent: bool = True) -> None:
        if self.state(node) != state:
            self._states[node] = state
            self._changed(node, urgent)
