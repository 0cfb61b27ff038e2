"""Noise schedules and lists of timesteps: equal to diffusers', and refused where they cannot be walked."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from nodegraph_nodes.ops import schedules
from nodegraph_nodes.types import NoiseSchedule


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("linear", {}),
        ("scaled_linear", {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}),
        ("cosine", {"beta_schedule": "squaredcos_cap_v2"}),
    ],
)
def test_tables_are_those_of_diffusers_up_to_its_float32(name, settings):
    theirs = DDPMScheduler(**settings).alphas_cumprod.double().numpy()
    ours = np.array(NoiseSchedule.named(name).alphas_cumprod)
    np.testing.assert_allclose(ours[:-1], theirs[:-1], rtol=2e-5)
    np.testing.assert_allclose(ours[-1], theirs[-1], rtol=2e-4, atol=1e-10)


def test_known_values_of_the_cosine_schedule():
    cosine = NoiseSchedule.named("cosine")
    known = {0: 0.999979, 30: 0.9982, 250: 0.9197, 500: 0.7016, 690: 0.4632, 750: 0.3784, 990: 0.01403}
    for t, alpha in known.items():
        assert cosine.alpha(t) == pytest.approx(alpha, rel=1e-3)
    assert cosine.sigma(0) == pytest.approx(0.0064, abs=1e-4)


def test_a_schedule_keeps_unit_variance_and_ends_clean():
    schedule = NoiseSchedule.named("linear")
    for t in (-1, 0, 500, 999):
        assert schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2 == pytest.approx(1, abs=1e-15)
    assert (schedule.alpha(-1), schedule.sigma(-1)) == (1, 0)


@pytest.mark.parametrize("t", [-2, 1000, -1000])
def test_a_timestep_outside_is_refused(t):
    with pytest.raises(ValueError, match=f"t is {t}, must be from 0 to 999"):
        NoiseSchedule.named("linear").alpha(t)


def test_schedules_are_equal_when_their_tables_are():
    linear = NoiseSchedule.named("linear")
    assert NoiseSchedule("mine", linear.alphas_cumprod) == linear
    assert hash(NoiseSchedule("mine", linear.alphas_cumprod)) == hash(linear)
    assert NoiseSchedule.named("cosine") != linear
    assert NoiseSchedule.named("linear", 300) != linear


@pytest.mark.parametrize("table", [(), (0.9, 0.95), (1.0, 0.5), (0.5, 0.0), (0.5, float("nan"))])
def test_a_table_that_is_no_schedule_is_refused(table):
    with pytest.raises(ValueError, match="must fall strictly"):
        NoiseSchedule("bad", table)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="there is no schedule 'cubic', must be one of linear"):
        NoiseSchedule.named("cubic")


def test_betas_give_the_table_back():
    ours = NoiseSchedule.named("linear").alphas_cumprod
    np.testing.assert_allclose(schedules.betas(ours), schedules.linear(1000), rtol=1e-9)


def test_noising_and_cleaning_are_inverse():
    schedule = NoiseSchedule.named("linear")
    x_0, noise = torch.randn((2, 1, 1, 4, 4), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x_t = schedule.noised(x_0, noise, 700)
    torch.testing.assert_close(schedule.cleaned(x_t, noise, 700), x_0, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(schedule.noise_in(x_t, x_0, 700), noise, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 10, 27, 30, 33, 50, 64, 100, 250, 333, 999, 1000])
def test_spacings_are_those_of_diffusers(spacing, count):
    theirs = DDPMScheduler(timestep_spacing=spacing)
    theirs.set_timesteps(count)
    assert schedules.spaced(1000, count, spacing) == theirs.timesteps.tolist()
    if spacing == "leading":
        ddim = DDIMScheduler(timestep_spacing=spacing)
        ddim.set_timesteps(count)
        assert schedules.spaced(1000, count, spacing) == ddim.timesteps.tolist()


def test_known_lists():
    assert schedules.spaced(1000, 30)[:3] == [957, 924, 891]
    assert schedules.spaced(1000, 30, offset=1)[:3] == [958, 925, 892]  # as Stable Diffusion's `steps_offset` 1
    with pytest.raises(ValueError, match="offset is 1, must be 0 where spacing is trailing"):
        schedules.spaced(1000, 30, "trailing", 1)
    with pytest.raises(ValueError, match="offset is 20, must be below 20 with 50 steps"):
        schedules.spaced(1000, 50, offset=20)
    assert schedules.spaced(1000, 50)[0] == 980 and schedules.spaced(1000, 50)[-1] == 0
    assert schedules.spaced(1000, 10, "trailing") == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_more_steps_than_timesteps_are_refused(count):
    with pytest.raises(ValueError, match=f"steps is {count}, must be from 1 to 1000"):
        schedules.spaced(1000, count)


@pytest.mark.parametrize(
    ("timesteps", "message"),
    [
        ([], "is empty"),
        ([1000, 0], "holds 1000, must be from 0 to 999"),
        ([5, -1], "holds -1"),
        ([5, 5], "has 5 after 5"),
        ([3, 7], "has 7 after 3, must fall"),
    ],
)
def test_a_list_that_cannot_be_walked_is_refused(timesteps, message):
    with pytest.raises(ValueError, match=message):
        schedules.checked(timesteps, 1000)


def test_a_start_comes_first_and_what_lies_below_it_follows():
    assert schedules.begun_at(690, [990, 960, 690, 660, 0]) == [690, 660, 0]
    assert schedules.begun_at(700, [990, 960, 690, 660, 0]) == [700, 690, 660, 0]
    assert schedules.begun_at(0, [990, 0]) == [0]
    assert schedules.begun_at(None, [990, 0]) == [990, 0]


def test_strength_is_rounded_and_never_nothing():
    assert int(100 * 0.29) == 28  # the trap
    assert schedules.strength_to_timestep(0.29, 100) == 28  # the 29th of 100 timesteps
    assert schedules.strength_to_timestep(1, 1000) == 999
    assert schedules.strength_to_timestep(0.5, 1000) == 499
    assert schedules.strength_to_timestep(1e-9, 1000) == 0
    for strength in (0, -0.5, 1.01, float("nan")):
        with pytest.raises(ValueError, match="must be above 0 and at most 1"):
            schedules.strength_to_timestep(strength, 1000)
