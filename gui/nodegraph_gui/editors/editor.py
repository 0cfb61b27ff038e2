"""What all editors of values have in common: the value, what is wrong with it, and the three things that they say.

An editor holds no graph and writes nothing. It shows the value that it is given, right or wrong, marks at once what is
wrong, and says what the user does: `changing` while something is held, `changed` when a value was chosen, `cancelled`
when all that was said since the last `changed` or `set_value` shall not be.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from nodegraph.frozen import same

from ..catalogues import Port
from ..rules import Rule
from .looks import Look, look_of, style_of

__all__ = ["Editor", "small_label"]

REST = 500  # milliseconds without a turn of the wheel or a press of an arrow key, after which the value is chosen


class Editor(QWidget):
    """Base of the editors; a plugin's editor derives from it as well.

    Args:
        theme: its colours; those of the palette, when None.
        folder: where relative paths start.
        compact: for one row of a node on the canvas: no line for what is wrong, which then is a tooltip.
    """

    changing = Signal(object)
    changed = Signal(object)
    cancelled = Signal()
    drawn_changed = Signal(bool)
    typing = Signal()  # what is being typed is another, or is no draft any more
    moved_on = Signal(int)  # of the one editor of the canvas: Tab (1), Shift+Tab (-1), Enter (0)

    def __init__(
        self,
        port: Port,
        value: Any,
        parent: QWidget | None = None,
        *,
        theme: Look | None = None,
        folder: Path | None = None,
        compact: bool = False,
    ) -> None:
        super().__init__(parent)
        self.port = port
        self.rule = Rule(port)
        self.folder = folder
        self.compact = compact
        self.look = look_of(theme, self.palette())
        self._value = value
        self._start = value  # what Esc goes back to
        self._held = False  # whether `changing` was said and `changed` was not yet
        self._draft: tuple[Any, ...] = ()
        self._said = ""  # what others found wrong with the value
        self._why = ""
        self._showing = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self.finish)
        self.setAccessibleName(port.name)
        self.setAccessibleDescription(port.help)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)
        self.problem = small_label("problem", self)
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setStyleSheet(style_of(self.look))
        self.fill()

    def fill(self) -> None:
        """Make what the value is typed into, and `put` it; what derives from this says how."""

    def put(self, widget: QWidget) -> None:
        """Fill the editor with the widget that has the keyboard; called once, by what derives from this."""
        self.column.insertWidget(0, widget)
        if not self.compact:
            self.column.addWidget(self.problem)
        self.setFocusProxy(widget)
        self.name_for_screen_readers(widget)
        self.refresh()

    def name_for_screen_readers(self, widget: QWidget) -> None:
        widget.setAccessibleName(self.port.name)
        widget.setAccessibleDescription(self.port.help)

    @property
    def value(self) -> Any:
        """What is shown now, right or wrong."""
        return self._value

    @property
    def why(self) -> str:
        """What is wrong with what is shown now; "" when nothing is known to be."""
        return self._why or self._said

    @property
    def held(self) -> bool:
        """Whether the value is between `changing` and `changed`."""
        return self._held

    @property
    def draft(self) -> tuple[Any, ...]:
        """What is being typed and would be chosen by `commit`, alone in a tuple; () when that is the value itself."""
        return self._draft

    @property
    def dragged(self) -> bool:
        """Whether the mouse holds something of it now."""
        return False

    def take_back(self) -> bool:
        """Undo was asked for: take back a drag that goes on; a value that was stepped to is a step of the history."""
        if self.dragged:
            self.cancel()
            return True
        self.finish()
        return False

    def set_value(self, value: Any) -> None:
        """Show another value, without saying anything and without taking the keyboard."""
        if same(value, self._value):
            if not self._held:  # else it is the echo of what was just said
                self._start = value
            return  # and what is being typed stays
        self._rest.stop()
        self._held = False
        self._start = value
        self._value = value
        self.refresh()

    def set_problem(self, text: str) -> None:
        """Show what others found wrong with the value, such as a file that is not there; "" for nothing."""
        self._said = text
        self.mark(self._value)

    def show_value(self) -> None:
        """Put `self.value` into the widgets; what derives from this says how."""

    def refresh(self) -> None:
        with self.showing():
            self.show_value()
        self.mark(self._value)
        self._note(())

    @contextmanager
    def showing(self) -> Iterator[None]:
        """While a value is put into widgets, what they signal is not of the user's doing."""
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before

    def mark(self, value: Any) -> None:
        """Mark the editor as what is thought of a value, chosen or just typed."""
        self._why = self.rule.why(value)
        text = self.why
        self.problem.setText(text[:1].upper() + text[1:] if not text.startswith("is ") else text)
        self.problem.setVisible(bool(text) and not self.compact)
        self.setToolTip(f"{self.port.name} {text}" if text else self.port.help)
        self.setAccessibleDescription(f"{self.port.name} {text}" if text else self.port.help)
        for widget in [self, *self.findChildren(QWidget)]:
            if widget.property("wrong") != bool(text):
                widget.setProperty("wrong", bool(text))
                widget.style().unpolish(widget)
                widget.style().polish(widget)

    def sketch(self, value: Any) -> None:
        """The user is typing, and has got to a value that is not chosen: judge it, and let it be kept for a crash."""
        self.mark(value)
        self._note(() if same(value, self._value) else (value,))

    def _note(self, draft: tuple[Any, ...]) -> None:
        if draft or self._draft:
            self._draft = draft
            self.typing.emit()

    def hold(self, value: Any) -> None:
        """The user is on the way to a value: say it, while something is held."""
        if self._showing or same(value, self._value):
            return
        self._held = True
        self._value = value
        self.mark(value)
        self.changing.emit(value)

    def nudge(self, value: Any) -> None:
        """As `hold`, for a turn of the wheel or an arrow key: chosen when nothing follows for a while."""
        self.hold(value)
        if self._held:
            self._rest.start()

    def finish(self) -> None:
        """What was held is let go: the value is chosen."""
        self._rest.stop()
        if self._held:
            self._held = False
            self._start = self._value
            self.changed.emit(self._value)

    def choose(self, value: Any) -> None:
        """The user chose a value."""
        if self._showing:
            return
        self._rest.stop()
        known = same(value, self._value) and not self._held
        self._held = False
        self._start = self._value = value
        self.refresh()
        if not known:
            self.changed.emit(value)

    def commit(self) -> None:
        """Choose what has been typed so far; what derives from this says what that is."""
        self.finish()

    def cancel(self) -> None:
        """Go back to the value before, and say so."""
        self._rest.stop()
        self._held = False
        self._value = self._start
        self.refresh()
        self.cancelled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.give_up()
            return
        super().keyPressEvent(event)

    def give_up(self) -> None:
        """Esc: the value is as it was; a text of several lines is too much to be lost, and overrides this."""
        self.cancel()

    def is_done(self, event: QKeyEvent) -> bool:
        """Whether a key ends the editing, in a row of a node."""
        return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def watch(self, widget: QWidget) -> None:
        """Take Esc from a widget, and the wheel while it has not got the keyboard: a list scrolls under it then."""
        widget.installEventFilter(self)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # and so it goes on to what is around the editor
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self.give_up()
                return True
            if self.compact and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
                self.commit()
                self.moved_on.emit(1 if event.key() == Qt.Key.Key_Tab else -1)
                return True
            if self.compact and self.is_done(event):
                self.commit()
                self.moved_on.emit(0)
                return True
        return super().eventFilter(watched, event)


def small_label(name: str, parent: QWidget | None = None, text: str = "") -> QLabel:
    """A label that the style knows by its name: "problem", "unit", "quiet"."""
    label = QLabel(text, parent)
    label.setObjectName(name)
    return label
