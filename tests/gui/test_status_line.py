"""What the line at the bottom says: what goes on stays, and what is said for a while is shown over it."""

import pytest
from PySide6.QtWidgets import QStatusBar

from nodegraph_gui import status_line
from nodegraph_gui.status_line import StatusLine


@pytest.fixture
def line(qtbot, monkeypatch):
    monkeypatch.setattr(status_line, "SAID", 200)
    monkeypatch.setattr(status_line, "READ", 100)
    bar = QStatusBar()
    qtbot.addWidget(bar)
    yield StatusLine(bar)  # which the bar keeps


def test_what_goes_on_stays_until_it_is_over(line, qtbot):
    line.stand("train 4 of 20")
    qtbot.wait(300)
    assert line.hint.text() == "train 4 of 20"
    line.stand("train 5 of 20")
    assert line.hint.text() == "train 5 of 20"
    line.stand("")
    assert line.hint.text() == ""


def test_what_is_said_can_be_read_and_gives_way_to_what_goes_on(line, qtbot):
    line.stand("train 4 of 20")
    line.say("Saved a.json")
    line.stand("train 5 of 20")
    assert line.hint.text() == "Saved a.json"
    qtbot.waitUntil(lambda: line.hint.text() == "train 5 of 20", timeout=2000)
    line.say("Saved a.json")
    line.stand("")
    assert line.hint.text() == "Saved a.json"
    qtbot.waitUntil(lambda: line.hint.text() == "", timeout=2000)
