"""A number with a range: dragged on a slider or typed beside it."""

from typing import Any

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QWidget

from .editor import Editor, small_label
from .looks import Look
from .number_lines import NumberLine, wheel_steps
from .scales import Scale, is_number, number_text, scale_of

__all__ = ["Slider", "SliderEditor"]

PLACES = 10_000  # of the slider that Qt and screen readers know of
KNOB = 7.0


class Slider(QSlider):
    """A slider over a `Scale`; it jumps to where it is pressed, and Shift makes a drag ten times finer."""

    moved = Signal(object)
    released = Signal()
    stepped = Signal(object)
    asked = Signal()  # a double click: the number shall be typed

    def __init__(self, scale: Scale, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.scale = scale
        self.look = look
        self.number: Any = None
        self.wrong = False
        self._drag: tuple[float, float] | None = None  # where the hand was, and the share of the scale there
        self._turned = 0
        self.setRange(0, PLACES)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(60)
        self.setMinimumHeight(24)

    @property
    def held(self) -> bool:
        return self._drag is not None

    def set_number(self, value: Any) -> None:
        """Show a number; what is none, or lies outside, is at the end of the line."""
        self.number = value
        self.setValue(round(self.share * PLACES))
        self.update()

    @property
    def share(self) -> float:
        return self.scale.share(self.number) if is_number(self.number) else 0.0

    def let_go(self) -> None:
        self._drag = None

    def share_at(self, x: float) -> float:
        return min(1.0, max(0.0, (x - KNOB) / max(1.0, self.width() - 2 * KNOB)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        x = event.position().x()
        here = KNOB + self.share * (self.width() - 2 * KNOB)
        grabbed = is_number(self.number) and abs(x - here) <= KNOB + 1
        self._drag = (x, self.share if grabbed else self.share_at(x))
        if not grabbed and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.moved.emit(self.scale.at(self._drag[1]))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        before, share = self._drag
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        x = event.position().x()
        way = (x - before) / max(1.0, self.width() - 2 * KNOB)
        share += way * (0.1 if fine else 1.0)
        self._drag = (x, share)  # beyond the ends, so that the knob stays under the hand on its way back
        self.moved.emit(self.scale.at(share, fine=fine))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.asked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps, self._turned = wheel_steps(event, self._turned)
        if steps:
            self.step(steps, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        event.accept()

    def step(self, steps: int, fine: bool) -> None:
        number = self.number if is_number(self.number) else self.scale.low
        self.stepped.emit(self.scale.stepped(number, steps, fine=fine))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, fine = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        sizes = {
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_PageUp: 10,
            Qt.Key.Key_PageDown: -10,
        }
        if key in sizes:
            self.step(sizes[Qt.Key(key)], fine)
        elif key == Qt.Key.Key_Home:
            self.stepped.emit(self.scale.at(0.0))
        elif key == Qt.Key.Key_End:
            self.stepped.emit(self.scale.at(1.0))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.asked.emit()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look, middle = self.look, self.height() / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        line = QRectF(KNOB, middle - 2, self.width() - 2 * KNOB, 4)
        x = line.left() + self.share * line.width()
        painter.setBrush(QColor(look.field_line))
        painter.drawRoundedRect(line, 2, 2)
        painter.setBrush(QColor(look.error if self.wrong else look.accent))
        painter.drawRoundedRect(QRectF(line.left(), line.top(), x - line.left(), 4), 2, 2)
        if self.hasFocus():
            halo = QColor(look.accent)
            halo.setAlpha(70)
            painter.setBrush(halo)
            painter.drawEllipse(QRectF(x - KNOB, middle - KNOB, 2 * KNOB, 2 * KNOB).adjusted(-3, -3, 3, 3))
        painter.setBrush(max(QColor(look.text), QColor(look.on_accent), key=QColor.lightness))
        painter.setPen(QPen(QColor(look.error if self.wrong else look.accent), 2))
        painter.drawEllipse(QRectF(x - KNOB + 1, middle - KNOB + 1, 2 * KNOB - 2, 2 * KNOB - 2))
        painter.end()


class SliderEditor(Editor):
    """A slider, the number beside it, and its unit; only the number, where there is room for one row."""

    def fill(self) -> None:
        scale = scale_of(self.port)
        self.line = NumberLine(self.rule, scale)
        self.line.typed.connect(self.sketch)
        self.line.entered.connect(self.choose)
        self.line.stepped.connect(self.step_to)
        self.slider = Slider(scale, self.look) if scale is not None and not self.compact else None
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        if self.slider is not None:
            self.slider.moved.connect(self.drag_to)
            self.slider.released.connect(self.finish)
            self.slider.stepped.connect(self.step_to)
            self.slider.asked.connect(self.type_it)
            self.watch(self.slider)
            self.name_for_screen_readers(self.slider)
            row.addWidget(self.slider, 1)
            self.line.setFixedWidth(self.line_width())
        row.addWidget(self.line, 0 if self.slider else 1)
        unit = self.port.schema.get("unit")
        if isinstance(unit, str) and unit:
            row.addWidget(small_label("unit", text=unit))
        self.watch(self.line)
        self.name_for_screen_readers(self.line)
        self.put(body)
        self.setFocusProxy(self.line)

    def line_width(self) -> int:
        longest = max((number_text(end) for end in (self.port.minimum, self.port.maximum, self.port.default)), key=len)
        return max(64, self.fontMetrics().horizontalAdvance(longest + "00") + 24)

    def show_value(self) -> None:
        self.line.set_number(self.value)
        if self.slider is not None:
            self.slider.set_number(self.value)

    @property
    def dragged(self) -> bool:
        return self.slider is not None and self.slider.held

    def mark(self, value: Any) -> None:
        super().mark(value)
        if self.slider is not None:
            self.slider.wrong = bool(self.why)
            self.slider.update()

    def drag_to(self, value: Any) -> None:
        self.hold(value)
        self.show_value()

    def step_to(self, value: Any) -> None:
        self.nudge(value)
        self.show_value()

    def type_it(self) -> None:
        """Put the keyboard into the number."""
        if self.slider is not None:
            self.slider.let_go()
        self.finish()
        self.line.setFocus(Qt.FocusReason.MouseFocusReason)
        self.line.selectAll()

    def commit(self) -> None:
        self.line.enter()
        self.finish()

    def cancel(self) -> None:
        if self.slider is not None:
            self.slider.let_go()
        self.line.setModified(False)
        super().cancel()
