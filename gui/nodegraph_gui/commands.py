"""What can be done on the canvas without the mouse: a table of commands, each with its shortcuts.

A command is data: who shows menus, a list of shortcuts or a search over commands reads the table. It acts on a desk's
document and scene, and its edit carries the label that the undo menu shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence

from nodegraph.graphs import Mode

from .canvases import GRID, Rect, canvas_of
from .edits import (
    add_frame,
    add_note,
    copy_text,
    delete,
    duplicate,
    duplicate_notes,
    paste_text,
    remove_frame,
    remove_note,
    set_collapsed,
    set_mode,
)
from .framing import clear_place, note_size
from .keys import Key, as_rect, named, nodes_of, numbers_of, placed, selected, selected_nodes
from .linking import reached
from .ordering import align_selected, arrange_selected, distribute_selected, nudge

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["COMMANDS", "Command", "actions_for"]

Run = Callable[["Desk"], None]
Test = Callable[["Desk"], bool]


@dataclass(frozen=True)
class Command:
    """Something that a key or a menu does.

    Attributes:
        shortcuts: as Qt writes them, the one that menus show first.
        enabled: whether it would do anything now.
    """

    id: str
    text: str
    shortcuts: tuple[str, ...]
    category: str
    run: Run
    enabled: Test


def always(desk: "Desk") -> bool:
    return True


def has_nodes(desk: "Desk") -> bool:
    return bool(desk.document.graph.nodes)


def any_selected(desk: "Desk") -> bool:
    return bool(desk.scene.selected_keys)


def nodes_selected(desk: "Desk") -> bool:
    return bool(desk.scene.selection)


def can_duplicate(desk: "Desk") -> bool:
    return bool(desk.scene.selection or desk.scene.selected_notes)


def at_least(count: int) -> Test:
    return lambda desk: len(desk.scene.selection) >= count


# taking away, copying, pasting


def delete_selected(heal: bool, verb: str = "Delete") -> Run:
    def run(desk: "Desk") -> None:
        keys = selected(desk.scene)
        graph = delete(placed(desk.scene, desk.document.graph), desk.scene.catalogue, nodes_of(keys), heal)
        graph = remove_note(remove_frame(graph, *numbers_of(keys, "frame")), *numbers_of(keys, "note"))
        desk.document.edit(f"{verb} {named(keys)}", graph)

    return run


def copy(desk: "Desk") -> None:
    keys = selected(desk.scene)
    frames = numbers_of(keys, "frame") or None
    graph = placed(desk.scene, desk.document.graph)
    text = copy_text(graph, nodes_of(keys), frames, numbers_of(keys, "note"))
    QGuiApplication.clipboard().setText(text)
    desk.said.emit(f"Copied {named(keys)}")


def cut(desk: "Desk") -> None:
    """Copy and take away; the chain is not healed, since what is cut is to be put elsewhere."""
    copy(desk)
    delete_selected(False, "Cut")(desk)


def paste(desk: "Desk") -> None:
    paste_at(desk, QGuiApplication.clipboard().text(), desk.pointer())


def paste_at(desk: "Desk", text: str, at: QPointF) -> bool:
    """Add what a text holds to the graph, its corner at a point; whether it held a graph."""
    before = canvas_of(desk.document.graph)
    try:
        graph = placed(desk.scene, desk.document.graph)
        graph, ids = paste_text(graph, text, desk.on_grid(at), desk.scene.catalogue)
    except ValueError as error:
        desk.said.emit(str(error))
        return False
    after = canvas_of(graph)
    frames = [("frame", number) for number in after.frames if number not in before.frames]
    notes = [("note", number) for number in after.notes if number not in before.notes]
    keys: list[Key] = [*ids, *frames, *notes]
    desk.document.edit(f"Paste {named(keys)}", graph)
    desk.scene.select(keys, "replace")
    desk.said.emit(f"Pasted {named(keys)}")  # and what was said of an earlier text is gone
    return True


def duplicate_selected(with_links: bool) -> Run:
    """Copy the selected nodes, and notes unless the links are what it is about."""

    def run(desk: "Desk") -> None:
        keys = [key for key in selected(desk.scene) if isinstance(key, str) or (key[0] == "note" and not with_links)]
        graph, new = duplicate(placed(desk.scene, desk.document.graph), nodes_of(keys), with_links)
        before = set(canvas_of(graph).notes)
        graph = duplicate_notes(graph, numbers_of(keys, "note"))
        desk.document.edit(f"Duplicate {named(keys)}{' with links' if with_links else ''}", graph)
        notes = [("note", number) for number in canvas_of(graph).notes if number not in before]
        desk.scene.select([*new.values(), *notes], "replace")

    return run


# how nodes look and whether they work


def rename(desk: "Desk") -> None:
    key = selected(desk.scene)[0]
    if not isinstance(key, str) and key[0] == "note":
        desk.edit_note(key[1])
    else:
        desk.edit_title(key)


def collapse(desk: "Desk") -> None:
    """Fold all, unless all are folded already."""
    nodes, graph = selected_nodes(desk.scene), desk.document.graph
    fold = not canvas_of(graph).collapsed.issuperset(nodes)
    desk.document.edit(f"{'Collapse' if fold else 'Expand'} {named(nodes)}", set_collapsed(graph, nodes, fold))


def set_mode_of_selected(mode: Mode, doing: str, undoing: str) -> Run:
    """Give all the mode, unless all have it already."""

    def run(desk: "Desk") -> None:
        nodes, graph = selected_nodes(desk.scene), desk.document.graph
        on = any(graph.nodes[node].mode != mode for node in nodes)
        desk.document.edit(f"{doing if on else undoing} {named(nodes)}", set_mode(graph, nodes, mode if on else None))

    return run


def frame_selected(desk: "Desk") -> None:
    nodes = selected_nodes(desk.scene)
    graph = add_frame(placed(desk.scene, desk.document.graph), nodes, desk.scene.sizes())
    desk.add_and_type(f"Frame {named(nodes)}", graph, ("frame", max(canvas_of(graph).frames)))


def add_empty_note(desk: "Desk") -> None:
    """Add a note at the cursor, or as near to it as it covers no node, no other note and no title of a frame."""
    scene = desk.scene
    taken = [scene.node_rect(node) for node in scene.nodes] + [item.rect for item in scene.notes]
    taken += [item.bar for item in scene.frames]
    wanted = Rect(*desk.on_grid(desk.pointer()), *note_size(""))
    add_note_at(desk, QPointF(*clear_place(wanted, [as_rect(rect) for rect in taken])))


def add_note_at(desk: "Desk", at: QPointF) -> None:
    graph = add_note(desk.document.graph, desk.on_grid(at))
    desk.add_and_type("Add a note", graph, ("note", max(canvas_of(graph).notes)))


# selecting and looking


def select_all(desk: "Desk") -> None:
    desk.scene.select(desk.scene.keys(), "replace")


def select_none(desk: "Desk") -> None:
    desk.scene.select([], "replace")


def invert_selection(desk: "Desk") -> None:
    desk.scene.select(desk.scene.keys(), "toggle")


def select_linked(desk: "Desk") -> None:
    """All that feeds what is selected or is fed by it."""
    graph = desk.document.graph
    starts = selected_nodes(desk.scene)
    found = {
        node for start in starts for forwards in (True, False) for node in reached(graph, start, forwards=forwards)
    }
    desk.scene.select(found, "add")


def look_at_selected(desk: "Desk") -> None:
    desk.view.fit_selection()


def look_at_all(desk: "Desk") -> None:
    desk.view.fit()


def look_at_pixels(desk: "Desk") -> None:
    desk.view.zoom_at(1 / desk.view.zoom)


def zoom(factor: float) -> Run:
    return lambda desk: desk.view.zoom_at(factor)


def find(desk: "Desk") -> None:
    desk.find_bar.open()


def add_quickly(desk: "Desk") -> None:
    desk.offers.all_kinds()


def link_to(desk: "Desk") -> None:
    desk.offers.link_to(selected_nodes(desk.scene)[0])


def unlink(desk: "Desk") -> None:
    desk.offers.unlink(selected_nodes(desk.scene))


def one_node_selected(desk: "Desk") -> bool:
    return len(desk.scene.selection) == 1


def linked_selected(desk: "Desk") -> bool:
    graph = desk.document.graph
    return any(graph.in_links[node] or graph.out_links[node] for node in desk.scene.selection if node in graph.nodes)


def open_first_value(desk: "Desk") -> None:
    """Edit the first value of the selected node, or the text of the note or frame."""
    key = selected(desk.scene)[0]
    if not isinstance(key, str):
        rename(desk)
        return
    fields = desk.scene.nodes[key].places.fields
    if fields:
        desk.view.open_editor(key, fields[0].name)


def one_selected(desk: "Desk") -> bool:
    return len(desk.scene.selected_keys) == 1


COMMANDS: Sequence[Command] = (
    Command("add", "Add node…", ("Tab",), "Add", add_quickly, always),
    Command("note", "Add note", ("Ctrl+Shift+N",), "Add", add_empty_note, always),
    Command("frame", "Frame", ("Ctrl+G",), "Add", frame_selected, nodes_selected),
    Command("link", "Link to…", ("K",), "Link", link_to, one_node_selected),
    Command("unlink", "Unlink…", ("Shift+K",), "Link", unlink, linked_selected),
    Command("cut", "Cut", ("Ctrl+X",), "Edit", cut, any_selected),
    Command("copy", "Copy", ("Ctrl+C",), "Edit", copy, any_selected),
    Command("paste", "Paste", ("Ctrl+V",), "Edit", paste, always),
    Command("duplicate", "Duplicate", ("Ctrl+D",), "Edit", duplicate_selected(False), can_duplicate),
    Command(
        "duplicate_linked",
        "Duplicate with incoming links",
        ("Ctrl+Shift+D",),
        "Edit",
        duplicate_selected(True),
        nodes_selected,
    ),
    Command("delete", "Delete, close the chain", ("Del", "Backspace"), "Edit", delete_selected(True), any_selected),
    Command("delete_apart", "Delete, leave a gap", ("Ctrl+Del",), "Edit", delete_selected(False), any_selected),
    Command("rename", "Rename", ("F2",), "Node", rename, one_selected),
    Command("colour", "Colour…", ("C",), "Node", lambda desk: desk.choose_colour(), any_selected),
    Command("collapse", "Collapse", ("H",), "Node", collapse, nodes_selected),
    Command("mute", "Mute", ("M",), "Node", set_mode_of_selected("mute", "Mute", "Unmute"), nodes_selected),
    Command(
        "bypass", "Bypass", ("B",), "Node", set_mode_of_selected("bypass", "Bypass", "Do not bypass"), nodes_selected
    ),
    Command("open_value", "Edit first value", ("Return", "Enter"), "Node", open_first_value, one_selected),
    Command("arrange", "Arrange", ("L",), "Order", arrange_selected, has_nodes),
    Command("align_left", "Align left", ("Ctrl+Shift+Left",), "Order", align_selected("left"), at_least(2)),
    Command("align_right", "Align right", ("Ctrl+Shift+Right",), "Order", align_selected("right"), at_least(2)),
    Command("align_top", "Align top", ("Ctrl+Shift+Up",), "Order", align_selected("top"), at_least(2)),
    Command("align_bottom", "Align bottom", ("Ctrl+Shift+Down",), "Order", align_selected("bottom"), at_least(2)),
    Command("align_centre", "Align in a column", ("Ctrl+Shift+C",), "Order", align_selected("centre"), at_least(2)),
    Command("align_middle", "Align in a row", ("Ctrl+Shift+R",), "Order", align_selected("middle"), at_least(2)),
    Command("distribute_x", "Distribute across", ("Ctrl+Shift+H",), "Order", distribute_selected("x"), at_least(3)),
    Command("distribute_y", "Distribute down", ("Ctrl+Shift+V",), "Order", distribute_selected("y"), at_least(3)),
    Command("nudge_left", "Nudge left", ("Left",), "Order", nudge(-GRID, 0), any_selected),
    Command("nudge_right", "Nudge right", ("Right",), "Order", nudge(GRID, 0), any_selected),
    Command("nudge_up", "Nudge up", ("Up",), "Order", nudge(0, -GRID), any_selected),
    Command("nudge_down", "Nudge down", ("Down",), "Order", nudge(0, GRID), any_selected),
    Command("nudge_left_1", "Nudge left by 1", ("Shift+Left",), "Order", nudge(-1, 0), any_selected),
    Command("nudge_right_1", "Nudge right by 1", ("Shift+Right",), "Order", nudge(1, 0), any_selected),
    Command("nudge_up_1", "Nudge up by 1", ("Shift+Up",), "Order", nudge(0, -1), any_selected),
    Command("nudge_down_1", "Nudge down by 1", ("Shift+Down",), "Order", nudge(0, 1), any_selected),
    Command("select_all", "Select all", ("Ctrl+A",), "Select", select_all, always),
    Command("select_none", "Select nothing", ("Ctrl+Shift+A",), "Select", select_none, any_selected),
    Command("select_invert", "Invert selection", ("Ctrl+I",), "Select", invert_selection, always),
    Command("select_linked", "Select linked", ("Ctrl+L",), "Select", select_linked, nodes_selected),
    Command("find", "Find in graph…", ("Ctrl+F",), "Select", find, always),
    Command("fit_selected", "Show selection", ("F",), "View", look_at_selected, always),
    Command("fit_all", "Show everything", ("Home",), "View", look_at_all, always),
    Command("zoom_100", "Zoom to 100 %", ("Ctrl+0",), "View", look_at_pixels, always),
    Command("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+="), "View", zoom(1.25), always),
    Command("zoom_out", "Zoom out", ("Ctrl+-",), "View", zoom(0.8), always),
)


def actions_for(desk: "Desk", commands: Sequence[Command]) -> dict[str, QAction]:
    """An action for each command. Their keys work while the canvas has the keyboard, so that no letter that is typed
    elsewhere mutes a node; they are enabled as the selection is."""
    found = {command.id: action_for(desk, command) for command in commands}

    def refresh(*_: object) -> None:
        for command in commands:
            found[command.id].setEnabled(command.enabled(desk))

    refresh()
    desk.scene.selection_changed.connect(refresh)
    desk.scene.content_changed.connect(refresh)
    return found


def action_for(desk: "Desk", command: Command) -> QAction:
    action = QAction(command.text, desk)
    action.setObjectName(command.id)
    action.setShortcuts([QKeySequence(shortcut) for shortcut in command.shortcuts])
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.setAutoRepeat(command.id.startswith(("nudge", "zoom")))
    action.triggered.connect(lambda: command.run(desk) if command.enabled(desk) else None)
    return action
