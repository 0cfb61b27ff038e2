"""The U-Net of Stable Diffusion as a denoiser: told a prompt, asked about latents, and heard as noise."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from nodegraph_nodes.foresights import check_channel_count, check_width
from nodegraph_nodes.networks import NetworkDenoiser, Store, StoredNetwork, load_unet
from nodegraph_nodes.types import Asking, Conditioning, Estimate, Point
from nodegraph_stable_diffusion.looks import colours
from nodegraph_stable_diffusion.models import CHANNELS, StableDiffusion


@dataclass(frozen=True, eq=False)
class SDDenoiser(NetworkDenoiser):
    """A U-Net for latents, bound to its prompts.

    Args:
        prediction: what the network tells: "epsilon", the noise, or "v_prediction", the velocity `alpha noise - sigma
            x_0` (Salimans and Ho 2022, appendix D), from which the noise is `alpha v + sigma x_t`.
    """

    prediction: str = "epsilon"

    def ask(self, p: Point) -> Asking:
        check_channel_count(p.x.shape[1:], CHANNELS, self.name)
        told = (yield from super().ask(p)).noise
        if self.prediction == "epsilon":
            return Estimate(told)
        return Estimate(self.schedule.alpha(p.t) * told + self.schedule.sigma(p.t) * p.x)

    def preview(self, x0: Tensor) -> Tensor:
        """A pixel for each latent (`looks`)."""
        return colours(x0)


def denoiser_of(
    model: StableDiffusion, conditioning: Conditioning, store: Store, dtype: torch.dtype = torch.float32
) -> SDDenoiser:
    """The network of a model, for prompts; picture i of a batch takes prompt i mod n. No weight is read yet."""
    embedding = conditioning.embedding
    check_width(embedding.shape[-1], model.width)
    if not bool(embedding.isfinite().all()):
        raise ValueError("conditioning holds values that are not finite, must all be numbers; encode the prompt again")
    found = model.checkpoint
    key = ("SD UNet", str(found.folder.absolute()), found.identity, found.variant_of("unet"), str(dtype))
    return SDDenoiser(
        StoredNetwork(key, partial(load_unet, found, dtype), store),
        {"prompts": embedding},
        model.schedule,
        space=model.space,
        name=name_of(conditioning),
        prediction=model.prediction,
    )


def name_of(conditioning: Conditioning) -> str:
    """How users know the denoiser: by its first prompt."""
    if not conditioning.prompts:
        return "SD"
    first, more = conditioning.prompts[0], "..." if len(conditioning.prompts) > 1 else ""
    return f'SD "{first if len(first) <= 40 else first[:40] + "..."}"{more}'
