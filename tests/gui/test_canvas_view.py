"""The camera and the hand: zoom about the cursor, pan, fit, and gestures that get what they are to get."""

import pytest
from driving import NO_KEY, begin_drag, click, double_click, drag, drop, send_mouse
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QInputDevice,
    QKeyEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip

import nodegraph
from nodegraph import Graph, Node, Problem
from nodegraph_gui.canvas import CanvasView
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.documents import Document
from nodegraph_gui.scene import Scene
from nodegraph_gui.shapes import PortRef
from nodegraph_gui.themes import DARK
from nodegraph_gui.tooltips import tooltip_at

SPOTS = [(5, 5), (400, 300), (790, 590), (123, 456)]
MIDDLE, CONTROL = Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def view_of(qtbot, catalogue):
    def make(graph, catalogue=catalogue):
        view = CanvasView(Scene(Document(graph), catalogue, DARK))
        qtbot.addWidget(view)
        view.resize(800, 600)
        with qtbot.waitExposed(view):
            view.show()
        view.fit()
        return view

    return make


@pytest.fixture
def view(view_of):
    return view_of(nodegraph.load("examples/anagram.json"))


def wheel(view, at, turn=(0, 0), pixels=(0, 0), keys=NO_KEY, phase=Qt.ScrollPhase.NoScrollPhase):
    port = view.viewport()
    at = QPointF(*at)
    there, button = QPointF(port.mapToGlobal(at.toPoint())), Qt.MouseButton.NoButton
    event = QWheelEvent(at, there, QPoint(*pixels), QPoint(*turn), button, keys, phase, False)
    QApplication.sendEvent(port, event)


def key(view, kind, code):
    QApplication.sendEvent(view, QKeyEvent(kind, code, Qt.KeyboardModifier.NoModifier))


class Recorded:
    """A gesture that wants what it is told to want, and notes what it gets."""

    def __init__(self, view, wants=True):
        self.view, self.wants, self.got = view, wants, []

    def begin(self, event):
        self.got.append(("begin", event.type(), self.view.scene_at(event)))
        return self.wants

    def move(self, event):
        self.got.append(("move", self.view.scene_at(event)))

    def release(self, event):
        self.got.append(("release", self.view.scene_at(event)))

    def cancel(self):
        self.got.append(("cancel",))


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("turn", [120, -120, 15, -360])
def test_the_wheel_zooms_about_the_cursor(view, spot, turn):
    before, zoom = view._to_scene(QPointF(*spot)), view.zoom
    wheel(view, spot, (0, turn))
    assert view.zoom == pytest.approx(zoom * 1.0015**turn)
    moved = view.viewportTransform().map(before) - QPointF(*spot)
    assert abs(moved.x()) <= 0.51 and abs(moved.y()) <= 0.51


def test_zoom_ends_somewhere_and_the_way_back_leads_home(view):
    zoom = view.zoom
    for _ in range(60):
        wheel(view, (400, 300), (0, 480))
    assert view.zoom == 4.0
    for _ in range(120):
        wheel(view, (400, 300), (0, -480))
    assert view.zoom == 0.02
    view.fit()
    assert view.zoom == pytest.approx(zoom)


def test_two_fingers_pan_by_pixels_and_with_ctrl_they_zoom(view):
    at, zoom = view._to_scene(QPointF(100, 100)), view.zoom
    wheel(view, (300, 300), (0, 40), (-13, 7), phase=Qt.ScrollPhase.ScrollUpdate)
    assert view.zoom == zoom
    assert view.viewportTransform().map(at) == QPointF(87, 107)
    wheel(view, (300, 300), (0, 40), (0, 7), CONTROL, Qt.ScrollPhase.ScrollUpdate)
    assert view.zoom > zoom


def test_a_pinch_zooms_as_far_as_the_fingers_go(view):
    device = QPointingDevice("pad", 1, QInputDevice.DeviceType.TouchPad, QPointingDevice.PointerType.Finger,
                             QInputDevice.Capability.Position, 2, 0)  # fmt: skip
    zoom, spot = view.zoom, QPointF(200, 150)
    before = view._to_scene(spot)
    event = QNativeGestureEvent(Qt.NativeGestureType.ZoomNativeGesture, device, 2, spot, spot, spot, 0.25, QPointF())
    QApplication.sendEvent(view.viewport(), event)
    assert view.zoom == pytest.approx(1.25 * zoom)
    assert (view.viewportTransform().map(before) - spot).manhattanLength() <= 1.1


@pytest.mark.parametrize("space", [False, True])
def test_the_middle_button_and_space_drag_the_canvas(view, space):
    view.factories = [Recorded]
    start, end = view.mapToScene(300, 300), view.mapToScene(380, 250)
    if space:
        key(view, QEvent.Type.KeyPress, Qt.Key.Key_Space)
        assert view.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    begin_drag(view, start, end, Qt.MouseButton.LeftButton if space else MIDDLE)
    send_mouse(view, "release", QPoint(380, 250), Qt.MouseButton.LeftButton if space else MIDDLE)
    key(view, QEvent.Type.KeyRelease, Qt.Key.Key_Space)
    assert view.mapFromScene(start) == QPoint(380, 250)
    assert view.gesture is None and view.viewport().cursor().shape() != Qt.CursorShape.OpenHandCursor


def test_fit_shows_all_or_what_is_selected(view):
    scene = view.canvas
    assert view.visible_rect().contains(scene.content_rect())
    scene.select(["save"])
    view.fit_selection()
    assert view.zoom == 1.5 and view.visible_rect().contains(scene.node_rect("save"))
    assert (view.visible_rect().center() - scene.node_rect("save").center()).manhattanLength() < 3
    scene.select([])
    view.fit_selection()
    assert view.visible_rect().contains(scene.content_rect())


def test_an_empty_canvas_is_shown_at_its_origin(view_of):
    view = view_of(Graph())
    assert view.zoom == 1 and view.visible_rect().contains(QPointF(0, 0))


def test_without_gestures_a_click_does_nothing_and_the_view_still_moves(view):
    before = view.canvas.document.graph
    drag(view, view.canvas.node_rect("save").center(), (0, 0))
    assert view.canvas.document.graph is before and view.gesture is None


def test_the_first_gesture_that_wants_the_press_has_it_until_it_is_let_go(view):
    made = []

    def make(wants):
        return lambda of: made.append(Recorded(of, wants)) or made[-1]

    view.factories = [make(False), make(True), make(True)]
    start, end = view.mapToScene(100, 100), view.mapToScene(200, 140)
    drag(view, start, end)
    no, yes = made
    assert [each[0] for each in no.got] == ["begin"]
    assert [each[0] for each in yes.got] == ["begin", "move", "move", "move", "move", "release"]
    assert view.mapFromScene(yes.got[-1][-1]) == QPoint(200, 140) and view.gesture is None
    double_click(view, start)
    assert made[-1].got[0][1] == QEvent.Type.MouseButtonDblClick


def test_escape_cancels_and_the_rest_of_the_drag_is_nobodys(view, qtbot):
    view.factories = [Recorded]
    said = []
    view.hint.connect(said.append)
    begin_drag(view, view.mapToScene(100, 100), view.mapToScene(200, 140))
    gesture = view.gesture
    key(view, QEvent.Type.KeyPress, Qt.Key.Key_Escape)
    assert gesture.got[-1] == ("cancel",) and view.gesture is None and said == [""]
    send_mouse(view, "move", QPoint(220, 160))
    send_mouse(view, "release", QPoint(220, 160))
    assert gesture.got[-1] == ("cancel",)
    assert not view.cancel()


def test_no_key_but_esc_does_anything_during_a_gesture(view):
    view.factories = [Recorded]
    begin_drag(view, view.mapToScene(100, 100), view.mapToScene(200, 140))
    got = list(view.gesture.got)
    for each in (Qt.Key.Key_T, Qt.Key.Key_Shift, Qt.Key.Key_Space, Qt.Key.Key_Delete):
        key(view, QEvent.Type.KeyPress, each)
        key(view, QEvent.Type.KeyRelease, each)
    assert view.gesture is not None and view.gesture.got == got
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_T, Qt.KeyboardModifier.NoModifier)
    override.ignore()
    QApplication.sendEvent(view, override)
    assert override.isAccepted()
    view.cancel()


def test_a_press_of_another_button_during_a_gesture_changes_nothing(view):
    view.factories = [Recorded]
    begin_drag(view, view.mapToScene(100, 100), view.mapToScene(200, 140))
    gesture = view.gesture
    click(view, view.mapToScene(50, 50), Qt.MouseButton.RightButton)
    assert [each for each in gesture.got if each[0] == "begin"] == gesture.got[:1]


def test_the_cursor_says_what_can_be_taken(view):
    scene = view.canvas
    view.fit(["guide6"])
    send_mouse(view, "move", view.mapFromScene(scene.port_pos(PortRef("guide6", "conditional", True))))
    assert scene.nodes["guide6"].hovered == PortRef("guide6", "conditional", True)
    assert view.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    send_mouse(view, "move", view.mapFromScene(scene.field_rect("guide6", "scale").center()))
    assert scene.nodes["guide6"].hovered == "scale"
    QApplication.sendEvent(view.viewport(), QEvent(QEvent.Type.Leave))
    assert scene.nodes["guide6"].hovered is None


class Taking:
    def __init__(self, format):
        self.format, self.got = format, []

    def enter(self, event):
        return event.mimeData().hasFormat(self.format)

    def move(self, event):
        self.got.append("move")

    def leave(self):
        self.got.append("leave")

    def drop(self, event):
        self.got.append(event.position().toPoint())
        return True


def test_drops_go_to_who_takes_them(view):
    one, other = Taking("a/a"), Taking("b/b")
    view.drops = [one, other]
    mime = QMimeData()
    mime.setData("b/b", b"x")
    at = view.mapToScene(321, 123)
    assert drop(view, mime, at)
    assert one.got == [] and other.got == ["move", QPoint(321, 123)]
    nothing = QMimeData()
    nothing.setText("x")
    assert not drop(view, nothing, at)


def test_tooltips_tell_type_help_problem_and_why_a_port_is_grey(view):
    scene = view.canvas
    ref = PortRef("guide6", "scale", True)

    def said(pos):
        return tooltip_at(scene, pos, 6)

    assert said(scene.port_pos(ref)) == said(scene.field_rect("guide6", "scale").center())
    assert "float" in said(scene.port_pos(ref)) and "from -30 to 30" in said(scene.port_pos(ref))
    scene.glow({ref: "image is an Image, <scale> takes a float"})
    assert "Unable to connect: image is an Image, &lt;scale&gt; takes" in said(scene.port_pos(ref))
    assert "Push the conditional" in said(scene.node_rect("guide6").topLeft() + QPointF(100, 20))
    assert said(QPointF(-9000, 0)) == ""
    wire = next(wire for link, wire in scene.wires.items() if link.target == "both")
    assert "-&gt; both." in said(wire.path.pointAtPercent(0.5))
    event = QHelpEvent(QEvent.Type.ToolTip, view.mapFromScene(scene.port_pos(ref)), QPoint(5, 5))
    QApplication.sendEvent(view.viewport(), event)
    assert "Unable to connect" in QToolTip.text()


def test_a_tooltip_names_its_own_node_only_once(view):
    scene = view.canvas
    wrong = Problem("guide6", "scale", "is 99, must be at most 30", "drag it back", type="CFGCombine")
    scene.set_problems({"guide6": [wrong]})
    told = tooltip_at(scene, scene.node_rect("guide6").topLeft() + QPointF(100, 20), 6)
    assert "scale is 99, must be at most 30; drag it back" in told and told.count("guide6") == 1
    told = tooltip_at(scene, scene.field_rect("guide6", "scale").center(), 6)
    assert "<br>is 99, must be at most 30; drag it back" in told and "guide6" not in told


def test_right_clicks_are_told_with_both_points(view, qtbot):
    with qtbot.waitSignal(view.menu_wanted) as caught:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(70, 80), QPoint(170, 180))
        QApplication.sendEvent(view.viewport(), event)
    assert caught.args == [QPoint(170, 180), view.mapToScene(70, 80)]


def image(view):
    return view.viewport().grab().toImage()


def test_a_pan_leaves_no_trails(view):
    view.look_at(view.canvas.node_rect("sample").center(), 1.0)
    QApplication.processEvents()
    for dx, dy in ((7, 4), (-30, 0), (0, 55), (-3, -9)):
        view.pan(dx, dy)
        QApplication.processEvents()
    shown = view.grab().toImage()  # what is on the screen is what would be drawn anew
    view.viewport().repaint()
    assert shown == view.grab().toImage() == image(view)


@pytest.mark.parametrize("zoom", [0.05, 0.15, 0.3, 0.6, 1.0, 1.3])
def test_at_every_zoom_a_node_is_where_it_is(view, zoom):
    scene = view.canvas
    view.look_at(scene.node_rect("sample").center(), zoom)
    picture = image(view)
    inside = view.mapFromScene(scene.node_rect("sample").center() + QPointF(8, 0))
    assert picture.pixelColor(inside).name() != DARK.canvas
    outside = QRectF(view.mapFromScene(scene.node_rect("sample")).boundingRect())
    rim = QPoint(round(outside.center().x()), round(outside.bottom()) + 14)
    assert picture.pixelColor(rim).name() in (DARK.canvas, DARK.grid)


def many(count):
    nodes = {f"n{number}": Node(type="FlipAverage") for number in range(count)}
    positions = {f"n{number}": [number % 60 * 300, number // 60 * 300] for number in range(count)}
    return Graph(nodes=nodes, canvas={"positions": positions})


def test_thousands_in_sight_are_drawn_in_one_batch_that_follows_the_scene(view_of, catalogue):
    view = view_of(many(2100), catalogue)
    scene = view.canvas
    assert view.far
    at = view.mapFromScene(scene.node_rect("n900").center())
    before = image(view).pixelColor(at)
    assert before.name() != DARK.canvas
    scene.select(["n900"])
    QApplication.processEvents()
    assert image(view).pixelColor(at).name() == DARK.accent
    scene.shift(["n900"], QPointF(0, 2000))
    QApplication.processEvents()
    there = view.mapFromScene(scene.node_rect("n900").center())
    assert image(view).pixelColor(there).name() == DARK.accent
    plain = image(view)
    scene.show_wire(PortRef("n0", "denoiser", False), scene.content_rect().center(), True)
    assert image(view) != plain  # what a gesture draws is drawn from afar too
    scene.hide_wire()
    assert image(view) == plain
    view.pan(11, 5)
    QApplication.processEvents()
    shown = view.grab().toImage()
    view.viewport().repaint()
    assert shown == view.grab().toImage()
    scene.settle()
    view.fit(["n900"])
    assert not view.far


def test_placeholders_and_everything_else_are_drawn_without_a_catalogue(view_of):
    view = view_of(nodegraph.load("examples/anagram.json"), Catalogue())
    assert isinstance(image(view), QImage) and len(view.canvas.nodes) == 11
