"""The types of what runs along the wires, and the protocol by which denoisers are asked.

Nothing here computes, and importing it imports no torch. A denoiser is a function `(x_t, t) -> Estimate` that asks
its questions of networks by yielding them (`Denoiser.ask`), so that whoever drives it can put the questions of a
whole composition into one batch; `ops.evaluation` does.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, final

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Asking",
    "Branch",
    "Conditioning",
    "Dataset",
    "Denoiser",
    "Draw",
    "Estimate",
    "Image",
    "Losses",
    "Mask",
    "Model",
    "Moment",
    "Network",
    "NoiseSchedule",
    "Noisy",
    "Point",
    "Query",
    "Shape",
    "StateHook",
    "Step",
    "Trajectory",
    "View",
]

Shape = tuple[int, int, int]
"""Channels, height and width of one picture."""


class Brief:
    """Shows itself on one line, with the shapes of tensors in place of what they hold."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = (f"{each.name}={brief(getattr(self, each.name))}" for each in fields(self) if each.repr)  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"


def brief(value: Any) -> str:
    """A value on one line: tensors by type and shape, and of many things that hold tensors how many there are."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"<{str(value.dtype).removeprefix('torch.')} {' x '.join(map(str, value.shape))}>"
    inner = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(inner, (tuple, list)) and inner and (hasattr(inner[0], "dtype") or isinstance(inner[0], Brief)):
        return f"<{len(inner)} x {type(inner[0]).__name__}>"
    return repr(value)


# Pictures


@dataclass(frozen=True, eq=False, repr=False)
class Image(Brief):
    """Pictures of one size.

    Attributes:
        pixels: (B, C, H, W), float32, on the CPU.
        space: "pixels", where they lie in [-1, 1], or "latent:<name of the VAE>".
    """

    pixels: "Tensor"
    space: str = "pixels"

    def _repr_png_(self) -> bytes | None:
        if self.space != "pixels":
            return None
        from nodegraph_nodes.ops.pictures import png_bytes

        return png_bytes(self.pixels)


@dataclass(frozen=True, eq=False, repr=False)
class Mask(Brief):
    """Where something is to happen: `values` is (B, 1, H, W) in [0, 1], float32, on the CPU."""

    values: "Tensor"

    def _repr_png_(self) -> bytes:
        from nodegraph_nodes.ops.pictures import png_bytes

        return png_bytes(self.values * 2 - 1)


@dataclass(frozen=True)
class NoiseSchedule:
    """How much of a picture is left at each timestep: `x_t = alpha(t) x_0 + sigma(t) noise`, of unit variance.

    Two schedules are equal when their tables are. Timestep -1 is the clean picture.

    Args:
        name: how users know it.
        alphas_cumprod: the share of the signal in the variance at timesteps 0, 1, ..., falling, within (0, 1).
    """

    name: str = field(compare=False)
    alphas_cumprod: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        table = tuple(float(value) for value in self.alphas_cumprod)
        if not table or not all(1 > a > b > 0 for a, b in zip(table, (*table[1:], 0.5 * table[-1]), strict=True)):
            raise ValueError(f"the schedule {self.name} must fall strictly, from below 1 to above 0")
        object.__setattr__(self, "alphas_cumprod", table)

    @staticmethod
    @cache
    def named(name: str, steps: int = 1000) -> "NoiseSchedule":
        """A schedule of the literature: "linear", "scaled_linear" or "cosine" (`ops.schedules`)."""
        from nodegraph_nodes.ops.schedules import table

        return NoiseSchedule(name if steps == 1000 else f"{name}, {steps} steps", table(name, steps))

    @property
    def steps(self) -> int:
        """How many timesteps there are: 0 to `steps - 1`."""
        return len(self.alphas_cumprod)

    def alpha_bar(self, t: int) -> float:
        """The share of the signal in the variance at `t`."""
        if -1 < t < len(self.alphas_cumprod):
            return self.alphas_cumprod[t]
        if t == -1:
            return 1.0
        raise ValueError(f"t is {t}, must be from 0 to {self.steps - 1} in the schedule {self.name}")

    def alpha(self, t: int) -> float:
        """The factor of the picture at `t`."""
        return sqrt(self.alpha_bar(t))

    def sigma(self, t: int) -> float:
        """The factor of the noise at `t`."""
        return sqrt(1 - self.alpha_bar(t))

    def noised(self, x_0: "Tensor", noise: "Tensor", t: int) -> "Tensor":
        """The picture with that noise at `t`."""
        return self.alpha(t) * x_0 + self.sigma(t) * noise

    def cleaned(self, x_t: "Tensor", noise: "Tensor", t: int) -> "Tensor":
        """The picture that `x_t` was noised from, if its noise was this."""
        return (x_t - self.sigma(t) * noise) / self.alpha(t)

    def noise_in(self, x_t: "Tensor", x_0: "Tensor", t: int) -> "Tensor":
        """The noise in `x_t`, if it was noised from that picture."""
        return (x_t - self.alpha(t) * x_0) / self.sigma(t)


@dataclass(frozen=True, eq=False, repr=False)
class Moment(Brief):
    """Where in the walk of a sampler a noisy picture was, so that another run can go on from there with the same noise.

    Attributes:
        start: the timestep at which the walk began; None for pure noise.
        number: how many estimates were taken before.
        drawn: how many noises had been drawn before: by the sampler, then by each of the hooks.
        hooks: names of the hooks that the walk had, as `ops.draws.hook_name` gives them.
        asked: whether the network was asked here, so that hooks have done what they do before an estimate; False where
            the walk ended.
        carried: what the rule of a step remembers of the steps before, if it remembers anything.
        first: the number of the first estimate of that walk, which is not 0 where it went on from another one.
    """

    start: int | None
    number: int
    drawn: tuple[int, ...]
    hooks: tuple[str, ...] = ()
    asked: bool = True
    carried: "Tensor | None" = None
    first: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Noisy(Brief):
    """Noisy pictures with what a denoiser must know of them.

    Attributes:
        x: (B, C, H, W), float32, on the CPU.
        t: their timestep; None for pure noise, which belongs to any schedule.
        schedule: what `t` means; None for pure noise.
        space: as of an `Image`; pure noise in "pixels" belongs to any space.
        moment: where in a run they come from, if they do.
    """

    x: "Tensor"
    t: int | None = None
    schedule: NoiseSchedule | None = None
    space: str = "pixels"
    moment: Moment | None = field(default=None, repr=False)

    def _repr_png_(self) -> bytes | None:
        return Image(self.x, self.space)._repr_png_()


@dataclass(frozen=True, eq=False, repr=False)
class Conditioning(Brief):
    """What a text encoder made of prompts, for networks that are told what to draw.

    Attributes:
        embedding: (B, tokens, D), float32, on the CPU; row i of a batch of pictures takes row i mod B.
        prompts: the text of each row, as it was encoded; () where it is not known.
        cut: how many tokens at the end of each prompt did not fit, and are in no embedding.
    """

    embedding: "Tensor"
    prompts: tuple[str, ...] = ()
    cut: tuple[int, ...] = ()


# The protocol


class Estimate(NamedTuple):
    """What a denoiser says of `x_t`.

    `variance` is the raw coordinate between the smallest and the largest variance that networks with learned range
    give in further channels (Nichol and Dhariwal 2021, eq. 15), or None.
    """

    noise: "Tensor"
    variance: "Tensor | None" = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Point(Brief):
    """Where an estimate is wanted.

    Attributes:
        x: (B, C, H, W), variance preserving: `alpha(t) x_0 + sigma(t) noise`.
        t: the timestep, on the host.
        step: how many estimates the sampler asked for before.
        frame: how `x` came from what the sampler holds, `()` for that itself; equal frames mean equal `x`.
    """

    x: "Tensor"
    t: int
    step: int = 0
    frame: tuple[Hashable, ...] = ()


class Network(Protocol):
    """A network, or what fetches it when it is called. Networks with equal keys answer alike."""

    @property
    def key(self) -> Hashable: ...

    def __call__(self, x: "Tensor", t: int, **inputs: "Tensor") -> "Tensor": ...


class Query(NamedTuple):
    """A question to a network.

    Attributes:
        inputs: what else it is given, by name; row i of `x` takes row `i mod n` of an input with n rows.
        key: equal keys mean equal answers, within one step: network, inputs, frame and timestep.
    """

    network: Network
    x: "Tensor"
    t: int
    inputs: "Mapping[str, Tensor]"
    key: Hashable


Asking = Generator[list[Query], "list[Tensor]", Estimate]
"""A denoiser at work: yields questions, is sent their answers in order, returns its estimate."""


class Branch(NamedTuple):
    """A part of a denoiser at work.

    Attributes:
        name: as the denoiser calls it: `conditional`, or `denoisers[0]`.
        point: where the part looks.
        back: brings its estimate to where the whole denoiser looks; the inverse of a view.
    """

    name: str
    denoiser: "Denoiser"
    point: Point
    back: Callable[[Estimate], Estimate] = lambda estimate: estimate


class Denoiser(ABC):
    """A function of `(x_t, t)` that estimates the noise: the one idea that everything here is made of.

    Subclasses are frozen dataclasses with `eq=False`. What they are bound to (prompts, masks, other denoisers) is
    data; they hold no randomness and no device. `ask` is the one method to write:

        def ask(self, p: Point) -> Asking:
            c, u = yield from gather(self.conditional.ask(p), self.unconditional.ask(p))
            return Estimate(u.noise + self.scale * (c.noise - u.noise), c.variance)

    Attributes:
        schedule: what `t` means.
        shape: the pictures that it takes, (C, H, W); None when it takes any.
        space: where they live, as of an `Image`.
        largest: the value up to which dynamic thresholding looks for the range of its clean pictures; None when it does
            not say.
    """

    if TYPE_CHECKING:  # fields or properties, as a subclass likes

        @property
        def schedule(self) -> NoiseSchedule: ...
        @property
        def shape(self) -> Shape | None: ...
        @property
        def space(self) -> str: ...
        @property
        def largest(self) -> float | None: ...
    else:
        shape = None
        space = "pixels"
        largest = None

    @abstractmethod
    def ask(self, p: Point) -> Asking:
        """Estimate the noise of `p.x`, yielding every question to a network."""

    def parts(self) -> tuple["Denoiser", ...]:
        """The denoisers that it is made of: its fields, and what is in those that are tuples, in order."""
        return tuple(part for _, part in self._named_parts())

    def branches(self, p: Point) -> Iterable[Branch]:
        """Which parts its estimate at `p` is made of, and where they look: all of them, at `p`, unless it says else.

        One that asks parts about something else than `p.x` overrides this, and so does one that does not ask them all.
        """
        return (Branch(name, part, p) for name, part in self._named_parts())

    def _named_parts(self) -> "Iterator[tuple[str, Denoiser]]":
        for name, value in vars(self).items():
            if isinstance(value, Denoiser):
                yield name, value
            elif isinstance(value, tuple):
                yield from ((f"{name}[{i}]", item) for i, item in enumerate(value) if isinstance(item, Denoiser))

    def hooks(self) -> tuple["StateHook", ...]:
        """What is to be done to the state between steps: the parts' hooks, each once, depth first."""
        return tuple({hook.key: hook for part in self.parts() for hook in part.hooks()}.values())

    def preview(self, x0: "Tensor") -> "Tensor | None":
        """What clean pictures `x0` look like, roughly and at once: (B, 3 or 1, h, w) in [-1, 1].

        Pixels look like themselves. Of latents only the denoiser that works on them can know; None where it does not.
        """
        return x0 if self.space == "pixels" else None

    @final
    def estimate(self, x_t: "Tensor", t: int) -> Estimate:
        """The estimate at once, for a look at a single step."""
        from nodegraph_nodes.ops.evaluation import Evaluator

        return Evaluator().estimate(self, x_t, t)


Draw = Callable[["Tensor"], "Tensor"]
"""Draws standard normal noise of the shape, device and type of a tensor."""


class StateHook:
    """Something that is done to the sampler's state between steps, such as keeping a part of a picture.

    Subclasses are frozen dataclasses and override what they need; the state is never changed in place.

    Attributes:
        seed: of the generator that the sampler keeps for this hook, from which it draws.
        shares_noise: what it draws in `after` is the very noise that the step added; where the step added none, and
            everywhere else, its own.
        key: hooks with equal keys do the same, so one of them is enough.
    """

    if TYPE_CHECKING:

        @property
        def seed(self) -> int: ...
        @property
        def shares_noise(self) -> bool: ...
    else:
        seed = 0
        shares_noise = False

    @property
    def key(self) -> Hashable:
        return self

    def start(self, x: "Tensor", t: int, draw: Draw) -> "Tensor":
        """Called once, with `x` at the first timestep, before the first estimate."""
        return x

    def before(self, x: "Tensor", t: int, draw: Draw) -> "Tensor":
        """Called with `x` at `t` before each estimate but the first."""
        return x

    def after(self, x: "Tensor", t: int, to: int, draw: Draw) -> "Tensor":
        """Called with `x` at `to` after each step down from `t` to `to`; -1 is the clean picture."""
        return x

    def finish(self, x: "Tensor") -> "Tensor":
        """Called once, with the result."""
        return x


class View(ABC):
    """A linear map of pictures that keeps the statistics of noise: orthogonal, such as a flip or a change of sign.

    Subclasses are frozen dataclasses, and a view is its own key. Most only move pixels, and override `move` and
    `move_back`; one that also changes values overrides `apply` and `undo`.
    """

    @property
    def key(self) -> Hashable:
        return self

    @abstractmethod
    def move(self, x: "Tensor") -> "Tensor":
        """Move pixels as the view does, values unchanged: for masks and variances."""

    @abstractmethod
    def move_back(self, x: "Tensor") -> "Tensor":
        """The inverse of `move`."""

    def apply(self, x: "Tensor") -> "Tensor":
        """What is seen of `x`, (B, C, H, W), through the view."""
        return self.move(x)

    def undo(self, x: "Tensor") -> "Tensor":
        """The inverse of `apply`."""
        return self.move_back(x)


# What sampling and training leave


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Step(Brief):
    """One estimate on the way of a sampler.

    Attributes:
        t: where the network looked; -1 for the result, where `x_t` and `x0` are the same.
        x_t: what it saw, (B, C, H, W).
        x0: the clean picture that its estimate amounts to, clipped as the sampler was told.
        noise: the estimate, as the whole denoiser gave it; None for the result, where nothing was asked.
        branches: the estimates of its parts that were asked, by path, such as `upright.conditional`; each as the
            sampler holds the picture, what was seen through a view brought back, so that they can be compared.
        number: of the estimate among all that a walk takes, from 0; of the result, how many there were.
        drawn: how many noises the sampler, and each hook, had drawn before; () where nothing is drawn.
        carried: what the rule of a step remembers of the steps before; None for one that remembers nothing.
    """

    t: int
    x_t: "Tensor"
    x0: "Tensor"
    noise: "Tensor | None" = field(default=None, repr=False)
    branches: "Mapping[str, Tensor]" = field(default_factory=dict, repr=False)
    number: int = field(default=0, repr=False)
    drawn: tuple[int, ...] = field(default=(), repr=False)
    carried: "Tensor | None" = field(default=None, repr=False)


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Brief):
    """What a sampler went through: some of its steps in order, the first and the result always among them.

    Attributes:
        taken: how many steps there were, the result counted; 0 for as many as there are.
        start, first: where the walk began, as of a `Moment`, which may be before the first step.
        hooks: names of what acted between the steps, as of a `Moment`.
    """

    steps: tuple[Step, ...]
    schedule: NoiseSchedule
    space: str = "pixels"
    taken: int = field(default=0, repr=False)
    start: int | None = field(default=None, repr=False)
    first: int = field(default=0, repr=False)
    hooks: tuple[str, ...] = field(default=(), repr=False)

    @property
    def thinned(self) -> bool:
        """Whether steps were left out, evenly, since all would have taken too much memory."""
        return len(self.steps) < self.taken

    @property
    def branches(self) -> tuple[str, ...]:
        """The paths of all branches that any step tells of, in order."""
        return tuple({name: None for step in self.steps for name in step.branches})

    def _repr_png_(self) -> bytes | None:
        if self.space != "pixels":
            return None
        from nodegraph_nodes.ops import drawing, pictures, trajectories

        rows, _ = trajectories.strip(self, 8)
        return pictures.encode_png(drawing.sheet(rows[:10], columns=len(rows[0])))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(Brief):
    """Labelled pictures to learn from.

    Attributes:
        images: (N, H, W), uint8.
        labels: (N,), int64.
        digest: of both, as `ops.mnist.data_hash` gives it.
        split: "train" or "test".
    """

    images: "Tensor"
    labels: "Tensor"
    digest: str
    split: str = "train"


@dataclass(frozen=True, eq=False, repr=False)
class Model(Brief):
    """A trained network: its configuration, its weights by name, and how it was trained."""

    config: Mapping[str, Any]
    weights: "Mapping[str, Tensor]"
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Names the network: equal for equal configuration and weights."""
        from nodegraph_nodes.ops.fingerprints import fingerprint

        return hashlib.sha256(f"{sorted(self.config.items())} {fingerprint(self.weights)}".encode()).hexdigest()


@dataclass(frozen=True)
class Losses:
    """The loss of each training step: `per_epoch` of them in each of `epochs`."""

    values: tuple[float, ...] = field(repr=False)
    epochs: int
    per_epoch: int

    def _repr_png_(self) -> bytes:
        from nodegraph_nodes.ops.pictures import png_bytes
        from nodegraph_nodes.ops.plots import plot_losses

        return png_bytes(plot_losses(self.values, self.per_epoch))
