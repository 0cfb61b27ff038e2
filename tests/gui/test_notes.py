"""Notes: where a new one lies, how high it is, what shows that there is more, their colours and copies."""

import pytest
from desks import FRAME, check_law, check_undo, guided, open_desk
from driving import double_click, drag, send_mouse
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from windows import CTRL, SHIFT

from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.colours import contrast
from nodegraph_gui.menus import menu_at
from nodegraph_gui.note_items import note_height, note_text
from nodegraph_gui.themes import THEMES

K = Qt.Key
TEN = "\n\n".join(f"Paragraph {number}" for number in range(10))


@pytest.fixture
def noted(qtbot, catalogue, tmp_path):
    """The guided graph with a frame around the noise, and a note that is smaller than what will be written."""
    note = {"text": "Look", "rect": [380, 600, 240, 80]}
    return open_desk(qtbot, catalogue, guided(frames=[FRAME], notes=[note]), tmp_path)


def note_of(desk, number=0):
    return canvas_of(desk.document.graph).notes[number]


def write(desk, text, at=(480, 640)):
    double_click(desk.view, at)
    over = QApplication.focusWidget()
    assert isinstance(over, QPlainTextEdit)
    for number, line in enumerate(text.split("\n")):
        if number:
            QTest.keyClick(over, K.Key_Return)
        QTest.keyClicks(over, line)
    QTest.keyClick(over, K.Key_Escape)


def point_at(desk, x, y):
    send_mouse(desk.view, "move", desk.view.mapFromScene(QPointF(x, y)))


def test_a_new_note_covers_no_title_of_a_frame_no_node_and_no_note(noted):
    for at in ((100, -46), (100, 30), (480, 640)):
        point_at(noted, *at)
        QTest.keyClick(noted.view, K.Key_N, CTRL | SHIFT)
        QTest.keyClick(QApplication.focusWidget(), K.Key_Escape)
    assert len(noted.scene.notes) == 4
    rects = [item.rect for item in noted.scene.notes]
    others = [noted.scene.node_rect(node) for node in noted.scene.nodes] + [item.bar for item in noted.scene.frames]
    for number, rect in enumerate(rects):
        assert not any(rect.intersects(other) for other in (*others, *rects[:number])), number
    check_law(noted)


def test_a_note_grows_and_shrinks_with_its_text_in_one_step(noted):
    before = noted.document.graph
    write(noted, TEN)
    item, note = noted.scene.notes[0], note_of(noted)
    assert note.text == TEN and note.rect.width == 240 and not item.overflows
    assert note.rect.height >= note_height(TEN, 240, noted.scene.paints) > 150
    check_undo(noted, before, "Edit a note")
    write(noted, "Short")
    assert note_of(noted).rect.height == 60


def test_a_note_keeps_the_height_that_the_user_gave_it_and_shows_that_there_is_more(noted):
    drag(noted.view, (480, 680), (480, 720))
    assert note_of(noted).sized and note_of(noted).rect.height == 120
    write(noted, TEN)
    assert note_of(noted).rect.height == 120 and noted.scene.notes[0].overflows
    assert dots(noted), "three dots say that there is more"
    drag(noted.view, (620, 640), (700, 640))
    assert note_of(noted).rect.width == 320 and note_of(noted).rect.height == 120
    take(menu_at(noted, QPointF(480, 640)), "As high as its text")
    assert not note_of(noted).sized and not noted.scene.notes[0].overflows and not dots(noted)
    check_law(noted)


def dots(desk):
    """Whether the middle of the foot of the note is drawn in another colour than its ground."""
    item = desk.scene.notes[0]
    image = desk.view.grab().toImage()
    at = desk.view.mapFromScene(QPointF(item.rect.center().x(), item.rect.bottom() - 7))
    return image.pixelColor(at).name() != item.ground


def test_a_note_that_is_made_narrower_becomes_higher(noted):
    write(noted, "one two three four five six seven eight nine ten eleven twelve")
    high = note_of(noted).rect.height
    drag(noted.view, (620, 630), (500, 630))
    assert note_of(noted).rect.width == 120 and note_of(noted).rect.height > high
    assert not note_of(noted).sized and not noted.scene.notes[0].overflows


def test_the_editor_of_a_note_is_as_high_as_what_is_typed_and_stays_in_sight(noted):
    double_click(noted.view, (480, 640))
    over = QApplication.focusWidget()
    low = over.height()
    for _ in range(12):
        QTest.keyClicks(over, "line")
        QTest.keyClick(over, K.Key_Return)
    assert over.height() > low + 100 and not over.verticalScrollBar().maximum()
    for _ in range(100):
        QTest.keyClick(over, K.Key_Return)
    assert over.geometry().top() >= 0 and over.geometry().bottom() < noted.view.viewport().height()


def test_options_and_dotted_names_stay_on_one_line(noted):
    text = note_text("Try --sample.method ddim, -x or well-known", noted.scene.paints)
    whole, broken = text.toPlainText(), set()
    for width in range(150, 400, 7):
        text.setTextWidth(width)
        assert text.size().width() <= width  # and now its lines are laid out
        layout = text.firstBlock().layout()
        starts = [layout.lineAt(number).textStart() for number in range(1, layout.lineCount())]
        broken |= {whole[: start].replace("\u2060", "").split(" ")[-1] for start in starts}
    assert broken <= {"", "well-"} and broken


def test_looking_at_a_note_changes_nothing(noted):
    before = noted.document.graph
    double_click(noted.view, (480, 640))
    QTest.keyClick(QApplication.focusWidget(), K.Key_Return, CTRL)
    assert noted.document.graph is before


def take(menu, text):
    action = next(action for action in menu.actions() if action.text() == text)
    assert action.isEnabled()
    action.trigger()


def test_the_menu_of_a_note_duplicates_it_and_gives_it_a_colour(noted):
    before = noted.document.graph
    menu = menu_at(noted, QPointF(480, 640))
    take(menu, "Duplicate")
    copy = note_of(noted, 1)
    assert copy.text == "Look" and copy.rect == note_of(noted).rect.moved((40, 40))
    assert noted.scene.selected_keys == {("note", 1)}
    check_undo(noted, before, "Duplicate a note")
    noted.document.undo()
    menu = menu_at(noted, QPointF(480, 640))
    colours = next(action.menu() for action in menu.actions() if action.text() == "Colour")
    take(colours, "Teal")
    assert note_of(noted).colour == "#3fc6a8"
    check_undo(noted, before, "Colour a note")
    take(colours, "As the theme")
    assert note_of(noted).colour == "" and noted.scene.notes[0].ground == noted.scene.theme.note


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_text_of_a_coloured_note_can_be_read(noted, theme):
    noted.scene.set_theme(THEMES[theme])
    noted.scene.select([("note", 0)])
    for colour in ("#f2a33a", "#3fc6a8", "#4fa3e0", "#000000", "#ffffff"):
        noted.colour(colour)
        item = noted.scene.notes[0]
        image = QImage(240, 80, QImage.Format.Format_RGB32)
        image.fill(QColor(noted.scene.theme.canvas))
        painter = QPainter(image)
        noted.scene.render(painter, source=item.rect)
        painter.end()
        shades = {image.pixelColor(x, y).name() for x in range(10, 60) for y in range(10, 30)}
        assert item.ground in shades and max(contrast(item.ground, shade) for shade in shades) >= 4.4
