"""Selecting and moving, by a real mouse on a shown window."""

import pytest
from desks import PLACES, at, check_law, check_undo, guided, key, open_desk, title
from driving import begin_drag, click, drag, send_mouse
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.edits import set_colour

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
EMPTY = QPointF(420, 120)
def move_by(start, x, y):
    return start, start + QPointF(x, y)


def test_wires_among_what_is_moved_lie_where_they_did_beside_it(desk):
    desk.scene.select(["digit", "any", "guide"])
    drag(desk.view, *move_by(title(desk, "guide"), 60, 80))
    check_law(desk)
    begin_drag(desk.view, *move_by(title(desk, "guide"), 60, 80))
    desk.document.edit("Colour", set_colour(desk.document.graph, ["any"], "#ff0000"))
    desk.document.edit("Set", desk.document.graph.set("noise", seed=4))
    desk.view.cancel()
    check_law(desk)


# selecting


def test_a_click_selects_one_and_another_click_another(desk):
    click(desk.view, title(desk, "noise"))
    assert desk.scene.selection == {"noise"}
    click(desk.view, title(desk, "guide"))
    assert desk.scene.selection == {"guide"}
    click(desk.view, EMPTY)
    assert desk.scene.selection == frozenset()
    assert not desk.document.undo_label


def test_shift_adds_and_ctrl_turns_over(desk):
    click(desk.view, title(desk, "noise"))
    click(desk.view, title(desk, "guide"), keys=SHIFT)
    assert desk.scene.selection == {"noise", "guide"}
    click(desk.view, title(desk, "guide"), keys=SHIFT)
    assert desk.scene.selection == {"noise", "guide"}
    click(desk.view, title(desk, "noise"), keys=CTRL)
    assert desk.scene.selection == {"guide"}
    click(desk.view, title(desk, "noise"), keys=CTRL)
    assert desk.scene.selection == {"noise", "guide"}
    click(desk.view, EMPTY, keys=SHIFT)
    assert desk.scene.selection == {"noise", "guide"}


def test_a_click_on_one_of_several_selects_it_alone(desk):
    desk.scene.select(["noise", "guide"])
    click(desk.view, title(desk, "noise"))
    assert desk.scene.selection == {"noise"}


def test_a_rectangle_selects_what_it_touches(desk):
    drag(desk.view, (-30, 300), (300, 700))
    assert desk.scene.selection == {"digit", "any"}
    check_law(desk)


def test_a_rectangle_adds_with_shift_and_turns_over_with_ctrl(desk):
    desk.scene.select(["noise", "digit"])
    drag(desk.view, (-30, 300), (300, 700), keys=SHIFT)
    assert desk.scene.selection == {"noise", "digit", "any"}
    drag(desk.view, (-30, 300), (300, 700), keys=CTRL)
    assert desk.scene.selection == {"noise"}


def test_a_rectangle_that_shrinks_lets_go(desk):
    begin_drag(desk.view, (-30, 300), (300, 700))
    assert desk.scene.selection == {"digit", "any"}
    send_mouse(desk.view, "move", desk.view.mapFromScene(QPointF(-10, 310)))
    assert desk.scene.selection == frozenset()
    send_mouse(desk.view, "release", desk.view.mapFromScene(QPointF(-10, 310)))
    check_law(desk)


def test_escape_gives_the_selection_back(desk):
    desk.scene.select(["save"])
    begin_drag(desk.view, (-30, 300), (300, 700))
    assert desk.scene.selection == {"digit", "any"}
    key(desk, Qt.Key.Key_Escape)
    assert desk.scene.selection == {"save"}
    check_law(desk)


def test_a_rectangle_takes_frames_that_lie_in_it_and_notes_that_it_touches(framed):
    drag(framed.view, (-60, -100), (330, 300))
    assert framed.scene.selected_keys == {"noise", ("frame", 0)}
    drag(framed.view, (360, 590), (400, 640))
    assert framed.scene.selected_keys == {("note", 0)}


def test_a_frame_is_taken_by_its_title_only(framed):
    click(framed.view, (100, -46))
    assert framed.scene.selected_keys == {("frame", 0)}
    click(framed.view, (-30, 200))
    assert framed.scene.selected_keys == frozenset()


# moving


def test_a_node_moves_with_its_wires_and_snaps(desk):
    before = desk.document.graph
    drag(desk.view, *move_by(title(desk, "noise"), 33, 48))
    assert at(desk, "noise") == (40, 40)
    assert canvas_of(desk.document.graph).positions["noise"] == (40, 40)
    assert desk.scene.selection == {"noise"}
    check_law(desk)
    check_undo(desk, before, "Move noise")


def test_several_move_together_and_keep_their_distances(desk):
    before = desk.document.graph
    desk.scene.select(["noise", "digit", "guide"])
    drag(desk.view, *move_by(title(desk, "digit"), 100, -60))
    for node in ("noise", "digit", "guide"):
        assert at(desk, node) == (PLACES[node][0] + 100, PLACES[node][1] - 60)
    assert at(desk, "any") == PLACES["any"]
    assert desk.scene.selection == {"noise", "digit", "guide"}
    check_undo(desk, before, "Move 3 nodes")


def test_shift_moves_off_the_grid_and_the_preference_turns_that_round(desk):
    start, end = move_by(title(desk, "noise"), 33, 47)
    begin_drag(desk.view, start, end)
    send_mouse(desk.view, "move", desk.view.mapFromScene(end), keys=SHIFT)
    send_mouse(desk.view, "release", desk.view.mapFromScene(end), keys=SHIFT)
    assert at(desk, "noise") == (33, 47)
    desk.snap = False
    drag(desk.view, *move_by(title(desk, "noise"), 10, 4))
    assert at(desk, "noise") == (43, 51)


@pytest.mark.parametrize(("drift", "moves"), [((3, 3), False), ((4, -2), False), ((5, 4), True)])
def test_a_click_that_strays_a_little_moves_nothing(desk, drift, moves):
    desk.snap = False
    where = desk.view.mapFromScene(title(desk, "noise"))
    send_mouse(desk.view, "press", where)
    send_mouse(desk.view, "move", where + QPoint(*drift))
    send_mouse(desk.view, "release", where + QPoint(*drift))
    assert (at(desk, "noise") != (0, 0)) == moves
    assert bool(desk.document.undo_label) == moves
    assert desk.scene.selection == {"noise"}


def test_moving_away_and_back_is_no_edit(desk):
    start = title(desk, "noise")
    begin_drag(desk.view, start, start + QPointF(100, 100))
    send_mouse(desk.view, "move", desk.view.mapFromScene(start))
    send_mouse(desk.view, "release", desk.view.mapFromScene(start))
    assert not desk.document.undo_label
    check_law(desk)


def test_escape_puts_all_back_and_the_release_that_follows_does_nothing(desk):
    desk.scene.select(["save"])
    start, end = move_by(title(desk, "noise"), 200, 100)
    begin_drag(desk.view, start, end)
    assert at(desk, "noise") == (200, 100)
    key(desk, Qt.Key.Key_Escape)
    assert at(desk, "noise") == (0, 0)
    assert desk.scene.selection == {"save"}
    send_mouse(desk.view, "release", desk.view.mapFromScene(end))
    assert not desk.document.undo_label
    check_law(desk)


def test_nothing_is_written_before_the_release(desk):
    begin_drag(desk.view, *move_by(title(desk, "noise"), 200, 100))
    assert not desk.document.undo_label and any("Shift" in hint for hint in desk.hints)
    send_mouse(desk.view, "release", QPoint(5, 5))
    assert desk.document.undo_label == "Move noise"
    assert desk.hints[-1] == ""


def test_a_frame_carries_what_is_in_it(framed):
    before = framed.document.graph
    drag(framed.view, *move_by(QPointF(100, -46), 60, -40))
    assert at(framed, "noise") == (60, -40)
    assert at(framed, "digit") == PLACES["digit"]
    assert framed.scene.frames[0].rect.topLeft() == QPointF(20, -100)
    check_undo(framed, before, "Move a frame and noise")


def test_a_note_moves(framed):
    before = framed.document.graph
    drag(framed.view, *move_by(QPointF(480, 650), 40, 20))
    assert framed.scene.notes[0].rect.topLeft() == QPointF(420, 620)
    check_undo(framed, before, "Move a note")


def test_a_graph_without_positions_keeps_what_is_seen_when_one_node_moves(qtbot, catalogue, tmp_path):
    graph = guided().with_canvas({})
    desk = open_desk(qtbot, catalogue, graph, tmp_path)
    seen = {node: at(desk, node) for node in graph.nodes}
    desk.view.look_at(title(desk, "noise"), 1.0)
    drag(desk.view, *move_by(title(desk, "noise"), 0, -40))
    moved = {**seen, "noise": (seen["noise"][0], seen["noise"][1] - 40)}
    assert {node: at(desk, node) for node in graph.nodes} == moved
    assert canvas_of(desk.document.graph).positions == moved
    check_law(desk)
    check_undo(desk, graph, "Move noise")


def test_a_node_that_goes_away_during_its_drag_is_let_go(desk):
    start, end = move_by(title(desk, "noise"), 100, 60)
    begin_drag(desk.view, start, end)
    graph = desk.document.graph.remove("noise")
    desk.document.edit("Delete noise", graph)
    send_mouse(desk.view, "release", desk.view.mapFromScene(end))
    assert desk.document.graph.nodes.keys() == graph.nodes.keys()
    check_law(desk)


@pytest.mark.parametrize("pressed", [Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_M, Qt.Key.Key_Delete])
def test_keys_during_a_drag_harm_nothing(desk, pressed):
    before = desk.document.graph
    begin_drag(desk.view, *move_by(title(desk, "noise"), 200, 100))
    QTest.keyClick(desk.view, pressed)
    assert desk.document.graph is before and desk.view.gesture is not None
    QTest.keyClick(desk.view, Qt.Key.Key_Escape)
    assert desk.document.graph is before and desk.view.gesture is None
