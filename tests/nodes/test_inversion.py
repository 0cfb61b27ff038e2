"""Inversion: the walk up in closed form, its order of convergence, and the way back."""

from itertools import pairwise
from math import log2, sqrt

import pytest
import torch
from diffusers import DDIMInverseScheduler
from toy_denoisers import LINEAR, ToyNetwork, gaussian, leaf, noise

from nodegraph import Cancelled, Context, Control, Graph, Session
from nodegraph.plugins import load_plugins
from nodegraph_nodes import guidance, inpainting, sampling
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.inversion import asked, invert, levels_up_to
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.types import Image, Mask, NoiseSchedule, Noisy

MEAN, SIGMA = noise(21), 0.3
DATA = ExactGaussian(MEAN, SIGMA, LINEAR)
PICTURE = MEAN + SIGMA * noise(22, 2)
FIRST = 900
SHORT = NoiseSchedule.named("linear", 300)


def deviation(t):
    """Of the pixels of DATA at `t`."""
    return sqrt(LINEAR.alpha_bar(t) * SIGMA**2 + 1 - LINEAR.alpha_bar(t))


def up(count, x=PICTURE, denoiser=DATA):
    *_, last = invert(denoiser, x, levels_up_to(LINEAR, FIRST, count))
    return last.x_t


def down(count, x, denoiser=DATA):
    *_, last = Sampler(steps=count, method="ddim").sample(denoiser, Noisy(x, FIRST, LINEAR))
    return last.x_t


def orders(errors):
    return [log2(a / b) for a, b in pairwise(errors)]


def test_the_walk_up_is_its_formula_in_closed_form():
    """On Gaussian data each step scales the distance from the mean by a known factor."""
    levels = [0, 20, 300, 640, 900]
    *_, last = invert(DATA, PICTURE, levels)
    distance = PICTURE - MEAN
    for seen, (t, to) in zip([0, 0, 20, 300, 640], pairwise([-1, *levels]), strict=True):
        if t < 0:  # shown to the network as if it were at 0
            eps = LINEAR.sigma(seen) * (PICTURE - LINEAR.alpha(seen) * MEAN) / deviation(seen) ** 2
            distance = LINEAR.alpha(to) * PICTURE + LINEAR.sigma(to) * eps - LINEAR.alpha(to) * MEAN
        else:
            kept = LINEAR.alpha(to) * LINEAR.alpha(t) * SIGMA**2 + LINEAR.sigma(to) * LINEAR.sigma(t)
            distance = distance * kept / deviation(t) ** 2
    torch.testing.assert_close(last.x_t, LINEAR.alpha(900) * MEAN + distance)
    assert last.t == 900


def test_the_walk_up_converges_to_the_flow_in_order_1():
    exact = LINEAR.alpha(FIRST) * MEAN + deviation(FIRST) / SIGMA * (PICTURE - MEAN)
    errors = [float((up(count) - exact).norm() / exact.norm()) for count in (25, 50, 100, 200)]
    assert errors[-1] < 0.025  # 0.16, 0.082, 0.042, 0.021
    assert all(abs(found - 1) < 0.1 for found in orders(errors)), errors


def test_the_way_back_gives_the_picture_again_the_better_the_more_steps():
    errors = [float((down(count, up(count)) - PICTURE).norm() / PICTURE.norm()) for count in (25, 50, 100, 200)]
    assert errors[0] < 0.1 and errors[-1] < 0.015  # 0.087, 0.047, 0.024, 0.012
    assert all(abs(found - 1) < 0.15 for found in orders(errors)), errors


def test_another_denoiser_on_the_way_back_edits_the_picture():
    """Between Gaussians of one deviation, what is left of a picture is its distance from the mean."""
    other = ExactGaussian(noise(23), SIGMA, LINEAR)
    expected = other.mean + (PICTURE - MEAN)
    errors = [float((down(count, up(count), other) - expected).norm() / expected.norm()) for count in (50, 100, 200)]
    assert errors[-1] < 0.02 and errors[0] > errors[1] > errors[2]
    fresh = down(200, noise(24, 2), other)  # from other noise, it would be another picture
    assert float((fresh - expected).norm() / expected.norm()) > 0.2


def test_a_network_s_picture_comes_back_too():
    net = ToyNetwork()
    picture = down(50, noise(5, 2), leaf(4, net))
    errors = [
        float((down(count, up(count, picture, leaf(4, net)), leaf(4, net)) - picture).norm() / picture.norm())
        for count in (25, 50, 100, 200)
    ]
    assert errors[-1] < 0.04  # 0.24, 0.12, 0.058, 0.029
    assert all(abs(found - 1) < 0.15 for found in orders(errors)), errors


def test_the_step_is_that_of_diffusers_but_for_where_the_network_looks():
    """diffusers asks at the timestep that a step leads to, with x as it is before; given our answers, it agrees."""
    scheduler = DDIMInverseScheduler(clip_sample=False)
    scheduler.set_timesteps(20)
    scheduler.alphas_cumprod = torch.tensor(LINEAR.alphas_cumprod, dtype=torch.float64)
    scheduler.initial_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    levels = levels_up_to(LINEAR, 950, 20)
    assert scheduler.timesteps.tolist() == levels
    way = list(invert(DATA, PICTURE, levels))
    for step, after, to in zip(way, way[1:], levels, strict=False):
        eps = DATA.estimate(step.x_t, step.t).noise
        made = scheduler.step(eps, to, step.x_t, return_dict=False)[0]
        torch.testing.assert_close(after.x_t, made, rtol=0, atol=1e-12)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("t", [999, 980, 500, 33, 0])
def test_the_levels_are_those_of_the_sampler_with_as_many_steps(t, spacing):
    levels = levels_up_to(LINEAR, t, 30, spacing)
    visited = [leg.t for leg in Sampler(steps=30, spacing=spacing).legs(LINEAR, t)]
    assert levels == visited[::-1]
    assert len(asked(levels)) == len(levels)


def test_the_network_is_asked_once_a_step_and_never_about_clean_pictures():
    net, evaluator = ToyNetwork(), Evaluator()
    *way, last = invert(leaf(4, net), PICTURE.float(), levels_up_to(LINEAR, 500, 10), evaluator)
    assert [step.t for step in way] == [0, 0, 100, 200, 300, 400] and last.t == 500
    assert (evaluator.forwards, net.calls) == (6, [2] * 6)
    assert torch.equal(way[0].x_t, PICTURE.float()) and torch.equal(way[0].x0, way[0].x_t)
    assert last.x0 is way[-1].x0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_precision_stays_and_nothing_is_changed_or_recorded(dtype):
    x = PICTURE.to(dtype, copy=True).requires_grad_()
    before = x.detach().clone()
    *_, last = invert(DATA, x, levels_up_to(LINEAR, 900, 5))
    assert last.x_t.dtype == dtype and not last.x_t.requires_grad
    assert torch.equal(x, before)


# What is refused


def test_what_cannot_be_inverted_is_refused_before_any_call():
    net = ToyNetwork()
    mask = Mask(torch.ones(1, 1, 12, 12))
    kept = inpainting.mask_blend(leaf(4, net), Image(PICTURE), mask)
    for denoiser, image, settings, message in (
        (kept, Image(PICTURE), {}, "keeps something of a picture between the steps down.* without MaskBlend"),
        (leaf(4, net), Image(PICTURE), {"t": 1000}, "t is 1000, must be from 0 to 999"),
        (leaf(4, net), Image(PICTURE), {"t": -1}, "t is -1, must be from 0 to 999"),
        (leaf(4, net), Image(PICTURE), {"steps": 0}, "steps is 0, must be from 1 to 1000"),
        (leaf(4, net), Image(PICTURE), {"steps": 1001}, "steps is 1001, must be from 1 to 1000"),
        (leaf(4, net), Image(PICTURE, "latent:sd"), {}, "in the space latent:sd, the denoiser works in pixels"),
        (leaf([1, 2, 3], net), Image(PICTURE), {}, "label has 3 rows, one for each picture, and the batch has 2"),
        (ExactGaussian(MEAN, 0.3, LINEAR, (1, 28, 28)), Image(PICTURE), {}, "takes 28 x 28 with 1 channel only"),
        (ExactGaussian(MEAN, 0.3, SHORT), Image(PICTURE), {}, "t is 980, must be from 0 to 299"),
    ):
        with pytest.raises(ValueError, match=message):
            sampling.ddim_inversion(Context(), denoiser, image, **settings)
    assert not net.calls


# The node


class Listening(Context):
    def __init__(self):
        super().__init__()
        self.reports = []

    def progress(self, step, total, preview=None, text=""):
        self.reports.append((step, total, preview and preview(), text))


def test_the_node_inverts_tells_its_cost_and_shows_each_step():
    context, picture = Listening(), Image(PICTURE.float())
    made = sampling.ddim_inversion(context, DATA, picture, steps=20, t=FIRST)
    torch.testing.assert_close(made.noisy.x, up(20).float(), rtol=0, atol=1e-5)
    assert (made.noisy.t, made.noisy.schedule, made.noisy.space) == (FIRST, LINEAR, "pixels")
    assert context.reports[0] == (0, 19, None, "19 steps: 0 network calls, 0 pictures in them")
    assert [report[:2] for report in context.reports[1:]] == [(i, 19) for i in range(1, 20)]
    assert all(report[2].startswith(b"\x89PNG") for report in context.reports[1:])
    assert [step.t for step in made.trajectory] == [0, *range(0, 900, 50), 900]

    settings = {"method": "ddim", "clip": "none", "steps": 20}
    again = sampling.iterative_sampler(Context(), DATA, made.noisy, **settings).image.pixels
    torch.testing.assert_close(again, down(20, up(20)).float(), rtol=0, atol=1e-5)
    assert float((again - PICTURE).norm() / PICTURE.norm()) < 0.12


def test_guidance_can_be_inverted_as_well():
    guided = guidance.cfg_combine(DATA, gaussian(5), 2.0)
    errors = []
    for steps in (50, 400):
        noisy = sampling.ddim_inversion(Context(), guided, Image(PICTURE), steps, t=FIRST).noisy
        back = sampling.iterative_sampler(Context(), guided, noisy, steps, "ddim", clip="none").image.pixels
        errors.append(float((back - PICTURE).norm() / PICTURE.norm()))
    assert errors[1] < errors[0] / 4


def test_cancelling_stops_the_walk_within_a_step():
    graph = Graph().add("mean", "ExactGaussian").add("picture", "RectangleMask", size=28)
    graph = graph.add("invert", "DDIMInversion", steps=500)
    for link in ("mean.denoiser -> invert.denoiser", "picture.mask -> invert.image"):
        graph = graph.connect(link)
    control, seen = Control(), []

    def emit(event):
        if type(event).__name__ == "NodeProgress":
            seen.append(event.step)
            if event.step == 3:
                control.cancel()

    with Session(load_plugins(only=["nodegraph"])) as session:
        with pytest.raises(Cancelled):
            session.run(graph, emit=emit, control=control)
        assert max(seen) <= 4
        assert session.run(graph.set("invert", steps=5))["invert", "noisy"].t == 980
