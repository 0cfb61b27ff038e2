"""Views: pictures seen through a flip or a permutation, and anagrams that are one thing each way."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.types import Denoiser, Image, Noisy

ViewName = Annotated[
    Literal["flip", "mirror", "rotate_90", "rotate_180", "rotate_270", "negate", "inner_circle", "pixel_permutation"],
    Field(
        description="flip: upside down; mirror: left and right exchanged; rotate: counterclockwise; negate: black and "
        "white exchanged; inner_circle: its middle turned by half a turn; pixel_permutation: all pixels shuffled."
    ),
]
Permutation = Annotated[
    int, Field(ge=0, le=2**63 - 1, description="Which shuffling pixel_permutation is; other views ignore it.")
]
Undo = Annotated[bool, Field(description="Turn a picture back that was seen through the view.")]


@node("FlipAverage", category="Guidance", outputs="denoiser")
def flip_average(
    upright: Denoiser, flipped: Denoiser, view: ViewName = "flip", permutation: Permutation = 0
) -> Denoiser:
    """Make a visual anagram: one thing as it stands, another when it is seen through the view."""
    from nodegraph_nodes.ops.denoisers import FlipAverage
    from nodegraph_nodes.ops.views import named_view

    return FlipAverage(upright, flipped, named_view(view, permutation))


class Transformed(NamedTuple):
    """What was given, seen through a view."""

    image: Image | None
    noisy: Noisy | None


@node("Transform", category="Pictures")
def transform(
    image: Image | None = None,
    noisy: Noisy | None = None,
    view: ViewName = "flip",
    permutation: Permutation = 0,
    undo: Undo = False,
) -> Transformed:
    """See a picture, or a noisy one, through a view: what the flipped branch of FlipAverage sees."""
    from nodegraph_nodes.ops.views import named_view

    if image is None and noisy is None:
        raise ValueError("there is nothing to transform; link an image or a noisy picture")
    chosen = named_view(view, permutation)
    turn = chosen.undo if undo else chosen.apply
    return Transformed(
        image and Image(turn(image.pixels), image.space),
        noisy and Noisy(turn(noisy.x), noisy.t, noisy.schedule, noisy.space),
    )
