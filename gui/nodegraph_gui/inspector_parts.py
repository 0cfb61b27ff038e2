"""Small widgets of the inspector: headings, messages, colours, a button that goes to a node."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFont,
    QIcon,
    QPainter,
    QPaintEvent,
    QPixmap,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .editors.looks import Look

__all__ = [
    "ColourButton",
    "Dot",
    "LinkButton",
    "Message",
    "TitleLine",
    "bar",
    "heading",
    "markdown",
    "quiet",
    "rule",
    "wrapped",
]


def wrapped(text: str, name: str = "", format: Qt.TextFormat = Qt.TextFormat.PlainText) -> QLabel:
    """A label that breaks its lines, whose text can be copied, and that never makes the dock wider."""
    label = QLabel()
    label.setTextFormat(format)
    label.setText(text)
    label.setWordWrap(True)
    label.setObjectName(name)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.LinksAccessibleByMouse
    )
    label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return label


def markdown(text: str) -> QLabel:
    """A label for Markdown, with room between its paragraphs and headings that fit a dock."""
    document = QTextDocument()
    document.setMarkdown(text)
    block = document.begin()
    while block.isValid():
        level = block.blockFormat().headingLevel()
        cursor = QTextCursor(block)
        shape = block.blockFormat()
        shape.setTopMargin(0)
        shape.setBottomMargin(2 if block.textList() is not None else 6)
        cursor.setBlockFormat(shape)
        if level:
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            letters = QTextCharFormat()
            letters.setProperty(QTextFormat.Property.FontSizeAdjustment, max(0, 2 - level))
            letters.setFontWeight(QFont.Weight.DemiBold)
            cursor.mergeCharFormat(letters)
        block = block.next()
    label = wrapped(document.toHtml(), "help", Qt.TextFormat.RichText)
    label.setOpenExternalLinks(True)
    return label


def quiet(text: str) -> QLabel:
    return wrapped(text, "quiet")


def heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("heading")
    return label


def rule() -> QFrame:
    """A thin line between two parts."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


class Dot(QWidget):
    """The colour of a type."""

    def __init__(self, colour: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = colour
        self.setFixedSize(10, 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colour))
        painter.drawEllipse(QRectF(1, 3, 8, 8))
        painter.end()


class Message(QFrame):
    """A problem or an error: what is wrong, and below it what can be done."""

    def __init__(self, text: str, remedy: str, colour: str, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.setStyleSheet(
            f"QFrame#message {{ background: {look.field}; border: 1px solid {look.field_line};"
            f" border-left: 3px solid {colour}; border-radius: 4px; }}"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 7, 8, 7)
        column.setSpacing(2)
        self.text = wrapped(text)
        self.text.setStyleSheet(f"color: {look.text};")
        self.remedy = quiet(remedy)
        if not remedy:
            self.remedy.hide()
        column.addWidget(self.text)
        column.addWidget(self.remedy)
        self.setAccessibleName(text)
        self.setAccessibleDescription(remedy)


class LinkButton(QPushButton):
    """"noise.noisy": a link that leads to an input; it goes to the node that it comes from."""

    def __init__(self, source: str, output: str, go: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(f"{source}.{output}", parent)
        self.setObjectName("link")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"Go to {source}")
        self.setAccessibleName(f"linked from {source}.{output}; go there")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("text-align: left;")
        self.clicked.connect(lambda: go(source))


class TitleLine(QLineEdit):
    """The title, typed over in its place; empty, it is that of the type."""

    entered = Signal(str)
    drafted = Signal(object)  # the text at each letter, None when it is no draft any more

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("title")
        self.setAccessibleName("title of the node")
        self._shown = ""
        self.editingFinished.connect(self.enter)
        self.textEdited.connect(self.drafted.emit)

    def show_title(self, title: str, otherwise: str) -> None:
        self._shown = title
        self.setPlaceholderText(otherwise)
        if not (self.hasFocus() and self.isModified()):
            self.setText(title)
            self.setModified(False)

    def enter(self) -> None:
        """Say what was typed, if anything was."""
        if self.isModified():
            self.setModified(False)
            self.entered.emit(self.text())
            self.drafted.emit(None)

    def keyPressEvent(self, event: object) -> None:
        key = event.key()  # type: ignore[attr-defined]
        if key == Qt.Key.Key_Escape:
            self.setText(self._shown)
            self.setModified(False)
            self.drafted.emit(None)
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]


class ColourButton(QPushButton):
    """A colour out of a few, or none: that of the category."""

    chosen = Signal(object)

    def __init__(self, colours: Sequence[str], look: Look, parent: QWidget | None = None) -> None:
        super().__init__("Colour", parent)
        self.look = look
        self.setAccessibleName("colour of the node")
        self.setIconSize(QSize(14, 14))
        self._menu = QMenu(self)
        self._add("That of the category", None)
        for colour in colours:
            self._add(colour, colour)
        self.clicked.connect(self.open)
        self.show_colour(None)

    @property
    def menu_shown(self) -> QMenu:
        return self._menu

    def _add(self, text: str, colour: str | None) -> None:
        action = QAction(swatch(colour, self.look), text, self._menu)
        action.triggered.connect(lambda: self.chosen.emit(colour))
        self._menu.addAction(action)

    def open(self) -> None:
        self._menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def show_colour(self, colour: str | None) -> None:
        self.setIcon(swatch(colour, self.look))
        self.setToolTip(f"Colour of the node: {colour or 'that of its category'}")


def swatch(colour: str | None, look: Look) -> QIcon:
    pixmap = QPixmap(28, 28)
    pixmap.fill(Qt.GlobalColor.transparent)
    pixmap.setDevicePixelRatio(2)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(look.quiet))
    painter.setBrush(QColor(colour) if colour else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(1, 1, 12, 12), 3, 3)
    painter.end()
    return QIcon(pixmap)


def bar(*widgets: QWidget, spacing: int = 6) -> QHBoxLayout:
    """Widgets side by side."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    return row
