"""DeepFloyd IF as diffusers runs it, with all that was drawn and passed on the way, for ours to be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import diffusers
import torch
from diffusers.pipelines.deepfloyd_if import (
    pipeline_if,
    pipeline_if_img2img,
    pipeline_if_img2img_superresolution,
    pipeline_if_inpainting,
    pipeline_if_inpainting_superresolution,
    pipeline_if_superresolution,
)
from diffusers.schedulers import scheduling_ddpm
from torch import Tensor

from nodegraph import Resources
from nodegraph_nodes.ops import deepfloyd, samplers, traits
from nodegraph_nodes.ops.checkpoints import locate
from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.presets import SAMPLING
from nodegraph_nodes.types import Conditioning, Denoiser, Image, NoiseSchedule, Noisy

COSINE = NoiseSchedule.named("cosine")
WIDTH = 32


@dataclass(frozen=True)
class Pipeline:
    """One of diffusers' six: its class by name, the module that it draws in, and the stage of its network."""

    name: str
    module: ModuleType
    stage: int

    @property
    def from_picture(self) -> bool:
        return "Img2Img" in self.name or "Inpainting" in self.name

    @property
    def inpaints(self) -> bool:
        return "Inpainting" in self.name


PIPELINES = (
    Pipeline("IFPipeline", pipeline_if, 1),
    Pipeline("IFImg2ImgPipeline", pipeline_if_img2img, 1),
    Pipeline("IFInpaintingPipeline", pipeline_if_inpainting, 1),
    Pipeline("IFSuperResolutionPipeline", pipeline_if_superresolution, 2),
    Pipeline("IFImg2ImgSuperResolutionPipeline", pipeline_if_img2img_superresolution, 2),
    Pipeline("IFInpaintingSuperResolutionPipeline", pipeline_if_inpainting_superresolution, 2),
)


@dataclass
class Task:
    """What is to be drawn, by either.

    Attributes:
        strength: of a pipeline that starts from a picture.
        seed: of the prompts, the pictures and the generator.
    """

    pipeline: Pipeline
    folder: Path
    size: int = 16
    batch: int = 1
    steps: int = 50
    timesteps: Sequence[int] = ()
    guidance: float = 7.0
    strength: float = 0.7
    noise_level: int = 250
    seed: int = 0

    def prompts(self) -> tuple[Tensor, Tensor]:
        """The embeddings of what is wanted and of what is not, a row for each picture."""
        return random((self.batch, 77, WIDTH), self.seed + 1), random((self.batch, 77, WIDTH), self.seed + 2)

    def small(self) -> Tensor:
        """What stage 2 enlarges."""
        return picture(self.batch, self.size // 4, self.seed + 3)

    def original(self) -> Tensor:
        """What is changed or kept."""
        return picture(self.batch, self.size, self.seed + 4)

    def mask(self) -> Tensor:
        """1 where new content is painted: a rectangle off the middle."""
        mask = torch.zeros(self.batch, 1, self.size, self.size)
        mask[..., self.size // 4 :, : self.size // 2] = 1
        return mask


@dataclass
class Trace:
    """What happened: `x[i]` at `t[i]` became `x[i + 1]`; -1 comes after the last timestep.

    Attributes:
        start: the noise of the first picture.
        condition: the noise of the enlarged picture, if there is one.
        drawn: the noise of the steps.
    """

    x: list[Tensor] = field(default_factory=list)
    t: list[int] = field(default_factory=list)
    start: Tensor | None = None
    condition: Tensor | None = None
    drawn: list[Tensor] = field(default_factory=list)


def random(shape: Sequence[int], seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def picture(batch: int, size: int, seed: int) -> Tensor:
    """Smooth colours in [-1, 1], and some grain."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 3, 3, generator=generator) * 1.8 - 0.9
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear", align_corners=True)
    return smooth + 0.1 * (torch.rand(batch, 3, size, size, generator=generator) * 2 - 1)


def prompt(seed: int, rows: int = 1, width: int = WIDTH, tokens: int = 77, said: Sequence[str] = ()) -> Conditioning:
    """An embedding that no text encoder has made."""
    return Conditioning(random((rows, tokens, width), seed), tuple(said))


def small(rows: int = 1, seed: int = 3, size: int = 4) -> Image:
    """Pictures to enlarge."""
    return Image(picture(rows, size, seed))


def loaded(pipeline: Pipeline, folder: Path) -> Any:
    """The pipeline as diffusers loads it; `watermarker` is named since two of the six cannot load without."""
    kind = getattr(diffusers, pipeline.name)
    absent: dict[str, Any] = {"watermarker": None, "safety_checker": None, "requires_safety_checker": False}
    made = kind.from_pretrained(folder, local_files_only=True, low_cpu_mem_usage=False, **absent)
    made.set_progress_bar_config(disable=True)
    return made


def theirs(task: Task, monkeypatch: Any, generator: torch.Generator | None = None, **told: Any) -> Trace:
    """Run the pipeline and note what it draws and passes on; `told` is what else it is called with."""
    trace, pipe = Trace(), loaded(task.pipeline, task.folder)
    at_start: list[Tensor] = []
    with monkeypatch.context() as patch:
        patch.setattr(task.pipeline.module, "randn_tensor", noting(task.pipeline.module.randn_tensor, at_start))
        patch.setattr(scheduling_ddpm, "randn_tensor", noting(scheduling_ddpm.randn_tensor, trace.drawn))
        step = pipe.scheduler.step

        @wraps(step)  # the pipelines look into its signature for the generator
        def noted(model_output: Tensor, t: Tensor, sample: Tensor, **keywords: Any) -> Any:
            trace.t.append(int(t))
            trace.x.append(sample)
            return step(model_output, t, sample, **keywords)

        pipe.scheduler.step = noted
        generator = generator or torch.Generator().manual_seed(task.seed + 77)
        trace.x.append(pipe(generator=generator, output_type="pt", **arguments(task), **told).images)
    trace.t.append(-1)
    trace.start, trace.condition = (*at_start, None)[:2]
    return trace


def noting(randn: Any, notes: list[Tensor]) -> Any:
    """The function that draws, noting what it drew."""

    def noted(*arguments: Any, **keywords: Any) -> Tensor:
        notes.append(randn(*arguments, **keywords))
        return notes[-1]

    return noted


def arguments(task: Task) -> dict[str, Any]:
    """What the pipeline is called with."""
    wanted, unwanted = task.prompts()
    told: dict[str, Any] = {"prompt_embeds": wanted, "negative_prompt_embeds": unwanted}
    told |= {"guidance_scale": task.guidance}
    told |= {"timesteps": list(task.timesteps)} if task.timesteps else {"num_inference_steps": task.steps}
    changed = "original_image" if task.pipeline.stage == 2 else "image"
    if task.pipeline.stage == 2:
        told |= {"image": task.small(), "noise_level": task.noise_level}
    if task.pipeline.from_picture:
        told |= {changed: task.original(), "strength": task.strength}
    else:
        told |= {"height": task.size, "width": task.size}
    if task.pipeline.inpaints:
        told["mask_image"] = task.mask()
    return told


def our_denoiser(task: Task, trace: Trace, store: Any = None, **settings: Any) -> Denoiser:
    """The same as a denoiser, conditioned on the same noise."""
    store = store or Resources()
    wanted, unwanted = (leaf(task, rows, trace.condition, store, **settings) for rows in task.prompts())
    guided = CFGCombine(wanted, unwanted, task.guidance)
    return keep_outside(guided, task.original(), task.mask(), "paste") if task.pipeline.inpaints else guided


def leaf(task: Task, rows: Tensor, noise: Tensor | None, store: Any, **settings: Any) -> deepfloyd.IFDenoiser:
    """The network of the task's folder, told these prompts."""
    if task.pipeline.stage == 1:
        return deepfloyd.first_stage(Conditioning(rows), locate(str(task.folder), traits.FIRST), store, **settings)
    assert noise is not None
    found, small = locate(str(task.folder), traits.SECOND), Image(task.small())
    settings = {"noise_level": task.noise_level, "size": task.size, **settings}
    return deepfloyd.second_stage(Conditioning(rows), small, found, store, lambda x: noise.to(x), **settings)


def our_start(task: Task, trace: Trace) -> Noisy:
    """Where the pipeline starts: from noise, or from the picture with that noise at its first timestep."""
    assert trace.start is not None
    if not task.pipeline.from_picture:
        return Noisy(trace.start)
    return Noisy(COSINE.noised(task.original(), trace.start, trace.t[0]), trace.t[0], COSINE)


def our_sampler(task: Task, **settings: Any) -> samplers.Sampler:
    """IF's loop, as the preset of that name: leading timesteps, each estimate thresholded, the learned variance."""
    chosen = {"steps": task.steps, "timesteps": tuple(task.timesteps), **settings}
    return samplers.Sampler(**{**SAMPLING["IF pipeline"], **chosen})


def ours(task: Task, trace: Trace, monkeypatch: Any, denoiser: Denoiser | None = None) -> Tensor:
    """The whole run with the noise of the trace, all of which has to be used."""
    left = list(trace.drawn)
    with monkeypatch.context() as patch:
        patch.setattr(samplers, "drawing", lambda seed: lambda x: left.pop(0))
        way = our_sampler(task).sample(denoiser or our_denoiser(task, trace), our_start(task, trace))
        *_, last = way
    assert left == [], "the pipeline drew noise for more steps"
    return last.x_t


def our_step(denoiser: Denoiser, task: Task, trace: Trace, number: int, monkeypatch: Any) -> Tensor:
    """Where our sampler leads from the pipeline's own picture."""
    t, to = trace.t[number : number + 2]
    sampler = our_sampler(task, timesteps=(t,), end=to)
    with monkeypatch.context() as patch:
        patch.setattr(samplers, "drawing", lambda seed: lambda x: trace.drawn[number])
        *_, last = sampler.sample(denoiser, Noisy(trace.x[number], t, COSINE))
    return last.x_t


def largest(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())
