"""Seeds that the editor draws anew before each run; the file always holds the number that is used.

A run without the editor draws nothing: it takes what is written.
"""

from collections.abc import Iterable
from random import Random

from nodegraph import Graph

from .canvases import canvas_of, with_drawn_seeds
from .catalogues import Catalogue, Port
from .linking import kind_of

__all__ = ["draw_seeds", "is_drawn", "is_seed", "set_drawn", "take_seeds"]

LARGEST = 2**32 - 1  # short enough to be read out and typed again


def is_seed(port: Port) -> bool:
    """Whether an input is a number that randomness starts from."""
    return port.type == "int" and not port.is_list and (port.name == "seed" or port.schema.get("widget") == "seed")


def is_drawn(graph: Graph, node: str, name: str) -> bool:
    """Whether an input gets a new number before each run."""
    return f"{node}.{name}" in canvas_of(graph).drawn_seeds


def set_drawn(graph: Graph, node: str, name: str, yes: bool) -> Graph:
    """Have an input drawn anew before each run, or keep its number."""
    return with_drawn_seeds(graph, [f"{node}.{name}"], yes)


def draw_seeds(graph: Graph, catalogue: Catalogue, rng: Random, only: Iterable[tuple[str, str]] | None = None) -> Graph:
    """Write a new number into each input that is drawn, but for those that a wire feeds.

    Args:
        only: these inputs (node, name) instead of those that the canvas names: for "draw one now".
    """
    named = [entry.partition(".")[::2] for entry in canvas_of(graph).drawn_seeds] if only is None else only
    for node, name in named:
        kind = kind_of(graph, catalogue, node)
        port = None if kind is None else kind.inputs_by_name.get(name)
        linked = any(link.input == name for link in graph.in_links[node])
        if port is None or not is_seed(port) or linked:
            continue
        least = int(port.minimum or 0)
        most = LARGEST if port.maximum is None else min(LARGEST, int(port.maximum))
        graph = graph.set(node, **{name: rng.randint(least, max(least, most))})
    return graph


def take_seeds(graph: Graph, drawn: Graph) -> Graph:
    """The graph with the numbers that were drawn in another, for each input that is to be drawn in both."""
    for entry in canvas_of(graph).drawn_seeds:
        node, _, name = entry.partition(".")
        here, there = graph.nodes.get(node), drawn.nodes.get(node)
        if here is None or there is None or here.type != there.type or name not in there.inputs:
            continue
        if is_drawn(drawn, node, name):
            graph = graph.set(node, **{name: there.inputs[name]})
    return graph
