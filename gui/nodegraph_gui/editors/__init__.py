"""Editors of values: one kind for each kind of input, made by `make_editor`.

The same editors stand in the inspector and, as the one that is open, in a node on the canvas.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from ..catalogues import Port
from ..seeds import is_seed
from .choices import ChoiceEditor
from .editor import Editor
from .lines import LineEditor
from .lists import ListEditor
from .looks import Look
from .paths import PathEditor
from .scales import scale_of
from .seeds import SeedEditor
from .sliders import SliderEditor
from .switches import SwitchEditor
from .texts import TextEditor
from .whole_numbers import NumberEditor

if TYPE_CHECKING:
    from ..gui_plugins import GuiPlugins

__all__ = ["Editor", "make_editor"]

MOST_STEPS = 1000  # whole numbers that are still told apart on a slider that is not logarithmic


def make_editor(
    port: Port,
    value: Any,
    parent: QWidget | None = None,
    *,
    theme: Look | None = None,
    folder: Path | None = None,
    compact: bool = False,
    plugins: "GuiPlugins | None" = None,
    kind: str = "",
) -> Editor:
    """The editor for an input, showing a value; a plugin's where one has it.

    Args:
        value: right or wrong, as the graph has it; the default where the graph has none.
        theme: its colours; those of the palette, when None.
        folder: where relative paths start.
        compact: for one row of a node on the canvas.
        plugins: who is asked first.
        kind: the type of the node, which plugins may go by.
    """
    made = plugins.make_editor(port, value, parent, kind=kind) if plugins is not None else None
    if made is not None:
        return made
    return kind_of(port)(port, value, parent, theme=theme, folder=folder, compact=compact)


def kind_of(port: Port) -> type[Editor]:
    """The class of the editor for an input."""
    if port.is_list:
        return ListEditor
    if port.choices is not None:
        return ChoiceEditor
    if port.type == "bool":
        return SwitchEditor
    if port.type == "Path":
        return PathEditor
    if port.type in ("int", "float"):
        return number_kind(port)
    return TextEditor if port.schema.get("multiline") else LineEditor


def number_kind(port: Port) -> type[Editor]:
    if is_seed(port):
        return SeedEditor
    scale = scale_of(port)
    if scale is None or port.optional:
        return NumberEditor
    narrow = not scale.whole or scale.logarithmic or scale.high - scale.low <= MOST_STEPS
    return SliderEditor if narrow else NumberEditor

