"""One text of several."""

from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QSizePolicy

from .editor import Editor
from .lines import line_text
from .looks import Look

__all__ = ["ChoiceEditor"]

LONG = 12  # choices beyond which letters find one


class Choices(QComboBox):
    """A list that opens; the wheel is the editor's to give, so that no value changes while a page scrolls."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)  # whose arrow a style sheet takes away
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.look.quiet), 1.5))
        x, y = self.width() - 14.0, self.height() / 2
        painter.drawPolyline([QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)])
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceEditor(Editor):
    """The choices; a value that is none of them is shown above them, marked, until another is chosen."""

    def fill(self) -> None:
        self.box = Choices(self.look)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.setMinimumContentsLength(6)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if len(self.port.choices or ()) > LONG:
            self.make_searchable()
        self.box.activated.connect(self.take)
        self.watch(self.box)
        self.put(self.box)

    def make_searchable(self) -> None:
        """Letters find a choice, wherever in it they are."""
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer = self.box.completer() or QCompleter(self.box.model(), self.box)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        line = self.box.lineEdit()
        if line is not None:
            line.editingFinished.connect(self.take_typed)
            line.textEdited.connect(self.sketch)
            self.watch(line)
            self.name_for_screen_readers(line)

    def values(self) -> list[Any]:
        """What can be chosen, nothing included where that is allowed, and the value that is none of these."""
        known: list[Any] = [*([None] if self.port.optional else []), *(self.port.choices or ())]
        strange = not any(each == self.value and type(each) is type(self.value) for each in known)
        return [self.value, *known] if strange else known

    def show_value(self) -> None:
        values = self.values()
        self.box.clear()
        for each in values:
            self.box.addItem("none" if each is None else line_text(each) or "(empty)")
        self.box.setCurrentIndex(values.index(self.value))
        line = self.box.lineEdit()
        if line is not None:
            line.setModified(False)

    def take(self, index: int) -> None:
        values = self.values()
        if 0 <= index < len(values):
            self.choose(values[index])
        if self.compact:
            self.moved_on.emit(0)

    def take_typed(self) -> None:
        """What was typed, a choice or not: what is none stays to be seen, and is marked."""
        line = self.box.lineEdit()
        if line is None or not line.isModified():
            return
        line.setModified(False)
        text = line.text()
        folded = {each.casefold(): each for each in self.port.choices or ()}
        self.choose(folded.get(text.casefold(), text))

    def open(self) -> None:
        """Show the choices."""
        self.box.showPopup()

    def commit(self) -> None:
        self.take_typed()
        self.finish()
