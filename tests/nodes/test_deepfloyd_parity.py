"""DeepFloyd IF is what diffusers' six pipelines draw: same weights, same noise, same steps.

The networks are tiny and untrained, in the real folder format (`tiny_if`). Each step is fed with the pipeline's own
picture, and whole runs are compared besides. What diffusers cannot do is compared with the formulas, in float64.
"""

from dataclasses import replace
from itertools import pairwise
from math import log

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.pipelines.deepfloyd_if.timesteps import smart27_timesteps, super27_timesteps
from if_pipelines import (
    COSINE,
    PIPELINES,
    Task,
    Trace,
    largest,
    leaf,
    loaded,
    our_denoiser,
    our_sampler,
    our_start,
    our_step,
    ours,
    random,
    theirs,
)
from tiny_if import if_scheduler, write_if_checkpoint

from nodegraph import Resources
from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.samplers import dynamic_threshold
from nodegraph_nodes.types import Noisy

STEP, RUN = 2e-4, 1e-3  # the largest differences allowed: after one step, and after fifty
TEXT, IMG2IMG, INPAINT, UPSCALE, IMG2IMG_II, INPAINT_II = PIPELINES

every_pipeline = pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda pipeline: pipeline.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The checkpoint of a stage for pictures of a size, written when it is first asked for."""
    made = {}

    def of(stage, size=16):
        if (stage, size) not in made:
            made[stage, size] = write_if_checkpoint(tmp_path_factory.mktemp(f"if_{stage}_{size}"), stage, size)
        return made[stage, size]

    return of


@pytest.fixture
def task(folder):
    """A task for a pipeline, with its checkpoint."""
    return lambda pipeline, size=16, **told: Task(pipeline, folder(pipeline.stage, size), size, **told)


def compared(job, monkeypatch, every=1):
    """The largest difference after a step, of every so many, and after the whole run."""
    trace = theirs(job, monkeypatch)
    store = Resources()
    denoiser = our_denoiser(job, trace, store)
    numbers = range(0, len(trace.t) - 1, every)
    steps = [largest(our_step(denoiser, job, trace, i, monkeypatch), trace.x[i + 1]) for i in numbers]
    run = largest(ours(job, trace, monkeypatch, denoiser), trace.x[-1])
    assert len(trace.t) - 1 == job.steps
    print(f"{job.pipeline.name} {job.size}: step {max(steps):.1e}, run of {len(trace.t) - 1} {run:.1e}")
    return max(steps), run


# The six pipelines


@every_pipeline
def test_fifty_guided_steps_of_two_prompts(task, pipeline, monkeypatch):
    step, run = compared(task(pipeline, batch=2, strength=1.0), monkeypatch)
    assert step < STEP and run < RUN


@every_pipeline
@pytest.mark.parametrize("size", [32, 64])
def test_fifty_steps_of_larger_pictures(task, pipeline, size, monkeypatch):
    guidance = 7.0 if pipeline.stage == 1 else 4.0
    job = task(pipeline, size, strength=1.0, guidance=guidance)
    step, run = compared(job, monkeypatch, every=10)
    assert step < STEP and run < RUN


@pytest.mark.parametrize("strength", [0.3, 0.7])
@pytest.mark.parametrize("pipeline", [IMG2IMG, IMG2IMG_II, INPAINT], ids=lambda pipeline: pipeline.name)
def test_a_start_in_the_middle(task, pipeline, strength, monkeypatch):
    job = task(pipeline, steps=20, strength=strength)
    trace = theirs(job, monkeypatch)
    assert len(trace.t) - 1 == round(20 * strength)
    assert largest(ours(job, trace, monkeypatch), trace.x[-1]) < RUN


@pytest.mark.parametrize("noise_level", [0, 250, 999])
@pytest.mark.parametrize("pipeline", [UPSCALE, INPAINT_II], ids=lambda pipeline: pipeline.name)
def test_noise_levels_of_what_is_enlarged(task, pipeline, noise_level, monkeypatch):
    job = task(pipeline, steps=10, noise_level=noise_level)
    trace = theirs(job, monkeypatch)
    assert largest(ours(job, trace, monkeypatch), trace.x[-1]) < RUN
    other = our_denoiser(replace(job, noise_level=500), trace)
    assert largest(ours(job, trace, monkeypatch, other), trace.x[-1]) > 0.01


@pytest.mark.parametrize("timesteps", [smart27_timesteps, super27_timesteps, [999, 700, 300, 0]])
@pytest.mark.parametrize("pipeline", [TEXT, UPSCALE], ids=lambda pipeline: pipeline.name)
def test_lists_of_timesteps(task, pipeline, timesteps, monkeypatch):
    job = task(pipeline, timesteps=timesteps)
    trace = theirs(job, monkeypatch)
    assert trace.t[:-1] == list(timesteps)
    assert largest(ours(job, trace, monkeypatch), trace.x[-1]) < RUN


@pytest.mark.parametrize("pipeline", [TEXT, UPSCALE], ids=lambda pipeline: pipeline.name)
def test_without_guidance_it_is_the_conditional_estimate(task, pipeline, monkeypatch):
    job = task(pipeline, steps=10, guidance=1.0)
    trace = theirs(job, monkeypatch)
    assert largest(ours(job, trace, monkeypatch), trace.x[-1]) < RUN


def test_one_negative_prompt_for_two_prompts(task, monkeypatch):
    """Which diffusers wants twice."""
    job = task(TEXT, batch=2, steps=10)
    wanted, unwanted = job.prompts()
    job.prompts = lambda: (wanted, unwanted[:1].repeat(2, 1, 1))
    trace, store = theirs(job, monkeypatch), Resources()
    once = CFGCombine(leaf(job, wanted, None, store), leaf(job, unwanted[:1], None, store), job.guidance)
    assert largest(ours(job, trace, monkeypatch, once), trace.x[-1]) < RUN


def test_several_pictures_of_each_prompt(task, monkeypatch):
    """Diffusers draws them prompt by prompt; here picture i takes prompt i in turn, so that each is given twice."""
    job = task(TEXT, batch=2, steps=10)
    trace, store = theirs(job, monkeypatch, num_images_per_prompt=2), Resources()
    assert len(trace.x[-1]) == 4
    twice = [leaf(job, rows.repeat_interleave(2, dim=0), None, store) for rows in job.prompts()]
    assert largest(ours(job, trace, monkeypatch, CFGCombine(*twice, job.guidance)), trace.x[-1]) < RUN
    in_turn = our_denoiser(job, trace)
    assert largest(ours(job, trace, monkeypatch, in_turn)[[0, 3]], trace.x[-1][[0, 3]]) < RUN


# What is drawn, and when


@every_pipeline
def test_the_order_in_which_the_pipelines_draw(task, pipeline, monkeypatch):
    """The start, then what stage 2 is conditioned on, once, then each step above timestep 0."""
    job = task(pipeline, steps=4, strength=1.0)
    generator = torch.Generator().manual_seed(5)
    trace = theirs(job, monkeypatch, generator=torch.Generator().manual_seed(5))
    expected = [trace.start, *([trace.condition] if pipeline.stage == 2 else []), *trace.drawn]
    assert (trace.condition is None) == (pipeline.stage == 1)
    assert trace.t == [750, 500, 250, 0, -1] and len(trace.drawn) == 3
    for noise in expected:
        assert torch.equal(noise, torch.randn(1, 3, 16, 16, generator=generator))


@pytest.mark.parametrize("pipeline", [TEXT, UPSCALE], ids=lambda pipeline: pipeline.name)
def test_the_last_step_adds_nothing_and_is_what_was_thresholded(task, pipeline, monkeypatch):
    job = task(pipeline, steps=10)
    trace = theirs(job, monkeypatch)

    def refuse(seed):
        raise AssertionError("noise is drawn")

    monkeypatch.setattr("nodegraph_nodes.ops.samplers.drawing", lambda seed: refuse)
    way = our_sampler(job, timesteps=(0,)).sample(our_denoiser(job, trace), Noisy(trace.x[-2], 0, COSINE))
    seen, result = way
    assert torch.equal(seen.x0, result.x_t) and float(result.x_t.abs().max()) <= 1
    assert largest(result.x_t, trace.x[-1]) < STEP


def test_timesteps_are_those_of_the_pipeline(task):
    pipe = loaded(IMG2IMG, task(IMG2IMG).folder)
    schedule = COSINE
    for steps in (1, 3, 30, 50, 80, 100):
        pipe.scheduler.set_timesteps(steps)
        walked = [leg.t for leg in our_sampler(task(TEXT, steps=steps)).legs(schedule)]
        assert pipe.scheduler.timesteps.tolist() == walked
    assert walked[:2] == [990, 980] and walked[-1] == 0


@pytest.mark.parametrize(("strength", "count"), [(0.29, 28), (0.3, 30), (0.57, 56), (1.0, 100), (2.0, 100)])
def test_a_strength_is_a_start_in_the_list(task, strength, count):
    """`int(100 * 0.29)` is 28: the pipeline starts at 270, as does who says so."""
    pipe = loaded(IMG2IMG, task(IMG2IMG).folder)
    pipe.scheduler.set_timesteps(100)
    visited, number = pipe.get_timesteps(100, strength)
    assert number == len(visited) == count
    start = int(visited[0])
    assert start == 10 * (count - 1)
    assert [leg.t for leg in our_sampler(task(TEXT, steps=100)).legs(COSINE, start)] == visited.tolist()


# What diffusers cannot do: the formulas, in double precision


def by_hand(job, trace, guidance, variance_of="conditional"):
    """IF's loop by its formulas, from the start of a trace and with its noise."""
    unet = UNet2DConditionModel.from_pretrained(job.folder, subfolder="unet").double()
    wanted, unwanted = (rows.double() for rows in job.prompts())
    x, left = trace.start.double(), [noise.double() for noise in trace.drawn]
    for t, to in pairwise([*trace.t]):
        answers = unet(torch.cat([x, x]), t, encoder_hidden_states=torch.cat([unwanted, wanted]), return_dict=False)[0]
        u, c = answers.chunk(2)
        noise = u[:, :3] + guidance * (c[:, :3] - u[:, :3])
        v = {"conditional": c, "unconditional": u, "guided": u + guidance * (c - u)}[variance_of][:, 3:]
        ab_t, ab_s = COSINE.alpha_bar(t), COSINE.alpha_bar(to)
        a, b = ab_t / ab_s, 1 - ab_t / ab_s
        x0 = (x - (1 - ab_t) ** 0.5 * noise) / ab_t**0.5
        limit = x0.abs().flatten(1).quantile(0.95, dim=1).clamp(1, 1.5).view(-1, 1, 1, 1)
        x0 = x0.clamp(-limit, limit) / limit
        x = ab_s**0.5 * b / (1 - ab_t) * x0 + a**0.5 * (1 - ab_s) / (1 - ab_t) * x
        if t > 0:
            smallest = max((1 - ab_s) / (1 - ab_t) * b, 1e-20)
            share = (v + 1) / 2
            x = x + torch.exp(0.5 * (share * log(b) + (1 - share) * log(smallest))) * left.pop(0)
    assert left == []
    return x.float()


def noises(count, seed=9):
    """A trace of fifty steps that no pipeline has made."""
    drawn = [random((1, 3, 16, 16), seed + 1 + i) for i in range(count - 1)]
    return Trace(t=[*our_timesteps(count), -1], start=random((1, 3, 16, 16), seed), drawn=drawn)


def our_timesteps(count):
    return [1000 // count * i for i in reversed(range(count))]


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 7.0, -1.0])
def test_any_guidance_is_that_of_the_formula(task, guidance, monkeypatch):
    job, trace = task(TEXT, steps=20, guidance=guidance), noises(20)
    found = ours(job, trace, monkeypatch)
    assert largest(found, by_hand(job, trace, guidance)) < RUN


def test_guidance_of_0_is_the_unconditional_noise_with_the_conditional_variance(task):
    job, store = task(TEXT, guidance=0.0), Resources()
    wanted, unwanted = (leaf(job, rows, None, store).estimate(noises(2).start, 600) for rows in job.prompts())
    found = our_denoiser(job, noises(2)).estimate(noises(2).start, 600)
    assert largest(found.noise, unwanted.noise) < 1e-5 and largest(found.noise, wanted.noise) > 0.05
    assert largest(found.variance, wanted.variance) < 1e-5 and largest(found.variance, unwanted.variance) > 0.05


def test_what_diffusers_makes_of_a_guidance_below_1(task, monkeypatch):
    """It leaves guidance out, so that 0.5 is 1, and nobody can ask for 0."""
    half, one = (task(TEXT, steps=10, guidance=guidance) for guidance in (0.5, 1.0))
    trace = theirs(half, monkeypatch)
    assert torch.equal(trace.x[-1], theirs(one, monkeypatch).x[-1])
    assert largest(ours(one, trace, monkeypatch), trace.x[-1]) < RUN
    assert largest(ours(half, trace, monkeypatch), trace.x[-1]) > 0.02


@pytest.mark.parametrize("wrong", ["unconditional", "guided"])
def test_the_variance_is_the_conditional_one_and_not_guided(task, wrong, monkeypatch):
    job = task(TEXT, steps=20)
    trace = theirs(job, monkeypatch)
    found = ours(job, trace, monkeypatch)
    assert largest(found, by_hand(job, trace, 7.0)) < RUN
    assert largest(found, by_hand(job, trace, 7.0, wrong)) > 20 * RUN


@pytest.mark.parametrize("stage", [1, 2])
def test_the_threshold_is_that_of_the_scheduler_also_where_it_is_composed(task, stage, folder):
    """1.5 in the first stage; in the second 1, which is a clamp, for the same setting of the sampler."""
    scheduler, job = if_scheduler(stage), Task(TEXT if stage == 1 else UPSCALE, folder(stage))
    estimates = torch.cat([2 * random((2, 3, 16, 16), 3), 0.1 * random((1, 3, 16, 16), 4)])
    denoiser = our_denoiser(job, Trace(condition=random((1, 3, 16, 16), 5)))
    assert denoiser.largest == scheduler.config.sample_max_value == (1.5 if stage == 1 else 1.0)
    found = dynamic_threshold(estimates, denoiser.largest)
    assert largest(found, scheduler._threshold_sample(estimates)) < 1e-6
    assert torch.equal(found, estimates.clamp(-1, 1)) == (stage == 2)


def test_a_scheduler_of_fixed_variance_means_that_the_network_tells_none(tmp_path, monkeypatch):
    """As of networks that were trained further, which learn no variance."""
    write_if_checkpoint(tmp_path)
    if_scheduler(1, variance_type="fixed_small").save_pretrained(tmp_path / "scheduler")
    job = Task(TEXT, tmp_path, steps=10)
    trace = theirs(job, monkeypatch)
    denoiser = our_denoiser(job, trace)
    assert denoiser.estimate(trace.x[0], trace.t[0]).variance is None
    assert largest(ours(job, trace, monkeypatch, denoiser), trace.x[-1]) < RUN


def test_the_cosine_schedule_is_that_of_the_scheduler():
    table = if_scheduler(1).alphas_cumprod.double()
    exact = torch.tensor(COSINE.alphas_cumprod, dtype=torch.float64)
    relative = (table / exact - 1).abs()
    assert float(relative[:991].max()) < 1e-6 and float(relative.max()) < 2e-5
    assert abs(COSINE.sigma(0) - 0.0064) < 1e-4 and abs(COSINE.alpha(990) - 0.01403) < 1e-5


def test_the_start_of_img2img_is_the_noised_picture(task, monkeypatch):
    job = task(IMG2IMG, steps=4, strength=0.5)
    trace = theirs(job, monkeypatch)
    assert largest(our_start(job, trace).x, trace.x[0]) < 1e-6
