"""The first page: a new graph, recent files, and the examples with what they draw."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QImageReader,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .examples import Example
from .recents import told_apart

__all__ = ["Card", "CardGrid", "RecentRow", "WelcomePage"]

PICTURE = QSize(224, 126)
CARD = QSize(PICTURE.width() + 24, PICTURE.height() + 94)
GAP = 16


def fit_picture(path: Path, inside: QSize, ratio: float) -> QImage | None:
    """The picture, at most as large as `inside` in device pixels; None when it cannot be read."""
    reader = QImageReader(str(path))
    size = reader.size()
    if not size.isValid():
        return None
    wanted = size.scaled(inside * ratio, Qt.AspectRatioMode.KeepAspectRatio)
    image = reader.read()
    if image.isNull():
        return None
    if wanted.width() < size.width() or wanted.height() < size.height():
        image = image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    image.setDevicePixelRatio(ratio)
    return image


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """A colour between two; 0 is the one, 1 the other."""
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return QColor(*(round(a + (b - a) * share) for a, b in pairs))


class Card(QAbstractButton):
    """An example to click on: its picture, its title, and the beginning of what it shows."""

    def __init__(self, example: Example, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.example = example
        self.image: QImage | None = None
        self.setText(example.title)
        self.setAccessibleName(example.title)
        self.setAccessibleDescription(example.text)
        self.setToolTip(f"<p>{example.text}</p>" if example.text else example.title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        return CARD

    def load(self) -> None:
        """Read the picture; done after the page is shown, a card at a time."""
        if self.example.picture is not None and self.image is None:
            self.image = fit_picture(self.example.picture, PICTURE - QSize(12, 12), self.devicePixelRatioF())
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = self.palette()
        base, text = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
        accent = palette.color(QPalette.ColorRole.Highlight)
        near = self.underMouse() or self.hasFocus()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(accent, 2) if near else QPen(mixed(base, text, 0.16), 1))
        painter.setBrush(mixed(base, text, 0.07 if self.isDown() else 0.035))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)
        picture = QRect(12, 12, self.width() - 24, PICTURE.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mixed(base, text, 0.09))
        painter.drawRoundedRect(picture, 6, 6)
        if self.image is not None:
            size = self.image.deviceIndependentSize().toSize()
            painter.drawImage(picture.center() - QPoint(size.width() // 2, size.height() // 2), self.image)
        self._write(painter, picture, mixed(text, base, 0.25))

    def _write(self, painter: QPainter, picture: QRect, quiet: QColor) -> None:
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        title = QRect(picture.left(), picture.bottom() + 8, picture.width(), 22)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, self.text())
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(quiet)
        room = QRect(title.left(), title.bottom() + 2, title.width(), self.height() - title.bottom() - 12)
        lines = broken(self.example.text, QFontMetrics(font), room.width(), room.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignTop, "\n".join(lines))


def broken(text: str, metrics: QFontMetrics, width: int, height: int) -> list[str]:
    """The text in as many lines as there is room for, the last one cut with dots."""
    most, lines, words = max(height // metrics.lineSpacing(), 1), [""], text.split()
    for at, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = metrics.elidedText(" ".join([lines[-1], *words[at:]]), Qt.TextElideMode.ElideRight, width)
            break
        else:
            lines.append(metrics.elidedText(word, Qt.TextElideMode.ElideRight, width))
    return lines


class CardGrid(QWidget):
    """Cards in as many columns as there is room for."""

    def __init__(self, cards: Sequence[QWidget], size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards, self._size = cards, size
        for card in cards:
            card.setParent(self)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def columns(self, width: int) -> int:
        return max((width + GAP) // (self._size.width() + GAP), 1)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._cards) // self.columns(width))
        return max(rows * (self._size.height() + GAP) - GAP, 0)

    def sizeHint(self) -> QSize:
        return QSize(self._size.width(), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._size.width(), self.heightForWidth(max(self.width(), self._size.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        columns = self.columns(self.width())
        size = QSize((self.width() + GAP) // columns - GAP, self._size.height())
        for at, card in enumerate(self._cards):
            row, column = divmod(at, columns)
            corner = QPoint(column * (size.width() + GAP), row * (size.height() + GAP))
            card.setGeometry(QRect(corner, size))
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()


class RecentRow(QWidget):
    """A file that was used lately, with a button that takes it off the list."""

    opened = Signal(object)
    forgotten = Signal(object)

    def __init__(self, file: Path, parent: QWidget | None = None, *, name: str = "") -> None:
        super().__init__(parent)
        self.file = file
        there = file.is_file()
        self.button = QPushButton(name or file.name)
        self.button.setFlat(True)
        self.button.setAutoDefault(True)  # Enter opens it, as the space bar does
        self.button.setObjectName("recent")
        self.button.setStyleSheet("QPushButton#recent { text-align: left; padding: 5px 6px; }")
        self.button.setToolTip(str(file) if there else f"{file} is not there")
        self.button.setEnabled(there)
        self.button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button.clicked.connect(lambda: self.opened.emit(self.file))
        self.cross = QToolButton()
        self.cross.setText("×")
        self.cross.setAutoRaise(True)
        self.cross.setToolTip("Take this file off the list")
        self.cross.setAccessibleName(f"Forget {file.name}")
        self.cross.clicked.connect(lambda: self.forgotten.emit(self.file))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.button, 1)
        layout.addWidget(self.cross)


class WelcomePage(QWidget):
    """What is shown while no graph is open.

    Signals:
        new_wanted, open_wanted: a button was pressed.
        file_wanted: a recent file; `file_forgotten`: one that is to leave the list.
        example_wanted: an `Example`.
    """

    new_wanted = Signal()
    open_wanted = Signal()
    file_wanted = Signal(object)
    file_forgotten = Signal(object)
    example_wanted = Signal(object)

    def __init__(
        self,
        examples: tuple[Sequence[Example], Sequence[Example]],
        recent: Sequence[Path] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.cards = [Card(example) for example in examples[0]]
        self.large = [self._named(example) for example in examples[1]]
        self.rows: list[RecentRow] = []
        for card in self.cards:
            card.clicked.connect(lambda _=False, card=card: self.example_wanted.emit(card.example))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_side())
        layout.addWidget(self._make_gallery(), 1)
        self.set_recent(recent)
        self._unread = list(self.cards)
        self._reading = QTimer(self)
        self._reading.setInterval(0)
        self._reading.timeout.connect(self._read_next)

    def set_recent(self, files: Sequence[Path]) -> None:
        """List these files as the recent ones."""
        for row in self.rows:
            self._recent.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [RecentRow(file, name=name) for file, name in zip(files, told_apart(files), strict=True)]
        for row in self.rows:
            row.opened.connect(self.file_wanted)
            row.forgotten.connect(self.file_forgotten)
            self._recent.addWidget(row)
        self._no_recent.setVisible(not files)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and self._unread:
            self._reading.start()
        return super().event(event)

    def _read_next(self) -> None:
        if self._unread:
            self._unread.pop(0).load()
        else:
            self._reading.stop()

    def _make_side(self) -> QWidget:
        side = QFrame()
        side.setFixedWidth(264)
        side.setAutoFillBackground(True)
        side.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        title = QLabel("Nodegraph")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.9)
        font.setBold(True)
        title.setFont(font)
        line = QLabel("Wire denoisers into diffusion workflows, and see how they work.")
        line.setWordWrap(True)
        self.new_button, self.open_button = QPushButton("New graph"), QPushButton("Open a file …")
        self.new_button.setDefault(True)
        self.open_button.setAutoDefault(True)  # outside of a dialog Enter presses no other button
        self.new_button.clicked.connect(self.new_wanted)
        self.open_button.clicked.connect(self.open_wanted)
        heading = QLabel("Recent files")
        bold = heading.font()
        bold.setBold(True)
        heading.setFont(bold)
        self._no_recent = QLabel("None yet: what you open or save is listed here.")
        self._no_recent.setWordWrap(True)
        self._no_recent.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(24, 32, 20, 24)
        layout.setSpacing(8)
        for part in (title, line):
            layout.addWidget(part)
        layout.addSpacing(16)
        for button in (self.new_button, self.open_button):
            button.setMinimumHeight(34)
            layout.addWidget(button)
        layout.addSpacing(24)
        layout.addWidget(heading)
        layout.addWidget(self._no_recent)
        layout.addLayout(self._recent)
        layout.addStretch(1)
        tip = QLabel("Drop a graph here, or a picture that carries one.\nF1 lists all shortcuts.")
        tip.setWordWrap(True)
        tip.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        layout.addWidget(tip)
        return side

    def _make_gallery(self) -> QScrollArea:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(32, 32, 32, 32)
        layout.setSpacing(12)
        if self.cards:
            layout.addWidget(
                self._heading(
                    "Examples", "Drawn by the network that comes along, in seconds; only the training takes longer."
                )
            )
            layout.addWidget(CardGrid(self.cards, CARD))
        if self.large:
            layout.addSpacing(16)
            layout.addWidget(
                self._heading(
                    "With DeepFloyd IF", "A large model that draws from text; its weights are downloaded once."
                )
            )
            layout.addWidget(CardGrid(self.large, QSize(CARD.width(), 34)))
        layout.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        return area

    def _heading(self, title: str, text: str) -> QLabel:
        label = QLabel(f"<span style='font-size: large; font-weight: bold'>{title}</span><br>{text}")
        label.setWordWrap(True)
        return label

    def _named(self, example: Example) -> QPushButton:
        button = QPushButton(example.title)
        button.setAutoDefault(True)
        button.setToolTip(f"<p>{example.text}</p>")
        button.clicked.connect(lambda: self.example_wanted.emit(example))
        return button
