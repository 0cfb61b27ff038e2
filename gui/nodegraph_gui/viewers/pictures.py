"""The viewer of pictures: one of a batch or all of them, near or whole."""

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from .kinds import AskView, Info, Viewer, image_of
from .panes import PicturePane

__all__ = ["PictureViewer", "RowChooser"]


class RowChooser(QWidget):
    """Which picture of a batch: all of them in a sheet, or one by its number. Hidden where there is but one."""

    def __init__(self, parent: QWidget | None = None, *, sheet: bool = True) -> None:
        super().__init__(parent)
        self.all = QCheckBox("all", self)
        self.all.setToolTip("Show every picture of the batch in one sheet")
        self.all.setChecked(sheet)
        self.all.setVisible(sheet)
        self.number = QSpinBox(self)
        self.number.setAccessibleName("Number of the picture in the batch")
        self.number.setEnabled(not sheet)
        self.total = QLabel(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (QLabel("picture", self), self.number, self.total, self.all):
            layout.addWidget(widget)
        self.all.toggled.connect(lambda on: self.number.setEnabled(not on))
        self.hide()

    def set_count(self, count: int) -> None:
        self.setVisible(count > 1)
        self.number.setRange(0, max(0, count - 1))
        self.total.setText(f"of 0 to {count - 1}")

    def index(self) -> int | None:
        """The number that was chosen; None for all."""
        return None if self.all.isChecked() else self.number.value()


class PictureViewer(Viewer):
    """Shows the view "picture" of a value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = PicturePane(self)
        self.rows = RowChooser(self)
        self.pixel = QLabel(self)
        self.pixel.setMinimumWidth(130)
        self._ask: AskView | None = None
        self._count = 1
        below = QHBoxLayout()
        below.setContentsMargins(8, 0, 8, 6)
        below.addWidget(self.rows)
        below.addStretch(1)
        below.addWidget(self.pixel)
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
