"""The first page: every example is there with what it draws, in a checkout and in a wheel; files and buttons work."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest

from nodegraph.files import load
from nodegraph_gui.examples import course, find_examples
from nodegraph_gui.recents import told_apart
from nodegraph_gui.welcome import WelcomePage, broken, fit_picture

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot, tmp_path):
    here = tmp_path / "here.json"
    here.write_text("{}")
    page = WelcomePage(find_examples(), [here, tmp_path / "gone.json"])
    qtbot.addWidget(page)
    page.resize(1200, 800)
    page.show()
    qtbot.waitExposed(page)
    return page


def test_every_example_is_found_with_a_picture_and_a_text():
    at_once, large = find_examples()
    assert {example.file.name for example in at_once} == {file.name for file in (ROOT / "examples").glob("*.json")}
    assert {example.file.name for example in large} == {file.name for file in (ROOT / "examples" / "if").glob("*.json")}
    for example in at_once:
        assert example.picture is not None and example.picture.is_file(), example.title
        assert len(example.text) > 40, example.title
    assert [example.title for example in at_once][:2] == ["Digits", "Visual anagram"]
    assert len({example.title for example in at_once}) == len(at_once)
    assert course() is not None


def test_a_faulty_example_is_a_card_without_text(tmp_path):
    from nodegraph_gui.examples import read_example

    named = '{"nodes": {"a": {"inputs": {"name": "../x"}}}}'
    for text in ("", "[]", '{"nodes": [1], "canvas": {"notes": [3]}}', named):
        (tmp_path / "odd_one.json").write_text(text)
        example = read_example(tmp_path / "odd_one.json", tmp_path)
        assert (example.title, example.text, example.picture) == ("Odd one", "", None)


def test_a_wheel_carries_them(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        kept = [name for name in wheel.namelist() if name.startswith(("nodegraph_gui/", "nodegraph/"))]
        for name in kept:
            wheel.extract(name, tmp_path / "site")
    code = (
        "from nodegraph_gui.examples import find_examples, course; from nodegraph import load; a, b = find_examples();"
        "print(course());"
        "print(len(a), len(b), all(e.picture for e in a), sum(len(load(e.file).nodes) for e in a) > 99)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin"},
    )  # fmt: skip
    at_once, large = find_examples()
    assert done.stdout.splitlines() == [
        str(tmp_path / "site" / "nodegraph_gui" / "shipped" / "docs" / "diffusion.md"),
        f"{len(at_once)} {len(large)} True True",
    ], done.stderr


def test_a_click_on_a_card_opens_its_example(qtbot, page):
    wanted = []
    page.example_wanted.connect(wanted.append)
    QTest.mouseClick(page.cards[1], LEFT)
    page.cards[0].setFocus()
    QTest.keyClick(page.cards[0], Qt.Key.Key_Space)
    QTest.mouseClick(page.large[0], LEFT)
    assert [example.file.name for example in wanted] == ["anagram.json", "digits.json", "anagram.json"]
    assert len(load(wanted[0].file).nodes) == 11


def test_the_pictures_are_drawn_and_no_card_covers_another(qtbot, page):
    qtbot.waitUntil(lambda: all(card.image is not None for card in page.cards))
    for card in page.cards:
        assert card.image.deviceIndependentSize().width() <= card.width() - 24
    for one in page.cards:
        others = [card for card in page.cards if card is not one and card.geometry().intersects(one.geometry())]
        assert not others and one.parentWidget().rect().contains(one.geometry())
    picture = page.cards[0].grab().toImage()
    bright = [picture.pixelColor(x, 75).lightness() for x in range(14, picture.width() - 14)]
    assert max(bright) - min(bright) > 150  # white strokes on black


def test_recent_files_open_unless_they_are_gone(qtbot, page, tmp_path):
    opened, forgotten = [], []
    page.file_wanted.connect(opened.append)
    page.file_forgotten.connect(forgotten.append)
    for row in page.rows:
        QTest.mouseClick(row.button, LEFT)
    QTest.mouseClick(page.rows[1].cross, LEFT)
    assert opened == [tmp_path / "here.json"] and forgotten == [tmp_path / "gone.json"]
    page.set_recent([])
    assert page.rows == [] and page._no_recent.isVisible()


def test_the_two_buttons(qtbot, page):
    with qtbot.waitSignal(page.new_wanted):
        QTest.mouseClick(page.new_button, LEFT)
    with qtbot.waitSignal(page.open_wanted):
        QTest.mouseClick(page.open_button, LEFT)


def test_a_text_is_broken_into_the_lines_there_is_room_for(qtbot, page):
    metrics = page.fontMetrics()
    lines = broken("word " * 50, metrics, 200, 2 * metrics.lineSpacing())
    assert len(lines) == 2 and lines[1].endswith("…")
    assert all(metrics.horizontalAdvance(line) <= 200 for line in lines)
    assert broken("short", metrics, 200, 40) == ["short"]


def test_what_is_no_picture_is_none(qtbot, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    assert fit_picture(tmp_path / "a.png", QSize(10, 10), 1.0) is None
    assert fit_picture(tmp_path / "b.png", QSize(10, 10), 1.0) is None


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_opens_the_example_of_the_card_that_has_the_focus(qtbot, page, key):
    card = page.cards[1]
    with qtbot.waitSignal(page.example_wanted) as wanted:
        QTest.keyClick(card, key)
    assert wanted.args == [card.example]


def test_enter_presses_the_other_buttons_of_the_page(qtbot, page):
    with qtbot.waitSignal(page.open_wanted):
        QTest.keyClick(page.open_button, Qt.Key.Key_Return)
    with qtbot.waitSignal(page.file_wanted):
        QTest.keyClick(page.rows[0].button, Qt.Key.Key_Return)


def test_recent_files_of_one_name_are_told_apart_by_their_folders(page):
    files = [Path("/work/one/a.json"), Path("/work/two/a.json"), Path("/b.json")]
    page.set_recent(files)
    assert [row.button.text() for row in page.rows] == ["a.json  –  one", "a.json  –  two", "b.json"]
    assert told_apart([Path("/x/deep/a.json"), Path("/y/deep/a.json")]) == ["a.json  –  x/deep", "a.json  –  y/deep"]
    assert told_apart([]) == []
