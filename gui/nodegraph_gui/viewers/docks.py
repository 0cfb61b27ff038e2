"""The dock that shows values: of the node that is selected, or of the one that it was told to stay with.

Values stay in the worker. The dock asks for `info`, chooses a viewer by the views that there are, and lets that one ask
for the rest. While a node runs it shows what the node tells. What the worker holds no longer is shown as it was kept,
with a line that says so.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication, QImage
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..catalogues import Catalogue
from ..documents import Document
from ..measurements import Measurements
from ..results import KEPT
from ..states import NodeState
from .kinds import Info, Viewer
from .labels import ElidedLabel
from .live import LiveViewer
from .pictures import PictureViewer
from .texts import TextViewer
from .trajectories import TrajectoryViewer

__all__ = ["ViewerDock"]

NARROWEST = 240
STYLE = """
QToolButton { background: palette(button); border: 1px solid palette(mid); border-radius: 4px; padding: 3px 8px; }
QToolButton:hover, QToolButton:focus { border-color: palette(highlight); }
QToolButton:checked { background: palette(highlight); border-color: palette(highlight);
    color: palette(highlighted-text); }
QToolButton:disabled { color: palette(placeholder-text); }
"""
NOTHING = "Select a node to see what it made."
FROM_BEFORE = "From before: the worker does not hold this value any more. Run again for all of it."
AT_WORK = ("running", "paused")
SHOWN = {"frame": TrajectoryViewer, "picture": PictureViewer}


class Asker(Protocol):
    """How values are asked for: `Results.ask`."""

    def __call__(
        self,
        do: str,
        *,
        then: Callable[[dict[str, Any]], Any],
        failed: Callable[[str], Any],
        **fields: Any,
    ) -> Any: ...


MakeViewer = Callable[[str], Viewer | None]


class ViewerDock(QDockWidget):
    """Shows one output.

    Args:
        ask: asks for values: `Results.ask`; what is answered later than the next question is passed over.
        measured: what a node measured in its last run: `Runs.measured`.
        make_viewer: a viewer that a plugin has for a type, or None.

    Signals: `failed` says in one line why something cannot be saved.
    """

    failed = Signal(str)

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        ask: Asker,
        parent: QWidget | None = None,
        *,
        measured: Callable[[str], Measurements | None] = lambda node: None,
        make_viewer: MakeViewer = lambda type: None,
    ) -> None:
        super().__init__("Viewer", parent)
        self.setObjectName("viewer")
        self._document = document
        self._catalogue = catalogue
        self._ask = ask
        self._measured = measured
        self._make_viewer = make_viewer
        self._question = 0
        self._viewers: dict[str, Viewer] = {}
        self._states: dict[str, NodeState] = {}
        self.node: str | None = None
        self.output: str | None = None
        self._held = ""  # what the picture is of that others are compared with
        self._last: tuple[str, str] | None = None  # what was shown before several nodes were selected
        self._build()

    def _build(self) -> None:
        self.title = ElidedLabel(self)
        bold = self.title.font()
        bold.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(bold)
        self.outputs = QComboBox(self)
        self.outputs.setAccessibleName("Output that is shown")
        self.pin = tool("Pin", "Stay with this node whatever is selected", checkable=True)
        self.hold = tool("Compare", "Keep this picture, and compare with it what is shown from now on", checkable=True)
        self.copy = tool("Copy", "Copy the picture")
        self.save = tool("Save…", "Save the picture as a file")
        self.empty = QLabel(NOTHING, self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setMargin(24)
        self.note = QLabel(FROM_BEFORE, self)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(12, 0, 12, 0)
        self.note.hide()
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self.empty)
        head, bar = QHBoxLayout(), QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 0)
        bar.setContentsMargins(12, 0, 12, 2)
        head.addWidget(self.title, 1)
        head.addWidget(self.outputs)
        for widget in (self.pin, self.hold, self.copy, self.save):
            bar.addWidget(widget)
        bar.addStretch(1)
        body = QWidget(self)
        body.setStyleSheet(STYLE)
        body.setMinimumWidth(NARROWEST)  # so that what is shown never widens the dock
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addLayout(bar)
        layout.addWidget(self.note)
        layout.addWidget(self.stack, 1)
        self.setWidget(body)
        self.outputs.textActivated.connect(self._choose_output)
        self.hold.toggled.connect(self._set_held)
        self.copy.clicked.connect(self.copy_picture)
        self.save.clicked.connect(self._choose_file)
        self._update_bar()

    # What is shown

    def set_catalogue(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def show_node(self, node: str | None) -> None:
        """Show the node that was selected, unless the dock is pinned: what it makes, or what it was given to write."""
        if self.pin.isChecked() or node is None or node not in self._document.graph.nodes:
            return
        place = self.best_output(node)
        if place is None:
            self._show_message(node, None, f"{node} gives no value.")
        else:
            self.show_output(*place)

    def show_selected(self, nodes: Collection[str]) -> None:
        """Follow a selection: of one node its value, of several how many they are, of none what was shown last."""
        if self.pin.isChecked():
            return
        if len(nodes) == 1:
            self._last = None
            self.show_node(next(iter(nodes)))
        elif nodes:
            if self.node is not None and self.output is not None:
                self._last = self.node, self.output
            self._show_message(None, None, f"{len(nodes):,} nodes are selected. Select one to see what it made.")
        elif self._last is not None:
            (node, output), self._last = self._last, None
            if node in self._document.graph.nodes:
                self.show_output(node, output)
            else:
                self._show_message(None, None, NOTHING)

    def follow_document(self) -> None:
        """The document is another: what is shown may be called otherwise, or be no more."""
        if self.node is not None and self.node not in self._document.graph.nodes:
            self._show_message(None, None, NOTHING)
        else:
            self._update_bar()

    def best_output(self, node: str) -> tuple[str, str] | None:
        """The output to look at: one that has pictures; else, of a node that writes or shows, what leads to it."""
        graph = self._document.graph
        kind = self._catalogue.get(graph.nodes[node].type)
        if kind is None:
            return None
        looks = [port.name for port in kind.outputs if self._has_pictures(port.type)]
        if looks:
            return node, looks[0]
        for link in graph.in_links[node]:
            source = graph.nodes.get(link.source)
            there = self._catalogue.get(source.type) if source else None
            port = there.outputs_by_name.get(link.output) if there else None
            if port is not None and self._has_pictures(port.type) and not any(not out.is_data for out in kind.outputs):
                return link.source, link.output
        return (node, kind.outputs[0].name) if kind.outputs else None

    def _has_pictures(self, type: str) -> bool:
        found = self._catalogue.wire_types.get(type)
        return found is not None and bool({"picture", "frame", "curve"} & set(found.views) or "thumbnail" in found.can)

    def show_output(self, node: str, output: str) -> None:
        """Ask for a value and show it."""
        self.node, self.output = node, output
        self._question += 1
        question = self._question
        state = self._states.get(node)
        self._update_bar()
        if state is not None and state.phase in AT_WORK:
            self._show_live(state)
            return

        def arrived(answer: dict[str, Any]) -> None:
            if question == self._question:
                self._show_info(Info.from_json(answer["json"]))
                self.note.setVisible(KEPT in answer)

        def failed(why: str) -> None:
            if question != self._question:
                return
            if state is not None and state.preview is not None:  # what is left of it when the worker has gone
                self._show_live(replace(state, text=f"A preview: {why}"))
            else:
                self._show_message(node, output, why)

        self._ask("value", then=arrived, failed=failed, node=node, output=output, view="info", options={})

    def _choose_output(self, output: str) -> None:
        if self.node is not None:
            self.show_output(self.node, output)

    def refresh(self) -> None:
        """A run has ended: what is shown may be another value now."""
        if self.node is not None and self.output is not None and self.node in self._document.graph.nodes:
            self.show_output(self.node, self.output)

    def set_state(self, node: str, state: NodeState) -> None:
        """A node of the present run is in another state."""
        before = self._states.get(node)
        self._states[node] = state
        if node != self.node:
            return
        if state.phase in AT_WORK:
            self._show_live(state)
        elif before is not None and before.phase in AT_WORK and state.phase in ("done", "cached"):
            self.refresh()

    def forget_states(self) -> None:
        """Another run begins."""
        self._states.clear()

    # The parts

    def _show_live(self, state: NodeState) -> None:
        measured = self._measured(self.node or "")
        if state.preview is None and measured is None:
            self._show_message(self.node, self.output, state.text or f"{self.node} is running …")
            return
        self.note.hide()
        viewer = self._viewer("live", LiveViewer)
        assert isinstance(viewer, LiveViewer)
        viewer.show_state(state, measured)
        self.stack.setCurrentWidget(viewer)
        self._update_bar()

    def _show_info(self, info: Info) -> None:
        viewer = self._viewer_for(info)
        self.stack.setCurrentWidget(viewer)
        question = self._question
        place = {"node": self.node, "output": self.output}

        def ask(view: str, options: Mapping[str, Any], then: Callable[[Mapping[str, Any]], None]) -> None:
            def arrived(answer: dict[str, Any]) -> None:
                if question == self._question:
                    then(answer)
                    self._update_bar()

            def failed(why: str) -> None:
                if question == self._question:
                    self._show_message(self.node, self.output, why)

            self._ask("value", then=arrived, failed=failed, view=view, options=dict(options), **place)

        viewer.show_value(info, ask)
        self._update_bar()

    def _viewer_for(self, info: Info) -> Viewer:
        brought = self._make_viewer(info.type)
        if brought is not None:
            key = f"plugin {info.type}"
            if key not in self._viewers:
                self._viewers[key] = brought
                self.stack.addWidget(brought)
            return self._viewers[key]
        for view, kind in SHOWN.items():
            if view in info.views:
                return self._viewer(view, kind)
        if "curve" in info.views:
            from .curves import CurveViewer  # pyqtgraph takes a while

            return self._viewer("curve", CurveViewer)
        return self._viewer("text", TextViewer)

    def _viewer(self, key: str, kind: type[Viewer]) -> Viewer:
        if key not in self._viewers:
            self._viewers[key] = kind(self)
            self.stack.addWidget(self._viewers[key])
        return self._viewers[key]

    def _show_message(self, node: str | None, output: str | None, text: str) -> None:
        self.node, self.output = node, output
        self._question += 1  # what was asked before is of no interest any more
        self.note.hide()
        self.empty.setText(text)
        self.stack.setCurrentWidget(self.empty)
        self._update_bar()

    def _update_bar(self) -> None:
        node = self._document.graph.nodes.get(self.node or "")
        kind = self._catalogue.get(node.type) if node else None
        names = [port.name for port in kind.outputs] if kind else []
        self.title.setText((node.title or self.node or "") if node else "")
        self.outputs.setVisible(len(names) > 1)
        if [self.outputs.itemText(at) for at in range(self.outputs.count())] != names:
            self.outputs.clear()
            self.outputs.addItems(names)
        if self.output in names:
            self.outputs.setCurrentIndex(names.index(self.output))
        there = self.picture() is not None
        for button in (self.copy, self.save):
            button.setEnabled(there)
        self.hold.setEnabled(there or self.hold.isChecked())
        for viewer in self._viewers.values() if self.hold.isChecked() else ():
            if isinstance(viewer, (PictureViewer, TrajectoryViewer)):
                viewer.pane.set_names(self._compared())

    # The picture

    def picture(self) -> QImage | None:
        """What is shown, as a picture; None when it is none."""
        viewer = self.stack.currentWidget()
        return viewer.picture() if isinstance(viewer, Viewer) else None

    def _set_held(self, on: bool) -> None:
        """Keep the present picture, to be compared with what is shown next."""
        held = (self.picture() or QImage()) if on else QImage()
        self._held = self._shown_name() if on else ""
        for key in ("picture", "frame"):
            viewer = self._viewer(key, SHOWN[key])
            assert isinstance(viewer, (PictureViewer, TrajectoryViewer))
            viewer.pane.set_before(held, self._compared())

    def _shown_name(self) -> str:
        """What is shown, by the name of its node and, where that has several, of the output."""
        output = f".{self.output}" if self.outputs.count() > 1 else ""
        return f"{self.title.text()}{output}"

    def _compared(self) -> tuple[str, str]:
        """What is left and right of the line, in words."""
        return f"kept: {self._held}", f"now: {self._shown_name()}"

    def copy_picture(self) -> None:
        picture = self.picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, "Save the picture", f"{self.node}.png", "Pictures (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_picture(Path(name)))
        dialog.open()

    def save_picture(self, path: Path) -> None:
        """Write what is shown as a PNG, whole or not at all; `failed` tells why it was not."""
        from PySide6.QtCore import QBuffer

        from nodegraph import OutputError
        from nodegraph.writing import write_atomically

        picture = self.picture()
        if picture is None:
            return
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")  # type: ignore[call-overload]
        try:
            write_atomically(path, bytes(buffer.data().data()))
        except OutputError as error:
            self.failed.emit(str(error))


def tool(text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button
