"""Going on from a step: from each one that is kept, with the same noise, to the same picture, to the bit."""

from dataclasses import replace
from typing import get_args

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, ToyNetwork, leaf, noise

from nodegraph_nodes.ops import trajectory_files
from nodegraph_nodes.ops.anagrams import MultiView
from nodegraph_nodes.ops.components import named_components
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.draws import Counted, drawing, hook_name
from nodegraph_nodes.ops.hooks import Mode, keep_outside
from nodegraph_nodes.ops.inverse_hybrids import keep_component
from nodegraph_nodes.ops.references import keep_coarse
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.trajectories import start_from
from nodegraph_nodes.ops.views import Flip, Rotation
from nodegraph_nodes.types import Denoiser, Noisy, Step, Trajectory

NET = ToyNetwork()
C, U, A, B = (leaf(label, NET) for label in (1, 10, 4, 7))
GUIDED = CFGCombine(C, U, 2.0)
ORIGINAL = noise(31).clamp(-1, 1)
HALF = torch.zeros((1, 1, SIZE, SIZE), dtype=torch.float64)
HALF[..., : SIZE // 2] = 1
START = Noisy(noise(32, 2))
MIDDLE = Noisy(noise(33, 2), 650, LINEAR)
TIMES = (900, 700, 500, 300, 100, 0)


def way(denoiser: Denoiser, start: Noisy, sampler: Sampler) -> Trajectory:
    """The trajectory as IterativeSampler keeps it."""
    steps = tuple(sampler.sample(denoiser, start, record=range(1000)))
    place = sampler.route(denoiser, start).place
    hooks = tuple(map(hook_name, denoiser.hooks()))
    return Trajectory(steps, denoiser.schedule, denoiser.space, len(steps), place.start, place.first, hooks)


def same(a: Step, b: Step) -> bool:
    tensors = [(a.x_t, b.x_t), (a.x0, b.x0)]
    if a.noise is not None or b.noise is not None:
        tensors.append((a.noise, b.noise))
    assert a.branches.keys() == b.branches.keys()
    tensors += [(noise, b.branches[name]) for name, noise in a.branches.items()]
    return (a.t, a.number, a.drawn) == (b.t, b.number, b.drawn) and all(torch.equal(x, y) for x, y in tensors)


def check_replays(denoiser: Denoiser, start: Noisy, sampler: Sampler) -> Trajectory:
    """From each step the rest is as it was; and so it is from a step of that rest."""
    whole = way(denoiser, start, sampler)
    for place in range(len(whole) - 1):
        rest = way(denoiser, start_from(whole, whole.steps[place].number), sampler)
        assert len(rest) == len(whole) - place
        assert all(map(same, rest, whole.steps[place:])), f"from step {place}"
        if len(rest) > 2:
            later = way(denoiser, start_from(rest, rest.steps[1].number), sampler)
            assert all(map(same, later, whole.steps[place + 1 :])), f"from step {place}, then the next"
    return whole


METHODS = {
    "ddpm": {"method": "ddpm"},
    "ddim": {"method": "ddim"},
    "ddim with noise": {"method": "ddim", "eta": 0.7},
    "euler": {"method": "euler"},
    "dpm++": {"method": "dpm++"},
    "clipped": {"method": "ddpm", "clip": "dynamic", "variance": "fixed_large"},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("start", [START, MIDDLE], ids=["from noise", "from the middle"])
def test_a_run_goes_on_from_each_step_as_it_went(method, start):
    check_replays(GUIDED, start, Sampler(timesteps=TIMES, seed=5, **METHODS[method]))


@pytest.mark.parametrize("method", ["dpm++", "euler"])
def test_so_does_one_of_many_steps_in_single_precision(method):
    """With 15 steps and more dpm++ ends in another way than with few."""
    start = Noisy(START.x.float())
    check_replays(leaf(3, NET), start, Sampler(steps=17, method=method, clip="clamp"))


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("method", ["ddpm", "ddim", "dpm++"])
def test_so_does_one_that_keeps_a_part_of_a_picture(mode, method):
    masked = keep_outside(GUIDED, ORIGINAL, HALF, mode, restore=mode == "before")
    check_replays(masked, START, Sampler(timesteps=TIMES, method=method))


@pytest.mark.parametrize("mode", get_args(Mode))
def test_so_does_one_that_climbs(mode):
    masked = keep_outside(GUIDED, ORIGINAL, HALF, mode)
    for start in (START, MIDDLE):
        whole = check_replays(masked, start, Sampler(timesteps=TIMES, repeats=3, jump=2))
        assert len({step.t for step in whole}) < len(whole)  # timesteps are visited again


def test_so_does_one_with_hooks_in_several_branches():
    denoiser = FlipAverage(
        keep_outside(GUIDED, ORIGINAL, HALF, "after", seed=7),
        keep_coarse(keep_outside(A, ORIGINAL, HALF, "shared"), ORIGINAL, 2),
        Rotation(1),
    )
    split = named_components("low, high", sigma=1.0, kernel=5, base=0)
    check_replays(denoiser, START, Sampler(timesteps=TIMES, repeats=2, jump=1))
    check_replays(keep_component(denoiser, ORIGINAL, split, "low"), START, Sampler(timesteps=TIMES))


def test_so_do_views_by_turns():
    turns = MultiView((A, GUIDED), (Flip(), Rotation(1)), "alternate")
    whole = check_replays(turns, START, Sampler(timesteps=TIMES, method="ddim"))
    assert [list(step.branches)[:1] for step in whole][:3] == [["denoisers[0]"], ["denoisers[1]"], ["denoisers[0]"]]


def test_a_walk_in_two_halves_is_the_whole_walk():
    masked = keep_outside(GUIDED, ORIGINAL, HALF, "before")
    whole = way(masked, START, Sampler(timesteps=TIMES))
    half = way(masked, START, Sampler(timesteps=TIMES, end=300))
    assert half.steps[-1].t == 300
    rest = way(masked, start_from(half, -1), Sampler(timesteps=TIMES))
    assert all(map(same, rest, whole.steps[3:])) and len(rest) == 4


@pytest.mark.parametrize("method", ["ddpm", "dpm++"])
def test_a_saved_one_is_gone_on_from_all_the_same(method):
    masked = keep_outside(GUIDED, ORIGINAL, HALF, "before")
    sampler = Sampler(timesteps=TIMES, method=method)
    whole = way(masked, START, sampler)
    loaded = trajectory_files.from_bytes(trajectory_files.to_bytes(whole))
    rest = way(masked, start_from(loaded, 3), sampler)
    assert all(map(same, rest, whole.steps[3:]))


def test_another_prompt_branches_off_with_the_same_noise():
    """Up to the branch nothing changes, and from it on the noise is that of the first run."""
    sampler = Sampler(timesteps=TIMES, seed=9)
    masked = keep_outside(GUIDED, ORIGINAL, HALF)
    other = keep_outside(A, ORIGINAL, HALF)
    whole = way(masked, START, sampler)
    begun = start_from(whole, 2)
    found = way(other, begun, sampler)
    assert torch.equal(found.steps[0].x_t, whole.steps[2].x_t)
    assert not torch.equal(found.steps[1].x_t, whole.steps[3].x_t)

    draw, kept, x = Counted(drawing(9)), Counted(drawing(2)), begun.x
    draw.skip(2, x)
    kept.skip(2, x)
    rule = sampler.rule(LINEAR, sampler.route(other, begun), begun)
    for t, to in ((500, 300), (300, 100), (100, 0), (0, -1)):
        x = rule(x, LINEAR.cleaned(x, A.estimate(x, t).noise, t), None, t, to, draw)
        x = other.hook.after(x, t, to, kept)
    assert torch.equal(found.steps[-1].x_t, x)


def test_what_comes_to_it_is_started_and_what_was_there_is_not():
    whole = way(keep_outside(GUIDED, ORIGINAL, HALF, "paste"), START, Sampler(timesteps=TIMES))
    fresh = keep_outside(GUIDED, -ORIGINAL, HALF, "paste")
    found = way(fresh, start_from(whole, 2), Sampler(timesteps=TIMES))
    assert torch.equal(found.steps[0].x_t, fresh.hook.pasted(whole.steps[2].x_t))
    same_hook = way(keep_outside(A, ORIGINAL, HALF, "paste"), start_from(whole, 2), Sampler(timesteps=TIMES))
    assert torch.equal(same_hook.steps[0].x_t, whole.steps[2].x_t)


@pytest.mark.parametrize("method", ["ddim", "dpm++", "euler"])
def test_with_other_settings_it_begins_there_as_any_picture_in_the_middle(method):
    whole = way(GUIDED, START, Sampler(timesteps=TIMES))
    finer = Sampler(timesteps=(950, 850, 750, 650, 550, 450, 350, 50), method=method)
    begun = start_from(whole, 2)
    found = way(GUIDED, begun, finer)
    assert [step.t for step in found] == [500, 450, 350, 50, -1]
    assert [step.number for step in found] == [2, 3, 4, 5, 6]
    plain = way(GUIDED, replace(begun, moment=None), finer)
    assert torch.equal(found.steps[-1].x_t, plain.steps[-1].x_t)
    again = way(GUIDED, start_from(found, 4), finer)
    assert all(map(same, again, found.steps[2:]))


def test_fresh_noise_is_none_that_was_drawn_before():
    """Though the seed is the same, unlike after an AddNoise in the middle."""
    whole = way(GUIDED, START, Sampler(timesteps=TIMES, seed=3))
    begun = start_from(whole, 2)
    found = way(GUIDED, begun, Sampler(timesteps=(450, 100), seed=3))
    draw = Counted(drawing(3))
    draw.skip(2, begun.x)
    x0 = found.steps[0].x0
    rule = Sampler(seed=3).rule(LINEAR, Sampler().route(GUIDED, START), START)
    assert torch.equal(found.steps[1].x_t, rule(begun.x, x0, None, 500, 450, draw))


def test_another_method_goes_on_from_where_one_was():
    whole = way(GUIDED, START, Sampler(timesteps=TIMES, method="ddpm"))
    for method in ("ddim", "dpm++", "euler"):
        found = way(GUIDED, start_from(whole, 3), Sampler(timesteps=TIMES, method=method))
        assert [step.t for step in found] == [300, 100, 0, -1] and found.steps[-1].x_t.isfinite().all()
    ours, theirs = (
        way(GUIDED, start_from(whole, 3), Sampler(timesteps=TIMES, method=method)).steps[-1].x_t
        for method in ("ddim", "euler")
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_from_the_result_nothing_goes_on():
    whole = way(GUIDED, START, Sampler(timesteps=TIMES))
    for number in (-1, 6):
        with pytest.raises(ValueError, match=f"step is {number}, must be below 6: that is the result"):
            start_from(whole, number)
    with pytest.raises(ValueError, match="step is 7, must be from 0 to 5; 6 is the result"):
        start_from(whole, 7)
    thinned = replace(whole, steps=whole.steps[::3])
    with pytest.raises(ValueError, match="step is 2, which was left out to save memory; the nearest that are"):
        start_from(thinned, 2)
