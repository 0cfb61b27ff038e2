"""A window on a screen: keys, menus and drops do what they say, and what is shown follows the document."""

import json
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from windows import CTRL, SHIFT, bar, pick, press

import nodegraph
from nodegraph import Graph, Node, Problem
from nodegraph_gui.actions import DEEDS
from nodegraph_gui.commands import COMMANDS
from nodegraph_gui.preferences import Preferences, read_preferences
from nodegraph_gui.shortcuts_page import ShortcutsPage
from nodegraph_gui.states import NodeState

ROOT = Path(__file__).resolve().parent.parent.parent
ANAGRAM = ROOT / "examples" / "anagram.json"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(desktop):
    return desktop.start()[1]


@pytest.fixture
def anagram(window):
    assert window.filing.open(ANAGRAM)
    return window


def test_the_first_window_shows_the_first_page_and_new_shows_the_canvas(window):
    assert window.welcoming and not window.palette_dock.isVisible()
    assert window.windowTitle() == "Untitled 1[*] – Nodegraph" and not window.isWindowModified()
    QTest.mouseClick(window.welcome.new_button, LEFT)
    assert not window.welcoming and window.palette_dock.isVisible() and window.empty.isVisible()
    assert window.view.hasFocus()


def test_an_example_opens_without_a_file_of_its_own(window):
    card = next(card for card in window.welcome.cards if card.example.file == ANAGRAM)
    QTest.mouseClick(card, LEFT)
    assert len(window.scene.nodes) == 11 and window.document.path is None
    assert window.windowTitle().startswith("Visual anagram[*]")
    assert not window.isWindowModified() and not window.empty.isVisible()
    assert window.document.graph.folder == ANAGRAM.parent


def test_undo_and_redo_carry_names_and_the_title_a_star(anagram):
    undo, redo = anagram.actions_by_id["undo"], anagram.actions_by_id["redo"]
    assert not undo.isEnabled() and undo.text() == "Undo"
    anagram.scene.select(["six"])
    press(anagram, Qt.Key.Key_M)
    assert anagram.document.graph.nodes["six"].mode == "mute"
    assert undo.text() == "Undo mute six" and anagram.isWindowModified()
    press(anagram, Qt.Key.Key_Z, CTRL)
    assert anagram.document.graph.nodes["six"].mode is None and not anagram.isWindowModified()
    assert redo.text() == "Redo mute six" and redo.isEnabled() and not undo.isEnabled()
    press(anagram, Qt.Key.Key_Z, CTRL | SHIFT)
    assert anagram.document.graph.nodes["six"].mode == "mute"


def test_two_thousand_nodes_are_selected_at_once(window):
    nodes = {f"n{number}": Node(type="PureNoise") for number in range(2000)}
    places = {node: [number % 50 * 300, number // 50 * 400] for number, node in enumerate(nodes)}
    window.document.edit("Add many", Graph(nodes=nodes, canvas={"positions": places}))
    QApplication.processEvents()
    start = time.process_time()
    press(window, Qt.Key.Key_A, CTRL)
    assert time.process_time() - start < 0.15
    assert "2,000 nodes are selected" in window.viewer.empty.text()


def test_no_two_actions_share_a_shortcut_and_each_is_in_a_menu(window):
    keys = [key for deed in DEEDS for key in deed.shortcuts] + [key for each in COMMANDS for key in each.shortcuts]
    known = [QKeySequence(key).toString() for key in keys]
    assert all(known) and sorted(known) == sorted(set(known))
    shown = {action for menu in window.menus.values() for action in menu.actions()}
    assert all(window.actions_by_id[deed.id] in shown for deed in DEEDS)


def test_f1_lists_every_shortcut_and_finds_them(window):
    press(window, Qt.Key.Key_F1)
    page = window.findChild(ShortcutsPage)
    assert page.isVisible()
    listed = dict(page.shown)
    for each in [*DEEDS, *COMMANDS]:
        if each.shortcuts:
            assert (
                QKeySequence(each.shortcuts[0]).toString(QKeySequence.SequenceFormat.NativeText)
                in (listed[each.text.rstrip("…")])
            ), each.text
    QTest.keyClicks(page.line, "ctrl+d dupl")
    assert [row[0] for row in page.shown] == ["Duplicate"]
    page.close()


def test_a_kind_of_the_palette_is_added_and_can_be_moved_at_once(window):
    window.show_page(False)
    QTest.keyClicks(window.palette_dock.line, "PureNoise")
    QTest.keyClick(window.palette_dock.line, Qt.Key.Key_Return)
    (node,) = window.scene.selection
    assert window.document.graph.nodes[node].type == "PureNoise"
    assert window.view.hasFocus() and not window.empty.isVisible()
    before = window.scene.node_rect(node).topLeft()
    QTest.keyClick(window.view, Qt.Key.Key_Right)
    assert window.scene.node_rect(node).topLeft() - before == QPointF(20, 0)


def test_the_theme_is_changed_in_all_windows_and_kept(desktop):
    editor, window = desktop.start()
    other = editor.new_window()
    dark = QApplication.palette().window().color().lightness()
    window.actions_by_id["theme"].trigger()
    assert QApplication.palette().window().color().lightness() > 200 > dark
    assert window.scene.theme.name == other.scene.theme.name == "light"
    assert read_preferences(desktop.folder / "config")[0].theme == "light"
    window.actions_by_id["theme"].trigger()
    assert other.scene.theme.name == "dark"


def test_preferences_hold_at_once(desktop):
    from nodegraph_gui.preferences_dialog import PreferencesDialog

    editor, window = desktop.start()
    press(window, Qt.Key.Key_Comma, CTRL)
    dialog = window.findChild(PreferencesDialog)
    dialog.snap.click()
    dialog.output.setText("pictures")
    dialog.accept()
    assert not window.desk.snap and editor.preferences.output_folder(Path("/a/b.json")) == Path("/a/pictures")


def test_preferences_that_cannot_be_kept_are_told(desktop):
    editor, window = desktop.start()
    (desktop.folder / "config").write_text("a file where the folder should be")
    editor.change(snap=False)
    assert not window.desk.snap
    assert "preferences.json was not written" in bar(window, "The preferences hold for now").text


def dropped(widget, *files):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    for kind, at in ((QDragEnterEvent, QPoint(50, 50)), (QDropEvent, QPointF(50, 50))):
        event = kind(at, Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_files_dropped_on_the_window_are_opened(desktop, tmp_path):
    editor, window = desktop.start()
    graph = nodegraph.load(ANAGRAM)
    for name in ("one.json", "two.json"):
        nodegraph.save(graph, tmp_path / name)
    assert dropped(window, tmp_path / "one.json", tmp_path / "two.json")
    assert [each.document.path.name for each in editor.windows] == ["one.json", "two.json"]
    assert window.document.path == tmp_path / "one.json"
    assert editor.session.recent == [tmp_path / "two.json", tmp_path / "one.json"]


def test_what_is_no_graph_is_told_and_changes_nothing(window, tmp_path):
    (tmp_path / "a.json").write_text('{"nodes": ')
    assert not window.filing.open(tmp_path / "a.json")
    assert bar(window, "Not opened").text.startswith(f"Not opened: {tmp_path / 'a.json'}")
    assert window.is_untouched and window.welcoming
    assert not window.filing.open(tmp_path / "gone.json")
    assert len(window.bars.shown) == 1 and "is not there" in window.bars.shown[0].text
    QTest.mouseClick(window.bars.shown[0].cross, LEFT)
    assert not window.bars.shown and not window.bars.isVisible()


def test_what_was_not_opened_is_told_until_the_next_file_is(desktop, anagram, tmp_path):
    (tmp_path / "bad.json").write_text('{"nodes": ')
    (tmp_path / "worse.json").write_text("[]")
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "good.json")
    assert dropped(anagram, tmp_path / "bad.json", tmp_path / "good.json", tmp_path / "worse.json")
    told = bar(anagram, "Not opened").text  # of both, whatever was opened between them
    assert "bad.json" in told and "worse.json" in told and "good.json" not in told
    assert len(desktop.editors[0].windows) == 2
    assert anagram.filing.open(tmp_path / "good.json") and not anagram.bars.shown  # in its own window, which is there
    anagram.filing.open(tmp_path / "bad.json")
    anagram.filing.open_example(anagram.editor.examples()[0][0])
    assert not anagram.bars.shown


def test_a_picture_that_carries_a_graph_opens_without_its_file(window, tmp_path):
    from nodegraph.png import embed

    picture = (ROOT / "docs" / "digits.png").read_bytes()
    (tmp_path / "made.png").write_bytes(embed(picture, ANAGRAM.read_text()))
    assert window.filing.open(tmp_path / "made.png")
    assert len(window.scene.nodes) == 11 and window.document.path is None
    assert window.windowTitle().startswith("made[*]") and window.document.graph.folder == tmp_path


def test_a_file_is_opened_once(desktop, tmp_path):
    editor, window = desktop.start()
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "a.json")
    window.filing.open(tmp_path / "a.json")
    window.filing.open(Path("a.json"))
    assert editor.windows == [window]


def test_opening_over_a_graph_opens_another_window(desktop, anagram, tmp_path):
    editor = anagram.editor
    anagram.scene.select(["six"])
    press(anagram, Qt.Key.Key_M)
    press(anagram, Qt.Key.Key_O, CTRL)
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "b.json")
    pick(anagram, tmp_path / "b.json")
    assert [window.document.path for window in editor.windows] == [ANAGRAM, tmp_path / "b.json"]
    assert anagram.document.dirty


def test_recent_files_are_in_the_menu(desktop, tmp_path):
    editor, window = desktop.start()
    nodegraph.save(nodegraph.load(ANAGRAM), tmp_path / "a.json")
    editor.session.note(tmp_path / "gone.json")
    editor.session.note(tmp_path / "a.json")
    recent = next(menu for menu in window.menus["File"].findChildren(QMenu) if menu.title() == "Open recent")
    recent.aboutToShow.emit()
    there, gone = recent.actions()[:2]
    assert (there.text(), there.isEnabled(), gone.text(), gone.isEnabled()) == ("a.json", True, "gone.json", False)
    there.trigger()
    assert window.document.path == tmp_path / "a.json"


def test_problems_are_marked_counted_and_told(anagram):
    problem = Problem("six", "digit", "is 'x'", "take 0 to 9", type="UNetMNIST")
    anagram.checking.told.emit({"six": [problem], None: []}, "100 steps")
    assert anagram.cost.text() == "1 problem · 100 steps"
    assert list(anagram.scene.nodes["six"].problems) == [problem] and not anagram.scene.nodes["nine"].problems


def test_a_checkpoint_that_is_not_here_is_told_before_a_run(anagram, qtbot, monkeypatch):
    need = {
        "checkpoint": "DeepFloyd/IF-I-XL-v1.0", "revision": None, "variant": "fp16", "components": ["unet"],
        "nodes": ["six"], "status": "missing", "place": "", "message": "", "found": [], "missing": ["unet"],
    }  # fmt: skip
    answer = {"problems": [], "checkpoints": [need], "unknown": [], "steps": {"sample": 1000}}
    monkeypatch.setattr(type(anagram.worker), "alive", True)
    monkeypatch.setattr(anagram.runs, "check", lambda document, then, failed: then(answer))
    anagram.document.edit("Set", anagram.document.graph.set("six", digit="5"))
    qtbot.waitUntil(lambda: bool(anagram.cost.text()))
    assert anagram.cost.text() == "1,000 steps · not here: DeepFloyd/IF-I-XL-v1.0"
    anagram.scene.select([])
    page = anagram.inspector
    qtbot.waitUntil(lambda: page.nodes == ())
    assert any("DeepFloyd/IF-I-XL-v1.0" in label.text() for label in page.findChildren(QLabel))


def test_where_nodes_stand_is_no_matter_of_the_workers(anagram, qtbot, monkeypatch):
    asked = []
    qtbot.wait(150)  # opening it asks, too
    monkeypatch.setattr(type(anagram.worker), "alive", True)
    monkeypatch.setattr(anagram.runs, "check", lambda document, then, failed: asked.append(document.graph))
    anagram.scene.select(["six"])
    press(anagram, Qt.Key.Key_Right)
    qtbot.wait(200)
    assert asked == []
    for digit in "123":
        anagram.document.edit("Set", anagram.document.graph.set("six", digit=digit))
    qtbot.wait(250)
    assert asked == [anagram.document.graph]


def test_states_of_a_run_reach_the_node_the_inspector_and_the_viewer(anagram, qtbot, monkeypatch):
    anagram.scene.select(["sample"])
    qtbot.waitUntil(lambda: anagram.inspector.nodes == ("sample",))
    state = NodeState("running", step=3, total=100, seconds_left=12.4)
    monkeypatch.setattr(anagram.runs, "state", lambda node: state)
    anagram.runs.state_changed.emit("sample")
    assert anagram.scene.nodes["sample"].state == state
    assert anagram.hint.text() == "sample 3 of 100, 12 s left"


def test_hints_of_gestures_are_in_the_status_bar(window):
    window.view.hint.emit("T flips the side")
    assert window.hint.text() == "T flips the side"
    window.view.hint.emit("")
    assert window.hint.text() == ""


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_graph_is_exported_whole_whatever_is_in_sight(anagram, tmp_path, ending):
    anagram.view.zoom_at(4)
    anagram.scene.select(["six"])
    anagram.actions_by_id[f"export_{ending}"].trigger()
    pick(anagram, tmp_path / f"graph.{ending}")
    data = (tmp_path / f"graph.{ending}").read_bytes()
    assert anagram.scene.selection == {"six"} and not anagram.document.dirty
    if ending == "svg":
        text = data.decode()
        assert text.count("IterativeSampler") >= 1 and "SaveImage" in text
    else:
        from PySide6.QtGui import QImage

        image, rect = QImage.fromData(data), anagram.scene.content_rect()
        assert image.width() == round((rect.width() + 80) * 2)
        accent = anagram.scene.theme.accent
        at = anagram.scene.node_rect("six").topLeft() - rect.topLeft() + QPointF(40, 40)
        assert image.pixelColor(int(at.x() * 2), int(at.y() * 2) + 40).name() != accent


def test_exporting_where_nothing_can_be_written_is_told(anagram, tmp_path):
    anagram.filing.export(tmp_path / "none" / "a.svg")
    assert "its folder is not there" in bar(anagram, "Not exported").text


def test_how_the_window_stands_is_kept(desktop):
    editor, window = desktop.start()
    window.show_page(False)
    window.resize(780, 640)
    window.log.show()
    window.close()
    again = editor.new_window()
    assert (again.width(), again.height()) == (780, 640)
    again.show_page(False)
    assert again.log.isVisible()


@pytest.mark.parametrize("kept", [3, {"state": "zz"}, {"geometry": "ü"}, {"geometry": 1}])
def test_a_broken_note_of_how_the_window_stood_disturbs_nothing(desktop, kept):
    (desktop.folder / "state").mkdir()
    (desktop.folder / "state" / "session.json").write_text(json.dumps({"window": kept, "recent": 1}))
    assert desktop.start(Preferences())[1].isVisible()


def test_about_names_the_versions(window):
    from nodegraph_gui.questions import Question

    window.actions_by_id["about"].trigger()
    box = window.findChild(Question)
    assert "PySide6" in box.informativeText() and "The worker is not running." in box.informativeText()
    box.close()
