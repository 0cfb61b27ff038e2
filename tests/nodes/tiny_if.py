"""DeepFloyd IF in the real folder format, small enough to be made by a test: the networks of both stages, untrained.

The U-Nets have the blocks of IF and the settings that diffusers' `scripts/convert_if.py` gives them; only widths and
depths are small. A network of random weights makes sampling chaotic after a few steps, so that rounding would decide
what comes out. These have a path from the first convolution to the last that carries the picture itself, divided by its
root mean square, and add a little of what the random rest says: noise estimates of about the right size, which depend
on the prompt and let whole runs be compared.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers import DDPMScheduler, UNet2DConditionModel

CHANNELS = 16
CARRIES = 0.95  # of the picture: below 1, so that something of its noise stays, and thresholds have work to do
SAYS = 0.25  # what the random rest adds, as a standard deviation
CARRIED = 6  # channels of the path: each colour and its negative

COMMON: dict[str, Any] = {
    "down_block_types": ("ResnetDownsampleBlock2D", *["SimpleCrossAttnDownBlock2D"] * 3),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": (*["SimpleCrossAttnUpBlock2D"] * 3, "ResnetUpsampleBlock2D"),
    "block_out_channels": (CHANNELS, CHANNELS, 2 * CHANNELS, 2 * CHANNELS),
    "norm_num_groups": CHANNELS // 2,  # a colour and its negative are one group
    "cross_attention_dim": 64,
    "attention_head_dim": 16,
    "cross_attention_norm": "group_norm",
    "addition_embed_type": "text",
    "addition_embed_type_num_heads": 4,
    "resnet_time_scale_shift": "scale_shift",
    "act_fn": "gelu",
    "out_channels": 6,
    "use_linear_projection": False,
    "upcast_attention": False,
}
STAGES: dict[int, dict[str, Any]] = {
    1: {"in_channels": 3, "layers_per_block": 1},
    2: {
        "in_channels": 6,
        "layers_per_block": (1, 2, 1, 1),
        "class_embed_type": "timestep",
        "time_embedding_dim": 2 * CHANNELS,
        "time_embedding_act_fn": "gelu",
        "resnet_skip_time_act": True,
        "resnet_out_scale_factor": 1 / 0.7071,
        "mid_block_scale_factor": 1 / 0.7071,
        "only_cross_attention": True,
    },
}


def tiny_unet(stage: int = 1, size: int = 16, *, width: int = 32, seed: int = 0) -> "UNet2DConditionModel":
    """The network of a stage.

    Args:
        size: side of its pictures, divisible by 8; it runs on others, too.
        width: numbers in each token of the prompt's embedding.
        seed: of its weights.
    """
    import torch
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(sample_size=size, encoder_hid_dim=width, **COMMON, **STAGES[stage])
        with torch.no_grad():
            carry_the_picture(unet)
    return unet.eval().requires_grad_(False)


def carry_the_picture(unet: "UNet2DConditionModel") -> None:
    """Lay the path through the network: `gelu(x) - gelu(-x)` is `x`, also after the last group norm."""
    import torch

    positive, negative = range(0, CARRIED, 2), range(1, CARRIED, 2)
    first = unet.conv_in
    first.weight[:CARRIED] = 0
    first.bias[:CARRIED] = 0
    for colour in range(3):
        first.weight[positive[colour], colour, 1, 1] = 1
        first.weight[negative[colour], colour, 1, 1] = -1

    last = unet.up_blocks[-1].resnets[-1]  # sees what the first convolution gave, behind its other inputs
    skipped = last.conv_shortcut.in_channels - CHANNELS
    last.conv2.weight[:CARRIED] = 0
    last.conv2.bias[:CARRIED] = 0
    last.conv_shortcut.weight[:CARRIED] = 0
    last.conv_shortcut.bias[:CARRIED] = 0
    for channel in range(CARRIED):
        last.conv_shortcut.weight[channel, skipped + channel] = 1

    out = unet.conv_out
    taps = (CHANNELS - CARRIED) * 9
    out.weight.copy_(torch.randn_like(out.weight) * (2 / taps) ** 0.5)
    out.weight[:3] *= SAYS
    out.weight[3:] *= 0.5
    out.weight[:, :CARRIED] = 0
    out.bias[:] = 0
    for colour in range(3):
        out.weight[colour, positive[colour], 1, 1] = CARRIES
        out.weight[colour, negative[colour], 1, 1] = -CARRIES


def if_scheduler(stage: int = 1, **changed: Any) -> "DDPMScheduler":
    """The scheduler as `convert_if.py` makes it."""
    from diffusers import DDPMScheduler

    settings = {
        "variance_type": "learned_range",
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "epsilon",
        "thresholding": True,
        "dynamic_thresholding_ratio": 0.95,
        "sample_max_value": 1.5 if stage == 1 else 1.0,
    }
    return DDPMScheduler(**{**settings, **changed})


def write_if_checkpoint(
    folder: Path,
    stage: int = 1,
    size: int = 16,
    *,
    width: int = 32,
    seed: int = 0,
    variants: Sequence[str] = ("",),
) -> Path:
    """Write `unet/`, `scheduler/`, of stage 2 also `image_noising_scheduler/`, and `model_index.json`.

    What a folder of the hub holds besides (text encoder, safety checker) is left out, as `model_index.json` says.

    Args:
        size: side of the pictures that the network makes, divisible by 8.
        width: numbers in each token of the prompt's embedding.
        seed: of the weights.
        variants: "" for float32 weights in `diffusion_pytorch_model.safetensors`, "fp16" for float16 ones beside them.

    Returns:
        The folder.
    """
    import torch
    from diffusers import DDPMScheduler, IFPipeline, IFSuperResolutionPipeline

    unet = tiny_unet(stage, size, width=width, seed=seed)
    absent = dict.fromkeys(("tokenizer", "text_encoder", "safety_checker", "feature_extractor", "watermarker"))
    parts: dict[str, Any] = {**absent, "scheduler": if_scheduler(stage), "requires_safety_checker": False}
    if stage == 2:
        parts["image_noising_scheduler"] = DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    pipeline = IFPipeline if stage == 1 else IFSuperResolutionPipeline
    for variant in variants:
        saved = unet.to(torch.float16) if variant == "fp16" else unet
        pipeline(unet=saved, **parts).save_pretrained(folder, variant=variant or None)
    return folder
