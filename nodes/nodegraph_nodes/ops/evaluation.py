"""Asking denoisers: the questions of a whole composition become one forward pass of each network.

A denoiser yields its questions instead of calling networks (`Denoiser.ask`); `gather` lets several ask side by side,
and an `Evaluator` answers what comes out on top. Nothing here knows what is asked, or why.
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from nodegraph_nodes.ops.shortages import SMALLER, Shortage, attempt
from nodegraph_nodes.ops.sizes import check_rows, check_shape
from nodegraph_nodes.types import Asking, Denoiser, Estimate, Network, Point, Query


def gather(*asks: Asking) -> Generator[list[Query], list[Tensor], list[Estimate]]:
    """Let denoisers ask side by side: each round of questions of all of them is one round.

    Use as `a, b = yield from gather(first.ask(p), second.ask(p))`.
    """
    estimates: dict[int, Estimate] = {}
    asked: dict[int, list[Query]] = {}

    def proceed(i: int, answers: list[Tensor] | None) -> None:
        try:
            asked[i] = next(asks[i]) if answers is None else asks[i].send(answers)
        except StopIteration as done:
            estimates[i] = done.value

    for i in range(len(asks)):
        proceed(i, None)
    while asked:
        questions = list(asked.items())
        asked.clear()
        answers = yield [query for _, queries in questions for query in queries]
        first = 0
        for i, queries in questions:
            proceed(i, answers[first : first + len(queries)])
            first += len(queries)
    return [estimates[i] for i in range(len(asks))]


def driven(asking: Asking, answer: Callable[[list[Query]], list[Tensor]]) -> Estimate:
    """What a denoiser estimates when each round of its questions is answered so."""
    answers: list[Tensor] | None = None
    while True:
        try:
            queries = next(asking) if answers is None else asking.send(answers)
        except StopIteration as done:
            estimate: Estimate = done.value
            return estimate
        answers = answer(queries)


Bound = tuple[Mapping[str, Tensor], int]
"""The inputs of a question, and for how many pictures they are."""


KEPT = 4
"""Of how many batches the inputs are kept: as many as views that take turns, or as networks that are asked."""


class Cost(NamedTuple):
    """What an estimate takes: calls of networks, and pictures in them."""

    forwards: int
    rows: int


class Evaluator:
    """Answers denoisers: one forward pass for all questions of a round to a network, the same question once.

    It lives as long as a run of a sampler, since it remembers what batch fits into memory.

    Attributes:
        forwards: calls of networks so far.
        rows: pictures in these calls.
        answers: what networks said to the last estimate, by the keys of the questions.
    """

    def __init__(self) -> None:
        self.forwards = 0
        self.rows = 0
        self.answers: Mapping[Hashable, Tensor] = {}
        self._fitting: dict[Hashable, int] = {}
        self._joined: dict[Hashable, tuple[list[Bound], dict[str, Tensor]]] = {}  # the one last used comes last

    def estimate(self, denoiser: Denoiser, x: Tensor, t: int, step: int = 0) -> Estimate:
        """The estimate of the noise in `x`, (B, C, H, W), at timestep `t`; ValueError when it does not fit."""
        check_fits(denoiser, x)
        asking = denoiser.ask(Point(x, t, step))
        self.answers = known = dict[Hashable, Tensor]()
        return driven(asking, lambda queries: self.answer(queries, known))

    def answer(self, queries: Iterable[Query], known: dict[Hashable, Tensor]) -> list[Tensor]:
        """Answer one round; `known` are the answers of this step so far, by key, and is added to."""
        queries = list(queries)
        for batch in batches(queries, known):
            answer = self._forward(batch)
            parts = [answer] if len(batch) == 1 else torch.split(answer, [len(query.x) for query in batch])
            known.update((query.key, part) for query, part in zip(batch, parts, strict=True))
        return [known[query.key] for query in queries]

    def _forward(self, batch: list[Query]) -> Tensor:
        query = batch[0]
        x = query.x if len(batch) == 1 else torch.cat([query.x for query in batch])
        return self._call(query.network, x, query.t, self._inputs(batch, x))

    def _inputs(self, batch: list[Query], x: Tensor) -> dict[str, Tensor]:
        """The inputs of a batch, on the device of `x`; kept, since they come again at the next steps."""
        bound = [(query.inputs, len(query.x)) for query in batch]
        key = (batch[0].network.key, x.device, *((id(inputs), count) for inputs, count in bound))
        kept = self._joined.pop(key, None)  # keeps alive what is bound, so that nothing else gets its id
        if kept is None:
            joined = {
                name: torch.cat([rows_for(inputs[name], count, name) for inputs, count in bound]).to(x.device)
                for name in batch[0].inputs
            }
            kept = bound, joined
            while len(self._joined) >= KEPT:
                self._joined.pop(next(iter(self._joined)))
        self._joined[key] = kept
        return kept[1]

    def _call(self, network: Network, x: Tensor, t: int, inputs: Mapping[str, Tensor]) -> Tensor:
        """One forward pass, or several smaller ones when memory does not hold one."""
        fitting = self._fitting.get(network.key, len(x))
        if len(x) <= fitting:
            answer = attempt(lambda: network(x, t, **inputs))
            if not isinstance(answer, Shortage):
                self.forwards += 1
                self.rows += len(x)
                return answer
            if len(x) == 1:
                raise no_memory(network, x, answer.reason)
            fitting = self._fitting[network.key] = (len(x) + 1) // 2
        chunks = [slice(first, first + fitting) for first in range(0, len(x), fitting)]
        return torch.cat(
            [self._call(network, x[rows], t, {name: value[rows] for name, value in inputs.items()}) for rows in chunks]
        )


def no_memory(network: Network, x: Tensor, reason: str) -> Exception:
    """The error for a picture that finds no room in a network, told by its store where it has one."""
    what = f"one picture of {list(x.shape[1:])} in this network"
    tell = getattr(network, "shortage", None)
    if tell is not None:
        told: Exception = tell(what, str(x.device), reason)
        return told
    error = MemoryError(f"{x.device} has no memory for {what} ({reason})")
    for remedy in (SMALLER, "choose a smaller network", f"or close what else uses {x.device}"):
        error.add_note(remedy)
    return error


def asked_once(network: Network, x: Tensor, t: int = 0, **inputs: Tensor) -> Tensor:
    """What a network says of `x`, outside of any sampling; in several passes when memory does not hold one."""
    (answer,) = Evaluator().answer([Query(network, x, t, inputs, network.key)], {})
    return answer


def price(denoiser: Denoiser, x: Tensor, timesteps: Iterable[int], first: int = 0) -> Cost:
    """What estimates of `x` at these timesteps will take, from step `first` on, found without calling a network.

    Exact for denoisers that ask all they want to know at once, as all built-in ones do.
    """
    check_fits(denoiser, x)
    forwards = rows = 0
    for step, t in enumerate(timesteps, first):
        asking = denoiser.ask(Point(x, t, step))
        for batch in batches(next(asking, []), {}):
            forwards += 1
            rows += sum(len(query.x) for query in batch)
        asking.close()
    return Cost(forwards, rows)


def check_fits(denoiser: Denoiser, x: Tensor) -> None:
    """ValueError when `x` is not of the shape that the denoiser takes."""
    if x.ndim != 4 or len(x) == 0:
        raise ValueError(f"x has the shape {list(x.shape)}, must be (B, C, H, W) with at least one picture")
    check_shape(x.shape[1:], denoiser.shape)


def batches(queries: Iterable[Query], known: Mapping[Hashable, Tensor]) -> list[list[Query]]:
    """The questions that are still open, each once, grouped into forward passes."""
    groups: dict[Hashable, dict[Hashable, Query]] = {}
    for query in queries:
        if query.key not in known:
            kind = (query.network.key, query.t, query.x.shape[1:], *kinds(query.inputs))
            groups.setdefault(kind, {}).setdefault(query.key, query)
    return [list(group.values()) for group in groups.values()]


def kinds(inputs: Mapping[str, Tensor]) -> Iterable[Hashable]:
    """What inputs must have in common to be joined row by row."""
    return ((name, value.shape[1:], value.dtype) for name, value in inputs.items())


def rows_for(values: Tensor, count: int, name: str) -> Tensor:
    """The rows of an input for `count` pictures: row i of them takes row i mod n.

    Raises:
        ValueError: `count` is no multiple of n, so that some rows would be taken more often, or never.
    """
    n = len(values)
    check_rows(n, count, name)
    return values if n == count else values.repeat(count // n, *[1] * (values.ndim - 1))
