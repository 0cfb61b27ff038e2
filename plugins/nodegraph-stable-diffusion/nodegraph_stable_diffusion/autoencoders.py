"""The VAE of Stable Diffusion: from pixels to latents an eighth as large, and back.

Each half is a network of its own in the store, and text to image never loads the first. Both compute in float32
whatever the U-Net does: in float16 decoders can leave the range and the picture is black, in bfloat16 smooth colours
become bands; and a picture is decoded once, where the U-Net is asked a hundred times.

Source: Rombach et al. 2022 (latent diffusion), section 3.1 and appendix G.
"""

from functools import partial

import torch
from torch import Tensor, nn

from nodegraph_nodes.checkpoints import Checkpoint
from nodegraph_nodes.networks import Store, StoredNetwork, asked_once, explained
from nodegraph_stable_diffusion.models import StableDiffusion


class Half(nn.Module):
    """One half of a VAE, called as networks are; `t` means nothing to it."""

    def __init__(self, *layers: nn.Module | None) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(layer for layer in layers if layer is not None))

    def forward(self, x: Tensor, t: int) -> Tensor:
        answer: Tensor = self.layers(x).contiguous()
        return answer


def load_half(checkpoint: Checkpoint, half: str) -> Half:
    """Read the weights of `vae/`, on the CPU, and keep the "encoder" or the "decoder"."""
    from diffusers import AutoencoderKL
    from diffusers.utils import is_accelerate_available

    folder = checkpoint.folder / "vae"
    with explained(folder):
        vae, told = AutoencoderKL.from_pretrained(
            str(checkpoint.folder),
            subfolder="vae",
            variant=checkpoint.variant_of("vae") or None,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            low_cpu_mem_usage=is_accelerate_available(),
            output_loading_info=True,
        )
    missing = sorted(told["missing_keys"])
    if missing:
        raise ValueError(f"{folder} lacks weights, {missing[0]} among them; get the checkpoint again")
    layers = (vae.encoder, vae.quant_conv) if half == "encoder" else (vae.post_quant_conv, vae.decoder)
    return Half(*layers).requires_grad_(False).eval()


def half_of(model: StableDiffusion, half: str, store: Store) -> StoredNetwork:
    """A half of the VAE of a model, which is loaded when it is first asked."""
    found = model.checkpoint
    key = ("SD VAE", half, str(found.folder.absolute()), found.identity, found.variant_of("vae"))
    return StoredNetwork(key, partial(load_half, found, half), store)


@torch.no_grad()
def encode(model: StableDiffusion, pixels: Tensor, store: Store, noise: Tensor | None = None) -> Tensor:
    """Latents of pictures (B, 3, H, W) in [-1, 1]: (B, 4, H / 8, W / 8), on the device of the pictures.

    The encoder tells a normal distribution of each latent; without noise, of the shape of the latents, its mean is
    taken.
    """
    mean, logarithm = asked_once(half_of(model, "encoder", store), pixels).chunk(2, dim=1)
    if noise is None:
        return model.scaling * mean
    deviation = torch.exp(0.5 * logarithm.clamp(-30, 20))  # bounds as in diffusers' DiagonalGaussianDistribution
    return model.scaling * (mean + deviation * noise.to(mean))


@torch.no_grad()
def decode(model: StableDiffusion, latents: Tensor, store: Store) -> Tensor:
    """Pictures of latents, (B, 3, 8 h, 8 w) in [-1, 1], on the device of the latents."""
    return asked_once(half_of(model, "decoder", store), latents / model.scaling).clamp(-1, 1)
