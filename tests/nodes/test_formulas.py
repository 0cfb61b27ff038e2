"""Formula: equal to the nodes whose formula it is given, honest about its weights, and only asking what it needs."""

import copy
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_denoisers import LINEAR, SIZE, Telling, ToyNetwork, gaussian, leaf, noise

import nodegraph
from nodegraph.plugins import load_plugins
from nodegraph_nodes.formula import formula
from nodegraph_nodes.ops.blur import gaussian_blur
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, FrequencyMix, RegionBlend, WeightedSum
from nodegraph_nodes.ops.evaluation import Cost, Evaluator, price
from nodegraph_nodes.ops.expressions import FormulaError
from nodegraph_nodes.ops.formulas import Formula
from nodegraph_nodes.ops.gaussians import ExactGaussian
from nodegraph_nodes.ops.guidance import CFGRescale, PerpNeg
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.switches import When
from nodegraph_nodes.ops.views import Flip, Mirror
from nodegraph_nodes.types import Estimate, Mask, NoiseSchedule, Noisy

SIGMA = 0.3
A, B, C = (gaussian(seed, SIGMA) for seed in (11, 12, 13))
a, b, c = (denoiser.mean for denoiser in (A, B, C))
MASK = torch.rand((1, 1, SIZE, SIZE), dtype=torch.float64, generator=torch.Generator().manual_seed(9))
RAMP = torch.linspace(-1, 1, SIZE, dtype=torch.float64)
X, Y = RAMP.view(1, 1, 1, -1), RAMP.view(1, 1, -1, 1)


RESCALED = "0.7*(b + s*(a-b))*std(a)/std(b + s*(a-b)) + 0.3*(b + s*(a-b))"
PERPENDICULAR = "c + s*((a-c) - 0.5*((b-c) - mean((b-c)*(a-c))/mean((a-c)^2)*(a-c)))"


def of(text, s=7.0, mask=None, any_sum=False, **given):
    return Formula(text, given or {"a": A, "b": B, "c": C}, s, mask, any_sum)


def noise_of(denoiser, t=500, batch=1):
    return denoiser.estimate(noise(1, batch), t).noise


# Equal to what is there already


@pytest.mark.parametrize("scale", [7.0, 2.5, 0.0, -2.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_formula_of_guidance_is_guidance_to_the_last_bit(scale, dtype):
    net = ToyNetwork(channels=2)
    x = noise(1, 2, dtype=dtype)
    found = of("b + s*(a-b)", scale, a=leaf(3, net), b=leaf(10, net)).estimate(x, 500)
    expected = CFGCombine(leaf(3, net), leaf(10, net), scale).estimate(x, 500)
    assert torch.equal(found.noise, expected.noise) and torch.equal(found.variance, expected.variance)
    assert found.noise.dtype == dtype


def test_a_mask_is_a_region():
    two = torch.cat([MASK, 1 - MASK])
    found, expected = of("mask*a + (1-mask)*b", mask=two), RegionBlend(A, B, two)
    assert torch.equal(noise_of(found, batch=4), noise_of(expected, batch=4))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0.5*a + 0.5*b", WeightedSum(None, (A, B), (0.5, 0.5))),
        ("(a + b + c)/3", WeightedSum(None, (A, B, C), (1 / 3, 1 / 3, 1 / 3))),
        ("b + 2*(a-b) - 0.5*(c-b)", WeightedSum(B, (A, C), (2.0, -0.5))),
        ("blur(a, 1.5) + b - blur(b, 1.5)", FrequencyMix(A, B, 1.5)),
        ("a if t > 500 else b", When(A, B, 999, 501)),
        ("where(t <= 500 and t >= 200, c + s*(a-c), a)", When(CFGCombine(A, C, 7.0), A, 500, 200)),
        (RESCALED, CFGRescale(CFGCombine(A, B, 7.0), A, 0.7)),
        (PERPENDICULAR, PerpNeg(A, C, (B,), (0.5,), 7.0)),
        ("a + s*(b-c)*where(t > 0, 1, 0)", WeightedSum(None, (A, B, C), (1, 7, -7))),
    ],
)
def test_the_formula_of_a_node_is_that_node(text, same):
    for t in (501, 500, 100):
        torch.testing.assert_close(noise_of(of(text), t, 2), noise_of(same, t, 2), rtol=0, atol=1e-12)


def closed_forms():
    """Formulas of exact denoisers, and the mean of the Gaussian whose exact denoiser each is."""
    blurred = gaussian_blur
    return {
        "b + s*(a-b)": b + 7 * (a - b),
        "(1 + x)/2*a + (1 - x)/2*b": (1 + X) / 2 * a + (1 - X) / 2 * b,
        "where(x > y, a, b)": torch.where(X > Y, a, b),
        "b + s*(1 - y^2)*(a - b) + mask*(c - a)": b + 7 * (1 - Y**2) * (a - b) + MASK * (c - a),
        "blur(a, 2) + blur(b, 1) - blur(b, 2) + c - blur(c, 1)": (
            blurred(a, 2) + blurred(b, 1) - blurred(b, 2) + c - blurred(c, 1)
        ),
        "a + sin(pi*x)*(b - c)*cos(pi*y)": a + torch.sin(torch.pi * X) * torch.cos(torch.pi * Y) * (b - c),
        "c + mean(mask)*(a - c)": c + MASK.mean() * (a - c),
    }


@pytest.mark.parametrize("text", closed_forms())
def test_a_formula_of_exact_denoisers_is_an_exact_denoiser_in_whole_runs(text):
    start, sampler = Noisy(noise(2, 2)), Sampler(steps=12, method="ddpm", seed=3)
    *_, found = sampler.sample(of(text, mask=MASK), start)
    *_, expected = sampler.sample(ExactGaussian(closed_forms()[text], SIGMA, LINEAR), start)
    torch.testing.assert_close(found.x0, expected.x0, rtol=0, atol=1e-10)


def test_perpendicular_negatives_although_equal_estimates_have_no_direction():
    """Armandpour et al. 2023 (Perp-Neg), picture by picture: c is the unconditional one, b is to be avoided."""
    pos, neg = (noise_of(D, batch=2) - noise_of(C, batch=2) for D in (A, B))
    expected = []
    for p, n in zip(pos, neg, strict=True):
        perpendicular = n - (n * p).sum() / p.norm() ** 2 * p
        assert abs(float((perpendicular * p).sum())) < 1e-10
        expected.append(p - 0.5 * perpendicular)
    found = noise_of(of(PERPENDICULAR), batch=2)
    torch.testing.assert_close(found, noise_of(C, batch=2) + 7 * torch.stack(expected))


def test_inside_a_view_places_are_those_of_the_branch():
    upper = of("where(y < 0, a, b)")
    seen = FlipAverage(C, upper, Flip())
    below = torch.where(Y < 0, b.flip(-2), a.flip(-2))  # its upper half is below, upside down
    expected = ExactGaussian((c + below) / 2, SIGMA, LINEAR)
    torch.testing.assert_close(noise_of(seen), noise_of(expected), rtol=0, atol=1e-12)
    left = FlipAverage(C, of("mask*a + (1-mask)*b", mask=MASK), Mirror())
    mirrored = (MASK * a + (1 - MASK) * b).flip(-1)
    torch.testing.assert_close(noise_of(left), noise_of(ExactGaussian((c + mirrored) / 2, SIGMA, LINEAR)))


def test_formulas_nest():
    inner = of("b + s*(a-b)", 3.0)
    outer = of("mask*a + (1-mask)*b", mask=MASK, a=inner, b=FlipAverage(A, inner, Flip()))
    guided = b + 3 * (a - b)
    mean = MASK * guided + (1 - MASK) * (a + guided.flip(-2)) / 2
    torch.testing.assert_close(noise_of(outer), noise_of(ExactGaussian(mean, SIGMA, LINEAR)), rtol=0, atol=1e-12)


# What is asked, and what it costs


def test_a_condition_asks_one_of_two_and_the_price_is_known():
    net, other = ToyNetwork("net"), ToyNetwork("other")
    switch = of("a if t > 500 else b", a=leaf(3, net), b=leaf(4, other))
    x = noise(1)
    assert torch.equal(switch.estimate(x, 501).noise, leaf(3, ToyNetwork()).estimate(x, 501).noise)
    assert (len(net.calls), len(other.calls)) == (1, 0)
    assert torch.equal(switch.estimate(x, 500).noise, leaf(4, ToyNetwork()).estimate(x, 500).noise)
    assert (len(net.calls), len(other.calls)) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "b + s*(a-b)",
        "where(t > 500, b + s*(a-b), a)",
        "a if step % 2 == 0 else b",
        "where(x > 0, a, b)",
        "0*a + b",
        "a",
    ],
)
def test_the_price_told_before_is_what_is_paid(text):
    net = ToyNetwork()
    mixed = of(text, a=leaf(3, net), b=leaf(4, net))
    x, timesteps = noise(1, 2), [900, 600, 501, 500, 300, 0]
    told = price(mixed, x, timesteps)
    assert net.calls == []
    evaluator = Evaluator()
    for step, t in enumerate(timesteps):
        evaluator.estimate(mixed, x, t, step)
    assert told == Cost(evaluator.forwards, evaluator.rows) == Cost(len(net.calls), sum(net.calls))


def test_by_turns():
    turns = of("a if step % 2 == 0 else b")
    evaluator, x = Evaluator(), noise(1)
    for step in range(4):
        expected = (A, B)[step % 2].estimate(x, 700 - step).noise
        assert torch.equal(evaluator.estimate(turns, x, 700 - step, step).noise, expected)


def test_guidance_is_one_forward_pass():
    net = ToyNetwork()
    of("b + s*(a-b)", a=leaf(3, net), b=leaf(10, net)).estimate(noise(1, 2), 500)
    assert net.calls == [4]


def test_where_nothing_is_asked_there_is_still_a_picture():
    part = of("where(t > 500, a, 0)", any_sum=True)
    assert torch.equal(noise_of(part, 400, batch=2), torch.zeros(2, 1, SIZE, SIZE, dtype=torch.float64))
    assert price(part, noise(1), [400]) == Cost(0, 0)


# Variance and hooks


def test_the_variance_is_that_of_a_or_of_the_first_that_is_asked():
    one, two, silent = Telling(1), Telling(2), Telling(3, told=False)

    def variance_of(text, t=500):
        return of(text, a=one, b=two, c=silent).estimate(noise(0), t).variance

    assert torch.equal(variance_of("b + s*(a-b)"), one.fixed.variance)
    assert torch.equal(variance_of("(b + c)/2"), two.fixed.variance)
    assert torch.equal(variance_of("where(t > 700, a, b)", 800), one.fixed.variance)
    assert torch.equal(variance_of("where(t > 700, a, b)", 600), two.fixed.variance)
    assert variance_of("c") is None


def test_hooks_are_those_of_the_named_parts_each_once():
    kept = keep_outside(A, b, MASK)
    assert of("(a + b)/2", a=kept, b=kept).hooks() == (kept.hook,)
    assert of("a", a=A, b=kept).hooks() == ()  # what the text does not name takes no part
    assert of("where(t > 500, a, b)", a=A, b=kept).hooks() == (kept.hook,)


# What is refused, before anything is asked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a + b", "weights that sum to 2, must sum to 1, or the noise is rescaled"),
        ("a - b", "weights that sum to 0, must"),
        ("0.5*a", "weights that sum to 0.5, must"),
        ("0.333*a + 0.333*b + 0.333*c", "weights that sum to 0.999, must"),
        ("s*a + b", "weights that sum to 8, must"),
        ("a*(1 + (x+1)/4)", "weights that sum to 1.5 at x = 1, y = .*, must"),
        ("a*(1 - (y+1)/8)", "weights that sum to 0.75 at x = .*, y = 1, must"),
        ("mask*a + mask*b", r"weights that sum to 0.0\d* at x = .*, y = .*, must"),
        ("a if t > 500 else a/2", "weights that sum to 0.5 at t = 0, step 0, must"),
        ("where(t == 423, 2, 1)*a", "weights that sum to 2 at t = 423, step 0, must"),
        ("where(step < 13, 1, 2)*a", "weights that sum to 2 at t = 0, step 13, must"),
        ("t/1000*a", "weights that sum to 0 at t = 0, step 0, must"),
        ("blur(a, 2)", "changes equal estimates, must give them back as they are"),
        ("blur(a, 2) + b - blur(b, 2.1)", "changes equal estimates"),
        ("blur(a, 20) + b - blur(b, 30)", "changes equal estimates"),
        ("2*blur(a, 1) - mean(a)", "changes equal estimates"),
        ("a*b", "changes equal estimates"),
        ("abs(a)", "changes equal estimates"),
        ("b + s*(a-b)/norm(a-b)*norm(b)", "changes equal estimates"),
        ("clamp(a, -1, 1)", "changes equal estimates"),
    ],
)
def test_weights_that_do_not_sum_to_1_are_told_before_anything_is_asked(text, message):
    net = ToyNetwork()
    given = {"a": leaf(3, net), "b": leaf(4, net), "c": leaf(5, net)}
    with pytest.raises(ValueError, match=f"^formula (has )?{message}"):
        of(text, mask=MASK, **given)
    assert net.calls == []
    found = noise_of(of(text.replace("30", "2.5").replace("20", "2"), mask=MASK, any_sum=True))
    assert torch.isfinite(found).all()


@pytest.mark.parametrize(
    "text",
    [
        "a if step % 2 == 0 else b",
        "t/1000*a + (1 - t/1000)*b",
        "a/norm(a)*norm(b)",
        "where(x > 0, a, b)",
        "where(mean(a) > 0, a, b)",
        "min(a, b)",
        "blur(a, 1 + t/1000) + b - blur(b, 1 + t/1000)",
        "blur(mask, 2)*a + (1 - blur(mask, 2))*b",
        "b + s*(a/t - b/t)",  # has no value at t = 0, which may never be met
        "a^1",
        "b + 1000*(a-b)",
    ],
)
def test_weights_that_sum_to_1_pass(text):
    of(text, mask=MASK)


def test_a_formula_that_never_has_a_value_is_refused():
    for any_sum in (False, True):
        with pytest.raises(FormulaError, match="divides by zero at 2"):
            of("a/(t - t)", any_sum=any_sum)
        with pytest.raises(FormulaError, match="has values that are not finite at 1, in step 0"):
            of("sqrt(-1*a*a)", any_sum=any_sum)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a/step*step", r"divides by zero at 2, in step 0 \(t = 900\)"),
        ("a/t*t", r"divides by zero at 2, in step 2 \(t = 0\)"),
        ("a/(900 - t)*(900 - t)", r"divides by zero at 2, in step 0 \(t = 900\)"),
        ("blur(a, 1 - step) + b - blur(b, 1 - step)", r"blurs by -1 pixels, .* in step 2"),
    ],
)
@pytest.mark.parametrize("around", [lambda mixed: mixed, lambda mixed: FlipAverage(mixed, A, Flip())])
def test_what_a_run_would_meet_is_told_before_its_first_call_of_a_network(text, told, around):
    network = ToyNetwork()
    mixed = around(of(text, a=leaf(1, network), b=leaf(2, network)))
    with pytest.raises(FormulaError, match=told):
        price(mixed, noise(1), [900, 500, 0])
    assert network.calls == []
    with pytest.raises(FormulaError, match=told):
        for step, t in enumerate([900, 500, 0]):
            Evaluator().estimate(mixed, noise(1), t, step)


def test_what_a_run_does_not_meet_is_no_fault():
    late = When(of("a/step*step", a=A), B, 600, 0)
    assert price(late, noise(1), [900, 500, 10]) == Cost(0, 0)
    list(Sampler(timesteps=(900, 500, 10)).sample(late, Noisy(noise(1))))


def test_an_error_at_a_step_names_the_step_and_the_place():
    fading = of("b + s*(a/t - b/t)", any_sum=True)
    *_, last = Sampler(steps=4, timesteps=(900, 500, 10)).sample(fading, Noisy(noise(1)))
    assert last.t == -1
    with pytest.raises(FormulaError, match=r"divides by zero at 9, in step 2 \(t = 0\)\n.*b \+ s\*\(a/t - b/t\)\n"):
        list(Sampler(steps=4, timesteps=(900, 500, 0)).sample(fading, Noisy(noise(1))))


def test_estimates_that_are_no_numbers_are_told_from_formulas_that_have_none():
    broken = Telling(1)
    broken.fixed = Estimate(torch.full((1, 1, SIZE, SIZE), float("nan"), dtype=torch.float64))
    with pytest.raises(FormulaError, match=r"gets values of b that are not finite at 1, in step 0 \(t = 500\)"):
        noise_of(of("b + s*(a-b)", a=A, b=broken))


def test_a_blur_too_wide_for_the_pictures_is_refused_with_the_formula():
    sized = ExactGaussian(a, SIGMA, LINEAR, (1, SIZE, SIZE))
    with pytest.raises(FormulaError, match=r"cannot blur .*sigma 3 reaches 12 pixels, too far for pictures of 12 x 12"):
        of("blur(a, 3) + b - blur(b, 3)", a=sized, b=B)
    of("blur(a, 2.5) + b - blur(b, 2.5)", a=sized, b=B)


def test_what_the_parts_must_agree_on():
    cosine = ExactGaussian(a, SIGMA, NoiseSchedule.named("cosine"))
    with pytest.raises(ValueError, match="different schedules"):
        of("b + s*(a-b)", a=A, b=cosine)
    of("a", a=A, b=cosine)  # b takes no part
    with pytest.raises(ValueError, match="the mask is 24 x 24, must be 12 x 12"):
        noise_of(of("mask*a + (1-mask)*b", mask=torch.ones(1, 1, 24, 24)))
    with pytest.raises(ValueError, match="the mask is 24 x 24, must be 12 x 12"):
        sized = ExactGaussian(a, SIGMA, LINEAR, (1, SIZE, SIZE))
        of("mask*a + (1-mask)*b", mask=torch.ones(1, 1, 24, 24), a=sized, b=B)
    with pytest.raises(ValueError, match="values from 2 to 2"):
        of("mask*a + (1-mask)*b", mask=torch.full((1, 1, SIZE, SIZE), 2.0))
    with pytest.raises(FormulaError, match="names mask at 1, which is not linked; known are a, b, c, s"):
        of("mask*a + (1-mask)*b")


def test_on_latents_a_mask_is_averaged():
    latents = [ExactGaussian(mean, SIGMA, LINEAR, space="latent:x") for mean in (a, b)]
    large = torch.rand(1, 1, 2 * SIZE, 2 * SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = of("mask*a + (1-mask)*b", mask=large, a=latents[0], b=latents[1])
    assert torch.equal(noise_of(found), noise_of(RegionBlend(*latents, large)))


def test_the_corners_of_places():
    ones = ExactGaussian(torch.zeros(1, 1, 1, 1), 1.0, LINEAR)  # whose estimate is sigma_t x_t
    x = torch.ones(1, 2, 3, 5)
    for name, corners in {"x": (-1, 1, -1, 1), "y": (-1, -1, 1, 1)}.items():
        found = of(f"{name}*a", a=ones, any_sum=True).estimate(x, 999).noise / ones.estimate(x, 999).noise
        found = found[0, 1][[0, 0, -1, -1], [0, -1, 0, -1]]
        torch.testing.assert_close(found, torch.tensor(corners, dtype=x.dtype))
    dot = torch.ones(1, 1, 1, 1)  # a single pixel lies in the middle
    assert float(of("x*a + y*a", a=ones, any_sum=True).estimate(dot, 999).noise) == 0


# No text does harm


NAMES = ("a", "b", "c", "s", "t", "step", "x", "y", "mask", "pi", "0", "1", "2", "0.5", "500", "1e9", "q")
SIGNS = ("(", "(", "(", ")", ")", ")", ",", "+", "-", "*", "/", "%", "^", "**", "<", ">", "==", ".", "=", "'x'")
WORDS = ("if", "else", "and", "or", "not")
CALLS = ("where(", "blur(", "mean(", "std(", "norm(", "abs(", "sqrt(", "exp(", "log(", "sin(", "min(", "max(", "clamp(")


@settings(max_examples=150, deadline=10_000)
@given(
    st.one_of(st.lists(st.sampled_from(NAMES + SIGNS + WORDS + CALLS), max_size=25).map(" ".join), st.text(max_size=40))
)
def test_any_text_is_a_formula_or_an_error_of_ours(text):
    try:
        mixed = of(text, mask=MASK, any_sum=True)
    except ValueError as error:
        assert str(error).startswith("formula ")
        return
    for t in (0, 500):
        try:
            assert torch.isfinite(noise_of(mixed, t)).all()
        except FormulaError as error:
            assert f"(t = {t})" in str(error)


# On the canvas


def test_the_node():
    guided = formula(A, b=B)
    assert torch.equal(noise_of(guided), noise_of(CFGCombine(A, B, 7.0)))
    region = formula(A, "mask*c + (1-mask)*a", c=C, mask=Mask(MASK))
    assert torch.equal(noise_of(region), noise_of(RegionBlend(C, A, MASK)))


def test_a_formula_can_be_copied_and_weighed():
    guided = of("mask*(b + s*(a-b)) + (1-mask)*a", mask=MASK)
    noise_of(guided)
    assert torch.equal(noise_of(copy.deepcopy(guided)), noise_of(guided))
    registry = load_plugins(only=["nodegraph"])
    assert sum(dict(registry.nbytes(guided)).values()) == MASK.nbytes + a.nbytes + b.nbytes + c.nbytes
    assert registry.value_type_of(guided).summary(guided) == "Formula(ExactGaussian, ExactGaussian)"
    bare = of("b + s*(a-b)", a=A, b=B)
    assert sum(dict(registry.nbytes(bare)).values()) == a.nbytes + b.nbytes


def graph_of(text):
    nodes = {
        "noise": {"type": "PureNoise", "inputs": {"size": 8}},
        "one": {"type": "ExactGaussian", "inputs": {"value": 0.5}},
        "two": {"type": "ExactGaussian", "inputs": {"value": -0.5}},
        "mix": {"type": "Formula", "inputs": {"formula": text, "s": 2}},
        "sample": {"type": "IterativeSampler", "inputs": {"steps": 20}},
    }
    links = ["one.denoiser -> mix.a", "two.denoiser -> mix.b", "mix.denoiser -> sample.denoiser"]
    links.append("noise.noisy -> sample.start")
    return nodegraph.loads(json.dumps({"nodegraph": 1, "nodes": nodes, "links": links}))


def test_a_graph_with_a_formula_runs():
    image = nodegraph.run(graph_of("where(x > 0, a, b)"))["sample", "image"].pixels
    assert float(image[..., 4:].mean() - image[..., :4].mean()) > 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b + q*(a-b)", "mix (Formula): formula has the unknown name q at 5; known are a, b, c, d, e, f, g, h, s, t"),
        ("where(t, a, b)", "mix (Formula): formula has a number at 7, where where() needs a condition such as t > 500"),
        ("a + " * 300, "mix (Formula): formula is 1,200 characters long, must be at most 1,000"),
        (7, "mix (Formula): formula is 7, must be text"),
    ],
)
def test_a_text_that_is_no_formula_is_told_by_check(text, message):
    (problem,) = nodegraph.check(graph_of(text), load_plugins(only=["nodegraph"]))
    assert str(problem).startswith(message)


def test_what_only_the_links_tell_is_told_before_anything_runs():
    with pytest.raises(nodegraph.CheckFailed, match="formula names c at 10, which is not linked; known are a, b, s"):
        nodegraph.run(graph_of("b + s*(a-c)"))
