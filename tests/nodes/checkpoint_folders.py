"""Checkpoints in diffusers' folders, as small as they can be: right names, whole safetensors, no network in them."""

import json
import struct
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"

CONFIGS = {
    "unet": ("config.json", {"_class_name": "UNet2DConditionModel"}),
    "text_encoder": ("config.json", {"architectures": ["T5EncoderModel"], "model_type": "t5"}),
    "safety_checker": ("config.json", {"architectures": ["IFSafetyChecker"], "model_type": "clip"}),
    "watermarker": ("config.json", {"_class_name": "IFWatermarker"}),
    "tokenizer": ("tokenizer_config.json", {"tokenizer_class": "T5Tokenizer"}),
    "scheduler": ("scheduler_config.json", {"_class_name": "DDPMScheduler"}),
    "image_noising_scheduler": ("scheduler_config.json", {"_class_name": "DDPMScheduler"}),
    "feature_extractor": ("preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor"}),
}
WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "text_encoder": "model",
    "safety_checker": "model",
    "watermarker": "diffusion_pytorch_model",
}


def safetensors(values: int = 4, name: str = "encoder.final_layer_norm.weight") -> bytes:
    """A whole file with one tensor of that many float32."""
    header = json.dumps({name: {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(range(256)) * (values // 64) + bytes(4 * values % 256)


def component_files(component: str, *, variants: tuple[str, ...] = ("",), shards: int = 1) -> dict[str, bytes]:
    """The files of one component, by path."""
    config, content = CONFIGS[component]
    files = {config: json.dumps(content).encode()}
    if component == "tokenizer":
        files["spiece.model"] = b"\x0a\x03\x0a\x01a" * 20 + b"\x12\x00"  # twenty pieces, and no settings
    for variant in variants if component in WEIGHTS else ():
        dotted = f".{variant}" if variant else ""
        name = f"{WEIGHTS[component]}{dotted}"
        if shards == 1:
            files[f"{name}.safetensors"] = safetensors()
            continue
        parts = [f"{name}-{number:05}-of-{shards:05}.safetensors" for number in range(1, shards + 1)]
        files |= dict.fromkeys(parts, safetensors())
        index = {"weight_map": {f"w{number}": part for number, part in enumerate(parts)}}
        files[f"{WEIGHTS[component]}.safetensors.index{dotted}.json"] = json.dumps(index).encode()
    return {f"{component}/{name}": content for name, content in files.items()}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_checkpoint(folder: Path, *components: str, variants: tuple[str, ...] = ("",), shards: int = 1) -> Path:
    """A folder with these components."""
    for component in components:
        write_files(folder, component_files(component, variants=variants, shards=shards))
    return write_files(folder, {"model_index.json": b'{"_class_name": "IFPipeline"}'})


def write_snapshot(cache: Path, hub_id: str, *components: str, revision: str = "main", commit: str = COMMIT) -> Path:
    """The same as huggingface_hub would leave it in its cache, but for the links to blobs/."""
    repo = cache / f"models--{hub_id.replace('/', '--')}"
    write_files(repo / "refs", {revision: commit.encode()})
    return write_checkpoint(repo / "snapshots" / commit, *components)
