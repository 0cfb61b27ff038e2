"""Foresight: what typed values and the wiring alone make wrong, told by the node types before anything runs.

A node type is declared with `@node(..., foresee=function)`; `check` calls `function(known)` with a `Foresight` of each
node that a run would reach, sources first. It looks at what is known, tells what is wrong or odd, and says in turn what
is known of its outputs: facts, such as the size of a picture that is not made yet. What is not known is left out, so
that no graph is refused that would run. Nothing is run, and no heavy module is to be imported.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .echoes import UNKNOWN
from .node_types import InputSpec, NodeSpec

if TYPE_CHECKING:
    from .foreseeing import Arrivals

__all__ = ["UNKNOWN", "Foresight", "Known"]

NOTHING: Mapping[str, Any] = MappingProxyType({})
RULE = re.compile(r"(?:the )?([^\W\d]\w*) (.+)", re.DOTALL)


class Known(NamedTuple):
    """What is known of an output, or of what a link brings.

    Attributes:
        origin: names where it comes from; equal for outputs of nodes that are alike and have like sources.
    """

    facts: Mapping[str, Any] = NOTHING
    value: Any = UNKNOWN
    origin: str = ""


class Foresight:
    """What is known of a node before a run, and where it is told what follows.

    Facts are plain data by name. The built-in nodes use `batch`, `channels`, `height`, `width` and `space` of pictures
    and masks, `t` and `schedule` of noisy ones, and of denoisers what they take (`nodegraph_nodes.foresights`).
    """

    def __init__(self, spec: NodeSpec, arrivals: "Arrivals") -> None:
        self._spec = spec
        self._arrivals = arrivals
        self._said: list[tuple[str | None, str, str, bool]] = []
        self._facts: dict[str, dict[str, Any]] = {}

    def value(self, name: str) -> Any:
        """The value that an input will have: typed, the default, or brought by value nodes; else UNKNOWN.

        A checkpoint that is a folder is named in full. Of an input that takes a wire, None where nothing is linked.
        """
        return self._arrivals.value(self._port(name))

    def knows(self, *names: str) -> bool:
        """Whether the values of all these inputs are known."""
        return all(self.value(name) is not UNKNOWN for name in names)

    def given(self, name: str) -> bool:
        """Whether an input is typed in the file or linked, so that its value is meant and no default."""
        return self._arrivals.given(self._port(name))

    def links(self, name: str) -> int:
        """How many links that bring something end in an input."""
        return len(self._arrivals.links(self._port(name)))

    def count(self, name: str) -> int | None:
        """How many values an input that takes a list will have; None where a run has to tell."""
        port = self._port(name)
        links = self._arrivals.links(port)
        if links and links[0].index is not None:
            return len(links)
        value = self._arrivals.value(port)
        return len(value) if isinstance(value, list) else None

    def of(self, name: str) -> Any:
        """The facts of what is linked: a mapping, empty where nothing is known; for a list, a tuple of such.

        Where one link brings a whole list, the tuple is empty: `count` tells that apart.
        """
        port = self._port(name)
        found = self._arrivals.brought(port)
        if not port.indexed:
            return found[0].facts if found else NOTHING
        links = self._arrivals.links(port)
        return tuple(each.facts for each in found) if links and links[0].index is not None else ()

    def origin(self, name: str) -> str:
        """Names where the one thing that is linked comes from, as `node.output`; "" for none, or for several.

        Outputs of nodes that are alike, with like sources, have one name: they will be the same.
        """
        found = self._arrivals.brought(self._port(name))
        return found[0].origin if len(found) == 1 else ""

    def wrong(self, input: str | None, message: str, remedy: str = "") -> None:
        """Tell what would make the run fail: `wrong("weights", "sum to 0.9, must sum to 1")`. The run is refused."""
        self._tell(input, message, remedy, error=True)

    def odd(self, input: str | None, message: str, remedy: str = "") -> None:
        """Tell what runs, but hardly as it was meant: a warning."""
        self._tell(input, message, remedy, error=False)

    @contextmanager
    def refusals(self, input: str | None = None) -> Iterator[None]:
        """Tell as wrong what a rule refuses by a ValueError, so that the node and its foresight can share the rule.

        An input that the message begins with is to blame, as in a run, else `input`; what is behind a semicolon is the
        remedy.
        """
        try:
            yield
        except ValueError as error:
            text = str(error)
            found = RULE.fullmatch(text)
            blamed = found is not None and found[1] in self._spec.inputs_by_name
            if found is not None and blamed:
                text = found[2]
            message, _, remedy = (text, "", "") if "\n" in text else text.partition("; ")
            self.wrong(found[1] if found is not None and blamed else input, message, remedy)

    def gives(self, output: str, facts: Mapping[str, Any] = NOTHING, /, **more: Any) -> None:
        """Say what is known of an output; each fact has to be right in every run that gets there."""
        if output not in self._spec.outputs_by_name:
            raise ValueError(f"{self._spec.id} has no output {output!r}")
        self._facts.setdefault(output, {}).update({**facts, **more})

    def _port(self, name: str) -> InputSpec:
        port = self._spec.input(name)
        if port is None:
            raise ValueError(f"{self._spec.id} has no input {name!r}")
        return port

    def _tell(self, input: str | None, message: str, remedy: str, error: bool) -> None:
        if input is not None:
            self._port(input)
        self._said.append((input, str(message), str(remedy), error))
