"""How the editor looks: a dark theme and a light one, for Qt's widgets and for the canvas alike.

A theme is colours and sizes, nothing that Qt holds, so that it can be made before there is an application. A test holds
every text to the contrast of WCAG AA.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from zlib import crc32

from PySide6.QtGui import QColor, QFont, QPalette

from .catalogues import Catalogue
from .colours import mix, seen_on

__all__ = ["DARK", "LIGHT", "THEMES", "Theme"]


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb, sizes of letters in pixels.

    Attributes:
        canvas: the ground that nodes lie on; `grid` are its dots.
        node: a node's body; `header` its title's ground where no category tints it; `line` its edge.
        text: letters on all grounds; `quiet` those that matter less.
        field: the ground of a value in a node; `fill` its bar where there is a range.
        accent: what is selected or running; `on_accent` letters on it.
        window, base, raised: the grounds of windows, of lists and text areas, and of buttons.
        hues: what categories are told apart by.
    """

    name: str
    dark: bool
    canvas: str
    grid: str
    node: str
    header: str
    line: str
    text: str
    quiet: str
    field: str
    field_line: str
    fill: str
    accent: str
    on_accent: str
    good: str
    warning: str
    error: str
    bypass: str
    note: str
    note_line: str
    window: str
    base: str
    raised: str
    edge: str
    hues: tuple[str, ...]
    family: str = ""
    title_size: int = 13
    text_size: int = 12
    small_size: int = 11

    def font(self, size: int, *, bold: bool = False) -> QFont:
        font = QFont(self.family) if self.family else QFont()
        font.setPixelSize(size)
        if bold:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def wire(self, colour: str) -> str:
        """The colour of a type, so that it can be seen on this canvas and on a node's body."""
        return seen_on(seen_on(colour, self.canvas), self.node)

    def tint(self, colour: str) -> str:
        """A title's ground in the colour of a category: quiet, so that letters stay legible."""
        return mix(self.header, colour, 0.20 if self.dark else 0.16)

    def category_colours(self, catalogue: Catalogue) -> Mapping[str, str]:
        """A colour for each category; a category that is added later changes no other's.

        Each takes the hue that its name says, or the next that is free while there is one.
        """
        taken: dict[int, str] = {}
        for category in catalogue.categories:
            slot = crc32(category.encode()) % len(self.hues)
            while slot in taken and len(taken) < len(self.hues):
                slot = (slot + 1) % len(self.hues)
            taken.setdefault(slot, category)
        slots = {category: slot for slot, category in taken.items()}
        return {
            category: self.hues[slots.get(category, crc32(category.encode()) % len(self.hues))]
            for category in catalogue.categories
        }

    def palette(self) -> QPalette:
        """The colours of Qt's own widgets."""
        role, group = QPalette.ColorRole, QPalette.ColorGroup
        palette = QPalette()
        roles = {
            role.Window: self.window,
            role.WindowText: self.text,
            role.Base: self.base,
            role.AlternateBase: mix(self.base, self.raised, 0.5),
            role.Text: self.text,
            role.PlaceholderText: self.quiet,
            role.Button: self.raised,
            role.ButtonText: self.text,
            role.BrightText: self.error,
            role.ToolTipBase: self.raised,
            role.ToolTipText: self.text,
            role.Highlight: self.accent,
            role.HighlightedText: self.on_accent,
            role.Link: self.accent,
            role.LinkVisited: self.bypass,
            role.Light: mix(self.raised, "#ffffff", 0.12),
            role.Midlight: mix(self.raised, "#ffffff", 0.06),
            role.Mid: self.edge,
            role.Dark: mix(self.window, "#000000", 0.35),
            role.Shadow: "#000000",
            role.Accent: self.accent,
        }
        for one, colour in roles.items():
            palette.setColor(one, QColor(colour))
        faint = QColor(mix(self.quiet, self.window, 0.35))
        for one in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(group.Disabled, one, faint)
        return palette

    def colours(self) -> Mapping[str, str]:
        """Every single colour by its name."""
        pairs = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in pairs if isinstance(value, str) and value.startswith("#")}


DARK = Theme(
    name="dark",
    dark=True,
    canvas="#15171c",
    grid="#2f343e",
    node="#22252d",
    header="#2c303a",
    line="#3d4350",
    text="#e8ebf1",
    quiet="#a3acbb",
    field="#191c22",
    field_line="#333945",
    fill="#243f60",
    accent="#5fb0ff",
    on_accent="#0b1420",
    good="#5fd08a",
    warning="#f0b64a",
    error="#ff7b74",
    bypass="#b99cff",
    note="#2b2a22",
    note_line="#57523a",
    window="#1b1e24",
    base="#15171c",
    raised="#292d36",
    edge="#3d4350",
    hues=(
        "#4fa3e0",
        "#e0605a",
        "#5fbf6a",
        "#f2a33a",
        "#b07fe0",
        "#3fc6a8",
        "#e07fb0",
        "#d9c04a",
        "#7d8ff0",
        "#8bbf4d",
        "#d98a6a",
        "#4fc3d9",
    ),
)

LIGHT = Theme(
    name="light",
    dark=False,
    canvas="#f1f3f6",
    grid="#c3c9d3",
    node="#ffffff",
    header="#eceff4",
    line="#aeb7c6",
    text="#1b2029",
    quiet="#545e6e",
    field="#f3f5f8",
    field_line="#d3d9e2",
    fill="#cfe4fb",
    accent="#0f62c4",
    on_accent="#ffffff",
    good="#12723c",
    warning="#8a5800",
    error="#c1271d",
    bypass="#6a3fc0",
    note="#fff8dc",
    note_line="#dccf94",
    window="#f7f8fa",
    base="#ffffff",
    raised="#e9ecf1",
    edge="#c2c9d4",
    hues=(
        "#2f82c4",
        "#cc4640",
        "#3b9a48",
        "#cf7d0c",
        "#8f5bc8",
        "#1d9d80",
        "#c4568d",
        "#a98d10",
        "#5b6fd8",
        "#66962b",
        "#b86743",
        "#2a9bb3",
    ),
)

THEMES: Mapping[str, Theme] = MappingProxyType({"dark": DARK, "light": LIGHT})
