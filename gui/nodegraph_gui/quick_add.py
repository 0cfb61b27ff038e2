"""The list that Tab opens on the canvas: a few letters and Enter, and the node is there.

It is a child of the view and never a window of its own, so that it takes no focus from the window and lies where the
cursor is, on every platform. It adds nothing: it says what was chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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

from .catalogues import Catalogue, Kind
from .panels import Panel
from .searching import find_kinds
from .usage import Usage

__all__ = ["Choice", "QuickAdd"]

WIDTH, LIST_HEIGHT, MARGIN = 380, 308, 8
CHOICE, COLOUR = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Choice:
    """A kind that can be added, and the port of it that a dropped wire would be linked to."""

    kind: Kind
    port: str | None = None


class QuickAdd(Panel):
    """A search line over a list of kinds.

    Signals:
        chosen: the `Choice` that was taken.
        closed: it went away without a choice.
    """

    chosen = Signal(object)
    closed = Signal()

    def __init__(self, usage: Usage, parent: QWidget) -> None:
        super().__init__(parent)
        self.view = parent
        self.usage = usage
        self.choices: Sequence[Choice] = ()
        self.colours: Mapping[str, str] = {}  # of the categories
        self.setObjectName("quick_add")
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search nodes")
        self.line.setAccessibleName("Search nodes")
        self.line.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Nodes found")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(ChoiceRow(self.list))
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.about.setFixedHeight(self.fontMetrics().lineSpacing() * 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        for part in (self.heading, self.line, self.list, self.about):
            layout.addWidget(part)
        self.setFixedWidth(WIDTH)
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self.search)
        self.list.currentItemChanged.connect(self._describe)
        self.list.itemClicked.connect(self._take)
        self.hide()

    def open_at(self, at: QPoint, choices: Sequence[Choice], heading: str = "") -> None:
        """Show what can be added, with the list's corner at a point of the parent, or as near as it fits."""
        self.choices = choices
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
        """List what was asked for; a wire's own ranking holds while nothing is typed."""
        by_kind: dict[str, list[Choice]] = {}
        for choice in self.choices:
            by_kind.setdefault(choice.kind.id, []).append(choice)
        kinds = Catalogue({kind: some[0].kind for kind, some in by_kind.items()})
        found = find_kinds(kinds, query, self.usage.weight)
        self.list.clear()
        for choice in (choice for kind in found for choice in by_kind[kind.id]):
            item = QListWidgetItem(choice.kind.id)
            item.setData(CHOICE, choice)
            item.setData(COLOUR, self.colours.get(choice.kind.category, ""))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{choice.kind.id}: {choice.kind.summary}")
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._fit()
        if not self.list.count():
            self.about.setText(f"No node is called “{query}”." if query else "No node fits.")

    def _fit(self) -> None:
        """As high as what was found, up to a height at which the list scrolls."""
        rows = self.list.count()
        high = rows * self.list.sizeHintForRow(0) + 2 * self.list.frameWidth() if rows else 0
        self.list.setFixedHeight(min(LIST_HEIGHT, high))
        self.list.setVisible(rows > 0)
        self.adjustSize()

    @property
    def shown(self) -> list[Choice]:
        """What is listed now, in its order."""
        return [self.list.item(row).data(CHOICE) for row in range(self.list.count())]

    def _describe(self, item: QListWidgetItem | None, _: QListWidgetItem | None = None) -> None:
        if item is not None:
            self.about.setText(shortened(item.data(CHOICE).kind))

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        choice: Choice = item.data(CHOICE)
        self.close_quietly()
        self.usage.add(choice.kind.id)
        self.chosen.emit(choice)

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
            self._take(self.list.currentItem())
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


class ChoiceRow(QStyledItemDelegate):
    """A row of the list: the kind, its category at the right, its summary or the port it offers below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, option.fontMetrics.lineSpacing() * 2 + 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        choice: Choice = index.data(CHOICE)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        palette: QPalette = option.palette
        rect: QRect = option.rect.adjusted(8, 4, -8, -4)
        metrics = option.fontMetrics
        painter.save()
        if chosen:
            painter.fillRect(option.rect, palette.highlight())
        if index.data(COLOUR):
            strip = QRect(rect.left(), rect.top() + 1, 4, rect.height() - 2)
            painter.fillRect(strip, QColor(index.data(COLOUR)))
        rect = rect.adjusted(12, 0, 0, 0)
        strong = palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        faint = strong if chosen else palette.color(QPalette.ColorRole.PlaceholderText)
        top = QRect(rect.left(), rect.top(), rect.width(), metrics.lineSpacing())
        below = top.translated(0, metrics.lineSpacing() + 1)
        painter.setPen(faint)
        painter.drawText(top, Qt.AlignmentFlag.AlignRight, choice.kind.category)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, elided(metrics, below_line(choice), below.width()))
        bold = QFont(option.font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(strong)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, choice.kind.id)
        painter.restore()


def elided(metrics: QFontMetrics, text: str, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


def below_line(choice: Choice) -> str:
    return f"links to {choice.port}: {choice.kind.summary}" if choice.port else choice.kind.summary


def shortened(kind: Kind) -> str:
    """What a kind is, in a few lines: the first two paragraphs of its help."""
    paragraphs = [" ".join(part.split()) for part in kind.help.split("\n\n") if part.strip()]
    text = " ".join(paragraphs[:2]) or kind.summary
    return text if len(text) <= 220 else text[:217].rsplit(" ", 1)[0] + " …"
