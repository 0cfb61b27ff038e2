"""What is foreseen of pictures that meet: their sizes and batches, and what both halves of a composition are for."""

import pytest
from foretold import GUIDED, PICTURE, built, combined, example, told

from nodegraph import RunFailed, Session


@pytest.mark.parametrize(
    ("graph", "problems"),
    [
        (
            example("if/text_to_image.json").set("noise", size=60),
            ["sample (IterativeSampler): start is 60 x 60, must be divisible by 8, such as 64 x 64"],
        ),
        (
            example("if/text_to_image.json").set("noise", channels=1),
            [
                "sample (IterativeSampler): start is 64 x 64 with 1 channel, the denoiser takes 3 channels",
                "safe (IFSafetyChecker): image has 1 channel, must have 3: the safety checker looks at RGB pictures",
            ],
        ),
        (
            example("if/inpainting.json").set("noise", batch=3),
            ["sheet (ImageGrid): captions are 5, must be none or one for each of the 4 pictures"],
        ),
        (
            example("if/upscale.json").set("noise", batch=2).set("noise_large", batch=2),
            [
                "sheet (ImageGrid): captions are 2, must be none or one for each of the 4 pictures; one text "
                "for each batch "
                "goes into headings"
            ],
        ),
        (
            example("if/upscale.json").set("noise", batch=2),
            [
                "sample_large (IterativeSampler): denoiser has 2 rows, one for each picture, and the batch has "
                "1; it needs 2 "
                "or more, as `batch` of PureNoise makes them",
                "sheet (ImageGrid): captions are 2, must be none or one for each of the 3 pictures; one text "
                "for each batch "
                "goes into headings",
            ],
        ),
        (
            example("if/upscale.json").set("noise_large", size=128),
            [
                "sample_large (IterativeSampler): start is 128 x 128 with 3 channels, the denoiser takes 256 x "
                "256 with 3 "
                "channels only"
            ],
        ),
        (
            example("if/inpainting.json").set("middle", size=32, left=4, top=4, width=9, height=9),
            ["fill (MaskBlend): mask is 32 x 32, must be 64 x 64 like the pictures"],
        ),
        (
            example("if/inpainting.json").set("drawing", size=128).set("middle", size=128),
            [
                "sample (IterativeSampler): the image is 128 x 128 with 3 channels, must be 64 x 64 with 3 "
                "channels like what "
                "is sampled"
            ],
        ),
        (
            example("if/upscale.json").set("any_large", noise_level=100),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with noise_level 100, "
                "conditional with "
                "noise_level 250, so that they see different pictures and guidance enhances the difference; "
                "give both the "
                "same noise_level"
            ],
        ),
        (
            example("if/upscale.json").set("any_large", seed=12),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with seed 12, conditional "
                "with seed 3, so "
                "that they see different pictures and guidance enhances the difference; give both the same seed"
            ],
        ),
        (
            example("if/upscale.json").connect("safe.image -> any_large.image"),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with image safe.image, "
                "conditional with "
                "image sample.image, so that they see different pictures and guidance enhances the difference; "
                "give both the "
                "same image"
            ],
        ),
        (
            example("inpainting.json").set("noise", size=32),
            [
                "sample (IterativeSampler): start is 32 x 32 with 1 channel, the denoiser takes 28 x 28 with 1 channel "
                "only"
            ],
        ),
        (
            built(
                {"d": ("UNetMNIST", {"digit": "0-9"}), "n": ("PureNoise", {"batch": 4}), "s": ("IterativeSampler", {})},
                "d.denoiser -> s.denoiser",
                "n.noisy -> s.start",
            ),
            [
                "s (IterativeSampler): denoiser has 10 rows, one for each picture, and the batch has 4; it "
                "needs 10 or more, "
                "as `batch` of PureNoise makes them"
            ],
        ),
        (
            built({"d": ("UNetMNIST", {"digit": "12"})}),
            ["d (UNetMNIST): digit is '12', must be digits from 0 to 9 such as 3, or 6,9, or 0-9; empty for any"],
        ),
        (
            built(
                {"n": ("PureNoise", {}), "d": ("UNetMNIST", {}), "o": ("OneStepDenoise", {})},
                "n.noisy -> o.noisy",
                "d.denoiser -> o.denoiser",
            ),
            [
                "o (OneStepDenoise): noisy is pure noise of no timestep; link a picture from AddNoise, or use "
                "IterativeSampler"
            ],
        ),
        (
            built({"t": ("Transform", {})}),
            ["t (Transform): image and noisy have no link, so that there is nothing to transform; link one of them"],
        ),
    ],
)
def test_sizes_and_batches_are_told(registry, graph, problems):
    found = told(graph, registry)
    assert found == problems


def test_two_halves_may_see_pictures_that_are_made_alike(registry):
    graph = example("if/upscale.json")
    graph = graph.add("twin", graph.nodes["sample"]).connect("twin.image -> any_large.image")
    for link in graph.in_links["sample"]:
        graph = graph.connect(str(link).replace("-> sample.", "-> twin."))
    assert [text for text in told(graph, registry) if "(CFGCombine)" in text] == []


def test_guidance_of_denoisers_for_different_pictures(registry, blind):
    graph = combined(
        "CFGCombine",
        *GUIDED,
        more={
            "small": ("LoadImage", {"path": PICTURE, "size": 8, "color": "grey"}),
            "large": ("LoadImage", {"path": PICTURE, "size": 12, "color": "grey"}),
        },
    )
    graph = graph.connect("small.image -> a.mean").connect("large.image -> b.mean")
    said = "the denoisers take different pictures, 8 x 8 with 1 channel and 12 x 12 with 1 channel"
    assert told(graph, registry) == [f"mix (CFGCombine): {said}; what is composed must take the same"]
    with Session(blind) as session, pytest.raises(RunFailed, match=said):
        session.run(graph)
    graph = combined("CFGCombine", *GUIDED).set("a", schedule="cosine")
    assert "the denoisers have different schedules, cosine and linear" in told(graph, registry)[0]


def test_a_half_that_is_never_asked_binds_nothing(registry):
    graph = combined(
        "CFGCombine",
        "d.denoiser -> mix.unconditional",
        "e.denoiser -> mix.conditional",
        noise={"size": 28},
        more={"d": ("UNetMNIST", {"digit": "0-9"}), "e": ("UNetMNIST", {})},
        scale=1.0,
    )
    assert told(graph, registry) == []
    assert len(told(graph.set("mix", scale=2.0), registry)) == 1


def test_batches_of_digits_as_a_run_has_them(registry, blind):
    with Session(blind) as session:
        for digits in ("", "3", "3,4", "0-2"):
            for batch in (1, 2, 3):
                for scale in (1.0, 2.0):
                    graph = combined(
                        "CFGCombine",
                        "d.denoiser -> mix.unconditional",
                        "e.denoiser -> mix.conditional",
                        noise={"size": 28, "batch": batch},
                        scale=scale,
                        more={
                            "d": ("UNetMNIST", {"digit": digits}),
                            "e": ("UNetMNIST", {"digit": "5"}),
                            "sample": ("IterativeSampler", {"timesteps": [500]}),
                        },
                    )
                    wrong = told(graph, registry)
                    try:
                        session.run(graph)
                    except RunFailed:
                        assert wrong
                    else:
                        assert not wrong
