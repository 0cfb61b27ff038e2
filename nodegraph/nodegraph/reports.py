"""How a run is told of: the one place that events go through, and the words for values and failures."""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from .context import Context
from .errors import NodegraphError
from .events import Event
from .memory import is_out_of_memory
from .node_types import NodeSpec
from .registry import Registry
from .validation import shown

__all__ = ["Failure", "Teller", "failure_of", "summary_of"]

SMALLER = "make the picture or the batch smaller"
OUT_OF_MEMORY = f"{SMALLER}, or free memory"
GPU = re.compile(r"cuda|mps|gpu", re.IGNORECASE)
FIRST_WORD = re.compile(r"[^\W\d]\w*")
log = logging.getLogger("nodegraph")


class Teller:
    """Hands events on to the caller's `emit` and to the plugins; neither can spoil the run."""

    def __init__(self, registry: Registry, emit: Callable[[Event], Any] | None) -> None:
        self._registry = registry
        self._emit = emit
        self._complained = False
        self._to_plugins = registry.listened
        self.heard = emit is not None or self._to_plugins

    def __call__(self, event: Event) -> None:
        try:
            if self._emit is not None:
                self._emit(event)
        except Exception as error:  # the listener's own trouble; the run goes on
            if not self._complained:
                log.warning("a listener failed at %s: %s", event.event, error, exc_info=error)
            self._complained = True
        if self._to_plugins:
            self._registry.emit(event)


class Failure(NamedTuple):
    """What users are told of a node that raised."""

    input: str | None
    message: str
    remedy: str


def failure_of(
    error: BaseException, spec: NodeSpec, input: str | None = None, context: Context | None = None
) -> Failure:
    """The words for what a node raised; with a context, also for what is on a device that has no memory.

    The message of a ValueError, or of an error of our own, is for users as it is; others are named by their type. An
    input that a message begins with is to blame. Notes of the error (`add_note`) are the remedy.
    """
    if context is not None and is_out_of_memory(error):
        error = shortage_of(error, context)
    text = str(error)
    if not isinstance(error, (ValueError, NodegraphError)) or not text:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if input is not None:
        text = f"{input} {text}"
    else:
        word = FIRST_WORD.match(text)
        input = word.group() if word and word.group() in spec.inputs_by_name else None
    remedy = "; ".join(map(str, getattr(error, "__notes__", ())))
    return Failure(input, text, remedy or (OUT_OF_MEMORY if is_out_of_memory(error) else ""))


def shortage_of(error: BaseException, context: Context) -> BaseException:
    """What a library says when memory runs out, as the store would say it."""
    said = str(error)
    if getattr(error, "__notes__", ()):  # it has its own ways out
        return error
    place = context.used_device
    if not (GPU.search(said) or place in said or isinstance(error, RuntimeError)) or "CPU" in said:
        place = "cpu"
    return context.resources.shortage("what this node does", place, said, remedies=[SMALLER])


def summary_of(registry: Registry, outputs: Mapping[str, Any]) -> str:
    """One line about what a node made."""
    if len(outputs) == 1:
        return describe(registry, next(iter(outputs.values())))
    parts = ((name, describe(registry, value)) for name, value in outputs.items())
    return ", ".join(f"{name}: {text}" for name, text in parts if text)


def describe(registry: Registry, value: Any) -> str:
    if type(value) is float:
        return f"{value:.6g}"
    if value is None:
        return "none"
    if isinstance(value, (bool, int, str)):
        return value[:80] if isinstance(value, str) and value.isprintable() else shown(value, 80)
    if isinstance(value, list):
        return f"{len(value)} values" if len(value) != 1 else "1 value"
    found = registry.value_type_of(value)
    if found is None or found.summary is None:
        return str(value) if isinstance(value, PurePath) else ""
    try:
        return str(found.summary(value))
    except Exception as error:  # a plugin's function may raise anything
        registry.add_problem(f"a summary of {found.name} failed: {type(error).__name__}: {error}", error)
        return ""
