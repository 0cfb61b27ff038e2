"""Plugins of the editor: asked first, one by one, and left out with their names when they fail."""

from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from nodegraph import Graph, hookimpl
from nodegraph_gui import gui_plugins
from nodegraph_gui.documents import Document
from nodegraph_gui.editors import Editor, make_editor
from nodegraph_gui.editors.sliders import SliderEditor
from nodegraph_gui.gui_plugins import load_gui_plugins
from nodegraph_gui.inspector import Inspector


class Dial(Editor):
    """A toy: a line that says the number twice as large."""

    def __init__(self, port, value, parent=None):
        super().__init__(port, value, parent)
        self.line = QLineEdit()
        self.line.editingFinished.connect(lambda: self.choose(float(self.line.text()) / 2))
        self.put(self.line)

    def show_value(self):
        self.line.setText(str(self.value * 2))


class Toy:
    __name__ = "toy"

    def __init__(self, name="CFGCombine.scale", maker=Dial):
        self.asked = []
        self.answers = {name: maker}

    @hookimpl
    def nodegraph_gui_editor(self, port_name):
        self.asked.append(port_name)
        return self.answers.get(port_name)

    @hookimpl
    def nodegraph_gui_viewer(self, type_name):
        return (lambda parent: QLabel(type_name, parent)) if type_name == "Image" else None


class Bad:
    __name__ = "bad"

    @hookimpl
    def nodegraph_gui_editor(self, port_name):
        raise RuntimeError("no\nluck")

    @hookimpl
    def nodegraph_gui_viewer(self, type_name):
        return 3

    @hookimpl
    def nodegraph_gui_editr(self, port_name):
        return None


@pytest.fixture
def scale(catalogue):
    return catalogue.kinds["CFGCombine"].inputs_by_name["scale"]


def plugins(*extra):
    return load_gui_plugins(extra, installed=False)


@pytest.mark.parametrize("name", ["CFGCombine.scale", "float"])
def test_a_plugin_is_asked_first_from_the_particular_to_the_general(qtbot, scale, name):
    toy = Toy(name)
    editor = make_editor(scale, 3, plugins=plugins(toy), kind="CFGCombine")
    qtbot.addWidget(editor)
    assert isinstance(editor, Dial) and editor.line.text() == "6"
    assert toy.asked == ["CFGCombine.scale", "float"][: 1 if "." in name else 2]


def test_what_it_does_not_want_is_the_editors_own(qtbot, scale):
    editor = make_editor(scale, 3, plugins=plugins(Toy("Other.input")), kind="CFGCombine")
    qtbot.addWidget(editor)
    assert isinstance(editor, SliderEditor)


def test_one_that_fails_is_told_by_name_once_and_the_next_is_asked(qtbot, scale):
    some = plugins(Bad(), Toy())
    assert some.names == ("bad", "toy")
    for _ in range(2):
        editor = make_editor(scale, 3, plugins=some, kind="CFGCombine")
        qtbot.addWidget(editor)
        assert isinstance(editor, Dial)
    assert some.problems == [
        "bad: nodegraph_gui_editr is no hook (did you mean 'nodegraph_gui_editor'?)",
        "bad: nodegraph_gui_editor failed: RuntimeError: no luck",
    ]


def break_down(port, value, parent):
    raise KeyError("colour")


@pytest.mark.parametrize(
    ("maker", "why"),
    [
        (break_down, "the editor for float cannot be made: KeyError: 'colour'"),
        (lambda port, value, parent: QWidget(parent), "TypeError: returned a QWidget, must be an Editor"),
        ("Dial", "nodegraph_gui_editor failed: TypeError: returned 'Dial', must be a function"),
    ],
)
def test_an_editor_that_cannot_be_made_gives_way(qtbot, scale, maker, why):
    some = plugins(Toy("float", maker))
    editor = make_editor(scale, 3, plugins=some)
    qtbot.addWidget(editor)
    assert isinstance(editor, SliderEditor) and len(some.problems) == 1 and why in some.problems[0]


def test_a_viewer_comes_from_the_first_that_has_one(qtbot):
    some = plugins(Bad(), Toy())
    viewer = some.make_viewer("Image")
    qtbot.addWidget(viewer)
    assert viewer.text() == "Image" and some.make_viewer("Model") is None
    assert any("nodegraph_gui_viewer failed" in problem for problem in some.problems)


def test_installed_ones_load_one_by_one(monkeypatch):
    def entry(name, load):
        return SimpleNamespace(name=name, dist=SimpleNamespace(name=name), load=load)

    def fail():
        raise SystemExit("bye")

    entries = [entry("zeta", Toy), entry("alpha", fail), entry("beta", Toy)]
    monkeypatch.setattr(gui_plugins, "entry_points", lambda group: entries if group == "nodegraph.gui" else [])
    some = load_gui_plugins()
    assert some.names == ("beta", "zeta")
    assert some.problems == ["alpha: cannot be loaded: SystemExit: bye"]


def test_a_plugins_editor_edits_the_document(qtbot, catalogue):
    document = Document(Graph().add("guide", "CFGCombine", scale=3))
    inspector = Inspector(document, catalogue, plugins=plugins(Toy()))
    qtbot.addWidget(inspector)
    inspector.show_nodes(["guide"])
    editor = inspector.page.rows["scale"].editor
    assert isinstance(editor, Dial)
    editor.line.setText("10")
    editor.line.editingFinished.emit()
    assert document.graph.nodes["guide"].inputs["scale"] == 5.0
    document.undo()
    assert editor.line.text() == "6"
