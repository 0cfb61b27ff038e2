"""Cutting, inserting, duplicating, resizing and double clicks, by real events on a shown window."""

from itertools import pairwise

import pytest
from desks import LINKS, PLACES, at, check_law, check_undo, key, links, open_desk, port, title
from driving import begin_drag, double_click, drag, drop, send_mouse
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from nodegraph import Graph, Node
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.palette import mime_for

SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
# cutting


def test_a_line_cuts_the_wires_that_it_crosses(desk):
    before = desk.document.graph
    drag(desk.view, (320, 280), (320, 620), keys=CTRL | ALT)
    assert links(desk) == sorted(
        set(LINKS) - {"digit.denoiser -> guide.conditional", "any.denoiser -> guide.unconditional"}
    )
    check_law(desk)
    check_undo(desk, before, "Cut 2 links")


def test_one_cut_link_is_named(desk):
    before = desk.document.graph
    y = port(desk, "save.image").y()
    drag(desk.view, (1070, y - 60), (1070, y + 60), keys=CTRL | ALT)
    check_undo(desk, before, "Cut sample.image -> save.image")


def test_y_held_cuts_as_well_and_not_after_it_was_let_go(desk):
    QTest.keyPress(desk.view, Qt.Key.Key_Y)
    drag(desk.view, (320, 280), (320, 620))
    assert len(links(desk)) == 3
    QTest.keyRelease(desk.view, Qt.Key.Key_Y)
    drag(desk.view, (320, 280), (330, 620))
    assert desk.document.undo_label == "Cut 2 links"


def test_what_would_be_cut_is_red_and_escape_cuts_nothing(desk):
    begin_drag(desk.view, (320, 280), (320, 620), keys=CTRL | ALT)
    gesture = desk.view.gesture
    assert sorted(map(str, gesture.links)) == [
        "any.denoiser -> guide.unconditional",
        "digit.denoiser -> guide.conditional",
    ]
    wire = desk.scene.wires[gesture.links[0]]
    middle = desk.view.mapFromScene((wire.start + wire.end) / 2)
    image = desk.view.viewport().grab().toImage()
    colours = [image.pixelColor(middle.x() + dx, middle.y() + dy) for dx in range(-6, 7) for dy in range(-6, 7)]
    assert any(colour.red() > 200 and colour.green() < 160 for colour in colours)
    key(desk, Qt.Key.Key_Escape)
    assert links(desk) == sorted(LINKS) and not desk.document.undo_label
    check_law(desk)


def test_a_line_over_nothing_is_no_edit(desk):
    drag(desk.view, (320, -60), (340, -20), keys=CTRL | ALT)
    assert not desk.document.undo_label
    check_law(desk)


def test_a_cut_through_a_list_takes_those_that_it_crosses_and_the_rest_moves_up(qtbot, catalogue, tmp_path):
    nodes = {name: Node(type="LoadImage") for name in "abc"} | {"grid": Node(type="ImageGrid")}
    places = {"a": [0, 0], "b": [0, 240], "c": [0, 480], "grid": [600, 200]}
    wires = [f"{name}.image -> grid.images[{index}]" for index, name in enumerate("abc")]
    desk = open_desk(qtbot, catalogue, Graph(nodes=nodes, links=wires, canvas={"positions": places}), tmp_path)
    drag(desk.view, (270, 20), (270, 380), keys=CTRL | ALT)
    assert links(desk) == ["c.image -> grid.images[0]"]
    check_law(desk)


# inserting


@pytest.fixture
def chain(qtbot, catalogue, tmp_path):
    """A picture on its way to a file, and a node beside it that takes and makes pictures."""
    nodes = {"load": Node(type="LoadImage"), "save": Node(type="SaveImage"), "crop": Node(type="Resize")}
    places = {"load": [0, 0], "save": [380, 0], "crop": [0, 400]}
    graph = Graph(nodes=nodes, links=["load.image -> save.image"], canvas={"positions": places})
    return open_desk(qtbot, catalogue, graph, tmp_path)


def middle_of_wire(desk):
    return (port(desk, "load.image") + port(desk, "save.image")) / 2


def test_a_node_dropped_on_a_wire_is_put_into_it_with_room_made(chain):
    before = chain.document.graph
    (wire,) = chain.scene.wires.values()
    begin_drag(chain.view, title(chain, "crop"), middle_of_wire(chain))
    assert wire.lit and chain.hints[-1] == "Let go to insert into load.image -> save.image"
    send_mouse(chain.view, "release", chain.view.mapFromScene(middle_of_wire(chain)))
    assert links(chain) == ["crop.image -> save.image", "load.image -> crop.image"]
    assert chain.scene.node_rect("save").left() >= chain.scene.node_rect("crop").right() + 20
    check_undo(chain, before, "Insert crop into load.image -> save.image")


def test_the_wire_is_lit_no_more_when_the_node_goes_on_or_escape_is_pressed(chain):
    (wire,) = chain.scene.wires.values()
    begin_drag(chain.view, title(chain, "crop"), middle_of_wire(chain))
    assert wire.lit
    send_mouse(chain.view, "move", chain.view.mapFromScene(QPointF(100, 600)))
    assert not wire.lit
    send_mouse(chain.view, "move", chain.view.mapFromScene(middle_of_wire(chain)))
    assert wire.lit
    key(chain, Qt.Key.Key_Escape)
    assert not wire.lit and links(chain) == ["load.image -> save.image"]
    check_law(chain)


def test_a_node_that_does_not_fit_is_only_moved(desk):
    start, end = port(desk, "noise.noisy"), port(desk, "sample.start")
    drag(desk.view, title(desk, "save"), (start + end) / 2)
    assert desk.document.undo_label == "Move save"
    assert links(desk) == sorted(LINKS)
    check_law(desk)


def test_a_kind_from_the_palette_is_put_into_a_wire(chain):
    before = chain.document.graph
    mime = mime_for("Resize")
    assert drop(chain.view, mime, middle_of_wire(chain))
    assert links(chain) == ["load.image -> resize.image", "resize.image -> save.image"]
    check_undo(chain, before, "Insert Resize into load.image -> save.image")


def test_what_is_put_into_a_short_wire_comes_after_its_source_and_pushes_the_rest_on(qtbot, catalogue, tmp_path):
    """The gap is half as wide as the node, and its ends are at different heights."""
    places = {"digit": [0, 400], "sample": [360, 0], "save": [720, 0]}
    kinds = ("UNetMNIST", "IterativeSampler", "SaveImage")
    nodes = {node: Node(type=kind) for node, kind in zip(places, kinds, strict=True)}
    wires = ["digit.denoiser -> sample.denoiser", "sample.image -> save.image"]
    desk = open_desk(qtbot, catalogue, Graph(nodes=nodes, links=wires, canvas={"positions": places}), tmp_path)
    before = desk.document.graph
    middle = (port(desk, "digit.denoiser") + port(desk, "sample.denoiser")) / 2
    mime = mime_for("CFGRescale")
    assert drop(desk.view, mime, middle)
    rects = [desk.scene.node_rect(node) for node in ("digit", "cfg_rescale", "sample", "save")]
    assert all(left.right() + 60 <= right.left() for left, right in pairwise(rects))
    assert rects[1].left() == rects[0].right() + 60 and rects[3].left() - rects[2].right() == 120
    assert rects[1].top() <= middle.y() <= rects[1].bottom()
    check_undo(desk, before, "Insert CFGRescale into digit.denoiser -> sample.denoiser")


def test_the_hint_says_what_a_drop_of_a_kind_would_do(chain):
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent

    def hover(mime, at, event=QDragMoveEvent):
        action, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(chain.view.viewport(), event(chain.view.mapFromScene(at), action, mime, left, none))
        return chain.hints[-1]

    fits, not_fitting = mime_for("Resize"), mime_for("PureNoise")
    assert hover(fits, QPointF(300, 600), QDragEnterEvent).startswith("Let go to place the node here, or on a wire")
    assert hover(fits, middle_of_wire(chain)) == "Let go to insert into load.image -> save.image"
    assert hover(fits, QPointF(300, 600)).startswith("Let go to place the node here, or on a wire")
    QApplication.sendEvent(chain.view.viewport(), QDragLeaveEvent())
    assert chain.hints[-1] == ""
    hover(not_fitting, QPointF(300, 600), QDragEnterEvent)
    said = hover(not_fitting, middle_of_wire(chain))
    assert said.startswith("Let go to place it here; it does not fit into the wire: PureNoise has no way through")
    QApplication.sendEvent(chain.view.viewport(), QDragLeaveEvent())


# duplicating


def test_alt_and_a_drag_leave_the_nodes_and_drop_copies(desk):
    before = desk.document.graph
    desk.scene.select(["digit", "guide"])
    drag(desk.view, title(desk, "digit"), title(desk, "digit") + QPointF(40, 400), keys=ALT)
    graph = desk.document.graph
    assert at(desk, "digit") == PLACES["digit"] and at(desk, "digit_2") == (40, 720)
    assert at(desk, "guide_2") == (420, 720)
    assert set(links(desk)) - set(LINKS) == {"digit_2.denoiser -> guide_2.conditional"}
    assert desk.scene.selection == {"digit_2", "guide_2"}
    assert graph.nodes["digit_2"] == graph.nodes["digit"]
    check_undo(desk, before, "Duplicate 2 nodes")


def test_with_shift_the_copies_are_linked_to_what_feeds_the_originals(desk):
    drag(desk.view, title(desk, "guide"), title(desk, "guide") + QPointF(0, 300), keys=ALT | SHIFT)
    new = set(links(desk)) - set(LINKS)
    assert new == {"digit.denoiser -> guide_2.conditional", "any.denoiser -> guide_2.unconditional"}
    check_law(desk)


def test_escape_makes_no_copies(desk):
    begin_drag(desk.view, title(desk, "guide"), title(desk, "guide") + QPointF(0, 300), keys=ALT)
    key(desk, Qt.Key.Key_Escape)
    assert not desk.document.undo_label
    check_law(desk)


# resizing


def test_a_node_is_made_wider_by_its_edge(desk):
    before = desk.document.graph
    rect = desk.scene.node_rect("guide")
    edge = QPointF(rect.right(), rect.bottom() - 8)
    drag(desk.view, edge, edge + QPointF(47, 5))
    assert desk.scene.node_rect("guide").width() == 280
    assert canvas_of(desk.document.graph).widths == {"guide": 280}
    check_undo(desk, before, "Resize guide")


def test_a_node_is_not_made_narrower_than_it_can_be_drawn(desk):
    rect = desk.scene.node_rect("guide")
    edge = QPointF(rect.right(), rect.bottom() - 8)
    drag(desk.view, edge, edge - QPointF(400, 0))
    assert desk.scene.node_rect("guide").width() == 140
    check_law(desk)


def test_a_note_and_a_frame_are_resized_by_edge_and_corner(framed):
    before = framed.document.graph
    drag(framed.view, (580, 700), (623, 759))
    assert framed.scene.notes[0].rect.size().toTuple() == (240, 160)
    check_undo(framed, before, "Resize a note")
    before = framed.document.graph
    drag(framed.view, (280, 100), (340, 300))
    assert framed.scene.frames[0].rect.size().toTuple() == (380, 340)
    check_undo(framed, before, "Resize a frame")
    drag(framed.view, (100, 280), (200, 301))
    assert framed.scene.frames[0].rect.size().toTuple() == (380, 360)


def test_the_edge_of_a_frame_below_a_node_is_the_nodes(framed):
    drag(framed.view, title(framed, "digit"), title(framed, "digit") + QPointF(140, -180))
    rect = framed.scene.node_rect("digit")
    edge = framed.scene.frames[0].rect.right()
    assert rect.left() < edge < rect.right()
    drag(framed.view, (edge, rect.top() + 10), (edge + 20, rect.top() + 10))
    assert framed.document.undo_label == "Move digit" and framed.scene.frames[0].rect.right() == edge


def test_the_cursor_says_what_can_be_resized(framed):
    def cursor(x, y):
        send_mouse(framed.view, "move", framed.view.mapFromScene(QPointF(x, y)), button=Qt.MouseButton.NoButton)
        return framed.view.viewport().cursor().shape()

    rect = framed.scene.node_rect("guide")
    assert cursor(rect.right(), rect.bottom() - 8) == Qt.CursorShape.SizeHorCursor
    assert cursor(580, 700) == Qt.CursorShape.SizeFDiagCursor
    assert cursor(480, 700) == Qt.CursorShape.SizeVerCursor
    assert cursor(900, 760) == Qt.CursorShape.ArrowCursor
    end = port(framed, "guide.denoiser")
    assert cursor(end.x(), end.y()) == Qt.CursorShape.CrossCursor


def test_escape_leaves_the_size(framed):
    begin_drag(framed.view, (580, 700), (700, 800))
    key(framed, Qt.Key.Key_Escape)
    assert not framed.document.undo_label
    check_law(framed)


# double clicks


def test_a_double_click_on_empty_canvas_opens_the_list_and_adds_there(desk):
    before = desk.document.graph
    double_click(desk.view, (500, 720))
    assert desk.quick_add.isVisible() and desk.quick_add.line.hasFocus()
    QTest.keyClicks(desk.quick_add.line, "purenoise")
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)
    assert at(desk, "pure_noise") == (380, 700)
    assert desk.view.hasFocus()
    check_undo(desk, before, "Add PureNoise")


def test_a_double_click_on_a_title_names_the_node_anew(desk):
    before = desk.document.graph
    double_click(desk.view, title(desk, "guide"))
    line = desk.view.findChild(QLineEdit, "line_over")
    assert line.hasFocus() and line.placeholderText() == "CFGCombine"
    QTest.keyClicks(line, "Guidance")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert desk.document.graph.nodes["guide"].title == "Guidance"
    assert desk.view.hasFocus()
    check_undo(desk, before, "Rename guide")


@pytest.mark.parametrize("end", ["escape", "elsewhere"])
def test_a_title_is_given_up_by_escape_and_taken_by_a_click_elsewhere(desk, end):
    double_click(desk.view, title(desk, "guide"))
    line = desk.view.findChild(QLineEdit, "line_over")
    QTest.keyClicks(line, "Guidance")
    if end == "escape":
        QTest.keyClick(line, Qt.Key.Key_Escape)
    else:
        send_mouse(desk.view, "press", desk.view.mapFromScene(QPointF(500, 720)))
        send_mouse(desk.view, "release", desk.view.mapFromScene(QPointF(500, 720)))
    assert desk.document.graph.nodes["guide"].title == (None if end == "escape" else "Guidance")
    assert not line.isVisible()


def test_a_double_click_on_a_frame_and_on_a_note_edits_them(framed):
    double_click(framed.view, (100, -46))
    line = framed.view.findChild(QLineEdit, "line_over")
    assert line.text() == "Noise"
    QTest.keyClicks(line, "Start")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert canvas_of(framed.document.graph).frames[0].title == "Start"
    before = framed.document.graph
    double_click(framed.view, (480, 650))
    text = framed.view.findChild(QPlainTextEdit, "text_over")
    assert text.toPlainText() == "Look" and text.hasFocus()
    QTest.keyClicks(text, "*Two*")
    QTest.keyClick(text, Qt.Key.Key_Return)
    QTest.keyClicks(text, "lines")
    QTest.keyClick(text, Qt.Key.Key_Return, CTRL)
    assert canvas_of(framed.document.graph).notes[0].text == "*Two*\nlines"
    check_undo(framed, before, "Edit a note")


def test_a_click_on_a_value_opens_its_editor(desk):
    opened = []
    desk.view.editing = lambda view, node, input: opened.append((node, input))
    where = desk.scene.field_rect("guide", "scale").center()
    drag(desk.view, where, where)
    assert opened == [("guide", "scale")]
    drag(desk.view, where, where + QPointF(40, 0))
    assert opened == [("guide", "scale")] and desk.document.undo_label == "Move guide"
