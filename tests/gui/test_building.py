"""A guided digit, from an empty canvas, with mouse and keyboard alone."""

from desks import check_law, key, links, open_desk, port, title
from driving import double_click, drag, drop
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from nodegraph import Graph, check, loads
from nodegraph.files import dumps
from nodegraph_gui.palette import mime_for

WANTED = [
    "cfg_combine.denoiser -> iterative_sampler.denoiser",
    "iterative_sampler.image -> save_image.image",
    "pure_noise.noisy -> iterative_sampler.start",
    "unet_mnist.denoiser -> cfg_combine.conditional",
    "unet_mnist_2.denoiser -> cfg_combine.unconditional",
]


def choose(desk, letters):
    """Type into the quick-add list and take the first that it finds."""
    assert desk.quick_add.line.hasFocus()
    QTest.keyClicks(desk.quick_add.line, letters)
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)


def test_the_guided_digit_is_built_by_hand(qtbot, catalogue, registry, tmp_path):
    desk = open_desk(qtbot, catalogue, Graph(), tmp_path)
    view = desk.view
    view.look_at(QPointF(700, 300), 1.0)

    double_click(view, (100, 40))  # the noise
    choose(desk, "purenoise")
    mime = mime_for("UNetMNIST")
    assert drop(view, mime, (100, 340))  # a network, dragged from the palette
    key(desk, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)  # and its twin
    drag(view, title(desk, "unet_mnist_2"), (100, 560))
    drag(view, port(desk, "unet_mnist.denoiser"), (420, 320))  # its wire, dropped on nothing, brings the guidance
    choose(desk, "cfg")
    drag(view, port(desk, "unet_mnist_2.denoiser"), title(desk, "cfg_combine"))  # on its body: the port that is free
    drag(view, port(desk, "cfg_combine.denoiser"), (800, 100))
    choose(desk, "itsam")
    drag(view, port(desk, "iterative_sampler.start"), port(desk, "pure_noise.noisy"))  # drawn from the input
    drag(view, port(desk, "iterative_sampler.image"), (1180, 100))
    choose(desk, "save")

    assert links(desk) == WANTED
    graph = desk.document.graph
    assert sorted(node.type for node in graph.nodes.values()) == sorted(
        ["PureNoise", "UNetMNIST", "UNetMNIST", "CFGCombine", "IterativeSampler", "SaveImage"]
    )
    assert not check(graph, registry)
    check_law(desk)

    steps = []
    while desk.document.undo_label:
        steps.append(desk.document.undo_label)
        desk.document.undo()
        check_law(desk)
    assert desk.document.graph == Graph()
    assert list(reversed(steps)) == [
        "Add PureNoise",
        "Add UNetMNIST",
        "Duplicate unet_mnist",
        "Move unet_mnist_2",
        "Add CFGCombine, linked to unet_mnist.denoiser",
        "Link unet_mnist_2.denoiser to cfg_combine.unconditional",
        "Add IterativeSampler, linked to cfg_combine.denoiser",
        "Link pure_noise.noisy to iterative_sampler.start",
        "Add SaveImage, linked to iterative_sampler.image",
    ]
    while desk.document.redo():
        check_law(desk)
    assert desk.document.graph == graph and loads(dumps(graph)) == graph
