"""U-Nets that are told by a text what to draw: what their configurations say, and how they are loaded.

They are diffusers' own networks, which diffusers loads: from safetensors, from this machine, in the type that was asked
for. Reading a configuration reads no weight.
"""

import torch
from torch import Tensor, nn

from nodegraph_nodes.ops.checkpoints import Checkpoint
from nodegraph_nodes.ops.shortages import is_out_of_memory
from nodegraph_nodes.ops.words import count


class ToldUNet(nn.Module):
    """A U-Net as denoisers call it: in whatever type it computes, its answers have that of the pictures."""

    def __init__(self, unet: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.unet = unet
        self.dtype = dtype

    def forward(
        self, x: Tensor, t: int, *, prompts: Tensor, picture: Tensor | None = None, level: Tensor | None = None
    ) -> Tensor:
        """What it says of `x`, (B, C, H, W).

        Args:
            prompts: (B, tokens, width).
            picture: further channels, (B, C', H, W).
            level: the noise level of these, (B,).
        """
        seen = x if picture is None else torch.cat([x, picture.to(x)], dim=1)
        timesteps = torch.full((len(x),), t, device=x.device)  # diffusers would copy a number from the host
        answer: Tensor = self.unet(
            seen.to(self.dtype),
            timesteps,
            encoder_hidden_states=prompts.to(self.dtype),
            class_labels=level,
            return_dict=False,
        )[0]
        return answer.to(x.dtype, memory_format=torch.contiguous_format)  # as `x` lies, whatever the weights do


def load_unet(checkpoint: Checkpoint, dtype: torch.dtype) -> ToldUNet:
    """Read the weights of `unet/`, on the CPU.

    Raises:
        ValueError: they cannot be read, or some are missing, which diffusers would leave to chance.
    """
    from diffusers import UNet2DConditionModel
    from diffusers.utils import is_accelerate_available, logging

    place = f"unet/ in {checkpoint.folder}"
    shown = logging.get_verbosity()
    logging.set_verbosity_error()  # it would name every weight that is missing
    try:
        unet, told = UNet2DConditionModel.from_pretrained(
            str(checkpoint.folder),
            subfolder="unet",
            variant=checkpoint.variant_of("unet") or None,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            low_cpu_mem_usage=is_accelerate_available(),
            output_loading_info=True,
        )
    except Exception as error:  # whatever diffusers and safetensors have for a file that is not as it should be
        if is_out_of_memory(error):
            raise
        raise ValueError(f"{place} cannot be read: {first_line(error)}; get the checkpoint again") from error
    finally:
        logging.set_verbosity(shown)
    missing = sorted(told["missing_keys"])
    if missing:
        lacking = f"{count(len(missing), 'weight')}, such as {missing[0]}"
        raise ValueError(f"{place} lacks {lacking}; get the checkpoint again")
    attend_at_once(unet)
    return ToldUNet(unet, dtype).requires_grad_(False).eval()


def attend_at_once(unet: nn.Module) -> None:
    """Have all attention computed by torch's fused kernels, whatever a release of diffusers takes by itself.

    Its `set_default_attn_processor` would choose the slow one for the keys and values that IF adds for its prompt.
    """
    from diffusers.models.attention_processor import Attention, AttnAddedKVProcessor2_0, AttnProcessor2_0

    for module in unet.modules():
        if isinstance(module, Attention):
            added = module.added_kv_proj_dim is not None
            module.set_processor(AttnAddedKVProcessor2_0() if added else AttnProcessor2_0())


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__
