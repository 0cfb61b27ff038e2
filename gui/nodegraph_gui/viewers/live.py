"""The viewer of a node that is running: its preview and, as it trains, its loss and the samples of each epoch."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from ..measurements import Measurements
from ..states import NodeState
from .curves import CurvePane
from .kinds import Viewer
from .panes import PicturePane
from .scrubbers import Scrubber

__all__ = ["LiveViewer"]

Curves = Mapping[str, Sequence[tuple[float, float]]]


class LiveViewer(Viewer):
    """Follows what a node tells. The scrubber goes back to the samples of earlier epochs; at its end it follows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = PicturePane(self)
        self.said = QLabel(self)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setWordWrap(True)
        self.said.setContentsMargins(8, 0, 8, 6)
        self.epoch = QLabel(self)
        self.scrubber = Scrubber(self)
        self.scrubber.setRange(0, 0)
        self.scrubber.setAccessibleName("Epoch whose samples are shown")
        self.curve: CurvePane | None = None
        self.splitter = QSplitter(Qt.Orientation.Vertical, self)
        self.splitter.addWidget(self.pane)
        self._epochs: list[int] = []
        self._measured: Measurements | None = None
        self._preview: bytes | None = None
        below = QHBoxLayout()
        below.setContentsMargins(8, 0, 8, 0)
        below.addWidget(self.epoch)
        below.addWidget(self.scrubber, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter, 1)
        layout.addLayout(below)
        layout.addWidget(self.said)
        self.scrubber.valueChanged.connect(lambda _: self._show_sheet())
        self.scrubber.hide()
        self.epoch.hide()

    def picture(self) -> QImage | None:
        return None if self.pane.image.isNull() else self.pane.image

    def show_state(self, state: NodeState, measured: Measurements | None) -> None:
        """Show where the node is now, and what it measured until now."""
        following = self.scrubber.value() == self.scrubber.maximum() or measured is not self._measured
        self._measured = measured
        self._preview = state.preview
        self.said.setText(state.text)
        epochs = [] if measured is None else list(measured.pictures)
        if epochs != self._epochs:
            self._epochs = epochs
            self.scrubber.blockSignals(True)
            self.scrubber.setRange(0, max(0, len(epochs) - 1))
            if following:
                self.scrubber.setValue(self.scrubber.maximum())
            self.scrubber.blockSignals(False)
        for widget in (self.scrubber, self.epoch):
            widget.setVisible(len(epochs) > 1)
        if following:
            self._show_sheet()
        self._show_curves({} if measured is None else curves_of(measured))

    def _show_sheet(self) -> None:
        if self._measured is not None and len(self._epochs) > 1:
            epoch = self._epochs[min(self.scrubber.value(), len(self._epochs) - 1)]
            self.epoch.setText(f"samples of epoch {epoch}")
            data: bytes | None = self._measured.pictures[epoch]
        else:
            data = self._preview
        self.pane.setVisible(data is not None)  # a loss has all the room until there are samples
        if data is not None:
            self.pane.set_image(QImage.fromData(data))

    def _show_curves(self, curves: Curves) -> None:
        if not curves:
            if self.curve is not None:
                self.curve.hide()
            return
        if self.curve is None:
            self.curve = CurvePane(self)
            self.splitter.addWidget(self.curve)
            self.splitter.setSizes([300, 300])
        self.curve.show()
        self.curve.set_curves(curves)


def curves_of(measured: Measurements) -> Curves:
    """The points of each number that was measured, but for the epoch."""
    return {
        name: [(float(step), value) for step, value in zip(measured.steps, values, strict=True) if value is not None]
        for name, values in measured.series.items()
        if name != "epoch"
    }
