"""Components: parts of a picture, such as coarse structure and fine detail, each made by a denoiser of its own."""

from typing import Annotated

from pydantic import Field

from nodegraph import node
from nodegraph_nodes.types import Denoiser

Sigma = Annotated[
    float,
    Field(
        gt=0, le=256, description="Of the Gaussian that splits coarse from fine.", json_schema_extra={"unit": "pixels"}
    ),
]
Kernel = Annotated[
    int | None,
    Field(ge=1, le=1025, description="Width of the Gaussian in pixels, odd; empty: as wide as sigma takes."),
]


@node("FrequencyMix", category="Guidance", outputs="denoiser")
def frequency_mix(low: Denoiser, high: Denoiser, sigma: Sigma = 2.0, kernel: Kernel = None) -> Denoiser:
    """Make a hybrid image: one thing from afar (its coarse structure), another from close up (its fine detail)."""
    from nodegraph_nodes.ops.denoisers import FrequencyMix

    return FrequencyMix(low, high, sigma, kernel)
