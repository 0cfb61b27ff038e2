"""The graph as a drawing: SVG, which scales, or PNG; everything that is on the canvas, whatever is in sight."""

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from nodegraph.errors import OutputError
from nodegraph.writing import write_atomically

from .scene import Scene

__all__ = ["draw_png", "draw_svg", "export"]

MARGIN = 40.0
MOST_PIXELS = 16_000  # a side of a picture


def export(scene: Scene, path: Path) -> None:
    """Write the drawing, whole or not at all; OutputError says why it was not."""
    if scene.content_rect().isEmpty():
        raise OutputError(f"{path} was not written: the graph is empty")
    write_atomically(path, draw_svg(scene) if path.suffix.lower() == ".svg" else draw_png(scene))


def area(scene: Scene) -> QRectF:
    return scene.content_rect().adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)


def draw_svg(scene: Scene) -> bytes:
    """The graph as SVG, one unit for a pixel of the canvas at 100 %."""
    from PySide6.QtSvg import QSvgGenerator

    rect, data = area(scene), QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(rect.size().toSize())
    generator.setViewBox(QRectF(0, 0, rect.width(), rect.height()))
    generator.setTitle("Nodegraph")
    paint(scene, QPainter(generator), rect, QRectF(0, 0, rect.width(), rect.height()))
    buffer.close()
    return bytes(data.data())


def draw_png(scene: Scene, scale: float = 2.0) -> bytes:
    """The graph as PNG, two pixels for one of the canvas, fewer where it is very large."""
    rect = area(scene)
    scale = min(scale, MOST_PIXELS / max(rect.width(), rect.height()))
    size = QSize(max(round(rect.width() * scale), 1), max(round(rect.height() * scale), 1))
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise OutputError("the picture would be too large for the memory")
    paint(scene, QPainter(image), rect, QRectF(0, 0, size.width(), size.height()))
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    buffer.close()
    return bytes(data.data())


def paint(scene: Scene, painter: QPainter, source: QRectF, target: QRectF) -> None:
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.fillRect(target, QColor(scene.theme.canvas))
    selected = scene.selected_keys
    scene.select([])  # a drawing shows the graph, not what is being done to it
    scene.render(painter, target, source, Qt.AspectRatioMode.KeepAspectRatio)
    scene.select(selected)
    painter.end()
