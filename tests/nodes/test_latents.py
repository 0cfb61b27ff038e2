"""How latents look: as a plugin tells of their space, else the mean of their channels; pixels as they are."""

from importlib.metadata import EntryPoint

import pytest
import torch

from nodegraph_nodes import value_types, value_views
from nodegraph_nodes.ops import latents
from nodegraph_nodes.ops.pictures import thumbnail
from nodegraph_nodes.types import Image, NoiseSchedule, Noisy, Step, Trajectory

X = torch.randn((2, 4, 6, 5), generator=torch.Generator().manual_seed(1))
VIEWS = {value_type.type: value_type for value_type in value_types.VALUE_TYPES}


def first_three(values):
    return values[:, :3].clamp(-1, 1)


@pytest.fixture
def told(monkeypatch):
    """A plugin tells of the space latent:toy, and another one fails."""
    points = [
        EntryPoint("toy", "toy:first_three", latents.GROUP),
        EntryPoint("broken", "no_such_module:look", latents.GROUP),
    ]
    monkeypatch.setattr(EntryPoint, "load", lambda self: {"toy": first_three}[self.name])  # one fails, as some will
    monkeypatch.setattr(latents, "entry_points", lambda group, name: [each for each in points if each.name == name])
    latents.look_of.cache_clear()
    yield
    latents.look_of.cache_clear()


def test_a_space_that_a_plugin_tells_of(told):
    assert torch.equal(latents.seen(X, "latent:toy"), first_three(X))
    assert latents.seen(X, "latent:toy").shape == (2, 3, 6, 5)


@pytest.mark.parametrize("space", ["latent:unknown", "latent:broken", "pixels"])
def test_what_nobody_tells_of_is_the_mean(told, space):
    assert torch.equal(latents.seen(X, space), X.mean(dim=1, keepdim=True))


def test_pixels_are_themselves(told):
    for channels in (1, 3):
        assert latents.seen(X[:, :channels], "pixels") is not None
        assert torch.equal(latents.seen(X[:, :channels], "pixels"), X[:, :channels])


def test_thumbnails_and_views_of_every_wire_show_it(told):
    image, noisy = Image(X, "latent:toy"), Noisy(X, 5, NoiseSchedule.named("linear"), "latent:toy")
    way = Trajectory((Step(5, X, X.flip(0)),), NoiseSchedule.named("linear"), "latent:toy")
    assert VIEWS[Image].thumbnail(image, 64) == VIEWS[Noisy].thumbnail(noisy, 64) == thumbnail(first_three(X), 64)
    assert VIEWS[Trajectory].thumbnail(way, 64) == thumbnail(first_three(X[:1]), 64)
    shown = value_views.picture_of(first_three(X), 1, 64)
    assert value_views.image_picture(image, 1, 64) == value_views.noisy_picture(noisy, 1, 64) == shown
    assert value_views.trajectory_frame(way, 0, "noisy", 1, 64) == shown
    assert value_views.trajectory_frame(way, 0, "clean", 0, 64) == shown
