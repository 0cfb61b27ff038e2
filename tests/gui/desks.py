"""A shown window with a graph on a desk, what a hand aims at, and the law that each gesture has to keep."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from nodegraph import Graph, Node
from nodegraph_gui.canvas import CanvasView
from nodegraph_gui.desk import Desk
from nodegraph_gui.documents import Document
from nodegraph_gui.scene import Scene
from nodegraph_gui.shapes import HEADER, PortRef
from nodegraph_gui.themes import THEMES
from nodegraph_gui.usage import Usage

PLACES = {
    "noise": (0, 0),
    "digit": (0, 320),
    "any": (0, 560),
    "guide": (380, 320),
    "sample": (760, 80),
    "save": (1140, 80),
}
KINDS = {
    "noise": "PureNoise",
    "digit": "UNetMNIST",
    "any": "UNetMNIST",
    "guide": "CFGCombine",
    "sample": "IterativeSampler",
    "save": "SaveImage",
}
LINKS = (
    "digit.denoiser -> guide.conditional",
    "any.denoiser -> guide.unconditional",
    "guide.denoiser -> sample.denoiser",
    "noise.noisy -> sample.start",
    "sample.image -> save.image",
)
FRAME = {"title": "Noise", "colour": "#4fa3e0", "rect": [-40, -60, 320, 340]}
NOTE = {"text": "Look", "rect": [380, 600, 200, 100]}
CANVAS = {"positions": {node: list(at) for node, at in PLACES.items()}}


def guided(links=LINKS, **canvas):
    nodes = {node: Node(type=kind) for node, kind in KINDS.items()}
    return Graph(nodes=nodes, links=links, canvas={**CANVAS, **canvas})


def open_desk(qtbot, catalogue, graph, tmp_path):
    """A desk on a window that is shown and has the keyboard, all of its graph in sight at 100 %."""
    document = Document(graph)
    scene = Scene(document, catalogue, THEMES["dark"])
    view = CanvasView(scene)
    view.resize(1500, 1000)
    qtbot.addWidget(view)
    desk = Desk(view, Usage(tmp_path / "usage.json"))
    desk.heard, desk.hints = [], []
    desk.said.connect(desk.heard.append)
    view.hint.connect(desk.hints.append)
    view.show()
    qtbot.waitExposed(view)
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    if graph.nodes:
        view.look_at(scene.content_rect().center(), 1.0)
    return desk


def port(desk, text):
    """The middle of a port, in the scene: "noise.noisy", or "grid.images[1]" for a place of a list."""
    return desk.scene.port_pos(ref(desk, text))


def ref(desk, text):
    node, _, name = text.partition(".")
    name, _, index = name.partition("[")
    kind = desk.scene.nodes[node].kind
    return PortRef(node, name, name in kind.inputs_by_name, int(index[:-1]) if index else None)


def title(desk, node):
    """A point in the title of a node, away from its ports."""
    rect = desk.scene.node_rect(node)
    return QPointF(rect.center().x(), rect.top() + HEADER / 2)


def at(desk, node):
    """Where a node is shown."""
    corner = desk.scene.node_rect(node).topLeft()
    return corner.x(), corner.y()


def links(desk):
    return sorted(map(str, desk.document.graph.links))


def key(desk, code, held=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(desk.view, code, held)


def shown(scene):
    """All that can be seen in a scene, but for what is selected."""
    return {
        "nodes": {
            node: (scene.node_rect(node), item.node, dict(item.glow), item.looks) for node, item in scene.nodes.items()
        },
        "ports": {each: scene.port_pos(each) for each in scene.ports()},
        "wires": {
            str(link): (wire.start + wire.pos(), wire.end + wire.pos(), wire.colour, wire.muted, wire.isVisible())
            for link, wire in scene.wires.items()
        },
        "frames": [(item.frame, item.rect) for item in scene.frames],
        "notes": [(item.note.text, item.rect) for item in scene.notes],
    }


def check_law(desk):
    """What is shown is what a scene shows that is made anew, and nothing of a gesture is left."""
    assert desk.view.gesture is None
    fresh = Scene(desk.document, desk.scene.catalogue, desk.scene.theme)
    try:
        assert shown(desk.scene) == shown(fresh)
        assert len(desk.scene.items()) == len(fresh.items())
    finally:
        fresh.close()


def check_undo(desk, before, label):
    """The last edit is called so, and taking it back leads to the graph before."""
    assert desk.document.undo_label == label
    after = desk.document.graph
    assert desk.document.undo()
    assert desk.document.graph == before
    check_law(desk)
    assert desk.document.redo()
    assert desk.document.graph == after
    check_law(desk)
