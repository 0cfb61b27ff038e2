"""All shortcuts on one page (F1), read from the actions that there are: what is not listed cannot be pressed."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

__all__ = ["MOUSE", "TYPING", "Row", "ShortcutsPage"]

Row = tuple[str, str]  # what is done, and what is pressed for it

MOUSE: Sequence[Row] = (
    ("Add a node where the cursor is", "Double click on the canvas, or Tab"),
    ("Link two ports", "Drag from one to the other, or onto a node"),
    ("List what fits a port", "Drag a wire onto the empty canvas"),
    ("Take a link off an occupied input", "Drag from that input"),
    ("Cut links", "Drag across them with Ctrl+Alt, or with Y held"),
    ("Insert a node into a link", "Drop it on the link"),
    ("Duplicate what is selected", "Drag it with Alt"),
    ("Change a number or a slider", "Drag on it"),
    ("Load a picture that carries a graph as a picture", "Drop it with Shift"),
    ("Select by rectangle; add; take away", "Drag on the canvas; with Shift; with Ctrl"),
    ("Zoom about the cursor", "Wheel, or pinch"),
    ("Pan", "Drag with the middle button, or two fingers"),
    ("Take a gesture back", "Esc while the button is held"),
)

TYPING: Sequence[Row] = (
    ("Keep a note or a text of several lines", "Esc, Ctrl+Enter, or a click elsewhere"),
    ("Keep a title or a value of one line", "Enter, or a click elsewhere"),
    ("Leave a title or a value of one line as it was", "Esc"),
    ("Undo within a text while it is typed", "Ctrl+Z"),
    ("Go on to the next value of the node", "Tab"),
)


class ShortcutsPage(QDialog):
    """A list by menu, with a line to search in it."""

    def __init__(self, groups: Mapping[str, Sequence[Row]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 720)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search: undo, Ctrl+D, …")
        self.line.setAccessibleName("Search shortcuts")
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._filter)
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(12)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(False)
        for title, rows in groups.items():
            self._add(title, rows)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addWidget(self.line)
        layout.addWidget(self.list)

    @property
    def shown(self) -> list[Row]:
        """The rows that the search leaves."""
        rows = [row for top in tops(self.list) for row in children(top)]
        return [(row.text(0), row.text(1)) for row in rows if not row.isHidden()]

    def _add(self, title: str, rows: Sequence[Row]) -> None:
        top = QTreeWidgetItem([title])
        font = top.font(0)
        font.setBold(True)
        top.setFont(0, font)
        for row in rows:
            top.addChild(QTreeWidgetItem(list(row)))
        self.list.addTopLevelItem(top)
        top.setExpanded(True)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for top in tops(self.list):
            hits = 0
            for row in children(top):
                line = f"{row.text(0)} {row.text(1)}".casefold()
                row.setHidden(not all(word in line for word in words))
                hits += not row.isHidden()
            top.setHidden(not hits)


def tops(tree: QTreeWidget) -> list[QTreeWidgetItem]:
    return children(tree.invisibleRootItem())


def children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for at in range(item.childCount()) if (child := item.child(at)) is not None]
