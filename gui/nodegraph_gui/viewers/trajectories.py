"""The viewer of trajectories: a scrubber over the steps of a sampler."""

from collections import OrderedDict

from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from .kinds import AskView, Info, Viewer, image_of
from .labels import ElidedLabel
from .panes import PicturePane
from .pictures import RowChooser
from .scrubbers import Scrubber

__all__ = ["TrajectoryViewer"]

Place = tuple[int, str, str, int | None]

KEPT = 300  # frames, which are small
EVERY = 80  # milliseconds a frame when it plays
WHAT = {"noisy": "noisy picture", "clean": "estimate of the clean one", "noise": "estimate of the noise"}
WHOLE = "the whole denoiser"


class TrajectoryViewer(Viewer):
    """Shows the view "frame" of a trajectory, at the step that the scrubber is on.

    Which estimates there are, of the whole denoiser and of its branches, the steps tell; where one is not there, such
    as of a branch that was not asked at a step, nothing is shown, and that is said.

    One question is under way at a time, and then the newest wish: the scrubber never waits for frames passed over.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = PicturePane(self)
        self.scrubber = Scrubber(self)
        self.scrubber.setAccessibleName("Step of the sampler")
        self.place = ElidedLabel(self)
        self.place.setContentsMargins(8, 0, 8, 0)
        self.what = QComboBox(self)
        for name, text in WHAT.items():
            self.what.addItem(text, name)
        self.what.setAccessibleName("What of a step is shown")
        self.what.setMinimumContentsLength(8)  # narrower than its texts where the dock is
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.what.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.whose = QLabel("estimated by", self)
        self.branch = QComboBox(self)
        self.branch.setMinimumContentsLength(8)
        self.branch.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.branch.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.branch.setAccessibleName("Whose estimate is shown")
        self.branch.setToolTip("The whole denoiser, or one of the branches that it is made of")
        self.whose.setBuddy(self.branch)
        self.play = QToolButton(self)
        self.play.setText("Play")
        self.play.setCheckable(True)
        self.rows = RowChooser(self)
        self._info = Info("")
        self._ask: AskView | None = None
        self._frames: OrderedDict[Place, QImage] = OrderedDict()
        self._under_way = False
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._build()

    def _build(self) -> None:
        scrub, choose, by = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for row in (scrub, choose, by):
            row.setContentsMargins(8, 0, 8, 0)
        by.setContentsMargins(8, 0, 8, 6)
        for widget in (self.play, self.scrubber):
            scrub.addWidget(widget, 1 if widget is self.scrubber else 0)
        choose.addWidget(self.what)
        choose.addWidget(self.rows)
        choose.addStretch(1)
        by.addWidget(self.whose)
        by.addWidget(self.branch, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pane, 1)
        layout.addWidget(self.place)
        layout.addLayout(scrub)
        layout.addLayout(choose)
        layout.addLayout(by)
        self.scrubber.valueChanged.connect(lambda _: self._load())
        self.what.currentIndexChanged.connect(lambda _: self._load())
        self.branch.currentIndexChanged.connect(lambda _: self._load())
        self.rows.all.toggled.connect(lambda _: self._load())
        self.rows.number.valueChanged.connect(lambda _: self._load())
        self.play.toggled.connect(self._set_playing)
        self._timer.timeout.connect(self._next)

    def show_value(self, info: Info, ask: AskView) -> None:
        self._ask = None
        self._info = info
        self._frames.clear()
        self._under_way = False
        last = max(0, len(info.steps) - 1)
        self.scrubber.setRange(0, last)
        self.scrubber.setValue(last)
        kinds = [name for name in WHAT if name != "noise" or any(step.get("noise") for step in info.steps)]
        refill(self.what, [(WHAT[name], name) for name in kinds])
        branches = {name: None for step in info.steps for name in step.get("branches", ())}
        refill(self.branch, [(WHOLE, ""), *((name, name) for name in branches)])
        self.rows.set_count(info.count)
        self._ask = ask
        self._load()

    def picture(self) -> QImage | None:
        return None if self.pane.image.isNull() else self.pane.image

    def wanted(self) -> Place:
        """What is to be shown: step, what of it, whose estimate, and which row."""
        what = self.what.currentData()
        branch = "" if what == "noisy" else self.branch.currentData() or ""
        return self.scrubber.value(), what, branch, self.rows.index() if self._info.count > 1 else 0

    def is_there(self, place: Place) -> bool:
        """Whether the step has that to show."""
        number, what, branch, _ = place
        step = self._info.steps[number]
        if branch:
            return branch in step.get("branches", ())
        return what != "noise" or bool(step.get("noise"))

    def _load(self) -> None:
        place = self.wanted()
        several = self.branch.count() > 1
        for widget in (self.whose, self.branch):
            widget.setVisible(several)
            widget.setEnabled(place[1] != "noisy")
        if not self._info.steps:
            return
        there = self.is_there(place)
        self.place.setText(self._told(place[0], there))
        known = self._frames.get(place)
        if not there:
            self.pane.set_image(QImage())
        elif known is not None:
            self.pane.set_image(known)
        elif not self._under_way and self._ask is not None:
            step, what, branch, index = place
            options = {"step": step, "what": what, "index": index}
            if branch:
                options["branch"] = branch
            self._under_way = True
            self._ask("frame", options, lambda answer: self._arrived(place, image_of(answer)))

    def _told(self, place: int, there: bool) -> str:
        """Where the scrubber is, and said if there is nothing to show."""
        step, last = self._info.steps[place], self._info.steps[-1]
        at = "the result" if step.get("t") == -1 else f"t = {step.get('t')}"
        told = f"step {step.get('number', place)} of {last.get('number', len(self._info.steps) - 1)}, {at}"
        return told if there else f"{told}: no estimate"

    def _arrived(self, place: Place, image: QImage) -> None:
        self._under_way = False
        self._frames[place] = image
        if len(self._frames) > KEPT:
            self._frames.popitem(last=False)
        self.pane.set_image(image)  # on the way to the newest wish this one is shown too
        if place != self.wanted():
            self._load()

    def _set_playing(self, on: bool) -> None:
        self.play.setText("Pause" if on else "Play")
        if on:
            if self.scrubber.value() == self.scrubber.maximum():
                self.scrubber.setValue(0)
            self._timer.start()
        else:
            self._timer.stop()

    def _next(self) -> None:
        if self._under_way:
            return
        if self.scrubber.value() == self.scrubber.maximum():
            self.play.setChecked(False)
        else:
            self.scrubber.setValue(self.scrubber.value() + 1)


def refill(box: QComboBox, items: list[tuple[str, str]]) -> None:
    """Offer these, (text, name), and stay with what was chosen if that is among them."""
    chosen = box.currentData()
    was = box.blockSignals(True)
    box.clear()
    for text, name in items:
        box.addItem(text, name)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(was)
