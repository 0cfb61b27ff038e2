"""The list that Tab opens on the canvas: a few letters and Enter, and the node is there.

It adds nothing: it says what was chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from .catalogues import Catalogue, Kind
from .linking import End
from .search_lists import Row, SearchList
from .searching import find_kinds
from .usage import Usage

__all__ = ["Choice", "QuickAdd"]

AHEAD = 5.0  # how much more than any use a kind counts that takes what the selected node gives
FED_AHEAD = 2.5  # and one that gives what it still needs


@dataclass(frozen=True)
class Choice:
    """A kind that can be added.

    Attributes:
        port: the port of it that will be linked: to a dropped wire, or to `start`.
        start: the port of the selected node that it will be linked to.
    """

    kind: Kind
    port: str | None = None
    start: End | None = None


class QuickAdd(SearchList):
    """A search line over a list of kinds; `chosen` carries a `Choice`.

    Enter takes it as it is listed; with Shift a node is added that is not linked to the selected one.
    """

    def __init__(self, usage: Usage, parent: QWidget) -> None:
        super().__init__(parent, "Search nodes", "Nodes found")
        self.usage = usage
        self.choices: Sequence[Choice] = ()
        self.colours: Mapping[str, str] = {}  # of the categories
        self.setObjectName("quick_add")

    def open_at(self, at: QPoint, choices: Sequence[Choice], heading: str = "") -> None:
        """Show what can be added, with the list's corner at a point of the parent, or as near as it fits."""
        self.choices = choices
        self.show_at(at, heading)

    def found(self, query: str) -> list[Row]:
        """What was used lately and often comes first, and before that what would be linked to the selected node."""
        by_kind: dict[str, list[Choice]] = {}
        for choice in self.choices:
            by_kind.setdefault(choice.kind.id, []).append(choice)
        kinds = Catalogue({kind: some[0].kind for kind, some in by_kind.items()})
        share = 0.5 if query else 1.0  # letters that were typed count more than what fits

        def weight(kind: str) -> float:
            start = by_kind[kind][0].start
            ahead = 0.0 if start is None else FED_AHEAD if start.is_input else AHEAD
            return self.usage.weight(kind) + share * ahead

        return [self._row(choice) for kind in find_kinds(kinds, query, weight) for choice in by_kind[kind.id]]

    def _row(self, choice: Choice) -> Row:
        kind = choice.kind
        colour = self.colours.get(kind.category, "")
        return Row(choice, kind.id, kind.category, below_line(choice), colour, shortened(kind))

    def nothing(self, query: str) -> str:
        return f"No node is called “{query}”." if query else "No node fits."

    def take(self, row: Row, keys: Qt.KeyboardModifier) -> Choice:
        choice: Choice = row.value
        self.usage.add(choice.kind.id)
        alone = choice.start is not None and bool(keys & Qt.KeyboardModifier.ShiftModifier)
        return replace(choice, port=None, start=None) if alone else choice


def below_line(choice: Choice) -> str:
    """What the kind is, and before that which link would come with it."""
    summary, start = choice.kind.summary, choice.start
    if start is None:
        return f"links to {choice.port}: {summary}" if choice.port else summary
    ends = (choice.port, start.name) if start.is_input else (start.name, choice.port)
    return f"links {ends[0]} to {ends[1]}: {summary}"


def shortened(kind: Kind) -> str:
    """What a kind is, in a few lines: the first two paragraphs of its help."""
    paragraphs = [" ".join(part.split()) for part in kind.help.split("\n\n") if part.strip()]
    text = " ".join(paragraphs[:2]) or kind.summary
    return text if len(text) <= 220 else text[:217].rsplit(" ", 1)[0] + " …"
