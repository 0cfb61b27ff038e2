"""IF's safety checker in the real folder format, small enough to be made by a test, and with an opinion.

It flags white pictures as indecent and red ones as watermarked by others; black and blue ones pass.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

SIDE = 32
COLOURS = ((0, 0, 0), (1, 1, 1), (1, 0, 0), (0, 0, 0.5))  # black, white, red, blue


def write_safety(folder: Path, seed: int = 0, *, watermarker: bool = True, variants: Sequence[str] = ("",)) -> Path:
    """Write `safety_checker/`, `feature_extractor/` and `watermarker/` below a folder, and return the folder.

    Args:
        seed: of the weights.
        variants: of the checker, "" for float32 weights, "fp16" for float16 ones beside them.
    """
    write_extractor(folder / "feature_extractor")
    write_checker(folder / "safety_checker", seed, variants)
    if watermarker:
        write_watermarker(folder / "watermarker")
    return folder


def write_extractor(folder: Path) -> None:
    """As of the real one, but for the size of what CLIP sees."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "crop_size": {"height": SIDE, "width": SIDE},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_processor_type": "CLIPFeatureExtractor",
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": SIDE},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2))


def make_checker(seed: int = 0) -> torch.nn.Module:
    """The network, whose heads tell white from black and red from black."""
    from diffusers.pipelines.deepfloyd_if.safety_checker import IFSafetyChecker
    from transformers import CLIPConfig, CLIPVisionConfig

    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=SIDE,
        patch_size=8, projection_dim=16,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        checker = IFSafetyChecker(CLIPConfig(vision_config=vision.to_dict(), projection_dim=16)).eval()
        for value in checker.vision_model.parameters():
            value.data += 0.1 * torch.randn(value.shape)
    colours = torch.stack([embedded(checker, colour) for colour in COLOURS])
    for head, opinion in ((checker.p_head, (0, 1, 0, 0)), (checker.w_head, (0, 0, 1, 0))):
        solved = torch.linalg.lstsq(torch.cat([colours, torch.ones(4, 1)], 1), torch.tensor(opinion).float()).solution
        head.weight.data, head.bias.data = solved[None, :-1], solved[-1:]
    return checker


def embedded(checker: torch.nn.Module, colour: tuple[float, float, float]) -> Tensor:
    mean, deviation = (
        torch.tensor([0.48145466, 0.4578275, 0.40821073]),
        torch.tensor([0.26862954, 0.26130258, 0.27577711]),
    )
    seen = ((torch.tensor(colour) - mean) / deviation).view(1, 3, 1, 1).expand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        return checker.vision_model(seen)[0][0]


def write_checker(folder: Path, seed: int, variants: Sequence[str]) -> None:
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    checker = make_checker(seed)
    for variant in variants:
        stored = deepcopy(checker).half() if variant == "fp16" else checker
        weights = {name: value.contiguous() for name, value in stored.state_dict().items()}
        places = torch.arange((SIDE // 8) ** 2 + 1)[None]  # which transformers of then kept, and of now does not know
        weights["vision_model.vision_model.embeddings.position_ids"] = places
        save_file(weights, folder / f"model{'.' if variant else ''}{variant}.safetensors", {"format": "pt"})
    said = checker.config.to_dict() | {"architectures": ["IFSafetyChecker"], "torch_dtype": "float16"}
    said = {name: value for name, value in said.items() if name != "dtype"}
    (folder / "config.json").write_text(json.dumps(said, indent=2, default=str))


def write_watermarker(folder: Path) -> None:
    """A mark of coloured stripes, half transparent in one half."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    mark = torch.zeros(62, 62, 4)
    mark[::2, :, 0] = 255
    mark[1::2, :, 2] = 200
    mark[..., 3] = 255
    mark[:, 31:, 3] = 128
    save_file({"watermark_image": mark}, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"_class_name": "IFWatermarker", "_diffusers_version": "0.16.0"}))
