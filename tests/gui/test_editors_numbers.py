"""Numbers are dragged, stepped, turned and typed, and what is typed is what is kept."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from shown_editors import Shown

from nodegraph_gui.catalogues import Port
from nodegraph_gui.editors.scales import Scale, scale_of
from nodegraph_gui.editors.seeds import LARGEST_DRAWN, SeedEditor, draw_seed
from nodegraph_gui.editors.sliders import SliderEditor
from nodegraph_gui.editors.whole_numbers import NumberEditor
from nodegraph_gui.rules import Rule

LEFT, SHIFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def shown(qtbot, catalogue):
    def show(kind, name, value, **options):
        return Shown(qtbot, catalogue.kinds[kind].inputs_by_name[name], value, **options)

    return show


def wheel(widget, notches, keys=NONE):
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drag(slider, start, end, keys=NONE):
    y = slider.height() // 2
    QTest.mousePress(slider, LEFT, keys, QPoint(start, y))
    for step in range(1, 5):
        QTest.mouseMove(slider, QPoint(start + (end - start) * step // 4, y))
    QTest.mouseRelease(slider, LEFT, keys, QPoint(end, y))


def test_a_drag_is_many_values_on_the_way_and_one_that_was_chosen(shown):
    it = shown("CFGCombine", "scale", 7.0)
    slider = it.editor.slider
    assert isinstance(it.editor, SliderEditor)
    drag(slider, slider.width() // 2, slider.width() + 50)
    words = [word for word, *_ in it.said]
    assert words[-1] == "changed" and set(words[:-1]) == {"changing"} and len(words) > 3
    assert it.last == ("changed", 30.0) and it.editor.line.text() == "30.0"
    drag(slider, slider.width() - 5, -40)
    assert it.last == ("changed", -30.0)


def test_esc_in_a_drag_goes_back(shown):
    it = shown("CFGCombine", "scale", 7)
    slider = it.editor.slider
    slider.setFocus()
    QTest.mousePress(slider, LEFT, NONE, QPoint(20, 10))
    QTest.mouseMove(slider, QPoint(60, 10))
    assert it.last[0] == "changing"
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert it.last == ("cancelled",)
    assert it.editor.value == 7 and type(it.editor.value) is int and it.editor.line.text() == "7"
    before = len(it.said)
    QTest.mouseMove(slider, QPoint(90, 10))
    QTest.mouseRelease(slider, LEFT, NONE, QPoint(90, 10))
    assert len(it.said) == before


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ("3", 3, ""),
        ("3.0", 3.0, ""),
        ("-2.5", -2.5, ""),
        ("99", 99, "is 99, must be at most 30"),
        ("1+1", "1+1", "is '1+1', must be a number"),
        ("3,5", "3,5", "is '3,5', must be a number"),
        ("", "", "is '', must be a number"),
    ],
)
def test_what_is_typed_is_kept_and_marked_never_clamped(shown, text, value, why):
    it = shown("CFGCombine", "scale", 7.0)
    line = it.editor.line
    it.type(line, text, key=None)
    assert it.said == [] and it.editor.why == why and it.editor.problem.isVisible() == bool(why)
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert it.said == [("changed", value)] and type(it.last[1]) is type(value)
    assert line.text() == text and it.editor.why == why and line.property("wrong") == bool(why)


def test_typing_ends_when_the_keyboard_goes_elsewhere_and_esc_restores(shown):
    it = shown("CFGCombine", "scale", 7.0)
    it.type(it.editor.line, "9", key=None)
    it.other.setFocus()
    assert it.said == [("changed", 9)]
    it.type(it.editor.line, "55", key=Qt.Key.Key_Escape)
    assert it.last == ("cancelled",) and it.editor.line.text() == "9" and not it.editor.why
    it.other.setFocus()
    assert it.last == ("cancelled",)


def test_looking_at_a_value_does_not_change_it(shown):
    it = shown("CFGCombine", "scale", 7.123456789012)
    it.editor.line.setFocus()
    it.other.setFocus()
    it.editor.slider.setFocus()
    it.other.setFocus()
    assert it.said == [] and it.editor.value == 7.123456789012


def test_the_wheel_turns_only_what_has_the_keyboard(shown, qtbot):
    it = shown("CFGCombine", "scale", 7.0)
    for widget in (it.editor.slider, it.editor.line):
        it.other.setFocus()
        assert not wheel(widget, 1)
        assert it.editor.value == 7.0 and it.said == []
    it.editor.slider.setFocus()
    wheel(it.editor.slider, 2)
    wheel(it.editor.slider, -1, SHIFT)
    assert it.editor.value == pytest.approx(7.0 + 2 * 0.1 - 0.01)
    assert [word for word, *_ in it.said] == ["changing", "changing"]
    qtbot.waitUntil(lambda: it.last[0] == "changed", timeout=2000)


def test_arrow_keys_step_and_shift_is_finer(shown):
    it = shown("CFGCombine", "scale", 7.0)
    line = it.editor.line
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Up)
    QTest.keyClick(line, Qt.Key.Key_Down, SHIFT)
    assert line.text() == "7.09" and it.editor.value == 7.09
    it.other.setFocus()
    it.editor.commit()
    assert it.last == ("changed", 7.09)
    it.editor.slider.setFocus()
    QTest.keyClick(it.editor.slider, Qt.Key.Key_End)
    assert it.editor.value == 30.0


def test_a_double_click_on_the_slider_types(shown):
    it = shown("CFGCombine", "scale", 7.0)
    QTest.mouseDClick(it.editor.slider, LEFT, NONE, QPoint(30, 10))
    assert it.editor.line.hasFocus() and it.editor.line.selectedText() == it.editor.line.text()


def test_a_value_from_elsewhere_is_shown_and_nothing_said(shown):
    it = shown("CFGCombine", "scale", 7.0)
    it.other.setFocus()
    it.editor.set_value(99)
    assert it.said == [] and it.editor.line.text() == "99" and it.editor.why == "is 99, must be at most 30"
    assert it.editor.slider.share == 1.0 and it.other.hasFocus()
    it.editor.set_value("text")
    assert it.editor.slider.share == 0.0 and it.editor.line.text() == "text"


def test_what_others_find_is_shown_until_they_find_it_no_more(shown):
    it = shown("CFGCombine", "scale", 7.0)
    it.editor.set_problem("is odd here")
    assert it.editor.problem.isVisible() and it.editor.problem.text() == "is odd here"
    it.editor.set_problem("")
    assert not it.editor.problem.isVisible() and not it.editor.why


def test_whole_numbers_stay_whole(shown):
    it = shown("IterativeSampler", "steps", 50)
    drag(it.editor.slider, 20, 90)
    assert type(it.editor.value) is int
    it.type(it.editor.line, "50.5")
    assert it.last == ("changed", 50.5) and it.editor.why == "is 50.5, must be a whole number"


def test_a_number_without_two_ends_has_buttons(shown):
    it = shown("Integer", "value", 3)
    assert isinstance(it.editor, NumberEditor)
    QTest.mouseClick(it.editor.more, LEFT)
    QTest.mouseClick(it.editor.less, LEFT)
    QTest.mouseClick(it.editor.less, LEFT)
    assert it.editor.value == 2
    it.editor.commit()
    assert it.last == ("changed", 2)


def test_nothing_can_be_typed_where_nothing_is_allowed(shown):
    it = shown("PureNoise", "width", 3)
    it.type(it.editor.line, "")
    assert it.last == ("changed", None) and not it.editor.why


def test_a_seed_is_drawn_inside_its_range_and_the_toggle_only_says_so(shown):
    it = shown("PureNoise", "seed", 7)
    assert isinstance(it.editor, SeedEditor)
    wanted = []
    it.editor.drawn_changed.connect(wanted.append)
    QTest.mouseClick(it.editor.draw_now, LEFT)
    assert it.last[0] == "changed" and 0 <= it.last[1] <= LARGEST_DRAWN and type(it.last[1]) is int
    number = it.editor.value
    QTest.mouseClick(it.editor.drawn, LEFT)
    assert wanted == [True] and it.editor.value == number
    it.editor.set_drawn(False)
    assert wanted == [True] and not it.editor.drawn.isChecked()
    it.type(it.editor.line, str(2**63 - 1))
    assert it.last == ("changed", 2**63 - 1) and not it.editor.why
    it.type(it.editor.line, str(2**63))
    assert it.last == ("changed", 2**63) and it.editor.why == f"is {2**63}, must be at most {2**63 - 1}"


def test_drawn_seeds_differ_and_are_legal():
    port = Port("seed", "int", is_data=True, minimum=5, maximum=9, schema={"minimum": 5, "maximum": 9})
    assert {draw_seed(port) for _ in range(300)} == {5, 6, 7, 8, 9}
    assert len({draw_seed() for _ in range(50)}) == 50


def test_every_built_in_scale_gives_legal_numbers_only(catalogue):
    seen = 0
    for kind in catalogue.kinds.values():
        for port in kind.inputs:
            scale = scale_of(port)
            if scale is None:
                continue
            seen += 1
            rule = Rule(port)
            for place in range(101):
                for fine in (False, True):
                    value = scale.at(place / 100, fine=fine)
                    assert not rule.why(value), (kind.id, port.name, value)
                    assert len(repr(value)) < 24
            assert not rule.why(scale.stepped(port.default or scale.low, -3))
    assert seen > 30


SCALES = [
    Scale(-30, 30, 0.1), Scale(0, 1, 0.01), Scale(1, 1000, 1, True, True), Scale(0, 999, 1, True),
    Scale(1e-5, 1, 0.01, False, True), Scale(0.02, 60, 0.1, False, True),
]  # fmt: skip


@given(st.sampled_from(SCALES), st.floats(0, 1))
def test_a_place_on_a_scale_and_the_number_there_agree(scale, share):
    value = scale.at(share)
    assert scale.low <= value <= scale.high
    assert abs(scale.share(value) - share) < (0.12 if scale.logarithmic and scale.whole else 0.06)
    assert scale.at(scale.share(value)) == pytest.approx(value, rel=0.02, abs=1e-9)


@given(st.sampled_from(SCALES), st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_further_along_a_scale_is_never_less(scale, shares):
    values = [scale.at(share) for share in sorted(shares)]
    assert values == sorted(values)


def test_decades_are_dragged_by_powers_of_ten(catalogue):
    rate = scale_of(catalogue.kinds["TrainUNet"].inputs_by_name["learning_rate"])
    assert rate.logarithmic and rate.low == 1e-5 and rate.at(rate.share(0.002)) == 0.002
    assert not scale_of(catalogue.kinds["CFGCombine"].inputs_by_name["scale"]).logarithmic
    port = Port("it", "float", is_data=True, minimum=1, maximum=10, schema={"scale": "log"})
    assert scale_of(port).logarithmic
    assert scale_of(Port("it", "float", is_data=True, minimum=0, maximum=math.inf)) is None


def test_in_a_row_of_a_node_there_is_only_the_number_and_tab_goes_on(shown):
    it = shown("CFGCombine", "scale", 7.0, compact=True)
    assert it.editor.slider is None
    ways = []
    it.editor.moved_on.connect(ways.append)
    it.type(it.editor.line, "99", key=Qt.Key.Key_Tab)
    assert it.said == [("changed", 99)] and ways == [1]
    assert not it.editor.problem.isVisible() and it.editor.toolTip() == "scale is 99, must be at most 30"
    QTest.keyClick(it.editor.line, Qt.Key.Key_Backtab)
    assert ways == [1, -1]


def test_screen_readers_are_told_what_it_is(shown):
    it = shown("CFGCombine", "scale", 7.0)
    for widget in (it.editor, it.editor.line, it.editor.slider):
        assert widget.accessibleName() == "scale"
    assert it.editor.focusProxy() is it.editor.line
