"""Whatever is written or drawn can be read: the contrast of WCAG AA, in both themes."""

import pytest
from PySide6.QtGui import QColor, QPalette

from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.colours import contrast, mix, seen_on
from nodegraph_gui.paints import Paints
from nodegraph_gui.themes import THEMES

TEXT, SHAPE = 4.5, 3.0
themes = pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#4fa3e0", "#4fa3e0") == 1


@pytest.mark.parametrize("ground", ["#000000", "#ffffff", "#15171c", "#f1f3f6", "#7f7f7f"])
@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#d9c04a", "#3fc6a8", "#123456"])
def test_a_colour_is_changed_until_it_can_be_seen_and_no_further(colour, ground):
    found = seen_on(colour, ground, SHAPE)
    assert contrast(found, ground) >= SHAPE
    if contrast(colour, ground) >= SHAPE:
        assert found == colour


@pytest.mark.parametrize("colour", ["", "red", "#fff", "4fa3e0 "])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ValueError, match="must be like #4fa3e0"):
        mix(colour, "#000000", 0.5)


@themes
def test_letters_can_be_read_on_all_their_grounds(theme):
    for name in ("canvas", "node", "header", "field", "note", "window", "base", "raised"):
        assert contrast(theme.text, getattr(theme, name)) >= TEXT, name
    for ground in (theme.node, theme.header, theme.field, theme.window, theme.base):
        assert contrast(theme.quiet, ground) >= TEXT, ground
    assert contrast(theme.text, theme.fill) >= TEXT
    assert contrast(theme.quiet, theme.fill) >= TEXT  # a name over the bar of a slider
    assert contrast(theme.on_accent, theme.accent) >= TEXT


@themes
def test_titles_and_what_they_say_of_a_run_can_be_read_in_every_colour_of_a_node(theme, catalogue, qapp):
    paints = Paints(theme, catalogue)
    colours = [*theme.category_colours(catalogue).values(), "#ffffff", "#000000", "#ff0000", "#777777"]
    for colour in colours:
        strip, ground = paints.category("", colour)
        assert contrast(strip, theme.node) >= SHAPE
        for name in ("text", "quiet", "good", "error", "bypass"):
            assert contrast(paints.on(ground, getattr(theme, name)).color().name(), ground) >= TEXT
    for name in ("error", "warning", "quiet"):
        assert contrast(theme.text, mix(theme.node, getattr(theme, name), 0.14)) >= TEXT


@themes
def test_wires_ports_and_marks_can_be_told_from_the_ground(theme, catalogue):
    for wire in catalogue.wire_types.values():
        seen = theme.wire(wire.colour)
        assert contrast(seen, theme.canvas) >= SHAPE and contrast(seen, theme.node) >= SHAPE
    for name in ("accent", "good", "warning", "error", "bypass"):
        assert contrast(getattr(theme, name), theme.canvas) >= SHAPE, name


@themes
def test_categories_have_colours_of_their_own_and_keep_them_when_another_comes(theme, catalogue, qapp):
    before = theme.category_colours(catalogue)
    assert len(set(before.values())) == len(before) >= 9
    assert all(contrast(Paints(theme, catalogue).category(name)[0], theme.node) >= SHAPE for name in before)
    described = dict(catalogue.to_json())
    extra = {**described["node_types"][0], "id": "Extra", "category": "Weather"}
    after = theme.category_colours(Catalogue.from_json({**described, "node_types": [*described["node_types"], extra]}))
    assert {name: after[name] for name in before} == dict(before) and "Weather" in after


@themes
def test_every_colour_is_one_and_widgets_get_them(theme):
    assert all(QColor(colour).isValid() for colour in (*theme.colours().values(), *theme.hues))
    palette = theme.palette()
    role = QPalette.ColorRole
    for letters, ground in ((role.WindowText, role.Window), (role.Text, role.Base), (role.ButtonText, role.Button)):
        assert contrast(palette.color(letters).name(), palette.color(ground).name()) >= TEXT
    assert contrast(palette.color(role.HighlightedText).name(), palette.color(role.Highlight).name()) >= TEXT
    assert palette.color(QPalette.ColorGroup.Disabled, role.Text) != palette.color(role.Text)
