"""What a node looks like, by its pixels at known points: what it is, how it stands, what is wrong with it."""

import logging

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from nodegraph import Graph, Node, Problem
from nodegraph_gui import faces
from nodegraph_gui.colours import contrast
from nodegraph_gui.documents import Document
from nodegraph_gui.editors.scales import scale_of
from nodegraph_gui.faces import status_text
from nodegraph_gui.scene import Scene
from nodegraph_gui.shapes import HEADER, PortRef
from nodegraph_gui.states import NodeState
from nodegraph_gui.themes import DARK, THEMES
from nodegraph_gui.values import duration, fraction, value_text

PAD = 20


@pytest.fixture
def one(qapp, catalogue):
    """Makes a scene of one node, called n, with its corner at the origin; and keeps it."""
    kept = []

    def make(node, theme=DARK, **canvas):
        graph = Graph(nodes={"n": node}, canvas={"positions": {"n": [0, 0]}, **canvas})
        kept.append(Scene(Document(graph), catalogue, theme))
        return kept[-1], kept[-1].nodes["n"]

    return make


def picture(scene, zoom=1.0):
    """All of the scene; the origin is PAD from its edges."""
    rect = scene.node_rect("n").adjusted(-PAD, -PAD, PAD, PAD)
    image = QImage(round(rect.width() * zoom), round(rect.height() * zoom), QImage.Format.Format_RGB32)
    image.fill(QColor(scene.theme.canvas))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    scene.render(painter, QRectF(image.rect()), rect)
    painter.end()
    return image


def at(image, x, y, zoom=1.0):
    return image.pixelColor(round((x + PAD) * zoom), round((y + PAD) * zoom)).name()


def colours_in(image, rect):
    left, top = int(rect.left()) + PAD, int(rect.top()) + PAD
    found = {}
    for y in range(top, top + int(rect.height())):
        for x in range(left, left + int(rect.width())):
            name = image.pixelColor(x, y).name()
            found[name] = found.get(name, 0) + 1
    return found


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_title_body_and_ports_have_their_colours(one, theme):
    scene, item = one(Node(type="CFGCombine"), theme)
    image = picture(scene)
    strip, ground = scene.paints.category("Guidance")
    assert at(image, 120, 3) == ground and at(image, 14, HEADER / 2) == strip
    assert at(image, 120, HEADER + 3) == theme.node
    wire = theme.wire("#f2a33a")
    for ref in (PortRef("n", "conditional", True), PortRef("n", "denoiser", False)):
        place = item.places.port_at(ref)
        assert at(image, place.x(), place.y()) == wire
    scale = item.places.port_at(PortRef("n", "scale", True))
    assert at(image, scale.x(), scale.y()) == theme.node  # hollow: it may stay unlinked


def test_a_title_is_written_and_cut_where_it_has_no_room(one):
    scene, item = one(Node(type="CFGCombine", title="a very long title " * 9))
    letters = colours_in(picture(scene), QRectF(24, 4, 210, 18))
    assert max(contrast(name, "#000000") for name in letters) > 12
    assert item.texts["title", item.title].text.endswith("…")
    assert item.texts["title", item.title].width <= 240 - 24


def test_a_slider_has_a_bar_as_long_as_its_value(one):
    scene, item = one(Node(type="CFGCombine", inputs={"scale": 0.0}))  # of -30 to 30
    bar = item.places.fields[0].rect
    image, y = picture(scene), bar.bottom() - 3
    assert at(image, bar.left() + bar.width() * 0.47, y) == DARK.fill
    assert at(image, bar.left() + bar.width() * 0.53, y) == DARK.field


def test_progress_fills_the_bar_below_the_title(one):
    scene, item = one(Node(type="IterativeSampler"))
    scene.set_state("n", NodeState("running", step=25, total=50, seconds_left=12.4))
    image, y = picture(scene), HEADER - 2
    assert at(image, 240 * 0.47, y) == DARK.good and at(image, 240 * 0.53, y) == DARK.field
    assert status_text(item) == "25/50 · 12 s left"
    scene.set_state("n", NodeState("running", step=50, total=50))
    assert at(picture(scene), 240 * 0.9, y) == DARK.good
    scene.set_state("n", NodeState("done", seconds=3.21))
    assert status_text(item) == "3.2 s" and at(picture(scene), 240 * 0.3, y) not in (DARK.good, DARK.field)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (NodeState(), ""),
        (NodeState("waiting"), "waiting"),
        (NodeState("running"), "running"),
        (NodeState("paused", step=3, total=9), "3/9 · paused"),
        (NodeState("cached"), "cached"),
        (NodeState("done"), "done"),
        (NodeState("failed", message="no"), "failed"),
        (NodeState("skipped", message="no"), "skipped"),
    ],
)
def test_every_state_is_told_and_drawn(one, state, told):
    scene, item = one(Node(type="PureNoise"))
    plain = picture(scene)
    scene.set_state("n", state)
    assert status_text(item) == told
    assert (picture(scene) == plain) is (state.phase == "idle")


def test_a_failure_has_a_badge_a_message_and_marks_its_input(one):
    scene, item = one(Node(type="PureNoise"))
    before = item.places.height
    scene.set_state("n", NodeState("failed", message="seed is -1, must be at least 0 " * 9, input="seed"))
    image = picture(scene)
    assert at(image, 238 - 5, 2) == DARK.error and item.places.height > before
    assert item.places.message.height() < 70  # three lines, whatever it says
    seed = item.places.fields_by_name["seed"].rect
    assert at(picture(scene, 4), seed.center().x(), seed.top(), 4) == DARK.error
    assert len(colours_in(image, item.places.message)) > 9
    scene.set_state("n", NodeState("waiting"))
    assert item.places.height == before and at(picture(scene), 238 - 5, 2) != DARK.error


def test_problems_mark_node_and_row_and_errors_outweigh_warnings(one):
    scene, item = one(Node(type="PureNoise"))
    scene.set_problems({"n": [Problem("n", "seed", "is odd", kind="warning")]})
    assert at(picture(scene), 238 - 5, 2) == DARK.warning
    scene.set_problems({"n": [Problem("n", "seed", "is odd", kind="warning"), Problem("n", None, "is wrong")]})
    image, seed = picture(scene), item.places.fields_by_name["seed"].rect
    assert at(image, 238 - 5, 2) == DARK.error
    assert at(picture(scene, 4), seed.center().x(), seed.top(), 4) == DARK.warning
    scene.set_problems({})
    assert at(picture(scene), 238 - 5, 2) not in (DARK.error, DARK.warning)


@pytest.mark.parametrize("mode", ["mute", "bypass"])
def test_muted_nodes_are_pale_and_hide_what_is_below_them(one, mode):
    scene, item = one(Node(type="CFGCombine", mode=mode))
    image = picture(scene)
    port = item.places.port_at(PortRef("n", "denoiser", False))
    assert at(image, port.x() - 2, port.y()) != DARK.wire("#f2a33a")
    assert status_text(item) == {"mute": "muted", "bypass": "bypassed"}[mode]
    assert at(image, 120, HEADER + 3) == DARK.node
    scene.addRect(QRectF(-5, -5, 260, 300), scene.paints.no_pen, scene.paints.brush("#ff0000")).setZValue(-1)
    assert at(picture(scene), 120, HEADER + 3) == DARK.node


def test_a_folded_node_is_its_title(one):
    scene, item = one(Node(type="CFGCombine"), collapsed=["n"])
    assert item.places.height == HEADER
    image = picture(scene)
    assert at(image, 120, HEADER + 4) == DARK.canvas and at(image, 120, 3) == scene.paints.category("Guidance")[1]


def test_a_colour_of_ones_own_tints_the_title(one):
    scene, _ = one(Node(type="CFGCombine"), colours={"n": "#00ff00"})
    assert at(picture(scene), 120, 3) == DARK.tint("#00ff00")


def test_a_placeholder_says_what_is_missing(one):
    scene, item = one(Node(type="Depth", plugin="nodegraph-depth", inputs={"size": 3}))
    assert item.message == "needs the plugin nodegraph-depth"
    assert len(colours_in(picture(scene), item.places.message)) > 9
    assert [field.name for field in item.places.fields] == ["size"]


def checks(size):
    image = QImage(size, size, QImage.Format.Format_RGB32)
    image.fill(QColor("#00ff00"))
    painter = QPainter(image)
    painter.fillRect(0, 0, size // 2, size // 2, QColor("#ff0000"))
    painter.end()
    return image


@pytest.mark.parametrize("size", [2, 28, 256, 2000])
def test_a_picture_is_shown_and_kept_small(one, size):
    scene, item = one(Node(type="PureNoise"))
    before = item.places.height
    scene.set_preview("n", checks(size))
    rect = item.places.picture
    for zoom in (1.0, 0.5, 0.3, 2.0):
        image = picture(scene, zoom)
        assert at(image, rect.left() + rect.width() / 4, rect.top() + rect.height() / 4, zoom) == "#ff0000"
        assert at(image, rect.left() + rect.width() * 0.75, rect.top() + rect.height() / 4, zoom) == "#00ff00"
    assert max(pixmap.width() for pixmap in item.previews) <= 512
    assert item.preview_for(100).width() >= min(100, size) and item.preview_for(1).width() <= max(64, size // 2)
    scene.set_preview("n", None)
    assert item.places.height == before and not item.previews


def test_a_node_that_cannot_be_drawn_is_red_and_said_once(one, monkeypatch, caplog):
    scene, _ = one(Node(type="PureNoise"))

    def fail(*_):
        raise ValueError("no ink")

    monkeypatch.setattr(faces, "draw_title", fail)
    with caplog.at_level(logging.ERROR, "nodegraph.editor"):
        for _ in range(3):
            assert at(picture(scene), 120, 60) == DARK.error
    assert [record.getMessage() for record in caplog.records] == ["n (PureNoise) cannot be drawn"]


def test_fitting_ports_glow_and_others_are_pale(one):
    scene, item = one(Node(type="CFGCombine"))
    fits, fits_not = PortRef("n", "conditional", True), PortRef("n", "unconditional", True)
    plain = picture(scene)
    scene.glow({fits: "", fits_not: "why not"})
    image = picture(scene)
    for ref, far in ((fits, 8), (fits_not, 0)):
        place = item.places.port_at(ref)
        assert at(image, place.x() + far, place.y()) != at(plain, place.x() + far, place.y())
    scene.unglow()
    assert picture(scene) == plain


def test_selected_and_hovered_are_seen_and_leave_nothing(one):
    scene, item = one(Node(type="CFGCombine"))
    plain = picture(scene)
    scene.select(["n"])
    assert at(picture(scene, 4), 120, 0, 4) == DARK.accent
    scene.select([])
    for what in ("scale", PortRef("n", "denoiser", False)):
        item.set_hovered(what)
        assert picture(scene) != plain
        item.set_hovered(None)
    assert picture(scene) == plain


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (True, "on"), (0.1 + 0.2, "0.3"), ("", "–"), ([], "–"), ([1, 2.5], "1, 2.5"), ({}, "0 entries")],
)
def test_values_are_written_short(value, text):
    assert value_text(value) == text


def test_long_values_are_cut_and_paths_show_their_file(catalogue):
    assert len(value_text("x" * 10_000)) <= 400
    assert value_text(list(range(100))).endswith("19, …")
    path = catalogue.kinds["LoadImage"].inputs_by_name["path"]
    assert value_text("../some/folder/house.png", path) == "house.png"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.24, "0.24 s"), (9.94, "9.9 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (3900, "1 h 05 min")],
)
def test_lengths_of_time_are_written_as_one_reads_them(seconds, text):
    assert duration(seconds) == text


def test_bars_are_for_ranges_that_mean_something(catalogue):
    scale = catalogue.kinds["CFGCombine"].inputs_by_name["scale"]
    seed = catalogue.kinds["PureNoise"].inputs_by_name["seed"]
    assert [fraction(value, scale) for value in (-30, 0, 30, 99)] == [0, 0.5, 1, 1]
    assert {fraction(value, scale) for value in ("x", True, None, float("nan"))} == {None}
    assert fraction(3, seed) is None and fraction(3, None) is None


def test_a_bar_is_as_long_as_the_slider_of_the_inspector(catalogue):
    steps = catalogue.kinds["IterativeSampler"].inputs_by_name["steps"]
    scale = scale_of(steps)
    assert scale.logarithmic and fraction(50, steps) == scale.share(50) > 0.5


def test_the_name_of_the_kind_has_the_room_that_the_state_leaves(one):
    scene, item = one(Node(type="IterativeSampler"))
    scene.set_state("n", NodeState("running", step=380, total=1000, seconds_left=3700))
    picture(scene)
    assert item.texts["kind", "IterativeSampler"].text.endswith("…")
    scene.set_state("n", NodeState("done", seconds=25))
    picture(scene)
    assert item.texts["kind", "IterativeSampler"].text == "IterativeSampler"
