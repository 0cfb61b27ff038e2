"""What a window opens beside itself: preferences, the list of shortcuts, the versions, the folder of what was made."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices

from .actions import shortcut_rows

if TYPE_CHECKING:
    from .window import Window

__all__ = ["open_output", "show_preferences", "show_shortcuts", "show_versions"]


def show_preferences(window: "Window") -> None:
    from .preferences_dialog import PreferencesDialog

    dialog = PreferencesDialog(window.editor.preferences, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted_with.connect(window.editor.set_preferences)
    dialog.open()


def show_shortcuts(window: "Window") -> None:
    from .shortcuts_page import ShortcutsPage

    ShortcutsPage(shortcut_rows(window.actions_by_id), window).show()


def show_versions(window: "Window") -> None:
    from .about import show_about

    show_about(window, window.worker.greeting, window.editor.catalogue.plugins, window.editor.log)


def open_output(window: "Window") -> None:
    folder = window.editor.preferences.output_folder(window.document.path)
    if folder.is_dir():
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
    else:
        window.say(f"{folder} is not there yet: nothing was written")
