"""What a node sees of its run: progress, previews, pause and cancel, and the bare context of a call without engine."""

import threading
import time
from pathlib import Path

import pytest

from nodegraph.context import Context
from nodegraph.control import Control
from nodegraph.errors import Cancelled
from nodegraph.events import NodeProgress
from nodegraph.outputs import OutputFolder


def test_a_bare_context_serves_a_call_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context = Context()
    context.progress(1, 2, preview=lambda: pytest.fail("nobody listens"))
    context.checkpoint()
    context.log("hello")
    assert not context.cancelled
    assert context.device == "cpu"
    assert context.graph is None
    assert context.graph_text() is None
    assert context.resources.get("a", lambda: 3) == 3
    assert context.output.write("a.txt", b"x") == tmp_path / "output" / "a.txt"
    assert context.folder == tmp_path


def test_progress_is_told_with_node_run_and_text() -> None:
    events: list[NodeProgress] = []
    context = Context(node="train", run="r", emit=events.append)
    context.progress(1, 4, text="loss 0.5")
    assert events == [NodeProgress("r", "train", 1, 4, None, None, "loss 0.5")]


class Clock:
    """A clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_seconds_left_is_unknown_at_first_and_then_follows_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[NodeProgress]()
    context = Context(emit=events.append)
    for step in range(1, 11):
        context.progress(step, 10)
        clock.now += 2.0
    left = [event.seconds_left for event in events]
    assert left[0] is None
    assert left[1:] == pytest.approx([2.0 * (10 - step) for step in range(2, 11)])


def test_seconds_left_is_smoothed_and_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[NodeProgress]()
    context = Context(emit=events.append)
    for pause, step in [(1, 1), (1, 2), (9, 3), (1, 3), (1, 2), (1, 20)]:
        clock.now += pause
        context.progress(step, 10)
    left = [event.seconds_left for event in events]
    assert left[2] == pytest.approx(7 * (1 + 9) / 2)
    assert all(seconds is None or seconds >= 0 for seconds in left)


def test_a_slow_first_step_is_soon_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[NodeProgress]()
    context = Context(emit=events.append)
    for step in range(1, 51):
        clock.now += 1000 if step == 2 else 1
        context.progress(step, 100)
    left = events[-1].seconds_left
    assert left is not None
    assert 50 <= left < 60


def test_a_pause_does_not_count_as_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events, control = Clock(monkeypatch), list[NodeProgress](), Control()
    context = Context(emit=events.append, control=control)
    context.progress(1, 10)
    clock.now += 1
    monkeypatch.setattr(control, "checkpoint", lambda: setattr(clock, "now", clock.now + 1000) or 1000.0)
    context.progress(2, 10)
    assert events[-1].seconds_left == pytest.approx(8)


def test_previews_are_made_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events, made = Clock(monkeypatch), list[NodeProgress](), []
    context = Context(emit=events.append)
    for step in range(100):
        context.progress(step, 100, preview=lambda step=step: made.append(step) or b"png")  # type: ignore[misc]
        clock.now += 0.03
    assert 25 <= len(made) <= 31
    assert sum(event.preview == b"png" for event in events) == len(made)
    assert made[0] == 0


def test_no_preview_is_made_when_none_is_wanted() -> None:
    context = Context(emit=lambda _: None, previews=False)
    context.progress(1, 2, preview=lambda: pytest.fail("not wanted"))


@pytest.mark.parametrize("preview", [lambda: 1 / 0, lambda: "no bytes", lambda: None])
def test_a_preview_that_fails_is_left_out(preview: object, caplog: pytest.LogCaptureFixture) -> None:
    events: list[NodeProgress] = []
    Context(node="n", emit=events.append).progress(1, 2, preview=preview)  # type: ignore[arg-type]
    assert events[0].preview is None
    assert "n: its preview failed" in caplog.text


def test_cancel_is_raised_by_progress_and_by_checkpoint() -> None:
    control = Control()
    context = Context(control=control, emit=lambda _: None)
    context.progress(1, 2)
    control.cancel()
    assert context.cancelled
    for act in (context.checkpoint, lambda: context.progress(2, 2)):
        with pytest.raises(Cancelled):
            act()
    assert context.stopped


def test_pause_holds_a_node_until_resume() -> None:
    control, events = Control(), list[NodeProgress]()
    context = Context(control=control, emit=events.append)
    control.pause()
    assert control.paused
    worker = threading.Thread(target=lambda: context.progress(1, 2))
    worker.start()
    time.sleep(0.05)
    assert not events
    control.resume()
    worker.join(5)
    assert len(events) == 1
    assert not control.paused


def test_cancel_ends_a_pause_and_a_cancelled_control_cannot_be_paused() -> None:
    control, outcome = Control(), list[str]()

    def work() -> None:
        try:
            Context(control=control).checkpoint()
        except Cancelled:
            outcome.append("cancelled")

    control.pause()
    worker = threading.Thread(target=work)
    worker.start()
    control.cancel()
    worker.join(5)
    assert outcome == ["cancelled"]
    control.pause()
    assert not control.paused


def test_a_closed_context_is_silent() -> None:
    events: list[NodeProgress] = []
    context = Context(emit=events.append)
    context.close()
    context.progress(1, 2)
    assert not events


def test_the_device_is_resolved_when_it_is_read_and_once() -> None:
    asked: list[str] = []
    context = Context(device=lambda: asked.append("asked") or "cuda:0")
    assert not asked
    assert (context.device, context.device) == ("cuda:0", "cuda:0")
    assert asked == ["asked"]


@pytest.mark.parametrize("metadata", [True, False])
def test_graph_text_is_none_without_metadata(metadata: bool) -> None:
    context = Context(graph_text=lambda: "{}", metadata=metadata)
    assert context.graph_text() == ("{}" if metadata else None)


def test_output_folder_of_a_run_is_used(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    assert Context(output=folder).output is folder
