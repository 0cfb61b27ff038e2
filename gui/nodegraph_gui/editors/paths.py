"""A path: typed, dropped or chosen in a dialog, with a small view of the picture that it names.

It is written as the file of a graph writes it: with `/`, and relative to the graph's folder where it lies below that.
"""

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QPixmap
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QWidget

from .editor import Editor, small_label
from .lines import Line, line_text
from .thumbnails import ThumbnailReader

__all__ = ["PathEditor", "full_path", "path_text"]

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.tif *.tiff *.avif)"
EVERYTHING = "All files (*)"
HEIGHT = 96


def path_text(path: str | Path, folder: Path | None) -> str:
    """A path as a graph in that folder writes it."""
    path = Path(path)
    if folder is not None and path.is_absolute():
        below = os.path.relpath(path, folder)
        if below != os.pardir and not below.startswith(os.pardir + os.sep) and not Path(below).is_absolute():
            return Path(below).as_posix()
    return path.as_posix()


def full_path(value: Any, folder: Path | None) -> Path | None:
    """The file that a value names; None when it names none."""
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    path = Path(value.partition("@sha256:")[0])
    return path if path.is_absolute() else (folder or Path.cwd()) / path


class PathEditor(Editor):
    """A line, a button that opens a dialog, and the picture."""

    def fill(self) -> None:
        self.dialog: QFileDialog | None = None
        self.line = Line()
        wanted = "a folder" if self.wants_folder else "a file"
        self.line.setPlaceholderText("none" if self.port.optional else wanted)
        self.line.textEdited.connect(lambda text: self.sketch(self.rule.parse(text)))
        self.line.entered.connect(lambda text: self.choose(self.rule.parse(text)))
        self.button = QPushButton("Choose…" if not self.compact else "…")
        self.button.setAccessibleName(f"{self.port.name}, choose a {'folder' if self.wants_folder else 'file'}")
        self.button.setToolTip(f"Choose a {'folder' if self.wants_folder else 'file'}")
        self.button.clicked.connect(self.open_dialog)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        if self.compact:
            self.button.setFixedWidth(28)
            self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it would end the editing
        self.thumbnail = QLabel()
        self.caption = small_label("quiet")
        self.thumbnail.hide()
        self.caption.hide()
        self.reader = ThumbnailReader(self)
        self.reader.read.connect(self.show_thumbnail)
        self.setAcceptDrops(True)
        self.line.setAcceptDrops(False)  # a file that is dropped there is for the editor
        self.watch(self.line)
        self.name_for_screen_readers(self.line)
        self.put(body)
        self.setFocusProxy(self.line)
        if not self.compact:
            self.column.insertWidget(1, self.thumbnail)
            self.column.insertWidget(2, self.caption)

    @property
    def wants_folder(self) -> bool:
        return self.port.schema.get("exists") == "folder"

    def show_value(self) -> None:
        self.line.show_text(line_text(self.value))
        if self.compact or self.wants_folder:
            return
        path = full_path(self.value, self.folder)
        self.reader.ask(path)
        if path is None:
            self.show_thumbnail(None, "")

    def show_thumbnail(self, image: QImage | None, line: str) -> None:
        """Show what was read of the file."""
        self.caption.setText(line)
        if image is None:
            self.thumbnail.clear()
        else:
            ratio = self.devicePixelRatioF()
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            how = smooth if image.height() > HEIGHT * ratio else Qt.TransformationMode.FastTransformation
            shown = image.scaled(int(240 * ratio), int(HEIGHT * ratio), keep, how)
            shown.setDevicePixelRatio(ratio)
            self.thumbnail.setPixmap(QPixmap.fromImage(shown))
            self.thumbnail.setFixedHeight(round(shown.height() / ratio))
            self.thumbnail.setAccessibleName(f"{self.port.name}: a picture of {line} pixels")
        self.thumbnail.setVisible(image is not None)  # last, so that what is around it makes room for it
        self.caption.setVisible(bool(line))

    def open_dialog(self) -> None:
        """Show the dialog, beside the window: nothing waits for it."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        here = full_path(self.value, self.folder)
        dialog = QFileDialog(self.window(), f"Choose {self.port.name}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        folder = self.folder or Path.cwd()
        if self.wants_folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            filters = [PICTURES, EVERYTHING] if "picture" in self.port.help.lower() else [EVERYTHING, PICTURES]
            dialog.setNameFilters(filters)
        dialog.setDirectory(str(here.parent if here is not None and here.parent.is_dir() else folder))
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(self.forget_dialog)
        self.destroyed.connect(dialog.close)
        self.dialog = dialog
        dialog.open()

    def forget_dialog(self) -> None:
        self.dialog = None
        self.line.setFocus()

    def take(self, path: str) -> None:
        """A file was chosen or dropped."""
        self.choose(path_text(path, self.folder))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped(event)
        if path:
            event.acceptProposedAction()
            self.take(path)

    def commit(self) -> None:
        self.line.enter()

    def cancel(self) -> None:
        self.line.setModified(False)
        super().cancel()


def dropped(event: QDropEvent) -> str:
    """The one file that is dropped; "" when it is none or several."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 else ""
