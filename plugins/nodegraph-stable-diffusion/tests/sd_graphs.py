"""Graphs of Stable Diffusion, and diffusers' own pipelines on the same checkpoint."""

from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import Tensor

from nodegraph import Graph, Registry, Session

PROMPT, NEGATIVE = "the photo of a cat", "dog"


def pipeline(folder: Path, kind: str = "StableDiffusionPipeline", scheduler: str = "DDIMScheduler") -> Any:
    """A pipeline of diffusers with another scheduler, told what the folder says of PNDM."""
    diffusers.utils.logging.set_verbosity_error()
    made = getattr(diffusers, kind).from_pretrained(folder, safety_checker=None, dtype=torch.float32)
    made.scheduler = getattr(diffusers, scheduler).from_config(made.scheduler.config)
    made.set_progress_bar_config(disable=True)
    return made


def largest(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())


def text_to_image(folder: Path | str, *, scale: float = 7.5, size: int = 64, batch: int = 1, **sampler: Any) -> Graph:
    """A cat, away from a dog, of the noise of seed 0."""
    return (
        Graph()
        .add("sd", "LoadSD", checkpoint=str(folder))
        .add("wanted", "EncodeSDPrompt", prompt=PROMPT)
        .add("unwanted", "EncodeSDPrompt", prompt=NEGATIVE)
        .add("cat", "SDDenoiser")
        .add("dog", "SDDenoiser")
        .add("guide", "CFGCombine", scale=scale)
        .add("noise", "LatentNoise", width=size, height=size, batch=batch)
        .add("sample", "IterativeSampler", **({"preset": "SD pipeline", "steps": 10} | sampler))
        .add("decode", "VAEDecode")
        .connect("sd.model -> wanted.model")
        .connect("sd.model -> unwanted.model")
        .connect("sd.model -> cat.model")
        .connect("sd.model -> dog.model")
        .connect("sd.model -> decode.model")
        .connect("wanted.conditioning -> cat.conditioning")
        .connect("unwanted.conditioning -> dog.conditioning")
        .connect("cat.denoiser -> guide.conditional")
        .connect("dog.denoiser -> guide.unconditional")
        .connect("guide.denoiser -> sample.denoiser")
        .connect("noise.noisy -> sample.start")
        .connect("sample.image -> decode.latents")
    )


def run(graph: Graph, registry: Registry, node: str = "decode", output: str = "image", **options: Any) -> Any:
    with Session(registry) as session:
        return session.run(graph, targets=[node], **options)[node, output]
