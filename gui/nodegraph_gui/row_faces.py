"""How the rows of a node look: values with their names, ports with their labels."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPolygonF

from .letters import LINE, Text, broken, laid, lay
from .recordings import Recording
from .shapes import EDGE, ROW, FieldPlace, PortPlace
from .values import fraction, value_text

if TYPE_CHECKING:
    from .node_items import NodeItem

__all__ = ["MUTED", "draw_field", "draw_port", "text_of"]

PORT = 5.0
SMALL_PORT = 4.0
SWITCH = QRectF(0, 0, 24, 12)
MUTED = 0.55  # how much is left of a node that is muted or bypassed


def text_of(item: "NodeItem", part: str, text: str, room: float, *, bold: bool = False, small: bool = False) -> Text:
    """The letters of a part of a node, laid out when they are first drawn."""
    key = (part, text)
    found = item.texts.get(key)
    if found is None:
        paints = item.paints
        font, metrics = (
            (paints.title_font, paints.title_metrics)
            if bold
            else (paints.small_font, paints.small_metrics)
            if small
            else (paints.text_font, paints.text_metrics)
        )
        found = item.texts[key] = lay(text, font, metrics, max(8.0, room))
    return found


def draw_field(painter: Recording, item: "NodeItem", field: FieldPlace) -> None:
    """The name of an input at the left and its value at the right, over a bar where there is a range."""
    paints, theme, rect = item.paints, item.paints.theme, field.rect
    given = field.name in item.node.inputs
    value = item.node.inputs[field.name] if given else field.port.default if field.port else None
    marked = item.marked(field.name) if item.worst else ""
    if field.port is None and item.kind is not None:
        marked = "error"
    line = {"error": theme.error, "warning": theme.warning, "": theme.field_line}[marked]
    hovered = item.hovered == field.name
    painter.setPen(paints.pen(theme.quiet if hovered and not marked else line, 1.5 if marked else 0.0))
    painter.setBrush(paints.brush(theme.field))
    painter.drawRoundedRect(rect, 4, 4)
    share = fraction(value, field.port)
    if share:
        bar = QRectF(rect.x() + 1, rect.y() + 1, (rect.width() - 2) * share, rect.height() - 2)
        painter.fillRect(bar, paints.colour(theme.fill))
    painter.setFont(paints.text_font)
    left, right, top = rect.left() + 8, rect.right() - 8, rect.top() + (ROW - 4 - paints.text_height) / 2
    name = text_of(item, "name", field.name, rect.width() * 0.6)
    painter.setPen(paints.pen(theme.quiet))
    if rect.height() > ROW:
        draw_tall(painter, item, field, value_text(value, field.port) if value else "", given)
        return
    painter.drawStaticText(QPointF(left, top), name.letters)
    if isinstance(value, bool):
        draw_switch(painter, item, QPointF(right, rect.center().y()), value)
        return
    if field.port is not None and field.port.choices is not None:
        y = rect.center().y()
        painter.setPen(paints.pen(theme.quiet, 1.5))
        tip = [QPointF(right - 7, y - 1.5), QPointF(right - 3.5, y + 2), QPointF(right, y - 1.5)]
        painter.drawPolyline(QPolygonF(tip))
        right -= 13
    text = text_of(item, f"value {field.name}", value_text(value, field.port), right - left - name.width - 12)
    painter.setPen(paints.pen(theme.text if given else theme.quiet))
    painter.drawStaticText(QPointF(right - text.width, top), text.letters)


def draw_tall(painter: Recording, item: "NodeItem", field: FieldPlace, value: str, given: bool) -> None:
    """A text of several lines, or what it is called while it is empty."""
    paints, theme, rect = item.paints, item.paints.theme, field.rect
    shown = value.strip()
    key = ("value", field.name)
    text = item.texts.get(key)
    if text is None:
        lines = int((rect.height() - 6) / paints.text_metrics.lineSpacing())
        some = broken(shown or field.name, paints.text_font, paints.text_metrics, rect.width() - 16, lines)
        text = item.texts[key] = laid(LINE.join(some), paints.text_font)
    painter.setPen(paints.pen(theme.text if given and shown else theme.quiet))
    painter.drawStaticText(QPointF(rect.left() + 8, rect.top() + 4), text.letters)


def draw_switch(painter: Recording, item: "NodeItem", right: QPointF, on: bool) -> None:
    paints, theme = item.paints, item.paints.theme
    rect = SWITCH.translated(right.x() - SWITCH.width(), right.y() - SWITCH.height() / 2)
    painter.setPen(paints.pen(theme.accent if on else theme.quiet, 1.0))
    painter.setBrush(paints.brush(theme.accent) if on else paints.no_brush)
    painter.drawRoundedRect(rect, 6, 6)
    painter.setPen(paints.no_pen)
    painter.setBrush(paints.brush(theme.on_accent if on else theme.quiet))
    painter.drawEllipse(QPointF(rect.right() - 6 if on else rect.left() + 6, rect.center().y()), 3.5, 3.5)


def draw_port(painter: Recording, item: "NodeItem", place: PortPlace) -> None:
    """A disc for one value, a square for a list, hollow where it may stay unlinked; and its label.

    Without a pen, since an outline costs Qt more than two discs.
    """
    paints, shape = item.paints, item.shape_
    ref, port = place.ref, place.port
    reason = item.glow.get(ref) if item.glow else None
    colour = paints.port_colour(port)
    if reason:
        painter.setOpacity(0.3)
    at = QPointF(place.x, place.y)
    is_field = place.is_field
    radius = SMALL_PORT if is_field or shape.collapsed else PORT
    painter.setPen(paints.no_pen)
    if reason == "" or item.hovered == ref:
        painter.setBrush(paints.halo(colour))
        painter.drawEllipse(at, radius + 5, radius + 5)
    hollow = not place.linked and ref.is_input and (place.free or port is None or not port.required)
    square = port is not None and port.is_list and ref.index is None
    painter.setBrush(paints.brush(colour))
    draw_dot(painter, at, radius, square)
    if hollow:
        painter.setBrush(paints.brush(paints.theme.node))
        draw_dot(painter, at, radius - 1.75, square)
    if not is_field and not shape.collapsed:
        draw_label(painter, item, place)
    if reason:
        painter.setOpacity(MUTED if item.node.mode else 1.0)


def draw_dot(painter: Recording, at: QPointF, radius: float, square: bool) -> None:
    if square:
        painter.drawRoundedRect(QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius), 1.5, 1.5)
    else:
        painter.drawEllipse(at, radius, radius)


def draw_label(painter: Recording, item: "NodeItem", place: PortPlace) -> None:
    paints, theme = item.paints, item.paints.theme
    marked = item.marked(place.ref.name) if place.ref.is_input and item.worst else ""
    faulty = marked == "error" or (place.port is None and item.kind is not None)
    fresh = theme.quiet if place.free else theme.text
    painter.setFont(paints.text_font)
    painter.setPen(paints.pen(theme.error if faulty else theme.warning if marked else fresh))
    text = text_of(item, "port", place.label, place.room - 4)
    x = EDGE + 2 if place.ref.is_input else place.x - EDGE - 2 - text.width
    painter.drawStaticText(QPointF(x, place.y - paints.text_height / 2), text.letters)
