"""How a node looks when it is near: title, ports, values, state, picture.

Letters are laid out once and kept with the node until it changes, since laying them out is most of what drawing costs.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from .colours import mix
from .letters import LINE, broken, laid, lay
from .recordings import Recording
from .row_faces import MUTED, draw_field, draw_port, text_of
from .shapes import EDGE, HEADER, ROW
from .values import duration

if TYPE_CHECKING:
    from .node_items import NodeItem

__all__ = ["draw", "draw_small", "message_height", "status_text", "title_path"]

ROUND = 8.0
STRIP = 4.0
BADGE = 8.0
LINES = 3  # of a message
NAME_SIZES = (22, 26, 31, 37)  # pixels of the scene, that a name has where nothing else can be read
NAME_PIXELS = 10.0  # of the screen, that it should have


def message_height(item: "NodeItem") -> float:
    """How high the message below the rows is; 0 when there is none."""
    if not item.message:
        return 0.0
    return len(message_lines(item)) * item.paints.small_metrics.lineSpacing() + 10


def message_lines(item: "NodeItem") -> list[str]:
    paints = item.paints
    return broken(item.message, paints.small_font, paints.small_metrics, item.looks[1] - 2 * EDGE - 12, LINES)


def status_text(item: "NodeItem") -> str:
    """What the title says at its right: the mode, or how the node stands in the run."""
    state = item.state
    if item.node.mode == "mute":
        return "muted"
    if item.node.mode == "bypass":
        return "bypassed"
    phase = state.phase
    if phase in ("running", "paused"):
        parts: list[str] = [f"{state.step}/{state.total}"] if state.total else [phase]
        if phase == "paused" and state.total:
            parts.append("paused")
        elif state.seconds_left is not None:
            parts.append(f"{duration(state.seconds_left)} left")
        return " · ".join(parts)
    if phase == "done":
        return "done" if state.seconds is None else duration(state.seconds)
    return "" if phase == "idle" else phase


def draw_small(painter: QPainter, item: "NodeItem", zoom: float) -> None:
    """Body, and the name in letters that can be read at this zoom; while a wire is drawn, what it may lead to."""
    paints, theme = item.paints, item.paints.theme
    rect = item.shape_.rect
    strip, ground = paints.category(item.kind.category if item.kind else "", item.own_colour)
    unfit = bool(item.glow) and all(item.glow.values())
    painter.setOpacity(0.35 if unfit else MUTED if item.node.mode else 1.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(paints.pen(theme.line, 0.0))
    painter.setBrush(paints.brush(theme.node))
    painter.drawRect(rect)
    painter.fillRect(QRectF(0, 0, rect.width(), HEADER), paints.colour(ground))
    painter.fillRect(QRectF(0, 0, STRIP * 2, HEADER), paints.colour(strip))
    draw_name(painter, item, zoom)
    painter.setOpacity(1.0)
    if item.shape_.picture.width():
        draw_picture(painter, item, zoom)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for place in item.shape_.ports if item.glow else ():
        if item.glow.get(place.ref) == "":
            painter.setPen(paints.no_pen)
            painter.setBrush(paints.brush(paints.port_colour(place.port)))
            painter.drawEllipse(QPointF(place.x, place.y), 4 / zoom, 4 / zoom)
    edge = edge_colour(item)
    if edge != theme.line:
        painter.setBrush(paints.no_brush)
        painter.setPen(paints.pen(edge, 5.0))
        painter.drawRect(rect)


def draw_name(painter: QPainter, item: "NodeItem", zoom: float) -> None:
    """The name in the middle of the title, as large on the screen at any zoom as there is room for."""
    paints = item.paints
    _, ground = paints.category(item.kind.category if item.kind else "", item.own_colour)
    size = next((size for size in NAME_SIZES if size * zoom >= NAME_PIXELS), NAME_SIZES[-1])
    font, metrics = paints.name_font(size)
    key = (f"name {size}", item.title)
    text = item.texts.get(key)
    if text is None:
        text = item.texts[key] = lay(item.title, font, metrics, item.shape_.width - 4 * STRIP)
    painter.setFont(font)
    painter.setPen(paints.on(ground, paints.theme.text))
    painter.drawStaticText(QPointF(3 * STRIP, (HEADER - metrics.height()) / 2), text.letters)


def draw(painter: QPainter, item: "NodeItem", zoom: float, exposed: QRectF) -> None:
    """All of a node that is in `exposed`: of a step of a pan only a strip has to be drawn."""
    if item.recording is None:
        item.recording = record(item)
    muted = item.node.mode is not None
    if muted:
        draw_ground(painter, item)
        painter.setOpacity(MUTED)
    item.recording.play(painter, exposed.top(), exposed.bottom())
    if item.shape_.picture.width():
        draw_picture(painter, item, zoom)
    if muted:
        painter.setOpacity(1.0)
    if item.worst:
        draw_badge(painter, item)


def record(item: "NodeItem") -> Recording:
    """Note what is drawn of a node until something of it changes; pictures are drawn each time."""
    on, shape = Recording(), item.shape_
    on.part(-2, shape.height + 2)
    draw_body(on, item)
    on.part(-2, HEADER + 2)
    draw_title(on, item)
    ports = {place.ref.name: place for place in shape.ports if place.is_field}
    for place in shape.ports:
        if not place.is_field:
            on.part(place.y - ROW, place.y + ROW)
            draw_port(on, item, place)
    for field in shape.fields:
        on.part(field.rect.top() - ROW / 2, field.rect.bottom() + ROW / 2)
        draw_field(on, item, field)
        draw_port(on, item, ports[field.name])
    if shape.message.width():
        on.part(shape.message.top(), shape.message.bottom())
        draw_message(on, item)
    return on


def draw_ground(painter: QPainter, item: "NodeItem") -> None:
    """What hides the wires below a node that is drawn pale."""
    painter.setPen(item.paints.no_pen)
    painter.setBrush(item.paints.brush(item.paints.theme.node))
    painter.drawRoundedRect(item.shape_.rect, ROUND, ROUND)


def edge_colour(item: "NodeItem") -> str:
    theme = item.paints.theme
    if item.selected:
        return theme.accent
    if item.worst:
        return theme.error if item.worst == "error" else theme.warning
    if item.state.phase in ("running", "paused"):
        return theme.good
    return theme.bypass if item.node.mode == "bypass" else theme.line


def draw_body(painter: Recording, item: "NodeItem") -> None:
    paints, theme = item.paints, item.paints.theme
    rect = item.shape_.rect
    edge = edge_colour(item)
    dashed = item.kind is None
    painter.setPen(paints.pen(edge, 0.0 if edge == theme.line and not dashed else 2.0, dashed))
    painter.setBrush(paints.brush(theme.node))
    painter.drawRoundedRect(rect, ROUND, ROUND)


def title_path(width: float, collapsed: bool) -> QPainterPath:
    """The ground of a title within the edge of a body: round above, and below too where there is nothing else."""
    path = QPainterPath()
    inner = QRectF(0.75, 0.75, width - 1.5, HEADER - 1.5)
    if collapsed:
        path.addRoundedRect(inner, ROUND - 0.75, ROUND - 0.75)
        return path
    r = ROUND - 0.75
    left, top, right, bottom = inner.left(), inner.top(), inner.right(), HEADER
    path.moveTo(left, bottom)
    path.lineTo(left, top + r)
    path.quadTo(left, top, left + r, top)
    path.lineTo(right - r, top)
    path.quadTo(right, top, right, top + r)
    path.lineTo(right, bottom)
    path.closeSubpath()
    return path


def draw_title(painter: Recording, item: "NodeItem") -> None:
    paints, theme, shape = item.paints, item.paints.theme, item.shape_
    strip, ground = paints.category(item.kind.category if item.kind else "", item.own_colour)
    painter.setPen(paints.no_pen)
    painter.setBrush(paints.brush(ground))
    path = paints.title_path(shape.width, shape.collapsed)
    painter.drawPath(path)
    if item.kind is None:
        painter.setBrush(paints.hatch)
        painter.drawPath(path)
    painter.setBrush(paints.brush(strip))
    painter.drawRoundedRect(QRectF(EDGE, 9, STRIP, HEADER - 18), 2, 2)
    left = EDGE + STRIP + 8
    room = shape.width - left - EDGE
    state = item.texts.get(("state", ""))
    if state is None:
        state = lay(status_text(item), paints.small_font, paints.small_metrics, room)
        item.texts["state", ""] = state
    title = text_of(item, "title", item.title, room, bold=True)
    kind = text_of(item, "kind", item.node.type, room - (state.width + 8 if state.width else 0), small=True)
    painter.setFont(paints.title_font)
    painter.setPen(paints.on(ground, theme.text))
    painter.drawStaticText(QPointF(left, 5), title.letters)
    painter.setFont(paints.small_font)
    painter.setPen(paints.on(ground, theme.quiet))
    painter.drawStaticText(QPointF(left, 23), kind.letters)
    if state.width:
        painter.setPen(paints.on(ground, state_colour(item)))
        painter.drawStaticText(QPointF(shape.width - EDGE - state.width, 23), state.letters)
    if item.state.phase in ("running", "paused"):
        draw_progress(painter, item)


def state_colour(item: "NodeItem") -> str:
    theme = item.paints.theme
    if item.node.mode == "bypass":
        return theme.bypass
    phase = item.state.phase
    if phase in ("running", "paused", "done", "cached"):
        return theme.good
    return theme.error if phase == "failed" else theme.quiet


def draw_progress(painter: Recording, item: "NodeItem") -> None:
    """A bar below the title; without a number of steps, one that only says that something goes on."""
    paints, theme, state = item.paints, item.paints.theme, item.state
    full = item.shape_.width - 2 * 1.5
    painter.setPen(paints.no_pen)
    painter.fillRect(QRectF(1.5, HEADER - 4, full, 4), paints.colour(theme.field))
    done = min(1.0, state.step / state.total) if state.total else 0.0
    if done:
        painter.fillRect(QRectF(1.5, HEADER - 4, full * done, 4), paints.colour(theme.good))
    elif not state.total:
        painter.fillRect(QRectF(1.5, HEADER - 4, full, 4), paints.colour(mix(theme.field, theme.good, 0.45)))


def draw_picture(painter: QPainter, item: "NodeItem", zoom: float) -> None:
    rect = item.shape_.picture
    pixmap = item.preview_for(rect.width() * zoom)
    smooth = pixmap.width() >= rect.width() / 2  # few pixels are shown as what they are
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))


def draw_message(painter: Recording, item: "NodeItem") -> None:
    paints, theme, rect = item.paints, item.paints.theme, item.shape_.message
    failed = item.state.phase == "failed"
    colour = theme.error if failed else theme.warning if item.kind is None else theme.quiet
    painter.setPen(paints.no_pen)
    painter.setBrush(paints.brush(mix(theme.node, colour, 0.14)))
    painter.drawRoundedRect(rect, 4, 4)
    key = ("message", item.message)
    text = item.texts.get(key)
    if text is None:
        text = item.texts[key] = laid(LINE.join(message_lines(item)), paints.small_font)
    painter.setFont(paints.small_font)
    painter.setPen(paints.pen(theme.text))
    painter.drawStaticText(QPointF(rect.left() + 6, rect.top() + 5), text.letters)


def draw_badge(painter: QPainter, item: "NodeItem") -> None:
    """A disc with an exclamation mark over the right corner of the title."""
    paints, theme = item.paints, item.paints.theme
    colour = theme.error if item.worst == "error" else theme.warning
    at = QPointF(item.shape_.width - 2, 2)
    painter.setPen(paints.pen(theme.canvas, 2.0))
    painter.setBrush(paints.brush(colour))
    painter.drawEllipse(at, BADGE, BADGE)
    painter.setPen(paints.pen(theme.canvas, 2.0))
    painter.drawLine(at + QPointF(0, -4), at + QPointF(0, 0.5))
    painter.drawPoint(at + QPointF(0, 3.7))
