"""A search line over a list, floating on the canvas: a few letters and Enter, and something is chosen.

It is a child of the view and never a window of its own, so that it takes no focus from the window and lies where the
cursor is, on every platform. It does nothing: it says what was chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetrics, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from .panels import Panel

__all__ = ["Row", "SearchList"]

WIDTH, LIST_HEIGHT, MARGIN = 380, 308, 8
ROW = Qt.ItemDataRole.UserRole
KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Row:
    """A line of the list.

    Attributes:
        value: what is chosen by it.
        side: written at the right of the title.
        below: what the title says too little of.
        colour: of a strip before it; "" for none.
        about: what stands under the list while it is the current one.
    """

    value: Any
    title: str
    side: str = ""
    below: str = ""
    colour: str = ""
    about: str = ""


class SearchList(Panel):
    """What can be chosen, and a line to search in it; who derives from it says what is found (`found`).

    Args:
        search, found: what the line and the list are called.
        lines: how many there are to say more about a row.

    Signals:
        chosen: the value of the row that was taken.
        pointed: the value of the row that Enter would take now, or None.
        closed: it went away without a choice.
    """

    chosen = Signal(object)
    pointed = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget, search: str, found: str, lines: int = 4) -> None:
        super().__init__(parent)
        self.view = parent
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.line = QLineEdit()
        self.line.setPlaceholderText(search)
        self.line.setAccessibleName(search)
        self.line.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName(found)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(RowFace(self.list))
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.about.setFixedHeight(self.fontMetrics().lineSpacing() * lines)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        for part in (self.heading, self.line, self.list, self.about):
            layout.addWidget(part)
        self.setFixedWidth(WIDTH)
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self.search)
        self.list.currentItemChanged.connect(self._describe)
        self.list.itemClicked.connect(lambda item: self._take(item))
        self.hide()

    def found(self, query: str) -> Sequence[Row]:
        """What a query finds, the best first."""
        raise NotImplementedError

    def nothing(self, query: str) -> str:
        """What is said when nothing is found."""
        raise NotImplementedError

    def take(self, row: Row, keys: Qt.KeyboardModifier) -> Any:
        """What is chosen by a row, with these keys held."""
        return row.value

    def show_at(self, at: QPoint, heading: str = "") -> None:
        """Show all there is, with the list's corner at a point of the parent, or as near as it fits."""
        self.heading.setText(heading)
        self.heading.setVisible(bool(heading))
        self.line.clear()
        self.search("")
        room = self.view.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        x = max(room.left(), min(at.x(), room.right() - self.width()))
        y = max(room.top(), min(at.y(), room.bottom() - self.height()))
        self.move(x, y)
        self.show()
        self.raise_()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_quietly(self) -> None:
        """Go away, and give the keyboard back to the canvas."""
        if self.isVisible():
            self.hide()
            self.view.setFocus(Qt.FocusReason.PopupFocusReason)

    def search(self, query: str) -> None:
        """List what was asked for."""
        self.list.clear()
        for row in self.found(query):
            item = QListWidgetItem(row.title)
            item.setData(ROW, row)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{row.title}: {row.below}")
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._fit()
        if not self.list.count():
            self.about.setText(self.nothing(query))

    def _fit(self) -> None:
        """As high as what was found, up to a height at which the list scrolls."""
        rows = self.list.count()
        high = rows * self.list.sizeHintForRow(0) + 2 * self.list.frameWidth() if rows else 0
        self.list.setFixedHeight(min(LIST_HEIGHT, high))
        self.list.setVisible(rows > 0)
        self.adjustSize()

    @property
    def shown(self) -> list[Any]:
        """What is listed now, in its order."""
        return [self.list.item(row).data(ROW).value for row in range(self.list.count())]

    def _describe(self, item: QListWidgetItem | None, _: QListWidgetItem | None = None) -> None:
        if item is not None:
            self.about.setText(item.data(ROW).about)
        self.pointed.emit(None if item is None else item.data(ROW).value)

    def _take(self, item: QListWidgetItem | None, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        if item is None:
            return
        value = self.take(item.data(ROW), keys)
        self.close_quietly()
        self.chosen.emit(value)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self.line:
            return False
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() in KEYS:
                event.accept()  # the window's own Esc, Enter and Tab wait while something is looked for
            return False
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event)
        if isinstance(event, QFocusEvent) and event.type() == QEvent.Type.FocusOut:
            self._leave(event.reason())
        return False

    def _leave(self, reason: Qt.FocusReason) -> None:
        """A click elsewhere closes the list; going to another window and back does not."""
        if self.isVisible() and reason != Qt.FocusReason.ActiveWindowFocusReason:
            self.hide()
            self.closed.emit()

    def _key(self, event: QKeyEvent) -> bool:
        key = event.key()
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 7, Qt.Key.Key_PageUp: -7}
        if key == Qt.Key.Key_Escape:
            self.close_quietly()
            self.closed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.list.currentItem(), event.modifiers())
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self._step(1 if key == Qt.Key.Key_Tab else -1)
        elif Qt.Key(key) in steps:
            self._step(steps[Qt.Key(key)])
        else:
            return False
        return True

    def _step(self, rows: int) -> None:
        count = self.list.count()
        if count:
            row = self.list.currentRow() + rows
            around = row % count if abs(rows) == 1 else max(0, min(count - 1, row))
            self.list.setCurrentRow(around)


class RowFace(QStyledItemDelegate):
    """Draws a row: its title, what stands at the right, and a line below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, option.fontMetrics.lineSpacing() * 2 + 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: Row = index.data(ROW)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        palette: QPalette = option.palette
        rect: QRect = option.rect.adjusted(8, 4, -8, -4)
        metrics = option.fontMetrics
        painter.save()
        if chosen:
            painter.fillRect(option.rect, palette.highlight())
        if row.colour:
            strip = QRect(rect.left(), rect.top() + 1, 4, rect.height() - 2)
            painter.fillRect(strip, QColor(row.colour))
        rect = rect.adjusted(12, 0, 0, 0)
        strong = palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        faint = strong if chosen else palette.color(QPalette.ColorRole.PlaceholderText)
        top = QRect(rect.left(), rect.top(), rect.width(), metrics.lineSpacing())
        below = top.translated(0, metrics.lineSpacing() + 1)
        painter.setPen(faint)
        painter.drawText(top, Qt.AlignmentFlag.AlignRight, row.side)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, elided(metrics, row.below, below.width()))
        bold = QFont(option.font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(strong)
        left = top.width() - metrics.horizontalAdvance(row.side) - 12
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, elided(QFontMetrics(bold), row.title, left))
        painter.restore()


def elided(metrics: QFontMetrics, text: str, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
