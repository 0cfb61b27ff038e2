"""Opening the editor from the command line: what it lacks is said before Qt would end the process for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_calls import call, environment

from nodegraph.cli import editor


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(editor, "why_no_qt", lambda: "")
    monkeypatch.setattr(sys, "platform", "linux")
    return monkeypatch


def test_without_a_display_it_says_so_and_how_to_run(no_display: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    result = call("edit", tmp_path / "a.json")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "nodegraph edit: there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set",
        f"Without it: nodegraph run {tmp_path / 'a.json'}",
    ]


def test_a_wayland_display_will_do(no_display: pytest.MonkeyPatch) -> None:
    no_display.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert editor.why_no_editor() == ""


def test_an_editor_that_nobody_sees_does_not_count_where_one_is_to_be_seen(no_display: pytest.MonkeyPatch) -> None:
    no_display.setenv("QT_QPA_PLATFORM", "offscreen")
    assert editor.why_no_editor() == ""
    assert editor.why_no_editor(seen=True) == "QT_QPA_PLATFORM is offscreen, which shows nothing"


@pytest.mark.parametrize("missing", [["libxcb-cursor.so.0"], []])
def test_what_qt_would_abort_for_is_found_before(no_display: pytest.MonkeyPatch, missing: list[str]) -> None:
    no_display.setenv("DISPLAY", ":4711")
    no_display.setattr(editor, "loads", lambda name: name not in missing)
    why = editor.why_no_editor()
    if missing:
        assert "libxcb-cursor.so.0 cannot be loaded" in why and "libxcb-cursor0" in why
    else:
        no_display.setattr(editor, "display_answers", lambda: False)
        assert editor.why_no_editor() == "the display :4711 does not answer"


def test_a_display_that_is_dead_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    assert not editor.display_answers() or not editor.loads("libxcb.so.1")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'PySide6'", name="PySide6"), "pip install 'nodegraph[gui]'"),
        (ImportError("libEGL.so.1: cannot open shared object file"), "libegl1"),
    ],
)
def test_what_is_to_be_installed_is_named(monkeypatch: pytest.MonkeyPatch, error: ImportError, said: str) -> None:
    def refuse(name: str) -> None:
        raise error

    monkeypatch.setattr(editor, "import_module", refuse)
    result = call("edit")
    assert result.exit_code == 2 and said in result.stderr and "Traceback" not in result.stderr


def test_the_editor_gets_the_file_and_its_status_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class App:
        @staticmethod
        def main(arguments: list[str]) -> int:
            calls.append(arguments)
            return 3

    monkeypatch.setattr(editor, "why_no_editor", lambda: "")
    monkeypatch.setattr(editor, "import_module", lambda name: App)
    assert call("edit", "a.json").exit_code == 3
    assert call("edit").exit_code == 3
    assert call().exit_code == 3
    assert calls == [["a.json"], [], []]


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [([], True), (["edit"], True), (["edit", "a"], True), (["edit", "--help"], False), (["edit", "a", "b"], False),
     (["run", "a"], False), (["--version"], False)],
)  # fmt: skip
def test_only_plain_calls_pass_the_command_line_by(arguments: list[str], plain: bool) -> None:
    assert editor.is_plain(arguments) is plain


def test_help_opens_no_window(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nodegraph", "edit", "--help"], capture_output=True, text=True, timeout=60,
        env=environment(tmp_path, QT_QPA_PLATFORM="offscreen"),
    )  # fmt: skip
    assert done.returncode == 0 and "Open the editor." in done.stdout
