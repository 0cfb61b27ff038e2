"""Search in the graph: a line at the top right of the canvas; Enter goes from hit to hit."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton

from .canvas import CanvasView
from .keys import Key
from .panels import Panel
from .searching import Hit, search_graph

__all__ = ["FindBar"]

MARGIN = 12


class FindBar(Panel):
    """Finds nodes by id, title, type and values, frames and notes by their text; selects the hit and centres it."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self.view, self.scene = view, view.canvas
        self.setObjectName("find_bar")
        self.at = -1
        self.line = QLineEdit()
        self.line.setPlaceholderText("Find in graph")
        self.line.setAccessibleName("Find in graph")
        self.count = QLabel()
        self.before, self.after, self.shut = (button(sign, help) for sign, help in BUTTONS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        for part in (self.line, self.count, self.before, self.after, self.shut):
            layout.addWidget(part)
        self.count.setMinimumWidth(self.fontMetrics().horizontalAdvance("000 of 000"))
        self.setFixedWidth(340)
        self.line.textChanged.connect(self._restart)
        self.line.installEventFilter(self)
        self.before.clicked.connect(lambda: self.step(-1))
        self.after.clicked.connect(lambda: self.step(1))
        self.shut.clicked.connect(self.close_quietly)
        view.installEventFilter(self)
        self.hide()

    @property
    def hits(self) -> list[Key]:
        return [key_of(hit) for hit in search_graph(self.scene.document.graph, self.line.text())]

    def open(self) -> None:
        self._place()
        self.show()
        self.raise_()
        self.line.setFocus()
        self.line.selectAll()

    def close_quietly(self) -> None:
        self.hide()
        self.view.setFocus()

    def step(self, by: int) -> None:
        """Go to the next hit, or with -1 to the one before, around the end."""
        hits = self.hits
        if hits:
            self.at = (max(self.at, 0) + by) % len(hits) if self.at >= 0 or by < 0 else 0
            self.scene.select([hits[self.at]], "replace")
            self.view.look_at(self.scene.rect_of(hits[self.at]).center())
        self._count(hits)

    def _restart(self) -> None:
        self.at = -1
        self._count(self.hits)

    def _count(self, hits: list[Key]) -> None:
        if not self.line.text().strip():
            self.count.setText("")
        elif not hits:
            self.count.setText("none")
        else:
            self.count.setText(f"{self.at + 1} of {len(hits)}" if self.at >= 0 else f"{len(hits)}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.view:
            if event.type() == QEvent.Type.Resize:
                self._place()
            return False
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                event.accept()  # the window's own Esc and Enter wait while something is looked for
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self.close_quietly()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
        return False

    def _place(self) -> None:
        self.adjustSize()
        self.move(self.view.width() - self.width() - MARGIN, MARGIN)


BUTTONS = (("↑", "The hit before (Shift+Enter)"), ("↓", "The next hit (Enter)"), ("✕", "Close (Esc)"))


def button(sign: str, help: str) -> QToolButton:
    made = QToolButton()
    made.setText(sign)
    made.setToolTip(help)
    made.setAccessibleName(help)
    made.setAutoRaise(True)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return made


def key_of(hit: Hit) -> Key:
    return hit.key if isinstance(hit.key, str) else (hit.kind, hit.key)
