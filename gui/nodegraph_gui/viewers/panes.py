"""A picture that can be looked at from near: zoom to single pixels, pan, and a slider between before and after."""

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

__all__ = ["PicturePane"]

MARGIN = 12
LARGEST_FIT = 16.0  # a picture of 28 pixels fills the pane, one of 4 does not
GRAB = 8  # pixels around the line between before and after
LEAST, MOST = 0.05, 64.0


class PicturePane(QWidget):
    """Shows one picture, or two with a line between them that can be dragged.

    The wheel zooms about the cursor, a drag pans, a double click changes between the whole picture and one screen pixel
    for each of its own. Signals: `pointed` names the pixel under the cursor, "" when there is none.
    """

    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._after = QImage()
        self._before = QImage()
        self._scale = 0.0  # 0: as large as fits
        self._middle = QPointF()  # what is in the middle of the pane, in pixels of the picture
        self._split = 0.5
        self.names = ("before", "after")
        self._dragged: QPointF | None = None
        self._splitting = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")

    @property
    def image(self) -> QImage:
        return self._after

    @property
    def before(self) -> QImage:
        return self._before

    @property
    def fits(self) -> bool:
        """Whether the whole picture is shown, whatever the size of the pane."""
        return self._scale == 0

    @property
    def split(self) -> float:
        """Where the line between before and after is, as a share of the picture's width."""
        return self._split

    def set_image(self, image: QImage) -> None:
        """Show another picture; zoom and place stay when it is of the same size."""
        if image.size() != self._after.size():
            self._scale = 0.0
        self._after = image
        self.update()

    def set_before(self, image: QImage, names: tuple[str, str] = ("before", "after")) -> None:
        """What to compare with, left of the line; a null image ends the comparison.

        Args:
            names: what is left of the line, and what is right of it.
        """
        self._before, self.names = image, names
        self._split = 0.5
        self.update()

    def set_names(self, names: tuple[str, str]) -> None:
        """What is left of the line, and right of it."""
        self.names = names
        self.update()

    def set_split(self, share: float) -> None:
        self._split = min(1.0, max(0.0, share))
        self.update()

    def fit(self) -> None:
        self._scale = 0.0
        self.update()

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """Show `scale` screen pixels for each of the picture's; the point `at` of the pane stays where it is."""
        at = QPointF(self.rect().center()) if at is None else at
        held = self.to_picture(at)
        self._scale = min(MOST, max(LEAST, scale))
        self._middle = held - (at - QPointF(self.rect().center())) / self._scale
        self.update()

    @property
    def scale(self) -> float:
        """Screen pixels for each pixel of the picture."""
        if self._scale or self._after.isNull():
            return self._scale or 1.0
        room = QSizeF(max(1, self.width() - 2 * MARGIN), max(1, self.height() - 2 * MARGIN))
        share = min(room.width() / self._after.width(), room.height() / self._after.height())
        return min(LARGEST_FIT, float(int(share)) if share >= 2 else share)

    def target(self) -> QRectF:
        """Where the picture is in the pane."""
        size = QSizeF(self._after.size()) * self.scale
        middle = QPointF(self._after.width(), self._after.height()) / 2 if self.fits else self._middle
        return QRectF(QPointF(self.rect().center()) - middle * self.scale, size)

    def to_picture(self, at: QPointF) -> QPointF:
        """A point of the pane in pixels of the picture."""
        return (at - self.target().topLeft()) / self.scale

    def line(self) -> float:
        """Where the line between before and after is in the pane."""
        target = self.target()
        return target.left() + target.width() * self._split

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().base())
        if self._after.isNull():
            return
        target = self.target()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < 1)
        painter.drawImage(target, self._after)
        if not self._before.isNull():
            self._paint_before(painter, target)

    def _paint_before(self, painter: QPainter, target: QRectF) -> None:
        """The part left of the line, and the line."""
        at = self.line()
        painter.save()
        painter.setClipRect(QRectF(target.left(), target.top(), at - target.left(), target.height()))
        painter.drawImage(target, self._before)
        painter.restore()
        for colour, width in ((QColor(0, 0, 0, 150), 4), (QColor(255, 255, 255), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(at, target.top()), QPointF(at, target.bottom()))
        for text, left in zip(self.names, (True, False), strict=True):
            self._paint_tag(painter, target, text, left)

    def _paint_tag(self, painter: QPainter, target: QRectF, text: str, left: bool) -> None:
        seen = target.intersected(QRectF(self.rect()))
        room = seen.width() / 2 - 24
        if room < 30:
            return
        metrics = painter.fontMetrics()
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room))
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
        box.moveTopLeft(seen.topLeft() + QPointF(6, 6) if left else seen.topRight() + QPointF(-6 - box.width(), 6))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._after.isNull():
            event.ignore()
            return
        delta = event.angleDelta().y() or event.pixelDelta().y()
        self.zoom_to(self.scale * 1.0015**delta, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._after.isNull():
            event.ignore()
            return
        self._splitting = self._near_line(event.position())
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._dragged is None:
            self.setCursor(Qt.CursorShape.SplitHCursor if self._near_line(at) else Qt.CursorShape.ArrowCursor)
        elif self._splitting:
            target = self.target()
            self.set_split((at.x() - target.left()) / target.width())
        else:
            scale, middle = self.scale, self.to_picture(QPointF(self.rect().center()))
            self._scale, self._middle = scale, middle - (at - self._dragged) / scale
            self._dragged = at
            self.update()
        self.pointed.emit(self.describe(at.toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = None
        self._splitting = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.fits:
            self.zoom_to(1.0, event.position())
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_to(self.scale * 1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom_to(self.scale / 1.25)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_1:
            self.zoom_to(1.0)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not self._before.isNull():
            self.set_split(self._split + (0.02 if key == Qt.Key.Key_Right else -0.02))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: object) -> None:
        self.pointed.emit("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update()

    def _near_line(self, at: QPointF) -> bool:
        return not self._before.isNull() and abs(at.x() - self.line()) <= GRAB

    def describe(self, at: QPoint) -> str:
        """The pixel at a point of the pane: `12, 30: 231 230 9`; "" when there is none."""
        place = self.to_picture(QPointF(at))
        x, y = int(place.x() // 1), int(place.y() // 1)
        image = self._before if not self._before.isNull() and at.x() < self.line() else self._after
        if not image.valid(x, y):
            return ""
        colour = image.pixelColor(x, y)
        levels = (colour.red(), colour.green(), colour.blue())
        return f"{x}, {y}: {levels[0]}" if len(set(levels)) == 1 else f"{x}, {y}: " + " ".join(map(str, levels))
