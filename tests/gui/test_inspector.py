"""The inspector shows what the document says, and edits it, by real keys and clicks."""

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMainWindow, QPushButton

from nodegraph import Graph, Problem, check
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.documents import Document
from nodegraph_gui.graph_pages import GraphPage
from nodegraph_gui.inspector import Inspector
from nodegraph_gui.inspector_parts import LinkButton, Message
from nodegraph_gui.node_pages import state_line
from nodegraph_gui.scene import Scene
from nodegraph_gui.states import NodeState
from nodegraph_gui.themes import THEMES

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Desk:
    """A window with an inspector, and another field that can have the keyboard."""

    def __init__(self, qtbot, catalogue, graph):
        self.document = Document(graph)
        self.window = QMainWindow()
        self.other = QLineEdit()
        self.window.setCentralWidget(self.other)
        self.inspector = Inspector(self.document, catalogue, self.window, theme=THEMES["dark"])
        self.window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.inspector)
        self.gone_to = []
        self.inspector.go_to.connect(self.gone_to.append)
        qtbot.addWidget(self.window)
        self.window.resize(700, 900)
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()

    @property
    def page(self):
        return self.inspector.page

    def show(self, *nodes):
        self.inspector.show_nodes(nodes)
        QApplication.processEvents()
        return self.page

    def row(self, name):
        return self.page.rows[name]

    def value(self, node, name):
        return self.document.graph.nodes[node].inputs.get(name)

    def texts(self, kind=QLabel):
        return [each.text() for each in self.page.findChildren(kind) if each.isVisible()]


@pytest.fixture
def desk(qtbot, catalogue):
    graph = (
        Graph()
        .add("three", "UNetMNIST", digit="3")
        .add("any", "UNetMNIST")
        .add("guide", "CFGCombine", scale=3)
        .add("noise", "PureNoise", seed=7)
        .add("sample", "IterativeSampler", steps=20)
        .add("count", "Integer", value=30)
        .add("strange", "Strange", x=3)
        .connect("three.denoiser -> guide.conditional")
        .connect("noise.noisy -> sample.start")
        .connect("guide.denoiser -> sample.denoiser")
        .connect("count.value -> sample.steps")
        .connect("count.value -> strange.y")
    )
    return Desk(qtbot, catalogue, graph)


def test_a_drag_of_the_slider_is_one_step(desk):
    desk.show("guide")
    slider = desk.row("scale").editor.slider
    QTest.mousePress(slider, LEFT, NONE, QPoint(30, 10))
    for x in range(30, 90, 5):
        QTest.mouseMove(slider, QPoint(x, 10))
    assert desk.value("guide", "scale") != 3  # seen on the canvas while it is dragged
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(90, 10))
    value = desk.value("guide", "scale")
    QTest.mousePress(slider, LEFT, NONE, QPoint(10, 10))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(10, 10))
    assert desk.document.undo() and desk.value("guide", "scale") == value
    assert desk.document.undo() and desk.value("guide", "scale") == 3 and not desk.document.undo_label
    assert desk.row("scale").editor.line.text() == "3"


def test_esc_in_a_drag_leaves_no_trace_not_even_the_default(desk):
    desk.show("sample")
    before = desk.document.graph
    slider = desk.row("eta").editor.slider
    slider.setFocus()
    QTest.mousePress(slider, LEFT, NONE, QPoint(20, 10))
    QTest.mouseMove(slider, QPoint(60, 10))
    assert desk.value("sample", "eta") > 0
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert desk.document.graph == before and not desk.document.undo_label
    assert "eta" not in desk.document.graph.nodes["sample"].inputs


def test_undo_is_shown_and_the_keyboard_stays(desk):
    desk.show("guide")
    desk.document.edit("Set", desk.document.graph.set("guide", scale=9))
    assert desk.row("scale").editor.line.text() == "9"
    desk.other.setFocus()
    page = desk.page
    desk.document.undo()
    assert desk.row("scale").editor.line.text() == "3" and desk.other.hasFocus() and desk.page is page


def test_typing_in_one_field_survives_an_edit_of_another(desk):
    desk.show("noise")
    line = desk.row("size").editor.line
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "6")
    desk.document.edit("Set", desk.document.graph.set("guide", scale=9))
    assert line.hasFocus() and line.text() == "6"
    QTest.keyClicks(line, "4")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert desk.value("noise", "size") == 64


def test_a_value_goes_back_to_its_default(desk):
    desk.show("guide")
    row = desk.row("scale")
    assert row.reset.isVisible()
    QTest.mouseClick(row.reset, LEFT)
    assert "scale" not in desk.document.graph.nodes["guide"].inputs
    assert row.editor.line.text() == "7.0" and not row.reset.isVisible()
    assert desk.document.undo_label == "Reset scale of guide"
    desk.document.undo()
    assert row.reset.isVisible() and row.editor.line.text() == "3"


def test_a_link_is_named_and_leads_to_where_it_comes_from(desk):
    desk.show("sample")
    row = desk.row("steps")
    assert row.editor is None
    assert any("its own value, 20" in label.text() for label in row.findChildren(QLabel))
    button = row.findChild(LinkButton)
    assert button.text() == "count.value"
    QTest.mouseClick(button, LEFT)
    assert desk.gone_to == ["count"]
    desk.document.edit("Unlink", desk.document.graph.disconnect("count.value -> sample.steps"))
    assert row.editor.line.text() == "20"
    desk.document.undo()
    assert row.editor is None


def test_the_title_is_typed_over(desk):
    page = desk.show("guide")
    page.title.setFocus()
    QTest.keyClicks(page.title, "Push")
    QTest.keyClick(page.title, Qt.Key.Key_Return)
    assert desk.document.graph.nodes["guide"].title == "Push" and "CFGCombine" in page.about.text()
    page.title.selectAll()
    QTest.keyClicks(page.title, "Other")
    QTest.keyClick(page.title, Qt.Key.Key_Escape)
    desk.other.setFocus()
    assert desk.document.graph.nodes["guide"].title == "Push"
    desk.document.undo()
    assert page.title.text() == "" and page.title.placeholderText() == "CFGCombine"


def test_mode_and_colour_are_chosen(desk):
    page = desk.show("guide")
    QTest.mouseClick(page.mode_buttons["mute"], LEFT)
    assert desk.document.graph.nodes["guide"].mode == "mute" and page.mode_buttons["mute"].isChecked()
    desk.document.undo()
    assert page.mode_buttons[None].isChecked() and not page.mode_buttons["mute"].isChecked()
    page.colour.menu_shown.actions()[3].trigger()
    assert canvas_of(desk.document.graph).colours["guide"] == THEMES["dark"].hues[2]
    page.colour.menu_shown.actions()[0].trigger()
    assert "guide" not in canvas_of(desk.document.graph).colours


def test_a_seed_that_is_drawn_is_noted_in_the_canvas_part(desk):
    desk.show("noise")
    editor = desk.row("seed").editor
    QTest.mouseClick(editor.drawn, LEFT)
    assert canvas_of(desk.document.graph).drawn_seeds == ("noise.seed",) and desk.value("noise", "seed") == 7
    desk.document.undo()
    assert not editor.drawn.isChecked()


def test_problems_are_on_top_and_at_their_inputs(desk, registry):
    desk.document.edit("Set", desk.document.graph.set("guide", scale=99))
    problems = [each for each in check(desk.document.graph, registry) if each.node == "guide"]
    page = desk.show("guide")
    desk.inspector.set_problems({"guide": problems})
    QApplication.processEvents()
    found = [message for message in page.findChildren(Message) if not message.isHidden()]
    assert len(found) == len(problems) >= 2
    said = {message.text.text() for message in found}
    assert "scale is 99, must be at most 30" in said
    assert desk.row("scale").editor.problem.text() == "is 99, must be at most 30"
    desk.inspector.set_problems({})
    assert not [message for message in page.findChildren(Message) if not message.isHidden()]


def test_what_only_the_check_knows_is_shown_at_the_input(desk):
    desk.show("three")
    desk.inspector.set_problems({"three": [Problem("three", "digit", "is odd", "leave it")]})
    editor = desk.row("digit").editor
    assert editor.problem.isVisible() and editor.problem.text() == "is odd"
    desk.inspector.set_problems({})
    assert not editor.problem.isVisible()


def test_a_value_that_no_file_can_hold_stays_in_the_editor(desk):
    desk.show("three")
    editor, before = desk.row("digit").editor, desk.document.graph
    editor.choose("\ud800")
    assert desk.document.graph is before and "must be text that UTF-8 can hold" in editor.why


def test_the_state_of_a_run_is_told(desk):
    page = desk.show("sample")
    assert not page.running.isVisible()
    desk.inspector.set_state("guide", NodeState("done"))
    assert not page.running.isVisible()
    desk.inspector.set_state("sample", NodeState("running", 3, 50, 4.2))
    assert page.running.text() == "Running, step 3 of 50, 4.2 s left"
    desk.show("guide")
    desk.show("sample")
    assert desk.page.running.text() == "Running, step 3 of 50, 4.2 s left"
    desk.inspector.reset_states()
    assert not desk.page.running.isVisible()


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (NodeState("done", seconds=2.31, summary="1 picture"), "Done in 2.3 s  ·  1 picture"),
        (NodeState("cached", seconds=0.0), "Known already, not run again"),
        (NodeState("failed", message="is wet", input="image", remedy="dry it"), "Failed: image is wet; dry it"),
        (NodeState("skipped", message="noise failed"), "Skipped: noise failed"),
        (NodeState("waiting"), "Waits for its turn"),
        (NodeState("running", numbers={"loss": 0.03125}), "Running, loss 0.03125"),
        (NodeState("paused", 1, 2), "Paused, step 1 of 2"),
        (NodeState(), ""),
    ],
)
def test_every_state_has_words(state, line):
    assert state_line(state) == line


def test_several_nodes_are_edited_together(desk):
    desk.show("three", "any")
    row = desk.row("digit")
    assert row.differ.isVisible()
    row.editor.line.setFocus()
    row.editor.line.selectAll()
    QTest.keyClicks(row.editor.line, "8")
    QTest.keyClick(row.editor.line, Qt.Key.Key_Return)
    assert desk.value("three", "digit") == desk.value("any", "digit") == "8" and not row.differ.isVisible()
    assert desk.document.undo_label == "Set digit of 2 nodes"
    desk.document.undo()
    assert desk.value("three", "digit") == "3" and desk.value("any", "digit") is None
    QTest.mouseClick(desk.page.mode_buttons["bypass"], LEFT)
    assert {desk.document.graph.nodes[node].mode for node in ("three", "any")} == {"bypass"}


def test_only_what_is_common_and_free_is_offered(desk):
    assert list(desk.show("noise", "sample").rows) == ["seed"]
    assert list(desk.show("three", "guide").rows) == []
    assert list(desk.show("three", "strange").rows) == []
    assert "steps" not in desk.show("sample").rows or desk.row("steps").editor is None


def test_a_type_that_is_not_installed_shows_what_it_has(desk):
    desk.show("strange")
    assert "Strange is not installed" in desk.texts() and any("x  =  3" in text for text in desk.texts())
    QTest.mouseClick(desk.page.findChild(LinkButton), LEFT)
    assert desk.gone_to == ["count"]


def test_that_a_type_is_not_installed_is_said_once(desk, registry):
    desk.show("strange")
    problem = Problem("strange", None, "there is no node type Strange", "it comes with: pip install strange")
    desk.inspector.set_problems({"strange": [problem]})
    QApplication.processEvents()
    about = [text for text in desk.texts() if "not installed" in text or "no node type" in text]
    assert about == ["There is no node type Strange"]
    desk.inspector.set_problems({"strange": [Problem("strange", "x", "is 3", "")]})
    QApplication.processEvents()
    assert "Strange is not installed" in desk.texts()


def test_nothing_selected_is_the_graph(desk):
    notes = [{"text": "# Hello\nA **note**."}]
    desk.document.edit("Note", desk.document.graph.with_canvas({"notes": notes}))
    desk.show()
    desk.inspector.set_problems({None: [Problem(None, None, "two things", "mend them")]})
    desk.inspector.set_checkpoints([{"checkpoint": "DeepFloyd/IF", "status": "missing", "nodes": ["prompt"]}])
    assert isinstance(desk.page, GraphPage)
    QApplication.processEvents()
    texts = desk.texts()
    assert "7 nodes, 5 links" in texts and "DeepFloyd/IF" in texts and "Strange" in texts and "Two things" in texts
    assert "has to be fetched  ·  for prompt" in texts and any("Hello" in text for text in texts)
    desk.document.edit("Delete", desk.document.graph.remove("strange"))
    QApplication.processEvents()
    assert "6 nodes, 4 links" in desk.texts()


def test_it_follows_the_selection_of_a_scene_and_its_end(desk, qtbot, catalogue):
    scene = Scene(desk.document, catalogue, THEMES["dark"])
    desk.inspector.follow(scene)
    scene.select(["guide"])
    qtbot.waitUntil(lambda: desk.inspector.nodes == ("guide",))
    desk.document.edit("Delete", desk.document.graph.remove("guide"))
    assert desk.inspector.nodes == () and isinstance(desk.page, GraphPage)
    desk.document.undo()
    scene.select(["sample", "noise"])
    qtbot.waitUntil(lambda: desk.inspector.nodes == ("noise", "sample"))
    scene.close()


def test_help_is_shown_and_outputs_have_their_types(desk):
    desk.show("sample")
    texts = desk.texts()
    assert "trajectory" in texts and "Trajectory" in texts
    assert "How many timesteps of the whole schedule are visited." in texts
    assert any("visits all the timesteps" in text for text in texts)
    assert desk.row("steps").toolTip() == "How many timesteps of the whole schedule are visited."


def test_every_kind_of_node_has_a_page_and_opening_it_changes_nothing(qtbot, catalogue):
    graph = Graph()
    for kind in catalogue.kinds:
        graph = graph.add(kind, kind)
    desk = Desk(qtbot, catalogue, graph)
    desk.other.setFocus()
    times = []
    for kind, described in catalogue.kinds.items():
        start = time.perf_counter()
        page = desk.show(kind)
        times.append(time.perf_counter() - start)
        assert list(page.rows) == [port.name for port in described.inputs]
        for port in described.inputs:
            editor = page.rows[port.name].editor
            assert (editor is not None) == port.is_data
            if editor is not None:
                assert editor.accessibleName() == port.name
                assert editor.value == port.default and bool(editor.why) == port.required
    assert desk.other.hasFocus()  # no part was a window of its own, however briefly
    assert desk.document.graph is graph and not desk.document.dirty
    assert sorted(times)[len(times) // 2] < 0.15


def test_everything_can_be_reached_by_tab(desk):
    desk.show("noise")
    desk.page.title.setFocus()
    seen = set()
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
    for name in ("size", "channels", "batch", "seed", "width"):
        assert desk.row(name).editor.focusProxy() in seen, name
    assert all(
        each.accessibleName() or each.text()
        for each in seen - {desk.other}
        if isinstance(each, (QPushButton, QLineEdit))
    )


def test_another_theme_and_another_catalogue_are_taken(desk, catalogue):
    desk.show("guide")
    desk.inspector.set_theme(THEMES["light"])
    assert desk.page.look is THEMES["light"] and desk.row("scale").editor.line.text() == "3"
    desk.inspector.set_catalogue(type(catalogue)())
    assert desk.page.kind is None and desk.texts()
