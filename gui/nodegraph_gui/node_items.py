"""A node on the canvas: one item that paints all of it, with fewer details the smaller it is seen.

What is drawn near is in `faces`; here is what a node knows of itself, and how it looks from afar. Painting never
raises: a node that cannot be drawn is red, and it is said once in the log why.
"""

import logging
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from nodegraph import Link, Node, Problem

from . import faces
from .catalogues import Kind
from .colours import mix
from .letters import Text
from .paints import Paints
from .recordings import Recording
from .shapes import WIDTH, PortRef, Shape, node_shape
from .states import IDLE, NodeState
from .wire_items import FAR, NEAR

__all__ = ["NodeItem"]

log = logging.getLogger("nodegraph.editor")

AROUND = 10.0  # what ports, halos and badges need around the body
LARGEST_PREVIEW = 512


class NodeItem(QGraphicsRectItem):
    """Draws a node; told by the scene what it is, what became of it and what is wrong with it.

    Attributes:
        home: its position as the document says.
        wires: how many there are is not its business; the scene knows.
        glow: for its ports, "" where one fits what is being dragged, else why not.
    """

    def __init__(self, id: str, paints: Paints) -> None:
        super().__init__()
        self.id = id
        self.paints = paints
        self.node = Node(type="?")
        self.kind: Kind | None = None
        self.state: NodeState = IDLE
        self.problems: Sequence[Problem] = ()
        self.glow: Mapping[PortRef, str] = {}
        self.selected = False
        self.hovered: PortRef | str | None = None
        self.own_colour = ""
        self.home = QPointF()
        self.shape_ = node_shape(id, self.node, None)
        self.previews: tuple[QPixmap, ...] = ()
        self.texts: dict[tuple[str, str], Text] = {}
        self.recording: Recording | None = None
        self._in: Sequence[Link] = ()
        self._out: Sequence[Link] = ()
        self._collapsed = False
        self._width = WIDTH
        self._failed_to_draw = False
        self.setPen(paints.no_pen)
        self.setZValue(1)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # for exposedRect

    def become(
        self,
        node: Node,
        kind: Kind | None,
        in_links: Sequence[Link],
        out_links: Sequence[Link],
        collapsed: bool,
        width: float,
        colour: str,
    ) -> None:
        """Be the node that the document says."""
        self.node, self.kind, self.own_colour = node, kind, colour
        self._in, self._out, self._collapsed, self._width = in_links, out_links, collapsed, width
        self.reshape()

    def reshape(self) -> None:
        """Work out the places anew, after the node, its picture or its message changed."""
        aspect = self.previews[0].width() / self.previews[0].height() if self.previews else 0.0
        self.shape_ = node_shape(
            self.id,
            self.node,
            self.kind,
            self._in,
            self._out,
            collapsed=self._collapsed,
            width=self._width,
            picture=aspect,
            message=0.0 if self._collapsed else faces.message_height(self),
        )
        self.setRect(self.shape_.rect.adjusted(-AROUND, -AROUND, AROUND, AROUND))
        self.texts.clear()
        self.redraw()

    def redraw(self) -> None:
        """Draw it anew, since something of it changed."""
        self.recording = None
        self.update()

    @property
    def places(self) -> Shape:
        return self.shape_

    @property
    def looks(self) -> tuple[bool, float, str]:
        """Whether it is folded, how wide it was made, its own colour."""
        return self._collapsed, self._width, self.own_colour

    @property
    def title(self) -> str:
        return self.node.title or self.id

    @property
    def message(self) -> str:
        """What has to be said below the rows: why it failed, or what is missing."""
        if self.state.phase in ("failed", "skipped") and self.state.message:
            return self.state.message
        if self.kind is None:
            plugin = self.node.plugin
            return f"needs the plugin {plugin}" if plugin else f"{self.node.type} is not installed"
        return ""

    @property
    def worst(self) -> str:
        """ "error" or "warning" where something is wrong with it, else ""."""
        if self.state.phase == "failed" or any(problem.kind == "error" for problem in self.problems):
            return "error"
        return "warning" if self.problems else ""

    def marked(self, name: str) -> str:
        """What is wrong with an input: "error", "warning" or ""."""
        kinds = {problem.kind for problem in self.problems if problem.input == name}
        if self.state.phase == "failed" and self.state.input == name:
            kinds.add("error")
        return "error" if "error" in kinds else "warning" if kinds else ""

    def set_state(self, state: NodeState) -> None:
        old, self.state = self.state, state
        said = ("failed", "skipped")
        if (old.phase in said or state.phase in said) and (old.message, old.phase) != (state.message, state.phase):
            self.reshape()
        self.texts.pop(("state", ""), None)
        self.texts.pop(("kind", self.node.type), None)  # which has the room that the state leaves
        self.redraw()

    def set_problems(self, problems: Sequence[Problem]) -> None:
        if list(problems) != list(self.problems):
            self.problems = tuple(problems)
            self.redraw()

    def set_glow(self, glow: Mapping[PortRef, str]) -> None:
        self.glow = glow
        self.redraw()

    def set_selected(self, selected: bool) -> None:
        if selected != self.selected:
            self.selected = selected
            self.setZValue(2 if selected else 1)
            self.redraw()

    def set_hovered(self, what: PortRef | str | None) -> None:
        if what != self.hovered:
            self.hovered = what
            self.redraw()

    def set_preview(self, image: QImage | None) -> None:
        """Show a picture; it is kept in halves of its size, so that a small node never scales a large picture."""
        before = self.previews[0].size() if self.previews else None
        self.previews = halves(image) if image is not None and not image.isNull() else ()
        after = self.previews[0].size() if self.previews else None
        if before != after:
            self.reshape()
        self.redraw()

    def preview_for(self, pixels: float) -> QPixmap:
        """The smallest picture that has as many pixels as are seen."""
        fitting = (pixmap for pixmap in reversed(self.previews) if pixmap.width() >= pixels)
        return next(fitting, self.previews[0])

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        try:
            zoom = painter.worldTransform().m11()
            if zoom < FAR:
                self._draw_far(painter)
            elif zoom < NEAR:
                faces.draw_small(painter, self, zoom)
            else:
                faces.draw(painter, self, zoom, QRectF(option.exposedRect))
        except Exception:
            painter.setOpacity(1.0)
            painter.fillRect(self.shape_.rect, self.paints.colour(self.paints.theme.error))
            if not self._failed_to_draw:
                self._failed_to_draw = True
                log.exception("%s (%s) cannot be drawn", self.id, self.node.type)

    def _draw_far(self, painter: QPainter) -> None:
        painter.fillRect(self.shape_.rect, self.paints.colour(self.far_colour))

    @property
    def far_colour(self) -> str:
        """One colour for all of it, where that is all that can be seen."""
        theme = self.paints.theme
        if self.selected:
            return theme.accent
        if self.worst == "error":
            return theme.error
        if self.state.phase == "running":
            return theme.good
        category = self.kind.category if self.kind is not None else ""
        share = 0.75 if self.node.mode else 0.4
        return mix(self.paints.category(category, self.own_colour)[0], theme.node, share)


def halves(image: QImage) -> tuple[QPixmap, ...]:
    """The picture, at most so large as a node shows it, and each time half of it."""
    if max(image.width(), image.height()) > LARGEST_PREVIEW:
        image = image.scaled(
            LARGEST_PREVIEW,
            LARGEST_PREVIEW,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    found = [QPixmap.fromImage(image)]
    while max(image.width(), image.height()) > 64 and min(image.width(), image.height()) >= 2:
        image = image.scaled(
            image.width() // 2,
            image.height() // 2,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        found.append(QPixmap.fromImage(image))
    return tuple(found)
