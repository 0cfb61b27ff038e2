"""A graph without the mouse: where nodes come to stand, and how they are linked."""

import pytest
from desks import LINKS, check_law, check_undo, guided, key, links, open_desk
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from test_building import WANTED

from nodegraph import Graph, Node, check
from nodegraph_gui.joints import joints

K = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def empty(qtbot, catalogue, tmp_path):
    return open_desk(qtbot, catalogue, Graph(), tmp_path)


def add(desk, letters, held=Qt.KeyboardModifier.NoModifier):
    """Tab, a few letters, Enter."""
    key(desk, K.Key_Tab)
    assert desk.quick_add.line.hasFocus()
    QTest.keyClicks(desk.quick_add.line, letters)
    QTest.keyClick(desk.quick_add.line, K.Key_Return, held)


def pick(desk, letters=""):
    """Type into the list of links and take the first that it finds."""
    line = desk.offers.links.line
    assert line.hasFocus()
    QTest.keyClicks(line, letters)
    QTest.keyClick(line, K.Key_Return)


def find(desk, letters):
    """Select a node by Ctrl+F."""
    key(desk, K.Key_F, CTRL)
    QTest.keyClicks(desk.find_bar.line, letters)
    QTest.keyClick(desk.find_bar.line, K.Key_Return)
    QTest.keyClick(desk.find_bar.line, K.Key_Escape)
    assert desk.view.hasFocus()


def rows(popup):
    return [popup.list.item(number).data(Qt.ItemDataRole.UserRole) for number in range(popup.list.count())]


def overlapping(desk):
    rects = {node: desk.scene.node_rect(node) for node in desk.scene.nodes}
    return [(one, other) for one in rects for other in rects if one < other and rects[one].intersects(rects[other])]


def test_the_guided_digit_is_built_by_keyboard_alone(empty, registry):
    desk = empty
    add(desk, "purenoise")
    add(desk, "unetmnist")
    add(desk, "cfgcomb")  # takes the network that is selected
    add(desk, "unetmnist")  # feeds the input of it that is free
    find(desk, "cfg_combine")
    add(desk, "itsam")
    key(desk, K.Key_K)
    pick(desk, "purenoise")
    add(desk, "saveimage")
    assert links(desk) == WANTED
    assert not check(desk.document.graph, registry) and not overlapping(desk)
    steps = []
    while desk.document.undo_label:
        steps.insert(0, desk.document.undo_label)
        desk.document.undo()
        check_law(desk)
    assert desk.document.graph == Graph()
    assert steps == [
        "Add PureNoise",
        "Add UNetMNIST",
        "Add CFGCombine, linked to unet_mnist.denoiser",
        "Add UNetMNIST, linked to cfg_combine.unconditional",
        "Add IterativeSampler, linked to cfg_combine.denoiser",
        "Link pure_noise.noisy to iterative_sampler.start",
        "Add SaveImage, linked to iterative_sampler.image",
    ]


@pytest.mark.parametrize("zoom", [1.0, 0.3])
def test_nodes_added_by_keys_lie_over_no_other_and_in_sight(empty, zoom):
    empty.view.zoom_at(zoom)
    for _ in range(3):
        empty.scene.select([])
        for kind in ("purenoise", "saveimage", "unetmnist", "purenoise"):
            add(empty, kind)
            (node,) = empty.scene.selection
            assert empty.view.visible_rect().contains(empty.scene.node_rect(node))
    assert len(empty.scene.nodes) == 12 and not overlapping(empty)


def test_a_node_is_added_beside_the_one_that_is_selected_as_high_as_it(desk):
    desk.scene.select(["save"])
    add(desk, "purenoise")
    old, new = desk.scene.node_rect("save"), desk.scene.node_rect("pure_noise")
    assert (new.left(), new.top()) == (old.right() + 60, old.top())
    desk.scene.select(["noise"])
    add(desk, "unetmnist")  # right of it, above guide, is room
    desk.scene.select(["noise"])
    add(desk, "unetmnist")  # but not for another one
    assert desk.scene.node_rect("unet_mnist").top() < desk.scene.node_rect("unet_mnist_2").top()
    assert not overlapping(desk)


def test_a_node_that_feeds_the_selected_one_comes_to_its_left(desk):
    desk.document.edit("Unlink", desk.document.graph.with_parts(links=LINKS[:3]))
    desk.scene.select(["sample"])
    add(desk, "purenoise")
    assert "pure_noise.noisy -> sample.start" in links(desk)
    assert desk.scene.node_rect("pure_noise").right() < desk.scene.node_rect("sample").left()
    assert not overlapping(desk)


def test_with_the_cursor_left_on_a_new_node_the_next_one_does_not_cover_it(desk):
    from driving import send_mouse

    send_mouse(desk.view, "move", desk.view.mapFromScene(QPointF(500, 740)))
    for _ in range(2):
        add(desk, "saveimage")
    assert not overlapping(desk)


def test_what_fits_the_selected_node_comes_first_and_says_so(desk):
    desk.scene.select(["noise"])
    key(desk, K.Key_Tab)
    found = rows(desk.quick_add)
    first = [row for row in found if row.value.start is not None]
    assert first and found[: len(first)] == first
    assert all(row.below.startswith("links noisy to ") for row in first)
    assert "IterativeSampler" in [row.title for row in first]
    assert {row.title for row in found} == set(desk.scene.catalogue.kinds)
    assert "Linked to noise" in desk.quick_add.heading.text()
    QTest.keyClick(desk.quick_add.line, K.Key_Escape)
    desk.scene.select(["noise", "digit"])
    key(desk, K.Key_Tab)
    assert all(row.value.start is None for row in rows(desk.quick_add))


def test_shift_and_enter_add_a_node_alone(desk):
    before = desk.document.graph
    desk.scene.select(["noise"])
    add(desk, "itsam", SHIFT)
    assert links(desk) == sorted(LINKS)
    check_undo(desk, before, "Add IterativeSampler")


# links


def test_link_to_lists_what_fits_and_enter_links_it(qtbot, catalogue, tmp_path):
    desk = open_desk(qtbot, catalogue, guided(LINKS[:3]), tmp_path)
    before = desk.document.graph
    desk.scene.select(["noise"])
    key(desk, K.Key_K)
    popup = desk.offers.links
    found = rows(popup)
    assert found[0].title == "sample.start" and found[0].below == "from noisy" and found[0].side == "IterativeSampler"
    assert desk.scene._live.isVisible() and desk.scene._live.end == desk.scene.port_pos(found[0].value.target)
    QTest.keyClicks(popup.line, "sastart")
    assert rows(popup)[0].title == "sample.start"
    QTest.keyClick(popup.line, K.Key_Return)
    assert links(desk) == sorted([*LINKS[:3], "noise.noisy -> sample.start"])
    assert not desk.scene._live.isVisible() and desk.view.hasFocus()
    check_undo(desk, before, "Link noise.noisy to sample.start")


def test_link_to_says_which_link_would_go(desk):
    desk.scene.select(["any"])
    key(desk, K.Key_K)
    titles = {row.title: row.below for row in rows(desk.offers.links)}
    assert titles["guide.conditional"] == "from denoiser, in place of digit.denoiser"
    assert "guide.unconditional" not in titles  # linked already
    pick(desk, "guide.cond")
    assert "any.denoiser -> guide.conditional" in links(desk) and len(links(desk)) == len(LINKS)
    check_law(desk)


def test_what_the_list_offers_can_all_be_linked(desk, catalogue):
    from nodegraph_gui.edits import connect, why_not_connect

    graph = desk.document.graph
    for node in graph.nodes:
        offered = joints(graph, catalogue, node)
        for joint in offered:
            assert not why_not_connect(graph, catalogue, joint.source, joint.target)
            after = connect(graph, catalogue, joint.source, joint.target)
            assert set(graph.links) - set(after.links) == ({joint.lost} - {None})
            assert len(set(after.links) - set(graph.links)) == 1
    everywhere = [joint for node in graph.nodes for joint in joints(graph, catalogue, node)]
    pairs = [(joint.source, joint.target) for joint in everywhere]
    assert len(pairs) == 2 * len(set(pairs))  # each is offered at both of its ends, and once at each


def test_link_to_where_nothing_fits_says_so(empty):
    add(empty, "purenoise")
    key(empty, K.Key_K)
    assert not empty.offers.links.isVisible() and "nothing here fits pure_noise" in empty.heard[-1]


def test_escape_links_nothing_and_leaves_no_wire(desk):
    before = desk.document.graph
    for code, held in ((K.Key_K, Qt.KeyboardModifier.NoModifier), (K.Key_K, SHIFT)):
        desk.scene.select(["any"])
        key(desk, code, held)
        QTest.keyClick(desk.offers.links.line, K.Key_Escape)
        assert not desk.offers.links.isVisible() and desk.view.hasFocus()
        desk.scene.select([])
        assert not any(wire.lit for wire in desk.scene.wires.values())
    assert desk.document.graph is before
    check_law(desk)


def test_unlink_lists_the_links_of_what_is_selected(desk):
    before = desk.document.graph
    desk.scene.select(["guide"])
    key(desk, K.Key_K, SHIFT)
    found = rows(desk.offers.links)
    assert sorted(str(row.value) for row in found) == sorted(LINKS[:3])
    pick(desk, "unconditional")
    assert links(desk) == sorted(set(LINKS) - {LINKS[1]})
    check_undo(desk, before, f"Unlink {LINKS[1]}")
    desk.document.edit("Unlink all", desk.document.graph.with_parts(links=()))
    assert not desk.actions["unlink"].isEnabled() and desk.actions["link"].isEnabled()


def test_an_undo_while_the_list_of_links_is_open_closes_it(desk):
    desk.scene.select(["noise"])
    add(desk, "saveimage", SHIFT)
    desk.scene.select(["noise"])
    key(desk, K.Key_K)
    assert desk.offers.links.isVisible()
    desk.document.undo()
    assert not desk.offers.links.isVisible() and not desk.scene._live.isVisible()


def test_a_link_is_drawn_to_a_list_and_behind_what_is_in_it(qtbot, catalogue, tmp_path):
    nodes = {"one": Node(type="LoadImage"), "two": Node(type="LoadImage"), "sheet": Node(type="ImageGrid")}
    places = {"positions": {"one": [0, 0], "two": [0, 400], "sheet": [400, 0]}}
    graph = Graph(nodes=nodes, links=["one.image -> sheet.images[0]"], canvas=places)
    desk = open_desk(qtbot, catalogue, graph, tmp_path)
    desk.scene.select(["two"])
    key(desk, K.Key_K)
    pick(desk, "sheet")
    assert links(desk) == ["one.image -> sheet.images[0]", "two.image -> sheet.images[1]"]
    check_law(desk)


def test_what_needs_a_link_comes_before_what_can_do_without(desk):
    desk.scene.select(["guide"])
    key(desk, K.Key_Tab)
    order = [choice.kind.id for choice in desk.quick_add.shown]
    assert order.index("IterativeSampler") < order.index("ExactGaussian") < order.index("UNetMNIST")


def test_a_list_about_a_node_does_not_cover_it(desk):
    for node in ("noise", "save"):  # at the left and at the right of the view
        desk.scene.select([node])
        key(desk, K.Key_K)
        rect = desk.view.mapFromScene(desk.scene.node_rect(node)).boundingRect()
        assert not desk.offers.links.geometry().intersects(rect)
        QTest.keyClick(desk.offers.links.line, K.Key_Escape)
