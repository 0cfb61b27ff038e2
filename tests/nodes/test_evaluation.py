"""Asking denoisers: what comes out is what call by call would give, with as few forward passes as there can be."""

import pytest
import torch
from toy_denoisers import LINEAR, SIZE, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend, WeightedSum
from nodegraph_nodes.ops.evaluation import KEPT, Evaluator, gather, price, rows_for
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.views import Flip, Mirror, Rotation
from nodegraph_nodes.types import Denoiser, Estimate, Point, Query

T = 400
ANY = 10
MASK = torch.zeros((1, 1, SIZE, SIZE), dtype=torch.float64)
MASK[..., : SIZE // 3] = 1
MASK[..., SIZE // 3] = 0.5


# The same compositions, call by call and one row at a time: what they mean.


def one(label):
    def ask(x):
        return torch.cat([ToyNetwork()(row[None], T, label=torch.tensor([label])) for row in x])

    return ask


def guided(c, u, scale):
    return lambda x: u(x) + scale * (c(x) - u(x))


def anagram(a, b, view):
    return lambda x: (a(x) + view.undo(b(view.apply(x)))) / 2


def hybrid(a, b):
    return lambda x: gaussian_blur(a(x), 1.5) + (b(x) - gaussian_blur(b(x), 1.5))


def region(a, b):
    return lambda x: MASK * a(x) + (1 - MASK) * b(x)


def compositions(net):
    """Name, denoiser, the same call by call, forward passes and rows for a picture."""
    d, e = (lambda label: leaf(label, net)), one
    any_, any_e = d(ANY), e(ANY)

    def guide(label, scale):
        # each with an unconditional leaf of its own, as when two nodes are put on the canvas
        return CFGCombine(d(label), d(ANY), scale), guided(e(label), any_e, scale)

    (g3, e3), (g6, e6), (g9, e9) = guide(3, 5.0), guide(6, 3.0), guide(9, 3.0)
    hybrid_anagram = FlipAverage(FrequencyMix(g3, g6, 1.5), FrequencyMix(g6, g9, 1.5), Flip())
    hybrid_anagram_e = anagram(hybrid(e3, e6), hybrid(e6, e9), Flip())
    return {
        "a leaf": (d(3), e(3), 1),
        "CFG": (g3, e3, 2),
        "CFG at 1": (CFGCombine(d(3), any_, 1.0), e(3), 1),
        "CFG of itself": (CFGCombine(d(3), d(3), 4.0), e(3), 1),
        "anagram of two guided": (FlipAverage(g6, g9, Flip()), anagram(e6, e9, Flip()), 4),
        "guided hybrid": (FrequencyMix(g6, g9, 1.5), hybrid(e6, e9), 3),
        "hybrid, then guided": (
            CFGCombine(FrequencyMix(d(6), d(9), 1.5), d(ANY), 3.0),
            guided(hybrid(e(6), e(9)), any_e, 3.0),
            3,
        ),
        "anagram of hybrids in a region": (
            RegionBlend(hybrid_anagram, g3, MASK),
            region(hybrid_anagram_e, e3),
            7,  # 3, 6, any as they stand (3 is wanted twice), and 6, 9, any flipped: 6; see below
        ),
        "anagram of an anagram": (
            FlipAverage(FlipAverage(d(1), d(2), Mirror()), FlipAverage(d(3), d(4), Rotation(1)), Flip()),
            anagram(anagram(e(1), e(2), Mirror()), anagram(e(3), e(4), Rotation(1)), Flip()),
            4,
        ),
        "the same view twice": (
            FlipAverage(d(1), CFGCombine(d(2), FlipAverage(d(3), d(4), Mirror()), 2.0), Flip()),
            anagram(e(1), guided(e(2), anagram(e(3), e(4), Mirror()), 2.0), Flip()),
            4,
        ),
        "weighted": (
            WeightedSum(d(ANY), (d(1), d(2), d(ANY)), (2.0, -0.5, 7.0)),
            lambda x: any_e(x) + 2 * (e(1)(x) - any_e(x)) - 0.5 * (e(2)(x) - any_e(x)),
            3,
        ),
        "inpainted": (keep_outside(g3, noise(5), MASK), e3, 2),
    }


NAMES = list(compositions(ToyNetwork()))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_one_forward_pass_gives_what_call_by_call_gives(name, batch):
    net = ToyNetwork()
    denoiser, by_hand, rows = compositions(net)[name]
    if name == "anagram of hybrids in a region":
        rows = 6
    x = noise(1, batch)
    evaluator = Evaluator()
    found = evaluator.estimate(denoiser, x, T).noise
    torch.testing.assert_close(found, by_hand(x), rtol=1e-12, atol=1e-12)
    assert net.calls == [rows * batch]
    assert (evaluator.forwards, evaluator.rows) == (1, rows * batch)


@pytest.mark.parametrize("name", NAMES)
def test_the_price_is_known_before(name):
    net = ToyNetwork()
    denoiser = compositions(net)[name][0]
    x = noise(1, 2)
    told = price(denoiser, x, [900, 500, 0])
    assert not net.calls
    evaluator = Evaluator()
    for step, t in enumerate([900, 500, 0]):
        evaluator.estimate(denoiser, x, t, step)
    assert told == (evaluator.forwards, evaluator.rows)


@pytest.mark.parametrize("room", [1, 2, 3, 5, 7])
def test_a_batch_that_does_not_fit_is_split_and_stays_so(room):
    net = ToyNetwork(room=room)
    denoiser, by_hand, _ = compositions(net)["anagram of two guided"]
    x = noise(1, 2)
    evaluator = Evaluator()
    for _ in range(2):
        torch.testing.assert_close(evaluator.estimate(denoiser, x, T).noise, by_hand(x), rtol=1e-12, atol=1e-12)
    assert max(net.calls) <= room
    first, again = net.calls[: len(net.calls) // 2], net.calls[len(net.calls) // 2 :]
    assert first == again  # what did not fit is not tried again
    assert evaluator.rows == 16 and evaluator.forwards == len(net.calls)


def test_one_picture_that_does_not_fit_is_told_with_remedies():
    with pytest.raises(MemoryError, match=r"cpu has no memory for one picture of \[1, 12, 12\] .*for 1 rows") as error:
        Evaluator().estimate(leaf(1, ToyNetwork(room=0)), noise(1, 4), T)
    assert error.value.__notes__ == [
        "make the picture smaller", "choose a smaller network", "or close what else uses cpu",
    ]  # fmt: skip


def test_other_errors_of_a_network_come_through():
    class Broken(ToyNetwork):
        def __call__(self, x, t, **inputs):
            raise RuntimeError("mat1 and mat2 must have the same dtype")

    with pytest.raises(RuntimeError, match="mat1"):
        Evaluator().estimate(leaf(1, Broken()), noise(1, 4), T)


def test_networks_of_another_key_have_forward_passes_of_their_own():
    one_net, other = ToyNetwork("one"), ToyNetwork("other")
    evaluator = Evaluator()
    evaluator.estimate(CFGCombine(leaf(1, one_net), leaf(1, other), 2.0), noise(1), T)
    assert (one_net.calls, other.calls, evaluator.forwards) == ([1], [1], 2)


def test_inputs_that_cannot_be_joined_are_not():
    net = ToyNetwork()
    wide = NetworkDenoiser(net, {"label": torch.tensor([1]), "text": torch.zeros(1, 77)}, LINEAR)
    narrow = NetworkDenoiser(net, {"label": torch.tensor([2]), "text": torch.zeros(1, 5)}, LINEAR)
    Evaluator().estimate(CFGCombine(wide, narrow, 2.0), noise(1), T)
    assert net.calls == [1, 1]


def test_row_i_takes_input_i_mod_n():
    net = ToyNetwork()
    x = noise(1, 4)
    found = Evaluator().estimate(CFGCombine(leaf([6, 9], net), leaf(ANY, net), 2.0), x, T).noise
    for i, label in enumerate([6, 9, 6, 9]):
        expected = guided(one(label), one(ANY), 2.0)(x[i : i + 1])
        torch.testing.assert_close(found[i : i + 1], expected, rtol=1e-12, atol=1e-12)


def test_fewer_pictures_than_inputs_are_refused_before_any_network_is_called():
    net = ToyNetwork()
    denoiser = CFGCombine(leaf(ANY, net), leaf([1, 2, 3], net), 2.0)
    with pytest.raises(ValueError, match="label has 3 rows, one for each picture, and the batch has 2; it needs 3"):
        Evaluator().estimate(denoiser, noise(1, 2), T)
    assert not net.calls


def test_rows_are_repeated_in_turn():
    assert rows_for(torch.tensor([1, 2]), 6, "label").tolist() == [1, 2, 1, 2, 1, 2]
    with pytest.raises(ValueError, match=r"label has 2 rows, .* and the batch has 5; it needs a multiple of 2"):
        rows_for(torch.tensor([1, 2]), 5, "label")
    same = torch.tensor([1, 2])
    assert rows_for(same, 2, "label") is same


def test_inputs_are_joined_once_for_all_steps():
    net = ToyNetwork()
    seen = []

    class Watching(ToyNetwork):
        def __call__(self, x, t, **inputs):
            seen.append(inputs["label"])
            return super().__call__(x, t, **inputs)

    net = Watching()
    denoiser = CFGCombine(leaf(3, net), leaf(ANY, net), 2.0)
    evaluator = Evaluator()
    for t in (900, 500):
        evaluator.estimate(denoiser, noise(1, 2), t)
    assert seen[0].tolist() == [3, 3, ANY, ANY] and seen[0] is seen[1]
    evaluator.estimate(denoiser, noise(1, 1), 100)
    assert seen[2].tolist() == [3, ANY]


def test_inputs_that_take_turns_are_joined_once_too():
    seen = []

    class Watching(ToyNetwork):
        def __call__(self, x, t, **inputs):
            seen.append(inputs["label"])
            return super().__call__(x, t, **inputs)

    net = Watching()
    turns, evaluator = [leaf(label, net) for label in range(8)], Evaluator()
    for number in (0, 1, 0, 1):
        evaluator.estimate(turns[number], noise(1, 2), T + number)
    assert seen[0] is seen[2] and seen[1] is seen[3] and seen[0] is not seen[1]
    for number in range(8):
        evaluator.estimate(turns[number], noise(1, 2), T)
    assert len(evaluator._joined) == KEPT, "what comes no more is let go"


class Asking(Denoiser):
    """Asks in as many rounds as it is told, each question depending on the answer before."""

    schedule = LINEAR

    def __init__(self, net, rounds):
        self.net, self.rounds = net, rounds

    def ask(self, p: Point):
        x = p.x
        for number in range(self.rounds):
            (x,) = yield [Query(self.net, x, p.t, {}, (self.net.key, number, self.rounds, p.frame))]
        return Estimate(x)


def test_denoisers_that_ask_in_rounds_go_side_by_side():
    net = ToyNetwork()

    class Both(Asking):
        def ask(self, p):
            parts = yield from gather(*(Asking(net, rounds).ask(p) for rounds in (3, 0, 1)))
            return Estimate(sum(part.noise * factor for part, factor in zip(parts, (1, 10, 100), strict=True)))

    x = noise(1)
    found = Evaluator().estimate(Both(net, 0), x, T).noise
    by_hand = ToyNetwork()
    expected = by_hand(by_hand(by_hand(x, T), T), T) + 10 * x + 100 * by_hand(x, T)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert net.calls == [2, 1, 1]


def test_a_question_of_a_later_round_that_was_answered_is_not_asked_again():
    net = ToyNetwork()

    class Twice(Asking):
        def ask(self, p):
            (a,) = yield [Query(net, p.x, p.t, {}, "same")]
            (b,) = yield [Query(net, p.x, p.t, {}, "same")]
            return Estimate(a + b)

    Evaluator().estimate(Twice(net, 0), noise(1), T)
    assert net.calls == [1]


def test_nothing_is_remembered_from_one_estimate_to_the_next():
    net = ToyNetwork()
    evaluator = Evaluator()
    a = evaluator.estimate(leaf(1, net), noise(1), T).noise
    b = evaluator.estimate(leaf(1, net), noise(2), T).noise
    assert net.calls == [1, 1] and not torch.equal(a, b)


def test_exact_denoisers_ask_nothing():
    evaluator = Evaluator()
    evaluator.estimate(CFGCombine(gaussian(1), gaussian(2), 2.0), noise(1), T)
    assert evaluator.forwards == 0 and price(gaussian(1), noise(1), [T]) == (0, 0)


def test_a_learned_variance_is_split_off():
    net = ToyNetwork(channels=2)
    found = leaf(1, net).estimate(noise(1, 2), T)
    raw = ToyNetwork(channels=2)(noise(1, 2), T, label=torch.tensor([1, 1]))
    assert torch.equal(found.noise, raw[:, :1]) and torch.equal(found.variance, raw[:, 1:])


def test_pictures_of_another_shape_are_refused():
    net = ToyNetwork()
    strict = NetworkDenoiser(net, {}, LINEAR, (1, 28, 28))
    with pytest.raises(ValueError, match="the pictures are 12 x 12 with 1 channel, the denoiser takes 28 x 28 with 1"):
        strict.estimate(noise(1), T)
    with pytest.raises(ValueError, match="must be \\(B, C, H, W\\) with at least one picture"):
        strict.estimate(torch.zeros(0, 1, 28, 28), T)
    assert not net.calls


def test_gradients_flow_through_an_estimate():
    x = noise(1).requires_grad_()
    denoiser, _, _ = compositions(ToyNetwork())["anagram of two guided"]
    denoiser.estimate(x, T).noise.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


def test_what_is_asked_is_not_changed():
    x = noise(1, 2)
    before = x.clone()
    for denoiser, _, _ in compositions(ToyNetwork()).values():
        denoiser.estimate(x, T)
    assert torch.equal(x, before)
