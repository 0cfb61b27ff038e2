"""What is foreseen of sizes, views, tiles, masks and batches: told by check as by a run, and not otherwise."""

from itertools import product

import pytest
import torch
from foretold import PARTS, combined, example, told

from nodegraph import RunFailed, Session
from nodegraph_nodes.ops.view_rules import AT_EVERY_SIZE, DEFECTS, check_grid, check_named, check_seen
from nodegraph_nodes.ops.views import DISTORTIONS, VIEWS, check_orthogonal, named_view

BOTH = ("a.denoiser -> mix.upright", "b.denoiser -> mix.flipped")
MIXED = ("a.denoiser -> mix.low", "b.denoiser -> mix.high")


def said(function, *given, **options) -> str:
    """What a function refuses, else nothing."""
    try:
        function(*given, **options)
    except ValueError as error:
        return str(error)
    return ""


def tried_view(name, size, grid, patches) -> None:
    named_view(name, 0, grid, patches=patches).apply(torch.zeros(1, 1, *size))


def failing(graph, blind) -> str:
    """What a run that foresees nothing says."""
    with Session(blind) as session, pytest.raises(RunFailed) as caught:
        session.run(graph)
    return str(caught.value)


def runs(graph, blind) -> None:
    with Session(blind) as session:
        session.run(graph)


# Views


@pytest.mark.parametrize("name", [*VIEWS, *DISTORTIONS])
def test_names_tell_of_views_what_trying_them_tells(name):
    for size, grid, patches in product([(8, 8), (12, 12), (5, 5), (8, 12), (24, 12)], (0, 4, 5, 6, 12), (2, 8)):
        rule = said(check_grid, name, grid) or said(check_seen, name, *size, patches=patches, grid=grid)
        tried = said(tried_view, name, size, grid, patches)
        assert rule == tried, (size, grid, patches)


@pytest.mark.parametrize("name", [*VIEWS, *DISTORTIONS])
def test_names_tell_what_is_a_view(name):
    assert said(check_named, name) == said(check_orthogonal, named_view(name), (1, 12, 12))
    assert (name in DEFECTS) == (name in DISTORTIONS)
    assert name in VIEWS or name not in AT_EVERY_SIZE


@pytest.mark.parametrize("name", DISTORTIONS)
def test_what_is_no_view_is_told(registry, blind, name):
    flipped = combined("FlipAverage", *BOTH, view=name)
    (problem,) = told(flipped, registry)
    assert problem.startswith(f"mix (FlipAverage): view {name} is not orthogonal: its defect is 0.")
    assert problem.endswith("times as strong; take a view that only moves or negates pixels")
    assert failing(flipped, blind).partition(name)[2] == problem.partition(name)[2]
    (problem,) = told(combined("MultiView", *PARTS, views=["identity", name]), registry)
    assert problem.startswith(f"mix (MultiView): views {name} is not orthogonal: its defect is 0.")
    graph = combined("WeightedSum", *PARTS, weights=[0.5, 0.5], more={"seen": ("Transform", {"view": name})})
    graph = graph.disconnect("noise.noisy -> sample.start").connect("noise.noisy -> seen.noisy")
    (problem,) = told(graph.connect("seen.noisy -> sample.start"), registry)
    assert problem.startswith(f"seen (Transform): view {name} is not orthogonal")


def test_a_picture_may_be_seen_through_what_is_no_view(registry):
    for name in DISTORTIONS:
        assert told(example("anagram.json").set("both", view=name), registry)[0].startswith("both (FlipAverage): view ")


@pytest.mark.parametrize(
    ("noise", "inputs", "what"),
    [
        ({"width": 12}, {"view": "rotate_90"}, "start is 12 x 8, must be square to be turned by a quarter"),
        ({"size": 16, "width": 24}, {"view": "jigsaw"}, "start is 24 x 16, must be square for a jigsaw"),
        ({"size": 8}, {"view": "jigsaw"}, "start is 8 x 8, must be 12 pixels a side or more for a jigsaw, whose knobs"),
        ({"size": 5}, {"view": "square_hinge"}, "start is 5 x 5, must be 6 pixels a side or more for a square hinge"),
        ({}, {"view": "patch_permutation", "patches": 1024}, "start is 8 x 8, must be 1024 pixels a side or more to"),
        ({}, {"view": "inner_circle", "grid": 5}, "start is 8 x 8, must be a multiple of 5 pixels a side to be seen"),
        ({}, {"view": "skew", "grid": 32}, "start is 8 x 8, must be a multiple of 32 pixels a side to be seen"),
    ],
)
def test_pictures_that_do_not_have_a_view_are_told(registry, blind, noise, inputs, what):
    graph = combined("FlipAverage", *BOTH, noise=noise, **inputs)
    (problem,) = told(graph, registry)
    assert problem.startswith(f"sample (IterativeSampler): {what}")
    assert problem.partition(" is ")[2] in failing(graph, blind).replace("the pictures are", "start is")
    view = inputs.pop("view")
    graph = combined("MultiView", *PARTS, noise=noise, views=[view, "identity"], **inputs)
    assert told(graph, registry) == [problem]


def test_by_turns_only_the_first_view_is_sure_to_be_seen_through(registry, blind):
    graph = combined("MultiView", *PARTS, views=["identity", "jigsaw"], reduction="alternate").set("sample", steps=1)
    assert told(graph, registry) == []
    runs(graph, blind)
    assert len(told(graph.set("mix", views=["jigsaw", "identity"]), registry)) == 1


def test_a_grid_for_what_mixes_pixels_is_told(registry):
    (problem,) = told(combined("FlipAverage", *BOTH, view="blur", grid=4), registry)
    assert problem == "mix (FlipAverage): grid is 4, must be 0 for blur, which does not only move pixels"


def test_examples_with_views_that_their_pictures_do_not_have(registry):
    (problem,) = told(example("if/anagram_upscale.json").set("both_large", view="jigsaw", grid=50), registry)
    assert "256 x 256, must be a multiple of 50 pixels a side" in problem


# Splits and blurs


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (
            combined("FrequencyMix", *MIXED, kernel=33),
            "kernel is 33 and the picture's shorter side 8; the kernel must be at most 15",
        ),
        (
            combined("FrequencyMix", *MIXED, sigma=2.0),
            "kernel is 17 (4 sigma to each side, sigma 2) and the picture's shorter side 8; the kernel must be at most "
            "15, or sigma at most 1.75",
        ),
        (
            combined("Factorize", *PARTS, base=64),
            "the shorter side of the pictures is 8, below base 64, so that sigma and kernel cannot be scaled to them; "
            "set base to 0 and give both in pixels",
        ),
        (
            combined("Factorize", *PARTS, base=0),
            "the kernel is 33 pixels wide, must be at most 15 for pictures of 8 x 8 with 1 channel",
        ),
        (
            combined("Factorize", *PARTS, by="grey, colour"),
            "the pictures are 8 x 8 with 1 channel, must have 3 channels, to be grey and colour",
        ),
        (
            combined("Formula", *(link.replace("parts[0]", "a") for link in PARTS[:1]), formula="blur(a, 100)"
                     " + a - blur(a, 100)"),
            "kernel is 801 (4 sigma to each side, sigma 100) and the picture's shorter side 8; the kernel must be at "
            "most 15, or sigma at most 1.75",
        ),
    ],
    ids=range(6),
)  # fmt: skip
def test_splits_that_do_not_fit_are_told(registry, blind, graph, problem):
    assert told(graph, registry) == [f"sample (IterativeSampler): {problem}"]
    assert problem in failing(graph, blind)


def test_a_blur_behind_a_condition_is_not_told(registry, blind):
    links = ("a.denoiser -> mix.a",)
    graph = combined("Formula", *links, formula="a if t < 2000 else blur(a, 100) + a - blur(a, 100)")
    assert told(graph, registry) == []
    runs(graph, blind)


class Asked(Exception):
    """Raised by a network that must not be asked."""


def test_a_blur_that_does_not_fit_is_refused_before_anybody_is_asked():
    from nodegraph_nodes.ops.denoisers import FrequencyMix
    from nodegraph_nodes.ops.formulas import Formula
    from nodegraph_nodes.types import Denoiser, NoiseSchedule, Point

    class Silent(Denoiser):
        schedule, shape, space, largest = NoiseSchedule.named("linear"), None, "pixels", None

        def ask(self, p):
            raise Asked
            yield

    silent, point = Silent(), Point(torch.zeros(1, 1, 16, 16), 500, 0)
    with pytest.raises(ValueError, match="kernel is 33 and the picture's shorter side 16"):
        next(FrequencyMix(silent, silent, 2.0, 33).ask(point))
    with pytest.raises(ValueError, match=r"formula cannot blur \(kernel is 801 .* at 1, in step 0 \(t = 500\)"):
        next(Formula("blur(a, 100) + b - blur(b, 100)", {"a": silent, "b": silent}).ask(point))
    with pytest.raises(Asked):
        next(FrequencyMix(silent, silent, 2.0, 31).ask(point))


# Tiles


@pytest.mark.parametrize(
    ("noise", "inputs", "what"),
    [
        ({"size": 8}, {"size": 9, "stride": 4}, "start is 8 x 8, must be at least as large as a tile, 9"),
        (
            {"size": 8, "width": 32},
            {"size": 16, "stride": 4},
            "start is 32 x 8, must be at least as large as a tile, 16",
        ),
    ],
)
def test_tiles_larger_than_pictures_are_told(registry, blind, noise, inputs, what):
    graph = combined("Tile", "a.denoiser -> mix.denoiser", noise=noise, **inputs)
    assert told(graph, registry) == [f"sample (IterativeSampler): {what}"]
    assert what.partition(" is ")[2] in failing(graph, blind)


def test_tiles_that_the_denoiser_does_not_take_are_told(registry):
    panorama = example("if/panorama.json")
    (problem,) = told(panorama.set("tiles", size=60, stride=20), registry)
    assert "the tiles are 60 x 60, must be divisible by 8, such as 64 x 64" in problem
    assert len(told(panorama.set("noise", width=32), registry)) == 1


def test_views_within_tiles_see_tiles(registry, blind):
    graph = combined(
        "Tile",
        "tile.denoiser -> mix.denoiser",
        "a.denoiser -> tile.upright",
        "b.denoiser -> tile.flipped",
        more={"tile": ("FlipAverage", {"view": "jigsaw"})},
        noise={"size": 16},
        size=8,
        stride=8,
    )
    (problem,) = told(graph, registry)
    assert "the tiles are 8 x 8, must be 12 pixels a side or more for a jigsaw" in problem
    assert "the tiles are 8 x 8, must be 12 pixels" in failing(graph, blind)
    graph = graph.set("tile", view="rotate_90").set("noise", width=24)
    assert told(graph, registry) == []
    runs(graph, blind)


# Rectangles


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"left": 20, "width": 9}, "left is 20 and width 9, must lie within the mask's width of 28"),
        ({"top": 28}, "top is 28 and height 0, must lie within the mask's height of 28"),
        ({"height": 29}, "top is 0 and height 29, must lie within the mask's height of 28"),
    ],
)
def test_rectangles_outside_their_mask_are_told(registry, blind, inputs, problem):
    graph = combined(
        "RegionBlend",
        "a.denoiser -> mix.inside",
        "b.denoiser -> mix.outside",
        "mask.mask -> mix.mask",
        noise={"size": 28},
        more={"mask": ("RectangleMask", inputs)},
    )
    assert told(graph, registry) == [f"mask (RectangleMask): {problem}"]
    assert problem in failing(graph, blind)


def test_a_rectangle_outside_the_mask_of_an_example(registry):
    assert len(told(example("if/inpainting.json").set("middle", left=60), registry)) == 1


# Batches


@pytest.mark.parametrize(
    ("digits", "batch", "right"),
    [("3,4", 4, True), ("3,4", 3, False), ("0-2", 4, False), ("5", 3, True), ("3,4", 1, False)],
)
def test_what_pictures_take_in_turn_goes_into_their_number(registry, blind, digits, batch, right):
    graph = combined(
        "CFGCombine",
        "d.denoiser -> mix.conditional",
        "e.denoiser -> mix.unconditional",
        noise={"size": 28, "batch": batch},
        more={"d": ("UNetMNIST", {"digit": digits}), "e": ("UNetMNIST", {})},
    ).set("sample", steps=1)
    if right:
        assert told(graph, registry) == []
        runs(graph, blind)
    else:
        (problem,) = told(graph, registry)
        rows, _, rest = problem.partition(" rows, ")
        assert rows.startswith("sample (IterativeSampler): denoiser has ")
        assert rest in failing(graph, blind)


def test_batches_that_have_no_common_number_are_told(registry):
    graph = combined(
        "CFGCombine",
        "d.denoiser -> mix.conditional",
        "e.denoiser -> mix.unconditional",
        noise={"size": 28, "batch": 3},
        more={"d": ("UNetMNIST", {"digit": "1,2"}), "e": ("UNetMNIST", {"digit": "1,2,3"})},
    )
    (problem,) = told(graph, registry)
    assert (
        "denoiser has 2 rows, which the pictures take in turn, and the batch has 3; it needs a multiple of 2" in problem
    )
    assert told(graph.set("noise", batch=6), registry) == []


def test_of_two_that_are_asked_in_turn_one_has_to_fit(registry):
    graph = combined(
        "When",
        "d.denoiser -> mix.inside",
        "e.denoiser -> mix.outside",
        noise={"size": 28, "batch": 3},
        more={"d": ("UNetMNIST", {"digit": "1,2"}), "e": ("UNetMNIST", {"digit": "1,2,3"})},
    )
    assert told(graph, registry) == []
    assert len(told(graph.set("noise", batch=5), registry)) == 1


# Regions


def regions(masks, parts=2, inverted=()):
    nodes = {f"m{i}": ("RectangleMask", {"size": 16, **inputs}) for i, inputs in enumerate(masks)}
    nodes |= {f"i{i}": ("InvertMask", {}) for i in inverted}
    links = [f"{'abc'[i]}.denoiser -> mix.parts[{i}]" for i in range(parts)]
    links += [f"m{i}.mask -> i{i}.mask" for i in inverted]
    links += [f"{'i' if i in inverted else 'm'}{i}.mask -> mix.masks[{i}]" for i in range(len(masks))]
    return combined("Regions", *links, noise={"size": 16}, more=nodes)


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (regions([{"width": 10}, {"left": 8}]), "sum to 2 at column 8, row 0, must sum to 1 everywhere"),
        (regions([{"width": 8}, {"left": 10}]), "sum to 0 at column 8, row 0, must sum to 1 everywhere"),
        (
            regions([{"width": 10}, {"left": 8, "top": 4}], parts=3),
            "sum to 2 at column 8, row 4, must sum to at most 1 everywhere, since the last part takes the rest",
        ),
        (
            regions([{"left": 4, "width": 8, "feather": 3.0}, {"left": 4, "width": 8}], inverted=[1]),
            "sum to 1.333 at column 3, row 0, must sum to 1 everywhere",
        ),
        (regions([{"width": 9}, {"width": 8}], inverted=[1]), "sum to 2 at column 8, row 0, must sum to 1 everywhere"),
    ],
    ids=range(5),
)
def test_rectangles_that_are_no_whole_are_told(registry, blind, graph, problem):
    (found,) = told(graph, registry)
    assert found == f"mix (Regions): masks {problem}"
    assert found.partition(": masks ")[2] == failing(graph, blind).partition("the masks ")[2].partition("\n")[0]


def test_rectangles_that_are_a_whole_are_not(registry, blind):
    for graph in (
        regions([{"width": 8}, {"left": 8}]),
        regions([{"width": 8, "feather": 3.0}, {"left": 8, "feather": 3.0}]),
        regions([{"left": 4, "top": 3, "width": 5, "height": 6, "feather": 2.5}] * 2, inverted=[1]),
        regions([{"left": 4, "width": 3}]),
        regions([{"left": 4, "width": 3}, {"left": 9, "width": 3}], parts=3),
    ):
        assert told(graph, registry) == []
        runs(graph, blind)
