"""The few colours that editors need, from the theme or else from the palette."""

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtGui import QColor, QPalette

__all__ = ["Look", "look_of", "style_of"]


class Look(Protocol):
    """What is asked of a theme: colours as #rrggbb."""

    @property
    def text(self) -> str: ...
    @property
    def quiet(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def field_line(self) -> str: ...
    @property
    def fill(self) -> str: ...
    @property
    def accent(self) -> str: ...
    @property
    def on_accent(self) -> str: ...
    @property
    def raised(self) -> str: ...
    @property
    def good(self) -> str: ...
    @property
    def warning(self) -> str: ...
    @property
    def error(self) -> str: ...


@dataclass(frozen=True)
class PaletteLook:
    """The colours of a palette; those that a palette has not are chosen to be read on its ground."""

    text: str
    quiet: str
    field: str
    field_line: str
    fill: str
    accent: str
    on_accent: str
    raised: str
    good: str
    warning: str
    error: str


def look_of(theme: Look | None, palette: QPalette) -> Look:
    """The theme's colours, or those of the palette."""
    if theme is not None:
        return theme
    role = QPalette.ColorRole
    dark = palette.color(role.Window).lightness() < 128
    text, base, accent = palette.color(role.Text), palette.color(role.Base), palette.color(role.Highlight)
    return PaletteLook(
        text=text.name(),
        quiet=mixed(text, base, 0.35),
        field=base.name(),
        field_line=mixed(text, base, 0.75),
        fill=mixed(accent, base, 0.55),
        accent=accent.name(),
        on_accent=palette.color(role.HighlightedText).name(),
        raised=palette.color(role.Button).name(),
        good="#5fd08a" if dark else "#12723c",
        warning="#f0b64a" if dark else "#8a5800",
        error="#ff7b74" if dark else "#c1271d",
    )


def mixed(one: QColor, other: QColor, share: float) -> str:
    parts = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(a + (b - a) * share) for a, b in parts)).name()


def style_of(look: Look) -> str:
    """The style of an editor's widgets: flat fields with round corners, a line around what has the keyboard."""
    return f"""
QLineEdit, QPlainTextEdit, QComboBox, QListWidget {{
    background: {look.field}; color: {look.text}; border: 1px solid {look.field_line}; border-radius: 4px;
    padding: 3px 6px; selection-background-color: {look.accent}; selection-color: {look.on_accent};
}}
QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus, QListWidget:focus {{ border-color: {look.accent}; }}
QLineEdit[wrong="true"], QPlainTextEdit[wrong="true"], QComboBox[wrong="true"], QListWidget[wrong="true"] {{
    border-color: {look.error};
}}
QComboBox::drop-down {{ border: none; width: 20px; }}
QPushButton, QToolButton {{
    background: {look.raised}; color: {look.text}; border: 1px solid {look.field_line}; border-radius: 4px;
    padding: 3px 8px;
}}
QPushButton:hover, QToolButton:hover, QPushButton:focus, QToolButton:focus {{ border-color: {look.accent}; }}
QPushButton:checked, QToolButton:checked {{
    background: {look.fill}; border-color: {look.accent};
}}
QPushButton:disabled, QToolButton:disabled {{ color: {look.quiet}; }}
QLabel#problem {{ color: {look.error}; }}
QLabel#unit, QLabel#quiet {{ color: {look.quiet}; }}
"""
