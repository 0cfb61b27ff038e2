"""Automatic layout: what is in a frame is laid out for itself, and around it as if the frame were one large node.

So a frame holds afterwards what it held before, and nothing else. Notes go with the frame that they lie in; others stay
where they are, unless something comes to lie there.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from nodegraph import Graph

from .canvases import GRID, Point, Rect, Size, canvas_of, with_frame, with_note, with_positions
from .catalogues import Catalogue
from .columns import PART_GAP, Link, around, in_columns
from .framing import framed, in_frame, node_rects, note_size
from .nests import Nest, nest_of, whole_frames
from .sizes import estimated_sizes, port_heights, roomy

__all__ = ["arrange", "laid_out"]

NOTE_GAP = 2 * GRID


def arrange(
    graph: Graph,
    catalogue: Catalogue,
    ids: Collection[str] | None = None,
    sizes: Mapping[str, Size] | None = None,
) -> Graph:
    """Lay out a graph, or the chosen nodes of it, whose top left corner stays where it was, or on the grid beside that.

    A frame of which a node is chosen is laid out as a whole. Where chosen nodes would come to lie on others, they all
    come to lie below those.

    Args:
        ids: the nodes to be moved; None: all.
        sizes: of the nodes as they are drawn; estimated where they are not given.
    """
    wanted = set(graph.nodes) if ids is None else whole_frames(graph, [node for node in graph.nodes if node in ids])
    if not wanted:
        return graph
    plan = Plan(graph, catalogue, sizes or {})
    nest = nest_of(graph, wanted)
    made = plan.inside(nest)
    corners = [at for node, at in canvas_of(graph).positions.items() if node in wanted]
    corner = (min(x for x, _ in corners), min(y for _, y in corners)) if corners else (0.0, 0.0)
    first = min(x for x, _ in made.nodes.values()), min(y for _, y in made.nodes.values())
    made = made.moved((on_step(corner[0] - first[0]), on_step(corner[1] - first[1])))
    others = plan.others(made)
    if ids is None:
        return cleared(made.written(graph), made.rects(plan.room), others)
    return made.moved((0, way_down(made.rects(plan.room), [rect for _, rect in others]))).written(graph)


@dataclass
class Laid:
    """Where things are to lie: nodes and notes by their corners, frames by their rectangles."""

    nodes: dict[str, Point] = field(default_factory=dict)
    frames: dict[int, Rect] = field(default_factory=dict)
    notes: dict[int, Rect] = field(default_factory=dict)

    def moved(self, by: Point) -> "Laid":
        return Laid(
            {node: (x + by[0], y + by[1]) for node, (x, y) in self.nodes.items()},
            {number: rect.moved(by) for number, rect in self.frames.items()},
            {number: rect.moved(by) for number, rect in self.notes.items()},
        )

    def add(self, other: "Laid") -> None:
        self.nodes |= other.nodes
        self.frames |= other.frames
        self.notes |= other.notes

    def rects(self, sizes: Mapping[str, Size]) -> list[Rect]:
        nodes = [Rect(*at, *sizes[node]) for node, at in self.nodes.items()]
        return [*nodes, *self.frames.values(), *self.notes.values()]

    def written(self, graph: Graph) -> Graph:
        """The graph with all of it there."""
        graph = with_positions(graph, self.nodes)
        canvas = canvas_of(graph)
        for number, rect in self.frames.items():
            graph = with_frame(graph, number, replace(canvas.frames[number], rect=rect))
        for number, rect in self.notes.items():
            graph = with_note(graph, number, replace(canvas.notes[number], rect=rect))
        return graph


class Plan:
    """The layout of one graph.

    Attributes:
        sizes: of the nodes as they are now, around which frames are drawn.
        room: with the picture that a node will show, which nothing else may cover.
    """

    def __init__(self, graph: Graph, catalogue: Catalogue, sizes: Mapping[str, Size]) -> None:
        self.graph, self.catalogue = graph, catalogue
        self.sizes = {**estimated_sizes(graph, catalogue), **sizes}
        self.room = roomy(graph, catalogue, sizes)

    def inside(self, nest: Nest) -> Laid:
        """What is in a nest, its top left corner somewhere near the origin."""
        if len(nest.frames) > 1:
            return self.as_it_is(nest)
        boxes = {node: Laid({node: (0.0, 0.0)}) for node in nest.nodes}
        boxes |= {inner.key: self.inside(inner) for inner in nest.inner}
        extents = {key: on_grid(around(box.rects(self.room))) for key, box in boxes.items()}
        found = Laid()
        sizes = {key: (extent.width, extent.height) for key, extent in extents.items()}
        for key, (x, y) in in_columns(sizes, self.links(boxes, extents), narrow=self.is_fed(nest, boxes)).items():
            found.add(boxes[key].moved((x - extents[key].x, y - extents[key].y)))
        self.put_notes(found, nest.notes)
        if nest.frames:
            found.frames[nest.frames[0]] = framed(found.rects(self.sizes))
        return found

    def is_fed(self, nest: Nest, boxes: Mapping[str, Laid]) -> bool:
        """Whether it is a frame that wires lead into or out of."""
        nodes = {node for box in boxes.values() for node in box.nodes} if nest.frames else set()
        outside = (link.target not in nodes for node in nodes for link in self.graph.out_links[node])
        return any(outside) or any(link.source not in nodes for node in nodes for link in self.graph.in_links[node])

    def as_it_is(self, nest: Nest) -> Laid:
        """A tangle of frames: as all of it lies now."""
        canvas, found = canvas_of(self.graph), Laid()
        found.nodes = {node: canvas.positions[node] for node in nest.nodes}
        found.frames = {number: canvas.frames[number].rect for number in nest.frames}
        found.notes = {number: rect for number in nest.notes if (rect := canvas.notes[number].rect) is not None}
        return found

    def links(self, boxes: Mapping[str, Laid], extents: Mapping[str, Rect]) -> list[Link]:
        """The wires between boxes."""
        box_of = {node: key for key, box in boxes.items() for node in box.nodes}
        heights = {node: port_heights(self.graph, self.catalogue, node) for node in box_of}
        found = []
        for node, key in box_of.items():
            for link in self.graph.out_links[node]:
                other = box_of.get(link.target, key)
                if other != key:
                    start = heights[node][1].get(link.output, self.room[node][1] / 2)
                    end = heights[link.target][0].get(link.input, self.room[link.target][1] / 2)
                    start += boxes[key].nodes[node][1] - extents[key].y
                    end += boxes[other].nodes[link.target][1] - extents[other].y
                    found.append(Link(key, start, other, end, (node, link.output)))
        return found

    def put_notes(self, laid: Laid, numbers: Iterable[int]) -> None:
        """Put notes in a row above all that is laid."""
        notes = canvas_of(self.graph).notes
        rects = {number: rect for number in numbers if (rect := notes[number].rect) is not None}
        if rects:
            laid.notes |= row_above(rects, around(laid.rects(self.room)))

    def others(self, laid: Laid) -> list[tuple[Laid, Rect]]:
        """All that was not laid, each with where it lies: a frame with all that is in it, a node, a note."""
        canvas = canvas_of(self.graph)
        found: list[tuple[Laid, Rect]] = []
        held: set[int] = set()
        for number, frame in canvas.frames.items():
            if number not in laid.frames:
                notes = {
                    each: note.rect
                    for each, note in canvas.notes.items()
                    if note.rect is not None and each not in laid.notes and frame.rect.holds(note.rect[:2])
                }
                held |= notes.keys()
                inside = Laid({}, {number: frame.rect}, {} if in_frame(self.graph, number) else notes)
                found.append((inside, around(inside.rects(self.sizes))))
        for node, rect in node_rects(self.graph, self.graph.nodes, self.sizes).items():
            if node not in laid.nodes:
                found.append((Laid({node: rect[:2]}), rect))
        for number, note in canvas.notes.items():
            if note.rect is not None and number not in laid.notes and number not in held:
                found.append((Laid(notes={number: note.rect}), note.rect))
        return found


def on_step(way: float) -> float:
    return round(way / GRID) * GRID


def on_grid(rect: Rect) -> Rect:
    """A rectangle of whole steps of the grid that holds another, from a corner of the grid."""
    left, top = rect.x // GRID * GRID, rect.y // GRID * GRID
    return Rect(left, top, rect.right - left, rect.bottom - top)


def row_above(rects: Mapping[int, Rect], below: Rect) -> dict[int, Rect]:
    """Rectangles side by side above another."""
    found: dict[int, Rect] = {}
    x = below.x // GRID * GRID
    for number, rect in rects.items():
        y = (below.y - NOTE_GAP - rect.height) // GRID * GRID
        found[number] = rect._replace(x=x, y=y)
        x += -(-(rect.width + NOTE_GAP) // GRID) * GRID
    return found


def cleared(graph: Graph, taken: list[Rect], others: list[tuple[Laid, Rect]]) -> Graph:
    """The graph with notes and empty frames moved above all else, of those that something came to lie on."""
    hit = [any(rect.overlaps(each) for each in taken) for _, rect in others]
    moving = {at: rect for at, ((_, rect), moves) in enumerate(zip(others, hit, strict=True)) if moves}
    staying = [rect for (_, rect), moves in zip(others, hit, strict=True) if not moves]
    for at, rect in row_above(moving, around([*taken, *staying])).items():
        old = moving[at]
        graph = others[at][0].moved((rect.x - old.x, rect.y - old.y)).written(graph)
    return graph


def way_down(rects: list[Rect], others: list[Rect]) -> float:
    """How far rectangles have to go down to lie on none of the others."""
    way = 0.0
    while True:
        hit = [other for other in others if any(rect.moved((0, way)).overlaps(other) for rect in rects)]
        if not hit:
            return way
        lowest = max(other.bottom for other in hit)
        way = -(-(lowest + PART_GAP - min(rect.y for rect in rects)) // GRID) * GRID


def laid_out(graph: Graph, catalogue: Catalogue, sizes: Mapping[str, Size] | None = None) -> Graph:
    """Give a place to each node and note that has none, as in a file that was written by hand; itself when all have."""
    missing = [node for node in graph.nodes if node not in canvas_of(graph).positions]
    if missing:
        plan = Plan(graph, catalogue, sizes or {})
        placed = node_rects(graph, graph.nodes, plan.room)
        rects = [*placed.values(), *(frame.rect for frame in canvas_of(graph).frames.values())]
        graph = plan.inside(Nest(nodes=missing)).moved(below(around(rects)) if rects else (0, 0)).written(graph)
    return notes_laid_out(graph, {**estimated_sizes(graph, catalogue), **(sizes or {})})


def below(rect: Rect) -> Point:
    """A point of the grid under the lower left corner."""
    return rect.x // GRID * GRID, -(-(rect.bottom + PART_GAP) // GRID) * GRID


def notes_laid_out(graph: Graph, sizes: Mapping[str, Size]) -> Graph:
    """Put the notes that have no place in a row above all else."""
    canvas = canvas_of(graph)
    loose = [number for number, note in canvas.notes.items() if note.rect is None]
    if not loose:
        return graph
    rects = [*node_rects(graph, graph.nodes, sizes).values()]
    rects += [frame.rect for frame in canvas.frames.values()]
    rects += [note.rect for note in canvas.notes.values() if note.rect is not None]
    wanted = {}
    for number in loose:
        width, height = note_size(canvas.notes[number].text)
        wanted[number] = Rect(0, 0, width, -(-height // GRID) * GRID)
    return Laid(notes=row_above(wanted, around(rects) if rects else Rect(0, 0, 0, 0))).written(graph)
