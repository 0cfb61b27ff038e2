"""Settings: what is kept comes back, what is wrong is told and never lost, the dialog takes only what is right."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from nodegraph.errors import OutputError
from nodegraph_gui.preferences import Preferences, read_preferences, write_preferences
from nodegraph_gui.preferences_dialog import PreferencesDialog
from nodegraph_gui.recents import Session

FILE = "preferences.json"


def test_what_was_kept_comes_back(tmp_path):
    settings = Preferences().changed(
        worker="ssh gpu-box nodegraph worker", shares_files=False, device="cuda:1", output="~/pictures",
        metadata=False, theme="light", snap=False, autosave=2,
    )  # fmt: skip
    write_preferences(settings, tmp_path / "new")
    assert read_preferences(tmp_path / "new") == (settings, [])


def test_without_a_file_the_defaults_hold(tmp_path):
    assert read_preferences(tmp_path) == (Preferences(), [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", "null", "\ufeff{}", '{"theme": "light"', "[" * 100_000])
def test_a_broken_file_is_told_and_put_aside(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    settings, told = read_preferences(tmp_path)
    assert settings == Preferences()
    assert len(told) == 1 and str(tmp_path / FILE) in told[0] and "the defaults hold" in told[0]
    write_preferences(settings, tmp_path)
    assert (tmp_path / "preferences.broken.json").read_text() == text


def test_one_wrong_setting_costs_no_other(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"theme": "pink", "autosave": 3, "snap": 0, "worker": 'ssh "box'}))
    settings, told = read_preferences(tmp_path)
    assert settings == Preferences(autosave=3.0)
    assert [line.split(": ", 1)[1].split(" ")[0] for line in told] == ["worker", "theme", "snap"]
    assert "is 'pink', must be one of dark, light; 'dark' holds" in told[1]


def test_settings_of_a_later_version_are_kept(tmp_path):
    (tmp_path / FILE).write_text('{"minimap": {"corner": 3}, "theme": "light"}')
    settings, told = read_preferences(tmp_path)
    write_preferences(settings.changed(snap=False), tmp_path)
    kept = json.loads((tmp_path / FILE).read_text())
    assert told == [] and kept["minimap"] == {"corner": 3} and kept["theme"] == "light" and kept["snap"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("autosave", 0), ("autosave", 61), ("autosave", float("nan")), ("autosave", True), ("autosave", "1"),
        ("device", "gpu"), ("device", "cuda:x"), ("device", "cuda:"), ("device", 1), ("output", " "),
        ("output", "a\0b"), ("theme", ["dark"]), ("snap", 1), ("worker", None), ("worker", "a 'b"), ("colour", "red"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        Preferences().changed(**{name: value})


def test_the_workers_command_is_split_as_a_shell_would():
    assert Preferences(worker="ssh gpu-box 'cd my work; nodegraph worker'").command == [
        "ssh", "gpu-box", "cd my work; nodegraph worker",
    ]  # fmt: skip
    assert Preferences().command[1:] == ["-m", "nodegraph", "worker"]


def test_the_output_folder_is_beside_the_file(tmp_path):
    assert Preferences().output_folder(tmp_path / "a.json") == tmp_path / "output"
    assert Preferences(output="/elsewhere").output_folder(tmp_path / "a.json").as_posix().endswith("/elsewhere")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=FILE):
        write_preferences(Preferences(), tmp_path / "file" / "below")


def press(dialog, button):
    QTest.mouseClick(dialog.buttons.button(button), Qt.MouseButton.LeftButton)


def shown(qtbot, preferences):
    dialog = PreferencesDialog(preferences)
    qtbot.addWidget(dialog)
    dialog.show()
    taken = []
    dialog.accepted_with.connect(taken.append)
    return dialog, taken


def test_the_dialog_shows_and_hands_over_all_settings(qtbot):
    before = Preferences(
        worker="a b", shares_files=False, device="cpu", output="out", metadata=False, theme="light", snap=False,
        autosave=1.5, others={"x": 1},
    )  # fmt: skip
    dialog, taken = shown(qtbot, before)
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    assert taken == [before]
    assert not dialog.isVisible()


def test_the_dialog_stays_open_while_something_is_wrong(qtbot):
    dialog, taken = shown(qtbot, Preferences())
    QTest.keyClicks(dialog.worker, 'ssh "box')
    QTest.keyClick(dialog.worker, Qt.Key.Key_Return)
    assert dialog.isVisible() and taken == []
    assert dialog.complaint.isVisible() and "worker is 'ssh \"box'" in dialog.complaint.text()
    QTest.keyClicks(dialog.worker, '"')
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    assert [settings.command for settings in taken] == [["ssh", "box"]]


def test_cancel_takes_nothing_and_defaults_can_be_restored(qtbot):
    dialog, taken = shown(qtbot, Preferences(theme="light", output="x"))
    press(dialog, QDialogButtonBox.StandardButton.RestoreDefaults)
    assert dialog.settings() == Preferences()
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert taken == [] and not dialog.isVisible()


def test_recent_files_are_the_last_ones_once_each(tmp_path):
    session = Session(tmp_path / "state")
    for name in ("a", "b", "a", *map(str, range(11))):
        session.note(tmp_path / name)
    assert [file.name for file in Session(tmp_path / "state").recent] == [*map(str, reversed(range(11))), "a"]
    session.forget(tmp_path / "5")
    assert "5" not in [file.name for file in session.recent]
    session.put("uses", ["PureNoise"])
    session.forget_all()
    assert session.recent == [] and session.get("uses") == ["PureNoise"]


@pytest.mark.parametrize("text", ["", "[1]", '{"recent": "a"}', '{"recent": [1, null]}'])
def test_a_broken_list_of_recent_files_is_an_empty_one(tmp_path, text):
    (tmp_path / "session.json").write_text(text)
    session = Session(tmp_path)
    assert session.recent == []
    session.note(tmp_path / "a")
    assert session.recent == [tmp_path / "a"]


def test_recent_files_that_cannot_be_kept_disturb_nothing(tmp_path):
    (tmp_path / "session.json").mkdir()
    session = Session(tmp_path)
    session.note(tmp_path / "a")
    assert session.recent == []
