"""The way of a wire: where a hand finds it, around what it leads back from, and over what it passes when looked at."""

import pytest
from desks import check_law, guided, open_desk, title
from driving import click, send_mouse
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from nodegraph_gui.wire_curves import curve, distance_to, lane_of, points_on, wire_path
from nodegraph_gui.wire_items import RAISED

NUMBER = st.integers(-900, 900).map(float)
SIZE = st.integers(40, 400).map(float)


@given(NUMBER, NUMBER, NUMBER, NUMBER, st.none() | NUMBER)
def test_a_hand_finds_a_wire_where_it_is_drawn(x, y, right, bottom, lane):
    start, end = QPointF(x, y), QPointF(right, bottom)
    path = wire_path(start, end, lane)
    assert path.pointAtPercent(0) == start and (path.pointAtPercent(1) - end).manhattanLength() < 0.01
    for part in (0.0, 0.2, 0.5, 0.9):
        assert distance_to(start, end, path.pointAtPercent(part), lane) < 4


@given(NUMBER, NUMBER, NUMBER, NUMBER, SIZE, SIZE, st.floats(0, 1), st.floats(0, 1))
def test_a_wire_that_leads_back_passes_behind_neither_of_its_nodes(x, y, right, bottom, high, tall, one, other):
    source, target = QRectF(x, y, 240, high), QRectF(right, bottom, 240, tall)
    start, end = QPointF(x + 240, y + one * high), QPointF(right, bottom + other * tall)
    lane = lane_of(start, end, source, target)
    assert (lane is None) == (end.x() - start.x() > -40)
    if lane is not None and not source.adjusted(-60, -60, 60, 60).intersects(target):
        inner = [source.adjusted(1, 1, -1, -1), target.adjusted(1, 1, -1, -1)]
        way = points_on(curve(start.toTuple(), end.toTuple(), lane))
        between = [QPointF(*point) for point in way if end.x() <= point[0] <= start.x()]
        assert not any(rect.contains(point) for rect in inner for point in between)


@pytest.fixture
def back(qtbot, catalogue, tmp_path):
    """The picture is saved to the left of where it is made, and a wire passes behind the node that saves."""
    places = {"noise": [0, 0], "digit": [0, 320], "any": [700, 380], "guide": [380, 320], "sample": [760, -60]}
    return open_desk(qtbot, catalogue, guided(positions={**places, "save": [380, 0]}), tmp_path)


def wire(desk, text):
    return next(item for link, item in desk.scene.wires.items() if str(link) == text)


def test_a_wire_that_leads_back_goes_around_and_can_be_taken_there(back):
    found = wire(back, "any.denoiser -> guide.unconditional")
    below = max(back.scene.node_rect(node).bottom() for node in ("any", "guide"))
    assert found.lane > below
    middle = QPointF((found.start.x() + found.end.x()) / 2, found.lane)
    assert back.scene.link_at(middle, 3) == found.link
    check_law(back)


def test_a_node_that_grows_pushes_the_way_around_it(back):
    from nodegraph_gui.states import NodeState

    found = wire(back, "any.denoiser -> guide.unconditional")
    before = found.lane
    back.scene.set_state("any", NodeState("failed", message="it is much too large for this machine, " * 4))
    rect = back.scene.node_rect("any")
    assert rect.top() < before < rect.bottom() and not rect.top() <= found.lane <= rect.bottom()


def test_the_wires_of_what_is_under_the_cursor_or_selected_lie_over_the_nodes_that_they_pass(back):
    passing = wire(back, "noise.noisy -> sample.start")
    assert passing.zValue() == 0 and not passing.lit
    send_mouse(back.view, "move", back.view.mapFromScene(title(back, "noise")))
    assert passing.zValue() == RAISED and passing.lit
    assert back.scene.nodes["save"].zValue() < RAISED
    send_mouse(back.view, "move", back.view.mapFromScene(QPointF(-40, -60)))
    assert passing.zValue() == 0 and not passing.lit
    click(back.view, title(back, "sample"))
    send_mouse(back.view, "move", back.view.mapFromScene(QPointF(-40, -60)))
    assert passing.zValue() == RAISED and passing.lit
    click(back.view, QPointF(-40, -60))
    assert passing.zValue() == 0


def test_of_very_many_selected_nodes_no_wire_is_raised(qtbot, catalogue, tmp_path):
    from nodegraph import Graph, Node

    nodes = {f"n{number}": Node(type="GaussianBlur") for number in range(30)}
    chain = [f"n{number}.image -> n{number + 1}.image" for number in range(29)]
    desk = open_desk(qtbot, catalogue, Graph(nodes=nodes, links=chain), tmp_path)
    desk.scene.select(["n3"])
    assert wire(desk, chain[3]).zValue() == RAISED
    desk.scene.select(nodes)
    assert all(item.zValue() == 0 and item.lit for item in desk.scene.wires.values())
    desk.scene.select(["n3", "n4"])
    assert {str(link) for link, item in desk.scene.wires.items() if item.zValue() == RAISED} == set(chain[2:5])
