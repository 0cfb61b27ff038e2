"""How a run is shown: plain lines for a log, JSON lines for a program, bars on a terminal."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from nodegraph.cli.display import JsonLines, PlainLines
from nodegraph.cli.speaking import duration, harmless
from nodegraph.cli.terminal import Terminal
from nodegraph.errors import count
from nodegraph.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from nodegraph.graphs import Graph

GRAPH = Graph().add("train", "TrainUNet").add("plot", "PlotLosses").add("noise", "PureNoise")
EVENTS: tuple[Event, ...] = (
    RunStarted("r", ("train", "plot"), ("noise",)),
    NodeFinished("r", "noise", 0.0, cached=True, summary="1 x 28 x 28"),
    NodeStarted("r", "train"),
    NodeProgress("r", "train", 1, 10, None, None, ""),
    NodeProgress("r", "train", 2, 10, 90.0, None, "loss 0.031"),
    NodeFailed("r", "train", "epochs", "epochs is 99, must be at most 30", "use fewer"),
    NodeSkipped("r", "plot", "train failed"),
    RunFinished("r", 3.2, ("train",)),
)


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 0.1, 0.2, 1.0, 7.0, 7.0, 7.1, 7.2])
    show = PlainLines(GRAPH, clock=lambda: next(now))
    for event in EVENTS:
        show(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "cached  noise (PureNoise)  1 x 28 x 28",
        "start   train (TrainUNet)",
        "        train  2/10, 90 s left, loss 0.031",
        "failed  train (TrainUNet): epochs is 99, must be at most 30; use fewer",
        "skipped plot (PlotLosses): train failed",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_events_that_cannot_be_written_stop_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []
    show = JsonLines(GRAPH, stop=lambda: stopped.append(True))
    full = open("/dev/full", "w", buffering=1)  # noqa: SIM115 - closing it would complain, too
    monkeypatch.setattr("sys.stdout", full)
    for event in EVENTS[:3]:
        show(event)
    monkeypatch.undo()
    assert stopped == [True]
    assert "cannot write the events to standard output: No space left on device" in capsys.readouterr().err


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show = JsonLines(GRAPH, stop=lambda: None)
    for event in EVENTS:
        show(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == [type(event).__name__ for event in EVENTS]


def test_json_lines_stop_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    stopped: list[bool] = []
    show = JsonLines(GRAPH, stop=lambda: stopped.append(True))
    for event in EVENTS:
        show(event)
    assert stopped == [True]


def test_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, highlight=False)
    with Terminal(GRAPH, console) as show:
        for event in EVENTS[:5]:
            show(event)
        show.bars.refresh()
        assert "2/10, 90 s left, loss 0.031" in file.getvalue()
        for event in EVENTS[5:]:
            show(event)
        assert show.bars.tasks == []
    shown = file.getvalue()
    assert "train (TrainUNet): epochs is 99, must be at most 30; use fewer" in shown
    assert "noise (PureNoise)  1 x 28 x 28" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.00 s"), (0.04, "0.04 s"), (0.0999, "0.1 s"), (3.14, "3.1 s"), (9.96, "10 s"), (119.4, "119 s"),
        (119.6, "2 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_words() -> None:
    assert (count(1, "node"), count(2000, "node")) == ("1 node", "2,000 nodes")
    assert harmless("a\x1b[0m\tb\nc\x07") == "a\ufffd[0m\tb\nc\ufffd"
