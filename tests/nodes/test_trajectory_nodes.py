"""Nodes for the steps of a sampler: what is kept, looked at, gone on from and saved; and what is known before a run."""

import logging
from dataclasses import replace

import pytest
import torch
from foretold import built, told
from PIL import Image as Pillow
from toy_denoisers import LINEAR

from nodegraph import Context, OutputFolder, Session
from nodegraph_nodes import denoisers, guidance, inpainting, noise, sampling, trajectories, value_types, views
from nodegraph_nodes.ops.branches import estimated
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.types import Image, Mask, Noisy, Point, Trajectory

CONTEXT = Context()
THREE, EIGHT, ANY = (denoisers.unet_mnist(CONTEXT, digit) for digit in ("3", "8", ""))
GUIDED = guidance.cfg_combine(THREE, ANY, 2.0)
HALF = torch.zeros((1, 1, 28, 28))
HALF[..., :14] = 1
MASKED = inpainting.mask_blend(GUIDED, Image(torch.full((1, 1, 28, 28), -0.5)), Mask(HALF), "before")


def sampled(denoiser, start=None, context=CONTEXT, **settings):
    start = noise.pure_noise(batch=2) if start is None else start
    return sampling.iterative_sampler(context, denoiser, start, **({"steps": 8} | settings))


WAY = sampled(MASKED).trajectory


# What is kept


def test_each_step_holds_its_estimates():
    assert [step.number for step in WAY] == list(range(9)) and WAY.taken == 9 and not WAY.thinned
    assert WAY.branches == ("conditional", "unconditional")
    for step in WAY.steps[:-1]:
        evaluator = Evaluator()
        composed = evaluator.estimate(MASKED, step.x_t, step.t, step.number).noise
        assert torch.equal(step.noise, composed)
        due = estimated(MASKED, Point(step.x_t, step.t, step.number), evaluator.answers)
        assert all(torch.equal(step.branches[name], due[name]) for name in ("conditional", "unconditional"))
    assert value_types.trajectory_text(WAY) == "9 steps from t = 875, 2 x 28 x 28, grey, 2 branches"


def test_what_does_not_fit_is_left_out_evenly_and_said(monkeypatch, caplog):
    from nodegraph_nodes.ops import trajectories as ops

    each = (4 + 2) * WAY.steps[0].x_t.nbytes
    monkeypatch.setattr(ops, "MOST_BYTES", 5 * each)
    with caplog.at_level(logging.WARNING):
        made = sampled(MASKED)
    assert [step.number for step in made.trajectory] == [0, 2, 4, 6, 8] and made.trajectory.thinned
    (said,) = [record.getMessage() for record in caplog.records]
    assert "of the 9 steps of the trajectory 5 are kept, evenly" in said
    assert value_types.trajectory_text(made.trajectory).startswith("5 of 9 steps from t = 875")
    assert torch.equal(made.image.pixels, WAY.steps[-1].x0)
    assert sum(size for _, size in set(value_types.nbytes(made.trajectory))) <= 5 * each
    again = sampled(MASKED, trajectories.start_from(made.trajectory, 4))
    assert torch.equal(again.image.pixels, made.image.pixels)
    caplog.clear()
    monkeypatch.setattr(ops, "MOST_BYTES", 9 * each)
    assert len(sampled(MASKED).trajectory) == 9 and not caplog.records


def test_the_walk_up_is_recorded_too():
    up = sampling.ddim_inversion(CONTEXT, GUIDED, Image(WAY.steps[-1].x0), steps=5).trajectory
    assert up.branches == ("conditional", "unconditional") and [step.number for step in up] == list(range(7))
    start = trajectories.start_from(up, 4)
    assert start.moment is None and start.t == up.steps[4].t
    assert sampled(GUIDED, start, steps=5).image.pixels.isfinite().all()


# Inspect


@pytest.mark.parametrize("branch", ["", "conditional", "unconditional"])
def test_a_step_is_inspected(branch):
    for number in (0, 5):
        step = WAY.steps[number]
        eps = step.branches[branch] if branch else step.noise
        shown = trajectories.inspect(WAY, number, "noise", branch)
        assert torch.equal(shown.pixels, (eps / 3).clamp(-1, 1))
        clean = trajectories.inspect(WAY, number, "clean", branch).pixels
        assert torch.equal(clean, LINEAR.cleaned(step.x_t, eps, step.t) if branch else step.x0)
    assert torch.equal(trajectories.inspect(WAY, 3, "noisy").pixels, WAY.steps[3].x_t)
    assert torch.equal(trajectories.inspect(WAY, -1, "clean").pixels, WAY.steps[-1].x0)


def test_what_is_not_there_is_told():
    for (step, what, branch), words in {
        (9, "noise", ""): "step is 9, must be from 0 to 8, or -1 for the result",
        (-1, "noise", ""): "result has no estimate of the noise, since no network was asked",
        (0, "noisy", "conditional"): "branch is 'conditional', must be empty for noisy",
        (0, "noise", "condition"): "branch is 'condition', must be one of conditional, unconditional, or empty",
        (0, "noise", "flipped.conditional"): "branch is 'flipped.conditional', must be one of",
        (8, "clean", "conditional"): "result has no estimate of conditional, .*; it was at step 0, 1, 2, 3, ...",
    }.items():
        with pytest.raises(ValueError, match=words):
            trajectories.inspect(WAY, step, what, branch)
    plain = sampled(THREE).trajectory
    with pytest.raises(ValueError, match="must be empty: the denoiser has no branches"):
        trajectories.inspect(plain, 0, "noise", "conditional")


def test_latents_are_inspected_as_latents_but_for_their_noise():
    latent = Trajectory(WAY.steps, LINEAR, "latent:sd")
    assert trajectories.inspect(latent, 2, "noisy").space == "latent:sd"
    with pytest.raises(ValueError, match="what is noise, must be noisy or clean in the space latent:sd"):
        trajectories.inspect(latent, 2, "noise")


# All of it


@pytest.mark.parametrize("branch", ["", "unconditional"])
def test_a_filmstrip_shows_the_noise(branch):
    strip = sampling.filmstrip(WAY, 4, "noise", branch).pixels
    others = sampling.filmstrip(WAY, 4, "noisy").pixels
    assert strip.shape == others.shape and not torch.equal(strip, others)
    assert not torch.equal(
        sampling.filmstrip(WAY, 4, "both", "unconditional").pixels, sampling.filmstrip(WAY, 4, "both").pixels
    )
    with pytest.raises(ValueError, match="branch is 'conditional', must be empty for noisy"):
        sampling.filmstrip(WAY, 4, "noisy", "conditional")
    with pytest.raises(ValueError, match="branch is 'x', must be one of conditional, unconditional"):
        sampling.filmstrip(WAY, 4, "noise", "x")


def test_the_strip_of_a_branch_has_the_steps_at_which_it_was_asked():
    from nodegraph_nodes.ops.trajectories import strip

    turns = views.multi_view([THREE, EIGHT], ["identity", "rotate_180"], reduction="alternate")
    way = sampled(turns).trajectory
    rows, captions = strip(way, 99, "noise", "denoisers[1]")
    assert captions == [f"t = {step.t}" for step in way.steps[1:-1:2]]
    assert torch.equal(rows[1][2], (way.steps[5].branches["denoisers[1]"][1] / 3).clamp(-1, 1))
    assert strip(way, 99, "noise")[1] == [f"t = {step.t}" for step in way.steps[:-1]]
    assert strip(way, 99, "clean")[1][-1] == "result"


def test_the_noise_is_animated(tmp_path):
    context = Context(output=OutputFolder(tmp_path))
    path = sampling.save_animation(context, WAY, "noise", "gif", 5, "noise", branch="conditional")
    with Pillow.open(path) as film:
        assert film.n_frames == 5


# Going on


def test_a_run_goes_on_and_another_branches_off():
    start = trajectories.start_from(WAY, 3)
    assert (start.t, start.moment.number, start.moment.start) == (500, 3, None)
    again = sampled(MASKED, start)
    assert torch.equal(again.image.pixels, WAY.steps[-1].x0)
    assert [step.number for step in again.trajectory] == [3, 4, 5, 6, 7, 8]
    other = sampled(inpainting.mask_blend(EIGHT, Image(torch.full((1, 1, 28, 28), -0.5)), Mask(HALF), "before"), start)
    assert torch.equal(other.trajectory.steps[0].x_t, WAY.steps[3].x_t)
    assert other.trajectory.steps[-1].drawn == WAY.steps[-1].drawn
    assert not torch.equal(other.image.pixels, again.image.pixels)


def test_the_cost_of_the_rest_is_that_of_the_rest():
    class Listening(Context):
        said = ""

        def progress(self, step, total, preview=None, text=""):
            self.said = self.said or text

    turns = views.multi_view([GUIDED, EIGHT], ["identity", "rotate_180"], reduction="alternate")
    way, context = sampled(turns).trajectory, Listening()
    sampled(turns, trajectories.start_from(way, 3), context)
    assert context.said == "5 steps: 5 network calls, 14 pictures in them"  # 1, 2, 1, 2, 1 estimates of 2 pictures


def test_the_steps_to_go_on_from_are_told_without_the_result():
    with pytest.raises(ValueError, match="step is 9, must be from 0 to 7; 8 is the result"):
        trajectories.start_from(WAY, 9)
    with pytest.raises(ValueError, match="step is 8, must be below 8: that is the result"):
        trajectories.start_from(WAY, 8)


def test_one_step_is_the_step_of_the_run():
    found = sampling.one_step_denoise(CONTEXT, MASKED, trajectories.start_from(WAY, 3)).pixels
    step = WAY.steps[3]
    assert torch.equal(found, LINEAR.cleaned(step.x_t, step.noise, step.t))
    turns = views.multi_view([THREE, EIGHT], ["identity", "identity"], reduction="alternate")
    way = sampled(turns).trajectory
    for number, digit in ((2, THREE), (3, EIGHT)):
        start = trajectories.start_from(way, number)
        assert torch.equal(
            sampling.one_step_denoise(CONTEXT, turns, start).pixels,
            sampling.one_step_denoise(CONTEXT, digit, Noisy(start.x, start.t, LINEAR)).pixels,
        )


def test_a_view_of_a_noisy_picture_is_no_moment_of_the_run():
    assert views.transform(None, trajectories.start_from(WAY, 3), "flip").noisy.moment is None


def test_a_trajectory_is_saved_and_loaded(tmp_path):
    context = Context(output=OutputFolder(tmp_path))
    path = trajectories.save_trajectory(context, WAY, "my/way")
    assert path == tmp_path / "my" / "way.safetensors"
    loaded = trajectories.load_trajectory(path)
    again = sampled(MASKED, trajectories.start_from(loaded, 5))
    assert torch.equal(again.image.pixels, WAY.steps[-1].x0)
    assert trajectories.inspect(loaded, 2, "noise", "conditional").pixels.equal(
        trajectories.inspect(WAY, 2, "noise", "conditional").pixels
    )


# Known before a run


def graph(more, *links, sample=None, **kinds):
    nodes = {
        "a": ("ExactGaussian", {}),
        "noise": ("PureNoise", {"size": 8, "channels": 1}),
        "sample": ("IterativeSampler", {"steps": 10} if sample is None else sample),
        **more,
    }
    return built(nodes, "a.denoiser -> sample.denoiser", "noise.noisy -> sample.start", *links)


def looking(kind, sample=None, **inputs):
    return graph({"look": (kind, inputs)}, "sample.trajectory -> look.trajectory", sample=sample)


def test_a_step_that_there_will_not_be_is_told(registry):
    assert told(looking("Inspect", step=10, what="clean"), registry) == []
    (said,) = told(looking("Inspect", step=11), registry)
    assert "step is 11, must be from 0 to 10, or -1 for the result" in said
    (said,) = told(looking("StartFrom", step=10), registry)
    assert "step is 10, must be below 10: that is the result" in said
    assert told(looking("StartFrom", step=3, sample={"timesteps": [900, 500, 300], "end": 100}), registry) == []
    (said,) = told(looking("StartFrom", step=4, sample={"timesteps": [900, 500, 300]}), registry)
    assert "must be from 0 to 2; 3 is the result" in said
    for inputs, words in (
        ({"step": -1, "what": "noise"}, "result has no estimate of the noise"),
        ({"step": 2, "what": "noisy", "branch": "conditional"}, "must be empty for noisy"),
    ):
        (said,) = told(looking("Inspect", **inputs), registry)
        assert words in said
    (said,) = told(looking("Filmstrip", branch="conditional"), registry)
    assert "must be empty for noisy" in said


def test_what_goes_on_from_a_step_is_known(registry):
    on = {
        "back": ("StartFrom", {"step": 4}),
        "go": ("IterativeSampler", {"steps": 10}),
        "look": ("Inspect", {"step": 2}),
    }
    links = (
        "sample.trajectory -> back.trajectory", "a.denoiser -> go.denoiser", "back.noisy -> go.start",
        "go.trajectory -> look.trajectory",
    )  # fmt: skip
    (said,) = told(graph(on, *links), registry)
    assert "step is 2, must be from 4 to 10, or -1 for the result" in said
    on["look"] = ("Inspect", {"step": 4})
    assert told(graph(on, *links), registry) == []
    on["go"] = ("IterativeSampler", {"steps": 10, "end": 600})
    on["back"] = ("StartFrom", {"step": 6})
    assert any("begins at t = 300 and ends at 600" in said for said in told(graph(on, *links), registry))
    on["go"] = ("IterativeSampler", {"steps": 10, "repeats": 2, "jump": 6})
    climbing = graph(on, *links, sample={"steps": 10, "repeats": 2, "jump": 6})
    on["look"] = ("Inspect", {"step": 6})
    assert told(graph(on, *links, sample={"steps": 10, "repeats": 2, "jump": 6}), registry) == []
    with Session(registry=registry) as session:
        assert session.run(climbing.set("look", step=6), targets=["look"]).failed == {}


def test_a_loaded_one_is_known_from_its_header(registry, tmp_path):
    path = trajectories.save_trajectory(Context(output=OutputFolder(tmp_path)), WAY)
    nodes = {
        "load": ("LoadTrajectory", {"path": str(path)}),
        "look": ("Inspect", {"step": 3, "branch": "conditionel"}),
        "back": ("StartFrom", {"step": 9}),
    }
    said = told(built(nodes, "load.trajectory -> look.trajectory", "load.trajectory -> back.trajectory"), registry)
    assert len(said) == 2
    assert any("branch is 'conditionel', must be one of conditional, unconditional" in line for line in said)
    assert any("step is 9, must be from 0 to 7; 8 is the result" in line for line in said)
    encoded = replace(WAY, space="latent:sd")
    latent = trajectories.save_trajectory(Context(output=OutputFolder(tmp_path)), encoded, "latent")
    links = [f"load.trajectory -> {name}.trajectory" for name in ("look", "saw", "strip", "film")]
    nodes = {
        "load": ("LoadTrajectory", {"path": str(latent)}),
        "look": ("Inspect", {"what": "noise"}),
        "saw": ("Inspect", {"what": "clean"}),
        "strip": ("Filmstrip", {}),
        "film": ("SaveAnimation", {}),
    }
    said = sorted(told(built(nodes, *links), registry))
    assert [line.split()[0] for line in said] == ["film", "look", "strip"]
    assert all("in the space latent:sd" in line for line in said)
    nodes = {
        "load": ("LoadTrajectory", {"path": str(path)}),
        "back": ("StartFrom", {"step": 3}),
        "wide": ("ExactGaussian", {"schedule": "cosine"}),
        "go": ("IterativeSampler", {}),
    }
    links = ["load.trajectory -> back.trajectory", "back.noisy -> go.start", "wide.denoiser -> go.denoiser"]
    (line,) = told(built(nodes, *links), registry)
    assert "noised by the schedule linear, the denoiser learned cosine" in line
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    (said,) = told(built({"load": ("LoadTrajectory", {"path": str(other)})}), registry)
    assert "is no trajectory" in said


@pytest.mark.parametrize("kind", ["Inspect", "Filmstrip", "SaveAnimation"])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_branch_that_there_will_not_be_is_told_as_the_run_would(registry, tmp_path, kind, scale):
    seen = {"what": "noise"} if kind == "Inspect" else {"shown": "noise"}
    nodes = {
        "three": ("UNetMNIST", {"digit": "3"}), "any": ("UNetMNIST", {}), "guide": ("CFGCombine", {"scale": scale}),
        "both": ("FlipAverage", {}), "noise": ("PureNoise", {}), "sample": ("IterativeSampler", {"steps": 2}),
        "look": (kind, {**seen, "branch": "upright.conditionel"}),
    }  # fmt: skip
    links = (
        "three.denoiser -> guide.conditional", "any.denoiser -> guide.unconditional", "guide.denoiser -> both.upright",
        "any.denoiser -> both.flipped", "both.denoiser -> sample.denoiser", "noise.noisy -> sample.start",
        "sample.trajectory -> look.trajectory",
    )  # fmt: skip
    made = built(nodes, *links)
    (problem,) = told(made, registry)
    halves = ["upright.conditional", "upright.unconditional"][: 1 if scale == 1 else 2]
    branches = ["upright", *halves, "flipped"]
    assert problem == (
        f"look ({kind}): branch is 'upright.conditionel', must be one of {', '.join(branches)}, or empty"
    )
    context = Context(output=OutputFolder(tmp_path))
    denoiser = views.flip_average(guidance.cfg_combine(THREE, ANY, scale), ANY)
    trajectory = sampled(denoiser, context=context, steps=2).trajectory
    assert list(trajectory.branches) == branches
    assert [told(made.set("look", branch=name), registry) for name in branches] == [[]] * len(branches)


def test_the_branches_of_what_keeps_a_picture_are_known(registry, tmp_path):
    Pillow.new("L", (28, 28)).save(tmp_path / "black.png")
    nodes = {
        "three": ("UNetMNIST", {"digit": "3"}), "any": ("UNetMNIST", {}), "guide": ("CFGCombine", {"scale": 2.0}),
        "picture": ("LoadImage", {"path": str(tmp_path / "black.png"), "color": "grey"}),
        "half": ("RectangleMask", {"size": 28}), "fill": ("MaskBlend", {}), "noise": ("PureNoise", {}),
        "sample": ("IterativeSampler", {"steps": 2}), "look": ("Inspect", {}),
    }  # fmt: skip
    links = (
        "three.denoiser -> guide.conditional", "any.denoiser -> guide.unconditional", "guide.denoiser -> fill.denoiser",
        "picture.image -> fill.image", "half.mask -> fill.mask", "fill.denoiser -> sample.denoiser",
        "noise.noisy -> sample.start", "sample.trajectory -> look.trajectory",
    )  # fmt: skip
    made = built(nodes, *links)
    assert WAY.branches
    assert [told(made.set("look", branch=name), registry) for name in WAY.branches] == [[]] * len(WAY.branches)
    (problem,) = told(made.set("look", branch="nobody"), registry)
    assert all(name in problem for name in WAY.branches)
