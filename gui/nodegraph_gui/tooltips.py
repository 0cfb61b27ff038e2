"""What is said of the thing under the cursor: a port's type and help, what is wrong, what a wire converts."""

from dataclasses import replace
from html import escape

from PySide6.QtCore import QPointF

from .catalogues import Port
from .node_items import NodeItem
from .scene import Scene
from .shapes import PortRef
from .values import value_text

__all__ = ["tooltip_at"]


def tooltip_at(scene: Scene, pos: QPointF, radius: float) -> str:
    """The tooltip at a point as HTML; "" where there is nothing to say."""
    port = scene.port_at(pos, radius)
    if port is not None:
        return port_tooltip(scene, port)
    field = scene.field_at(pos)
    if field is not None:
        return port_tooltip(scene, PortRef(field[0], field[1], True))
    node = scene.node_at(pos)
    if node is not None:
        return node_tooltip(scene.nodes[node])
    link = scene.link_at(pos, radius)
    if link is None:
        return ""
    wire = scene.wires[link]
    lines = [f"<b>{escape(str(link))}</b>"]
    if wire.conversion:
        lines.append(f"converted: {escape(wire.conversion)}")
    if wire.fault:
        lines.append(f"does not fit: {escape(wire.fault)}")
    return paragraphs(lines)


def port_tooltip(scene: Scene, ref: PortRef) -> str:
    item = scene.nodes[ref.node]
    port = scene.port(ref)
    if port is None:
        missing = item.kind is None
        why = f"{item.node.type} is not installed" if missing else f"{item.node.type} has no such port"
        return paragraphs([f"<b>{escape(ref.name)}</b>", escape(why)])
    lines = [f"<b>{escape(ref.name)}</b>: {escape(type_text(scene, port))}"]
    if port.help:
        lines.append(escape(port.help))
    if ref.is_input:
        lines += [escape(line) for line in range_lines(port)]
    reason = scene.why_greyed(ref)
    if reason:
        lines.append(f"Unable to connect: {escape(reason)}")
    lines += [escape(line) for line in problem_lines(item, ref.name)] if ref.is_input else []
    return paragraphs(lines)


def type_text(scene: Scene, port: Port) -> str:
    name = "text, one of some" if port.choices is not None else scene.catalogue.type_name(port.type)
    return f"list of {name}" if port.is_list else name


def range_lines(port: Port) -> list[str]:
    found = []
    unit = f" {port.schema['unit']}" if port.schema.get("unit") else ""
    if port.minimum is not None and port.maximum is not None and port.maximum < 1e15:
        found.append(f"from {value_text(port.minimum)} to {value_text(port.maximum)}{unit}")
    elif port.minimum is not None:
        found.append(f"at least {value_text(port.minimum)}{unit}")
    if port.choices is not None:
        found.append("one of " + ", ".join(choice or '""' for choice in port.choices))
    if port.is_data and not port.required and port.default is not None:
        found.append(f"by default {value_text(port.default, port)}")
    return found


def node_tooltip(item: NodeItem) -> str:
    lines = [f"<b>{escape(item.title)}</b> ({escape(item.node.type)})"]
    if item.kind is not None:
        lines.append(escape(item.kind.summary))
    told = item.kind is None and any(problem.input is None for problem in item.problems)  # the same, and better
    if item.message and not told:
        lines.append(escape(item.message))
    if item.state.remedy:
        lines.append(escape(item.state.remedy))
    if item.state.summary:
        lines.append(escape(item.state.summary))
    lines += [escape(str(replace(problem, node=None))) for problem in item.problems]
    return paragraphs(lines)


def problem_lines(item: NodeItem, name: str) -> list[str]:
    found = [str(replace(problem, node=None, input=None)) for problem in item.problems if problem.input == name]
    if item.state.phase == "failed" and item.state.input == name:
        found.append(item.state.message)
    return found


def paragraphs(lines: list[str]) -> str:
    return "<qt>" + "<br>".join(lines) + "</qt>"
