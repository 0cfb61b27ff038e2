"""The graph as a picture of its own: SVG for a text, PNG for everything else. All details, whatever the zoom."""

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from .scene import Scene

__all__ = ["LARGEST", "png", "svg"]

LARGEST = 16_000  # pixels a side; a PNG of a larger graph is scaled down to it
MARGIN = 40.0


def area(scene: Scene) -> QRectF:
    """What is drawn: all there is, and some room around it; ValueError when there is nothing."""
    rect = scene.content_rect()
    if rect.isEmpty():
        raise ValueError("the graph is empty, there is nothing to draw")
    return rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)


def png(scene: Scene, scale: float = 2.0, *, transparent: bool = False) -> bytes:
    """The graph as PNG, `scale` pixels for each of the canvas; fewer where it would be larger than can be handled."""
    rect = area(scene)
    scale = min(scale, LARGEST / max(rect.width(), rect.height()))
    size = QSize(max(1, round(rect.width() * scale)), max(1, round(rect.height() * scale)))
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    if image.isNull():
        raise ValueError(f"a picture of {size.width()} x {size.height()} pixels does not fit into memory")
    image.fill(Qt.GlobalColor.transparent if transparent else scene.paints.colour(scene.theme.canvas))
    painter = QPainter(image)
    draw(scene, painter, QRectF(0, 0, size.width(), size.height()), rect)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())


def svg(scene: Scene, title: str = "") -> bytes:
    """The graph as SVG."""
    from PySide6.QtSvg import QSvgGenerator  # not needed to start

    rect = area(scene)
    data = QByteArray()
    buffer = QBuffer(data)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setTitle(title or "Nodegraph")
    size = QRect(0, 0, round(rect.width()), round(rect.height()))
    generator.setSize(size.size())
    generator.setViewBox(size)
    generator.setResolution(96)
    painter = QPainter(generator)
    painter.fillRect(size, scene.paints.colour(scene.theme.canvas))
    draw(scene, painter, QRectF(size), rect)
    painter.end()
    return bytes(data.data())


def draw(scene: Scene, painter: QPainter, onto: QRectF, rect: QRectF) -> None:
    """Draw without what is only of the moment: selection and the live wire."""
    hints = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
    painter.setRenderHints(hints | QPainter.RenderHint.TextAntialiasing)
    chosen = scene.selected_keys
    scene.blockSignals(True)
    try:
        scene.select(())
        scene.render(painter, onto, rect, Qt.AspectRatioMode.KeepAspectRatio)
        scene.select(chosen)
    finally:
        scene.blockSignals(False)
