"""Several values of plain data: typed with commas between them, or added, removed and moved one by one."""

import json
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodegraph.frozen import same

from ..catalogues import Port
from ..rules import Rule
from .editor import Editor
from .lines import Line
from .scales import number_text

__all__ = ["ListEditor", "list_text"]

MOST_ROWS = 6


def list_text(value: Any, rule: Rule) -> str:
    """A list as it is typed: with commas where that says the same, else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    plain = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, list):
        return plain
    text = ", ".join(number_text(each) for each in value)
    return text if same(rule.parse(text), value) else plain


def item_port(port: Port) -> Port:
    """The port that one value of a list could be typed into."""
    return replace(port, is_list=False, optional=False, required=True, schema=port.schema.get("items", {}))


class Rows(QListWidget):
    """The values, one below the other; Delete removes one, Alt with an arrow key moves it, F2 changes it."""

    def __init__(self, editor: "ListEditor") -> None:
        super().__init__()
        self.editor = editor
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.editor.remove()
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.editor.shift(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)


class ListEditor(Editor):
    """A line for all values at once and, where there is room, a row for each."""

    def fill(self) -> None:
        self.item_rule = Rule(item_port(self.port))
        self.line = Line()
        self.line.setPlaceholderText("none" if self.port.optional else "empty; commas between values")
        self.line.textEdited.connect(lambda text: self.sketch(self.rule.parse(text)))
        self.line.entered.connect(lambda text: self.choose(self.rule.parse(text)))
        self.watch(self.line)
        self.rows = Rows(self)
        self.rows.setVisible(False)
        self.name_for_screen_readers(self.rows)
        self.watch(self.rows)
        self.rows.itemChanged.connect(self.change)
        self.rows.model().rowsMoved.connect(lambda *_: self.take_rows())
        self.rows.currentRowChanged.connect(lambda _: self.show_what_can_be_done())
        self.menu = QMenu(self)
        self.add_button = self.button("+", "add a value", self.add)
        self.remove_button = self.button("−", "remove the value", self.remove)
        self.up_button = self.button("↑", "move the value up", lambda: self.shift(-1))
        self.down_button = self.button("↓", "move the value down", lambda: self.shift(1))
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.line, 1)
        for button in (self.add_button, self.remove_button, self.up_button, self.down_button):
            top.addWidget(button)
            if self.compact:
                button.hide()
        column.addLayout(top)
        column.addWidget(self.rows)
        self.name_for_screen_readers(self.line)
        self.put(body)
        self.setFocusProxy(self.line)

    def button(self, text: str, what: str, do: Any) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setFixedWidth(26)
        button.setToolTip(what[:1].upper() + what[1:])
        button.setAccessibleName(f"{self.port.name}, {what}")
        button.clicked.connect(lambda: do())
        return button

    @property
    def items(self) -> list[Any]:
        """The values as they are now; none when the value is no list."""
        return list(self.value) if isinstance(self.value, list) else []

    def show_value(self) -> None:
        self.line.show_text(list_text(self.value, self.rule))
        if self.compact:
            return
        row = self.rows.currentRow()
        self.rows.ensurePolished()
        self.rows.clear()
        for value in self.items:
            item = QListWidgetItem(number_text(value))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setData(Qt.ItemDataRole.UserRole, [value])
            why = self.item_rule.why(value)
            if why:
                item.setForeground(Qt.GlobalColor.red)
                item.setToolTip(why)
            self.rows.addItem(item)
        self.rows.setCurrentRow(min(row, self.rows.count() - 1))
        count = self.rows.count()
        self.rows.setVisible(count > 0)
        high = max(self.rows.sizeHintForRow(0), 18) if count else 0
        self.rows.setFixedHeight(min(count, MOST_ROWS) * high + 12)
        self.show_what_can_be_done()

    def show_what_can_be_done(self) -> None:
        row, count = self.rows.currentRow(), self.rows.count()
        self.remove_button.setEnabled(row >= 0)
        self.up_button.setEnabled(row > 0)
        self.down_button.setEnabled(0 <= row < count - 1)

    def add(self) -> None:
        """Add a value behind the others: one of the choices where there are some, else one like the last."""
        if self.port.choices is not None:
            self.menu.clear()
            for choice in self.port.choices:
                action = QAction(choice or "(empty)", self.menu)
                action.triggered.connect(lambda _=False, chosen=choice: self.append(chosen))
                self.menu.addAction(action)
            self.menu.popup(self.add_button.mapToGlobal(self.add_button.rect().bottomLeft()))
            return
        self.append(self.items[-1] if self.items else self.first_value())
        item = self.rows.item(self.rows.count() - 1)
        self.rows.setFocus()
        self.rows.editItem(item)

    def first_value(self) -> Any:
        kind = self.port.type
        low = self.item_rule.port.schema.get("minimum", 0)
        return {"int": int(low), "float": float(low), "bool": False}.get(kind, "")

    def append(self, value: Any) -> None:
        self.choose([*self.items, value])
        self.rows.setCurrentRow(self.rows.count() - 1)

    def remove(self) -> None:
        """Take the value away that is marked."""
        row, items = self.rows.currentRow(), self.items
        if 0 <= row < len(items):
            del items[row]
            self.choose(items)
            self.rows.setCurrentRow(min(row, len(items) - 1))

    def shift(self, way: int) -> None:
        """Move the value that is marked one place up (-1) or down (1)."""
        row, items = self.rows.currentRow(), self.items
        if 0 <= row < len(items) and 0 <= row + way < len(items):
            items[row], items[row + way] = items[row + way], items[row]
            self.choose(items)
            self.rows.setCurrentRow(row + way)

    def change(self, item: QListWidgetItem) -> None:
        """A row was typed anew."""
        if self._showing:
            return
        items = self.items
        items[self.rows.row(item)] = self.item_rule.parse(item.text())
        # When Qt is done with the row: what is chosen makes all rows anew.
        QTimer.singleShot(0, self, lambda: self.choose(items))

    def take_rows(self) -> None:
        """The rows were dragged into another order."""
        if not self._showing:
            role = Qt.ItemDataRole.UserRole
            self.choose([self.rows.item(row).data(role)[0] for row in range(self.rows.count())])

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        if watched is self.rows and self.rows.state() == QAbstractItemView.State.EditingState:
            return False  # Esc ends the typing of a row
        return super().eventFilter(watched, event)

    def commit(self) -> None:
        self.line.enter()

    def cancel(self) -> None:
        self.line.setModified(False)
        super().cancel()
