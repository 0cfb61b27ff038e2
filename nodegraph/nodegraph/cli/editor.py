"""Opening the editor, which `nodegraph edit` and plain `nodegraph` do, or saying what it lacks.

The engine does not know the editor: it asks for a package of that name. What Qt would end the process for, a display
that is not there or a library that is missing, is found out before. Nothing is imported that the editor does not need.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from pathlib import Path

__all__ = ["is_plain", "start", "why_no_editor"]

PACKAGES = "libglib2.0-0 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1 fonts-dejavu-core"
XCB_PACKAGES = "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
XCB_LIBRARIES = ("libxcb-cursor.so.0", "libxcb-icccm.so.4", "libxcb-keysyms.so.1", "libxkbcommon-x11.so.0")
UNSEEN = ("offscreen", "minimal", "vnc", "linuxfb")


def why_no_editor(*, seen: bool = False) -> str:
    """What the editor lacks to start here, in words for a user; "" when it lacks nothing.

    Args:
        seen: an editor without a screen, which tests use, does not count.
    """
    return why_no_qt() or why_no_display(seen)


def why_no_qt() -> str:
    try:
        import_module("PySide6.QtWidgets")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PySide6":
            raise
        return "the editor needs PySide6, which is not installed: python -m pip install 'nodegraph[gui]'"
    except ImportError as error:  # "libEGL.so.1: cannot open shared object file: No such file or directory"
        return f"Qt cannot start: {error}\nOn Debian and Ubuntu it needs: sudo apt-get install {PACKAGES}"
    return ""


def why_no_display(seen: bool) -> str:
    if not sys.platform.startswith("linux"):
        return ""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform in UNSEEN:
        return f"QT_QPA_PLATFORM is {platform}, which shows nothing" if seen else ""
    if platform not in ("", "xcb") or (not platform and os.environ.get("WAYLAND_DISPLAY")):
        return ""
    if not os.environ.get("DISPLAY"):
        return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    missing = [name for name in XCB_LIBRARIES if not loads(name)]
    if missing:
        return (
            f"Qt cannot show a window: {', '.join(missing)} cannot be loaded\n"
            f"On Debian and Ubuntu it needs: sudo apt-get install {XCB_PACKAGES}"
        )
    return "" if display_answers() else f"the display {os.environ['DISPLAY']} does not answer"


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def display_answers() -> bool:
    """Whether the X server that DISPLAY names takes connections; True where that cannot be found out."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return answers


def start(file: str | None = None) -> int:
    """Open the editor, with a file if one is named, until its last window is closed; the exit status."""
    why = why_no_editor()
    if why:
        from .speaking import complain
        from .statuses import WRONG

        complain(f"nodegraph edit: {why}")
        if file is not None and Path(file).is_file():
            complain(f"Without it: nodegraph run {file}", fg=None)
        return WRONG
    status: int = import_module("nodegraph_gui.app").main([] if file is None else [file])
    return status


def is_plain(arguments: list[str]) -> bool:
    """Whether arguments ask for the editor and nothing else, so that no command line has to be read."""
    return arguments[:1] in ([], ["edit"]) and len(arguments) <= 2 and not any(arg[:1] == "-" for arg in arguments)
