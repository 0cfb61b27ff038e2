"""Events survive pickle and JSON, and a listener can tell them apart."""

import dataclasses
import json
import pickle

import pytest

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
    from_json,
    to_json,
)

EVENTS: list[Event] = [
    RunStarted("r1", ("a", "b"), ("c",)),
    NodeStarted("r1", "a"),
    NodeProgress("r1", "a", 3, 10, 1.5, b"\x89PNG\r\n\x1a\n\x00\xff", "loss 0.5"),
    NodeProgress("r1", "a", 1, 10),
    NodeFinished("r1", "a", 0.25, False, "64 x 64"),
    NodeFailed("r1", "b", "scale", "scale is 99, must be at most 30", "lower it"),
    NodeSkipped("r1", "c", "it needs b, which failed"),
    RunCancelled("r1"),
    RunFinished("r1", 2.0, ("b",)),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_survives_pickle_and_json(event: Event) -> None:
    assert pickle.loads(pickle.dumps(event)) == event
    text = json.dumps(to_json(event), allow_nan=False)
    assert from_json(json.loads(text)) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_json_names_the_event_and_its_run(event: Event) -> None:
    document = to_json(event)
    assert document["event"] == type(event).__name__
    assert document["run"] == "r1"


def test_events_are_frozen_and_differ_by_class() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVENTS[1].node = "b"  # type: ignore[misc, union-attr]
    assert NodeStarted("r1", "a") != NodeSkipped("r1", "a", "")
    assert len(set(EVENTS)) == len(EVENTS)


@pytest.mark.parametrize("document", [{}, {"event": "Nonsense"}, {"event": "NodeStarted", "run": "r"}])
def test_what_is_no_event_is_refused(document: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"event is|NodeStarted: "):
        from_json(document)
