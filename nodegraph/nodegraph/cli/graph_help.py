"""What `nodegraph run FILE --help` shows: the notes of the graph, and each of its inputs with what it takes and has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from nodegraph.graphs import Graph
from nodegraph.node_types import InputSpec, to_json
from nodegraph.registry import Registry
from nodegraph.validation import is_word, listed, shown

from .inputs import OwnInput, own_inputs
from .speaking import harmless

__all__ = ["graph_help", "metavar", "range_text"]


def graph_help(file: str, graph: Graph, registry: Registry, options: list[tuple[str, str]], width: int) -> str:
    """The whole page; `options` are those of `nodegraph run` itself."""
    page = click.HelpFormatter(width=width)
    page.write_usage("nodegraph run", f"{file} [--NODE.INPUT VALUE]... [OPTIONS]")
    for note in notes(graph):
        page.write_paragraph()
        with page.indentation():
            page.write_text(harmless(note))
    for node_id, inputs in groupby(own_inputs(graph, registry), lambda own: own.node):
        node = graph.nodes[node_id]
        title = f", {node.title}" if node.title else ""
        with page.section(harmless(f"{node_id} ({node.type}){title}")):
            page.write_dl([(f"--{own.place} {metavar(own.spec)}", harmless(described(own))) for own in inputs])
    absent = sorted({node.type for node in graph.nodes.values() if registry.get(node.type) is None})
    if absent:
        page.write_paragraph()
        page.write_text(harmless(f"Not installed, so that their inputs are unknown: {', '.join(absent)}"))
    with page.section("Options"):
        page.write_dl(options)
    return page.getvalue().rstrip("\n")


def notes(graph: Graph) -> Iterator[str]:
    """The texts of the notes on the canvas, which may hold anything: it belongs to the editor."""
    written = graph.canvas.get("notes")
    if isinstance(written, Mapping):
        written = list(written.values())
    for note in written if isinstance(written, (list, tuple)) else [written]:
        text = note.get("text") if isinstance(note, Mapping) else note
        if isinstance(text, str) and text.strip():
            yield text.strip()


def metavar(spec: InputSpec) -> str:
    """What stands for the value: its type, or the choices when they are few and short."""
    if spec.choices and len(" | ".join(spec.choices)) <= 40 and all(map(is_word, spec.choices)):
        return "[" + "|".join(spec.choices) + "]"
    return spec.type_name.upper() + ("..." if spec.indexed else "")


def described(own: OwnInput) -> str:
    """`Denoising steps. [now 50, default 25, 1 to 1000]`."""
    spec = own.spec
    facts = [f"now {value_text(own.value)}"] if own.given else []
    facts.append("required" if spec.required else f"default {value_text(spec.default)}")
    facts += [text for text in (range_text(spec), choices_text(spec)) if text]
    return f"{spec.help}  [{', '.join(facts)}]".strip()


def value_text(value: Any) -> str:
    return "none" if value is None else shown(to_json(value))


def choices_text(spec: InputSpec) -> str:
    return f"one of {listed(spec.choices)}" if spec.choices and metavar(spec) == spec.type_name.upper() else ""


def range_text(spec: InputSpec) -> str:
    """`1 to 1000`, `at least 0`, `more than 0`, or "" for an input without a range."""
    low, high, above, below = spec.range
    if low is not None and high is not None:
        return f"{number(low)} to {number(high)}"
    ends = (("at least", low), ("more than", above), ("at most", high), ("less than", below))
    return ", ".join(f"{word} {number(end)}" for word, end in ends if end is not None)


def number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
