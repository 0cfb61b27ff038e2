"""The viewer of curves: losses over steps, drawn by pyqtgraph, which is imported when there is one to draw."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ..ticks import Tick
from .kinds import AskView, Info, Viewer
from .labels import ElidedLabel

__all__ = ["CurvePane", "CurveViewer"]

COLOURS = ("#4fa3e0", "#f2a33a", "#3fc6a8", "#e07fb0")
SMOOTH = 0.05  # of the points are averaged over for the thick line


class CurvePane(QWidget):
    """Curves by name, with an average over each, on linear or logarithmic axes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._graph = pyqtgraph
        from .axes import StepAxis, ValueAxis

        axes = {"bottom": StepAxis("bottom"), "left": ValueAxis("left")}
        self.plot = pyqtgraph.PlotWidget(self, axisItems=axes)
        self.plot.showGrid(x=True, y=True, alpha=0.25)
        self.plot.addLegend(offset=(-10, 10))
        self.plot.setLabel("bottom", "step")
        self.plot.setMenuEnabled(False)
        self.logarithmic = Tick("logarithmic", self)
        self.logarithmic.toggled.connect(lambda on: self.plot.setLogMode(y=on))
        self.latest = ElidedLabel(self)
        below = QHBoxLayout()
        below.setContentsMargins(8, 0, 8, 0)
        below.addWidget(self.latest, 1)
        below.addWidget(self.logarithmic)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 1)
        layout.addLayout(below)
        self._lines: dict[str, tuple[Any, Any]] = {}
        self._take_colours()

    def _take_colours(self) -> None:
        palette = self.palette()
        self.plot.setBackground(palette.base().color())
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(palette.text().color())
            axis.setTextPen(palette.text().color())

    def set_curves(self, curves: Mapping[str, Sequence[tuple[float, float]]]) -> None:
        """Show these curves and no others: for each name its points (x, y)."""
        for name in [name for name in self._lines if name not in curves]:
            for line in self._lines.pop(name):
                self.plot.removeItem(line)
        for name, points in curves.items():
            raw, mean = self._lines.get(name) or self._add_line(name)
            xs, ys = [x for x, _ in points], [y for _, y in points]
            raw.setData(xs, ys)
            mean.setData(xs, averaged(ys, max(1, int(len(ys) * SMOOTH))))
        self.latest.setText(", ".join(f"{name} {points[-1][1]:.4g}" for name, points in curves.items() if points))

    def _add_line(self, name: str) -> tuple[Any, Any]:
        colour = self._graph.mkColor(COLOURS[len(self._lines) % len(COLOURS)])
        faint = self._graph.mkColor(colour)
        faint.setAlpha(90)
        raw = self.plot.plot(pen=self._graph.mkPen(faint, width=1))
        mean = self.plot.plot(pen=self._graph.mkPen(colour, width=2), name=name)
        self._lines[name] = (raw, mean)
        return raw, mean


def averaged(values: Sequence[float], width: int) -> list[float]:
    """The mean of the last `width` values at each."""
    means, total = [], 0.0
    for at, value in enumerate(values):
        total += value - (values[at - width] if at >= width else 0.0)
        means.append(total / min(at + 1, width))
    return means


class CurveViewer(Viewer):
    """Shows the view "curve" of a value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = CurvePane(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pane)

    def show_value(self, info: Info, ask: AskView) -> None:
        ask("curve", {}, self._show)

    def picture(self) -> QImage | None:
        shot: QImage = self.pane.plot.grab().toImage()
        return shot

    def _show(self, answer: Mapping[str, Any]) -> None:
        told = answer.get("json") or {}
        points = [(float(x), float(y)) for x, y in zip(told.get("x", ()), told.get("y", ()), strict=False)]
        self.pane.plot.setLabel("bottom", str(told.get("x_label", "step")))
        self.pane.set_curves({str(told.get("y_label", "loss")): points})
