"""Each command by its key on a shown window: what it does, what it is called, and that it can be taken back."""

import json
from itertools import pairwise

import pytest
from desks import LINKS, PLACES, at, check_law, check_undo, key, links, open_desk, title
from driving import click, send_mouse
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog, QLineEdit, QPlainTextEdit

import nodegraph
from nodegraph import Graph
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.commands import COMMANDS

K = Qt.Key
NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
def point_at(desk, x, y):
    """Rest the cursor on a point of the scene."""
    send_mouse(desk.view, "move", desk.view.mapFromScene(QPointF(x, y)))


# the table


def test_no_two_commands_share_an_id_or_a_shortcut():
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    keys = [QKeySequence(shortcut).toString() for command in COMMANDS for shortcut in command.shortcuts]
    assert all(keys) and len(set(keys)) == len(keys)
    assert all(command.text and command.category and command.shortcuts for command in COMMANDS)


def test_with_nothing_selected_what_needs_a_selection_is_off_and_does_nothing(desk):
    before = desk.document.graph
    for command in COMMANDS:
        assert desk.actions[command.id].isEnabled() == command.enabled(desk)
    for code in (K.Key_Delete, K.Key_H, K.Key_M, K.Key_B, K.Key_F2, K.Key_Left, K.Key_Return):
        key(desk, code)
    for code in (K.Key_X, K.Key_D, K.Key_G):
        key(desk, code, CTRL)
    assert desk.document.graph is before
    desk.scene.select(["noise"])
    assert desk.actions["mute"].isEnabled() and not desk.actions["align_left"].isEnabled()


def test_on_an_empty_canvas_every_command_can_be_tried(qtbot, catalogue, tmp_path):
    desk = open_desk(qtbot, catalogue, Graph(), tmp_path)
    QGuiApplication.clipboard().setText("no graph")
    for command in COMMANDS:
        if command.id != "note":
            desk.actions[command.id].trigger()
    assert desk.document.graph == Graph()


# deleting


def test_delete_heals_the_chain(desk):
    before = desk.document.graph
    desk.scene.select(["guide"])
    key(desk, K.Key_Delete)
    assert "guide" not in desk.document.graph.nodes
    assert "digit.denoiser -> sample.denoiser" in links(desk)
    check_undo(desk, before, "Delete guide")


def test_backspace_deletes_and_ctrl_delete_leaves_a_gap(desk):
    desk.scene.select(["guide"])
    key(desk, K.Key_Delete, CTRL)
    assert links(desk) == ["noise.noisy -> sample.start", "sample.image -> save.image"]
    check_law(desk)
    desk.scene.select(["save", "any"])
    key(desk, K.Key_Backspace)
    assert set(desk.document.graph.nodes) == {"noise", "digit", "sample"}
    assert desk.document.undo_label == "Delete 2 nodes"


def test_frames_and_notes_are_deleted_without_the_nodes(framed):
    before = framed.document.graph
    framed.scene.select([("frame", 0), ("note", 0)])
    key(framed, K.Key_Delete)
    assert not framed.scene.frames and not framed.scene.notes
    assert framed.document.graph.nodes == before.nodes
    check_undo(framed, before, "Delete a frame and a note")


def test_what_undo_brings_back_is_selected(framed):
    framed.scene.select(["guide", "any", ("note", 0)])
    key(framed, K.Key_Delete)
    framed.scene.select(["noise"])
    assert framed.document.undo() and framed.scene.selected_keys == {"guide", "any", ("note", 0)}
    assert framed.document.redo() and framed.scene.selected_keys == frozenset()
    framed.scene.select(["noise"])
    key(framed, K.Key_M)
    assert framed.document.undo() and framed.scene.selected_keys == {"noise"}, "what only changed is not selected"


# copying


def test_copy_and_paste_through_the_text_of_a_graph(desk):
    before = desk.document.graph
    desk.scene.select(["digit", "guide"])
    key(desk, K.Key_C, CTRL)
    copied = nodegraph.loads(QGuiApplication.clipboard().text())
    assert set(copied.nodes) == {"digit", "guide"}
    assert [str(link) for link in copied.links] == ["digit.denoiser -> guide.conditional"]
    point_at(desk, 200, 760)
    key(desk, K.Key_V, CTRL)
    assert at(desk, "digit_2") == (200, 760) and at(desk, "guide_2") == (580, 760)
    assert desk.scene.selection == {"digit_2", "guide_2"}
    check_undo(desk, before, "Paste 2 nodes")


def test_what_one_window_copies_another_pastes(desk, qtbot, catalogue, tmp_path):
    desk.scene.select(desk.document.graph.nodes)
    key(desk, K.Key_C, CTRL)
    other = open_desk(qtbot, catalogue, Graph(), tmp_path)
    key(other, K.Key_V, CTRL)
    assert other.document.graph.nodes == desk.document.graph.nodes
    assert links(other) == links(desk)
    check_law(other)


def test_cut_takes_away_and_leaves_the_gap(framed):
    before = framed.document.graph
    framed.scene.select(["guide", ("note", 0)])
    key(framed, K.Key_X, CTRL)
    assert "guide" not in framed.document.graph.nodes and not framed.scene.notes
    assert links(framed) == ["noise.noisy -> sample.start", "sample.image -> save.image"]
    check_undo(framed, before, "Cut a note and guide")
    point_at(framed, 400, 400)
    key(framed, K.Key_V, CTRL)
    assert framed.document.graph.nodes["guide"] == before.nodes["guide"]
    assert canvas_of(framed.document.graph).notes[0].text == "Look"


def test_a_second_paste_at_one_place_does_not_hide_the_first(desk):
    desk.scene.select(["noise", "sample"])
    key(desk, K.Key_C, CTRL)
    point_at(desk, 300, 700)
    for _ in range(3):
        key(desk, K.Key_V, CTRL)
    first, *others = [at(desk, node) for node in ("noise_2", "noise_3", "noise_4")]
    assert others == [(first[0] + 40, first[1] + 40), (first[0] + 80, first[1] + 80)]
    rects = {(rect.x(), rect.y()) for rect in map(desk.scene.node_rect, desk.scene.nodes)}
    assert len(rects) == len(desk.scene.nodes)
    assert at(desk, "sample_3")[0] - others[0][0] == at(desk, "sample")[0] - at(desk, "noise")[0]


def test_a_paste_of_what_is_no_graph_says_so(desk):
    for text in ("", "hello", json.dumps({"nodegraph": 1, "nodes": 3})):
        QGuiApplication.clipboard().setText(text)
        key(desk, K.Key_V, CTRL)
        assert not desk.document.undo_label
        assert "holds no graph" in desk.heard[-1] and "\n" not in desk.heard[-1]
    key(desk, K.Key_V, CTRL)
    QGuiApplication.clipboard().setText("{}")
    key(desk, K.Key_V, CTRL)
    assert desk.heard[-1] == (
        'the clipboard holds no graph: nodegraph: is missing; a graph is like {"nodegraph": 1, "nodes": {}}'
    )
    QGuiApplication.clipboard().setText("[1]")
    key(desk, K.Key_V, CTRL)
    assert desk.heard[-1] == "the clipboard holds no graph: the text is [1], must be an object in { }"
    desk.scene.select(["noise"])
    key(desk, K.Key_C, CTRL)
    key(desk, K.Key_V, CTRL)
    assert desk.heard[-1] == "Pasted noise_2", "the hint is gone when it worked"


def test_duplicates_without_and_with_incoming_links(desk):
    before = desk.document.graph
    desk.scene.select(["guide"])
    key(desk, K.Key_D, CTRL)
    assert links(desk) == sorted(LINKS) and desk.scene.selection == {"guide_2"}
    assert at(desk, "guide_2") == (420, 360)
    check_undo(desk, before, "Duplicate guide")
    before = desk.document.graph
    desk.scene.select(["guide"])
    key(desk, K.Key_D, CTRL | SHIFT)
    new = set(links(desk)) - set(LINKS)
    assert new == {"digit.denoiser -> guide_3.conditional", "any.denoiser -> guide_3.unconditional"}
    check_undo(desk, before, "Duplicate guide with links")


# looks and modes


def test_f2_renames_a_node_a_frame_and_a_note(framed):
    framed.scene.select(["guide"])
    key(framed, K.Key_F2)
    line = framed.view.findChild(QLineEdit, "line_over")
    QTest.keyClicks(line, "More digit")
    QTest.keyClick(line, K.Key_Return)
    assert framed.document.graph.nodes["guide"].title == "More digit"
    check_law(framed)
    framed.scene.select([("note", 0)])
    key(framed, K.Key_F2)
    assert framed.view.findChild(QPlainTextEdit, "text_over").toPlainText() == "Look"


def test_letters_typed_into_a_title_do_nothing_to_the_nodes(desk):
    desk.scene.select(["guide"])
    key(desk, K.Key_F2)
    QTest.keyClicks(desk.view.findChild(QLineEdit, "line_over"), "mhblfc")
    assert not desk.document.undo_label


def test_h_collapses_all_and_expands_when_all_are_collapsed(desk):
    before = desk.document.graph
    desk.scene.select(["guide", "sample"])
    key(desk, K.Key_H)
    assert canvas_of(desk.document.graph).collapsed == {"guide", "sample"}
    check_undo(desk, before, "Collapse 2 nodes")
    desk.scene.select(["guide", "sample", "noise"])
    key(desk, K.Key_H)
    assert canvas_of(desk.document.graph).collapsed == {"guide", "sample", "noise"}
    key(desk, K.Key_H)
    assert canvas_of(desk.document.graph).collapsed == frozenset()
    assert desk.document.undo_label == "Expand 3 nodes"
    check_law(desk)


@pytest.mark.parametrize(
    ("code", "mode", "doing", "undoing"),
    [(K.Key_M, "mute", "Mute", "Unmute"), (K.Key_B, "bypass", "Bypass", "Do not bypass")],
)
def test_m_mutes_and_b_bypasses_and_again_takes_it_back(desk, code, mode, doing, undoing):
    before = desk.document.graph
    desk.scene.select(["guide", "save"])
    key(desk, code)
    assert {id for id, node in desk.document.graph.nodes.items() if node.mode == mode} == {"guide", "save"}
    check_undo(desk, before, f"{doing} 2 nodes")
    key(desk, code)
    assert desk.document.graph == before and desk.document.undo_label == f"{undoing} 2 nodes"


def test_c_asks_for_a_colour_and_gives_it_to_nodes_and_frames(framed):
    before = framed.document.graph
    framed.scene.select(["guide", ("frame", 0)])
    key(framed, K.Key_C)
    dialog = framed.view.window().findChild(QColorDialog)
    assert dialog.isVisible()
    dialog.setCurrentColor("#12ab34")
    dialog.accept()
    assert canvas_of(framed.document.graph).colours == {"guide": "#12ab34"}
    assert canvas_of(framed.document.graph).frames[0].colour == "#12ab34"
    check_undo(framed, before, "Colour a frame and guide")


def test_ctrl_g_frames_and_the_title_can_be_typed(desk):
    before = desk.document.graph
    desk.scene.select(["digit", "any"])
    key(desk, K.Key_G, CTRL)
    line = desk.view.findChild(QLineEdit, "line_over")
    QTest.keyClicks(line, "Two networks")
    QTest.keyClick(line, K.Key_Return)
    (frame,) = desk.scene.frames
    assert frame.frame.title == "Two networks"
    assert all(frame.rect.contains(desk.scene.node_rect(node)) for node in ("digit", "any"))
    assert desk.scene.selected_keys == {("frame", 0)}
    check_undo(desk, before, "Frame 2 nodes")
    assert desk.document.undo() and not desk.document.undo_label, "the frame and its title are one step"


@pytest.mark.parametrize("end", [K.Key_Escape, K.Key_Return])
def test_a_frame_that_got_no_title_does_not_swallow_the_next_edit(desk, end):
    desk.scene.select(["digit", "any"])
    key(desk, K.Key_G, CTRL)
    QTest.keyClick(desk.view.findChild(QLineEdit, "line_over"), end)
    framed = desk.document.graph
    key(desk, K.Key_F2)
    line = next(line for line in desk.view.findChildren(QLineEdit, "line_over") if line.isVisible())
    QTest.keyClicks(line, "Later")
    QTest.keyClick(line, K.Key_Return)
    check_undo(desk, framed, "Rename a frame")


def test_ctrl_shift_n_adds_a_note_where_the_cursor_is_and_it_can_be_typed(desk):
    point_at(desk, 420, 700)
    key(desk, K.Key_N, CTRL | SHIFT)
    text = desk.view.findChild(QPlainTextEdit, "text_over")
    QTest.keyClicks(text, "# Why")
    QTest.keyClick(text, K.Key_Return, CTRL)
    (note,) = desk.scene.notes
    assert note.note.text == "# Why" and note.rect.topLeft() == QPointF(420, 700)
    check_law(desk)
    assert desk.document.undo_label == "Add a note"
    assert desk.document.undo() and not desk.document.undo_label, "the note and its text are one step"


# order


def test_l_arranges_so_that_wires_run_to_the_right_and_nothing_overlaps(desk):
    before = desk.document.graph
    key(desk, K.Key_L)
    rects = {node: desk.scene.node_rect(node) for node in before.nodes}
    for link in before.links:
        assert rects[link.source].right() < rects[link.target].left()
    names = sorted(rects)
    assert not any(rects[a].intersects(rects[b]) for a in names for b in names if a < b)
    check_undo(desk, before, "Arrange everything")


@pytest.mark.parametrize(
    ("code", "edge"),
    [
        (K.Key_Left, "left"),
        (K.Key_Right, "right"),
        (K.Key_Up, "top"),
        (K.Key_Down, "bottom"),
        (K.Key_C, "centre"),
        (K.Key_R, "middle"),
    ],
)
def test_nodes_are_brought_in_line(desk, code, edge):
    before = desk.document.graph
    desk.scene.select(["noise", "guide", "save"])
    key(desk, code, CTRL | SHIFT)
    rects = [desk.scene.node_rect(node) for node in ("noise", "guide", "save")]
    places = {
        "left": [rect.left() for rect in rects],
        "right": [rect.right() for rect in rects],
        "top": [rect.top() for rect in rects],
        "bottom": [rect.bottom() for rect in rects],
        "centre": [rect.center().x() for rect in rects],
        "middle": [rect.center().y() for rect in rects],
    }[edge]
    assert max(places) - min(places) <= 1
    check_undo(desk, before, "Align 3 nodes")


@pytest.mark.parametrize("code", [K.Key_H, K.Key_V])
def test_nodes_are_put_at_equal_distances(desk, code):
    before = desk.document.graph
    desk.scene.select(["noise", "guide", "save", "any"])
    key(desk, code, CTRL | SHIFT)
    rects = [desk.scene.node_rect(node) for node in desk.scene.selection]
    sides = [(rect.left(), rect.right()) if code == K.Key_H else (rect.top(), rect.bottom()) for rect in rects]
    sides.sort(key=sum)
    gaps = [after[0] - before[1] for before, after in pairwise(sides)]
    assert max(gaps) - min(gaps) <= 2
    check_undo(desk, before, "Distribute 4 nodes")


@pytest.mark.parametrize(
    ("code", "step"), [(K.Key_Left, (-1, 0)), (K.Key_Right, (1, 0)), (K.Key_Up, (0, -1)), (K.Key_Down, (0, 1))]
)
def test_arrow_keys_nudge_in_one_step_of_the_history(desk, code, step):
    before = desk.document.graph
    desk.scene.select(["noise", "guide"])
    for _ in range(3):
        key(desk, code)
    key(desk, code, SHIFT)
    moved = 61
    assert at(desk, "noise") == (moved * step[0], moved * step[1])
    assert at(desk, "guide") == (380 + moved * step[0], 320 + moved * step[1])
    assert at(desk, "save") == PLACES["save"]
    check_undo(desk, before, "Nudge 2 nodes")


def test_another_selection_begins_another_step(desk):
    for node in ("noise", "guide", "noise"):
        click(desk.view, title(desk, node))
        key(desk, K.Key_Right)
    desk.document.undo()
    assert at(desk, "noise") == (20, 0) and at(desk, "guide") == (400, 320)


# selecting, looking, finding


def test_selecting_by_keys(framed):
    everything = set(PLACES) | {("frame", 0), ("note", 0)}
    key(framed, K.Key_A, CTRL)
    assert framed.scene.selected_keys == everything
    key(framed, K.Key_A, CTRL | SHIFT)
    assert framed.scene.selected_keys == frozenset()
    framed.scene.select(["guide"])
    key(framed, K.Key_L, CTRL)
    assert framed.scene.selected_keys == {"digit", "any", "guide", "sample", "save"}
    key(framed, K.Key_I, CTRL)
    assert framed.scene.selected_keys == {"noise", ("frame", 0), ("note", 0)}
    assert not framed.document.undo_label


def test_looking_by_keys(desk):
    view = desk.view
    desk.scene.select(["save"])
    key(desk, K.Key_F)
    assert (view.visible_rect().center() - desk.scene.node_rect("save").center()).manhattanLength() < 4
    key(desk, K.Key_Home)
    assert view.visible_rect().contains(desk.scene.content_rect())
    key(desk, K.Key_Plus, CTRL)
    near = view.zoom
    key(desk, K.Key_Minus, CTRL)
    assert view.zoom == pytest.approx(near * 0.8)
    key(desk, K.Key_0, CTRL)
    assert view.zoom == pytest.approx(1.0)
    assert not desk.document.undo_label


def test_ctrl_f_finds_and_enter_goes_from_hit_to_hit(desk):
    key(desk, K.Key_F, CTRL)
    bar = desk.find_bar
    assert bar.isVisible() and bar.line.hasFocus()
    QTest.keyClicks(bar.line, "unet")
    assert bar.count.text() == "2"
    QTest.keyClick(bar.line, K.Key_Return)
    assert desk.scene.selection == {"digit"} and bar.count.text() == "1 of 2"
    assert (desk.view.visible_rect().center() - desk.scene.node_rect("digit").center()).manhattanLength() < 4
    QTest.keyClick(bar.line, K.Key_Return)
    assert desk.scene.selection == {"any"}
    QTest.keyClick(bar.line, K.Key_Return)
    assert desk.scene.selection == {"digit"}
    QTest.keyClick(bar.line, K.Key_Return, SHIFT)
    assert desk.scene.selection == {"any"} and bar.count.text() == "2 of 2"
    QTest.keyClicks(bar.line, "zz")
    QTest.keyClick(bar.line, K.Key_Return)
    assert bar.count.text() == "none" and desk.scene.selection == {"any"}
    QTest.keyClick(bar.line, K.Key_Escape)
    assert not bar.isVisible() and desk.view.hasFocus()


def test_the_find_bar_finds_frames_and_notes_and_stays_at_the_right(framed):
    key(framed, K.Key_F, CTRL)
    bar = framed.find_bar
    QTest.keyClicks(bar.line, "look")
    QTest.keyClick(bar.line, K.Key_Return)
    assert framed.scene.selected_keys == {("note", 0)}
    framed.view.resize(900, 700)
    assert framed.view.rect().contains(bar.geometry()) and bar.geometry().right() > 850


def test_tab_opens_the_list_where_the_cursor_is(desk):
    before = desk.document.graph
    point_at(desk, 500, 720)
    key(desk, K.Key_Tab)
    assert desk.quick_add.isVisible() and desk.quick_add.line.hasFocus()
    QTest.keyClicks(desk.quick_add.line, "saveimage")
    QTest.keyClick(desk.quick_add.line, K.Key_Return)
    assert at(desk, "save_image") == (380, 700)
    check_undo(desk, before, "Add SaveImage")


def test_enter_opens_the_first_value(desk):
    opened = []
    desk.view.editing = lambda view, node, input: opened.append((node, input))
    desk.scene.select(["guide"])
    key(desk, K.Key_Return)
    desk.scene.select(["sample"])
    key(desk, K.Key_Enter)
    assert opened == [("guide", "scale"), ("sample", "steps")]
