"""Views of the built-in wire types: the very pixels, at most the asked size, and what is wrong with an option."""

import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from nodegraph import Registry, ValueType
from nodegraph.errors import UsageError
from nodegraph.worker.views import viewed
from nodegraph_nodes.types import Dataset, Image, Losses, Mask, NoiseSchedule, Noisy, Step, Trajectory
from nodegraph_nodes.value_types import VALUE_TYPES

TYPES: dict[type, ValueType] = {each.type: each for each in VALUE_TYPES}
PIXELS = torch.linspace(-1, 1, 2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
SCHEDULE = NoiseSchedule.named("linear")


def look(value: Any, view: str, **options: Any) -> Any:
    return TYPES[type(value)].views[view](value, **options)


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(png)))


def as_bytes(pixels: torch.Tensor) -> np.ndarray:
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()


@pytest.mark.parametrize("index", [0, 1])
def test_a_picture_has_the_very_pixels(index: int) -> None:
    assert (pixels_of(look(Image(PIXELS), "picture", index=index)) == as_bytes(PIXELS[index])).all()
    assert (pixels_of(look(Noisy(3 * PIXELS), "picture", index=index)) == as_bytes(3 * PIXELS[index])).all()


def test_a_mask_is_white_inside() -> None:
    values = torch.tensor([[[[0.0, 0.5], [1.0, 1.0]]]])
    assert pixels_of(look(Mask(values), "picture")).tolist() == [[0, 128], [255, 255]]
    assert ["inside", "62%"] in look(Mask(values), "info")["lines"]


def test_a_picture_is_shrunk_and_never_enlarged() -> None:
    wide = Image(torch.zeros(1, 1, 10, 40))
    assert pixels_of(look(wide, "picture", size=20)).shape == (5, 20)
    assert pixels_of(look(wide, "picture", size=4000)).shape == (10, 40)
    assert max(pixels_of(look(Image(torch.zeros(30, 3, 16, 16)), "picture", index=None, size=50)).shape) <= 50


def test_a_batch_is_laid_out_without_an_index() -> None:
    sheet = pixels_of(look(Image(PIXELS), "picture", index=None))
    assert sheet.shape[0] < sheet.shape[1] and sheet.shape[1] >= 12


def test_latents_show_as_the_mean_of_their_channels() -> None:
    assert pixels_of(look(Image(torch.ones(1, 4, 8, 8), "latent:x"), "picture")).tolist() == [[255] * 8] * 8


def test_what_is_told_of_pictures() -> None:
    told = look(Image(PIXELS), "info")
    assert told["count"] == 2
    lines = dict(told["lines"])
    assert lines.pop("values").startswith("from -1 to 1, mean ")
    assert lines == {
        "pictures": "2", "size": "6 x 4", "channels": "3, RGB", "space": "pixels", "type": "float32 2 x 3 x 4 x 6",
    }  # fmt: skip
    assert ["timestep", "pure noise"] in look(Noisy(PIXELS), "info")["lines"]
    assert ["timestep", "40"] in look(Noisy(PIXELS, 40, SCHEDULE), "info")["lines"]


WAY = Trajectory(tuple(Step(t, PIXELS * (t + 2) / 10, PIXELS / (t + 2)) for t in (8, 3, -1)), SCHEDULE)


def test_a_trajectory_is_shown_step_by_step() -> None:
    assert [(each["step"], each["t"]) for each in look(WAY, "steps")] == [(0, 8), (1, 3), (2, -1)]
    assert look(WAY, "info")["steps"] == look(WAY, "steps") and look(WAY, "info")["count"] == 2
    assert ["steps", "3, from t = 8 to the result"] in look(WAY, "info")["lines"]
    for number, step in enumerate(WAY):
        noisy = look(WAY, "frame", step=number, what="noisy", index=1, size=64)
        assert (pixels_of(noisy) == as_bytes(step.x_t[1])).all()
        assert (pixels_of(look(WAY, "frame", step=number, what="clean")) == as_bytes(step.x0[0])).all()


NOISE = {
    name: torch.linspace(-4, high, PIXELS.numel()).reshape(PIXELS.shape)
    for name, high in {"n": 4, "a": 3, "b": 2}.items()
}
INSIDE = Trajectory(
    (
        Step(8, PIXELS, PIXELS, NOISE["n"], {"a": NOISE["a"]}, 0),
        Step(3, PIXELS, PIXELS, NOISE["n"], {"a": NOISE["a"], "b": NOISE["b"]}, 5),
        Step(-1, PIXELS, PIXELS, number=9),
    ),
    SCHEDULE,
    taken=10,
)


def test_the_noise_of_a_step_is_shown_on_one_scale() -> None:
    """Black -3 and less, grey 0, white 3 and more, whatever else is in the picture."""
    numbers = torch.tensor([-9.0, -3.0, 0.0, 1.5, 3.0, 9.0]).reshape(1, 1, 1, 6)
    way = Trajectory((Step(8, numbers, numbers, numbers, {"a": numbers / 2}), Step(-1, numbers, numbers)), SCHEDULE)
    assert pixels_of(look(way, "frame", what="noise")).tolist() == [[0, 0, 128, 191, 255, 255]]
    assert pixels_of(look(way, "frame", what="noise", branch="a")).tolist() == [[0, 64, 128, 159, 191, 255]]


def test_the_branches_of_a_step_are_told_and_shown() -> None:
    assert look(INSIDE, "steps") == [
        {"step": 0, "t": 8, "number": 0, "noise": True, "branches": ["a"]},
        {"step": 1, "t": 3, "number": 5, "noise": True, "branches": ["a", "b"]},
        {"step": 2, "t": -1, "number": 9, "noise": False, "branches": []},
    ]
    lines = look(INSIDE, "info")["lines"]
    assert ["branches", "a, b"] in lines and ["steps", "3 of 10, evenly, from t = 8 to the result"] in lines
    for place, branch in ((0, "a"), (1, "b")):
        step = INSIDE.steps[place]
        clean = pixels_of(look(INSIDE, "frame", step=place, what="clean", branch=branch))
        assert (clean == as_bytes(SCHEDULE.cleaned(step.x_t, NOISE[branch], step.t)[0])).all()
        shown = pixels_of(look(INSIDE, "frame", step=place, what="noise", branch=branch, index=1))
        assert (shown == as_bytes(NOISE[branch][1] / 3)).all()


def test_a_curve_goes_over_the_epochs() -> None:
    curve = look(Losses((0.5, 0.25, 0.125, 1 / 3), epochs=2, per_epoch=2), "curve")
    assert curve == {
        "x": [0.5, 1.0, 1.5, 2.0], "y": [0.5, 0.25, 0.125, 0.333333], "x_label": "epoch", "y_label": "loss",
        "epochs": [1, 2],
    }  # fmt: skip
    told = look(Losses((0.5, 0.25, 0.125, 0.375), epochs=2, per_epoch=2), "info")
    assert told["count"] == 4 and ["mean of the last epoch", "0.25"] in told["lines"]
    assert look(Losses((), 0, 0), "info")["count"] == 0


def test_a_dataset_shows_its_pictures() -> None:
    images = torch.arange(3 * 4, dtype=torch.uint8).reshape(3, 2, 2)
    dataset = Dataset(images, torch.tensor([1, 0, 1]), "d")
    assert (pixels_of(look(dataset, "picture", index=2)) == images[2].numpy()).all()
    assert look(dataset, "info")["count"] == 3 and ["classes", "2: 0, 1"] in look(dataset, "info")["lines"]


@pytest.mark.parametrize(
    ("value", "view", "options", "words"),
    [
        (Image(PIXELS), "picture", {"index": 2}, "index is 2, must be a whole number from 0 to 1"),
        (Image(PIXELS), "picture", {"index": True}, "index is True"),
        (Image(PIXELS), "picture", {"size": 0}, "size is 0, must be a whole number from 1"),
        (Image(PIXELS), "picture", {"size": "big"}, "size is 'big'"),
        (Image(PIXELS * float("nan")), "picture", {}, "no numbers"),
        (WAY, "frame", {"step": 3}, "step is 3, must be a whole number from 0 to 2"),
        (WAY, "frame", {"step": -1}, "step is -1"),
        (WAY, "frame", {"what": "noise"}, "t = 8 has no estimate of the noise, since no network was asked"),
        (INSIDE, "frame", {"what": "noisy", "branch": "b"}, "branch is 'b', must be empty for noisy"),
        (INSIDE, "frame", {"what": "noise", "branch": "c"}, "branch is 'c', must be one of a, b, or empty"),
        (INSIDE, "frame", {"what": "noise", "branch": "b"}, "t = 8 has no estimate of b, .* it was at step 5"),
        (INSIDE, "frame", {"step": 2, "what": "noise"}, "result has no estimate of the noise"),
        (WAY, "frame", {"what": "dirty"}, "what is 'dirty', must be one of 'noisy', 'clean', 'noise'"),
    ],
)
def test_a_bad_option_says_what_is_right(value: Any, view: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        viewed(Registry(value_types=VALUE_TYPES), value, view, options)


def test_every_value_is_told_of_in_words_that_json_knows() -> None:
    registry = Registry(value_types=VALUE_TYPES)
    for value in (Image(PIXELS), Mask(PIXELS[:, :1]), Noisy(PIXELS), WAY, Losses((1.0,), 1, 1), SCHEDULE):
        told = viewed(registry, value, "info", {})["json"]
        assert json.loads(json.dumps(told)) == told
        assert told["lines"] and "text" in told["views"]
        assert isinstance(viewed(registry, value, "text", {})["text"], str)
    assert registry.problems == ()
