"""Switches: which denoiser is asked depends on the timestep."""

from collections.abc import Iterable
from dataclasses import dataclass

from nodegraph_nodes.ops.agreements import check_interval
from nodegraph_nodes.ops.denoisers import Composition
from nodegraph_nodes.types import Asking, Branch, Denoiser, Point


@dataclass(frozen=True, eq=False)
class When(Composition):
    """One denoiser from timestep `first` down to `last`, both included, another before and after.

    Only the one that is wanted is asked, so the estimate is the same in any space. The hooks of both act all the time.

    Source: Kynkäänniemi et al. 2024 (guidance in a limited interval), with guidance inside and none outside.
    """

    inside: Denoiser
    outside: Denoiser
    first: int
    last: int

    def __post_init__(self) -> None:
        check_interval(self.first, self.last)
        super().__post_init__()

    def ask(self, p: Point) -> Asking:
        return (yield from getattr(self, self.chosen(p.t)).ask(p))

    def branches(self, p: Point) -> Iterable[Branch]:
        name = self.chosen(p.t)
        yield Branch(name, getattr(self, name), p)

    def chosen(self, t: int) -> str:
        """Which of the two is asked at a timestep."""
        return "inside" if self.first >= t >= self.last else "outside"
