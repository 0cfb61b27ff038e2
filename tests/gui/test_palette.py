"""The palette, by the keyboard and the mouse on a shown window."""

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest

from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.palette import KIND_MIME, Palette, children, kind_of, mime_for


@pytest.fixture
def palette(qtbot, catalogue):
    palette = Palette(catalogue)
    palette.resize(300, 900)
    palette.taken = []
    palette.chosen.connect(palette.taken.append)
    qtbot.addWidget(palette)
    palette.show()
    qtbot.waitExposed(palette)
    return palette


def row_of(palette, kind):
    return next(row for top in palette.tree.tops() for row in children(top) if row.text(0) == kind)


def middle(palette, kind):
    palette.tree.scrollToItem(row_of(palette, kind))
    return palette.tree.visualItemRect(row_of(palette, kind)).center()


def test_every_kind_is_listed_once_under_its_category(palette, catalogue):
    wanted = {category: [kind.id for kind in kinds] for category, kinds in catalogue.categories.items()}
    assert palette.shown == wanted
    assert sorted(kind for some in palette.shown.values() for kind in some) == sorted(catalogue.kinds)


def test_a_double_click_takes_a_kind_and_not_a_category(palette):
    viewport = palette.tree.viewport()
    at = middle(palette, "PureNoise")
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    assert palette.taken == ["PureNoise"]
    palette.tree.scrollToTop()
    top = palette.tree.visualItemRect(palette.tree.tops()[0]).center()
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=top)
    assert palette.taken == ["PureNoise"]


def test_enter_takes_the_row(palette):
    QTest.mouseClick(palette.tree.viewport(), Qt.MouseButton.LeftButton, pos=middle(palette, "SaveImage"))
    QTest.keyClick(palette.tree, Qt.Key.Key_Return)
    assert palette.taken == ["SaveImage"]


def test_a_search_narrows_and_enter_takes_the_likeliest(palette, catalogue):
    QTest.keyClicks(palette.line, "cfg")
    listed = [kind for some in palette.shown.values() for kind in some]
    assert "CFGCombine" in listed and len(listed) < len(catalogue.kinds)
    assert all(top.isExpanded() for top in palette.tree.tops())
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.taken == ["CFGCombine"]


def test_closed_categories_stay_closed_after_a_search(palette):
    palette.tree.tops()[0].setExpanded(False)
    closed = palette.tree.tops()[0].text(0)
    QTest.keyClicks(palette.line, "sa")
    palette.line.clear()
    assert palette.tree.closed_categories() == {closed}


def test_enter_in_an_empty_line_takes_nothing(palette):
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.taken == []


def test_what_is_dragged_names_the_kind():
    mime = mime_for("PureNoise")
    assert mime.formats() == [KIND_MIME]
    assert kind_of(mime) == "PureNoise"
    text = QMimeData()
    text.setText("PureNoise")
    assert kind_of(text) is None


def test_another_catalogue_replaces_what_is_listed(palette, catalogue):
    few = {name: catalogue.kinds[name] for name in ("PureNoise", "SaveImage")}
    palette.set_catalogue(Catalogue(few, document={"few": True}))
    assert sorted(kind for some in palette.shown.values() for kind in some) == ["PureNoise", "SaveImage"]
