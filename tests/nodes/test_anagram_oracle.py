"""Anagrams against the formulas of their authors, written down once more, plainly, in float64 and without our code.

For each view i the network is asked, with its prompt and with none, about A_i x. Its answers are moved back, each view
guided on its own, and noise and variance averaged or taken in turn. Then one DDPM step with learned variance follows.
Views are matrices here, and their inverses the transposed ones.
"""

from math import log, sqrt

import pytest
import torch
from toy_denoisers import ToyNetwork, noise

from nodegraph_nodes.ops.anagrams import MultiView
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.views import VIEWS, named_view
from nodegraph_nodes.types import NoiseSchedule, Noisy

COSINE = NoiseSchedule.named("cosine")
TIMESTEPS = [957, 924, 891, 858, 825, 792, 759, 726, 693, 660, 627, 594, 561, 528, 495, 462, 429, 396, 363, 330, 297,
             264, 231, 198, 165, 132, 99, 66, 33, 0]  # fmt: skip
ANY, SCALE, SIZE = 10, 7.0, 12
AGREE = 1e-12  # found: 4e-15


def matrix(view, size=SIZE):
    """A and the sign of its noise: row i has a 1 where pixel i comes from."""
    source = view.move(torch.arange(size * size, dtype=torch.float64).view(1, 1, size, size)).flatten().long()
    moved = torch.zeros((size * size, size * size), dtype=torch.float64)
    moved[torch.arange(size * size), source] = 1
    sign = float(view.apply(torch.ones(1, 1, size, size)).flatten()[0])
    return moved, sign


def by(moved, x):
    return torch.einsum("ij,bcj->bci", moved, x.flatten(2)).view(x.shape)


def estimated(x, t, view, label, image):
    """One guided estimate of noise and variance, seen through one view and brought back."""
    moved, sign = view

    def asked(label):
        inputs = {} if image is None else {"image": sign * by(moved, image)}
        seen, net = sign * by(moved, x), ToyNetwork(channels=6)
        raw = torch.cat([net(row[None], t, label=torch.tensor([label]), **inputs) for row in seen])
        back = by(moved.T, raw)
        return sign * back[:, :3], back[:, 3:]

    (c, variance), (u, _) = asked(label), asked(ANY)
    return u + SCALE * (c - u), variance


def thresholded(x0, clip):
    if clip == "clamp":
        return torch.clamp(x0, -1, 1)
    rows = []
    for row in x0:
        limit = min(max(float(torch.quantile(row.abs().flatten(), 0.95)), 1.0), 1.5)
        rows.append(torch.clamp(row, -limit, limit) / limit)
    return torch.stack(rows)


def drawn_by_hand(x, views, labels, reduction, clip, image=None, seed=1):
    """The states at the timesteps, and the result."""
    bars, generator, states = COSINE.alphas_cumprod, torch.Generator().manual_seed(seed), []
    for step, t in enumerate(TIMESTEPS):
        states.append(x)
        chosen = range(len(views)) if reduction == "mean" else [step % len(views)]
        both = [estimated(x, t, views[i], labels[i], image) for i in chosen]
        eps = sum(each for each, _ in both) / len(both)
        v = sum(each for _, each in both) / len(both)

        ab, ab_to = bars[t], bars[t - 33] if t > 0 else 1.0
        a = ab / ab_to
        b = 1 - a
        x0 = thresholded((x - sqrt(1 - ab) * eps) / sqrt(ab), clip)
        mean = sqrt(ab_to) * b / (1 - ab) * x0 + sqrt(a) * (1 - ab_to) / (1 - ab) * x
        x = mean
        if t > 0:
            smallest = max((1 - ab_to) / (1 - ab) * b, 1e-20)
            logvar = (v + 1) / 2 * log(b) + (1 - (v + 1) / 2) * log(smallest)
            x = mean + torch.exp(logvar / 2) * torch.randn(x.shape, generator=generator).double()
    return [*states, x]


def guided(label, net, image=None):
    """A prompt and an unconditional node of its own, as they are put on the canvas."""
    inputs = {} if image is None else {"image": image}
    c, u = (NetworkDenoiser(net, {"label": torch.tensor([each]), **inputs}, COSINE) for each in (label, ANY))
    return CFGCombine(c, u, SCALE)


def furthest(denoiser, x, by_hand, clip):
    steps = list(Sampler(steps=30, clip=clip, seed=1).sample(denoiser, Noisy(x)))
    assert [step.t for step in steps] == [*TIMESTEPS, -1]
    return max(float((step.x_t - state).abs().max()) for step, state in zip(steps, by_hand, strict=True))


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", VIEWS)
def test_30_steps_are_those_of_the_authors_formulas(name, count, reduction):
    other = "rotate_90" if name != "rotate_90" else "negate"
    views = [named_view(each, 5) for each in ("identity", name, other)[:count]]
    labels = [3, 6, 9][:count]
    clip = "dynamic" if count == 2 else "clamp"
    x, net = noise(1, 1, 3), ToyNetwork(channels=6)
    anagram = MultiView(tuple(guided(label, net) for label in labels), tuple(views), reduction)
    by_hand = drawn_by_hand(x, [matrix(view) for view in views], labels, reduction, clip)
    assert furthest(anagram, x, by_hand, clip) < AGREE
    rows = 2 if reduction == "alternate" else 2 * count - (name == "identity")  # one question is the same
    assert net.calls == [rows] * 30


@pytest.mark.parametrize("name", VIEWS)
def test_flip_average_is_the_same_with_batches(name):
    view, x = named_view(name, 5), noise(2, 2, 3)
    net = ToyNetwork(channels=6)
    by_hand = drawn_by_hand(x, [matrix(named_view("identity")), matrix(view)], [3, 6], "mean", "dynamic")
    assert furthest(FlipAverage(guided(3, net), guided(6, net), view), x, by_hand, "dynamic") < AGREE


@pytest.mark.parametrize("reduction", ["mean", "alternate"])
@pytest.mark.parametrize("name", VIEWS)
def test_in_a_second_stage_all_channels_are_seen_through_the_view(name, reduction):
    """The low picture of a branch is bound to it as its view shows it, with the grid of the first stage."""
    x, low = noise(3, 1, 3, 2 * SIZE), noise(4, 1, 3, SIZE).clamp(-1, 1)
    image = low.repeat_interleave(2, -2).repeat_interleave(2, -1)
    small, view = named_view(name, 5), named_view(name, 5, SIZE)
    seen = small.apply(low).repeat_interleave(2, -2).repeat_interleave(2, -1)
    net, identity = ToyNetwork(channels=6), named_view("identity")
    views = [matrix(identity, 2 * SIZE), matrix(view, 2 * SIZE)]
    by_hand = drawn_by_hand(x, views, [3, 6], reduction, "clamp", image)

    anagram = MultiView((guided(3, net, image), guided(6, net, seen)), (identity, view), reduction)
    assert furthest(anagram, x, by_hand, "clamp") < AGREE
    if name != "identity":  # the trap: the picture as it stands, where the branch looks at it turned
        wrong = MultiView((guided(3, net, image), guided(6, net, image)), (identity, view), reduction)
        assert furthest(wrong, x, by_hand, "clamp") > 1e-2


def test_the_oracle_is_not_blind():
    """What it says of mistakes that are made easily: one unconditional branch for all, no inverse, v negated."""
    x, net = noise(1, 1, 3), ToyNetwork(channels=6)
    negate, flip, identity = (named_view(name) for name in ("negate", "flip", "identity"))
    truth = drawn_by_hand(x, [matrix(identity), matrix(flip)], [3, 6], "mean", "clamp")
    shared = NetworkDenoiser(net, {"label": torch.tensor([ANY])}, COSINE)
    c = [NetworkDenoiser(net, {"label": torch.tensor([label])}, COSINE) for label in (3, 6)]
    one_for_all = CFGCombine(FlipAverage(*c, flip), shared, SCALE)
    assert furthest(one_for_all, x, truth, "clamp") > 1e-2
    skew = named_view("skew")
    truth = drawn_by_hand(x, [matrix(identity), matrix(skew)], [3, 6], "mean", "clamp")
    backwards = FlipAverage(guided(3, net), guided(6, net), named_view("skew", factor=-1.5))
    assert furthest(backwards, x, truth, "clamp") > 1e-2
    moved, _ = matrix(negate)
    truth = drawn_by_hand(x, [matrix(identity), (-moved, 1.0)], [3, 6], "mean", "clamp")  # negates v, too
    assert furthest(FlipAverage(guided(3, net), guided(6, net), negate), x, truth, "clamp") > 1e-2
