"""The palette: all kinds of node by category, to be dragged onto the canvas or added by a double click."""

from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QFont, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QDockWidget, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from .catalogues import Catalogue
from .searching import find_kinds

__all__ = ["KIND_MIME", "Palette", "kind_of", "mime_for"]

KIND_MIME = "application/x-nodegraph-kind"
KIND = Qt.ItemDataRole.UserRole
ROW = QSize(60, 24)


def mime_for(kind: str) -> QMimeData:
    """What is dragged from the palette: the id of a kind, which nothing but a canvas takes."""
    mime = QMimeData()
    mime.setData(KIND_MIME, kind.encode())
    return mime


def kind_of(mime: QMimeData) -> str | None:
    """The kind that is dragged, or None when something else is."""
    return bytes(mime.data(KIND_MIME).data()).decode(errors="replace") if mime.hasFormat(KIND_MIME) else None


class Palette(QDockWidget):
    """A tree of categories under a search line.

    Signals:
        chosen: a kind, by its id, that is to be added in the middle of the view.
    """

    chosen = Signal(str)

    def __init__(
        self, catalogue: Catalogue, parent: QWidget | None = None, *, colours: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__("Nodes", parent)
        self.setObjectName("palette")
        self.catalogue = catalogue
        self.colours = colours
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search nodes")
        self.line.setAccessibleName("Search nodes")
        self.line.setClearButtonEnabled(True)
        self.tree = KindTree()
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.line)
        layout.addWidget(self.tree)
        self.setWidget(body)
        self.line.textChanged.connect(self._list)
        self.line.returnPressed.connect(self._take_first)
        self.tree.taken.connect(self.chosen)
        self._list("")

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """List other kinds; what is typed and which categories are open stay."""
        if catalogue != self.catalogue:
            self.catalogue = catalogue
            self._list(self.line.text())

    def set_colours(self, colours: Mapping[str, str]) -> None:
        """Mark the categories in other colours, as a theme gives them."""
        self.colours = colours
        self._list(self.line.text())

    @property
    def shown(self) -> dict[str, list[str]]:
        """The ids of the kinds that are listed, by category."""
        return {top.text(0): [child.text(0) for child in children(top)] for top in self.tree.tops()}

    def _list(self, query: str) -> None:
        closed = self.tree.closed_categories() if not self.tree.searching else self.tree.closed_before
        found = {kind.id for kind in find_kinds(self.catalogue, query)}
        self.tree.clear()
        for category, kinds in self.catalogue.categories.items():
            some = [kind for kind in kinds if kind.id in found]
            if not some:
                continue
            top = QTreeWidgetItem([category])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            top.setFont(0, bold(self.font()))
            top.setSizeHint(0, ROW)
            if category in self.colours:
                top.setIcon(0, swatch(self.colours[category]))
            self.tree.addTopLevelItem(top)
            for kind in some:
                item = QTreeWidgetItem([kind.id])
                item.setData(0, KIND, kind.id)
                item.setSizeHint(0, ROW)
                item.setToolTip(0, kind.summary)
                top.addChild(item)
            top.setExpanded(bool(query) or category not in closed)
        self.tree.searching, self.tree.closed_before = bool(query), closed

    def _take_first(self) -> None:
        """Enter in the search line takes the likeliest, not the uppermost."""
        if self.line.text().strip():
            for kind in find_kinds(self.catalogue, self.line.text(), most=1):
                self.chosen.emit(kind.id)


class KindTree(QTreeWidget):
    """The tree itself; a row can be dragged out, but nothing dropped in."""

    taken = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.searching = False
        self.closed_before: set[str] = set()
        self.setHeaderHidden(True)
        self.setAccessibleName("Nodes by category")
        self.setDragEnabled(True)
        self.setDragDropMode(QTreeWidget.DragDropMode.DragOnly)
        self.setIndentation(14)
        self.itemDoubleClicked.connect(lambda item, _: self._take(item))

    def closed_categories(self) -> set[str]:
        return {top.text(0) for top in self.tops() if not top.isExpanded()}

    def tops(self) -> list[QTreeWidgetItem]:
        return children(self.invisibleRootItem())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.currentItem())
        else:
            super().keyPressEvent(event)

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        item = self.currentItem()
        kind = item.data(0, KIND) if item is not None else None
        if kind:
            drag = QDrag(self)
            drag.setMimeData(mime_for(kind))
            drag.exec(Qt.DropAction.CopyAction)

    def _take(self, item: QTreeWidgetItem | None) -> None:
        kind = item.data(0, KIND) if item is not None else None
        if kind:
            self.taken.emit(kind)


def children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for row in range(item.childCount()) if (child := item.child(row)) is not None]


def bold(font: QFont) -> QFont:
    strong = QFont(font)
    strong.setBold(True)
    return strong


def swatch(colour: str) -> QIcon:
    """A strip of a category's colour, as on the titles of its nodes."""
    picture = QPixmap(16, 16)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.fillRect(6, 1, 4, 14, QColor(colour))
    painter.end()
    return QIcon(picture)
