"""The menus, the toolbar and their shortcuts: a table of what a window can do, and the menus that hold it.

What is done on the canvas stands in `commands`, whose keys work while the canvas has the keyboard; what stands here
works wherever the keyboard is. The page of shortcuts is read from both tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from .commands import COMMANDS
from .shortcuts_page import MOUSE, TYPING, Row

__all__ = ["DEEDS", "MENUS", "TOOLBAR", "Deed", "make_actions", "put_in_menus", "shortcut_rows"]


@dataclass(frozen=True)
class Deed:
    """Something that a window does.

    Attributes:
        shortcuts: as Qt writes them, the one that menus show first.
        icon: its name in `icons`, for the toolbar.
        tip: what the status bar says of it; the text, when left out.
    """

    id: str
    text: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False


DEEDS: Sequence[Deed] = (
    Deed("new", "New", ("Ctrl+N",), "new", "An empty graph"),
    Deed("open", "Open…", ("Ctrl+O",), "open", "Open a graph, or a picture that carries one"),
    Deed("welcome", "Examples", (), tip="The first page, with the examples and recent files"),
    Deed("save", "Save", ("Ctrl+S",), "save"),
    Deed("save_as", "Save as…", ("Ctrl+Shift+S",)),
    Deed("revert", "Go back to the file", (), tip="Drop all edits since the file was saved"),
    Deed("export_svg", "Export as SVG…", (), tip="A drawing of the graph, which scales"),
    Deed("export_png", "Export as PNG…", (), tip="A picture of the graph"),
    Deed("preferences", "Preferences…", ("Ctrl+,",)),
    Deed("close", "Close window", ("Ctrl+W",)),
    Deed("quit", "Quit", ("Ctrl+Q",)),
    Deed("undo", "Undo", ("Ctrl+Z",), "undo"),
    Deed("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    Deed("theme", "Light theme", (), checkable=True),
    Deed("snap", "Snap to the grid", ("Ctrl+Shift+G",), checkable=True),
    Deed("run", "Run", ("Ctrl+Return", "Ctrl+Enter"), "run", "Run everything; after what runs already"),
    Deed(
        "run_here", "Run to the selection", ("Ctrl+Shift+Return", "Ctrl+Shift+Enter"), "run_here",
        "Run the selected nodes, and what they need",
    ),
    Deed("node_help", "Help on this node", ("Shift+F1",), tip="What the selected node does, in the inspector"),
    Deed("pause", "Pause", ("Ctrl+Shift+P",), "pause", "Halt at the next step", checkable=True),
    Deed("cancel", "Cancel the run", ("Ctrl+.",), "stop", "End the run at its next step; those that wait stay"),
    Deed("clear_queue", "Take back all that wait", ()),
    Deed("restart", "Start the worker again", (), tip="Forgets what it holds; what was written stays"),
    Deed("free", "Free memory", (), tip="The worker lets go of values and networks"),
    Deed("open_output", "Open the output folder", ("Ctrl+Shift+O",)),
    Deed("shortcuts", "Shortcuts", ("F1",)),
    Deed("course", "Course to the nodes", (), tip="What each node computes, in a formula and a picture"),
    Deed("about", "About Nodegraph", ()),
)  # fmt: skip

RECENT, QUEUE, DOCKS = "(recent)", "(queue)", "(docks)"  # places of menus that are filled when they are opened

MENUS: Mapping[str, Sequence[str]] = {
    "File": (
        "new", "open", RECENT, "welcome", "", "save", "save_as", "revert", "", "export_svg", "export_png", "",
        "preferences", "", "close", "quit",
    ),
    "Edit": (
        "undo", "redo", "", "cut", "copy", "paste", "duplicate", "duplicate_linked", "", "delete", "delete_apart", "",
        "select_all", "select_none", "select_invert", "select_linked", "", "find",
    ),
    "View": ("fit_selected", "fit_all", "zoom_100", "zoom_in", "zoom_out", "", "snap", "theme", "", DOCKS),
    "Graph": (
        "add", "note", "frame", "", "link", "unlink", "", "rename", "colour", "collapse", "mute", "bypass",
        "open_value", "", "arrange", "",
        "align_left", "align_centre", "align_right", "align_top", "align_middle", "align_bottom", "",
        "distribute_x", "distribute_y",
    ),
    "Run": ("run", "run_here", "", "pause", "cancel", QUEUE, "clear_queue", "", "open_output", "restart", "free"),
    "Help": ("shortcuts", "node_help", "course", "", "about"),
}  # fmt: skip

TOOLBAR = (
    "new",
    "open",
    "save",
    "",
    "undo",
    "redo",
    "",
    "run",
    "run_here",
    "pause",
    "cancel",
    "",
    "arrange",
    "fit_all",
)
ICONS_OF_COMMANDS = {"arrange": "arrange", "fit_all": "fit", "find": "find", "add": "add"}


def make_actions(parent: QObject, doing: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """An action for each deed; `doing` says what each does."""
    found = {}
    for deed in DEEDS:
        action = QAction(deed.text, parent)
        action.setObjectName(deed.id)
        action.setShortcuts([QKeySequence(shortcut) for shortcut in deed.shortcuts])
        action.setStatusTip(deed.tip or deed.text)
        action.setCheckable(deed.checkable)
        action.triggered.connect(lambda _=False, do=doing[deed.id]: do())
        found[deed.id] = action
    return found


def put_in_menus(
    window: QMainWindow, actions: Mapping[str, QAction], places: Mapping[str, Callable[[QMenu], object]]
) -> dict[str, QMenu]:
    """Fill the menu bar; `places` put submenus where the table names one."""
    menus = {}
    for title, ids in MENUS.items():
        menu = menus[title] = window.menuBar().addMenu(f"&{title}")
        menu.setToolTipsVisible(True)
        for id in ids:
            if id in places:
                places[id](menu)
            elif id:
                menu.addAction(actions[id])
            else:
                menu.addSeparator()
    return menus


def set_icons(actions: Mapping[str, QAction], draw: Callable[[str], QIcon]) -> None:
    """Draw the icons anew, in the colours of another theme."""
    names = {deed.id: deed.icon for deed in DEEDS if deed.icon} | ICONS_OF_COMMANDS
    for id in TOOLBAR:
        if id:
            actions[id].setIcon(draw(names[id]))


def shortcut_rows(actions: Mapping[str, QAction]) -> dict[str, list[Row]]:
    """Everything that can be pressed, by menu, and what the mouse does."""
    rows: dict[str, list[Row]] = {}
    listed = set()
    for title, ids in MENUS.items():
        for id in ids:
            if id in actions:
                listed.add(id)
                add_row(rows, title, actions[id])
    for command in COMMANDS:
        if command.id not in listed:
            add_row(rows, command.category, actions[command.id])
    rows["Mouse"] = list(MOUSE)
    rows["Typing"] = list(TYPING)
    return rows


def add_row(rows: dict[str, list[Row]], title: str, action: QAction) -> None:
    keys = ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())
    if keys:
        rows.setdefault(title, []).append((action.iconText() if not action.text() else plain(action), keys))


def plain(action: QAction) -> str:
    """The text of the table: what undo and redo would do now is not part of it."""
    deed = next((deed.text for deed in DEEDS if deed.id == action.objectName()), action.text())
    return deed.rstrip("…").replace("&", "")
