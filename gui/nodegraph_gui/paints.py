"""Pens, brushes, letters: what the theme becomes when Qt draws it; made once and shared by all items of a scene."""

from collections.abc import Mapping
from functools import cached_property

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainterPath, QPen

from .catalogues import Catalogue, Port
from .colours import mix, seen_on
from .faces import title_path
from .themes import Theme

__all__ = ["Paints"]


class Paints:
    """The tools of a theme, for the colours of a catalogue."""

    def __init__(self, theme: Theme, catalogue: Catalogue) -> None:
        self.theme = theme
        self.catalogue = catalogue
        self.categories: Mapping[str, str] = theme.category_colours(catalogue)
        self.title_font = theme.font(theme.title_size, bold=True)
        self.text_font = theme.font(theme.text_size)
        self.small_font = theme.font(theme.small_size)
        self.title_metrics = QFontMetricsF(self.title_font)
        self.text_metrics = QFontMetricsF(self.text_font)
        self.small_metrics = QFontMetricsF(self.small_font)
        self.text_height = self.text_metrics.height()
        self.no_pen = QPen(Qt.PenStyle.NoPen)
        self.no_brush = QBrush(Qt.BrushStyle.NoBrush)
        self._names: dict[int, tuple[QFont, QFontMetricsF]] = {}
        self._colours: dict[str, QColor] = {}
        self._pens: dict[tuple[str, float, bool], QPen] = {}
        self._brushes: dict[str, QBrush] = {}
        self._wires: dict[str, str] = {}
        self._ports: dict[str, str] = {}
        self._letters: dict[tuple[str, str], QPen] = {}
        self._categories: dict[tuple[str, str], tuple[str, str]] = {}
        self._title_paths: dict[tuple[float, bool], QPainterPath] = {}

    def name_font(self, pixels: int) -> tuple[QFont, QFontMetricsF]:
        """Letters of so many pixels of the scene, for nodes that are seen small."""
        found = self._names.get(pixels)
        if found is None:
            font = QFont(self.title_font)
            font.setPixelSize(pixels)
            found = self._names[pixels] = font, QFontMetricsF(font)
        return found

    def colour(self, text: str) -> QColor:
        found = self._colours.get(text)
        if found is None:
            found = self._colours[text] = QColor(text)
        return found

    def brush(self, text: str) -> QBrush:
        found = self._brushes.get(text)
        if found is None:
            found = self._brushes[text] = QBrush(QColor(text))
        return found

    def pen(self, text: str, width: float = 1.0, dashed: bool = False) -> QPen:
        """A pen; of width 0, it is one pixel wide at every zoom."""
        key = (text, width, dashed)
        found = self._pens.get(key)
        if found is None:
            found = QPen(QColor(text), width)
            found.setCapStyle(Qt.PenCapStyle.FlatCap if dashed else Qt.PenCapStyle.RoundCap)
            if width == 0:
                found.setCosmetic(True)
            if dashed:
                found.setDashPattern([4.0, 3.0])
            self._pens[key] = found
        return found

    def wire(self, colour: str) -> str:
        """The colour of a type as it is seen on this theme's canvas."""
        found = self._wires.get(colour)
        if found is None:
            found = self._wires[colour] = self.theme.wire(colour)
        return found

    def category(self, category: str, own: str = "") -> tuple[str, str]:
        """The strip and the ground of a title; `own` is a colour that the user gave the node."""
        found = self._categories.get((category, own))
        if found is None:
            colour = own or self.categories.get(category, self.theme.quiet)
            found = seen_on(colour, self.theme.node), self.theme.tint(colour)
            self._categories[category, own] = found
        return found

    def on(self, ground: str, colour: str) -> QPen:
        """A pen for letters in about that colour that can be read on a ground, whatever colour a user gave it."""
        found = self._letters.get((ground, colour))
        if found is None:
            found = self._letters[ground, colour] = self.pen(seen_on(colour, ground, 4.5))
        return found

    def port_colour(self, port: Port | None) -> str:
        """The colour of what goes through a port."""
        if port is None:
            return self.theme.quiet
        found = self._ports.get(port.type)
        if found is None:
            found = self._ports[port.type] = self.wire(self.catalogue.colour(port.base_type))
        return found

    def halo(self, colour: str) -> QBrush:
        key = f"halo {colour}"
        found = self._brushes.get(key)
        if found is None:
            light = QColor(colour)
            light.setAlphaF(0.38)
            found = self._brushes[key] = QBrush(light)
        return found

    def title_path(self, width: float, collapsed: bool) -> QPainterPath:
        found = self._title_paths.get((width, collapsed))
        if found is None:
            found = self._title_paths[width, collapsed] = title_path(width, collapsed)
        return found

    @cached_property
    def hatch(self) -> QBrush:
        return QBrush(QColor(mix(self.theme.header, self.theme.line, 0.7)), Qt.BrushStyle.BDiagPattern)
