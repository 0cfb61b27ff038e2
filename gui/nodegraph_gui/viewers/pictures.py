"""The viewer of pictures: one of a batch or all of them, near or whole."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from ..ticks import Tick
from .kinds import AskView, Info, Viewer, image_of
from .labels import ElidedLabel
from .panes import PicturePane

__all__ = ["PictureViewer", "RowChooser"]


class RowChooser(QWidget):
    """Which picture of a batch: all of them in a sheet, or one by its number. Hidden where there is but one.

    The first is number 1, as in the names of the files that SaveImage writes.
    """

    def __init__(self, parent: QWidget | None = None, *, sheet: bool = True) -> None:
        super().__init__(parent)
        self.all = Tick("all", self)
        self.all.setToolTip("Show every picture of the batch in one sheet")
        self.all.setChecked(sheet)
        self.all.setVisible(sheet)
        self.number = QSpinBox(self)
        self.number.setAccessibleName("Number of the picture in the batch")
        self.number.setToolTip("Which picture of the batch, counted from 1")
        self.number.setEnabled(not sheet)
        self.total = QLabel(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.number, self.total, self.all):
            layout.addWidget(widget)
        self.all.toggled.connect(lambda on: self.number.setEnabled(not on))
        self.hide()

    def set_count(self, count: int) -> None:
        self.setVisible(count > 1)
        self.number.setRange(1, max(1, count))
        self.total.setText(f"of {count:,}")

    def index(self) -> int | None:
        """The place in the batch of what was chosen, from 0 as a worker counts; None for all."""
        return None if self.all.isChecked() else self.number.value() - 1


class PictureViewer(Viewer):
    """Shows the view "picture" of a value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = PicturePane(self)
        self.rows = RowChooser(self)
        self.pixel = ElidedLabel(self)
        self.pixel.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._ask: AskView | None = None
        self._count = 1
        below = QHBoxLayout()
        below.setContentsMargins(8, 0, 8, 6)
        below.addWidget(self.rows)
        below.addWidget(self.pixel, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pane, 1)
        layout.addLayout(below)
        self.pane.pointed.connect(self.pixel.setText)
        self.rows.all.toggled.connect(lambda _: self._load())
        self.rows.number.valueChanged.connect(lambda _: self._load())

    def show_value(self, info: Info, ask: AskView) -> None:
        self._ask, self._count = None, info.count
        self.rows.set_count(info.count)
        self._ask = ask
        self._load()

    def show_image(self, image: QImage) -> None:
        """Show a picture that is here already, such as a preview."""
        self._ask = None
        self.rows.set_count(1)
        self.pane.set_image(image)

    def picture(self) -> QImage | None:
        return None if self.pane.image.isNull() else self.pane.image

    def _load(self) -> None:
        if self._ask is None:
            return
        index = self.rows.index() if self._count > 1 else 0
        self._ask("picture", {"index": index}, lambda answer: self.pane.set_image(image_of(answer)))
