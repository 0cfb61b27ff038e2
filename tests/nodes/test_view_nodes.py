"""The nodes of views: called as functions, run in graphs, and what their users are told."""

from typing import get_args

import pytest
import torch

from nodegraph import CheckFailed, Graph, Session
from nodegraph.checks import check
from nodegraph.plugins import load_plugins
from nodegraph_nodes import views
from nodegraph_nodes.ops.anagrams import Reduction
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.view_rules import check_on
from nodegraph_nodes.ops.views import DISTORTIONS, VIEWS, named_view
from nodegraph_nodes.types import Image, NoiseSchedule, Noisy

LINEAR = NoiseSchedule.named("linear")
PICTURE = Image(torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(3)) * 2 - 1)
NOISE = torch.randn((1, 1, 12, 12), generator=torch.Generator().manual_seed(4))


def exact(seed, shape=None):
    mean = torch.randn((1, 1, 12, 12), generator=torch.Generator().manual_seed(seed))
    return ExactGaussian(mean, 0.3, LINEAR, shape)


def test_the_choices_are_those_of_the_mathematics():
    registry = load_plugins(only=["nodegraph"])
    for name, port in (("FlipAverage", "view"), ("Transform", "view"), ("MultiView", "views")):
        assert registry.get(name).input(port).choices == (*VIEWS, *DISTORTIONS)
    assert registry.get("MultiView").input("reduction").choices == get_args(Reduction)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("grid", [0, 32])
def test_transform_shows_every_view_and_turns_it_back(name, grid):
    before = PICTURE.pixels.clone()
    there = views.transform(PICTURE, None, name, 3, grid=grid, patches=4, factor=0.5).image
    assert torch.equal(there.pixels, named_view(name, 3, grid, patches=4, factor=0.5).apply(PICTURE.pixels))
    back = views.transform(there, None, name, 3, True, grid, 4, 0.5).image
    assert torch.equal(back.pixels, PICTURE.pixels) and torch.equal(PICTURE.pixels, before)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_transform_shows_pictures_what_is_no_view_but_leaves_noise_alone(name):
    seen = views.transform(PICTURE, None, name).image
    assert seen.pixels.shape == PICTURE.pixels.shape and not torch.equal(seen.pixels, PICTURE.pixels)
    noisy = Noisy(PICTURE.pixels, 500, LINEAR)
    with pytest.raises(ValueError, match=r"is not orthogonal: its defect is 0\.\d+, must be below 0\.001"):
        views.transform(None, noisy, name)
    assert views.transform(None, noisy, "jigsaw").noisy.t == 500


def test_an_anagram_takes_what_can_be_chosen_about_its_view():
    x, a, b = NOISE, exact(1), exact(2)
    for name in ("skew", "jigsaw", "patch_permutation", "pixel_permutation"):
        view = named_view(name, 3, 12, patches=4, factor=0.5)
        expected = (a.estimate(x, 500).noise + view.undo(b.estimate(view.apply(x), 500).noise)) / 2
        made = views.flip_average(a, b, name, 3, 12, 4, 0.5)
        torch.testing.assert_close(made.estimate(x, 500).noise, expected)
        many = views.multi_view([a, b], ["identity", name], "mean", [3], 12, 4, 0.5)
        torch.testing.assert_close(many.estimate(x, 500).noise, expected)


def test_shufflings_are_one_for_all_or_one_for_each():
    a, names = exact(1), ["jigsaw", "pixel_permutation", "jigsaw"]
    for given, seeds in (([], (0, 0, 0)), ([4], (4, 4, 4)), ([4, 5, 6], (4, 5, 6))):
        made = views.multi_view([a] * 3, names, permutations=given)
        assert made.views == tuple(named_view(name, seed) for name, seed in zip(names, seeds, strict=True))
    with pytest.raises(ValueError, match="permutations are 2, must be none, one for all, or one for each of the 3"):
        views.multi_view([a] * 3, names, permutations=[1, 2])
    with pytest.raises(ValueError, match="views are 3 for 2 parts, must be one for each"):
        views.multi_view([a] * 2, names)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_an_anagram_tells_why_something_is_no_view(name):
    sized = exact(1, (1, 12, 12))
    with pytest.raises(ValueError, match=r"defect is 0\.\d+, must be below 0\.001.*times as strong; take a view that"):
        views.flip_average(sized, sized, name)
    with pytest.raises(ValueError, match=r"defect is 0\.\d+, must be below 0\.001"):
        views.multi_view([exact(1)], [name])


def three_ways(**many):
    graph = Graph().add("noise", "PureNoise", size=12).add("many", "MultiView", **many)
    graph = graph.add("sample", "IterativeSampler", steps=6, clip="none")
    for index, value in enumerate((0.5, -0.5, 0.25)):
        graph = graph.add(f"part{index}", "ExactGaussian", value=value, sigma=0.1)
        graph = graph.connect(f"part{index}.denoiser -> many.parts[{index}]")
    for link in ("many.denoiser -> sample.denoiser", "noise.noisy -> sample.start"):
        graph = graph.connect(link)
    return graph


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
def test_in_a_graph(reduction):
    graph = three_ways(views=["identity", "jigsaw", "negate"], reduction=reduction)
    with Session(load_plugins(only=["nodegraph"])) as session:
        assert check(graph, session.registry) == []
        result = session.run(graph)["sample", "image"].pixels
    if reduction == "mean":  # 0.5, -0.5 and, seen negated, 0.25: -0.25 / 3 in the end
        assert float(result.mean()) == pytest.approx((0.5 - 0.5 - 0.25) / 3, abs=0.05)
    assert result.shape == (1, 1, 12, 12)


def test_in_a_graph_what_does_not_fit_is_told():
    with Session(load_plugins(only=["nodegraph"])) as session:
        with pytest.raises(CheckFailed, match="views are 2 for 3 parts, must be one for each"):
            session.run(three_ways(views=["identity", "flip"]))
        with pytest.raises(CheckFailed, match=r"is not orthogonal: its defect is 0\.5, must be below 0\.001"):
            session.run(three_ways(views=["identity", "flip", "gain"]))
        problems = check(three_ways(views=["identity", "flip", "sideways"]), session.registry)
        assert len(problems) == 1 and "sideways" in str(problems[0])


def test_files_of_before_say_the_same():
    """FlipAverage and Transform with the inputs that they had: the new ones change nothing."""
    a, b = exact(1), exact(2)
    made = views.flip_average(a, b, "pixel_permutation", 4)
    order = torch.randperm(144, generator=torch.Generator().manual_seed(4))
    seen = NOISE.flatten()[order].view(NOISE.shape)
    back = torch.empty(144)
    back[order] = b.estimate(seen, 500).noise.flatten()
    expected = (a.estimate(NOISE, 500).noise + back.view(NOISE.shape)) / 2
    torch.testing.assert_close(made.estimate(NOISE, 500).noise, expected)
    assert torch.equal(views.transform(PICTURE, undo=True).image.pixels, PICTURE.pixels.flip(-2))


# On latents

FOLLOWED = {"identity", "flip", "mirror", "rotate_90", "rotate_180", "rotate_270"}


@pytest.mark.parametrize("name", VIEWS)
def test_latents_are_seen_through_what_a_vae_follows_and_nothing_else(name):
    """In a run and before it: for an anagram of two, of several, and for what Transform shows."""
    latents = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(4))
    parts = [ExactGaussian(latents, 0.3, LINEAR, (4, 16, 16), "latent:sd1")] * 2
    made = (
        lambda: views.flip_average(*parts, view=name),
        lambda: views.multi_view(parts, ["identity", name]),
        lambda: views.transform(image=Image(latents, "latent:sd1"), view=name),
        lambda: views.transform(noisy=Noisy(latents, 500, LINEAR, "latent:sd1"), view=name),
    )
    for make in made:
        if name in FOLLOWED:
            make()
        else:
            with pytest.raises(ValueError, match="does not commute with the VAE of latent:sd1: a latent stands"):
                make()
    if name in FOLLOWED:
        check_on("latent:sd1", name)
    else:
        with pytest.raises(ValueError, match=f"the view {name} does not commute with the VAE of latent:sd1"):
            check_on("latent:sd1", name)
    check_on("pixels", name)
