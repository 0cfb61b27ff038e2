"""Notes on the canvas: Markdown in a rectangle. Nothing is loaded for them, from no file and no network."""

import re

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, QUrl
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QImage,
    QLinearGradient,
    QPainter,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from .canvases import GRID, Note, Rect
from .colours import mix, seen_on
from .paints import Paints
from .wire_items import NEAR

__all__ = ["NoteItem", "fitted", "note_height"]

PAD = 10.0
ROUND = 6.0
LOWEST = 60.0
MORE = 26.0  # of the foot of a note that hides some of its text
JOINER = "\u2060"  # of no width, and no place to break a line
TOGETHER = re.compile(r"(?<![^\s(\"'`])-(?=[-\w])|(?<=-)-(?=\w)|(?<=\w)\.(?=\w)")


class NoteText(QTextDocument):
    """Markdown that may name pictures, none of which is opened: a graph file reads nothing."""

    def loadResource(self, type: int, name: QUrl | str) -> QImage:
        return QImage()  # and not the sign of a file that is missing


def note_text(text: str, paints: Paints, ground: str = "") -> NoteText:
    found = NoteText()
    found.setDefaultFont(paints.text_font)
    found.setDocumentMargin(0)
    found.setIndentWidth(14)
    found.setMarkdown(text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
    hold_together(found)
    colour_links(found, paints, ground or paints.theme.note)
    return found


def hold_together(text: QTextDocument) -> None:
    """Let no line end within "--steps" or "sample.method", where Qt would break it as it does a "well-known"."""
    whole, cursor = text.toPlainText(), QTextCursor(text)
    cursor.beginEditBlock()
    for found in reversed(list(TOGETHER.finditer(whole))):
        cursor.setPosition(found.end())
        cursor.insertText(JOINER)
    cursor.endEditBlock()


def colour_links(text: QTextDocument, paints: Paints, ground: str) -> None:
    """Qt colours links for the program's palette, which may be another theme's when a graph is exported."""
    look = QTextCharFormat()
    look.setForeground(QColor(seen_on(paints.theme.accent, ground, 4.5)))
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
        fresh = note.text != self.note.text or note.colour != self.note.colour or self.text.isEmpty()
        self.note = note
        if fresh:
            self.text = note_text(note.text, self.paints, self.ground)
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
    def ground(self) -> str:
        theme, colour = self.paints.theme, self.note.colour
        return mix(theme.canvas, colour, 0.3) if colour else theme.note

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
        own = mix(theme.canvas, self.note.colour, 0.6) if self.note.colour else theme.note_line
        line = theme.accent if self.selected else own
        ground = self.ground
        painter.setPen(self.paints.pen(line, 2.0 if self.selected else 1.0))
        painter.setBrush(self.paints.brush(ground))
        painter.drawRoundedRect(self._rect, ROUND, ROUND)
        if painter.worldTransform().m11() < NEAR:
            return
        inner = self._rect.adjusted(PAD, PAD, -PAD, -PAD)
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Text, QColor(seen_on(theme.text, ground, 4.5)))
        context.palette = palette
        painter.save()
        painter.translate(inner.topLeft())
        visible = QRectF(QPointF(), QSizeF(inner.size()))
        painter.setClipRect(visible, Qt.ClipOperation.IntersectClip)
        context.clip = visible
        self.text.documentLayout().draw(painter, context)
        painter.restore()
        if self.overflows:
            self._mark_more(painter, ground, seen_on(theme.quiet, ground))

    def _mark_more(self, painter: QPainter, ground: str, ink: str) -> None:
        """The text fades away above three dots: there is more of it than is shown."""
        foot = QRectF(1, self._rect.bottom() - MORE, self._rect.width() - 2, MORE - 1)
        fade = QLinearGradient(foot.topLeft(), foot.bottomLeft())
        clear, full = QColor(ground), QColor(ground)
        clear.setAlpha(0)
        fade.setColorAt(0.0, clear)
        fade.setColorAt(0.55, full)
        painter.setPen(self.paints.no_pen)
        painter.setBrush(fade)
        painter.drawRoundedRect(foot, ROUND - 1, ROUND - 1)
        painter.setBrush(self.paints.brush(ink))
        for step in (-1, 0, 1):
            painter.drawEllipse(QPointF(foot.center().x() + 8 * step, foot.bottom() - 6), 2, 2)
