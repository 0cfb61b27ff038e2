"""Values of inputs and lengths of time, as a node has room to show them."""

from collections.abc import Mapping
from typing import Any

from .catalogues import Port
from .editors.scales import is_number, scale_of

__all__ = ["duration", "fraction", "value_text"]

LONGEST = 400  # letters; what is longer is cut before it is measured
WIDEST_RANGE = 20_000  # whole numbers; a bar says nothing of a wider one


def value_text(value: Any, port: Port | None = None) -> str:
    """The value in one line; of a text of several lines, all of them where the port has room for it."""
    if value is None:
        return "none" if port is None or not port.optional else "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.6g}"
    if value == "":
        return "–"
    if isinstance(value, str):
        return path_text(value) if port is not None and port.type == "Path" else value[:LONGEST]
    if isinstance(value, (list, tuple)):
        shown = ", ".join(value_text(each) for each in value[:20])
        return (shown + (", …" if len(value) > 20 else "")) or "–"
    if isinstance(value, Mapping):
        return f"{len(value)} entries"
    return str(value)[:LONGEST]


def path_text(value: str) -> str:
    """The last part of a path, with the folder it is in where that is short."""
    parts = value.replace("\\", "/").rstrip("/").split("/")
    return parts[-1] or value


def fraction(value: Any, port: Port | None) -> float | None:
    """How far a number is along the slider of its input; None where a bar would say nothing."""
    if port is None or not is_number(value) or port.schema.get("widget") == "seed":
        return None
    scale = scale_of(port)
    if scale is None or (scale.high - scale.low > WIDEST_RANGE and not scale.logarithmic):
        return None
    return scale.share(value)


def duration(seconds: float) -> str:
    """A length of time as one reads it: 0.24 s, 12 s, 3 min 05 s, 1 h 05 min."""
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
