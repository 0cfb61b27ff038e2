"""A denoiser from a text: estimates of other denoisers, combined by a formula that its user writes."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.blur import gaussian_blur, gaussian_weights
from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.denoisers import Composition, check_mask, mask_for
from nodegraph_nodes.ops.evaluation import gather
from nodegraph_nodes.ops.expressions import ESTIMATES, FormulaError, Kind, Moment, Node, nodes_of
from nodegraph_nodes.ops.parsing import parse
from nodegraph_nodes.ops.sizes import check_size, shape_text
from nodegraph_nodes.ops.weight_sums import PROBE_SIDE, changed, moments, summed
from nodegraph_nodes.types import Asking, Branch, Denoiser, Estimate, Point, Shape

TOLERANCE = 1e-6
APART = 1e-10
Blur = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True, eq=False)
class Formula(Composition):
    """What a text such as `b + s*(a-b)` makes of the noise that other denoisers estimate.

    It works on the noise. Where its weights sum to 1, equal estimates come back as they are, and working on the clean
    picture would give the same (for a formula that is linear in them); other texts are refused unless `any_sum`. That
    is tried here, before any network is called, at a choice of timesteps and steps.

    An estimate is asked for if the text names it, whatever its weight; only a condition on numbers, such as t > 500,
    leaves out what it does not take. A denoiser that the text does not name takes no part. The learned variance is
    that of `a` or, where it is not asked, of the first that is.

    Args:
        text: in the language of `expressions`. `x` and `y` run from -1 at the left and upper border to 1 at the right
            and lower one, in the frame of the branch that the formula is in; so does the mask.
        given: denoisers by the names "a" to "h".
        s: a number to play with.
        mask: (B or 1, 1, H, W) in [0, 1], of the size of the pictures; on latents, of any size.
        any_sum: whether the weights may sum to something other than 1.
    """

    text: str
    given: Mapping[str, Denoiser]
    s: float = 7.0
    mask: Tensor | None = None
    any_sum: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mask is not None and "mask" in self.names:
            check_mask(self.mask)
            if self.shape is not None and self.space == "pixels":
                check_size(self.mask.shape[-2:], "the mask", self.shape[1:])
        check_weights(self)

    @cached_property
    def tree(self) -> Node:
        return parse(self.text, "".join(self.given), self.mask is not None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the text names, in order."""
        return tuple(sorted({node.name for node in nodes_of(self.tree) if node.op == "name"}))

    def parts(self) -> tuple[Denoiser, ...]:
        return tuple(self.given[name] for name in self.names if name in ESTIMATES)

    def ask(self, p: Point) -> Asking:
        moment = Moment(self.text, p.t, p.step, self.s)
        # This, and a mask that does not fit, is refused before any network is called.
        moment.settle(self.tree, min(p.x.shape[-2:]))
        asked = moment.asked(self.tree)
        fields = self.fields(p.x)
        estimates = yield from gather(*(self.given[name].ask(p) for name in asked))
        noises = {name: estimate.noise for name, estimate in zip(asked, estimates, strict=True)}
        noise = Scene(moment, {**fields, **noises}, p.x, gaussian_blur).result(self.tree)
        return Estimate(noise, estimates[0].variance if estimates else None)

    def branches(self, p: Point) -> Iterable[Branch]:
        asked = Moment(self.text, p.t, p.step, self.s).asked(self.tree)
        return (Branch(name, self.given[name], p) for name in asked)

    def fields(self, x: Tensor) -> dict[str, Tensor]:
        """The patterns that the text names, for pictures like `x`."""
        found = {name: values for name, values in coordinates(x).items() if name in self.names}
        if self.mask is not None and "mask" in self.names:
            found["mask"] = mask_for(placed(self, self.mask, x), x, self.space)
        return found


def coordinates(x: Tensor) -> dict[str, Tensor]:
    """Where the pixels of pictures (B, C, H, W) lie: `x` (1, 1, 1, W) and `y` (1, 1, H, 1), each from -1 to 1."""
    height, width = x.shape[-2:]
    across, down = (line_for(side, x.dtype, x.device) for side in (width, height))
    return {"x": across.view(1, 1, 1, width), "y": down.view(1, 1, height, 1)}


@lru_cache(maxsize=8)
def line_for(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return line(length).to(device, dtype)


def line(length: int) -> Tensor:
    """Evenly from -1 to 1; a single pixel lies in the middle."""
    return torch.linspace(-1, 1, length, dtype=torch.float64) if length > 1 else torch.zeros(1, dtype=torch.float64)


ON_TENSORS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
        "^": operator.pow, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
        "==": operator.eq, "!=": operator.ne, "negate": operator.neg, "not": torch.logical_not, "abs": torch.abs,
        "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log, "sin": torch.sin, "cos": torch.cos,
    }
)  # fmt: skip
ALL_TENSORS: Mapping[str, Callable[..., Tensor]] = MappingProxyType(  # these take no plain numbers
    {
        "min": torch.minimum,
        "max": torch.maximum,
        "clamp": lambda value, low, high: torch.minimum(torch.maximum(value, low), high),
        "and": torch.logical_and,
        "or": torch.logical_or,
    }
)


@dataclass(frozen=True)
class Scene:
    """What a formula is evaluated on: the numbers of a moment, and tensors by name.

    Attributes:
        like: pictures (B, C, H, W) like those that come out.
        blur: blurs pictures by a number of pixels.
        strict: refuse at once whatever is not finite, to find where it began.
    """

    moment: Moment
    tensors: Mapping[str, Tensor]
    like: Tensor
    blur: Blur
    strict: bool = False

    def result(self, root: Node) -> Tensor:
        """The value of the formula; FormulaError names the step, and the place, where it is not finite.

        On a GPU nobody looks: each look would wait for all that was asked of it. What saves a picture refuses it.
        """
        value = self.value(root)
        watched = value.device.type == "cpu"
        return replace(self, strict=True).value(root) if watched and not bool(torch.isfinite(value).all()) else value

    def value(self, node: Node) -> Any:
        """A number, or a tensor that fits the pictures; that of an estimate has their shape."""
        if node.kind.known:
            return self.moment.number(node)
        if node.op == "name":
            value = self.tensors[node.name]
        elif node.op == "where" and node.operands[0].kind is Kind.TRUTH:
            value = self.spread(self.value(self.moment.taken(node)), node.kind)
        else:
            value = self.operation(node, [self.value(operand) for operand in node.operands])
        if self.strict and not bool(torch.isfinite(value).all()):
            asks = node.op == "name" and node.kind is Kind.ESTIMATE
            said = f"gets values of {node.name} that are not finite" if asks else "has values that are not finite"
            raise self.moment.refuse(node, said)
        return value

    def operation(self, node: Node, values: list[Any]) -> Tensor:
        if len(values) == 2 and type(values[1]) is float:
            self.moment.check(node, values[1])
        if node.op in ON_TENSORS:
            combined: Tensor = ON_TENSORS[node.op](*values)
            return combined
        if node.op in ALL_TENSORS:
            return ALL_TENSORS[node.op](*(torch.as_tensor(value).to(self.like.device) for value in self.alike(values)))
        if node.op == "where":
            condition, first, second = values
            return torch.where(condition, self.spread(first, node.kind), self.spread(second, node.kind))
        picture = self.spread(values[0], node.operands[0].kind)
        if node.op == "blur":
            return self.blurred(node, picture, values[1])
        if node.op == "mean":
            return picture.mean((1, 2, 3), keepdim=True)
        if node.op == "std":
            return picture.std((1, 2, 3), keepdim=True, correction=0)
        return torch.linalg.vector_norm(picture, dim=(1, 2, 3), keepdim=True)

    def alike(self, values: list[Any]) -> list[Any]:
        """Numbers as tensors of the pictures' type; conditions stay as they are."""
        return [torch.as_tensor(value, dtype=self.like.dtype) if type(value) is float else value for value in values]

    def spread(self, value: Any, kind: Kind) -> Tensor:
        """The value on every pixel; of an estimate, in each picture and channel."""
        shape = self.like.shape if kind is Kind.ESTIMATE else (1, 1, *self.like.shape[-2:])
        return self.like.new_zeros(shape) + value

    def blurred(self, node: Node, picture: Tensor, sigma: float) -> Tensor:
        try:
            return self.blur(picture, sigma)
        except ValueError as error:
            raise self.moment.refuse(node, f"cannot blur ({error})") from None


# What is told before a run


def check_weights(formula: Formula) -> None:
    """ValueError when equal estimates do not come back as they are, or when the formula never has a value.

    Source: law L1 of composing denoisers: with weights that sum to 1, composing noise is composing clean pictures.
    """
    probe, other = probes(formula, 0), probes(formula, 1)
    refused: FormulaError | None = None
    passed = False
    for t, step in moments(formula.tree, formula.schedule.steps):
        moment = Moment(formula.text, t, step, formula.s)
        try:
            ratio = probed(formula, moment, probe)
            if not formula.any_sum and float((ratio - 1).abs().max()) > TOLERANCE:
                raise ValueError(told(formula, moment, ratio, probed(formula, moment, other)))
        except FormulaError as error:  # such as a division by t at t = 0, which a run may never meet
            refused = refused or error
        else:
            passed = True
    if refused is not None and not passed:
        raise refused


def probes(formula: Formula, seed: int) -> list[Tensor]:
    """Estimates for all names: random pictures, nowhere near 0, and as good as equal.

    Not quite equal, since differences only matter by their direction to some formulas, which then divide by them.
    """
    rows = 1 if formula.mask is None else min(4, len(formula.mask))
    size = (rows, 1, PROBE_SIDE, PROBE_SIDE)
    generator = torch.Generator().manual_seed(seed)
    value, sign, *rest = torch.rand((2 + len(ESTIMATES), *size), generator=generator, dtype=torch.float64)
    common = torch.where(sign < 0.5, 0.5 + value, -0.5 - value)
    return [common + APART * difference for difference in rest]


def probed(formula: Formula, moment: Moment, estimates: list[Tensor]) -> Tensor:
    """By what the formula multiplies estimates that are all the same."""
    common = estimates[0]
    tensors = {**coordinates(common), **dict(zip(ESTIMATES, estimates, strict=True))}
    if formula.mask is not None and "mask" in formula.names:
        tensors["mask"] = F.interpolate(formula.mask[: len(common)].to(common), common.shape[-2:])
    return Scene(moment, tensors, common, stand_in(formula.shape)).result(formula.tree) / common


def stand_in(shape: Shape | None) -> Blur:
    """A blur of small probes: like a Gaussian's it is linear, keeps what is constant, and is another for each sigma."""

    def blur(x: Tensor, sigma: float) -> Tensor:
        reach = len(gaussian_weights(sigma)) // 2
        if shape is not None and reach >= min(shape[1:]):
            raise ValueError(f"sigma {sigma:g} reaches {reach} pixels, too far for pictures of {shape_text(shape)}")
        rows, columns = (torch.fft.fftfreq(side, dtype=x.dtype) for side in x.shape[-2:])
        return torch.fft.ifft2(torch.fft.fft2(x) / (1 + sigma * (rows[:, None] ** 2 + columns**2))).real

    return blur


def told(formula: Formula, moment: Moment, ratio: Tensor, other: Tensor) -> str:
    """What is wrong with the weights, from what two probes are multiplied by."""
    when = f" at t = {moment.t}, step {moment.step}" if {"t", "step"} & set(formula.names) else ""
    if float((ratio - other).abs().max()) > TOLERANCE * max(1.0, float(ratio.abs().max())):
        return changed(when)
    worst = int((ratio[0, 0] - 1).abs().argmax())
    total = float(ratio[0, 0].flatten()[worst])
    where = ""
    if float(ratio.max() - ratio.min()) > TOLERANCE:
        column, row = (float(line(PROBE_SIDE)[i]) for i in (worst % PROBE_SIDE, worst // PROBE_SIDE))
        where = f" at x = {column:.2g}, y = {row:.2g}"
    return summed(total, where, when)
