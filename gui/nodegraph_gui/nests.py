"""Which frames lie in which, and what lies in each: the tree that a layout follows.

A frame holds the nodes whose top left corner is in it. Frames that share nodes while none holds all of the other's
have no place in a tree; they are a tangle, which keeps its inner order.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from nodegraph import Graph

from .canvases import canvas_of
from .framing import in_frame

__all__ = ["Nest", "nest_of", "whole_frames"]

Cluster: TypeAlias = tuple[tuple[int, ...], set[str]]


@dataclass
class Nest:
    """What is laid out together: the inside of a frame, of a tangle, or, without frames, of the canvas.

    Attributes:
        frames: the frame that it is; several are a tangle, none is the canvas.
        nodes: those that lie in it and in none of the inner ones.
        inner: the frames directly in it.
        notes: the notes directly in it.
    """

    frames: tuple[int, ...] = ()
    nodes: list[str] = field(default_factory=list)
    inner: list["Nest"] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)

    @property
    def key(self) -> str:
        """A name that no node has."""
        return f"frame {self.frames[0]}"


def whole_frames(graph: Graph, chosen: Collection[str]) -> set[str]:
    """The nodes, and the others of all frames that hold some of them."""
    found = set(chosen)
    members = [set(in_frame(graph, number)) for number in canvas_of(graph).frames]
    grown = True
    while grown:
        grown = False
        for some in members:
            if some & found and not some <= found:
                found |= some
                grown = True
    return found


def nest_of(graph: Graph, chosen: Collection[str]) -> Nest:
    """The tree of the frames around nodes, of whose frames no node may be missing."""
    frames = canvas_of(graph).frames
    clusters: list[Cluster] = [((number,), set(in_frame(graph, number))) for number in frames]
    clusters = joined([cluster for cluster in clusters if cluster[1] and cluster[1] <= set(chosen)])
    area = {number: frame.rect.width * frame.rect.height for number, frame in frames.items()}
    clusters.sort(key=lambda each: (len(each[1]), len(each[0]) == 1, area[each[0][0]]))
    nests = [Nest(numbers) for numbers, _ in clusters]
    root = Nest()
    innermost: dict[str, Nest] = {}
    for at, (nest, (_, members)) in enumerate(zip(nests, clusters, strict=True)):
        holders = (nests[other] for other in range(at + 1, len(nests)) if members <= clusters[other][1])
        next(holders, root).inner.append(nest)
        for node in members:
            innermost.setdefault(node, nest)
    wanted = set(chosen)
    for node in graph.nodes:
        if node in wanted:
            innermost.get(node, root).nodes.append(node)
    by_frame = {number: nest for nest in nests for number in nest.frames}
    for number, note in canvas_of(graph).notes.items():
        there = [each for each in by_frame if note.rect is not None and frames[each].rect.holds(note.rect[:2])]
        if there:
            by_frame[min(there, key=area.__getitem__)].notes.append(number)
    return root


def joined(clusters: list[Cluster]) -> list[Cluster]:
    """The frames with their nodes, where those that are tangled are one."""
    found: list[Cluster] = []
    for cluster in clusters:
        numbers, members = cluster
        changed = True
        while changed:
            changed = False
            for other in found:
                if tangled((numbers, members), other):
                    found.remove(other)
                    numbers, members = (*other[0], *numbers), members | other[1]
                    changed = True
                    break
        found.append((numbers, members))
    return found


def tangled(one: Cluster, other: Cluster) -> bool:
    if not one[1] & other[1]:
        return False
    if one[1] <= other[1] or other[1] <= one[1]:
        inner, outer = (one, other) if len(one[1]) < len(other[1]) else (other, one)
        return len(outer[0]) > 1 and len(inner[1]) < len(outer[1])  # a tangle takes what lies in it
    return True
