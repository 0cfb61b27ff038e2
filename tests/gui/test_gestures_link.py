"""Drawing wires by a real mouse on a shown window."""

import pytest
from desks import LINKS, at, check_law, check_undo, guided, key, links, open_desk, port, ref, title
from driving import begin_drag, drag, send_mouse
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from nodegraph import Graph, Node
from nodegraph_gui.shapes import HEADER

EMPTY = QPointF(400, 700)


@pytest.fixture
def desk(qtbot, catalogue, tmp_path):
    return open_desk(qtbot, catalogue, guided(links=()), tmp_path)


@pytest.fixture
def linked(qtbot, catalogue, tmp_path):
    return open_desk(qtbot, catalogue, guided(), tmp_path)


@pytest.fixture
def sheet(qtbot, catalogue, tmp_path):
    """Three pictures in a grid, and one that is loose."""
    nodes = {name: Node(type="LoadImage") for name in ("a", "b", "c", "d")} | {"grid": Node(type="ImageGrid")}
    places = {"a": [0, 0], "b": [0, 240], "c": [0, 480], "d": [0, 720], "grid": [500, 200]}
    wires = [f"{name}.image -> grid.images[{index}]" for index, name in enumerate("abc")]
    return open_desk(qtbot, catalogue, Graph(nodes=nodes, links=wires, canvas={"positions": places}), tmp_path)


def body(desk, node):
    """A point in a node that no port is near: the middle of its title."""
    return title(desk, node)


def test_a_wire_from_an_output_to_an_input(desk):
    before = desk.document.graph
    drag(desk.view, port(desk, "noise.noisy"), port(desk, "sample.start"))
    assert links(desk) == ["noise.noisy -> sample.start"]
    check_law(desk)
    check_undo(desk, before, "Link noise.noisy to sample.start")


def test_a_wire_from_an_input_to_an_output(desk):
    before = desk.document.graph
    drag(desk.view, port(desk, "sample.start"), port(desk, "noise.noisy"))
    assert links(desk) == ["noise.noisy -> sample.start"]
    check_undo(desk, before, "Link noise.noisy to sample.start")


@pytest.mark.parametrize(("distance", "linked"), [(20, True), (23, True), (60, False)])
def test_the_nearest_port_within_24_pixels_takes_the_wire(desk, distance, linked):
    desk.view.zoom_at(0.8)
    away = QPointF(-desk.view.pixels(distance), 0)
    drag(desk.view, port(desk, "noise.noisy"), port(desk, "sample.start") + away)
    assert (links(desk) == ["noise.noisy -> sample.start"]) == linked
    if not linked:
        assert desk.quick_add.isVisible()


def test_while_dragging_what_fits_glows_and_the_rest_says_why_not(desk):
    begin_drag(desk.view, port(desk, "noise.noisy"), EMPTY)
    why = {each: desk.scene.nodes[each.node].glow.get(each) for each in desk.scene.ports() if each.is_input}
    assert why[ref(desk, "sample.start")] == ""
    assert why[ref(desk, "guide.conditional")].startswith("noisy is a Noisy, conditional takes a Denoiser")
    assert why[ref(desk, "save.image")] == ""  # it is converted
    assert why[ref(desk, "noise.seed")] not in ("", None)
    assert set(why.values()) >= {""} and None not in why.values()
    assert desk.scene._live.isVisible()
    key(desk, Qt.Key.Key_Escape)
    assert not desk.scene._live.isVisible()
    assert links(desk) == [] and not desk.document.undo_label
    check_law(desk)


def test_the_hint_names_the_link_to_come_or_the_reason(desk):
    begin_drag(desk.view, port(desk, "noise.noisy"), port(desk, "sample.start"))
    assert desk.hints[-1] == "Link noise.noisy to sample.start"
    send_mouse(desk.view, "move", desk.view.mapFromScene(port(desk, "guide.conditional")))
    assert desk.hints[-1].startswith("noisy is a Noisy, conditional takes a Denoiser")
    send_mouse(desk.view, "move", desk.view.mapFromScene(EMPTY))
    assert "list of nodes" in desk.hints[-1]
    key(desk, Qt.Key.Key_Escape)
    assert desk.hints[-1] == ""


def test_a_drop_on_a_body_takes_the_free_port_that_fits(desk):
    before = desk.document.graph
    drag(desk.view, port(desk, "digit.denoiser"), body(desk, "guide"))
    drag(desk.view, port(desk, "any.denoiser"), body(desk, "guide"))
    assert links(desk) == ["any.denoiser -> guide.unconditional", "digit.denoiser -> guide.conditional"]
    drag(desk.view, port(desk, "sample.denoiser"), body(desk, "guide"))
    assert "guide.denoiser -> sample.denoiser" in links(desk)
    check_law(desk)
    for _ in range(3):
        desk.document.undo()
    assert desk.document.graph == before


def test_a_drop_on_a_body_that_takes_nothing_says_so(desk):
    drag(desk.view, port(desk, "noise.noisy"), body(desk, "digit"))
    assert links(desk) == [] and not desk.quick_add.isVisible()
    assert desk.heard == ["digit has no port for that"]
    check_law(desk)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("sample.denoiser", "noisy is a Noisy, denoiser takes a Denoiser"),  # right beside one that fits
        ("digit.denoiser", "noise.noisy and digit.denoiser are both outputs"),
        ("noise.seed", "noisy is a Noisy, seed takes"),
    ],
)
def test_a_drop_right_on_a_port_that_does_not_fit_says_why_and_links_nothing_else(desk, end, why):
    for away in (QPointF(0, 0), QPointF(-4, 3)):
        begin_drag(desk.view, port(desk, "noise.noisy"), port(desk, end) + away)
        assert not desk.scene._live.ok and desk.hints[-1].startswith(why)
        send_mouse(desk.view, "release", desk.view.mapFromScene(port(desk, end) + away))
        assert links(desk) == [] and not desk.quick_add.isVisible()
        assert desk.heard[-1].startswith(why)
    check_law(desk)


def test_elsewhere_on_the_node_the_port_that_fits_takes_the_wire(desk):
    drag(desk.view, port(desk, "noise.noisy"), port(desk, "sample.denoiser") + QPointF(40, 0))
    assert links(desk) == ["noise.noisy -> sample.start"]


@pytest.mark.parametrize("start", ["noise.noisy", "sample.start"])
def test_a_wire_let_go_beside_the_canvas_changes_nothing(linked, start):
    before = linked.document.graph
    beside = linked.view.mapToScene(linked.view.viewport().rect().topRight()) + QPointF(60, 300)
    begin_drag(linked.view, port(linked, start), beside)
    assert not linked.scene._live.ok and "Beside the canvas" in linked.hints[-1]
    send_mouse(linked.view, "release", linked.view.mapFromScene(beside))
    assert linked.document.graph is before and not linked.quick_add.isVisible() and linked.heard == []
    check_law(linked)


def test_a_link_that_would_run_in_a_circle_is_refused(linked):
    before = linked.document.graph
    drag(linked.view, port(linked, "guide.denoiser"), port(linked, "guide.conditional"))
    assert linked.document.graph == before
    check_law(linked)


def test_an_occupied_input_takes_the_new_wire(linked):
    before = linked.document.graph
    drag(linked.view, port(linked, "any.denoiser"), port(linked, "guide.conditional"))
    assert "any.denoiser -> guide.conditional" in links(linked)
    assert "digit.denoiser -> guide.conditional" not in links(linked)
    check_undo(linked, before, "Link any.denoiser to guide.conditional")


def test_a_wire_is_taken_off_an_input_and_let_go_over_nothing(linked):
    before = linked.document.graph
    drag(linked.view, port(linked, "sample.start"), EMPTY)
    assert links(linked) == sorted(set(LINKS) - {"noise.noisy -> sample.start"})
    assert not linked.quick_add.isVisible()
    check_undo(linked, before, "Unlink noise.noisy -> sample.start")


def test_a_wire_is_taken_off_and_put_elsewhere(linked):
    before = linked.document.graph
    drag(linked.view, port(linked, "guide.conditional"), port(linked, "sample.denoiser"))
    assert "digit.denoiser -> sample.denoiser" in links(linked)
    assert "digit.denoiser -> guide.conditional" not in links(linked)
    assert "guide.denoiser -> sample.denoiser" not in links(linked)
    check_undo(linked, before, "Link digit.denoiser to sample.denoiser")


@pytest.mark.parametrize("where", ["back", "body", "elsewhere"])
def test_a_wire_that_is_put_back_is_no_edit(linked, where):
    place = {
        "back": port(linked, "sample.start"),
        "body": body(linked, "sample"),
        "elsewhere": body(linked, "digit"),
    }[where]
    start = port(linked, "sample.start")
    begin_drag(linked.view, start, EMPTY)
    send_mouse(linked.view, "move", linked.view.mapFromScene(place))
    send_mouse(linked.view, "release", linked.view.mapFromScene(place))
    assert links(linked) == sorted(LINKS) and not linked.document.undo_label
    check_law(linked)


def test_escape_puts_a_wire_back_that_was_taken_off(linked):
    begin_drag(linked.view, port(linked, "sample.start"), EMPTY)
    wire = next(wire for link, wire in linked.scene.wires.items() if str(link) == "noise.noisy -> sample.start")
    assert not wire.isVisible()
    key(linked, Qt.Key.Key_Escape)
    assert wire.isVisible() and links(linked) == sorted(LINKS)
    check_law(linked)


def test_a_press_on_a_port_without_a_drag_does_nothing(linked):
    drag(linked.view, port(linked, "sample.start"), port(linked, "sample.start") + QPointF(2, 1))
    assert links(linked) == sorted(LINKS)
    check_law(linked)


# lists


def order(desk):
    return [link.source for link in sorted(desk.document.graph.links, key=lambda link: link.index)]


def test_a_wire_goes_to_the_free_place_of_a_list(sheet):
    before = sheet.document.graph
    drag(sheet.view, port(sheet, "d.image"), port(sheet, "grid.images[3]"))
    assert order(sheet) == ["a", "b", "c", "d"]
    check_undo(sheet, before, "Link d.image to grid.images[3]")


def test_a_drop_on_the_body_goes_behind_the_last(sheet):
    drag(sheet.view, port(sheet, "d.image"), body(sheet, "grid"))
    assert order(sheet) == ["a", "b", "c", "d"]
    check_law(sheet)


@pytest.mark.parametrize(("start", "end", "wanted"), [(0, 2, "bca"), (2, 0, "cab"), (0, 3, "bca"), (1, 1, "abc")])
def test_a_list_is_put_in_another_order(sheet, start, end, wanted):
    before = sheet.document.graph
    first, last = port(sheet, f"grid.images[{start}]"), port(sheet, f"grid.images[{end}]")
    begin_drag(sheet.view, first, first + QPointF(-100, 0))
    for kind in ("move", "release"):
        send_mouse(sheet.view, kind, sheet.view.mapFromScene(last))
    assert order(sheet) == list(wanted)
    if wanted == "abc":
        assert sheet.document.graph == before
        check_law(sheet)
    else:
        check_undo(sheet, before, f"Move {'abc'[start]}.image -> grid.images[{start}] to place {end}")


def test_a_wire_taken_off_a_list_lets_the_others_move_up(sheet):
    before = sheet.document.graph
    drag(sheet.view, port(sheet, "grid.images[0]"), (400, 900))
    assert links(sheet) == ["b.image -> grid.images[0]", "c.image -> grid.images[1]"]
    check_undo(sheet, before, "Unlink a.image -> grid.images[0]")


def test_a_wire_onto_a_taken_place_of_a_list_replaces_that_one(sheet):
    before = sheet.document.graph
    drag(sheet.view, port(sheet, "d.image"), port(sheet, "grid.images[1]"))
    assert order(sheet) == ["a", "d", "c"]
    check_undo(sheet, before, "Link d.image to grid.images[1]")


# dropped on empty canvas


def test_a_wire_dropped_on_empty_canvas_offers_what_fits_and_links_it(desk):
    before = desk.document.graph
    drag(desk.view, port(desk, "digit.denoiser"), (420, 720))
    assert desk.quick_add.isVisible() and desk.quick_add.line.hasFocus()
    assert desk.scene._live.isVisible()
    offered = {choice.kind.id for choice in desk.quick_add.shown}
    assert {"CFGCombine", "IterativeSampler"} <= offered and "SaveImage" not in offered
    QTest.keyClicks(desk.quick_add.line, "itsam")
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)
    assert links(desk) == ["digit.denoiser -> iterative_sampler.denoiser"]
    assert at(desk, "iterative_sampler")[0] == 420
    assert abs(port(desk, "iterative_sampler.denoiser").y() - 720) <= HEADER + 30
    assert desk.scene.selection == {"iterative_sampler"}
    check_undo(desk, before, "Add IterativeSampler, linked to digit.denoiser")


def test_a_wire_from_an_input_dropped_on_empty_canvas_offers_what_makes_it(desk):
    before = desk.document.graph
    drag(desk.view, port(desk, "save.image"), (1000, 600))
    offered = {choice.kind.id for choice in desk.quick_add.shown}
    assert {"IterativeSampler", "LoadImage"} <= offered and "SaveImage" not in offered
    QTest.keyClicks(desk.quick_add.line, "loadimage")
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)
    assert links(desk) == ["load_image.image -> save.image"]
    assert desk.scene.node_rect("load_image").right() == 1000
    check_undo(desk, before, "Add LoadImage, linked to save.image")


def test_escape_in_the_list_leaves_nothing(desk):
    drag(desk.view, port(desk, "digit.denoiser"), (420, 720))
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Escape)
    assert not desk.quick_add.isVisible() and not desk.scene._live.isVisible()
    assert not desk.document.undo_label
    check_law(desk)


def test_an_end_that_goes_away_while_its_wire_is_drawn_takes_it_back(desk):
    end = port(desk, "sample.start")
    begin_drag(desk.view, port(desk, "noise.noisy"), end)
    desk.document.edit("Delete noise", desk.document.graph.remove("noise"))
    send_mouse(desk.view, "release", desk.view.mapFromScene(end))
    assert links(desk) == [] and desk.document.undo_label == "Delete noise"
    check_law(desk)


def test_an_undo_while_the_list_is_open_closes_it(desk):
    drag(desk.view, port(desk, "digit.denoiser"), (420, 720))
    QTest.keyClick(desk.quick_add.line, Qt.Key.Key_Return)
    new = next(iter(desk.scene.selection))
    out = next(each for each in desk.scene.ports(new) if not each.is_input)
    drag(desk.view, desk.scene.port_pos(out), desk.scene.node_rect(new).topRight() + QPointF(60, -60))
    assert desk.quick_add.isVisible()
    desk.document.undo()
    assert not desk.quick_add.isVisible() and not desk.scene._live.isVisible()
    check_law(desk)
