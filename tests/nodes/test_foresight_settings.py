"""What is foreseen of settings: counts, weights, letters, presets and values that do nothing, told by check."""

import pytest
from foretold import GAUSSIANS, PARTS, PICTURE, built, combined, told

from nodegraph import CheckFailed, GraphWarning, RunFailed, Session


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (
            combined("WeightedSum", *PARTS, weights=[0.5, 0.4]),
            "mix (WeightedSum): weights sum to 0.9, must sum to 1 where there is no base; change them, or link a base",
        ),
        (
            combined("WeightedSum", *PARTS, weights=[1.0]),
            "mix (WeightedSum): weights are 1 for 2 parts, must be one for each",
        ),
        (
            combined("WeightedSum", *PARTS, "c.denoiser -> mix.base", weights=[1.0]),
            "mix (WeightedSum): weights are 1 for 2 parts, must be one for each",
        ),
        (
            combined("MultiView", *PARTS, views=["flip"]),
            "mix (MultiView): views are 1 for 2 parts, must be one for each; identity is the picture as it stands",
        ),
        (
            combined("MultiView", *PARTS, views=["flip", "identity"], permutations=[1, 2, 3]),
            "mix (MultiView): permutations are 3, must be none, one for all, or one for each of the 2 views",
        ),
        (
            combined(
                "PerpNeg",
                "a.denoiser -> mix.positive",
                "b.denoiser -> mix.unconditional",
                "c.denoiser -> mix.negatives[0]",
                weights=[1.0, 2.0],
            ),
            "mix (PerpNeg): weights are 2 for 1 negative, must be one for each; leave them out for 1 each",
        ),
        (
            combined("Factorize", *PARTS, by="low, middle, high", base=0),
            "mix (Factorize): parts are 2, must be 3; one each for low, middle, high",
        ),
        (
            combined("Factorize", *PARTS, kernel=4, base=0),
            "mix (Factorize): kernel is 4, must be an odd number of pixels",
        ),
        (
            combined(
                "Regions",
                *PARTS,
                "c.denoiser -> mix.parts[2]",
                "mask.mask -> mix.masks[0]",
                more={"mask": ("RectangleMask", {"size": 8})},
            ),
            "mix (Regions): masks are 1 for 3 parts, must be one for each, or for each but the last; that one then has "
            "the rest",
        ),
        (
            combined("When", "a.denoiser -> mix.inside", "b.denoiser -> mix.outside", first=100, last=200),
            "mix (When): first is 100 and last is 200, must be first >= last: sampling goes down from high "
            "timesteps to 0",
        ),
        (
            combined("Tile", "a.denoiser -> mix.denoiser", size=4, stride=8),
            "mix (Tile): stride is 8, must be from 1 to the size of a tile, 4",
        ),
        (
            combined("Formula", "a.denoiser -> mix.a", "b.denoiser -> mix.b", formula="b + s*(a-c)"),
            "mix (Formula): formula names c at 10, which is not linked; known are a, b, s, t, step, pi, x, y\n"
            "    b + s*(a-c)\n             ^",
        ),
        (
            combined("Formula", "a.denoiser -> mix.a", formula="a + mask*a"),
            "mix (Formula): formula names mask at 5, which is not linked; known are a, s, t, step, pi, x, y\n"
            "    a + mask*a\n        ^",
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_counts_weights_and_letters_are_told_before_the_run(registry, blind, graph, problem):
    assert told(graph, registry) == [problem]
    with Session(registry) as session, pytest.raises(CheckFailed) as refused:
        session.run(graph)
    assert str(refused.value) == problem
    with Session(blind) as session, pytest.raises(RunFailed) as failed:
        session.run(graph)
    message = problem.partition(": ")[2]
    assert str(failed.value).removeprefix("mix: ").removeprefix("the ") == message  # the same words in the run


def test_what_is_wrong_with_a_formula_itself_is_told_as_ever(registry):
    (problem,) = told(combined("Formula", "a.denoiser -> mix.a", formula="a +"), registry)
    assert problem.startswith("mix (Formula): formula ends at 4, where a value must follow")


def test_weights_that_a_value_node_brings_are_known(registry):
    graph = combined("WeightedSum", *PARTS, weights=[], more={"x": ("Float", {"value": 0.25})})
    graph = graph.connect("x.value -> mix.weights[0]").connect("x.value -> mix.weights[1]")
    assert told(graph, registry) == [
        "mix (WeightedSum): weights sum to 0.5, must sum to 1 where there is no base; change them, or link a base"
    ]
    assert told(graph.set("x", value=0.5), registry) == []


def sampled(**inputs):
    """A sampler with these settings, of the first Gaussian."""
    return built(
        {"a": GAUSSIANS["a"], "noise": ("PureNoise", {"size": 8}), "sample": ("IterativeSampler", inputs)},
        "a.denoiser -> sample.denoiser",
        "noise.noisy -> sample.start",
    )


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"preset": "CS180", "clip": "dynamic"},
            ["clip is dynamic, the preset CS180 sets none; leave one of them out"],
        ),
        (
            {"preset": "CS180", "clip": "clamp"},
            ["clip is clamp, the preset CS180 sets none; leave one of them out"],
        ),
        ({"preset": "CS180", "steps": 50}, ["steps is 50, but the preset CS180 sets 33; leave it out, or the preset"]),
        ({"preset": "CS180", "clip": "none", "steps": 33}, []),
        ({"preset": "CS180"}, []),
        ({"preset": "RePaint", "repeats": 3}, ["repeats is 3, the preset RePaint sets 10; leave one of them out"]),
        ({"preset": "IF pipeline", "steps": 20}, []),
        ({"method": "ddpm", "eta": 0.5}, ["eta is 0.5 with ddpm, must be from 0 to 1, and 0 but for ddim"]),
        ({"method": "euler", "repeats": 2}, ["repeats is 2, must be 1 with euler; only ddpm and ddim can climb"]),
        (
            {"steps": 5, "repeats": 2},
            [
                "jump is 10, must be below 5, the number of steps, to be repeated; take more steps or a lower jump, "
                "begin with more noise, or set repeats to 1"
            ],
        ),
        ({"timesteps": [500, 600]}, ["timesteps has 600 after 500, must fall from each to the next"]),
        ({"timesteps": [1000, 600]}, ["timesteps holds 1000, must be from 0 to 999"]),
        (
            {"timesteps": [500], "end": 600},
            [
                "there is nothing to do: the walk begins at t = 500 and ends at 600; begin at a higher t, with more "
                "noise, or let it end at -1, the clean picture (the preset CS180 ends at 0)"
            ],
        ),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together(registry, blind, inputs, expected):
    found = told(sampled(**inputs), registry)
    assert [text.removeprefix("warning ").removeprefix("sample (IterativeSampler): ") for text in found] == expected
    refused = any(not text.startswith("warning") for text in found)
    with Session(blind) as session:
        if refused:
            with pytest.raises(RunFailed):
                session.run(sampled(**inputs))
        elif found:
            with Session(registry) as other, pytest.warns(GraphWarning, match="but the preset CS180"):
                other.run(sampled(**inputs))


def test_a_preset_of_mask_blend(registry):
    graph = combined(
        "MaskBlend",
        "a.denoiser -> mix.denoiser",
        "picture.image -> mix.image",
        "mask.mask -> mix.mask",
        more={
            "picture": ("LoadImage", {"path": PICTURE, "size": 8, "color": "grey"}),
            "mask": ("CircleMask", {"size": 8, "x": 4, "y": 4, "radius": 2}),
        },
        preset="RePaint",
    )
    assert told(graph, registry) == []
    assert told(graph.set("mix", mode="paste"), registry) == [
        "mix (MaskBlend): mode is paste, the preset RePaint sets before; leave one of them out"
    ]
    assert told(graph.set("mix", mode="after"), registry) == [
        "warning mix (MaskBlend): mode is after, but the preset RePaint sets before; leave it out, or the preset"
    ]


@pytest.mark.parametrize(
    ("inputs", "warning"),
    [
        ({"preset": "CS180", "spacing": "trailing"}, "spacing is trailing, but the preset lists the timesteps"),
        ({"timesteps": [500, 0], "spacing": "linspace"}, "spacing is linspace, but the timesteps are listed"),
        ({"timesteps": [500, 0], "steps": 7}, "steps is 7, but the timesteps are listed: 2 of them"),
        ({"method": "ddim", "variance": "fixed_large"}, "variance is fixed_large, but ddim does not use it"),
        ({"timesteps": [500, 0], "steps": 2, "spacing": "leading"}, ""),
        ({"method": "ddpm", "variance": "fixed_large"}, ""),
        ({"method": "dpm++", "variance": "learned", "spacing": "trailing"}, ""),
    ],
)
def test_values_that_do_nothing_are_told(registry, inputs, warning):
    found = told(sampled(**inputs), registry)
    assert len(found) == bool(warning)
    assert not warning or found[0].startswith(f"warning sample (IterativeSampler): {warning}")
