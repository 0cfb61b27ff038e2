"""Graphs for what is foreseen, and what check tells of them."""

from pathlib import Path

from nodegraph import Graph, check, load

ROOT = Path(__file__).parents[2]
PICTURE = str(ROOT / "examples/pictures/two.png")


def example(name: str) -> Graph:
    return load(ROOT / "examples" / name)


def built(nodes, *links) -> Graph:
    graph = Graph()
    for name, (kind, inputs) in nodes.items():
        graph = graph.add(name, kind, **inputs)
    for link in links:
        graph = graph.connect(link)
    return graph


def told(graph, registry, **options) -> list[str]:
    return [f"{'warning ' if each.kind == 'warning' else ''}{each}" for each in check(graph, registry, **options)]


GAUSSIANS = {name: ("ExactGaussian", {"value": value}) for name, value in zip("abc", (0.0, 0.5, -0.5), strict=True)}


def combined(kind, *links, noise=None, more=None, **inputs) -> Graph:
    """A combinator of denoisers a, b and c, and a sampler."""
    nodes = {
        **GAUSSIANS,
        "mix": (kind, inputs),
        "noise": ("PureNoise", {"size": 8, **(noise or {})}),
        "sample": ("IterativeSampler", {"steps": 2}),
        **(more or {}),
    }
    return built(nodes, *links, "mix.denoiser -> sample.denoiser", "noise.noisy -> sample.start")


PARTS = ("a.denoiser -> mix.parts[0]", "b.denoiser -> mix.parts[1]")
GUIDED = ("a.denoiser -> mix.conditional", "b.denoiser -> mix.unconditional")
