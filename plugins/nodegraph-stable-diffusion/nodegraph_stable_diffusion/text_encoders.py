"""CLIP as Stable Diffusion's text encoder: 77 tokens, of which the network sees all, also those behind the prompt."""

from collections.abc import Callable
from functools import partial

import torch

from nodegraph_nodes.checkpoints import Checkpoint
from nodegraph_nodes.networks import Encoded, Encoder, Store, check_vocabulary, encode_by, explained, pretrained
from nodegraph_stable_diffusion.models import StableDiffusion

TOKENS = 77
"""How many CLIP has places for; the first and the last mark where a text begins and ends."""


def encode(
    text: str,
    model: StableDiffusion,
    store: Store,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    tell: Callable[[int, str], object] = lambda step, what: None,
) -> Encoded:
    """Encode a prompt as diffusers' pipeline does: the last layer's states behind its norm, padded by ends of text."""
    found = model.checkpoint
    key = ("CLIP", str(found.folder.absolute()), found.identity, found.variant_of("text_encoder"), str(dtype))
    encoded = encode_by(key, partial(load_encoder, found, dtype), text, store, device=device, tell=tell)
    if not bool(encoded.embedding.isfinite().all()):
        raise ValueError(f"dtype is {str(dtype).removeprefix('torch.')}, in which CLIP overflowed; use float32")
    return encoded


def load_encoder(checkpoint: Checkpoint, dtype: torch.dtype) -> Encoder:
    """Load network and tokenizer onto the CPU."""
    from transformers import CLIPTextModel, CLIPTokenizer

    folder, words = checkpoint.folder / "text_encoder", checkpoint.folder / "tokenizer"
    network, missing = pretrained(CLIPTextModel, folder, dtype, checkpoint.variant_of("text_encoder"))
    if missing:
        raise ValueError(f"{folder} lacks weights, {missing[0]} among them; get the checkpoint again")
    if network.config.max_position_embeddings != TOKENS:
        raise ValueError(f"{folder} reads {network.config.max_position_embeddings} tokens, must be {TOKENS}")
    with explained(words):
        tokenizer = CLIPTokenizer.from_pretrained(words, local_files_only=True)
    check_vocabulary(folder, network, tokenizer)
    return Encoder(network.eval().requires_grad_(False), tokenizer, masked=False)
