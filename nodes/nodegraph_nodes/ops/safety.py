"""What the licence of DeepFloyd IF asks of finished pictures: its safety checker, and its watermark.

The checker is diffusers' own, with its weights and its thresholds; it is loaded here only to mend what keeps it from
being loaded, and never to be left out.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from diffusers.pipelines.deepfloyd_if.safety_checker import IFSafetyChecker
from diffusers.pipelines.deepfloyd_if.watermark import IFWatermarker
from diffusers.utils.pil_utils import numpy_to_pil
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPConfig, CLIPImageProcessorPil

from nodegraph_nodes.ops.checkpoints import Checkpoint
from nodegraph_nodes.ops.loading import explained, without_bars
from nodegraph_nodes.ops.networks import Store, module_bytes, moved
from nodegraph_nodes.ops.pictures import from_bytes
from nodegraph_nodes.ops.shortages import Shortage, attempt, with_room
from nodegraph_nodes.ops.sizes import check_rgb

CHUNK = 8  # pictures that are looked at together
SMALLEST = 64  # pixels; below 17 diffusers' watermark has no size, and below this nobody sees it


class LoadableSafetyChecker(IFSafetyChecker):
    """diffusers' checker, which lacks the call of `post_init` without which transformers 5 does not load it."""

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__(config)
        self.post_init()


class Verdict(NamedTuple):
    """Pictures as they may be shown, which of them are black since they were flagged, and what was done, in words."""

    pixels: Tensor
    flagged: list[bool]
    told: str


def check_pictures(
    pixels: Tensor,
    checkpoint: Checkpoint,
    store: Store,
    device: str = "cpu",
    watermark: bool = True,
    proceed: Callable[[int, int], None] = lambda done, total: None,
) -> Verdict:
    """Do with finished pictures what IFPipeline does: flagged ones become black, and all get the watermark.

    Args:
        pixels: (B, 3, H, W) in [-1, 1]; what lies outside is cut.
        checkpoint: with a safety checker, a feature extractor and perhaps a watermarker.
        store: where the checker is kept.
        watermark: whether to apply it, which rounds to 8 bits.
        proceed: told how many pictures are done, of how many.
    """
    check_rgb(pixels.shape[1])
    if not bool(torch.isfinite(pixels).all()):
        raise ValueError("image holds values that are no numbers; what made it went wrong")
    key = ("IFSafetyChecker", checkpoint.identity, "float32")
    extractor = load_extractor(checkpoint)
    shown = (pixels / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy().copy()
    need = partial(checkpoint.loaded_bytes, "safety_checker", torch.float32.itemsize)
    with store.use(key, lambda: load_checker(checkpoint), module_bytes, moved, device, need) as checker:
        make_room = partial(store.make_room, None, device)
        flagged: list[bool] = []
        at_once = CHUNK
        while len(flagged) < len(shown):
            proceed(len(flagged), len(shown))
            chunk = shown[len(flagged) :][:at_once]
            found = attempt(partial(with_room, partial(blackened, chunk, checker, extractor, device), make_room))
            if not isinstance(found, Shortage):
                flagged += found
            elif len(chunk) > 1:
                at_once = (len(chunk) + 1) // 2
            else:
                raise store.shortage("one picture in the safety checker", device, found.reason)
    proceed(len(shown), len(shown))
    said = f"{sum(flagged)} of {len(flagged)} flagged and made black" if any(flagged) else "none flagged"
    why_not = why_no_watermark(checkpoint, watermark, min(shown.shape[1:3]))
    checked = torch.from_numpy(shown).permute(0, 3, 1, 2) * 2 - 1 if why_not else watermarked(shown, checkpoint)
    return Verdict(checked.contiguous(), flagged, f"{said}, {why_not or 'watermarked'}")


def blackened(shown: np.ndarray, checker: IFSafetyChecker, extractor: CLIPImageProcessorPil, device: str) -> list[bool]:
    """Whether each picture, (B, H, W, 3) in [0, 1], is flagged; those that are become black in place."""
    seen = extractor(numpy_to_pil(shown), return_tensors="pt").to(device)
    with unsaid():
        _, indecent, marked = checker(clip_input=seen.pixel_values.float(), images=shown)
    return [bool(one or other) for one, other in zip(indecent, marked, strict=True)]


def watermarked(shown: np.ndarray, checkpoint: Checkpoint) -> Tensor:
    """The pictures, (B, H, W, 3) in [0, 1], with the watermark in their corner, as (B, 3, H, W) in [-1, 1]."""
    pictures = numpy_to_pil(shown)
    load_watermarker(checkpoint).apply_watermark(pictures, min(shown.shape[1:3]))
    return from_bytes(torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2))


def why_no_watermark(checkpoint: Checkpoint, wanted: bool, side: int) -> str:
    """In words, why pictures get no watermark; "" when they do."""
    if not wanted:
        return "no watermark, since it is switched off"
    if not checkpoint.has("watermarker"):
        return f"no watermark, since {checkpoint.folder} holds no watermarker"
    return "" if side >= SMALLEST else f"no watermark, since {side} pixels are too few for it"


# Loading


def load_checker(checkpoint: Checkpoint) -> IFSafetyChecker:
    """The safety checker in float32, whatever its config says; ValueError when a weight is missing or does not fit."""
    folder = checkpoint.folder / "safety_checker"
    with without_bars(), explained(folder):
        checker, found = LoadableSafetyChecker.from_pretrained(
            folder,
            dtype=torch.float32,
            variant=checkpoint.variant_of("safety_checker") or None,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(map(str, [*found["missing_keys"], *found["mismatched_keys"]]))
    if missing:
        raise ValueError(f"{folder} lacks the weight {missing[0]}, without which pictures would not be checked")
    return checker.eval()


def load_extractor(checkpoint: Checkpoint) -> CLIPImageProcessorPil:
    """CLIP's image processor, the one that needs no torchvision."""
    folder = checkpoint.folder / "feature_extractor"
    with explained(folder):
        return CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)


def load_watermarker(checkpoint: Checkpoint) -> IFWatermarker:
    folder = checkpoint.folder / "watermarker"
    variant = checkpoint.variant_of("watermarker")
    watermarker = IFWatermarker()
    with explained(folder):
        weights = load_file(folder / f"diffusion_pytorch_model{'.' * bool(variant)}{variant}.safetensors")
        watermarker.load_state_dict(weights)
    return watermarker


@contextmanager
def unsaid() -> Iterator[None]:
    """Keep the checker from warning of what the verdict says."""
    logger = logging.getLogger(IFSafetyChecker.__module__)

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
