"""Finding by a few letters: "cfg", "it sam" or "unet mnist" find what a user has in mind, the likeliest first.

Letters must come in order and may leave out what lies between; beginnings of words count most. No Qt here.
"""

from collections.abc import Iterable, Mapping

from nodegraph import Graph

from .catalogues import Catalogue, Kind

__all__ = ["find_kinds", "find_nodes", "match"]

FIRST, WORD, RUN, GAP = 12.0, 9.0, 6.0, 1.0  # a letter at the start, at a word's, after the one before, elsewhere
SKIP = 0.4  # for each letter left out, up to MOST_SKIPPED
MOST_SKIPPED = 8
ASIDE = 4.0  # a word found in the summary or the category


def match(query: str, text: str) -> float | None:
    """How well the letters of `query` are found in `text`, in order; None when they are not all there."""
    letters = [letter for letter in query.casefold() if not letter.isspace()]
    if not letters:
        return 0.0
    folded = text.casefold()
    if len(folded) != len(text):  # casefold of ß and its like: their places are not worth counting
        text = folded
    ends: dict[int, float] = {}  # the best score of the letters so far, by where the last of them is
    for place, letter in enumerate(letters):
        now: dict[int, float] = {}
        for at in (at for at, found in enumerate(folded) if found == letter):
            worth = FIRST if at == 0 else WORD if starts_word(text, at) else GAP
            if place == 0:
                now[at] = worth - SKIP * min(at, MOST_SKIPPED)
                continue
            ways = [
                score + (max(worth, RUN) if before == at - 1 else worth - SKIP * min(at - before, MOST_SKIPPED))
                for before, score in ends.items()
                if before < at
            ]
            if ways:
                now[at] = max(ways)
        ends = now
    return max(ends.values()) - 0.05 * len(text) if ends else None


def starts_word(text: str, at: int) -> bool:
    """Whether a word starts there: after a space or a sign, or at a hump as in `PureNoise`."""
    before, here = text[at - 1], text[at]
    return not before.isalnum() or (here.isupper() and not before.isupper()) or (here.isdigit() != before.isdigit())


def find_kinds(query: str, kinds: Iterable[Kind], weights: Mapping[str, float] | None = None) -> list[Kind]:
    """The kinds that a query means, the likeliest first; all of them, the most used first, when it is empty.

    Args:
        weights: how much each was used; see `Uses`.
    """
    weights = weights or {}
    words = query.split()
    found = []
    for order, kind in enumerate(kinds):
        score = score_of(kind, words)
        if score is not None:
            found.append((-score - 2 * min(weights.get(kind.id, 0.0), 4.0), order, kind))
    return [kind for _, _, kind in sorted(found, key=lambda each: each[:2])]


def score_of(kind: Kind, words: list[str]) -> float | None:
    total = 0.0
    for word in words:
        by_name = match(word, kind.id)
        aside = ASIDE if any(holds(word, text) for text in (kind.category, kind.summary)) else None
        scores = [score for score in (by_name, aside) if score is not None]
        if not scores:
            return None
        total += max(scores)
    whole = match("".join(words), kind.id) if len(words) > 1 else None
    return max(total, whole) if whole is not None else total


def holds(word: str, text: str) -> bool:
    """Whether some word of a text begins so."""
    return any(part.startswith(word.casefold()) for part in text.casefold().replace(",", " ").split())


def find_nodes(query: str, graph: Graph, catalogue: Catalogue) -> list[str]:
    """The nodes whose title, id, type or text hold what was typed, in the order of the graph; none for nothing."""
    wanted = query.casefold().strip()
    if not wanted:
        return []
    found = []
    for id, node in graph.nodes.items():
        kind = catalogue.get(node.type)
        texts = [id, node.title or "", node.type, kind.category if kind else ""]
        texts += [str(value) for value in node.inputs.values() if isinstance(value, str | int | float)]
        if any(wanted in text.casefold() for text in texts):
            found.append(id)
    return found
