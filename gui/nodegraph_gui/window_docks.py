"""The docks around the canvas: palette, inspector, viewer and the log of the worker, where a new window has them."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, Qt

from .catalogues import Catalogue
from .inspector import Inspector
from .palette import Palette
from .viewers import Viewer, ViewerDock
from .worker_log import WorkerLog

if TYPE_CHECKING:
    from .window import Window

__all__ = ["Docks", "kept_state", "restore_state"]


class Docks:
    """The docks of one window."""

    def __init__(self, window: "Window") -> None:
        self._plugins = window.editor.plugins
        catalogue, document = window.editor.catalogue, window.document
        self.palette = Palette(catalogue, window)
        self.inspector = Inspector(document, catalogue, window, theme=window.scene.theme, plugins=self._plugins)
        self.inspector.follow(window.scene)
        self.viewer = ViewerDock(
            document,
            catalogue,
            window.results.ask,
            window,
            measured=window.runs.measured,
            make_viewer=self._make_viewer,
        )
        self.log = WorkerLog(window)
        self.all = (self.palette, self.inspector, self.viewer, self.log)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        window.addDockWidget(left, self.palette)
        window.addDockWidget(right, self.inspector)
        window.addDockWidget(right, self.viewer)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.log)
        window.setCorner(Qt.Corner.BottomRightCorner, right)
        window.setCorner(Qt.Corner.BottomLeftCorner, left)
        self.log.hide()
        window.resizeDocks([self.palette, self.inspector], [196, 320], Qt.Orientation.Horizontal)
        window.resizeDocks([self.inspector, self.viewer], [500, 400], Qt.Orientation.Vertical)

    def _make_viewer(self, type: str) -> Viewer | None:
        made = self._plugins.make_viewer(type)
        return made if isinstance(made, Viewer) else None

    def set_catalogue(self, catalogue: Catalogue) -> None:
        self.palette.set_catalogue(catalogue)
        self.inspector.set_catalogue(catalogue)
        self.viewer.set_catalogue(catalogue)

    def set_shown(self, shown: bool) -> None:
        """Show those that belong to a graph, or hide them behind the first page."""
        for dock in (self.palette, self.inspector, self.viewer):
            dock.setVisible(shown)


def kept_state(window: "Window") -> dict[str, str]:
    """How a window and its docks stand, as the session keeps it for the next one."""
    state = {"geometry": window.saveGeometry(), "state": window.saveState()}
    return {name: bytes(value.toHex().data()).decode() for name, value in state.items()}


def restore_state(window: "Window", kept: Any) -> None:
    """Let a window stand as another did; what cannot be read is passed over."""
    if isinstance(kept, dict):
        for name, restore in (("geometry", window.restoreGeometry), ("state", window.restoreState)):
            if isinstance(kept.get(name), str):
                restore(QByteArray.fromHex(kept[name].encode("ascii", "replace")))
