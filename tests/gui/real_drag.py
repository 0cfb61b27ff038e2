"""A program for a real display: a hand drags a kind from the palette onto the canvas; the graph is printed."""

import json
import sys
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QDrag
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from nodegraph import dumps
from nodegraph_gui.canvas import CanvasView
from nodegraph_gui.catalogues import Catalogue
from nodegraph_gui.desk import Desk
from nodegraph_gui.documents import Document
from nodegraph_gui.palette import Palette, children
from nodegraph_gui.scene import Scene
from nodegraph_gui.themes import THEMES
from nodegraph_gui.usage import Usage


def main(catalogue, folder):
    app = QApplication([])
    document = Document()
    scene = Scene(document, catalogue, THEMES["dark"])
    view = CanvasView(scene)
    Desk(view, Usage(folder / "usage.json"))
    window, palette = QMainWindow(), Palette(catalogue)
    window.setCentralWidget(view)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, palette)
    window.resize(1000, 700)
    window.show()
    QTest.qWaitForWindowExposed(window)
    row = next(row for top in palette.tree.tops() for row in children(top) if row.text(0) == "PureNoise")
    palette.tree.scrollToItem(row)
    source = palette.tree.viewport()
    start = source.mapTo(window, palette.tree.visualItemRect(row).center())
    end = view.viewport().mapTo(window, view.viewport().rect().center())
    handle, left = window.windowHandle(), Qt.MouseButton.LeftButton
    QTimer.singleShot(300, lambda: QTest.mouseMove(handle, end - QPoint(40, 0)))
    QTimer.singleShot(600, lambda: QTest.mouseMove(handle, end))
    QTimer.singleShot(900, lambda: QTest.mouseRelease(handle, left, Qt.KeyboardModifier.NoModifier, end))
    QTimer.singleShot(6000, QDrag.cancel)
    QTest.mousePress(handle, left, Qt.KeyboardModifier.NoModifier, start)
    for step in (10, 20, 30):
        QTest.mouseMove(handle, start + QPoint(step, 0))  # the third begins the drag, which ends before it returns
        app.processEvents()
    QTest.qWait(200)
    print(dumps(document.graph))


main(Catalogue.from_json(json.loads(Path(sys.argv[1]).read_text())), Path(sys.argv[2]))
