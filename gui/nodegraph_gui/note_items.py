"""Notes on the canvas: Markdown in a rectangle. Nothing is loaded for them, from no file and no network."""

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, QUrl
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QImage,
    QPainter,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from .canvases import GRID, Note, Rect
from .colours import seen_on
from .paints import Paints
from .wire_items import NEAR

__all__ = ["NoteItem", "fitted", "note_height"]

PAD = 10.0
ROUND = 6.0
LOWEST = 60.0


class NoteText(QTextDocument):
    """Markdown that may name pictures, none of which is opened: a graph file reads nothing."""

    def loadResource(self, type: int, name: QUrl | str) -> QImage:
        return QImage()  # and not the sign of a file that is missing


def note_text(text: str, paints: Paints) -> NoteText:
    found = NoteText()
    found.setDefaultFont(paints.text_font)
    found.setDocumentMargin(0)
    found.setIndentWidth(14)
    found.setMarkdown(text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
    colour_links(found, paints)
    return found


def colour_links(text: QTextDocument, paints: Paints) -> None:
    """Qt colours links for the program's palette, which may be another theme's when a graph is exported."""
    look = QTextCharFormat()
    look.setForeground(QColor(seen_on(paints.theme.accent, paints.theme.note, 4.5)))
    block = text.begin()
    while block.isValid():
        for each in block.textFormats():
            if each.format.isAnchor():
                cursor = QTextCursor(text)
                cursor.setPosition(block.position() + each.start)
                cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, each.length)
                cursor.mergeCharFormat(look)
        block = block.next()


def note_height(text: str, width: float, paints: Paints) -> float:
    """How high a note has to be to show all of a text."""
    found = note_text(text, paints)
    found.setTextWidth(max(40.0, width - 2 * PAD))
    return float(found.size().height()) + 2 * PAD


def fitted(text: str, rect: Rect, paints: Paints) -> Rect:
    """The rectangle of a note, as high as a text wants it, on the grid."""
    return rect._replace(height=max(LOWEST, -(-note_height(text, rect.width, paints) // GRID) * GRID))


class NoteItem(QGraphicsItem):
    """A note, below the nodes and above the wires, so that its text stays legible."""

    def __init__(self, number: int, paints: Paints) -> None:
        super().__init__()
        self.number = number
        self.paints = paints
        self.note = Note("")
        self.home = QPointF()
        self.selected = False
        self.text = NoteText()
        self._rect = QRectF()
        self.setZValue(0.6)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    @property
    def key(self) -> tuple[str, int]:
        return "note", self.number

    def become(self, note: Note) -> None:
        """Be the note that the document says, or, where it says no place, the one that a layout gave it."""
        self.prepareGeometryChange()
        if note.text != self.note.text or self.text.isEmpty():
            self.text = note_text(note.text, self.paints)
        self.note = note
        x, y, width, height = note.rect or (0, 0, 0, 0)
        self.text.setTextWidth(max(40.0, width - 2 * PAD))
        self._rect = QRectF(0, 0, width, height)
        self.home = QPointF(x, y)
        self.setPos(self.home)
        self.update()

    @property
    def rect(self) -> QRectF:
        """Where it is, in the scene."""
        return self._rect.translated(self.pos())

    @property
    def overflows(self) -> bool:
        return bool(self.text.size().height() > self._rect.height() - 2 * PAD + 0.5)

    def set_selected(self, selected: bool) -> None:
        if selected != self.selected:
            self.selected = selected
            self.update()

    def boundingRect(self) -> QRectF:
        return self._rect.adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        theme = self.paints.theme
        line = theme.accent if self.selected else theme.note_line
        painter.setPen(self.paints.pen(line, 2.0 if self.selected else 1.0))
        painter.setBrush(self.paints.brush(theme.note))
        painter.drawRoundedRect(self._rect, ROUND, ROUND)
        if painter.worldTransform().m11() < NEAR:
            return
        inner = self._rect.adjusted(PAD, PAD, -PAD, -PAD)
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Text, self.paints.colour(theme.text))
        context.palette = palette
        painter.translate(inner.topLeft())
        visible = QRectF(QPointF(), QSizeF(inner.size()))
        painter.setClipRect(visible, Qt.ClipOperation.IntersectClip)
        context.clip = visible
        self.text.documentLayout().draw(painter, context)
