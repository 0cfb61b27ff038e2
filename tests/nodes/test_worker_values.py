"""The built-in nodes in a worker: a graph is sampled there, watched, and looked at through the views of its values."""

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from worker_calls import Talk

from nodegraph import loads

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.json"


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """A worker that has drawn the digits in three steps, with the answer of the run."""
    from nodegraph import dumps

    graph = loads(EXAMPLE.read_bytes()).set("sample", steps=3)
    with Talk(tmp_path_factory.mktemp("digits"), "--device", "cpu") as talk:
        talk.done = talk.ask("run", graph=dumps(graph), folder=str(EXAMPLE.parent), out=str(talk.tmp / "out"))
        yield talk


def picture(answer):
    return Image.open(io.BytesIO(base64.b64decode(answer["png"])))


def test_the_run_is_done_and_its_picture_carries_the_graph(sampled):
    assert sampled.done["status"] == "done" and sampled.done["names"] == ["digits.png"]
    data = base64.b64decode(sampled.ask("get", path=sampled.done["files"][0])["data"])
    assert '"type": "IterativeSampler"' in Image.open(io.BytesIO(data)).info["nodegraph"]


def test_the_sampler_tells_its_cost_and_shows_its_steps(sampled):
    steps = [event for event in sampled.events if event["event"] == "NodeProgress" and event["node"] == "sample"]
    assert "network calls" in steps[0]["text"] and steps[-1]["step"] == 3
    assert any(event["preview"] for event in steps)


def test_its_values_are_viewed(sampled):
    info = sampled.ask("value", node="sample", output="trajectory")["json"]
    assert len(info["steps"]) == 4 and info["views"] == ["steps", "frame", "thumbnail", "text"]
    steps = sampled.ask("value", node="sample", output="trajectory", view="steps")["json"]
    assert [step["step"] for step in steps] == [0, 1, 2, 3] and steps[-1]["t"] == -1
    frame = {"step": 3, "what": "clean", "index": 5, "size": 512}
    last = picture(sampled.ask("value", node="sample", output="trajectory", view="frame", options=frame))
    image = picture(sampled.ask("value", node="sample", output="image", view="picture", options={"index": 5}))
    assert image.size == (28, 28) and image.tobytes() == last.tobytes()
    many = sampled.ask("value", node="sample", output="image", view="picture", options={"index": None, "size": 200})
    assert max(picture(many).size) <= 200
    text = sampled.ask("value", node="guide", view="text")["text"]
    assert json.loads(json.dumps(text)) and "scale" in text


def test_what_a_value_cannot_show_is_told(sampled):
    assert "its outputs: image, trajectory" in sampled.ask("value", node="sample")["error"]
    assert "CFGCombine has no view 'picture'" in sampled.ask("value", node="guide", view="picture")["error"]
