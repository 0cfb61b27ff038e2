"""The nodes of components, guidance, regions and tiles: called as functions, and linked in graphs."""

import pytest
import torch

from nodegraph import CheckFailed, Context, Graph, RunFailed, Session
from nodegraph.checks import check
from nodegraph.plugins import load_plugins
from nodegraph_nodes import components, denoisers, guidance, noise, sampling, value_types
from nodegraph_nodes.ops.components import SPLITS, named_components
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.masks import rectangle
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.ops.tiles import Tile
from nodegraph_nodes.types import Image, Mask, NoiseSchedule

LINEAR = NoiseSchedule.named("linear")
T = 500


def picture(seed, size=64, channels=3):
    generator = torch.Generator().manual_seed(seed)
    return Image(torch.randn((1, channels, size, size), generator=generator).clamp(-1, 1))


def exact(seed, size=64, channels=3):
    return denoisers.exact_gaussian(picture(seed, size, channels), sigma=0.1)


def drawn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def estimate(denoiser, x=None):
    return denoiser.estimate(drawn(9, 1, 3, 64, 64) if x is None else x, T).noise


# As functions


@pytest.mark.parametrize("by", ["low, high", "low, middle, high", "grey, colour", "motion, rest"])
def test_factorize_has_the_authors_settings_unless_told_others(by):
    means = [picture(seed).pixels for seed in range(len(by.split(", ")))]
    parts = [exact(seed) for seed in range(len(means))]
    for settings, split in (
        ({}, named_components(by)),
        (
            {"sigma": 3.0, "kernel": 9, "fine": 0.5, "length": 5, "base": 32},
            named_components(by, 3.0, 9, 0.5, 5, 32),
        ),
    ):
        mean = sum(split.component(i, each) for i, each in enumerate(means))
        found = estimate(components.factorize(parts, by, **settings))
        torch.testing.assert_close(found, estimate(ExactGaussian(mean, 0.1, LINEAR)), rtol=0, atol=1e-5)


def test_the_choices_of_the_nodes_are_the_components_there_are():
    registry = load_plugins(only=["nodegraph"])
    names = tuple(", ".join(split.names) for split in SPLITS)
    assert registry.get("Factorize").input("by").choices == names
    assert registry.get("HybridInverse").input("by").choices == names
    keep = registry.get("HybridInverse").input("keep").choices
    assert set(keep) == {name for split in SPLITS for name in split.names}


def test_hybrid_inverse_keeps_a_component_with_a_seed_of_its_own():
    made, image = exact(1), picture(2)
    kept = components.hybrid_inverse(made, image, "grey, colour", "grey", project=True)
    registry = load_plugins(only=["nodegraph"])
    random = ("PureNoise", "IterativeSampler", "MaskBlend", "HybridInverse")
    assert [registry.get(name).input("seed").default for name in random] == [0, 1, 2, 4]
    assert kept.hook.seed == 4
    assert kept.hook.key == keep_component(made, image.pixels, named_components("grey, colour"), "grey", True).hook.key
    sampled = sampling.iterative_sampler(Context(), kept, noise.pure_noise(64, 3), steps=5)
    grey, due = (each.mean(1, keepdim=True) for each in (sampled.image.pixels, image.pixels))
    torch.testing.assert_close(grey, due, rtol=0, atol=1e-6)
    low = components.hybrid_inverse(made, image, sigma=3.0, kernel=9, base=0, seed=7)
    expected = named_components("low, high", 3.0, 9, base=0)
    assert (low.hook.components, low.hook.kept, low.hook.seed, low.hook.project) == (expected, 0, 7, False)
    with pytest.raises(ValueError, match="keep is 'grey', must be one of low, high"):
        components.hybrid_inverse(made, image, keep="grey")
    with pytest.raises(ValueError, match="the image is in the space latent:sd, the denoiser works in pixels"):
        components.hybrid_inverse(made, Image(image.pixels, "latent:sd"))


def test_when_perp_neg_and_rescaling_hand_their_settings_on():
    a, b, u = exact(1), exact(2), exact(3)
    assert torch.equal(estimate(guidance.when(a, b, 600, 500)), estimate(a))
    assert torch.equal(estimate(guidance.when(a, b, 600, 501)), estimate(b))
    assert torch.equal(estimate(guidance.when(a, b)), estimate(a))
    pushed = guidance.perp_neg(a, u, [b], 3.0)
    assert (pushed.weights, pushed.scale) == ((1.0,), 3.0)
    assert guidance.perp_neg(a, u, [b, a], 3.0, [0.5, 2.0]).weights == (0.5, 2.0)
    with pytest.raises(ValueError, match="weights are 2 for 1 negative,"):
        guidance.perp_neg(a, u, [b], 3.0, [0.5, 2.0])
    guided = guidance.cfg_combine(a, u, 9.0)
    found = estimate(guidance.cfg_rescale(guided, a, 1.0))
    torch.testing.assert_close(found.std(), estimate(a).std())


def test_regions_take_masks():
    strips = [Mask(rectangle(64, 64, left, 0, width, 64, feather=6.0)) for left, width in ((0, 20), (20, 44))]
    parts = [exact(1), exact(2)]
    expected = estimate(Regions(tuple(parts), tuple(strip.values for strip in strips)))
    assert torch.equal(estimate(guidance.regions(parts, strips)), expected)
    torch.testing.assert_close(estimate(guidance.regions(parts, strips[:1])), expected)


def test_a_panorama_is_as_wide_as_its_noise():
    start = noise.pure_noise(size=28, batch=2, seed=9, width=70)
    assert torch.equal(start.x, drawn(9, 2, 1, 28, 70))
    assert noise.pure_noise(16, 3, height=20).x.shape == (1, 3, 20, 16)
    assert noise.pure_noise(16, width=8, height=20).x.shape == (1, 1, 20, 8)
    piece = exact(1, 28, 1)
    panorama = guidance.tile(piece, 28, 14, "gaussian")
    assert torch.equal(estimate(panorama, start.x), estimate(Tile(piece, 28, 14, "gaussian"), start.x))
    made = sampling.iterative_sampler(Context(), panorama, start, steps=3)
    assert made.image.pixels.shape == (2, 1, 28, 70)
    strip = sampling.filmstrip(made.trajectory, 3).pixels
    assert strip.shape[-1] > strip.shape[-2]


def test_panoramas_go_through_the_nodes_that_take_pictures():
    from nodegraph_nodes import inpainting, masks, views

    start = noise.pure_noise(size=28, width=70)
    wide = Image(start.x.clamp(-1, 1))
    half = masks.rectangle_mask(left=10, width=30, like=wide)
    assert half.values.shape == (1, 1, 28, 70)
    panorama = guidance.tile(exact(1, 28, 1), 28, 14)
    flat = denoisers.exact_gaussian(wide)
    for made in (
        inpainting.mask_blend(panorama, wide, half),
        guidance.region_blend(panorama, flat, half),
        views.flip_average(panorama, flat, "rotate_180"),
        components.hybrid_inverse(panorama, wide, sigma=1.5, base=28),
        components.factorize([panorama, flat], sigma=1.5, base=28),
    ):
        found = sampling.iterative_sampler(Context(), made, start, steps=2).image
        assert found.pixels.shape == (1, 1, 28, 70) and found.pixels.isfinite().all()


def test_nodes_change_nothing_that_they_were_given():
    a, b = exact(1), exact(2)
    half = Mask(rectangle(64, 64, 0, 0, 32, 64))
    image = picture(5)
    given = [a, b, half, image]
    copies = [[tensor.clone() for tensor in value_types.tensors(value)] for value in given]
    for made in (
        components.factorize([a, b]),
        components.hybrid_inverse(a, image, project=True),
        guidance.when(a, b, 999, 500),
        guidance.perp_neg(a, b, [b]),
        guidance.cfg_rescale(guidance.cfg_combine(a, b), a),
        guidance.regions([a, b], [half]),
        guidance.tile(a, 64, 32),
    ):
        sampling.iterative_sampler(Context(), made, noise.pure_noise(64, 3), steps=2)
    for value, before in zip(given, copies, strict=True):
        for now, then in zip(value_types.tensors(value), before, strict=True):
            assert torch.equal(now, then)


def test_what_they_hold_is_counted_and_told():
    a, b, half = exact(1), exact(2), Mask(rectangle(64, 64, 0, 0, 32, 64))
    image = picture(5)
    made = guidance.when(
        components.hybrid_inverse(components.factorize([a, b]), image), guidance.regions([a, b], [half]), 999, 500
    )
    (declared,) = (each for each in value_types.VALUE_TYPES if each.type.__name__ == "Denoiser")
    told = "When(HybridInverse(Factorize(ExactGaussian, ExactGaussian)), Regions(ExactGaussian, ExactGaussian))"
    assert declared.summary(made) == told
    held = sum(dict(declared.nbytes(made)).values())
    assert held == sum(tensor.nbytes for tensor in (a.mean, b.mean, image.pixels, half.values))


# In graphs


@pytest.fixture(scope="module")
def session():
    with Session(load_plugins(only=["nodegraph"])) as session:
        yield session


def linked(graph, *links):
    for link in links:
        graph = graph.connect(link)
    return graph


def known(**more):
    """A dark, a bright and a grey denoiser, sampled in two steps by what is added."""
    graph = Graph().add("start", "PureNoise", **({"size": 64} | more)).add("sample", "IterativeSampler", steps=2)
    for name, value in (("dark", -0.75), ("bright", 0.75), ("grey", 0.0)):
        graph = graph.add(name, "ExactGaussian", value=value, sigma=0.0)
    return graph.connect("start.noisy -> sample.start")


def result(session, graph):
    assert check(graph, session.registry) == []
    return session.run(graph, targets=["sample"])["sample", "image"].pixels


def test_components_in_a_graph(session):
    graph = linked(
        known().add("mix", "Factorize", by="low, middle, high"),
        "dark.denoiser -> mix.parts[0]", "bright.denoiser -> mix.parts[1]", "bright.denoiser -> mix.parts[2]",
        "mix.denoiser -> sample.denoiser",
    )  # fmt: skip
    torch.testing.assert_close(result(session, graph), torch.full((1, 1, 64, 64), -0.75), rtol=0, atol=1e-4)
    with pytest.raises(CheckFailed, match="parts are 3, must be 2; one each for low, high"):
        session.run(graph.set("mix", by="low, high"))
    with pytest.raises(RunFailed, match="the shorter side of the pictures is 28, below base 64"):
        session.run(graph.set("start", size=28))


def test_guidance_in_a_graph(session):
    graph = linked(
        known().add("away", "PerpNeg", scale=0.5, weights=[1.0]).add("guide", "CFGCombine", scale=3.0)
        .add("scaled", "CFGRescale", share=0.0).add("when", "When", first=999, last=1),
        "bright.denoiser -> away.positive", "grey.denoiser -> away.unconditional", "dark.denoiser -> away.negatives[0]",
        "bright.denoiser -> guide.conditional", "grey.denoiser -> guide.unconditional",
        "guide.denoiser -> scaled.guided", "bright.denoiser -> scaled.conditional",
        "scaled.denoiser -> when.inside", "away.denoiser -> when.outside",
        "when.denoiser -> sample.denoiser",
    )  # fmt: skip
    # The last look, at t = 0, is that of `away`: half of bright, since dark lies along it and pushes nothing.
    torch.testing.assert_close(result(session, graph), torch.full((1, 1, 64, 64), 0.375), rtol=0, atol=1e-4)


def test_regions_and_tiles_in_a_graph(session):
    graph = linked(
        known(size=28, width=70).add("left", "RectangleMask", width=30)
        .add("middle", "RectangleMask", left=30, width=20)
        .add("regions", "Regions").add("tile", "Tile", size=28, stride=14),
        "start.noisy -> left.like", "start.noisy -> middle.like",
        "dark.denoiser -> tile.denoiser", "tile.denoiser -> regions.parts[0]", "bright.denoiser -> regions.parts[1]",
        "grey.denoiser -> regions.parts[2]", "left.mask -> regions.masks[0]", "middle.mask -> regions.masks[1]",
        "regions.denoiser -> sample.denoiser",
    )  # fmt: skip
    found = result(session, graph)
    assert found.shape == (1, 1, 28, 70)
    for columns, value in ((slice(0, 30), -0.75), (slice(30, 50), 0.75), (slice(50, 70), 0.0)):
        torch.testing.assert_close(found[..., columns], torch.full_like(found[..., columns], value), rtol=0, atol=1e-4)
    with pytest.raises(RunFailed, match="the masks sum to 2 at column 30, row 0"):
        session.run(graph.set("left", width=40))


def test_an_inverse_hybrid_in_a_graph(session):
    graph = linked(
        known(size=64, channels=3).add("noised", "PureNoise", size=64, channels=3, seed=6)
        .add("keep", "HybridInverse", by="grey, colour", keep="grey", project=True),
        "bright.denoiser -> keep.denoiser", "noised.noisy -> keep.image", "keep.denoiser -> sample.denoiser",
    )  # fmt: skip
    found = result(session, graph).mean(1, keepdim=True)
    torch.testing.assert_close(found, drawn(6, 1, 3, 64, 64).mean(1, keepdim=True), rtol=0, atol=1e-5)
    warned = check(graph.set("keep", seed=1), session.registry)
    assert [problem.kind for problem in warned] == ["warning"]  # as the sampler's
