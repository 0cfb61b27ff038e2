"""Menus of the right mouse button: one for each thing that can lie under it.

Each is built by a function that tests call; whoever shows one uses `popup`, never `exec`, which would stop everything.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QMenu

from nodegraph import Link

from .canvas import HIT
from .canvases import Rect, canvas_of
from .commands import add_note_at, paste_at
from .edits import disconnect, edit_note, fit_frame, in_frame, remove_frame, remove_note, reset_input
from .keys import as_rect, key_at, placed
from .note_items import fitted
from .shapes import PortRef

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["SWATCHES", "canvas_menu", "frame_menu", "link_menu", "menu_at", "node_menu", "note_menu", "port_menu"]

SWATCHES = (
    ("Blue", "#4fa3e0"),
    ("Red", "#e0605a"),
    ("Green", "#5fbf6a"),
    ("Orange", "#f2a33a"),
    ("Violet", "#b07fe0"),
    ("Teal", "#3fc6a8"),
    ("Pink", "#e07fb0"),
    ("Grey", "#8f98a8"),
)


def menu_at(desk: "Desk", at: QPointF) -> QMenu:
    """The menu of what lies at a point; what is not selected is selected first, so that it is what the menu acts on."""
    scene, view = desk.scene, desk.view
    port = scene.port_at(at, view.pixels(HIT))
    if port is not None:
        return port_menu(desk, port, at)
    key = key_at(scene, at)
    if key is None:
        link = scene.link_at(at, view.pixels(HIT))
        return canvas_menu(desk, at) if link is None else link_menu(desk, link, at)
    if key not in scene.selected_keys:
        scene.select([key], "replace")
    if isinstance(key, str):
        field = scene.field_at(at)
        return node_menu(desk, None if field is None else field[1])
    return frame_menu(desk, key[1]) if key[0] == "frame" else note_menu(desk, key[1])


def new_menu(desk: "Desk") -> QMenu:
    menu = QMenu(desk.view)
    menu.setToolTipsVisible(True)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def offer(menu: QMenu, text: str, do: Callable[[], object], enabled: bool = True) -> None:
    action = menu.addAction(text)
    action.triggered.connect(lambda: do())
    action.setEnabled(enabled)


def put(menu: QMenu, desk: "Desk", *ids: str) -> None:
    """Commands in a menu, by their ids; "" is a line between them."""
    for id in ids:
        if id:
            menu.addAction(desk.actions[id])
        else:
            menu.addSeparator()


def canvas_menu(desk: "Desk", at: QPointF) -> QMenu:
    menu = new_menu(desk)
    offer(menu, "Add node…", lambda: desk.offers.all_kinds(at))
    offer(menu, "Add note", lambda: add_note_at(desk, at))
    offer(menu, "Paste here", lambda: paste_at(desk, clipboard_text(), at))
    put(menu, desk, "", "select_all", "find", "", "arrange", "", "fit_all", "zoom_100")
    return menu


def clipboard_text() -> str:
    from PySide6.QtGui import QGuiApplication

    return QGuiApplication.clipboard().text()


def node_menu(desk: "Desk", field: str | None = None) -> QMenu:
    """Of the selected nodes; `field` is the value that lies under the cursor."""
    menu = new_menu(desk)
    nodes = [node for node in desk.scene.nodes if node in desk.scene.selection]
    if field is not None and len(nodes) == 1:
        node, graph = nodes[0], desk.document.graph
        offer(menu, f"Edit {field}", lambda: desk.view.open_editor(node, field))
        offer(menu, f"Reset {field}", lambda: reset(desk, node, field), field in graph.nodes[node].inputs)
        menu.addSeparator()
    menu.addActions(desk.node_actions)
    put(menu, desk, "", "link", "unlink", "", "rename")
    menu.addMenu(colour_menu(desk, menu))
    put(menu, desk, "collapse", "mute", "bypass", "", "cut", "copy", "duplicate", "duplicate_linked", "")
    put(menu, desk, "frame", "arrange")
    order = menu.addMenu("Align and distribute")
    put(order, desk, "align_left", "align_centre", "align_right", "", "align_top", "align_middle", "align_bottom")
    put(order, desk, "", "distribute_x", "distribute_y")
    put(menu, desk, "select_linked", "", "delete", "delete_apart")
    return menu


def reset(desk: "Desk", node: str, name: str) -> None:
    desk.document.edit(f"Reset {node}.{name}", reset_input(desk.document.graph, node, name))


def colour_menu(desk: "Desk", parent: QMenu, otherwise: str = "As the category") -> QMenu:
    menu = QMenu("Colour", parent)
    for name, colour in SWATCHES:
        offer(menu, name, lambda colour=colour: desk.colour(colour))  # type: ignore[misc]
        menu.actions()[-1].setIcon(swatch(colour))
    menu.addSeparator()
    offer(menu, otherwise, lambda: desk.colour(None))
    put(menu, desk, "colour")
    return menu


def swatch(colour: str) -> QIcon:
    square = QPixmap(16, 16)
    square.fill(QColor(colour))
    return QIcon(square)


def link_menu(desk: "Desk", link: Link, at: QPointF) -> QMenu:
    menu = new_menu(desk)
    offer(menu, "Insert node…", lambda: desk.offers.between(link, at))
    offer(menu, "Select both ends", lambda: desk.scene.select([link.source, link.target], "replace"))
    menu.addSeparator()
    offer(menu, "Remove link", lambda: unlink(desk, link))
    return menu


def unlink(desk: "Desk", *links: Link) -> None:
    label = f"Unlink {links[0]}" if len(links) == 1 else f"Unlink {len(links)} links"
    desk.document.edit(label, disconnect(desk.document.graph, *links))


def port_menu(desk: "Desk", port: PortRef, at: QPointF) -> QMenu:
    menu = new_menu(desk)
    graph = desk.document.graph
    links = [link for link in (graph.in_links if port.is_input else graph.out_links)[port.node] if ends_at(link, port)]
    offer(menu, "Add a node that fits…", lambda: desk.offers.fitting(port, at), desk.scene.port(port) is not None)
    menu.addSeparator()
    for link in links:
        offer(menu, f"Remove {link}", lambda link=link: unlink(desk, link))  # type: ignore[misc]
    if len(links) > 1:
        offer(menu, f"Remove all {len(links)} links", lambda: unlink(desk, *links))
    if port.is_input:
        given = port.name in graph.nodes[port.node].inputs
        offer(menu, f"Reset {port.name}", lambda: reset(desk, port.node, port.name), given)
    return menu


def ends_at(link: Link, port: PortRef) -> bool:
    return (link.input, link.index) == (port.name, port.index) if port.is_input else link.output == port.name


def frame_menu(desk: "Desk", number: int) -> QMenu:
    menu = new_menu(desk)
    put(menu, desk, "rename")
    menu.addMenu(colour_menu(desk, menu))
    offer(menu, "Select what is in it", lambda: desk.scene.select(inside(desk, number), "replace"))
    offer(menu, "Fit to its nodes", lambda: fit(desk, number), bool(inside(desk, number)))
    menu.addSeparator()
    offer(menu, "Remove frame, keep nodes", lambda: unframe(desk, number))
    return menu


def inside(desk: "Desk", number: int) -> tuple[str, ...]:
    return in_frame(placed(desk.scene, desk.document.graph), number)


def fit(desk: "Desk", number: int) -> None:
    graph = fit_frame(placed(desk.scene, desk.document.graph), number, desk.scene.sizes())
    desk.document.edit("Fit a frame to its nodes", graph)


def unframe(desk: "Desk", number: int) -> None:
    desk.document.edit("Remove a frame", remove_frame(desk.document.graph, number))


def note_can_fit(desk: "Desk", number: int) -> bool:
    note = canvas_of(desk.document.graph).notes.get(number)
    return note is not None and note.rect is not None and (note.sized or fitted_note(desk, number) != note.rect)


def fitted_note(desk: "Desk", number: int) -> Rect:
    note = canvas_of(desk.document.graph).notes[number]
    return fitted(note.text, note.rect or as_rect(desk.scene.rect_of(("note", number))), desk.scene.paints)


def fit_note(desk: "Desk", number: int) -> None:
    """Let a note be as high as its text again, and grow with it."""
    graph = edit_note(desk.document.graph, number, rect=fitted_note(desk, number), sized=False)
    desk.document.edit("Fit a note to its text", graph)


def note_menu(desk: "Desk", number: int) -> QMenu:
    menu = new_menu(desk)
    offer(menu, "Edit text", lambda: desk.edit_note(number))
    menu.addMenu(colour_menu(desk, menu, "As the theme"))
    offer(menu, "As high as its text", lambda: fit_note(desk, number), note_can_fit(desk, number))
    put(menu, desk, "", "cut", "copy", "duplicate")
    menu.addSeparator()
    offer(menu, "Remove note", lambda: desk.document.edit("Remove a note", remove_note(desk.document.graph, number)))
    return menu
