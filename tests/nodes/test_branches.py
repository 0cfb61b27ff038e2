"""Branches: what each part of a denoiser estimated is known without asking anew, and is what the whole was made of."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from toy_denoisers import LINEAR, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes.ops.anagrams import MultiView
from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.branches import estimated, own
from nodegraph_nodes.ops.components import Factorize, named_components
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend, WeightedSum
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.formulas import Formula
from nodegraph_nodes.ops.guidance import CFGRescale, PerpNeg
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.inversion import invert
from nodegraph_nodes.ops.networks import NetworkDenoiser
from nodegraph_nodes.ops.regions import Regions
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.switches import When
from nodegraph_nodes.ops.tiles import Tile
from nodegraph_nodes.ops.views import Flip, Negation, Rotation, named_view
from nodegraph_nodes.types import Denoiser, Noisy, Point

NET = ToyNetwork()
C, U, A, B = (leaf(label, NET) for label in (1, 10, 4, 7))
X = noise(40, 2)
T = 500
SPLIT = named_components("low, high", sigma=1.0, kernel=5, base=0)
MASK = torch.linspace(0, 1, 12, dtype=torch.float64).expand(1, 1, 12, 12)
HALF = (MASK > 0.5).double()
ROUND = Rotation(1)
ANAGRAM = FlipAverage(CFGCombine(C, U, 3.0), CFGCombine(A, U, 3.0), ROUND)


def taken(denoiser: Denoiser, t: int = T, step: int = 0, x: torch.Tensor = X) -> tuple[torch.Tensor, dict]:
    """The composed estimate, and those of the branches."""
    evaluator = Evaluator()
    composed = evaluator.estimate(denoiser, x, t, step).noise
    return composed, estimated(denoiser, Point(x, t, step), evaluator.answers)


Parts = dict[str, torch.Tensor]
MIX: dict[str, tuple[Denoiser, Callable[[Parts], torch.Tensor]]] = {
    "guidance": (
        CFGCombine(C, U, 3.0),
        lambda p: p["unconditional"] + 3 * (p["conditional"] - p["unconditional"]),
    ),
    "an anagram is the mean of the two brought back": (
        FlipAverage(A, B, Flip()),
        lambda p: (p["upright"] + p["flipped"]) / 2,
    ),
    "a negated anagram": (FlipAverage(A, B, Negation()), lambda p: (p["upright"] + p["flipped"]) / 2),
    "three views": (
        MultiView((A, B, C), (Flip(), ROUND, named_view("pixel_permutation", 3))),
        lambda p: sum(p[f"denoisers[{i}]"] for i in range(3)) / 3,
    ),
    "a hybrid": (
        FrequencyMix(A, B, 1.0),
        lambda p: gaussian_blur(p["low"], 1.0) + p["high"] - gaussian_blur(p["high"], 1.0),
    ),
    "components": (
        Factorize((A, B), SPLIT),
        lambda p: sum(SPLIT.component(i, p[f"denoisers[{i}]"]) for i in range(2)),
    ),
    "a region": (RegionBlend(A, B, MASK), lambda p: MASK * p["inside"] + (1 - MASK) * p["outside"]),
    "regions": (
        Regions((A, B), (MASK,)),
        lambda p: MASK * p["denoisers[0]"] + (1 - MASK) * p["denoisers[1]"],
    ),
    "a weighted sum": (
        WeightedSum(U, (A, B), (2.0, -0.5)),
        lambda p: p["base"] + 2 * (p["conditions[0]"] - p["base"]) - 0.5 * (p["conditions[1]"] - p["base"]),
    ),
    "one without a base": (
        WeightedSum(None, (A, B), (0.3, 0.7)),
        lambda p: 0.3 * p["conditions[0]"] + 0.7 * p["conditions[1]"],
    ),
    "a formula": (
        Formula("b + s*(a-b) if t > 100 else a", {"a": A, "b": B}, s=4.0),
        lambda p: p["b"] + 4 * (p["a"] - p["b"]),
    ),
    "rescaled guidance": (
        CFGRescale(CFGCombine(C, U, 3.0), C, 0.5),
        lambda p: (0.5 * std(p["conditional"]) / std(p["guided"]) + 0.5) * p["guided"],
    ),
    "a mask, which only changes the state": (
        keep_outside(CFGCombine(C, U, 3.0), noise(3).clamp(-1, 1), HALF),
        lambda p: p["unconditional"] + 3 * (p["conditional"] - p["unconditional"]),
    ),
    "a guided anagram": (
        ANAGRAM,
        lambda p: (
            sum(
                p[f"{side}.unconditional"] + 3 * (p[f"{side}.conditional"] - p[f"{side}.unconditional"])
                for side in ("upright", "flipped")
            )
            / 2
        ),
    ),
}


def std(x: torch.Tensor) -> torch.Tensor:
    return x.std(dim=(1, 2, 3), keepdim=True, correction=0)


@pytest.mark.parametrize("what", MIX)
def test_branches_put_together_by_the_formula_are_the_composed_estimate(what: str) -> None:
    denoiser, formula = MIX[what]
    composed, parts = taken(denoiser)
    torch.testing.assert_close(formula(parts), composed, rtol=0, atol=1e-12)


@pytest.mark.parametrize("what", MIX)
def test_recording_asks_no_network(what: str) -> None:
    denoiser, _ = MIX[what]
    counts = []
    for record in (range(0), range(99)):
        evaluator = Evaluator()
        NET.calls.clear()
        steps = list(Sampler(timesteps=(900, 500, 100)).sample(denoiser, Noisy(X), evaluator, record))
        counts.append((evaluator.forwards, evaluator.rows, tuple(NET.calls), steps[-1].x_t.numpy().tobytes()))
        assert [bool(step.branches) for step in steps] == [bool(record)] * 3 + [False]
    assert counts[0] == counts[1] and counts[0][0] == 3


def test_a_branch_is_what_the_part_alone_says() -> None:
    _, parts = taken(ANAGRAM)
    assert list(parts) == [
        "upright", "upright.conditional", "upright.unconditional",
        "flipped", "flipped.conditional", "flipped.unconditional",
    ]  # fmt: skip
    turned = ROUND.apply(X)
    alone = {
        "upright": CFGCombine(C, U, 3.0).estimate(X, T).noise,
        "upright.conditional": C.estimate(X, T).noise,
        "upright.unconditional": U.estimate(X, T).noise,
        "flipped": ROUND.undo(CFGCombine(A, U, 3.0).estimate(turned, T).noise),
        "flipped.conditional": ROUND.undo(A.estimate(turned, T).noise),
        "flipped.unconditional": ROUND.undo(U.estimate(turned, T).noise),
    }
    for name, expected in alone.items():
        torch.testing.assert_close(parts[name], expected, rtol=0, atol=1e-12)


def test_views_within_views_are_all_undone() -> None:
    inner, outer = Flip(), named_view("pixel_permutation", 5)
    _, parts = taken(FlipAverage(C, FlipAverage(A, B, inner), outer))
    seen = inner.apply(outer.apply(X))
    torch.testing.assert_close(parts["flipped.flipped"], outer.undo(inner.undo(B.estimate(seen, T).noise)))
    torch.testing.assert_close(parts["flipped.upright"], outer.undo(A.estimate(outer.apply(X), T).noise))
    torch.testing.assert_close(parts["flipped"], (parts["flipped.upright"] + parts["flipped.flipped"]) / 2)


def test_what_the_kept_steps_of_a_run_hold_is_this() -> None:
    steps = list(Sampler(timesteps=(900, 500, 100)).sample(ANAGRAM, Noisy(X), record={0, 2}))
    for step in (steps[0], steps[2]):
        composed, parts = taken(ANAGRAM, step.t, step.number, step.x_t)
        assert torch.equal(step.noise, composed) and step.branches.keys() == parts.keys()
        assert all(torch.equal(step.branches[name], part) for name, part in parts.items())
        torch.testing.assert_close(LINEAR.cleaned(step.x_t, step.noise, step.t), step.x0)
    assert not steps[1].branches and [step.number for step in steps] == [0, 1, 2, 3]
    assert steps[3].noise is None and not steps[3].branches


@dataclass(frozen=True, eq=False)
class Doubted(Denoiser):
    """A stranger's composition, which says nothing of branches, asks one part after the other, and another never."""

    first: Denoiser
    others: tuple[Denoiser, ...]
    unused: Denoiser
    schedule = LINEAR

    def ask(self, p):
        a = yield from self.first.ask(p)
        b = yield from self.others[0].ask(p)
        return a if p.t > 900 else b


def test_a_composition_that_does_not_say_has_its_fields_for_branches() -> None:
    composed, parts = taken(Doubted(CFGCombine(C, U, 2.0), (A,), B))
    assert list(parts) == ["first", "first.conditional", "first.unconditional", "others[0]"]
    assert torch.equal(parts["others[0]"], composed)
    torch.testing.assert_close(parts["first"], CFGCombine(C, U, 2.0).estimate(X, T).noise)


UNASKED = {
    "guidance of scale 1": (CFGCombine(C, gaussian(1), 1.0), 0, ["conditional"]),
    "no rescaling": (CFGRescale(C, gaussian(1), 0.0), 0, ["guided"]),
    "a negative of weight 0": (
        PerpNeg(C, U, (gaussian(1), A), (0.0, 1.0), 2.0),
        0,
        ["positive", "unconditional", "negatives[1]"],
    ),
    "another time": (When(A, CFGCombine(C, gaussian(1), 2.0), 999, 400), 0, ["inside"]),
    "a side of a formula": (Formula("a if step > 3 else b", {"a": gaussian(1), "b": B}), 0, ["b"]),
    "turns": (MultiView((A, gaussian(1)), (Flip(), ROUND), "alternate"), 4, ["denoisers[0]"]),
    "the other's turn": (MultiView((A, gaussian(1)), (Flip(), ROUND), "alternate"), 5, ["denoisers[1]"]),
    "tiles": (Tile(gaussian(1, size=8), 8, 4), 0, []),
    "no composition": (A, 0, []),
}


@pytest.mark.parametrize("what", UNASKED)
def test_what_was_not_asked_has_no_entry(what: str) -> None:
    """Not even an exact denoiser, which could tell without asking any network."""
    denoiser, step, names = UNASKED[what]
    composed, parts = taken(denoiser, step=step)
    assert list(parts) == names
    if len(names) == 1:
        assert torch.equal(parts[names[0]], composed)


def test_a_branch_does_not_keep_the_whole_batch_in_memory() -> None:
    told = NetworkDenoiser(ToyNetwork(channels=2), {"label": torch.tensor([1])}, LINEAR)
    (step, *_) = Sampler(steps=2).sample(CFGCombine(told, leaf(10, NET), 2.0), Noisy(X), record={0})
    for x in (step.noise, *step.branches.values()):
        assert x.untyped_storage().nbytes() == x.nbytes == X.nbytes
    whole = torch.zeros(3)
    assert own(whole) is whole and own(whole[:2]).untyped_storage().nbytes() == 8


def test_the_walk_up_tells_its_branches_too() -> None:
    steps = list(invert(ANAGRAM, X, [0, 300, 600], record=range(3)))
    assert [step.number for step in steps] == [0, 1, 2, 3] and steps[3].noise is None
    for step in steps[:3]:
        composed, parts = taken(ANAGRAM, step.t, step.number, step.x_t)
        assert torch.equal(step.noise, composed) and list(step.branches) == list(parts)


def test_recording_waits_for_no_device() -> None:
    """On a device without numbers whatever would wait for one, to look at it on the host, is an error."""
    x = torch.empty((2, 1, 12, 12), device="meta")
    denoiser = keep_outside(
        RegionBlend(FlipAverage(CFGCombine(C, U, 3.0), WeightedSum(U, (A, B), (1.0, -0.5)), ROUND), B, MASK),
        noise(3).clamp(-1, 1),
        HALF,
    )
    for method in ("ddpm", "ddim"):
        steps = list(Sampler(steps=3, method=method, clip="clamp").sample(denoiser, Noisy(x), record=range(3)))
        assert len(steps[0].branches) == 2 + 2 + 2 + 3
        assert {noise.device.type for step in steps for noise in step.branches.values()} == {"meta"}
