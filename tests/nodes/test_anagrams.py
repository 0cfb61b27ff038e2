"""MultiView: laws against closed forms, what is asked when, and what is refused."""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, Telling, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.anagrams import MultiView
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.evaluation import Evaluator, price
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import VIEWS, Flip, Identity, Mirror, Negation, Rotation, named_view
from nodegraph_nodes.types import NoiseSchedule, Noisy, View

SIGMA, T, ANY = 0.3, 400, 10
A, B, C = (gaussian(seed, SIGMA) for seed in (11, 12, 13))
a, b, c = (denoiser.mean for denoiser in (A, B, C))
EVERY = {name: named_view(name, 5) for name in VIEWS}


# Laws


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("t", [0, 250, 999])
def test_an_anagram_of_exact_denoisers_is_that_of_the_mean_of_what_they_know(name, t):
    """Law L4: (mu_1 + A^-1 mu_2) / 2 for two, and so on."""
    view, x = EVERY[name], noise(1, 3)
    two = MultiView((A, B), (Identity(), view))
    three = MultiView((A, B, C), (Rotation(1), view, Negation()))
    for anagram, mean in (
        (two, (a + view.undo(b)) / 2),
        (three, (a.rot90(-1, (-2, -1)) + view.undo(b) - c) / 3),
    ):
        expected = ExactGaussian(mean, SIGMA, LINEAR).estimate(x, t).noise
        torch.testing.assert_close(anagram.estimate(x, t).noise, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_and_so_are_whole_runs(name, method):
    view = EVERY[name]
    sampler, start = Sampler(steps=20, method=method, seed=3), Noisy(noise(2, 2))
    *_, found = sampler.sample(MultiView((A, B, C), (Identity(), view, Flip())), start)
    *_, expected = sampler.sample(ExactGaussian((a + view.undo(b) + c.flip(-2)) / 3, SIGMA, LINEAR), start)
    torch.testing.assert_close(found.x0, expected.x0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_flip_average_is_that_of_two_exactly(name):
    net, x = ToyNetwork(channels=2), noise(1, 2)
    two = FlipAverage(leaf(3, net), leaf(6, net), EVERY[name]).estimate(x, T)
    many = MultiView((leaf(3, net), leaf(6, net)), (Identity(), EVERY[name])).estimate(x, T)
    assert torch.equal(two.noise, many.noise) and torch.equal(two.variance, many.variance)


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
def test_one_part_as_it_stands_is_that_part_exactly(reduction):
    net, x = ToyNetwork(channels=2), noise(1, 2)
    found, alone = MultiView((leaf(3, net),), (Identity(),), reduction).estimate(x, T), leaf(3, net).estimate(x, T)
    assert torch.equal(found.noise, alone.noise) and torch.equal(found.variance, alone.variance)


def test_anagrams_nest():
    """A chain weighs 1/4, 1/4, 1/2, MultiView a third each; the view of an inner one is seen through the outer."""
    x = noise(1)
    chain = FlipAverage(FlipAverage(A, B, Flip()), FlipAverage(A, C, Rotation(1)), Negation())
    mean = ((a + b.flip(-2)) / 2 - (a + c.rot90(-1, (-2, -1))) / 2) / 2
    expected = ExactGaussian(mean, SIGMA, LINEAR).estimate(x, T).noise
    torch.testing.assert_close(chain.estimate(x, T).noise, expected, rtol=0, atol=1e-12)
    parts = (A, MultiView((B, C), (Mirror(), Flip())), FlipAverage(A, B, Flip()))
    deep = MultiView(parts, (Flip(), Rotation(1), Flip()))
    inner = (b.flip(-1) + c.flip(-2)) / 2
    mean = (a.flip(-2) + inner.rot90(-1, (-2, -1)) + (a + b.flip(-2)).flip(-2) / 2) / 3
    expected = ExactGaussian(mean, SIGMA, LINEAR).estimate(x, T).noise
    torch.testing.assert_close(deep.estimate(x, T).noise, expected, rtol=0, atol=1e-12)


def test_a_picture_that_its_views_leave_as_it_is_is_not_weakened():
    mean = sum(noise(3).rot90(k, (-2, -1)) for k in range(4))
    same = ExactGaussian(mean, SIGMA, LINEAR)
    x = noise(1)
    turned = MultiView((same,) * 4, tuple(Rotation(k) for k in range(4)))
    expected = same.estimate(x, T).noise
    torch.testing.assert_close(turned.estimate(x, T).noise, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("count", "left"), [(1, 1.0), (2, 0.71), (3, 0.58), (4, 0.50)])
def test_estimates_that_have_nothing_in_common_shrink(count, left):
    """Why pictures that do not agree keep noise: the mean of n independent estimates has 1 / sqrt(n) of their size."""
    parts = tuple(Telling(seed, size=64) for seed in range(count))
    views = tuple(named_view(name, 1) for name in ("identity", "flip", "rotate_90", "jigsaw")[:count])
    found = MultiView(parts, views).estimate(noise(0, size=64), T).noise
    assert float(found.std()) == pytest.approx(left, abs=0.02)


# Learned variance


V1, V2, V3, SILENT = Telling(1), Telling(2), Telling(3), Telling(4, told=False)
v1, v2, v3 = (each.fixed.variance for each in (V1, V2, V3))


@pytest.mark.parametrize("name", EVERY)
def test_variances_are_moved_back_and_averaged_and_never_negated(name):
    view = EVERY[name]
    found = MultiView((V1, V2, V3), (Identity(), view, Negation())).estimate(noise(0), T)
    torch.testing.assert_close(found.variance, (v1 + view.move_back(v2) + v3) / 3)
    noises = [each.fixed.noise for each in (V1, V2, V3)]
    torch.testing.assert_close(found.noise, (noises[0] + view.undo(noises[1]) - noises[2]) / 3)


def test_there_is_none_where_one_tells_none():
    views = (Identity(), Flip(), Negation())
    assert MultiView((V1, SILENT, V3), views).estimate(noise(0), T).variance is None
    assert MultiView((V1, V2, V3), views).estimate(noise(0), T).variance is not None


def test_by_turns_the_variance_is_that_of_the_one_whose_turn_it_is():
    alternating, evaluator = MultiView((V1, SILENT, V3), (Identity(), Flip(), Negation()), "alternate"), Evaluator()
    found = [evaluator.estimate(alternating, noise(0), T, step) for step in range(4)]
    assert torch.equal(found[0].variance, v1) and found[1].variance is None
    assert torch.equal(found[2].variance, v3) and torch.equal(found[3].variance, v1)
    noises = [each.fixed.noise for each in (V1, SILENT, V3)]
    assert torch.equal(found[1].noise, noises[1].flip(-2)) and torch.equal(found[2].noise, -noises[2])


# What is asked


def guided(label, net, scale=5.0):
    """With an unconditional leaf of its own, as when two nodes are put on the canvas."""
    return CFGCombine(leaf(label, net), leaf(ANY, net), scale)


@pytest.mark.parametrize("batch", [1, 3])
def test_three_guided_views_are_one_forward_pass_of_six(batch):
    net, evaluator = ToyNetwork(), Evaluator()
    anagram = MultiView(tuple(guided(each, net) for each in (1, 2, 3)), (Identity(), Flip(), Rotation(1)))
    evaluator.estimate(anagram, noise(1, batch), T)
    assert net.calls == [6 * batch] and (evaluator.forwards, evaluator.rows) == (1, 6 * batch)


def test_the_same_question_through_the_same_view_is_asked_once():
    net = ToyNetwork()
    parts = tuple(guided(each, net) for each in (1, 2, 3, 3))
    MultiView(parts, (Flip(), Flip(), Identity(), Flip())).estimate(noise(1), T)
    assert net.calls == [4 + 2]  # 1, 2, 3, any flipped; 3, any as they stand
    net.calls.clear()
    CFGCombine(MultiView((leaf(1, net),), (Identity(),)), leaf(1, net), 2.0).estimate(noise(1), T)
    assert net.calls == [1]  # as it stands is no frame of its own
    net.calls.clear()
    FlipAverage(leaf(1, net), leaf(1, net), Identity()).estimate(noise(1), T)
    assert net.calls == [1]


def test_by_turns_only_the_one_whose_turn_it_is_is_asked():
    parts = tuple(Telling(seed) for seed in range(3))
    anagram = MultiView(parts, (Identity(), Flip(), Mirror()), "alternate")
    list(Sampler(timesteps=(900, 700, 500, 300, 100)).sample(anagram, Noisy(noise(1))))
    assert [each.asked for each in parts] == [[(0, 900), (3, 300)], [(1, 700), (4, 100)], [(2, 500)]]


def test_turns_go_on_where_the_walk_climbs():
    parts = tuple(Telling(seed) for seed in range(2))
    anagram = MultiView(parts, (Identity(), Flip()), "alternate")
    list(Sampler(timesteps=(900, 500, 100), repeats=2, jump=1).sample(anagram, Noisy(noise(1))))
    assert [t for _, t in sorted(parts[0].asked + parts[1].asked)] == [900, 900, 500, 500, 100]
    assert [step for step, _ in parts[0].asked] == [0, 2, 4] and [step for step, _ in parts[1].asked] == [1, 3]


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
def test_the_price_is_known_before(reduction):
    """Exactly, also where the parts cost differently: guidance of 1 asks one question, an anagram four."""
    net = ToyNetwork()
    costly = FlipAverage(guided(4, net), guided(5, net), Mirror())
    parts = (guided(1, net), guided(2, net, scale=1.0), costly)
    anagram = MultiView(parts, (Identity(), Flip(), Rotation(1)), reduction)
    x, timesteps = noise(1, 2), [900, 700, 500, 300, 100, 50, 0]
    told = price(anagram, x, timesteps)
    assert not net.calls
    evaluator = Evaluator()
    list(Sampler(timesteps=tuple(timesteps)).sample(anagram, Noisy(x), evaluator))
    assert told == (evaluator.forwards, evaluator.rows)
    by_turns = (7, 2 * (2 + 1 + 4 + 2 + 1 + 4 + 2))
    assert told == (by_turns if reduction == "alternate" else (7, 7 * 2 * (2 + 1 + 4)))


# Hooks


def test_what_is_kept_in_a_part_is_kept_as_its_view_shows_it():
    original, mask = noise(50), torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., : SIZE // 2] = 1
    kept = [keep_outside(gaussian(seed), original, mask, "paste", seed=seed) for seed in (1, 2)]
    for reduction in ("mean", "alternate"):
        anagram = MultiView((kept[0], kept[1]), (Identity(), Rotation(1)), reduction)
        assert [hook.seed for hook in anagram.hooks()] == [1, 2]
        *_, last = Sampler(steps=5).sample(MultiView((A, kept[1]), (Flip(), Rotation(1)), reduction), Noisy(noise(1)))
        seen = last.x0.rot90(1, (-2, -1))
        assert torch.equal(seen[..., SIZE // 2 :], original[..., SIZE // 2 :])
    assert MultiView((kept[0],), (Identity(),)).hooks() == kept[0].hooks()
    same = MultiView((kept[0], kept[0], kept[0]), (Flip(), Flip(), Identity()))
    assert len(same.hooks()) == 2


# What is refused


def test_parts_and_views_must_be_as_many():
    with pytest.raises(ValueError, match="views are 1 for 2 parts, must be one for each; identity is"):
        MultiView((A, B), (Flip(),))
    with pytest.raises(ValueError, match="views are 2 for 1 part,"):
        MultiView((A,), (Identity(), Flip()))
    with pytest.raises(ValueError, match="parts are none, must be one at least; link one"):
        MultiView((), ())
    with pytest.raises(ValueError, match="reduction is 'sum', must be one of mean, alternate"):
        MultiView((A,), (Identity(),), "sum")


def test_parts_must_agree_as_in_every_composition():
    cosine = ExactGaussian(a, SIGMA, NoiseSchedule.named("cosine"))
    with pytest.raises(ValueError, match="different schedules, linear and cosine"):
        MultiView((A, B, cosine), (Identity(),) * 3)
    sized = ExactGaussian(a, SIGMA, LINEAR, (1, SIZE, SIZE))
    assert MultiView((A, sized), (Identity(),) * 2).shape == (1, SIZE, SIZE)


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
def test_what_is_no_view_is_refused_wherever_it_stands(reduction):
    with pytest.raises(ValueError, match=r"view blur is not orthogonal: its defect is 0.8\d"):
        MultiView((A, B, C), (Identity(), Flip(), named_view("blur")), reduction)


def test_a_view_that_the_pictures_do_not_have_is_refused_before_anything_is_asked():
    wide = ExactGaussian(torch.zeros(1, 1, 8, 12), SIGMA, LINEAR, (1, 8, 12))
    with pytest.raises(ValueError, match="12 x 8, must be square"):
        MultiView((wide, wide), (Identity(), Rotation(1)))
    net = ToyNetwork()
    jigsaw = MultiView((leaf(1, net), leaf(2, net)), (Identity(), named_view("jigsaw")))
    with pytest.raises(ValueError, match="8 x 8, must be 12 pixels a side or more for a jigsaw"):
        price(jigsaw, noise(1, size=8), [T])
    with pytest.raises(ValueError, match="8 x 8, must be 12 pixels"):
        jigsaw.estimate(noise(1, size=8), T)
    assert not net.calls


def test_views_of_plugins_are_tried():
    class Halved(View):
        def move(self, x):
            return x / 2

        def move_back(self, x):
            return x * 2

    with pytest.raises(ValueError, match=r"defect is 0.5, must be below 0.001.*it comes out 0.5 times as strong"):
        MultiView((A,), (Halved(),))
