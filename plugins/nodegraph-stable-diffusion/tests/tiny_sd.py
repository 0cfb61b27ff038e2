"""Stable Diffusion 1.x in the real folder format, small enough to be made by a test: all four networks, untrained.

Blocks and settings are those of the real one, only widths and depths are small. A U-Net of random weights makes
sampling chaotic, so that rounding would decide what comes out. This one has a path from the first convolution to the
last that carries the latents themselves, divided by their root mean square, and adds a little of what the random rest
says: noise estimates of about the right size, which depend on the prompt.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

WIDTH = 32
CHANNELS = 16
CARRIED = 8  # channels of the path: each latent and its negative
CARRIES, SAYS = 0.95, 0.25  # of the latents, and of the random rest, as a standard deviation

SCHEDULER: dict[str, Any] = {  # as in stable-diffusion-v1-5, but for the version
    "_class_name": "PNDMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
MERGES = ("t h", "th e</w>", "p h", "o t", "ph ot", "phot o</w>", "o f</w>", "c a", "ca t</w>", "d o", "do g</w>")


def tiny_unet(seed: int = 0, **changed: Any) -> "UNet2DConditionModel":
    import torch
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings: dict[str, Any] = {
            "sample_size": 8,
            "block_out_channels": (CHANNELS, CHANNELS, 2 * CHANNELS, 2 * CHANNELS),
            "layers_per_block": 1,
            "cross_attention_dim": WIDTH,
            "attention_head_dim": 4,
            "norm_num_groups": CHANNELS // 2,  # a latent and its negative are one group
        }
        unet = UNet2DConditionModel(**{**settings, **changed})
        if not changed:
            with torch.no_grad():
                carry_the_latents(unet)
    return unet.eval().requires_grad_(False)


def carry_the_latents(unet: "UNet2DConditionModel") -> None:
    """Lay the path through the network: `silu(x) - silu(-x)` is `x`, also after the last group norm."""
    import torch

    positive, negative = range(0, CARRIED, 2), range(1, CARRIED, 2)
    first, last, out = unet.conv_in, unet.up_blocks[-1], unet.conv_out
    first.weight[:CARRIED] = 0
    first.bias[:CARRIED] = 0
    resnet, attention = last.resnets[-1], last.attentions[-1]
    skipped = resnet.conv_shortcut.in_channels - CHANNELS  # it sees what the first convolution gave behind other inputs
    for layer in (resnet.conv2, resnet.conv_shortcut, attention.proj_out):
        layer.weight[:CARRIED] = 0
        layer.bias[:CARRIED] = 0
    for channel in range(CARRIED):
        resnet.conv_shortcut.weight[channel, skipped + channel] = 1
    out.weight.copy_(torch.randn_like(out.weight) * SAYS * (2 / ((CHANNELS - CARRIED) * 9)) ** 0.5)
    out.weight[:, :CARRIED] = 0
    out.bias[:] = 0
    for latent in range(4):
        first.weight[positive[latent], latent, 1, 1] = 1
        first.weight[negative[latent], latent, 1, 1] = -1
        out.weight[latent, positive[latent], 1, 1] = CARRIES
        out.weight[latent, negative[latent], 1, 1] = -CARRIES


def tiny_vae(seed: int = 0, **changed: Any) -> "AutoencoderKL":
    import torch
    from diffusers import AutoencoderKL

    settings: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (8, 8, 16, 16),
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
        "sample_size": 64,
        "scaling_factor": 0.18215,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoencoderKL(**{**settings, **changed}).eval().requires_grad_(False)


def tiny_clip(seed: int = 0) -> "CLIPTextModel":
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    words = len(vocabulary())
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        projection_dim=WIDTH,
        hidden_act="quick_gelu",
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIPTextModel(config).eval().requires_grad_(False)


def vocabulary() -> dict[str, int]:
    """CLIP's: each byte, each at the end of a word, what the merges make, and the two that begin and end a text."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(byte) for byte in kept] + [chr(256 + number) for number in range(256 - len(kept))]
    made = ["".join(merge.split()) for merge in MERGES]
    return {
        word: number
        for number, word in enumerate(
            [*letters, *(f"{letter}</w>" for letter in letters), *made, "<|startoftext|>", "<|endoftext|>"]
        )
    }


def write_tokenizer(folder: Path) -> None:
    """`tokenizer/` as the real one has it: no `tokenizer.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    token = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    special: dict[str, Any] = {
        "bos_token": {"content": "<|startoftext|>", **token},
        "eos_token": {"content": "<|endoftext|>", **token},
        "pad_token": "<|endoftext|>",
        "unk_token": {"content": "<|endoftext|>", **token},
    }
    settings: dict[str, Any] = {
        name: {"__type": "AddedToken", **value} if isinstance(value, dict) else value for name, value in special.items()
    }
    settings |= {"add_prefix_space": False, "do_lower_case": True, "errors": "replace", "model_max_length": 77}
    settings |= {"name_or_path": "openai/clip-vit-large-patch14", "tokenizer_class": "CLIPTokenizer"}
    settings |= {"special_tokens_map_file": "./special_tokens_map.json"}
    (folder / "vocab.json").write_text(json.dumps(vocabulary(), ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES, ""]), encoding="utf-8")
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_sd_checkpoint(folder: Path, seed: int = 0, *, variants: Sequence[str] = ("",), **scheduler: Any) -> Path:
    """Write `unet/`, `vae/`, `text_encoder/`, `tokenizer/`, `scheduler/` and `model_index.json`; return the folder.

    Args:
        seed: of the weights.
        variants: "" for float32 weights, "fp16" for float16 ones beside them.
        scheduler: what is different from `SCHEDULER`.
    """
    for variant in variants:
        for name, network in (("unet", tiny_unet(seed)), ("vae", tiny_vae(seed))):
            saved = network.half() if variant == "fp16" else network
            saved.save_pretrained(folder / name, variant=variant or None)
        age_the_vae(folder / "vae", variant)
        write_text_encoder(folder / "text_encoder", seed, variant)
    write_tokenizer(folder / "tokenizer")
    write_config(folder, "scheduler/scheduler_config.json", **{**SCHEDULER, **scheduler})
    index: dict[str, Any] = {"_class_name": "StableDiffusionPipeline", "requires_safety_checker": False}
    index |= {name: [None, None] for name in ("safety_checker", "feature_extractor")}
    index |= {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
    index |= {"scheduler": ["diffusers", "PNDMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"]}
    index |= {"tokenizer": ["transformers", "CLIPTokenizer"]}
    write_config(folder, "model_index.json", **index)
    return folder


def age_the_vae(folder: Path, variant: str = "") -> None:
    """Give config and weights of the VAE the names of an older version of diffusers, as the real one has them."""
    from safetensors.torch import load_file, save_file

    dotted = f".{variant}" if variant else ""
    path = folder / f"diffusion_pytorch_model{dotted}.safetensors"
    weights = load_file(path)
    for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
        weights = {name.replace(f".{new}.", f".{old}."): value for name, value in weights.items()}
    save_file(weights, path, {"format": "pt"})
    told = json.loads((folder / "config.json").read_text())
    kept = ("act_fn", "block_out_channels", "down_block_types", "in_channels", "latent_channels", "layers_per_block")
    kept += ("norm_num_groups", "out_channels", "sample_size", "up_block_types", "_class_name")
    write_config(folder, "config.json", **{name: value for name, value in told.items() if name in kept})


def write_text_encoder(folder: Path, seed: int = 0, variant: str = "") -> None:
    """`text_encoder/` with the names of weights that the real file has, of an older version of transformers."""
    import torch
    from safetensors.torch import save_file

    network = tiny_clip(seed)
    settings = {**network.config.to_diff_dict(), "architectures": ["CLIPTextModel"], "torch_dtype": "float32"}
    settings.pop("dtype", None)
    write_config(folder, "config.json", **settings)
    weights = {f"text_model.{name}": value for name, value in network.state_dict().items()}
    weights = {name: value.half() if variant == "fp16" else value for name, value in weights.items()}
    weights["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    dotted = f".{variant}" if variant else ""
    save_file(weights, folder / f"model{dotted}.safetensors", {"format": "pt"})


def write_config(folder: Path, name: str, **values: Any) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(values, indent=2))
