"""A box to be ticked, with an outline that can be seen on every ground of both themes."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QCheckBox, QStyle, QStyleOptionButton

__all__ = ["Tick"]

SIZE = 16.0
MARK = ((0.24, 0.52), (0.43, 0.71), (0.78, 0.30))  # in shares of the box


class Tick(QCheckBox):
    """A check box that paints its own box; Qt's has an outline that is hardly lighter than a dark ground."""

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        style, role = self.style(), QPalette.ColorRole
        place = style.subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        option.rect = style.subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        painter = QPainter(self)
        style.drawControl(QStyle.ControlElement.CE_CheckBoxLabel, option, painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = min(SIZE, place.width(), place.height())
        box = QRectF(0, 0, size - 1, size - 1)
        box.moveCenter(QRectF(place).center())
        palette, on = self.palette(), self.isChecked()
        line = palette.color(role.Highlight if on or self.hasFocus() else role.PlaceholderText)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        painter.setPen(QPen(line, 2 if self.hasFocus() else 1.2))
        painter.setBrush(palette.color(role.Highlight if on else role.Base))
        painter.drawRoundedRect(box, 3, 3)
        if on:
            self._draw_mark(painter, box, palette.color(role.HighlightedText))
        painter.end()

    def _draw_mark(self, painter: QPainter, box: QRectF, colour: QColor) -> None:
        pen = QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(
            QPolygonF([box.topLeft() + QPointF(x * box.width(), y * box.height()) for x, y in MARK])
        )
