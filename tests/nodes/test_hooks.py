"""Inpainting: what is kept, when, and with which noise; anywhere in a composition."""

from typing import get_args

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, Recording, ToyNetwork, ddim_step, drawn, gaussian, leaf, noise

from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, RegionBlend
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import Mode, keep_outside
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import VIEWS, Flip, Negation, named_view
from nodegraph_nodes.types import Denoiser, Estimate, Noisy, StateHook

ORIGINAL = noise(31).clamp(-1, 1)
HALF = torch.zeros((1, 1, SIZE, SIZE), dtype=torch.float64)
HALF[..., : SIZE // 2] = 1
SOFT = torch.linspace(0, 1, SIZE, dtype=torch.float64).expand(1, 1, SIZE, SIZE)
START = noise(32, 2)
BLACK = gaussian(33)
TIMES = (900, 500, 100)


def run(denoiser, start=START, t=None, **settings):
    sampler = Sampler(**({"timesteps": TIMES, "method": "ddim"} | settings))
    *_, last = sampler.sample(denoiser, Noisy(start, t, None if t is None else LINEAR))
    return last.x_t


def keep(x, kept, mask=HALF):
    return mask * x + (1 - mask) * kept


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("restore", [False, True])
def test_a_mask_of_ones_is_the_denoiser_itself_exactly(mode, restore):
    masked = keep_outside(BLACK, ORIGINAL, torch.ones_like(HALF), mode, restore)
    assert torch.equal(run(masked), run(BLACK))
    assert torch.equal(run(masked, method="ddpm"), run(BLACK, method="ddpm"))


@pytest.mark.parametrize("mode", get_args(Mode))
def test_the_estimate_is_that_of_the_denoiser(mode):
    found, expected = (d.estimate(START, 500) for d in (keep_outside(BLACK, ORIGINAL, HALF, mode), BLACK))
    assert torch.equal(found.noise, expected.noise)


def test_after_each_step_the_original_is_noised_to_where_the_step_led():
    found = Recording(BLACK)
    result = run(keep_outside(found, ORIGINAL, SOFT, "after", seed=5))
    z = drawn(5, 2, START)
    x = START
    a = keep(ddim_step(BLACK, x, 900, 500), LINEAR.noised(ORIGINAL, z[0], 500), SOFT)
    b = keep(ddim_step(BLACK, a, 500, 100), LINEAR.noised(ORIGINAL, z[1], 100), SOFT)
    for (_, seen), expected in zip(found.seen, (x, a, b), strict=True):
        torch.testing.assert_close(seen, expected)
    torch.testing.assert_close(result, keep(ddim_step(BLACK, b, 100, -1), ORIGINAL, SOFT))


def test_before_each_estimate_but_the_first_the_original_is_noised_to_its_timestep():
    found = Recording(BLACK)
    result = run(keep_outside(found, ORIGINAL, SOFT, "before", seed=5))
    z = drawn(5, 2, START)
    a = keep(ddim_step(BLACK, START, 900, 500), LINEAR.noised(ORIGINAL, z[0], 500), SOFT)
    b = keep(ddim_step(BLACK, a, 500, 100), LINEAR.noised(ORIGINAL, z[1], 100), SOFT)
    for (_, seen), expected in zip(found.seen, (START, a, b), strict=True):
        torch.testing.assert_close(seen, expected)
    torch.testing.assert_close(result, ddim_step(BLACK, b, 100, -1))  # the model's own output, nothing put back


def test_pasted_the_original_is_clean_all_along():
    found = Recording(BLACK)
    result = run(keep_outside(found, ORIGINAL, SOFT, "paste"))
    a = keep(START, ORIGINAL, SOFT)
    b = keep(ddim_step(BLACK, a, 900, 500), ORIGINAL, SOFT)
    c = keep(ddim_step(BLACK, b, 500, 100), ORIGINAL, SOFT)
    for (_, seen), expected in zip(found.seen, (a, b, c), strict=True):
        torch.testing.assert_close(seen, expected)
    torch.testing.assert_close(result, keep(ddim_step(BLACK, c, 100, -1), ORIGINAL, SOFT))


@pytest.mark.parametrize(
    ("mode", "restore"),
    [*((mode, True) for mode in get_args(Mode)), *((mode, False) for mode in ("after", "paste", "shared"))],
)
def test_outside_the_mask_the_original_is_left_exactly(mode, restore):
    result = run(keep_outside(BLACK, ORIGINAL, HALF, mode, restore), method="ddpm")
    outside = (HALF == 0).expand_as(result)
    assert torch.equal(result[outside], ORIGINAL.expand_as(result)[outside])
    assert (result - ORIGINAL)[~outside].abs().min() > 0


def test_before_without_restore_leaves_what_the_model_made():
    result = run(keep_outside(BLACK, ORIGINAL, HALF, "before"))
    assert (result - ORIGINAL)[(HALF == 0).expand_as(result)].abs().max() > 1e-3


def test_stopping_at_0_leaves_the_noise_of_timestep_0():
    result = run(keep_outside(BLACK, ORIGINAL, HALF, "after", seed=5), timesteps=(900, 500, 0), end=0)
    outside = (HALF == 0).expand_as(result)
    left = (result - LINEAR.alpha(0) * ORIGINAL)[outside] / LINEAR.sigma(0)
    torch.testing.assert_close(left, drawn(5, 2, START)[1][outside])


def test_the_sampler_s_own_noise_does_not_depend_on_hooks():
    seen = [Recording(BLACK), Recording(BLACK)]
    run(seen[0], method="ddpm", seed=8)
    run(keep_outside(seen[1], ORIGINAL, torch.ones_like(HALF), "after", seed=8), method="ddpm", seed=8)
    for (_, a), (_, b) in zip(seen[0].seen, seen[1].seen, strict=True):
        assert torch.equal(a, b)


def test_hooks_act_at_every_call_of_a_walk_that_climbs():
    found = Recording(BLACK)
    run(keep_outside(found, ORIGINAL, 0 * HALF, "before", seed=5), method="ddpm", repeats=2, jump=1)
    z = drawn(5, 4, START)
    assert [t for t, _ in found.seen] == [900, 900, 500, 500, 100]
    for (t, seen), noise_ in zip(found.seen[1:], z, strict=True):
        torch.testing.assert_close(seen, LINEAR.noised(ORIGINAL, noise_, t).expand_as(seen))


@pytest.mark.parametrize("name", VIEWS)
def test_inside_a_view_it_acts_through_the_view(name):
    view = named_view(name, 3)
    kept = keep_outside(BLACK, ORIGINAL, HALF, "after", seed=5)
    (hook,) = FlipAverage(BLACK, kept, view).hooks()
    x = noise(40, 2)
    same = view.undo(kept.hook.after(view.apply(x), 900, 500, lambda like: 0.3 * like))
    torch.testing.assert_close(hook.after(x, 900, 500, lambda like: 0.3 * like), same)
    assert hook.seed == 5

    result = run(FlipAverage(BLACK, kept, view))
    seen = view.apply(result)
    outside = (HALF == 0).expand_as(seen)
    assert torch.equal(seen[outside], ORIGINAL.expand_as(seen)[outside])


def test_a_view_inside_a_view():
    kept = keep_outside(BLACK, ORIGINAL, HALF, "paste")
    result = run(FlipAverage(BLACK, FlipAverage(BLACK, kept, Negation()), Flip()))
    seen = -result.flip(-2)
    outside = (HALF == 0).expand_as(seen)
    assert torch.equal(seen[outside], ORIGINAL.expand_as(seen)[outside])


def test_all_four_moments_go_through_the_view():
    class Adding(StateHook):
        seed = 1

        def start(self, x, t, draw):
            return x + 1

        def before(self, x, t, draw):
            return x + 2

        def after(self, x, t, to, draw):
            return x + 3

        def finish(self, x):
            return x + 4

    class Hooked(Recording):
        def hooks(self):
            return (Adding(),)

    (hook,) = FlipAverage(BLACK, Hooked(BLACK), Negation()).hooks()
    x = noise(1)
    found = [hook.start(x, 1, None), hook.before(x, 1, None), hook.after(x, 1, 0, None), hook.finish(x)]
    for moment, number in zip(found, (1, 2, 3, 4), strict=True):
        torch.testing.assert_close(moment, x - number)


def test_the_moments_come_in_order():
    happened = []

    class Telling(StateHook):
        def start(self, x, t, draw):
            happened.append(("start", t))
            return x

        def before(self, x, t, draw):
            happened.append(("before", t))
            return x

        def after(self, x, t, to, draw):
            happened.append(("after", t, to))
            return x

        def finish(self, x):
            happened.append(("finish",))
            return x

    class Hooked(Recording):
        def hooks(self):
            return (Telling(),)

        def ask(self, p):
            happened.append(("ask", p.t))
            return (yield from super().ask(p))

    run(Hooked(BLACK))
    assert happened == [
        ("start", 900), ("ask", 900), ("after", 900, 500), ("before", 500), ("ask", 500), ("after", 500, 100),
        ("before", 100), ("ask", 100), ("after", 100, -1), ("finish",),
    ]  # fmt: skip


class Drawing(StateHook):
    """Remembers what it draws after each step."""

    seed = 6

    def __init__(self, shares_noise):
        self.shares_noise, self.added = shares_noise, []

    def after(self, x, t, to, draw):
        self.added.append(draw(x))
        return x


class With(Denoiser):
    """BLACK with a hook."""

    schedule = LINEAR

    def __init__(self, hook):
        self.hook = hook

    def ask(self, p):
        return (yield from BLACK.ask(p))

    def hooks(self):
        return (self.hook,)


@pytest.mark.parametrize("name", [None, *VIEWS])
@pytest.mark.parametrize("shares", [False, True])
def test_a_hook_may_share_the_noise_of_the_step_also_through_a_view(shares, name):
    hook = Drawing(shares)
    view = None if name is None else named_view(name, 3)
    denoiser = With(hook) if view is None else FlipAverage(BLACK, With(hook), view)
    assert [each.shares_noise for each in denoiser.hooks()] == [shares]
    run(denoiser, method="ddpm", seed=8)
    step_s, own = drawn(8, 2, START), drawn(6, 3, START)
    if not shares:
        expected = own
    elif view is None:
        expected = [*step_s, own[0]]  # the last step adds none
    else:
        expected = [*(view.apply(each) for each in step_s), view.apply(own[0])]
    for found, each in zip(hook.added, expected, strict=True):
        torch.testing.assert_close(found, each)


def test_where_the_steps_add_no_noise_a_hook_draws_its_own():
    hook = Drawing(shares_noise=True)
    run(With(hook), method="ddim")
    for found, each in zip(hook.added, drawn(6, 3, START), strict=True):
        assert torch.equal(found, each)


def test_equal_hooks_act_once():
    one, same = (keep_outside(gaussian(seed), ORIGINAL.clone(), HALF.clone()) for seed in (1, 2))
    other = keep_outside(gaussian(3), ORIGINAL, 1 - HALF)
    assert CFGCombine(one, same, 2.0).hooks() == (same.hook,)
    assert len(CFGCombine(one, other, 2.0).hooks()) == 2
    assert len(CFGCombine(CFGCombine(one, same, 2.0), same, 2.0).hooks()) == 1
    for change in ({"mode": "paste"}, {"restore": True}, {"seed": 3}):
        assert len(CFGCombine(one, keep_outside(gaussian(2), ORIGINAL, HALF, **change), 2.0).hooks()) == 2
    assert len(FlipAverage(one, one, Flip()).hooks()) == 2  # as it stands, and through the view


def test_hooks_come_depth_first():
    a, b, c = (keep_outside(BLACK, ORIGINAL, HALF, seed=seed) for seed in (1, 2, 3))
    outer = keep_outside(CFGCombine(RegionBlend(a, BLACK, HALF), CFGCombine(b, c, 2.0), 2.0), ORIGINAL, HALF, seed=4)
    assert [hook.seed for hook in outer.hooks()] == [1, 2, 3, 4]


def test_an_inpainted_picture_fits_what_is_known_where_pixels_hang_together():
    """Data of one brightness for each picture: the painted half must become as bright as the half that is kept."""

    class Plain(Denoiser):
        schedule = LINEAR

        def ask(self, p):  # x_0 = b everywhere, b ~ N(0, 1): the brightness is known from the mean of all pixels
            yield from ()
            alpha, sigma, pixels = LINEAR.alpha(p.t), LINEAR.sigma(p.t), p.x[0].numel()
            brightness = alpha * p.x.sum((1, 2, 3), keepdim=True) / (pixels * alpha**2 + sigma**2)
            return Estimate((p.x - alpha * brightness) / sigma)

    bright = torch.full((1, 1, SIZE, SIZE), 0.8, dtype=torch.float64)
    once = run(keep_outside(Plain(), bright, HALF, "before"), timesteps=(), steps=50, method="ddpm")
    often = run(keep_outside(Plain(), bright, HALF, "before"), timesteps=(), steps=50, method="ddpm", repeats=5, jump=5)
    assert abs(float(often.mean()) - 0.8) < 0.1
    assert abs(float(often.mean()) - 0.8) <= abs(float(once.mean()) - 0.8) + 0.02


# What is refused


def test_what_does_not_fit_is_refused_when_it_is_made():
    sized = ExactGaussian(noise(1), 0.3, LINEAR, (1, SIZE, SIZE))
    with pytest.raises(ValueError, match="the mask is 24 x 12, must be 12 x 12 like the pictures"):
        keep_outside(sized, ORIGINAL, torch.ones(1, 1, SIZE, 2 * SIZE))
    with pytest.raises(ValueError, match="the image is 28 x 28 with 1 channel, the denoiser takes 12 x 12"):
        keep_outside(sized, noise(1, size=28), torch.ones(1, 1, 28, 28))
    with pytest.raises(ValueError, match="the image is 12 x 12 with 3 channels, the denoiser takes 12 x 12 with 1"):
        keep_outside(sized, noise(1, channels=3), HALF)
    with pytest.raises(ValueError, match="mode is 'around', must be one of after, before, paste, shared, fixed"):
        keep_outside(sized, ORIGINAL, HALF, "around")
    with pytest.raises(ValueError, match="the image is in the space latent:sd, the denoiser works in pixels"):
        keep_outside(sized, ORIGINAL, HALF, space="latent:sd")
    with pytest.raises(ValueError, match="must be from 0 to 1"):
        keep_outside(sized, ORIGINAL, 2 * HALF)


@pytest.mark.parametrize("mode", get_args(Mode))
def test_what_is_known_to_be_wrong_only_with_the_start_is_refused_before_any_call(mode):
    net = ToyNetwork()
    for image, mask, told in (
        (noise(1, size=28), torch.ones(1, 1, 28, 28), "the image is 28 x 28 with 1 channel, must be 12 x 12"),
        (noise(1, 3), HALF, "the image has 3 rows, one for each picture, and the batch has 2"),
        (noise(1), HALF.repeat(3, 1, 1, 1), "the mask has 3 rows, one for each picture, and the batch has 2"),
    ):
        with pytest.raises(ValueError, match=told):
            run(keep_outside(leaf(1, net), image, mask, mode))
    assert not net.calls


def test_a_batch_of_originals_goes_with_the_pictures_in_turn():
    originals = noise(50, 2)
    result = run(keep_outside(BLACK, originals, 0 * HALF, "after"), noise(1, 4))
    torch.testing.assert_close(result, torch.cat([originals, originals]))
