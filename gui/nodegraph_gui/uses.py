"""Which kinds of node were added lately and often, so that they come first next time. No Qt here."""

from collections.abc import Iterable, Mapping

__all__ = ["Uses"]

LONGEST = 200
FADING = 0.95


class Uses:
    """The kinds that were added, the last one last.

    Args:
        kinds: what `to_json` gave at the end of the last session; what is no text is left out.
    """

    def __init__(self, kinds: Iterable[object] = ()) -> None:
        self._kinds = [kind for kind in kinds if isinstance(kind, str)][-LONGEST:]

    def note(self, kind: str) -> None:
        self._kinds.append(kind)
        del self._kinds[:-LONGEST]

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each was used; what was used long ago counts less."""
        found: dict[str, float] = {}
        for age, kind in enumerate(reversed(self._kinds)):
            found[kind] = found.get(kind, 0.0) + FADING**age
        return found

    def to_json(self) -> list[str]:
        return list(self._kinds)
