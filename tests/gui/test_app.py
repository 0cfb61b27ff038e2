"""The editor as a program: it starts fast and whole, opens what it is given, and survives what nobody foresaw."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from windows import bar, press

import nodegraph
from nodegraph_gui.app import excepthook, log_to
from nodegraph_gui.kept_catalogues import KeptCatalogues
from nodegraph_gui.preferences import Preferences

ROOT = Path(__file__).resolve().parent.parent.parent
ANAGRAM = ROOT / "examples" / "anagram.json"

START = """
import json, sys
from PySide6.QtCore import QTimer
from nodegraph_gui import app

def look(editor):
    window = editor.windows[0]
    kinds = sum(len(some) for some in window.palette_dock.shown.values())
    print(json.dumps([kinds, len(window.scene.nodes), sorted(set(sys.modules) & set({modules!r}))]), flush=True)
    window.filing.leave_at_once()

shown = app.Editor.painted
def painted(editor):
    shown(editor)
    if not hasattr(editor, "looked"):
        editor.looked = True
        QTimer.singleShot(0, editor, lambda: look(editor))
app.Editor.painted = painted
sys.exit(app.main(sys.argv[1:]))
"""
HEAVY = ("torch", "numpy", "PIL", "nodegraph_nodes", "pyqtgraph", "networkx", "rich", "click")


def environment(folder):
    names = {"NODEGRAPH_STATE": "state", "NODEGRAPH_CONFIG": "config", "NODEGRAPH_CACHE": "cache"}
    return {**os.environ, **{name: str(folder / part) for name, part in names.items()}}


def test_it_starts_with_a_whole_palette_and_nothing_heavy(tmp_path, catalogue):
    KeptCatalogues(tmp_path / "cache" / "catalogues").keep(Preferences().command, catalogue)
    for arguments, nodes in (([], 0), ([str(ANAGRAM)], 11)):
        done = subprocess.run(
            [sys.executable, "-c", START.format(modules=HEAVY), *arguments],
            cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [len(catalogue.kinds), nodes, []], done.stderr


def test_the_command_opens_it_and_ends_with_its_last_window(tmp_path):
    code = (
        "import sys; from PySide6.QtCore import QTimer; from nodegraph_gui import app\n"
        "shown = app.Editor.painted\n"
        "def painted(editor):\n"
        "    shown(editor)\n"
        "    QTimer.singleShot(300, editor, editor.quit)\n"
        "app.Editor.painted = painted\n"
        f"sys.argv = ['nodegraph', 'edit', {str(ANAGRAM)!r}]\n"
        "from nodegraph.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert json.loads((tmp_path / "state" / "session.json").read_text())["recent"] == [str(ANAGRAM)]


@pytest.fixture
def hooked(desktop, monkeypatch):
    """A window of an editor that is told of exceptions that nobody caught."""
    editor, window = desktop.start()
    usual = []
    monkeypatch.setattr(sys, "excepthook", excepthook(editor, lambda *told: usual.append(told)))
    window.usual = usual
    return window


def raised(error):
    def fail():
        raise error

    return fail


def test_an_error_that_nobody_foresaw_is_shown_logged_and_loses_nothing(hooked, qtbot):
    hooked.show_page(False)
    hooked.desk.add("PureNoise")
    graph = hooked.document.graph
    with qtbot.captureExceptions():
        hook = excepthook(hooked.editor, sys.excepthook)
        try:
            raise KeyError("lost")
        except KeyError as error:
            hook(type(error), error, error.__traceback__)
    assert bar(hooked, "The editor went wrong").text.endswith("KeyError: 'lost'")
    log = hooked.editor.log.read_text()
    assert "Traceback" in log and "KeyError: 'lost'" in log
    assert hooked.document.graph is graph and hooked.filing.recovery.path.exists()


def test_ctrl_c_in_the_terminal_ends_it_as_ever(hooked):
    error = KeyboardInterrupt()
    sys.excepthook(KeyboardInterrupt, error, None)
    assert [told[0] for told in hooked.usual] == [KeyboardInterrupt] and not hooked.bars.shown


def test_a_log_that_cannot_be_written_disturbs_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    log_to(tmp_path / "file" / "log.txt", ValueError("x"))
    assert "x" in caplog.text


def test_a_large_log_is_put_aside(tmp_path):
    (tmp_path / "log.txt").write_text("x" * 1_000_001)
    log_to(tmp_path / "log.txt", ValueError("new"))
    assert "new" in (tmp_path / "log.txt").read_text() and (tmp_path / "log.old.txt").stat().st_size == 1_000_001


def test_windows_share_preferences_counts_and_recent_files(desktop, tmp_path):
    editor, window = desktop.start()
    other = editor.new_window()
    window.show_page(False)
    window.desk.usage.add("PureNoise")
    assert other.desk.usage.counts["PureNoise"] == 1
    assert [each.windowTitle() for each in editor.windows] == ["Untitled 1[*] – Nodegraph", "Untitled 2[*] – Nodegraph"]


def test_the_first_page_comes_back_in_a_free_window(desktop):
    editor, window = desktop.start()
    window.filing.open(ANAGRAM)
    window.actions_by_id["welcome"].trigger()
    assert len(editor.windows) == 2 and editor.windows[1].welcoming and not window.welcoming
    window.actions_by_id["welcome"].trigger()
    assert len(editor.windows) == 2


def test_broken_preferences_are_told_at_the_start(desktop):
    (desktop.folder / "config").mkdir()
    (desktop.folder / "config" / "preferences.json").write_text("{")
    editor, window = desktop.start()
    assert editor.preferences == Preferences() and "is broken" in editor.told[0]
    editor.tell(editor.told[0], "warning")
    assert "put aside as preferences.broken.json" in window.bars.shown[0].text


def test_another_catalogue_reaches_all_windows_and_is_kept(desktop, catalogue):
    from nodegraph_gui.catalogues import Catalogue

    editor, window = desktop.start()
    other = editor.new_window()
    document = dict(catalogue.to_json())
    document["node_types"] = document["node_types"][:5]
    fewer = Catalogue.from_json(document)
    editor.take_catalogue(fewer)
    for each in (window, other):
        assert sum(len(some) for some in each.palette_dock.shown.values()) == 5
        assert each.scene.catalogue == each.runs.catalogue == fewer
    assert editor.catalogues.read(editor.preferences.command) == fewer


def test_an_unknown_node_type_is_shown_and_kept(desktop, tmp_path):
    text = '{"nodegraph": 1, "nodes": {"a": {"type": "Strange", "inputs": {"x": [1]}, "plugin": "strange"}}}'
    (tmp_path / "a.json").write_text(text)
    window = desktop.start()[1]
    assert window.filing.open(tmp_path / "a.json")
    assert "a" in window.scene.nodes
    press(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    node = nodegraph.load(tmp_path / "a.json").nodes["a"]
    assert (node.type, node.plugin, node.inputs["x"]) == ("Strange", "strange", [1])


def test_a_window_that_is_closed_leaves_nothing_that_ticks(desktop, qtbot):
    editor, window = desktop.start()
    window.show_page(False)
    window.desk.add("PureNoise")
    window.filing.leave_at_once()
    QApplication.processEvents()
    assert editor.windows == []
    assert not [timer for timer in editor.findChildren(QTimer) if timer.isActive()]
    qtbot.wait(50)


def test_a_file_that_is_not_there_is_told_on_the_first_page(tmp_path):
    code = START.replace("print(", "print(window.welcoming, window.bars.shown[0].text); print(")
    done = subprocess.run(
        [sys.executable, "-c", code.format(modules=()), "gone.json"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == f"True Not opened: {tmp_path / 'gone.json'}: is not there", done.stderr
    assert told(done.stderr) == [f"not opened: {tmp_path / 'gone.json'}: is not there"]


def told(stderr):
    """What the editor says in the terminal, without what Qt says there of a screen that is none."""
    return [line.removeprefix("nodegraph edit: ") for line in stderr.splitlines() if line[:14] == "nodegraph edit"]


def test_a_broken_file_is_told_in_the_terminal_too_in_one_line(tmp_path):
    (tmp_path / "broken.json").write_text('{"nodegraph": 1,\n "nodes": ')
    done = subprocess.run(
        [sys.executable, "-c", START.format(modules=()), "broken.json"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    (line,) = told(done.stderr)
    assert line.startswith(f"not opened: {tmp_path / 'broken.json'}: ") and "line 2" in line
    assert "Traceback" not in done.stderr
