"""Search: kinds to be added, and what is in a graph.

Fuzzy: the letters of the query come in that order, those at the starts of words and in a row count most. Several words
are each to be found.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from nodegraph import Graph

from .canvases import canvas_of
from .catalogues import Catalogue, Kind

__all__ = ["Hit", "find_kinds", "score", "search_graph"]

START, ROW, PLAIN = 8.0, 5.0, 1.0
LONGEST = 200  # letters of a text that are looked at


def score(query: str, text: str) -> float | None:
    """How well a text fits a query, more is better; None when it does not. Case and blanks are no matter."""
    total = 0.0
    for word in query.casefold().split():
        found = word_score(word, text[:LONGEST])
        if found is None:
            return None
        total += found
    return total


def word_score(word: str, text: str) -> float | None:
    """The best way to find the letters of a word in order, by dynamic programming over where the last one was found."""
    letters = text.casefold()
    if len(letters) != len(text):
        text = letters
    worth = [START if starts_word(text, at) else PLAIN for at in range(len(text))]
    best: list[float | None] = [None] * len(text)
    for number, letter in enumerate(word):
        new: list[float | None] = [None] * len(text)
        before: float | None = 0.0 if number == 0 else None  # the best of all earlier places
        for at, other in enumerate(letters):
            if number and at:
                last = best[at - 1]
                if last is not None and (before is None or last > before):
                    before = last
            if other != letter:
                continue
            row = best[at - 1] if number and at else None
            options = [value for value in (before, None if row is None else row + ROW) if value is not None]
            if options:
                new[at] = max(options) + worth[at]
        best = new
    ends = [value for value in best if value is not None]
    return max(ends) - 0.02 * len(text) if ends else None


def starts_word(text: str, at: int) -> bool:
    """Whether a word starts there: UNetMNIST has words at U, N and M, if_stage1 at i, s and 1."""
    if at == 0:
        return True
    before, here = text[at - 1], text[at]
    if not before.isalnum():
        return here.isalnum()
    if here.isdigit() != before.isdigit():
        return True
    follows_small = at + 1 < len(text) and text[at + 1].islower()
    return here.isupper() and (before.islower() or follows_small)


def find_kinds(
    catalogue: Catalogue, query: str, weight: Callable[[str], float] = lambda kind: 0.0, most: int | None = None
) -> list[Kind]:
    """The kinds that a query finds, the best first; all of them for an empty one, what was used before the others.

    Args:
        weight: how much a kind is to be preferred, as `Usage.weight` says.
    """
    ranked = []
    for order, kind in enumerate(catalogue.kinds.values()):
        found = kind_score(kind, query)
        if found is not None:
            ranked.append((-found - 4 * weight(kind.id), order, kind))
    ranked.sort(key=lambda each: each[:2])
    return [kind for _, _, kind in ranked[:most]]


def kind_score(kind: Kind, query: str) -> float | None:
    """The name counts most, then the category; in the summary only whole starts of words are looked for."""
    total = 0.0
    for word in query.casefold().split():
        options = []
        name = score(word, kind.id)
        if name is not None:
            whole = 30.0 if kind.id.casefold() == word else 15.0 if kind.id.casefold().startswith(word) else 0.0
            options.append(3 * name + whole)
        category = score(word, kind.category) if kind.category.casefold().startswith(word) else None
        if category is not None:
            options.append(category)
        if any(each.startswith(word) for each in kind.summary.casefold().replace("-", " ").split()):
            options.append(3.0 * len(word))
        if not options:
            return None
        total += max(options)
    return total


class Hit(NamedTuple):
    """What a search in a graph found: a node by its id, a frame or a note by its number.

    `where` is "id", "title", "type", the name of an input, or "text"; `text` is what was found there.
    """

    kind: Literal["node", "frame", "note"]
    key: str | int
    where: str
    text: str


def search_graph(graph: Graph, query: str, most: int = 200) -> list[Hit]:
    """Where a graph holds the words of the query: in ids, titles, types, values, frames and notes.

    Nodes are found by the place that fits best, each once; ids and titles before types before values before notes.
    """
    words = query.casefold().split()
    if not words:
        return []
    found: list[tuple[int, int, Hit]] = []
    for order, (node, placed) in enumerate(graph.nodes.items()):
        places = [("id", node), ("title", placed.title or ""), ("type", placed.type)]
        places += [(name, value if isinstance(value, str) else str(value)) for name, value in placed.inputs.items()]
        rank = rank_of(words, [text for _, text in places])
        if rank is not None:
            found.append((rank, order, Hit("node", node, *places[rank])))
    behind = len(graph.nodes)
    canvas = canvas_of(graph)
    for number, frame in canvas.frames.items():
        if holds(words, frame.title):
            found.append((1, behind + number, Hit("frame", number, "title", frame.title)))
    for number, note in canvas.notes.items():
        if holds(words, note.text):
            found.append((1000, behind + number, Hit("note", number, "text", line_with(words, note.text))))
    found.sort(key=lambda each: each[:2])
    return [hit for _, _, hit in found[:most]]


def holds(words: list[str], text: str) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def rank_of(words: list[str], texts: list[str]) -> int | None:
    """The first text that holds all words; else, where each is in one of them, the one that holds the first."""
    for number, text in enumerate(texts):
        if holds(words, text):
            return number
    if not holds(words, "\n".join(texts)):
        return None
    return next(number for number, text in enumerate(texts) if holds(words[:1], text))


def line_with(words: list[str], text: str) -> str:
    """The line of a text that holds the first of the words."""
    return next((line for line in text.splitlines() if holds(words[:1], line)), text).strip()
