"""What there is for pixels works on latents unchanged: guidance, regions, masks, anagrams, samplers, files."""

import pytest
import torch
import torch.nn.functional as F
from sd_graphs import largest, run, text_to_image

from nodegraph import Session, check
from nodegraph_nodes import guidance, sampling, views
from nodegraph_nodes.components import frequency_mix
from nodegraph_nodes.inpainting import mask_blend
from nodegraph_nodes.masks import rectangle_mask
from nodegraph_nodes.noise import add_noise
from nodegraph_nodes.types import Image, Mask
from nodegraph_stable_diffusion import nodes


@pytest.fixture
def told(model, context):
    """A denoiser for a prompt."""
    return lambda text: nodes.sd_denoiser(context, model, nodes.encode_sd_prompt(context, model, text))


@pytest.fixture
def x():
    return nodes.latent_noise(64, 64).x


def half(size=64):
    """1 in the left three eighths and a bit: no whole number of latents."""
    return rectangle_mask(size, 0, 0, 3 * size // 8 + 4, size)


def test_a_mask_of_pixels_is_averaged_over_what_each_latent_stands_for(told, x):
    cat, dog = told("the photo of a cat"), told("dog")
    mask = half()
    found = guidance.region_blend(cat, dog, mask).estimate(x, 500).noise
    m = F.avg_pool2d(mask.values, 8)
    assert sorted(set(m.flatten().tolist())) == [0, 0.5, 1]
    expected = m * cat.estimate(x, 500).noise + (1 - m) * dog.estimate(x, 500).noise
    assert largest(found, expected) < 1e-5


def test_regions_in_a_graph_take_masks_as_large_as_the_picture(folder, registry):
    graph = (
        text_to_image(folder, steps=3)
        .add("mask", "RectangleMask", size=64, left=0, top=0, width=32, height=64)
        .add("region", "RegionBlend")
        .connect("mask.mask -> region.mask")
        .connect("cat.denoiser -> region.inside")
        .connect("dog.denoiser -> region.outside")
        .connect("region.denoiser -> sample.denoiser")
    )
    assert [str(each) for each in check(graph, registry)] == []
    assert run(graph, registry).pixels.shape == (1, 3, 64, 64)


def test_what_lies_outside_a_mask_is_kept(told, model, context):
    picture = nodes.vae_encode(context, model, Image(torch.rand(1, 3, 64, 64) * 2 - 1))
    mask = Mask(1 - half().values)
    kept = mask_blend(told("the photo of a cat"), picture, mask)
    start = nodes.latent_noise(64, 64)
    made = sampling.iterative_sampler(context, kept, start, steps=4, offset=1).image
    outside = F.avg_pool2d(mask.values, 8).expand_as(made.pixels) == 0
    assert made.space == "latent:sd1" and 0 < float(outside.float().mean()) < 1
    assert largest(made.pixels[outside], picture.pixels[outside]) < 1e-6
    assert largest(made.pixels[~outside], picture.pixels[~outside]) > 0.1


@pytest.mark.parametrize("view", ["flip", "mirror", "rotate_90", "rotate_180"])
def test_an_anagram_of_latents(told, x, view):
    cat, dog = told("the photo of a cat"), told("dog")
    found = views.flip_average(cat, dog, view).estimate(x, 500).noise
    turn = {
        "flip": (lambda z: z.flip(-2),) * 2,
        "mirror": (lambda z: z.flip(-1),) * 2,
        "rotate_90": (lambda z: z.rot90(1, (-2, -1)), lambda z: z.rot90(-1, (-2, -1))),
        "rotate_180": (lambda z: z.rot90(2, (-2, -1)),) * 2,
    }[view]
    there, back = turn
    expected = (cat.estimate(x, 500).noise + back(dog.estimate(there(x), 500).noise)) / 2
    assert largest(found, expected) < 1e-5


ANAGRAM = ("cat.denoiser -> mix.upright", "dog.denoiser -> mix.flipped", "mix.denoiser -> sample.denoiser")


def anagram(folder, view):
    graph = text_to_image(folder, steps=2).add("mix", "FlipAverage", view=view)
    for link in ANAGRAM:
        graph = graph.connect(link)
    return graph


def test_a_view_that_moves_a_picture_as_a_whole_runs(folder, registry):
    graph = anagram(folder, "rotate_180")
    assert check(graph, registry) == []
    assert run(graph, registry).pixels.shape == (1, 3, 64, 64)


@pytest.mark.parametrize("view", ["negate", "jigsaw", "skew", "pixel_permutation", "inner_circle"])
def test_a_view_that_moves_parts_is_refused_before_a_run_with_the_reason(folder, registry, view):
    (problem,) = check(anagram(folder, view).set("noise", width=128, height=128), registry)
    assert str(problem).startswith(
        f"mix (FlipAverage): view {view} does not commute with the VAE of latent:sd1: a latent stands for a block of"
    )
    assert "take identity, flip, mirror, rotate_90, rotate_180 or rotate_270" in str(problem)


@pytest.mark.parametrize("settings", [
    {"method": "ddpm"}, {"method": "ddim", "eta": 0.5}, {"method": "dpm++"}, {"method": "euler"},
    {"method": "ddim", "spacing": "trailing", "offset": 0}, {"method": "ddpm", "repeats": 2, "jump": 1},
], ids=str)  # fmt: skip
def test_every_method_samples_it_and_clips_nothing_by_default(told, context, settings):
    guided = guidance.cfg_combine(told("the photo of a cat"), told("dog"), 3.0)
    settings, start = {"steps": 5, "offset": 1, **settings}, nodes.latent_noise(64, 64)
    made = sampling.iterative_sampler(context, guided, start, **settings).image
    assert bool(made.pixels.isfinite().all()) and made.space == "latent:sd1"
    unclipped = sampling.iterative_sampler(context, guided, start, clip="none", **settings).image
    assert torch.equal(made.pixels, unclipped.pixels)


def test_hybrids_weights_and_tiles(told, x):
    cat, dog = told("the photo of a cat"), told("dog")
    a, b = (each.estimate(x, 500).noise for each in (cat, dog))
    summed = guidance.weighted_sum([cat, dog], [0.25, 0.75]).estimate(x, 500).noise
    assert largest(summed, 0.25 * a + 0.75 * b) < 1e-5
    assert frequency_mix(cat, dog, sigma=1.0).estimate(x, 500).noise.shape == x.shape
    wide = nodes.latent_noise(128, 64).x
    tiled = guidance.tile(cat, size=8, stride=8).estimate(wide, 500).noise
    assert largest(tiled[..., :8], cat.estimate(wide[..., :8], 500).noise) < 1e-5


def test_ddim_finds_back_to_the_latents_it_began_with(told, model, context):
    picture = nodes.vae_encode(context, model, Image(torch.zeros(1, 3, 64, 64)))
    cat = told("the photo of a cat")
    found = sampling.ddim_inversion(context, cat, picture, steps=50, t=500)
    assert found.noisy.space == "latent:sd1"
    again = sampling.iterative_sampler(context, cat, found.noisy, steps=50, method="ddim").image.pixels
    assert largest(again, picture.pixels) < 0.1 * float(found.noisy.x.abs().max())


def test_one_step_and_noise_on_latents(told, model, context):
    picture = nodes.vae_encode(context, model, Image(torch.zeros(1, 3, 64, 64)))
    cat = told("the photo of a cat")
    noised = add_noise(picture, t=300, like=cat)
    assert noised.noisy.space == noised.image.space == "latent:sd1"
    assert noised.noisy.schedule == cat.schedule
    made = sampling.one_step_denoise(context, cat, noised.noisy)
    expected = cat.schedule.cleaned(noised.noisy.x, cat.estimate(noised.noisy.x, 300).noise, 300)
    assert made.space == "latent:sd1" and largest(made.pixels, expected) < 1e-5


def test_pictures_are_saved_with_their_graph(folder, registry, tmp_path):
    from nodegraph import load

    graph = text_to_image(folder, steps=2).add("save", "SaveImage", name="cat").connect("decode.image -> save.image")
    with Session(registry) as session:
        path = session.run(graph, targets=["save"], out=tmp_path)["save", "path"]
    assert path.is_file() and load(path).nodes["cat"].type == "SDDenoiser"
