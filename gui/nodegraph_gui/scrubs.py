"""Changing the number in a node by dragging over it, without opening an editor."""

from typing import Any

from .bindings import InputEdits, given_value
from .catalogues import Catalogue, Port
from .documents import Document
from .editors.scales import is_number, scale_of
from .seeds import is_seed

__all__ = ["Scrub", "scrubbed_port"]

FULL = 240.0  # pixels of a drag over the whole of a range, at the least
PER_STEP = 6.0  # pixels for one step of a number whose range is open
TINY = 0.1  # the part of a way that counts while Shift is held


class Scrub:
    """One drag over the number of an input, folded into one step of undo.

    Args:
        width: pixels that the whole of a range takes; that of the field.
    """

    def __init__(self, document: Document, node: str, port: Port, width: float = FULL) -> None:
        self.port = port
        self.edits = InputEdits(document, (node,), port.name)
        self._scale = scale_of(port)
        value = given_value(document.graph, node, port)
        self._start: int | float = value if is_number(value) else self._scale.low if self._scale else 0
        self._share = self._scale.share(self._start) if self._scale is not None else 0.0
        self._steps = 0.0
        self._width = max(FULL, width)
        self.value: Any = value

    def move(self, pixels: float, fine: bool = False) -> None:
        """The hand went so many pixels further to the right."""
        way = pixels * (TINY if fine else 1.0)
        if self._scale is not None:
            self._share += way / self._width
            value: int | float = self._scale.at(self._share, fine=fine)
        else:
            self._steps += way / PER_STEP
            value = self._stepped(round(self._steps, 1 if fine else 0))
        if value != self.value or type(value) is not type(self.value):
            self.value = value
            self.edits.hold(value)

    def _stepped(self, steps: float) -> int | float:
        port = self.port
        value: int | float
        value = int(self._start) + int(steps) if port.type == "int" else round(float(self._start) + steps * 0.1, 6)
        if port.minimum is not None:
            value = max(type(value)(port.minimum), value)
        return value if port.maximum is None else min(type(value)(port.maximum), value)

    def release(self) -> None:
        """Keep the number."""
        if self.edits.held:
            self.edits.choose(self.value)

    def cancel(self) -> None:
        """Put the number back as it was."""
        self.edits.cancel()


def scrubbed_port(document: Document, catalogue: Catalogue, node: str, input: str) -> Port | None:
    """The port of an input whose number can be dragged; None for others: seeds, texts, what a wire feeds."""
    placed = document.graph.nodes.get(node)
    kind = catalogue.get(placed.type) if placed is not None else None
    port = kind.inputs_by_name.get(input) if kind is not None else None
    if port is None or port.is_list or port.type not in ("int", "float") or port.choices is not None or is_seed(port):
        return None
    if any(link.input == input for link in document.graph.in_links[node]):
        return None
    return port
