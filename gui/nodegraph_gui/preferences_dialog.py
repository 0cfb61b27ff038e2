"""The preferences, to be looked at and changed; what is wrong is said beside it, and only right settings are taken."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from .preferences import LATEST, SOONEST, THEMES, Preferences
from .ticks import Tick

__all__ = ["PreferencesDialog"]


class PreferencesDialog(QDialog):
    """A form with a field for each setting.

    Signals:
        accepted_with: the `Preferences` as they are now to be.
    """

    accepted_with = Signal(object)

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(560)
        self._before = preferences
        self.worker = QLineEdit(preferences.worker)
        self.worker.setPlaceholderText("the Nodegraph that the editor belongs to")
        self.worker.setToolTip("The command that starts the worker, which runs graphs: ssh gpu-box nodegraph worker")
        self.shares_files = Tick("The worker sees the files of this machine")
        self.shares_files.setToolTip("Turn it off for another machine: pictures then travel to it and back.")
        self.device = QComboBox()
        self.device.setEditable(True)
        self.device.addItems(["auto", "cpu", "cuda:0", "mps"])
        self.device.setCurrentText(preferences.device)
        self.output = QLineEdit(preferences.output)
        self.output.setToolTip("Where a run writes its files; relative to the graph's own file.")
        self.metadata = Tick("Pictures carry the graph that made them")
        self.theme = QComboBox()
        self.theme.addItems(list(THEMES))
        self.theme.setCurrentText(preferences.theme)
        self.snap = Tick("What is moved snaps to the grid")
        self.autosave = QDoubleSpinBox()
        self.autosave.setRange(SOONEST, LATEST)
        self.autosave.setSingleStep(0.1)
        self.autosave.setDecimals(1)
        self.autosave.setSuffix(" s after an edit")
        self.autosave.setValue(preferences.autosave)
        for box, name in ((self.shares_files, "shares_files"), (self.metadata, "metadata"), (self.snap, "snap")):
            box.setChecked(getattr(preferences, name))
        self.complaint = QLabel()
        self.complaint.setObjectName("complaint")
        self.complaint.setWordWrap(True)
        self.complaint.hide()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults).clicked.connect(self.restore)
        self._lay_out()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for label, field in (
            ("&Worker", self.worker),
            ("", self.shares_files),
            ("&Device", self.device),
            ("&Output folder", self.output),
            ("", self.metadata),
            ("&Theme", self.theme),
            ("", self.snap),
            ("&Recovery file", self.autosave),
        ):
            form.addRow(label, field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 20)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(self.complaint)
        layout.addWidget(self.buttons)

    def settings(self) -> Preferences:
        """What the form says; ValueError names the setting that may not be so."""
        return self._before.changed(
            worker=self.worker.text().strip(),
            shares_files=self.shares_files.isChecked(),
            device=self.device.currentText().strip(),
            output=self.output.text().strip(),
            metadata=self.metadata.isChecked(),
            theme=self.theme.currentText(),
            snap=self.snap.isChecked(),
            autosave=round(self.autosave.value(), 1),
        )

    def accept(self) -> None:
        """Hand the settings over and close, unless one is wrong."""
        try:
            settings = self.settings()
        except ValueError as error:
            self.complaint.setText(str(error))
            self.complaint.show()
            return
        self.accepted_with.emit(settings)
        super().accept()

    def restore(self) -> None:
        """Show the defaults; they hold when the dialog is accepted."""
        fresh = Preferences()
        self.worker.setText(fresh.worker)
        self.device.setCurrentText(fresh.device)
        self.output.setText(fresh.output)
        self.theme.setCurrentText(fresh.theme)
        self.autosave.setValue(fresh.autosave)
        for box, name in ((self.shares_files, "shares_files"), (self.metadata, "metadata"), (self.snap, "snap")):
            box.setChecked(getattr(fresh, name))
