"""The runs that wait, on a button of the toolbar: how many there are, and each to be taken back."""

from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from .running import run_title
from .runs import QueuedRun, Runs

__all__ = ["QueueButton"]


class QueueButton(QToolButton):
    """Says how many wait; its menu lists that one and those that wait."""

    def __init__(self, runs: Runs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs = runs
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip("Runs that go on or wait; a click takes one back")
        self.setMenu(QMenu(self))
        self.menu().aboutToShow.connect(lambda: self.fill(self.menu()))
        runs.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        waiting = len(self.runs.queue)
        self.setText(f"{waiting} waiting" if waiting else "Running")

    def fill(self, menu: QMenu) -> None:
        """List the runs as they are now."""
        menu.clear()
        if self.runs.current is not None:
            self._offer(menu, "Cancel", self.runs.current)
        for run in self.runs.queue:
            self._offer(menu, "Take back", run)
        if menu.isEmpty():
            menu.addAction("No run goes on").setEnabled(False)

    def _offer(self, menu: QMenu, verb: str, run: QueuedRun) -> None:
        action = menu.addAction(f"{verb} {run_title(run)[:1].lower()}{run_title(run)[1:]}")
        action.triggered.connect(lambda: self.runs.take_back(run))
