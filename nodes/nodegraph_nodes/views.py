"""Views: pictures seen through a flip or a permutation, and anagrams that are one thing each way."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from nodegraph import Foresight, node
from nodegraph_nodes.foresights import PICTURE, branching, chosen, composed, pictures_of
from nodegraph_nodes.ops.agreements import check_permutations, check_views
from nodegraph_nodes.ops.demands import Demand, Seen, check_all
from nodegraph_nodes.ops.view_rules import check_grid, check_named, check_on
from nodegraph_nodes.types import Denoiser, Image, Noisy

View = Literal[
    "identity", "flip", "mirror", "rotate_90", "rotate_180", "rotate_270", "negate", "skew", "inner_circle",
    "square_hinge", "jigsaw", "patch_permutation", "pixel_permutation", "rotate_45", "blur", "gain",
]  # fmt: skip

ViewName = Annotated[
    View,
    Field(
        description="identity: as it stands; flip: upside down; rotate: counterclockwise; negate: black and white "
        "exchanged; skew, inner_circle, square_hinge, jigsaw, permutations: parts moved. rotate_45, blur and gain show "
        "what is no view: they change noise, and an anagram refuses them."
    ),
]
ViewNames = Annotated[
    list[View],
    Field(description="How each part looks at the picture, in order, such as identity, flip; the names of Transform."),
]
Permutation = Annotated[
    int,
    Field(ge=0, le=2**63 - 1, description="Which shuffling a jigsaw or a permutation is; other views ignore it."),
]
Permutations = Annotated[
    list[Annotated[int, Field(ge=0, le=2**63 - 1)]],
    Field(
        description="Which shuffling a jigsaw or a permutation is: one number for all parts, or one for each; none: 0."
    ),
]
Grid = Annotated[
    int,
    Field(
        ge=0,
        le=4096,
        description="0: pixels are moved. 64: the picture is seen as 64 x 64 blocks, moved and turned as the view does "
        "it with the pixels of a 64 x 64 picture, so that a second stage sees exactly what the first saw.",
        json_schema_extra={"unit": "blocks"},
    ),
]
Patches = Annotated[
    int, Field(ge=1, le=1024, description="How many patches a side patch_permutation cuts; other views ignore it.")
]
Factor = Annotated[
    float,
    Field(
        ge=-64,
        le=64,
        description="How many pixels skew rolls a column down for each that it is right of the middle; other views "
        "ignore it.",
    ),
]
Undo = Annotated[bool, Field(description="Turn a picture back that was seen through the view.")]
Reduction = Annotated[
    Literal["mean", "alternate"],
    Field(
        description="mean: all parts at each step, averaged. alternate: at each step the next part alone, at the price "
        "of one."
    ),
]


def seen_through(known: Foresight, view: str) -> tuple[Demand, ...]:
    """That pictures have a view, as far as it is known which; ValueError when its name and its grid do not go."""
    if not known.knows("grid", "patches"):
        return ()
    check_grid(view, known.value("grid"))
    return (Seen(view, known.value("patches"), known.value("grid")),)


def foresee_flip(known: Foresight) -> None:
    """What is called a view must be one, and pictures must have it."""
    demands: tuple[Demand, ...] = ()
    if known.knows("view"):
        with known.refusals():
            demands = seen_through(known, known.value("view"))
            check_named(known.value("view"))
    facts = composed(known, [known.of("upright"), known.of("flipped")], demands=demands)
    if known.knows("view"):
        with known.refusals("view"):
            check_on(facts.get("space", "pixels"), known.value("view"))
    known.gives("denoiser", facts | branching(known, "upright", "flipped"))


@node("FlipAverage", category="Guidance", outputs="denoiser", foresee=foresee_flip)
def flip_average(
    upright: Denoiser,
    flipped: Denoiser,
    view: ViewName = "flip",
    permutation: Permutation = 0,
    grid: Grid = 0,
    patches: Patches = 8,
    factor: Factor = 1.5,
) -> Denoiser:
    """Make a visual anagram: one thing as it stands, another when it is seen through the view.

    What is bound inside the flipped branch, such as a mask, is as the view shows it; Transform shows a picture that
    way. A view must leave noise noise, so only those that move pixels or negate them can be used: of any other the
    error tells how far it is from that. On latents (Stable Diffusion) only flips and quarter turns can be used: they
    move the whole picture, which its VAE follows.
    """
    from nodegraph_nodes.ops.denoisers import FlipAverage
    from nodegraph_nodes.ops.views import named_view

    return FlipAverage(upright, flipped, named_view(view, permutation, grid, patches=patches, factor=factor))


def foresee_views(known: Foresight) -> None:
    """A view for each part; by turns the first one is sure to be asked."""
    parts, count = known.of("parts"), known.count("parts")
    if known.knows("views"):
        views = len(known.value("views"))
        with known.refusals():
            if known.knows("permutations"):
                check_permutations(len(known.value("permutations")), views)
            if count is not None:
                check_views(count, views)
    mean = known.knows("reduction") and known.value("reduction") == "mean"
    names, demands = (known.value("views") if known.knows("views") else []), []
    with known.refusals("views"):
        for name in names:
            demands += seen_through(known, name)
            check_named(name, f"{name}")
    facts = composed(known, parts, parts if mean else parts[:1], demands=demands)
    with known.refusals("views"):
        for name in names:
            check_on(facts.get("space", "pixels"), name)
    if not mean and demands and "demands" in facts:  # nobody may be asked but the first
        facts["demands"] = tuple(each for each in facts["demands"] if each not in demands[1:])
    known.gives("denoiser", facts)


@node("MultiView", category="Guidance", outputs="denoiser", foresee=foresee_views)
def multi_view(
    parts: list[Denoiser],
    views: ViewNames,
    reduction: Reduction = "mean",
    permutations: Permutations = [],  # noqa: B006 - a default of the port, never written to
    grid: Grid = 0,
    patches: Patches = 8,
    factor: Factor = 1.5,
) -> Denoiser:
    """Make an anagram of any number of things, each seen through a view of its own.

    The mean of n estimates that have nothing in common is weaker than any of them: noise of 0.71, 0.58, 0.50 for 2, 3,
    4. What is missing stays in the picture as noise, so things that share their shapes do better; `alternate` has no
    such loss, but each thing only has its share of the steps.
    """
    from nodegraph_nodes.ops.anagrams import MultiView
    from nodegraph_nodes.ops.views import named_view

    check_permutations(len(permutations), len(views))
    seeds = permutations if len(permutations) == len(views) else (permutations or [0]) * len(views)
    made = [
        named_view(view, seed, grid, patches=patches, factor=factor) for view, seed in zip(views, seeds, strict=True)
    ]
    return MultiView(tuple(parts), tuple(made), reduction)


class Transformed(NamedTuple):
    """What was given, seen through a view."""

    image: Image | None
    noisy: Noisy | None


def foresee_transform(known: Foresight) -> None:
    """Views keep the size of pictures."""
    if not known.links("image") and not known.links("noisy"):
        known.wrong("image", "and noisy have no link, so that there is nothing to transform", "link one of them")
    if known.knows("view"):
        name = known.value("view")
        with known.refusals():
            demands = seen_through(known, name)
            if known.links("noisy"):
                check_named(name)
            for source in ("image", "noisy"):
                check_on(known.of(source).get("space", "pixels"), name)
                check_all(demands, pictures_of(known.of(source)), f"{source} is")
    known.gives("image", chosen(known.of("image"), *PICTURE))
    known.gives("noisy", chosen(known.of("noisy"), *PICTURE, "t", "schedule"))


@node("Transform", category="Pictures", foresee=foresee_transform)
def transform(
    image: Image | None = None,
    noisy: Noisy | None = None,
    view: ViewName = "flip",
    permutation: Permutation = 0,
    undo: Undo = False,
    grid: Grid = 0,
    patches: Patches = 8,
    factor: Factor = 1.5,
) -> Transformed:
    """See a picture, or a noisy one, through a view: what the flipped branch of FlipAverage sees.

    A noisy picture is refused where the view would change its noise, so that it would not be of its timestep any more;
    link it to `image` to look at it all the same.
    """
    from nodegraph_nodes.ops.views import check_commutes, check_orthogonal, named_view

    if image is None and noisy is None:
        raise ValueError("there is nothing to transform; link an image or a noisy picture")
    chosen = named_view(view, permutation, grid, patches=patches, factor=factor)
    turn = chosen.undo if undo else chosen.apply
    if noisy is not None:
        _, *shape = noisy.x.shape
        check_orthogonal(chosen, tuple(shape), noisy.space)
    if image is not None:
        check_commutes(chosen, image.space)
    return Transformed(
        image and Image(turn(image.pixels), image.space),
        noisy and Noisy(turn(noisy.x), noisy.t, noisy.schedule, noisy.space),
    )
