"""A slider over steps, that goes to the place which is clicked."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider, QWidget

__all__ = ["Scrubber"]


class Scrubber(QSlider):
    """A click beside the handle takes the handle there, where it can be dragged on; a page is a tenth of the range."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.rangeChanged.connect(lambda least, most: self.setPageStep(max(1, (most - least) // 10)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl
        handle = self.style().subControlRect(kind, option, part.SC_SliderHandle, self)
        groove = self.style().subControlRect(kind, option, part.SC_SliderGroove, self)
        at = event.position().toPoint()
        if event.button() == Qt.MouseButton.LeftButton and not handle.contains(at):
            left, room = groove.left() + handle.width() // 2, groove.width() - handle.width()
            self.setValue(
                QStyle.sliderValueFromPosition(
                    self.minimum(), self.maximum(), at.x() - left, room, option.upsideDown
                )
            )
        super().mousePressEvent(event)
