"""The one live editor of the canvas: over the value of an input in its node, as long as it is being typed.

Everything else that a node shows is painted. The editor is a child of the viewport, so it follows pan and zoom without
being part of the scene.
"""

from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from .bindings import Binding, InputEdits, given_value
from .canvas import CanvasView, Gesturing
from .catalogues import Catalogue, Port
from .documents import Change, Document
from .editors import make_editor
from .editors.choices import ChoiceEditor
from .editors.editor import Editor
from .editors.texts import TextEditor
from .gui_plugins import GuiPlugins
from .scrubs import Scrub, scrubbed_port

__all__ = ["FieldGesture", "InlineEditor"]

LEAST_WIDTH, LEAST_HEIGHT, LEAST_TEXT = 110, 24, 76
DRIFT = 4.0  # pixels that a hand may move in a click


class InlineEditor(QObject):
    """Opens editors in nodes, one at a time.

    Attributes:
        editor: the one that is open, or None; `place` is its node and input.
    """

    def __init__(
        self, view: CanvasView, document: Document, catalogue: Catalogue, *, plugins: GuiPlugins | None = None
    ) -> None:
        super().__init__(view)
        self.view = view
        self.document = document
        self.catalogue = catalogue
        self.plugins = plugins
        self.editor: Editor | None = None
        self.place: tuple[str, str] | None = None
        self._binding: Binding | None = None
        self._problem = QLabel(view.viewport())
        self._problem.setWordWrap(True)
        self._problem.hide()
        view.editing = self.open_in
        view.moved.connect(self.follow)
        view.zoom_changed.connect(lambda _: self.follow())
        view.canvas.content_changed.connect(self.follow)
        view.viewport().installEventFilter(self)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)
        self._unsubscribe = document.subscribe(self._changed)
        self.destroyed.connect(self._unsubscribe)

    def gesture(self, view: CanvasView) -> Gesturing:
        """A factory for the list of gestures of the view: clicks on values open, drags over numbers change them."""
        return FieldGesture(view, self)

    def open_in(self, view: CanvasView, node: str, input: str) -> None:
        """What the view asks for by `open_editor`."""
        self.open(node, input)

    def port(self, node: str, input: str) -> Port | None:
        """What can be typed there; None where nothing can: a wire, no such node, no such input."""
        placed = self.document.graph.nodes.get(node)
        kind = self.catalogue.get(placed.type) if placed is not None else None
        port = kind.inputs_by_name.get(input) if kind is not None else None
        if port is None or not port.is_data or any(link.input == input for link in self.document.graph.in_links[node]):
            return None
        return port

    def open(self, node: str, input: str) -> bool:
        """Open the editor of an input, with the keyboard; whether there is something to be typed."""
        self.close()
        port = self.port(node, input)
        if port is None or self.view.canvas.field_rect(node, input).isEmpty():
            return False
        value = given_value(self.document.graph, node, port)
        editor = make_editor(
            port,
            value,
            self.view.viewport(),
            theme=self.view.canvas.theme,
            folder=self.document.graph.folder,
            compact=True,
            plugins=self.plugins,
            kind=self.document.graph.nodes[node].type,
        )
        self.editor, self.place = editor, (node, input)
        self._binding = Binding(self.document, (node,), input, editor)
        editor.setAutoFillBackground(True)
        editor.moved_on.connect(self._move_on)
        editor.cancelled.connect(self._cancelled)
        editor.changing.connect(lambda _: self.show_problem())
        for child in editor.findChildren(QWidget):
            child.installEventFilter(self)
        self.follow()
        editor.show()
        editor.raise_()
        editor.setFocus(Qt.FocusReason.MouseFocusReason)
        self.select_text(editor)
        self.show_problem()
        return True

    def select_text(self, editor: Editor) -> None:
        """What is typed next takes the place of what is there."""
        focused: Any = editor.focusProxy()
        if focused is not None and hasattr(focused, "selectAll"):
            focused.selectAll()

    def follow(self) -> None:
        """Put the editor over its value, wherever that went; close it where the value is not shown any more."""
        if self.editor is None or self.place is None:
            return
        node, input = self.place
        if node not in self.view.canvas.nodes or self.view.canvas.field_rect(node, input).isEmpty():
            self.close(keep=False)
            return
        rect = self.view.field_pixels(node, input).toRect()
        tall = isinstance(self.editor, TextEditor)
        width = max(LEAST_WIDTH, rect.width())
        height = max(LEAST_TEXT if tall else LEAST_HEIGHT, rect.height())
        middle = rect.center()
        top = rect.top() if tall else middle.y() - height // 2
        self.editor.setGeometry(QRect(rect.left(), top, width, height))
        self._place_problem()

    def show_problem(self) -> None:
        """What is wrong with what is being typed, below it."""
        why = self.editor.why if self.editor is not None and self.place is not None else ""
        self._problem.setVisible(bool(why))
        if not why or self.editor is None:
            return
        look = self.editor.look
        self._problem.setText(f"{self.editor.port.name} {why}")
        self._problem.setStyleSheet(
            f"background: {look.raised}; color: {look.error}; border: 1px solid {look.error};"
            " border-radius: 4px; padding: 4px 6px;"
        )
        self._place_problem()

    def _place_problem(self) -> None:
        if self.editor is None or self._problem.isHidden():
            return
        below = self.editor.geometry()
        width = max(below.width(), 220)
        self._problem.setFixedWidth(width)
        self._problem.adjustSize()
        self._problem.move(below.left(), below.bottom() + 4)
        self._problem.raise_()

    def close(self, *, keep: bool = True) -> None:
        """Close the editor; what was typed is kept, unless its input is gone."""
        editor, self.editor = self.editor, None
        if editor is None:
            return
        if keep:
            editor.commit()
        binding, self._binding, self.place = self._binding, None, None
        if binding is not None and not keep:
            editor.blockSignals(True)
        if binding is not None:
            binding.end()
        self._problem.hide()
        focused = editor.isAncestorOf(QApplication.focusWidget() or self.view)
        editor.hide()
        editor.deleteLater()
        if focused:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_typed(self) -> None:
        """Take what is typed so far; the editor stays open."""
        if self.editor is not None:
            self.editor.commit()

    def _cancelled(self) -> None:
        self.close(keep=False)
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _move_on(self, way: int) -> None:
        place = self.place
        self.close()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if way and place is not None:
            self.open_next(*place, way)

    def open_next(self, node: str, input: str, way: int) -> None:
        """Open the value after this one (or, with -1, before it) in the same node, round and round."""
        item = self.view.canvas.nodes.get(node)
        if item is None:
            return
        names = [field.name for field in item.places.fields if self.port(node, field.name) is not None]
        if input in names:
            self.open(node, names[(names.index(input) + way) % len(names)])

    def toggle(self, node: str, input: str) -> bool:
        """Turn a switch, without opening anything; whether it is one."""
        port = self.port(node, input)
        if port is None or port.type != "bool" or port.is_list:
            return False
        value = given_value(self.document.graph, node, port)
        InputEdits(self.document, (node,), input).choose(value is not True)
        return True

    def scrub(self, node: str, input: str) -> Scrub | None:
        """A drag over a number, to be moved, released or cancelled; None where no number can be dragged."""
        port = scrubbed_port(self.document, self.catalogue, node, input)
        return None if port is None else Scrub(self.document, node, port, self.view.field_pixels(node, input).width())

    def _focus_moved(self, _: QWidget | None, new: QWidget | None) -> None:
        """The keyboard went elsewhere in this window: the editing is over; dialogs and lists do not count."""
        editor = self.editor
        if editor is None or new is None or new is editor or editor.isAncestorOf(new):
            return
        if new.window() is self.view.window():
            self.close()

    def _changed(self, change: Change) -> None:
        """The document is another: show what it says, unless that is what was just typed."""
        if self.editor is None or self.place is None:
            return
        node, input = self.place
        port = self.port(node, input)
        if port is None:
            self.close(keep=False)
            return
        self.editor.set_value(given_value(change.after, node, port))
        self.show_problem()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.view.viewport():
            self.follow()
        elif event.type() == QEvent.Type.KeyRelease and self.editor is not None:
            self.show_problem()
        return False


class FieldGesture:
    """A press on a value in a node: a click opens it, a drag over a number changes it, any other drag is the node's."""

    def __init__(self, view: CanvasView, inline: InlineEditor) -> None:
        self.view = view
        self.inline = inline
        self._press: QMouseEvent | None = None
        self._field = ("", "")
        self._scrub: Scrub | None = None
        self._at = QPointF()
        self._dragging = False

    def begin(self, event: QMouseEvent) -> bool:
        keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        if event.button() != Qt.MouseButton.LeftButton or event.modifiers() & keys:
            return False
        pos = self.view.scene_at(event)
        field = self.view.canvas.field_at(pos)
        near_port = self.view.canvas.port_at(pos, self.view.pixels(6)) is not None
        if field is None or near_port or self.inline.port(*field) is None:
            return False
        self._press = event.clone()
        self._field, self._at = field, event.position()
        self._scrub = self.inline.scrub(*field)
        return True

    def move(self, event: QMouseEvent) -> None:
        at = event.position()
        if not self._dragging:
            gone = at - self._at
            if max(abs(gone.x()), abs(gone.y())) < DRIFT:
                return
            if self._scrub is None:
                self._hand_over(event)
                return
            self._dragging = True
            self.view.viewport().setCursor(Qt.CursorShape.SizeHorCursor)
            self.view.hint.emit("Drag to change the value · Shift: finer · Esc: as it was")
        if self._scrub is not None:
            self._scrub.move(at.x() - self._at.x(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self._at = at

    def _hand_over(self, event: QMouseEvent) -> None:
        """Let the gesture have the drag that would have had it, had the value not been there."""
        self.view.gesture = None
        for factory in self.view.factories:
            gesture = factory(self.view)
            if not isinstance(gesture, FieldGesture) and self._press is not None and gesture.begin(self._press):
                self.view.gesture = gesture
                gesture.move(event)
                return

    def release(self, event: QMouseEvent) -> None:
        if self._dragging and self._scrub is not None:
            self._scrub.release()
            self.view.viewport().unsetCursor()
            return
        node, input = self._field
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.view.canvas.select([node], "toggle")
            return
        if node not in self.view.canvas.selection:
            self.view.canvas.select([node])
        if not self.inline.toggle(node, input) and self.inline.open(node, input):
            editor = self.inline.editor
            if isinstance(editor, ChoiceEditor):
                editor.open()

    def cancel(self) -> None:
        if self._scrub is not None:
            self._scrub.cancel()
        self.view.viewport().unsetCursor()
