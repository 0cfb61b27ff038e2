"""Branches: what each part of a denoiser estimated, found from what the networks have answered, never asking anew."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from torch import Tensor

from nodegraph_nodes.ops.evaluation import driven
from nodegraph_nodes.types import Denoiser, Estimate, Point, Query

Back = Callable[[Estimate], Estimate]


class Unasked(Exception):
    """A question was not asked at that step."""


class Part(NamedTuple):
    """A part of a denoiser, however deep, as seen from the outermost one: its path, and how its estimate comes back."""

    path: str
    denoiser: Denoiser
    point: Point
    back: tuple[Back, ...]


def parts_at(denoiser: Denoiser, p: Point, path: str = "", back: tuple[Back, ...] = ()) -> Iterator[Part]:
    """All parts that an estimate at `p` is made of, each before its own parts."""
    for branch in denoiser.branches(p):
        name = f"{path}.{branch.name}" if path else branch.name
        part = Part(name, branch.denoiser, branch.point, (branch.back, *back))
        yield part
        yield from parts_at(branch.denoiser, branch.point, name, part.back)


def estimated(denoiser: Denoiser, p: Point, answers: Mapping[Hashable, Tensor]) -> dict[str, Tensor]:
    """The noise that each part estimated, by its path, as the whole denoiser sees the picture.

    Args:
        answers: of the networks at `p`, by the keys of the questions. A part with a question that is not among them was
            not asked there, and is left out.
    """
    found = {}
    for part in parts_at(denoiser, p):
        estimate = replayed(part.denoiser, part.point, answers)
        if estimate is not None:
            for back in part.back:
                estimate = back(estimate)
            found[part.path] = own(estimate.noise)
    return found


def replayed(denoiser: Denoiser, p: Point, answers: Mapping[Hashable, Tensor]) -> Estimate | None:
    """The estimate of a denoiser whose questions have been answered; None when one has not."""
    asking = denoiser.ask(p)

    def known(queries: list[Query]) -> list[Tensor]:
        if not all(query.key in answers for query in queries):
            raise Unasked
        return [answers[query.key] for query in queries]

    try:
        return driven(asking, known)
    except Unasked:
        asking.close()
        return None


def own(x: Tensor) -> Tensor:
    """The tensor in a storage of its own, so that keeping it does not keep the whole batch it was a part of."""
    return x if x.untyped_storage().nbytes() == x.nbytes else x.clone()


def most_parts(denoiser: Denoiser, x: Tensor, visits: Iterable[tuple[int, int]]) -> int:
    """How many parts an estimate of `x` is made of, at the most, at any of these timesteps and steps."""
    return max((sum(1 for _ in parts_at(denoiser, Point(x, t, step))) for t, step in visits), default=0)
