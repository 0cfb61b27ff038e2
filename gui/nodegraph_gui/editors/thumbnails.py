"""A small picture of a picture file, read off the GUI's thread; whatever is in the file, it can only fail."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader

__all__ = ["ThumbnailReader", "read_thumbnail"]

SIDE = 320  # pixels, for a screen that has two for one
LARGEST_FILE = 200_000_000
MOST_PIXELS = 60_000_000  # beyond them a preview would take longer and more memory than it is worth


def read_thumbnail(path: Path, side: int = SIDE) -> tuple[QImage | None, str]:
    """The picture, at most `side` pixels wide and high, and a line about it; None where it cannot be shown."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None, "is not there"
    except (OSError, ValueError) as error:
        return None, f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(found.st_mode):
        return None, "is a folder"
    if not stat.S_ISREG(found.st_mode):
        return None, "is no regular file"
    if found.st_size > LARGEST_FILE:
        return None, f"{found.st_size / 1e6:,.0f} MB, too large for a preview"
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and size.width() * size.height() > MOST_PIXELS:
        return None, f"{size.width()} × {size.height()}, too large for a preview"
    if size.isValid() and max(size.width(), size.height()) > side:
        reader.setScaledSize(size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    image = reader.read()
    if image.isNull():
        return None, "no preview"
    if max(image.width(), image.height()) > side:
        how = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, how)
    whole = size if size.isValid() else image.size()
    return image, f"{whole.width()} × {whole.height()}"


class ThumbnailReader(QObject):
    """Reads one file after another on a thread of its own; only what was asked for last is told."""

    read = Signal(object, str)  # the QImage or None, and the line about it
    _done = Signal(int, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._latest = 0
        self._wanted: Path | None = None
        self._busy = False
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def ask(self, path: Path | None) -> None:
        """Read a file, and forget about those asked for before; None: forget only."""
        self._latest += 1
        self._wanted = path
        if path is not None and not self._busy:
            self._begin(path)

    def _begin(self, path: Path) -> None:
        number = self._latest
        self._wanted, self._busy = None, True

        def work() -> None:
            try:
                image, line = read_thumbnail(path)
            except Exception as error:  # a thread has nobody to tell but the reader
                image, line = None, f"cannot be read: {type(error).__name__}"
            with suppress(RuntimeError):  # the editor is gone
                self._done.emit(number, image, line)

        threading.Thread(target=work, name="thumbnail", daemon=True).start()

    def _take(self, number: int, image: QImage | None, line: str) -> None:
        self._busy = False
        if number == self._latest:
            self.read.emit(image, line)
        if self._wanted is not None:
            self._begin(self._wanted)
